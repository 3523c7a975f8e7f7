"""What one check works in: the target, the journal of what was sent, what is left to clean up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role, Row
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import is_by_id
from sparring.spec.openapi.schemas import Path
from sparring.spec.streams.events import EventStream
from sparring.spec.streams.framing import EVENT_STREAM, framing_of

from .driving.bodies import Bodies
from .findings.answers import Deviation, deviations
from .target.file import TargetFile
from .target.journal import Journal
from .target.target import Target

if TYPE_CHECKING:
    from .driving.caller import Caller


_LONG = Lock()
"""Held while a long answer is judged: what is wrong with one holds copies of it."""


class Blocked(Exception):
    """A valid request that a check needs was refused: the check says nothing then."""

    def __init__(self, operation: Operation, exchange: Exchange) -> None:
        super().__init__(f"{operation.label} answered {exchange.response.status}")
        self.operation = operation
        self.exchange = exchange


class NotChecked(Exception):
    """A check found no evidence to go by; the message says which."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange of a check; of a long answer the beginning, and what is wrong with the whole."""

    operation: Operation
    exchange: Exchange
    deviations: tuple[Deviation, ...] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session that a check made: its id, and what create answered."""

    id: str
    exchange: Exchange
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One message or event of a list, in our words."""

    raw: Any
    id: Any = None
    text: str | None = None
    role: str | None = None
    kind: str | None = None
    state: str | None = None
    turn: Any = None
    created: Any = None
    offset: Any = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    items: list[Any]
    total: Any
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Prompts:
    """Texts that make the agent do more than answer, or fail."""

    telling: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()


@dataclass
class World:
    """What the checks of a run share, and what one check leaves behind."""

    document: Document
    target: Target
    bodies: Bodies
    journal: list[Entry] = field(default_factory=list)
    given: TargetFile = field(default_factory=TargetFile)
    made: list[tuple[Caller, str]] = field(default_factory=list)
    created: dict[tuple[Caller, str], None] = field(default_factory=dict)
    """Every session that a request has made, those that no check was after too."""
    sessions: Journal = field(default_factory=Journal)
    above: dict[str, Any] = field(default_factory=dict)
    """What stands in paths above sessions, by parameter: the same wherever it has that name."""
    streams: dict[Path, EventStream] = field(default_factory=dict)
    """How the streams of operations are read: the same in every check."""
    prompts: dict[str, Prompts] = field(default_factory=dict)
    """What brings out more than a reply, by operation: the same in every check."""
    learning: Lock = field(default_factory=Lock)
    """Held while one check learns what all want to know."""

    def stream(self, operation: Operation) -> EventStream:
        """Reads the stream of an operation."""
        found = self.streams.get(operation.pointer)
        if found is None:
            found = self.streams[operation.pointer] = EventStream.of(self.document, operation)
        return found

    def words(self, usual: str) -> str:
        """What to say where it does not matter: a text of the target's file, in turn, if it has."""
        texts = self.given.texts
        return texts[self.target.meter.messages % len(texts)] if texts else usual

    def one(self, role: Role) -> Operation | None:
        """The first operation with a role; for reading a session not the active one, for making
        one rather where the server may choose its id."""
        found = [o for o in self.document.with_role(role) if o.binding and not o.binding.active]
        found.sort(key=lambda o: is_by_id(o))
        return found[0] if found else None

    def need(self, role: Role) -> Operation:
        """The first operation with a role. Raises NotChecked when the document has none."""
        operation = self.one(role)
        if operation is None:
            raise NotChecked(f"the document has no {role.value}")
        return operation

    def note(self, operation: Operation, exchange: Exchange) -> None:
        """Writes an exchange down."""
        kept, wrong = exchange.kept(), None
        if kept is not exchange:
            with _LONG:
                wrong = tuple(deviations(self.document, operation, exchange))
        self.journal.append(Entry(operation, kept, wrong))

    def exchanges(self, start: int = 0) -> list[Exchange]:
        """What was sent since entry `start` of the journal."""
        return [entry.exchange for entry in self.journal[start:]]


def line(row: Row, raw: Any) -> Line:
    """Reads one message or event."""

    def at(location: tuple[str, ...] | None) -> Any:
        return pointers.first(raw, location) if location is not None else None

    texts = list(pointers.find(raw, row.text)) if row.text is not None else []
    words = [t for t in texts if isinstance(t, str)]
    return Line(
        raw,
        id=at(row.id),
        text="".join(words) if words else None,
        role=row.role.ours(at(row.role.at)) if row.role else None,
        kind=row.kind.ours(at(row.kind.at)) if row.kind else "message",
        state=row.state.ours(at(row.state.at)) if row.state else None,
        turn=at(row.turn),
        created=at(row.created),
        offset=at(row.offset),
    )


def entity(operation: Operation, exchange: Exchange) -> Any:
    """The session in an answer."""
    location = operation.binding.entity if operation.binding else ()
    return pointers.first(exchange.response.json(), location)


def stream_type(operation: Operation) -> str:
    """The media type of the stream that an operation declares; that of SSE where it has none."""
    return next(filter(framing_of, operation.answers), EVENT_STREAM)


def is_stream(exchange: Exchange) -> bool:
    """Whether the answer is a stream of events."""
    return framing_of(exchange.response.media_type) is not None


def succeeded(exchange: Exchange) -> bool:
    """Whether the answer is a 2xx."""
    return 200 <= exchange.response.status < 300
