"""What following a session promises: what happens in it, all of it, from any point on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft, expression, parameter, put
from sparring.spec.streams.events import Seen
from sparring.spec.turn import TERMINAL, Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import has
from ..driving.prompts import talk_on
from ..driving.turns import (
    Turn,
    answers_json,
    as_json,
    can_talk,
    message_draft,
    say,
    streamed_events,
    streams,
    talk_of,
    talking,
)
from ..target.target import Limits
from ..world import Blocked, is_stream, stream_type, succeeded
from .streams import LONG_QUESTION, check_events, check_ids, modelled

SUBSCRIBE = Role.MESSAGE_SUBSCRIBE
HEADER = "Last-Event-ID"
MANY, TURNS = 260, 12  # events of a long talk, and turns in which an agent has to say them


def of_session(document: Document, operation: Operation) -> str:
    """The subscription follows a session, not one run of it."""
    named = operation.binding is not None and operation.binding.target is not None
    return "it follows one run" if named else ""


talkable = first_reason(can_talk, has(Role.SESSION_CREATE), of_session)


def resumes(document: Document, operation: Operation) -> str:
    """Events have ids, and the operation can be told the last one."""
    known = streamed_events(document, operation).values()
    if known and not any(shape.has_id for shape in known):
        return "events have no ids"
    found = parameter(operation, "header", HEADER)
    return "" if found else f"{HEADER} is not declared"


def wait_place(context: Context) -> tuple[str, str] | None:
    """Where a subscription says how long a silence it wants."""
    return expression(context.document, context.operation, "reply", "wait")


def subscription(context: Context, session: str, last: str | None, wait: int) -> Draft:
    """A request that follows a session."""
    draft = context.alice.draft(context.operation, session)
    if last is not None:
        draft.headers[HEADER] = last
    place = wait_place(context)
    if place is not None:
        put(context.document, draft, place, wait)
    return draft


def follow(
    context: Context, session: str, last: str | None, *, count: int, to_the_end: bool = False
) -> list[Seen]:
    """What a subscription delivers after an id.

    It waits longer when there is less than `count`, or, `to_the_end`, no terminal event at the end.
    """
    found: list[Seen] = []
    reader = context.world.stream(context.operation)
    for wait in (0, 2) if wait_place(context) is not None else (2,):
        limits = Limits(seconds=wait + 3, events=count + 500)
        with context.alice.open(subscription(context, session, last, wait), limits) as stream:
            stream.drain()
        if not succeeded(stream.exchange) or not is_stream(stream.exchange):
            raise Blocked(context.operation, stream.exchange)
        found = [reader.read(arrival.event) for arrival in stream.arrivals]
        if len(found) >= count and not (to_the_end and found[-1].kind not in TERMINAL):
            break
    return found


def streamed_turn(context: Context, session: str, text: str) -> Turn:
    """A turn that was streamed. Raises NotChecked where none can be."""
    for operation in talking(context.document):
        if streams(operation):
            return say(context.alice, operation, session, text, stream=True)
    raise NotChecked("no operation streams a turn")


def told(events: Sequence[Seen]) -> list[Any]:
    """What can be compared of events: what has no id need not be told again, but for the end."""
    known = [seen for seen in events if seen.sent_id is not None or seen.kind in TERMINAL]
    return [(seen.raw.event, seen.sent_id, seen.data) for seen in known]


needs_resume = first_reason(modelled, resumes, talkable)


@scenario("stream.resume", SUBSCRIBE, needs=needs_resume)
def resuming_gives_the_rest(context: Context) -> None:
    """After any id a subscription gives what came after it: no more, no less, the same."""
    session = context.alice.create()
    talk = next(filter(streams, talking(context.document)), None)
    if talk is None:
        raise NotChecked("no operation streams a turn")
    texts = ("Tell me something that I can hear twice.", "And more.")
    turns = talk_on(context.alice, talk, session.id, *texts, stream=True)
    events = [seen for turn in turns for seen in turn.events]
    ids = [seen.id for seen in events]
    numbered = [index for index, seen in enumerate(events) if seen.sent_id is not None]
    if len(numbered) < 3:
        raise NotChecked("the turn has too few events with ids")
    for index in sorted({numbered[n] for n in (0, 1, len(numbered) // 2, -2, -1)}):
        start = len(context.world.journal)
        rest = events[index + 1 :]
        got = follow(context, session.id, ids[index], count=len(rest))
        if told(got) != told(rest):
            seen = f"{[g.id for g in got]} instead of {[r.id for r in rest]} after {ids[index]}"
            if [g.id for g in got] == [r.id for r in rest]:
                pairs = zip(told(got), told(rest), strict=False)
                seen = show(next((pair for pair in pairs if pair[0] != pair[1]), "more events"))
            context.fail(
                "exactly the events after that id", seen, exchanges=context.world.exchanges(start)
            )
            return


@scenario("stream.resume", SUBSCRIBE, needs=needs_resume)
def long_talks_are_resumed_from_their_beginning(context: Context) -> None:
    """However much was said since, a subscription gives all that came after the first event."""
    session = context.alice.create()
    ids: list[str | None] = []
    for _ in range(TURNS):
        if len(ids) < MANY:
            events = streamed_turn(context, session.id, LONG_QUESTION).events
            ids += [seen.id for seen in events]
    if None in ids or len(ids) < 3:
        raise NotChecked("the turns have too few events with ids")
    got = [seen.id for seen in follow(context, session.id, ids[0], count=len(ids) - 1)]
    if got != ids[1:]:
        seen = f"{len(got)} events, from {show(got[:1])} on, of the {len(ids) - 1} after {ids[0]}"
        context.fail("all that came after the first event of a long talk", seen)


@scenario("stream.resume", SUBSCRIBE, needs=needs_resume)
def json_turns_are_streamed_too(context: Context) -> None:
    """A turn whose caller took JSON is delivered to those who follow the session."""
    talk = next(filter(answers_json, talking(context.document)), None)
    if talk is None:
        return
    session = context.alice.create()
    first = streamed_turn(context, session.id, "The first turn.").events
    if not first or first[-1].id is None:
        raise NotChecked("the turn has no ids")
    turn = say(context.alice, talk, session.id, "The second turn.")
    got = follow(context, session.id, first[-1].id, count=2, to_the_end=True)
    texts = [s.text for s in got if s.kind is Kind.MESSAGE and s.role not in ("user", "system")]
    if Kind.MESSAGE.value in context.world.stream(context.operation).events and texts != turn.texts:
        context.fail(
            "the reply of a JSON turn in the stream", f"{show(texts)} not {show(turn.texts)}"
        )
    if got and got[-1].kind not in TERMINAL:
        context.fail("a terminal event at the end of a JSON turn", show(got[-1].raw.event))
    check_order(context, got)


def check_order(context: Context, got: list[Seen]) -> None:
    """Fails for ids that do not rise in what a subscription gave."""
    numbers = [int(s.id) for s in got if s.id is not None and s.id.isascii() and s.id.isdigit()]
    if numbers != sorted(set(numbers)):
        context.fail("rising ids in a subscription", show(numbers))


@scenario("stream.ids", SUBSCRIBE, needs=needs_resume)
def followed_ids_rise(context: Context) -> None:
    """The ids that a subscription gives are unique and rise."""
    session, events = _followed(context)
    assert session
    check_ids(context, events)


@scenario("stream.schema", SUBSCRIBE, needs=needs_resume)
def followed_events_fit(context: Context) -> None:
    """The events that a subscription gives fit their schema."""
    session = context.alice.create()
    first = streamed_turn(context, session.id, "Something to follow.").events
    with context.alice.open(subscription(context, session.id, first[0].id, 0)) as stream:
        stream.drain()
    turn = Turn(stream.exchange, arrivals=stream.arrivals)
    reader = context.world.stream(context.operation)
    turn.events = [reader.read(arrival.event) for arrival in turn.arrivals]
    if not turn.arrivals:
        raise NotChecked("nothing was replayed")
    check_events(context, turn)


def _followed(context: Context) -> tuple[str, list[Seen]]:
    session = context.alice.create()
    first = streamed_turn(context, session.id, "Something to follow.").events
    return session.id, follow(context, session.id, first[0].id, count=len(first) - 1)


@scenario("stream.media_type", SUBSCRIBE, needs=talkable)
def subscriptions_are_streams(context: Context) -> None:
    """A subscription is an event stream."""
    session = context.alice.create()
    with context.alice.open(subscription(context, session.id, None, 1)) as stream:
        exchange = stream.exchange
    wanted = stream_type(context.operation)
    if succeeded(exchange) and exchange.response.media_type != wanted:
        context.fail(f"Content-Type: {wanted}", exchange.response.media_type or "none")


@scenario("stream.incremental", SUBSCRIBE, needs=needs_resume)
def followers_hear_at_once(context: Context) -> None:
    """Who follows a session gets a turn while it happens, pieces and all."""
    session = context.alice.create()
    first = streamed_turn(context, session.id, "Before.").events
    if not first or first[-1].id is None:
        raise NotChecked("the turn has no ids")
    talk = talk_of(context.world)
    draft = subscription(context, session.id, first[-1].id, 5)
    reader = context.world.stream(context.operation)
    got: list[Seen] = []
    with (
        context.alice.open(draft, Limits(seconds=6)) as stream,
        context.alice.open(draft, Limits(seconds=6)) as other,
    ):
        said = message_draft(context.alice, talk, session.id, ["While you listen."])
        if streams(talk) and answers_json(talk):
            as_json(said)
        context.alice.expect(said)
        for arrival in stream.events():
            got.append(reader.read(arrival.event))
            if got[-1].kind in TERMINAL:
                break
        for _ in other.events():
            if len(other.arrivals) >= len(got):
                break
    if not any(seen.kind in TERMINAL for seen in got):
        names = [seen.raw.event for seen in got]
        context.fail("a turn that is heard while one follows the session", show(names))
    elif [a.event.data for a in other.arrivals] != [seen.raw.data for seen in got]:
        seen = f"{len(got)} and {len(other.arrivals)} events"
        context.fail("the same events for two who follow one session", seen)


@scenario("talk.isolation", SUBSCRIBE, needs=first_reason(modelled, talkable))
def followers_hear_their_session_only(context: Context) -> None:
    """A subscription does not tell what is said in another session."""
    session, other = context.alice.create(), context.alice.create()
    talk = talk_of(context.world)
    secret = f"secret {context.world.bodies.fresh()}"
    has_wait = wait_place(context) is not None
    limits = Limits(seconds=2)
    with context.alice.open(subscription(context, session.id, None, 1), limits) as stream:
        say(context.alice, talk, other.id, secret)
        if has_wait:
            stream.drain()
    if secret.encode() in stream.exchange.response.body:
        context.fail("nothing of what was said in another session", "its text in the stream")


@scenario("stream.fresh", SUBSCRIBE, needs=first_reason(modelled, talkable))
def fresh_subscriptions_begin_now(context: Context) -> None:
    """Without a last id nothing is told that happened before."""
    session = context.alice.create()
    streamed_turn(context, session.id, "This is over.")
    limits = Limits(seconds=1)
    with context.alice.open(subscription(context, session.id, None, 0), limits) as stream:
        stream.drain()
    if stream.arrivals:
        names = [arrival.event.event for arrival in stream.arrivals]
        context.fail("no event of the past", show(names))


@scenario(
    "stream.deleted",
    SUBSCRIBE,
    needs=first_reason(has(Role.SESSION_CREATE, Role.SESSION_DELETE), of_session),
)
def deletes_end_subscriptions(context: Context) -> None:
    """A subscription of a session that is deleted ends at once."""
    for _ in range(2):  # the delete may come before the server listens
        session = context.alice.create()
        draft = subscription(context, session.id, None, 30)
        with context.alice.open(draft, Limits(seconds=2)) as stream:
            context.alice.expect(
                context.alice.draft(context.world.need(Role.SESSION_DELETE), session.id)
            )
            stream.drain()
        if stream.ended:
            return
    context.fail("the end of the stream when its session is deleted", "a stream that stays open")


def waits(document: Document, operation: Operation) -> str:
    """The caller says how long a silence ends the stream."""
    place = expression(document, operation, "reply", "wait")
    return "" if place else "the operation does not say when it ends"


@scenario("stream.wait", SUBSCRIBE, needs=first_reason(waits, has(Role.SESSION_CREATE), of_session))
def silence_ends_the_stream(context: Context) -> None:
    """A subscription ends after the silence that was asked for, not before and not much later."""
    session = context.alice.create()
    limits = Limits(seconds=4)
    with context.alice.open(subscription(context, session.id, None, 1), limits) as stream:
        stream.drain()
    seconds = stream.exchange.seconds
    if not succeeded(stream.exchange):
        return
    if not stream.ended:
        context.fail(
            "the end of the stream after 1 s of silence", f"still open after {seconds:.1f} s"
        )
    elif seconds < 0.8:
        context.fail(
            "an open stream until 1 s of silence has passed", f"its end after {seconds:.2f} s"
        )
