"""The session model: attributes and one append-only log, of which all else is a view.

Pure: no input or output, no clock, no randomness. Times are microseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from .turn import Kind


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

    `cursor` is where the script stands, `count` how many messages the history has.
    """

    position: int = 1
    offset: int = 0
    count: int = 0
    cursor: dict[str, Any] = {}


class Run(Record, array_like=True, gc=False):
    """One run of the agent in a session: the turn of the log that has its output.

    `state` is queued, running, done, stopped or failed; `prompt` is what the agent was asked.
    """

    session: str = ""
    turn: str = ""
    state: str = "done"
    prompt: str = ""


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One entry of the log.

    `position` counts every streamed event, pieces of messages too; `offset` counts the events that
    the document stores, None for the others. `pieces` says how the text was cut when it was
    streamed: the length of each piece; the pieces stand at the positions before the message.
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


def touch(record: Record, now: int) -> None:
    """Marks a change: the version and the time of the last change rise."""
    record.version += 1
    record.updated = max(now, record.updated + 1)


def append(session: Session, entry: Entry, *, stored: bool) -> None:
    """Gives an entry its place at the end of the session's log, behind its pieces.

    `stored`: the document's event list shows it, so it gets an offset too.
    """
    entry.position = session.position + len(entry.pieces)
    session.position = entry.position + 1
    if stored:
        entry.offset = session.offset
        session.offset += 1
    if entry.kind is Kind.MESSAGE:
        session.count += 1


def pieces(entry: Entry) -> Iterator[tuple[int, int, str]]:
    """The streamed pieces of a message: position, index and text of each."""
    start, position = 0, entry.position - len(entry.pieces)
    for index, length in enumerate(entry.pieces):
        yield position + index, index, entry.text[start : start + length]
        start += length


def current(log: Iterable[Entry]) -> list[Entry]:
    """The log as its edits and deletions have left it."""
    found: list[Entry] = []
    for entry in log:
        if entry.kind is Kind.DELETION:
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
        for entry in reversed(list(log))
        if entry.kind is Kind.SUGGESTIONS
        for index, text in enumerate(entry.data["texts"])
    ]
