"""What those who follow a session promise to hear: as it happens, whatever else goes on."""

from __future__ import annotations

import time

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.streams.events import Seen
from sparring.spec.turn import TERMINAL, Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.bodies import HUGE, LONG
from ..driving.comparing import has
from ..driving.made import TALKING
from ..driving.turns import answers_json, as_json, message_draft, say, streams
from ..target.target import Limits
from ..world import succeeded
from .resuming import (
    SUBSCRIBE,
    follow,
    needs_resume,
    streamed_turn,
    subscription,
    talkable,
    told,
    waits,
)
from .streams import LONG_QUESTION, modelled, streamed, talks

WAIT = 1
SLACK = 0.3
"""Seconds by which a stream may end too early."""


@scenario("stream.wait", SUBSCRIBE, needs=first_reason(waits, modelled, talkable))
def events_break_the_silence(context: Context) -> None:
    """The silence that ends a subscription begins anew with every event; one of 0 s ends it."""
    alice, session = context.alice, context.alice.create()
    talk = context.world.need(Role.MESSAGE_CREATE)
    limits = Limits(seconds=4 * WAIT)
    with alice.open(subscription(context, session.id, None, WAIT), limits) as stream:
        time.sleep(WAIT * 0.6)
        say(alice, talk, session.id, context.world.words("Are you still there?"))
        stream.drain()
    if stream.arrivals and stream.ended:
        silence = stream.exchange.seconds - stream.arrivals[-1].seconds
        if silence < WAIT - SLACK:
            seen = f"its end {silence:.2f} s after the last event"
            context.fail(f"an open stream until {WAIT} s of silence have passed", seen)
    with alice.open(subscription(context, session.id, None, 0), limits) as stream:
        if succeeded(stream.exchange):
            stream.drain()
    if succeeded(stream.exchange) and not stream.ended:
        seen = f"still open after {stream.exchange.seconds:.1f} s"
        context.fail("the end of a stream that waits for 0 s", seen)


@scenario("stream.incremental", SUBSCRIBE, needs=needs_resume)
def long_events_are_heard(context: Context) -> None:
    """Who follows a session hears long messages too."""
    alice, session = context.alice, context.alice.create()
    talk = context.world.need(Role.MESSAGE_CREATE)
    texts = [t for t in (HUGE, LONG) if context.world.bodies.message(talk, [t]) is not None]
    first = streamed_turn(context, session.id, "Before.").events
    if not texts or not first or first[-1].id is None:
        raise NotChecked("nothing long can be said, or the turn has no ids")
    reader, got = context.world.stream(context.operation), list[Seen]()
    draft = subscription(context, session.id, first[-1].id, 3)
    with alice.open(draft, Limits(seconds=6)) as stream:
        said = message_draft(alice, talk, session.id, [texts[0]])
        if streams(talk) and answers_json(talk):
            as_json(said)
        alice.expect(said)
        for arrival in stream.events():
            got.append(reader.read(arrival.event))
            if got[-1].kind in TERMINAL:
                break
    lines = [line.text for line in alice.history(session.id)]
    heard = [seen.text for seen in got if seen.kind is Kind.MESSAGE and seen.role == "user"]
    tells = any(seen.kind is Kind.MESSAGE and seen.role == "user" for seen in first)
    if tells and texts[0] in lines and heard != [texts[0]]:
        seen = f"{len(got)} events, the message not among them"
        context.fail("a long message, heard by who follows the session", seen)


def has_start(document: Document, operation: Operation) -> str:
    """The document states which id means the beginning."""
    stated = operation.promises.get("stream.resume", {})
    return "" if "start" in stated else "the document does not say what means the beginning"


@scenario("stream.resume", SUBSCRIBE, needs=first_reason(needs_resume, has_start))
def resuming_from_the_start_gives_all(context: Context) -> None:
    """After the id that means the beginning a subscription gives all that was streamed."""
    session = context.alice.create()
    events = streamed_turn(context, session.id, "Tell me all of it.").events
    start = str(context.operation.promises["stream.resume"]["start"])
    got = follow(context, session.id, start, count=len(events))
    wanted = [seen.id for seen in events if seen.id is not None]
    if [seen.id for seen in got][-len(wanted) :] != wanted:
        seen = f"{show([seen.id for seen in got])} instead of {show(wanted)} after {start}"
        context.fail("all events after the id that means the beginning", seen)


@scenario("stream.resume", SUBSCRIBE, needs=first_reason(needs_resume, has(Role.MESSAGE_LIST)))
def running_turns_are_resumed(context: Context) -> None:
    """Who resumes while a turn is under way gets what has been said of it, and then the rest."""
    alice, session = context.alice, context.alice.create()
    talks = context.document.with_role(Role.MESSAGE_CREATE)
    talk = next((o for o in talks if streams(o)), None)
    if talk is None:
        raise NotChecked("no operation streams a turn")
    reader, events, got = context.world.stream(talk), list[Seen](), list[Seen]()
    draft = message_draft(alice, talk, session.id, [LONG_QUESTION * 20])
    with alice.open(draft, Limits(seconds=10)) as stream:
        arrivals = stream.events()
        for arrival in arrivals:
            events.append(reader.read(arrival.event))
            if events[-1].kind is Kind.CHUNK:
                break
        if not events or events[-1].kind is not Kind.CHUNK or events[0].id is None:
            raise NotChecked("the turn has no pieces with ids")
        resumed = subscription(context, session.id, events[0].id, 2)
        with alice.open(resumed, Limits(seconds=8)) as other:
            events += [reader.read(arrival.event) for arrival in arrivals]
            for arrival in other.events():
                got.append(reader.read(arrival.event))
                if got[-1].kind in TERMINAL:
                    break
    wanted = [event for event in events[1:] if event.id is not None]
    if told(got) != told(wanted):
        seen = f"{show([g.id for g in got])} instead of {show([w.id for w in wanted])}"
        context.fail("the whole rest of a turn that is under way", seen)


def begins(document: Document, operation: Operation) -> str:
    """The document states how a stream begins."""
    stated = operation.promises.get("stream.stored", {}).get("first") == "sent"
    return "" if stated else "the document does not say how a stream begins"


@scenario("stream.stored", *TALKING, needs=first_reason(talks, begins))
def streams_begin_with_what_was_sent(context: Context) -> None:
    """The first event of a stream is the message that was sent, as it is stored."""
    _, turn = streamed(context)
    first = turn.events[0] if turn.events else None
    if first is None or first.kind is not Kind.MESSAGE or first.text != LONG_QUESTION:
        seen = show(first.raw.data) if first else "no event"
        context.fail("the message that was sent as the first event", seen)
