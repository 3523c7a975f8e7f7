"""What decisions on tool calls promise: they free the call that waits, once, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation

from ..checks import Context, first_reason, same, says, scenario, show
from ..driving.prompts import prompts
from ..driving.together import together
from ..driving.turns import say, talk_of
from ..world import Blocked, Line
from .again import ACT, act, does, settled
from .deletion import said, talked
from .history import lists_events
from .talk import talkable
from .tools import result_of, waiting_calls

approves = says("The effect of the act is `approve`.", does("approve"))


def takes_calls(document: Document, operation: Operation) -> str:
    """A decision names its call, and what comes of it is in the answer."""
    binding = operation.binding
    named = binding is not None and binding.tool_call is not None and binding.via in ("body", "sse")
    return "" if named else "decisions name no call, or what comes of them is not in the answer"


needs_calls = first_reason(approves, takes_calls, talkable)


def waiting(context: Context) -> Iterator[tuple[str, str]]:
    """New sessions with a call that may wait for a decision: the ids of both."""
    talk = talk_of(context.world)
    for text in prompts(context.alice, talk).telling:
        session = context.alice.create().id
        turn = say(context.alice, talk, session, text, stream=True)
        for call in filter(None, waiting_calls(turn)):
            yield session, call


def longer(length: int, lines: list[Line]) -> bool:
    """Whether a history has more lines than it had."""
    return len(lines) > length


@scenario("act.approve", ACT, needs=first_reason(approves, talkable))
def nothing_is_said_to_no_call(context: Context) -> None:
    """A decision on a call that nobody made is refused, or nothing comes of it, though another call
    may wait for one."""
    sessions = [talked(context, context.alice)]
    talk = talk_of(context.world)
    for text in prompts(context.alice, talk).telling:
        sessions.append(context.alice.create().id)
        say(context.alice, talk, sessions[-1], text)
    for session in sessions:
        before = said(context, session)
        with suppress(Blocked):
            act(context, session, call=f"call_{context.world.bodies.fresh()}")
        after = settled(context, session, partial(longer, len(before)))
        if [line.text for line in after] != before:
            seen = show([line.text for line in after][len(before) :])
            context.fail("no word where no call waits for a decision", seen)
            return


@scenario("act.approve", ACT, needs=needs_calls)
def decisions_are_taken_once(context: Context) -> None:
    """A decision that has let the agent go on changes nothing when it is sent again."""
    for session, call in waiting(context):
        before = said(context, session)
        with suppress(Blocked):
            act(context, session, call=call)
        going = said(context, session)
        if going == before:
            continue  # it waits for something else, or the agent had nothing to say
        with suppress(Blocked):
            act(context, session, call=call)
        after = settled(context, session, partial(longer, len(going)))
        if [line.text for line in after] != going:
            seen = show([line.text for line in after][len(going) :])
            context.fail("no word for a decision that was taken before", seen)


@scenario("act.approve", ACT, needs=needs_calls)
def decisions_at_one_instant_count_once(context: Context) -> None:
    """Of decisions on one call at one instant one lets the agent go on."""
    alone: list[int] = []
    for session, call in waiting(context):
        before = len(said(context, session))
        with suppress(Blocked):
            act(context, session, call=call)
        alone.append(len(said(context, session)) - before)
    for (session, call), usual in zip(waiting(context), alone, strict=False):
        before = len(said(context, session))
        together([partial(act, context, session, call=call)] * 4)
        more = len(said(context, session)) - before
        if usual and more > usual:
            seen = f"{more} lines, after one decision {usual}"
            context.fail("what one decision brings, though there are four at once", seen)
            return


def denies(document: Document, operation: Operation) -> str:
    """A decision can be no, and the results of tools are among the events."""
    binding, event = operation.binding, document.model.event
    if binding is None or binding.decision.place is None or binding.decision.place.part != "body":
        return "the document does not say where a decision is no"
    return "" if "result" in event.tool else "the events do not show the results of tools"


@scenario("act.approve", ACT, needs=first_reason(needs_calls, denies))
def denied_calls_are_not_made(context: Context) -> None:
    """A call that is denied has not the result that it has when it is approved."""
    results: list[list[Any]] = []
    for approved in (True, False):
        results.append([])
        for session, call in waiting(context):
            with suppress(Blocked):
                act(context, session, call=call, approved=approved)
            results[-1].append(_result(context, session, call))
    for made, denied in zip(*results, strict=False):
        if made is not None and same(made, denied):
            context.fail("no result of a call that was denied", f"{show(denied)}, as if approved")
            return


def _result(context: Context, session: str, call: str) -> Any:
    """The result that the events of a session have for a call."""
    event = context.document.model.event
    lists = context.document.with_role(Role.MESSAGE_LIST)
    operation = next((o for o in lists if not lists_events(context.document, o)), None)
    items = context.alice.all(operation, session) if operation else []
    for line in context.alice.lines(operation, items) if operation else ():
        is_mine = pointers.first(line.raw, event.tool.get("id", ())) == call
        if line.kind == "tool_result" and is_mine:
            return result_of(line.raw, event.tool["result"])
    return None
