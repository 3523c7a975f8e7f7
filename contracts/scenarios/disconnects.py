"""What a caller that hangs up leaves behind: a session that is whole and goes on."""

from __future__ import annotations

import time

from sparring.spec.meaning.binding import Role
from sparring.spec.turn import TERMINAL, Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import has
from ..driving.made import TALKING
from ..driving.turns import Turn, joined, message_draft, read_events, say
from ..target.target import Limits, NoAnswer
from ..world import Line, succeeded
from .streams import LONG_QUESTION, talks

SEEN = 3
PATIENCE = 2.0


def hung_up(context: Context, session: str) -> Turn:
    """A turn whose caller goes away after a few pieces. Raises NotChecked if it is over then."""
    draft = message_draft(context.alice, context.operation, session, [LONG_QUESTION])
    reader = context.world.stream(context.operation)
    pieces = 0
    with context.alice.open(draft) as stream:
        for arrival in stream.events():
            kind = reader.read(arrival.event).kind
            pieces += kind is Kind.CHUNK
            if kind in TERMINAL:
                raise NotChecked("the turn is over before its caller can hang up")
            if pieces == SEEN:
                break
    turn = Turn(stream.exchange, arrivals=stream.arrivals)
    return read_events(context.alice, context.operation, turn)


@scenario("talk.whole", *TALKING, needs=first_reason(talks, has(Role.MESSAGE_LIST)))
def hanging_up_breaks_nothing(context: Context) -> None:
    """Of a turn whose caller hangs up there is no reply, or one that has at least what was seen,
    behind its question; and the session goes on."""
    session = context.alice.create()
    usual = say(context.alice, context.operation, session.id, LONG_QUESTION, stream=True)
    patience = max(PATIENCE, 2 * usual.exchange.seconds)
    before = len(said(context, session.id))
    seen = "".join(joined(hung_up(context, session.id)).values())
    end = time.monotonic() + patience
    lines = said(context, session.id)[before:]
    while not _covers(lines, seen) and time.monotonic() < end:
        time.sleep(0.1)
        lines = said(context, session.id)[before:]
    replies = [line for line in lines if line.role == "agent"]
    if replies and not _covers(lines, seen):
        text = f"{show(replies[-1].text)} where {show(seen)} was seen"
        context.fail("at least what the caller has seen, or no reply", text)
    if replies and LONG_QUESTION not in [line.text for line in lines if line.role == "user"]:
        context.fail("the question of a reply, though its caller hung up", "the reply alone")
    if _covers(lines, seen):  # else the turn may be under way
        _goes_on(context, session.id, 2 * patience)


def said(context: Context, session: str) -> list[Line]:
    """What stands in the history."""
    return context.alice.history(session)


def _covers(lines: list[Line], seen: str) -> bool:
    return any(line.role == "agent" and (line.text or "").startswith(seen) for line in lines)


def _goes_on(context: Context, session: str, patience: float) -> None:
    draft = message_draft(context.alice, context.operation, session, ["Go on."])
    end = time.monotonic() + patience
    while True:
        try:
            with context.alice.open(draft, Limits(seconds=patience)) as stream:
                stream.drain()
        except NoAnswer as error:
            context.fail("another turn after one whose caller hung up", error.reason)
            return
        status = stream.exchange.response.status
        if status not in (409, 423, 429, 503) or time.monotonic() > end:
            break
        time.sleep(0.1)  # the turn is still under way
    if not succeeded(stream.exchange):
        context.fail("another turn after one whose caller hung up", str(status))
    elif "Go on." not in [line.text for line in said(context, session)]:
        context.fail("another turn in the history after one whose caller hung up", "it is missing")
