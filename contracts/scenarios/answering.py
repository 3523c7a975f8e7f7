"""What runs that wait for tools promise: they take each result once, record it and go on."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft
from sparring.spec.pointers import EACH

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import has
from ..driving.prompts import prompts
from ..driving.runs import MOVING, Run, follow, id_of, look, run_draft
from ..driving.turns import answers_json, as_json, message_draft, say, streams
from ..target.target import Limits
from ..world import Line, succeeded
from .run_following import starting
from .running import reading, runnable
from .stopping import cancels

ACT, CREATE = Role.RUN_ACT, Role.RUN_CREATE


def takes_results(document: Document, operation: Operation) -> str:
    """The operation takes the results of the tools that a run waits for."""
    binding = operation.binding
    if binding is None or binding.tool_call is None or binding.tool_output is None:
        return "the operation takes no tool results"
    waits = any("waiting" in o.binding.run.states for o in starting(document) if o.binding)
    return "" if waits else "no run waits for a tool"


def waiting(context: Context) -> tuple[str, Run, str]:
    """A run that waits for tools: its session, itself, and the text that has made it wait.

    Raises NotChecked where nothing that is known makes one wait.
    """
    get = reading(context.document, context.operation)
    for talk in (o for o in starting(context.document) if answers_json(o)):
        for text in prompts(context.alice, talk).telling:
            session = context.alice.create().id
            draft = message_draft(context.alice, talk, session, [text])
            exchange = context.alice.expect(as_json(draft) if streams(talk) else draft)
            id = id_of(talk, exchange)
            if get is None or id is None:
                continue
            run = follow(context.alice, get, session, id)
            if run.state == "waiting" and calls_of(run.shown):
                return session, run, text
    raise NotChecked("nothing that is known makes the agent call a tool")


def calls_of(shown: Any) -> list[str]:
    """The ids of the calls that a run waits for: of the objects in it that have an id and a name,
    or the function that is called."""
    found = []
    for node in _objects(shown):
        id = next((node[k] for k in ("id", "callId", "call_id", "toolCallId") if k in node), None)
        is_call = {"name", "function", "toolName", "tool_name"} & set(node)
        if isinstance(id, str) and is_call:
            found.append(id)
    return found


def _objects(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from _objects(inner)


def result_draft(context: Context, session: str, run: str, results: Mapping[str, str]) -> Draft:
    """A request that gives the results of calls. Raises NotChecked where it can't give them."""
    binding = context.operation.binding
    assert binding is not None
    draft = run_draft(context.alice, context.operation, session, run)
    if (
        binding.tool_call is None
        or binding.tool_output is None
        or binding.tool_output.part != "body"
    ):
        raise NotChecked("the body has no results")
    call_at, output_at = binding.tool_call, pointers.split(binding.tool_output.name)
    index = next((n for n, token in enumerate(call_at) if token in (EACH, "0", "-1")), None)
    body = draft.body if isinstance(draft.body, dict) else {}
    if index is None:
        if len(results) != 1:
            raise NotChecked("a request gives one result")
        for call, output in results.items():
            pointers.put(body, call_at, call)
            pointers.put(body, output_at, output)
    else:
        rows = []
        template = pointers.first(body, (*call_at[:index], "0"), {})
        for call, output in results.items():
            row = copy.deepcopy(template) if isinstance(template, dict) else {}
            pointers.put(row, call_at[index + 1 :], call)
            pointers.put(row, output_at[index + 1 :], output)
            rows.append(row)
        pointers.put(body, call_at[:index], rows)
    if not context.world.bodies.is_valid(context.operation, body):
        raise NotChecked("the operation does not take these results")
    draft.body = body
    return draft


needs = first_reason(takes_results, runnable, has(Role.MESSAGE_LIST))


