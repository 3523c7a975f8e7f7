"""What turns with tools promise: they end and are recorded as others are, their parts add up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sparring.spec import pointers
from sparring.spec.meaning.binding import Location, Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft, expression, flat, put
from sparring.spec.turn import TERMINAL, Kind

from ..checks import Context, NotChecked, first_reason, same, scenario, show
from ..driving.attributes import item_properties
from ..driving.bodies import RICH_OBJECT
from ..driving.comparing import at, has
from ..driving.lists import history_operation
from ..driving.made import TALKING
from ..driving.negatives import words_elsewhere
from ..driving.prompts import prompts
from ..driving.turns import Turn, message_draft, say, streams, ways
from ..world import succeeded
from .again import check_count
from .history import lists_events
from .streams import ends, streamed, talks, without_sentinel
from .talk import speakable, texts_of

TALK = Role.MESSAGE_CREATE
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_SAID = (Kind.CHUNK, Kind.MESSAGE, Kind.TOOL_RESULT)
_FINISHED = ("stop", "end", "endturn", "done", "complete", "completed", "finished")
_CALLED = ("tool", "tools", "tooluse", "toolcalls")


def takes_results(document: Document, operation: Operation) -> str:
    """The operation takes the result of a tool, and the events have room for it."""
    binding, event = operation.binding, document.model.event
    if binding is None or binding.tool_call is None or binding.kind is None:
        return "the operation takes no tool results"
    if event.kind is None or "tool_result" not in event.kind.words or "result" not in event.tool:
        return "the model has no tool results"
    lists = document.with_role(Role.MESSAGE_LIST)
    return "" if any(not lists_events(document, o) for o in lists) else "no event list"


def result_draft(context: Context, session: str, call: str, result: Any) -> Draft | None:
    """A request that gives a tool's result; None where it does not fit the document."""
    binding, kinds = context.operation.binding, context.document.model.event.kind
    place = expression(context.document, context.operation, "tool", "output")
    if binding is None or binding.kind is None or binding.tool_call is None or kinds is None:
        return None
    draft = context.alice.draft(context.operation, session)
    draft.body = {}
    pointers.put(draft.body, binding.kind, kinds.words["tool_result"])
    pointers.put(draft.body, binding.tool_call, call)
    if place is not None:
        put(context.document, draft, place, result)
    fits = context.world.bodies.is_valid(context.operation, draft.body)
    return context.alice.aim(draft, session) if fits else None


@scenario("tool.recorded", TALK, needs=first_reason(takes_results, has(Role.SESSION_CREATE)))
def results_are_recorded(context: Context) -> None:
    """Results of every JSON type stand in the event list with the id of their call."""
    session = context.alice.create().id
    sent: list[list[Any]] = []
    for n, result in enumerate((RICH_OBJECT, [1, None], "text", 0, False, None)):
        if _give(context, session, f"call_{n}", result):
            sent.append([f"call_{n}", result])
    if not sent:
        raise NotChecked("the target takes no result without a call")
    _check_results(context, session, sent)


@scenario("tool.recorded", TALK, needs=first_reason(takes_results, talks))
def awaited_results_are_recorded(context: Context) -> None:
    """The result of a call that waits stands in the event list with the id of the call."""
    for text in prompts(context.alice, context.operation).telling:
        session, turn = streamed(context, text)
        for call in filter(None, waiting_calls(turn)):
            if _give(context, session, call, RICH_OBJECT):
                _check_results(context, session, [[call, RICH_OBJECT]])


def _give(context: Context, session: str, call: str, result: Any) -> bool:
    """Gives the result of a call; whether it was taken, and the turn that it begins went well."""
    draft = result_draft(context, session, call, result)
    if draft is None:
        return False
    if not streams(context.operation):
        return succeeded(context.alice.send(draft))
    with context.alice.open(draft) as stream:
        stream.drain()
    reader = context.world.stream(context.operation)
    failed = any(reader.read(found.event).kind is Kind.ERROR for found in stream.arrivals)
    return succeeded(stream.exchange) and not failed


