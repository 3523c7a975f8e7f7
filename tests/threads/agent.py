"""The assistant: what it answers, the log of events of a run, and its streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from .state import Run, State, Thread, now
from .wire import dump

PAUSE = 0.01


def emit(run: Run, event: str, data: object) -> None:
    """Appends to the log of the run and wakes who follows it."""
    run.events.append((len(run.events) + 1, event, data))
    wake(run)


def wake(run: Run) -> None:
    run.changed.set()
    run.changed = asyncio.Event()


def answer(run: Run) -> str:
    """Sentences that follow from what was said."""
    words = run.input.split()
    told = f" The tool says: {' / '.join(run.outputs)}." if run.outputs else ""
    return f'You said "{run.input[:200]}".{told} That is {len(words)} word(s), thank you.'


def pieces(state: State, text: str) -> list[str]:
    size = max(6, -(-len(text) // 24))
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    if state.bad("stream.pieces-trimmed"):
        parts = [part.strip() for part in parts]
    if state.bad("stream.long-reply-cut"):
        parts = parts[:20]
    return parts


def start(state: State, thread: Thread, run: Run) -> None:
    run.task = asyncio.create_task(_go(state, thread, run))


async def _go(state: State, thread: Thread, run: Run) -> None:
    bad = state.bad
    await asyncio.sleep(PAUSE)
    run.status = "running"
    resumed = bool(run.outputs)
    if resumed:
        if bad("stream.ids-restart"):
            run.events = []
        emit(run, "run.resumed", state.run(run))
    if "weather" in run.input and not resumed:
        call = {"id": state.id("call"), "name": "getWeather"}
        run.calls = [call | {"arguments": {"question": run.input}}]
        if run.input.count("weather") > 1:
            more = {"id": state.id("call"), "name": "getWeather"}
            run.calls.append(more | {"arguments": {"question": "and then"}})
        run.status = "requiresAction"
        emit(run, "run.requiresAction", state.run(run))
        return
    run.begun = state.id("msg")
    text = answer(run)
    parts = pieces(state, text)
    for index, part in enumerate(parts):
        await asyncio.sleep(0 if bad("stream.all-at-once") else PAUSE)
        run.said.append(part)
        shown = 0 if bad("stream.index-stays") else index
        delta = {"runId": run.id, "messageId": run.begun, "index": shown, "delta": part}
        if bad("stream.last-piece-missing") and index == len(parts) - 1:
            continue
        if bad("stream.other-message-id"):
            delta["messageId"] = state.id("msg")
        if not bad("stream.all-at-once"):
            emit(run, "message.delta", delta)
        else:
            run.events.append((len(run.events) + 1, "message.delta", delta))
    if bad("stream.all-at-once"):
        await asyncio.sleep(PAUSE * len(parts))
    if bad("run.completed-too-early"):
        run.status, run.reply, run.ended = "completed", run.begun, now()
        await asyncio.sleep(0.25)
    place = thread
    if bad("talk.reply-to-latest-thread") and state.last_thread is not None:
        place = state.last_thread
    named = None if bad("talk.run-id-missing") else run.id
    message = state.say(place, "assistant", text, named, run.begun)
    if bad("talk.reply-twice") and resumed:
        state.say(place, "assistant", text, named)
    shown_message = state.message(message)
    if bad("stream.completed-differs"):
        shown_message["content"] = message.content.rstrip(".")
    emit(run, "message.completed", shown_message)
    told, said_count = len(run.input.split()), len(text.split())
    run.usage = {"inputTokens": told, "outputTokens": said_count, "totalTokens": told + said_count}
    if bad("stream.last-run-stale"):
        emit(run, "run.completed", state.run(run))
    run.status, run.reply, run.ended = "completed", run.begun, now()
    thread.active = None
    if not bad("stream.last-run-stale"):
        emit(run, "run.completed", state.run(run))


def cancel(state: State, thread: Thread, run: Run) -> None:
    """Ends a run where it stands."""
    bad = state.bad
    if run.task is not None and not bad("run.cancelled-goes-on"):
        run.task.cancel()
    if bad("talk.cancel-takes-question"):
        thread.messages = [m for m in thread.messages if m.run != run.id]
    if bad("talk.gap-after-cancel"):
        thread.skipped += 1
    if run.said and not bad("run.partial-lost"):
        message = state.say(thread, "assistant", "".join(run.said), run.id, run.begun)
        message.status = "completed" if bad("run.partial-completed") else "incomplete"
        run.reply = message.id
    run.status, run.ended = "cancelled", now()
    if not bad("run.thread-stays-busy"):
        thread.active = None
    emit(run, "run.cancelled", state.run(run))


async def follow(state: State, run: Run, after: int) -> AsyncIterator[bytes]:
    """The stream of a run: what is behind `after`, until it rests."""
    bad = state.bad
    sent = after
    while True:
        changed = run.changed
        for id, event, data in [row for row in run.events if row[0] > sent]:
            sent = id
            if bad("stream.names-missing") and event == "message.completed":
                event = "message"
            yield f"id: {id}\nevent: {event}\ndata: ".encode() + dump(data) + b"\n\n"
        if changed is run.changed:
            if run.status in ("completed", "cancelled", "requiresAction") and settled(run):
                break
            await changed.wait()
    if not (bad("stream.no-done-at-tool") and run.status == "requiresAction"):
        yield b"event: done\ndata: [DONE]\n\n"


def settled(run: Run) -> bool:
    """Whether nothing more is said before somebody acts."""
    ends = ("run.completed", "run.cancelled", "run.requiresAction")
    return not run.events or run.events[-1][1] in ends
