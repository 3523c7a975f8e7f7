"""What a tool's result promises: it stands in the event list as it was sent."""

from __future__ import annotations

from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft, expression, put

from ..checks import Context, NotChecked, first_reason, same, scenario, show
from ..driving.bodies import RICH_OBJECT
from ..driving.comparing import has
from ..driving.turns import streams
from ..world import succeeded
from .history import lists_events

TALK = Role.MESSAGE_CREATE


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
    event = context.document.model.event
    lists = context.document.with_role(Role.MESSAGE_LIST)
    operation = next(o for o in lists if not lists_events(context.document, o))
    session = context.alice.create()
    sent: list[tuple[str, Any]] = []
    for n, result in enumerate((RICH_OBJECT, [1, None], "text", 0, False, None)):
        draft = result_draft(context, session.id, f"call_{n}", result)
        if draft is None:
            continue
        if not streams(context.operation):
            exchange = context.alice.send(draft)
        else:
            with context.alice.open(draft) as stream:
                stream.drain()
            exchange = stream.exchange
        if succeeded(exchange):
            sent.append((f"call_{n}", result))
    if not sent:
        raise NotChecked("the target takes no result without a call")
    items = context.alice.all(operation, session.id)
    lines = context.alice.lines(operation, items)
    found = [
        (
            pointers.first(line.raw, event.tool.get("id", ())),
            result_of(line.raw, event.tool["result"]),
        )
        for line in lines
        if line.kind == "tool_result"
    ]
    if not same([list(pair) for pair in found], [list(pair) for pair in sent]):
        context.fail("the results of tools in the event list", f"{show(found)} of {show(sent)}")


def result_of(raw: Any, location: tuple[str, ...]) -> Any:
    """The result that an event has, or what says that it has none."""
    return next(pointers.find(raw, location), "(no result)")