def _check_results(context: Context, session: str, sent: list[list[Any]]) -> None:
    """Fails unless the results of these calls are listed as they were sent, in that order."""
    event, calls = context.document.model.event, [call for call, _ in sent]
    lists = context.document.with_role(Role.MESSAGE_LIST)
    operation = next(o for o in lists if not lists_events(context.document, o))
    found = [
        [call, result_of(line.raw, event.tool["result"])]
        for line in context.alice.lines(operation, context.alice.all(operation, session))
        if line.kind == "tool_result"
        and (call := pointers.first(line.raw, event.tool.get("id", ()))) in calls
    ]
    if not same(found, sent):
        context.fail("the results of tools in the event list", f"{show(found)} of {show(sent)}")


def result_of(raw: Any, location: tuple[str, ...]) -> Any:
    """The result that an event has, or what says that it has none."""
    return next(pointers.find(raw, location), "(no result)")


@scenario("talk.recorded", *TALKING, needs=speakable)
def turns_with_tools_are_recorded(context: Context) -> None:
    """Where the agent does more than answer, the history has what was said, and each message with
    all that it was answered with."""
    shown = item_properties(context.document, history_operation(context.world))
    for text in prompts(context.alice, context.operation).telling:
        for stream in ways(context.operation):
            session = context.alice.create().id
            turn = say(context.alice, context.operation, session, text, stream=stream)
            lines = context.alice.history(session)
            said = [line.text for line in lines if line.role == "user"]
            missing = {reply.text for reply in turn.reply if reply.text}
            answered = [line.text for line in lines if line.role != "user" and line.text]
            missing -= {*answered, "".join(answered)}  # pieces need not name their message
            if all(line.role in ("user", "agent") and line.text for line in lines):
                check_count(context, session, lines)  # what is told of tools may count or not
            if said != [text]:
                context.fail("what was said once, where tools are called", show(said))
            elif missing:
                context.fail("what was answered, where tools are called", show(sorted(missing)))
            stored = {line.id: line.raw for line in lines if line.id is not None}
            for reply in turn.reply:
                if lost := _lost(reply.raw, stored.get(reply.id), shown):
                    context.fail("all of an answered message in the history", f"no {lost}")


def _lost(answered: Any, stored: Any, shown: Mapping[str, Any]) -> str:
    """A member of a message that only the answer has, though the history has room for it."""
    if not isinstance(answered, dict) or not isinstance(stored, dict):
        return ""
    filled = (n for n, value in answered.items() if n in shown and value not in _EMPTY)
    return next((name for name in filled if stored.get(name) in _EMPTY), "")


@scenario("talk.recorded", *TALKING, needs=speakable)
def turns_after_a_failure_are_recorded(context: Context) -> None:
    """A turn that fails leaves a session in which the next one does not."""
    for text in prompts(context.alice, context.operation).failing:
        session = context.alice.create().id
        say(context.alice, context.operation, session, text, stream=True)
        draft = message_draft(context.alice, context.operation, session, ["Are you there?"])
        with context.alice.open(draft) as stream:
            stream.drain()
        if not succeeded(stream.exchange):
            seen = str(stream.exchange.response.status)
            context.fail("a success for the turn after one that failed", seen)
            return
        lines = context.alice.history(session)
        if not any(line.role == "user" and line.text == "Are you there?" for line in lines):
            context.fail("the turn after one that failed in the history", show(texts_of(lines)))


@scenario("stream.terminal", *TALKING, needs=first_reason(talks, ends))
def turns_with_tools_end(context: Context) -> None:
    """A turn in which tools are called ends as others do, or with a call that waits; where its end
    tells why, it says so."""
    for text in prompts(context.alice, context.operation).telling:
        _, turn = streamed(context, text)
        kinds = [seen.kind for seen in without_sentinel(turn)]
        found = [kind for kind in kinds if kind in TERMINAL]
        names, waiting = [a.event.event for a in turn.arrivals][-5:], waiting_calls(turn)
        if _told(context) and found and (len(found) > 1 or kinds[-1] not in TERMINAL):
            context.fail("one terminal event, the last one, where tools are called", show(names))
        elif not (found or waiting) and kinds and (_told(context) or kinds[-1] in _SAID):
            context.fail("a terminal event where no tool is waited for", show(names))
        if waiting:
            _check_finish(context, turn)


def _told(context: Context) -> bool:
    """Whether an author says which events end a turn; names alone do not tell what is beside."""
    binding = context.operation.binding
    return bool(context.document.model.events) or bool(binding and binding.events)


