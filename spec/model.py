"""The session model: attributes and one append-only log, of which all else is a view.

Pure: no input or output, no clock, no randomness. Times are microseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from .turn import TERMINAL, Kind


class Record(msgspec.Struct, array_like=True, gc=False):
    """What any stored resource has: whose it is, its times, its version, what clients set."""

    id: str
    owner: str
    created: int
    updated: int
    attributes: dict[str, Any]
    version: int = 1


class Session(Record, array_like=True, gc=False):
    """One conversation. `position` and `offset` are the next free ones of its log.

    `cursor` is where the script stands, `count` how many messages the history has. `waiting` is the
    tool call whose result or approval the last turn waits for. `seed` is what its chance hangs on,
    where that is not its id: a fork plays as its original did.
    """

    position: int = 1
    offset: int = 0
    count: int = 0
    cursor: dict[str, Any] = {}
    waiting: str = ""
    seed: str = ""


class Run(Record, array_like=True, gc=False):
    """One run of the agent in a session: the turn of the log that has its output.

    `state` is queued, running, waiting, done, stopped or failed; `prompt` is what the agent was
    asked.
    """

    session: str = ""
    turn: str = ""
    state: str = "done"
    prompt: str = ""


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One entry of the log.

    `position` counts every streamed event, pieces of messages too; `offset` counts the events that
    the document stores, None for the others. `pieces` says how the text was cut when it was
    streamed: the length of each piece; the pieces stand at the positions before the entry. The text
    of a tool call is its arguments as JSON, where they were streamed in pieces; a call that was
    stopped inside them is a `tool_chunk`. The end of a turn has the `cursor` that it left.
    """

    position: int
    offset: int | None
    kind: Kind
    id: str
    turn: str
    role: str
    created: int
    text: str = ""
    data: dict[str, Any] = {}
    pieces: list[int] = []
    state: str = "complete"
    session: str = ""


def touch(record: Record, now: int) -> None:
    """Marks a change: the version and the time of the last change rise."""
    record.version += 1
    record.updated = max(now, record.updated + 1)


def append(session: Session, entry: Entry, *, stored: bool) -> None:
    """Gives an entry its place at the end of the session's log, behind its pieces.

    `stored`: the document's event list shows it, so it gets an offset too.
    """
    entry.session = session.id
    entry.position = session.position + len(entry.pieces)
    session.position = entry.position + 1
    if stored:
        entry.offset = session.offset
        session.offset += 1
    if entry.kind is Kind.MESSAGE:
        session.count += 1


def pieces(entry: Entry) -> Iterator[tuple[int, int, str]]:
    """The streamed pieces of a message or a tool call: position, index and text of each."""
    start, position = 0, entry.position - len(entry.pieces)
    for index, length in enumerate(entry.pieces):
        yield position + index, index, entry.text[start : start + length]
        start += length


def current(log: Iterable[Entry]) -> list[Entry]:
    """The log as its edits and deletions have left it."""
    found: list[Entry] = []
    for entry in log:
        if entry.kind is Kind.DELETION and "behind" in entry.data:
            found = [other for other in found if other.position <= entry.data["behind"]]
        elif entry.kind is Kind.DELETION:
            found = [other for other in found if other.id != entry.data["of"]]
        elif entry.kind is Kind.EDIT:
            found = [_edited(o, entry) if o.id == entry.data["of"] else o for o in found]
        else:
            found.append(entry)
    return found


def _edited(entry: Entry, edit: Entry) -> Entry:
    extra = {**entry.data.get("extra", {}), **edit.data["extra"]}
    data = {**entry.data, "extra": extra} if extra else entry.data
    text = edit.data["text"]
    return msgspec.structs.replace(entry, text=entry.text if text is None else text, data=data)


def history(log: Iterable[Entry]) -> list[Entry]:
    """The messages, in the order in which they were said."""
    return [entry for entry in current(log) if entry.kind is Kind.MESSAGE]


def stored(log: Iterable[Entry]) -> list[Entry]:
    """The events that the document stores, by rising offset."""
    return [entry for entry in current(log) if entry.offset is not None]


def suggestions(log: Iterable[Entry]) -> list[tuple[Entry, int, str]]:
    """Every suggestion, newest first: its entry, its index in it, its text."""
    return [
        (entry, index, text)
        for entry in reversed(current(log))
        if entry.kind is Kind.SUGGESTIONS
        for index, text in enumerate(entry.data["texts"])
    ]


class Point(NamedTuple):
    """A place in a log at which a turn ended: its position, the `cursor` with which the script goes
    on from there, and the tool call that was `waiting` for something."""

    position: int = 0
    cursor: Mapping[str, Any] = {}
    waiting: str = ""


def ends(log: Iterable[Entry]) -> list[Point]:
    """Where each turn that still stands has ended; the first is the beginning, or the greeting."""
    standing = current(log)
    found = [
        Point(entry.position, entry.data.get("cursor", {}), entry.data.get("waiting", ""))
        for entry in standing
        if entry.kind in TERMINAL
    ]
    greeted = bool(found) and all(entry.role == "agent" for entry in _upto(standing, found[0]))
    return found if greeted else [Point(), *found]


def _upto(log: Iterable[Entry], point: Point) -> list[Entry]:
    return [entry for entry in log if entry.position <= point.position]


def rewind(log: Iterable[Entry], turn: int) -> Point:
    """Where a log stood when its turn number `turn` was over, 0 is before the first. Negative
    numbers count from the end. Raises IndexError."""
    return ends(log)[turn]


def before(log: Iterable[Entry], position: int) -> Point:
    """Where the last turn that ended before a position has left the script."""
    return [point for point in ends(log) if point.position < position][-1]


def take_back(session: Session, log: Sequence[Entry], point: Point, behind: int) -> bool:
    """Takes all behind a position out of a session's history, whose script goes on from a point;
    False where nothing stands there. A deletion must say so in the log."""
    gone = [entry for entry in current(log) if entry.position > behind]
    session.count -= sum(entry.kind is Kind.MESSAGE for entry in gone)
    queued = session.cursor.get("queued")
    session.cursor = {**point.cursor, "queued": queued} if queued else dict(point.cursor)
    session.waiting = point.waiting
    return bool(gone)


def copy(session: Session, log: Iterable[Entry], id: str, now: int, point: Point) -> Session:
    """A new session as this one was at a point of its log."""
    kept = _upto(log, point)
    offsets = [entry.offset for entry in kept if entry.offset is not None]
    return Session(
        id,
        session.owner,
        now,
        now,
        session.attributes,
        position=point.position + 1,
        offset=max(offsets, default=-1) + 1,
        count=len(history(kept)),
        cursor=dict(point.cursor),
        waiting=point.waiting,
    )
