"""The operations on runs and messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from . import agent
from .pages import cut
from .state import Message, Run, State, Thread
from .threads import MISSING, find, once
from .wire import Call, Refusal, Reply, word

SSE = "text/event-stream"


def _run(state: State, call: Call) -> tuple[Thread, Run]:
    thread = find(state, call)
    run = thread.runs.get(call.ids["runId"])
    if run is None and state.bad("run.found-in-other-thread"):
        own = [t for t in state.threads.values() if t.owner == call.user]
        run = next((t.runs[call.ids["runId"]] for t in own if call.ids["runId"] in t.runs), None)
    if run is None:
        raise Refusal(404, "not_found", MISSING, "runId")
    return thread, run


def _message(state: State, call: Call) -> tuple[Thread, Message]:
    thread = find(state, call)
    for message in thread.messages:
        if message.id == call.ids["messageId"]:
            return thread, message
    raise Refusal(404, "not_found", MISSING, "messageId")


def _free(state: State, thread: Thread) -> None:
    """Refuses what an archived or a busy thread does not take."""
    if thread.status == "archived" and not state.bad("talk.archived-talks"):
        raise Refusal(409, "thread_archived", "The thread is archived.")
    if thread.active is not None and not state.bad("run.second-run-taken"):
        raise Refusal(409, "run_in_progress", "A run is unfinished.")


def _stream(state: State, run: Run, after: int = 0) -> Reply:
    kind = "text/plain" if state.bad("stream.media-type") else SSE
    return Reply(200, stream=_tied(state, run, after), headers={"Content-Type": kind})


async def _tied(state: State, run: Run, after: int) -> AsyncIterator[bytes]:
    try:
        async for piece in agent.follow(state, run, after):
            yield piece
    except (asyncio.CancelledError, GeneratorExit):
        if state.bad("stream.hang-up-kills") and run.task is not None:
            run.task.cancel()
        raise


async def create_run(state: State, call: Call) -> Reply:
    thread = find(state, call)
    bad = state.bad
    if bad("race.second-run"):
        _free(state, thread)
        await asyncio.sleep(0.06)

    def act() -> Reply:
        if not bad("race.second-run"):
            _free(state, thread)
        run = Run(state.id("run"), thread.id, call.body["input"], state.next())
        thread.runs[run.id] = run
        thread.active = run.id
        state.last_thread = thread
        state.say(thread, "user", run.input, run.id)
        if bad("talk.streamed-twice") and call.body.get("stream"):
            state.say(thread, "user", run.input, run.id)
        agent.emit(run, "run.created", state.run(run))
        agent.start(state, thread, run)
        if not call.body.get("stream", False):
            return Reply(202, {"data": state.run(run)})
        reply = _stream(state, run)
        reply.again = lambda: _stream(state, run)
        return reply

    if bad("idempotency.refusals-kept") and "idempotency-key" in call.headers:
        key = ("refused", call.user, call.path, call.headers["idempotency-key"])
        if key in state.refused:
            raise Refusal(*state.refused[key])
        try:
            return await once(state, call, act)
        except Refusal as refusal:
            state.refused[key] = (refusal.status, refusal.code, refusal.message)
            raise
    return await once(state, call, act)


async def list_runs(state: State, call: Call) -> Reply:
    thread = find(state, call)
    rows = [(run.ordinal, run) for run in thread.runs.values()]

    def show(run: Run) -> dict[str, Any]:
        shown = state.run(run)
        if state.bad("run.list-is-stale"):
            shown["status"] = "queued"
        return shown

    return cut(state, call, rows, True, lambda _: True, show)


async def get_run(state: State, call: Call) -> Reply:
    _, run = _run(state, call)
    return Reply(200, {"data": state.run(run)})


async def cancel_run(state: State, call: Call) -> Reply:
    thread, run = _run(state, call)
    if run.status == "requiresAction" and state.bad("run.waiting-not-cancelled"):
        raise Refusal(409, "run_not_running", "The run waits.")
    if not run.unfinished and not state.bad("run.ended-is-cancelled"):
        raise Refusal(409, "run_ended", "The run has ended.")
    agent.cancel(state, thread, run)
    return Reply(200, {"data": state.run(run)})


async def submit_tool_outputs(state: State, call: Call) -> Reply:
    bad = state.bad
    thread, run = _run(state, call)
    again = bad("run.outputs-taken-twice") and run.calls and run.status == "completed"
    if run.status != "requiresAction" and not again:
        raise Refusal(409, "no_action_required", "The run waits for nothing.")
    given = [output["toolCallId"] for output in call.body["toolOutputs"]]
    wanted = [tool["id"] for tool in run.calls]
    unknown = [id for id in given if id not in wanted]
    if unknown and not bad("run.unknown-output-taken"):
        raise Refusal(422, "invalid_request", "There is no such call.", "toolOutputs")
    missing = set(wanted) - set(given) and not bad("run.part-is-enough")
    uneven = missing or len(set(given)) != len(given)
    if uneven and not bad("run.unknown-output-taken"):
        raise Refusal(422, "invalid_request", "One output for each call.", "toolOutputs")
    for output in call.body["toolOutputs"]:
        content = output["output"]
        run.outputs.append("" if bad("run.outputs-unread") else content)
        if not bad("talk.tool-not-recorded"):
            state.say(thread, "tool", content, run.id)
    run.status = "queued" if bad("run.resumes-as-queued") else "running"
    run.said = []
    agent.start(state, thread, run)
    return Reply(200, {"data": state.run(run)})


async def stream_run_events(state: State, call: Call) -> Reply:
    bad = state.bad
    _, run = _run(state, call)
    text = call.headers.get("last-event-id")
    after = 0
    if text is not None and not bad("stream.resume-ignored"):
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Refusal(422, "invalid_request", "It must be the id of an event.", "Last-Event-ID")
        after = int(text)
        if bad("stream.resume-repeats"):
            after -= 1
        if bad("stream.resume-skips"):
            after += 1
    if bad("stream.only-live") and not run.unfinished:
        after = len(run.events)
    return _stream(state, run, after)


async def list_messages(state: State, call: Call) -> Reply:
    thread = find(state, call)
    order = word(call, "order", ("asc", "desc"))
    role = word(call, "role", ("user", "assistant", "tool"))
    bad = state.bad

    def show(message: Message) -> dict[str, Any]:
        shown = state.message(message)
        if bad("talk.feedback-not-listed"):
            shown["feedback"] = None
        return shown

    def keep(message: Message) -> bool:
        told = "assistant" if bad("query.tools-as-assistant") else "tool"
        return role in (None, message.role if message.role != "tool" else told)

    rows = [(message.sequence, message) for message in thread.messages]
    return cut(state, call, rows, order == "desc", keep, show)


async def add_message(state: State, call: Call) -> Reply:
    thread = find(state, call)
    _free(state, thread)
    if state.bad("race.sequence"):
        place = len(thread.messages) + 1
        await asyncio.sleep(0.06)
        message = state.say(thread, call.body["role"], call.body["content"], None)
        message.sequence = place
    else:
        message = state.say(thread, call.body["role"], call.body["content"], None)
    return Reply(201, {"data": state.message(message)})


async def get_message(state: State, call: Call) -> Reply:
    _, message = _message(state, call)
    return Reply(200, {"data": state.message(message)})


async def rate_message(state: State, call: Call) -> Reply:
    thread, message = _message(state, call)
    if state.bad("talk.feedback-on-last"):
        message = thread.messages[-1]
    said = {"rating": call.body["rating"], "comment": call.body.get("comment")}
    if state.bad("talk.feedback-merged") and message.feedback and "comment" not in call.body:
        said["comment"] = message.feedback["comment"]
    message.feedback = said
    return Reply(200, {"data": state.message(message)})