@scenario("stream.terminal", *TALKING, needs=first_reason(talks, ends))
def turns_that_fail_end(context: Context) -> None:
    """A turn that fails ends with the event that says so, and with no other."""
    for text in prompts(context.alice, context.operation).failing if _told(context) else ():
        _, turn = streamed(context, text)
        kinds = [seen.kind for seen in without_sentinel(turn)]
        if kinds[-1:] != [Kind.ERROR] or len(TERMINAL.intersection(filter(None, kinds))) > 1:
            names = [arrival.event.event for arrival in turn.arrivals]
            context.fail("one terminal event, the error, where a turn fails", show(names[-5:]))


def waiting_calls(turn: Turn) -> set[str | None]:
    """The calls of tools without a result, behind which nothing was said."""
    found: set[str | None] = set()
    for seen in turn.events:
        if seen.kind in (Kind.TOOL_CALL, Kind.TOOL_CHUNK):
            found.add(seen.tool)
        elif seen.kind is Kind.TOOL_RESULT:
            found.discard(seen.tool)
        elif seen.kind in (Kind.MESSAGE, Kind.CHUNK) and seen.role != "user":
            found.clear()
    return found


def _check_finish(context: Context, turn: Turn) -> None:
    """Fails where a turn that ends with a call ends as if it had none, though there is a word."""
    shape = context.world.stream(context.operation).events.get(Kind.DONE)
    place = shape.places.get("turn.finish") if shape else None
    words = words_elsewhere(context.document, place[-1]) if place else ()
    wanted = [word for word in words if flat(word) in _CALLED]
    ended = [at(seen.data, place) for seen in turn.events if seen.kind is Kind.DONE]
    if wanted and any(flat(str(word)) in _FINISHED for word in ended):
        context.fail(f"{wanted[0]} where the turn ends with a call", show(ended))


@scenario("stream.adds_up", *TALKING, needs=talks)
def arguments_add_up(context: Context) -> None:
    """The pieces of a call's arguments are numbered, and together they are JSON, that of the
    call."""
    for text in prompts(context.alice, context.operation).telling:
        _, turn = streamed(context, text)
        for call in {seen.tool for seen in turn.events if seen.kind is Kind.TOOL_CHUNK}:
            mine = [seen for seen in turn.events if seen.tool == call]
            pieces = [seen for seen in mine if seen.kind is Kind.TOOL_CHUNK]
            numbers = [at(seen.data, place) for seen in pieces if (place := _number_at(context))]
            if numbers and numbers != list(range(len(numbers))):
                context.fail("pieces of arguments numbered 0, 1, 2 and so on", show(numbers))
            where = _arguments_at(context)
            called = [seen.data for seen in mine if seen.kind is Kind.TOOL_CALL]
            wanted = [v for data in called if where for v in pointers.find(data, where)]
            _check_arguments(context, "".join(seen.text or "" for seen in pieces), wanted)


def _check_arguments(context: Context, joined: str, wanted: list[Any]) -> None:
    """Fails unless what the pieces add up to is JSON, that of the calls; no piece says nothing."""
    if joined in wanted or (not joined and all(value in _EMPTY for value in wanted)):
        return
    try:
        found = msgspec.json.decode(joined)
    except msgspec.DecodeError:
        context.fail("pieces of arguments that add up to JSON", show(joined))
        return
    if any(not same(found, _decoded(value)) for value in wanted):
        context.fail("pieces that add up to the arguments of the call", show([joined, *wanted]))


def _decoded(arguments: Any) -> Any:
    """Arguments, which some write as a text that is JSON."""
    try:
        return msgspec.json.decode(arguments) if isinstance(arguments, str) else arguments
    except msgspec.DecodeError:
        return arguments


def _number_at(context: Context) -> Location | None:
    """Where a piece of arguments has its number, if an author says so."""
    shape = context.world.stream(context.operation).events.get(Kind.TOOL_CHUNK)
    return shape.places.get("chunk.index") if shape and _told(context) else None


def _arguments_at(context: Context) -> Location | None:
    """Where a streamed call has its arguments."""
    shape = context.world.stream(context.operation).events.get(Kind.TOOL_CALL)
    if shape is None or shape.data is None:
        return context.document.model.event.tool.get("arguments")
    return shape.places.get("tool.arguments")
