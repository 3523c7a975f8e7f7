"""Resumes the stream of a turn from where a client lost it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator

from sparring.spec.model import Entry, Session
from sparring.spec.streams.events import EventStream
from sparring.spec.turn import TERMINAL

from ..requests.requests import Request
from ..responses.problems import Defect, Problem
from ..worlds.turns import read_log, replay

_HEADER = b"last-event-id"


def can_resume(stream: EventStream) -> bool:
    """Whether a client of the stream knows which events it has seen."""
    return stream.framing.names and any(event.has_id for event in stream.events.values())


def last_event(request: Request) -> str:
    """The id of the last event that the client has seen (WHATWG HTML, section 9.2.4); empty when
    it has seen none, for so its clients say that, too."""
    return request.sent.get(_HEADER, b"").decode("utf-8", "replace").strip()


async def resume(
    request: Request, stream: EventStream, session: Session, last: str
) -> AsyncIterator[bytes]:
    """The frames behind an event to the end of its turn, live if that still runs.

    Nothing is said again: the request's body is what the turn has answered already. An id that no
    event of the session has is refused, Problem 422. To start a turn would record the user's words
    twice, and to answer with an empty stream would hide that events are lost; the client learns
    that it must read the history. The id of the last event of a turn gives an empty stream.
    """
    log = await read_log(request.world, session.id)
    running = request.world.running.get(session.id)
    own_ids = {name for name, event in stream.events.items() if event.has_id and event.own_id}
    position = next((e.position for e in log if e.id == last and e.kind.value in own_ids), None)
    if position is None and last.isascii() and last.isdecimal() and len(last) < 16:
        position = int(last)
    if position is not None and running is not None and running.covers(position):
        return running.follow(stream, position)
    entry = _at(log, position)
    if position is None or entry is None:
        detail = f"No event of session {session.id} has the id {last}."
        raise Problem(422, "H422", detail, [Defect("header", "/last-event-id", detail)])
    rest = _to_its_end((e for e in log if e.turn == entry.turn), position)
    return _all([frame for _, frame in replay(stream, session, rest, position)])


def _at(log: list[Entry], position: int | None) -> Entry | None:
    """The entry that stands at a position with itself or one of its pieces."""
    for entry in log:
        if position is not None and 0 <= entry.position - position <= len(entry.pieces):
            return entry
    return None


def _to_its_end(entries: Iterable[Entry], position: int) -> Iterator[Entry]:
    """A turn up to where it ended behind a position; it may have gone on or been answered anew."""
    for entry in entries:
        yield entry
        if entry.kind in TERMINAL and entry.position >= position:
            return


async def _all(frames: list[bytes]) -> AsyncIterator[bytes]:
    if frames:
        yield b"".join(frames)