def answered(context: Context) -> tuple[str, Run, dict[str, str], list[Line]]:
    """A run that got its results and is over: its session, itself, the results, the history."""
    session, run, _ = waiting(context)
    results = {call: f"result {context.world.bodies.fresh()}" for call in calls_of(run.shown)}
    context.alice.expect(result_draft(context, session, run.id, results))
    get = reading(context.document, context.operation)
    assert get is not None
    found = follow(context.alice, get, session, run.id)
    return session, found, results, context.alice.history(session)


@scenario("run.answered", ACT, needs=needs)
def results_are_taken_once(context: Context) -> None:
    """A run takes results for its own calls, goes on, and takes none when it is over."""
    session, run, _ = waiting(context)
    get = reading(context.document, context.operation)
    assert get is not None
    calls = calls_of(run.shown)
    stranger = {f"{calls[0]}x": "of nobody", **dict.fromkeys(calls[1:], "fine")}
    strange = context.alice.send(result_draft(context, session, run.id, stranger))
    state = look(context.alice, get, session, Run(run.id)).state
    if succeeded(strange) and state != "waiting":
        context.fail("no way on with the result of a call that there is not", str(state))
        return
    results = dict.fromkeys(calls, "done")
    context.alice.expect(result_draft(context, session, run.id, results))
    after = follow(context.alice, get, session, run.id)
    if after.state == "waiting" and set(calls_of(after.shown)) & set(calls):
        context.fail("a run that goes on with the results", "it waits for the same calls")
        return
    if after.state in MOVING:
        context.fail("a run that comes to an end", str(after.state))
        return
    before = [line.raw for line in context.alice.history(session)]
    context.alice.send(result_draft(context, session, run.id, results))
    follow(context.alice, get, session, run.id)
    if [line.raw for line in context.alice.history(session)] != before:
        context.fail("nothing new by results that are given again", "the history changed")


@scenario("tool.recorded", ACT, needs=needs)
def results_reach_the_history(context: Context) -> None:
    """Where messages of tools have a word, each result stands in the history once, as it was sent,
    and behind it one reply."""
    _, run, results, lines = answered(context)
    words = context.document.model.message.role
    if words is not None and "tool" in words.words:
        said = [line.text for line in lines if line.role == "tool"]
        if sorted(map(str, said)) != sorted(results.values()):
            context.fail("the results of tools in the history", f"{show(said)}")
    replies = [line for line in lines if line.role == "agent" and line.text]
    if run.state == "done" and not replies:
        context.fail("a reply behind the results of tools", "none")
    texts = [line.text for line in replies]
    if len(set(texts)) < len(texts):
        context.fail("the reply once", show(texts))


@scenario("stop.partial", ACT, needs=first_reason(cancels, runnable))
def waiting_runs_can_be_stopped(context: Context) -> None:
    """A run that waits for a tool can be stopped."""
    session, run, _ = waiting(context)
    get = reading(context.document, context.operation)
    assert get is not None
    answer = context.alice.send(run_draft(context.alice, context.operation, session, run.id))
    if not succeeded(answer):
        context.fail("a success for stopping a run that waits", str(answer.response.status))
    elif (state := follow(context.alice, get, session, run.id).state) != "stopped":
        context.fail("a run that is stopped while it waits", str(state))


@scenario("run.states", CREATE, needs=runnable)
def waiting_runs_are_told_as_such(context: Context) -> None:
    """A run that waits has the calls that it waits for, and a stream of it ends as others do."""
    if not streams(context.operation):
        raise NotChecked("the run is not streamed")
    _, _, text = waiting(context)
    session = context.alice.create().id
    plain = say(context.alice, context.operation, session, "Hello.", stream=True)
    turn = say(
        context.alice,
        context.operation,
        context.alice.create().id,
        text,
        stream=True,
        limits=Limits(seconds=8),
    )
    ends = [t.arrivals[-1].event.event if t.arrivals else "" for t in (plain, turn)]
    sentinel = plain.arrivals and plain.arrivals[-1].event.data
    is_mark = isinstance(sentinel, str) and not sentinel.startswith("{")
    if is_mark and ends[0] != ends[1]:
        context.fail("the same end of the stream for a run that waits", show(ends[1]))
