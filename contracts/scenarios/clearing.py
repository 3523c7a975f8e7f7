"""What clearing promises: what was said is forgotten everywhere, and nothing else is."""

from __future__ import annotations

import time

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import expression, parameter, put

from ..checks import Context, NotChecked, first_reason, same, scenario, show
from ..driving.comparing import at, has, readable
from ..driving.lists import history_operation
from ..driving.turns import say, streams
from ..target.target import Limits
from ..world import entity, is_stream, succeeded
from .create import rich_session
from .deletion import answer, said, talked
from .resuming import HEADER, streamed_turn, told
from .streams import modelled

CLEAR = Role.MESSAGE_CLEAR
talkable = has(Role.SESSION_CREATE, Role.MESSAGE_CREATE, Role.MESSAGE_LIST)


@scenario(
    "history.clear",
    Role.MESSAGE_CLEAR,
    needs=has(Role.SESSION_CREATE, Role.MESSAGE_CREATE, Role.MESSAGE_LIST),
)
def cleared_is_empty(context: Context) -> None:
    """After a clear nothing is left of what was said, the session and its neighbours stay."""
    alice = context.alice
    session, neighbour = talked(context, alice), talked(context, alice)
    talk = context.world.need(Role.MESSAGE_CREATE)
    before = said(context, neighbour)
    alice.expect(alice.draft(context.operation, session))
    for role in (Role.MESSAGE_LIST, Role.SUGGESTION_LIST):
        for operation in context.document.with_role(role):
            if left := alice.all(operation, session):
                seen = f"{len(left)} items in {operation.label}"
                context.fail("nothing left of what was said after a clear", seen)
    if context.world.one(Role.SESSION_GET) is not None:
        exchange = alice.get(session)
        if not succeeded(exchange):
            context.fail("the session itself after a clear", f"{exchange.response.status}")
            return
        where = context.document.model.session.get("count")
        count = at(entity(context.world.need(Role.SESSION_GET), exchange), where)
        if where and count != 0:
            context.fail("a count of 0 after a clear", str(count))
    if said(context, neighbour) != before:
        context.fail("what was said in other sessions after a clear", "some of it is gone")
    turn = say(alice, talk, session, "A new beginning.")
    texts = [line.text for line in alice.history(session, history_operation(context.world))]
    if texts != ["A new beginning.", *turn.texts]:
        context.fail("the new turn alone after a clear", show(texts))


@scenario("history.clear", CLEAR, needs=first_reason(talkable, has(Role.SESSION_GET)))
def attributes_survive_a_clear(context: Context) -> None:
    """A clear leaves what a client set, and nothing of what was said in what the server set."""
    alice, secret = context.alice, f"heliotrope{context.world.bodies.fresh()}"
    session = rich_session(context)
    say(alice, context.world.need(Role.MESSAGE_CREATE), session.id, f"Remember {secret}.")
    before = alice.read(session.id)
    alice.expect(alice.draft(context.operation, session.id))
    after = alice.read(session.id)
    for name in readable(context.world):
        if name in session.body and not same(before.get(name), after.get(name)):
            seen = f"{name}: {show(after.get(name))} instead of {show(before.get(name))}"
            context.fail("the attributes of the session, as they were before a clear", seen)
        elif name not in session.body and secret in str(after.get(name)):
            seen = f"{name}: {show(after.get(name))}"
            context.fail("nothing of what was said in the session after a clear", seen)


def answers_again(document: Document, operation: Operation) -> str:
    """An act answers the last message again."""
    acts = document.with_role(Role.SESSION_ACT)
    found = any(o.binding and o.binding.effect == "regenerate" for o in acts)
    return "" if found else "nothing answers a message again"


@scenario("history.clear", CLEAR, needs=first_reason(answers_again, talkable))
def cleared_is_not_answered_again(context: Context) -> None:
    """After a clear, what was said before can't be answered again."""
    session = talked(context, context.alice)
    context.alice.expect(context.alice.draft(context.operation, session))
    for operation in context.document.with_role(Role.SESSION_ACT):
        if operation.binding and operation.binding.effect == "regenerate":
            exchange = answer(context, context.alice, operation, session)
            for _ in range(5) if succeeded(exchange) else ():
                if left := said(context, session):
                    context.fail("nothing to answer again after a clear", show(left))
                    break
                time.sleep(0.05)


def replayed(document: Document, operation: Operation) -> str:
    """A stream replays events."""
    streaming = document.with_role(Role.MESSAGE_SUBSCRIBE)
    found = any(parameter(o, "header", HEADER) and streams(o) for o in streaming)
    return "" if found else "nothing replays events"


@scenario("history.clear", CLEAR, needs=first_reason(replayed, modelled, talkable))
def cleared_is_not_replayed(context: Context) -> None:
    """After a clear, no stream tells what was said before."""
    alice, operation = context.alice, context.world.need(Role.MESSAGE_SUBSCRIBE)
    session = alice.create()
    events = streamed_turn(context, session.id, "This is to be forgotten.").events
    if not events or events[0].id is None:
        raise NotChecked("the turn has no ids")
    alice.expect(alice.draft(context.operation, session.id))
    draft = alice.draft(operation, session.id)
    draft.headers[HEADER] = events[0].id
    if place := expression(context.document, operation, "reply", "wait"):
        put(context.document, draft, place, 0)
    with alice.open(draft, Limits(seconds=2)) as stream:
        if is_stream(stream.exchange):
            stream.drain()
    reader = context.world.stream(operation)
    got = told([reader.read(arrival.event) for arrival in stream.arrivals])
    if again := [one for one in told(events) if one in got]:
        context.fail("no event of before a clear in a stream", f"{len(again)} of them")
