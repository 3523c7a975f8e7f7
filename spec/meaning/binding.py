"""What an operation means, and what sessions, messages and events look like on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec

from ..openapi.expressions import (
    Fill,
    Read,
    RequestLike,
    compile_request,
    compile_template,
    constants_in,
    names_in,
    request_part,
)

Location = tuple[str, ...]
Path = tuple[str | int, ...]


class Role(Enum):
    """What an operation does to which resource of a sessions API."""

    SESSION_CREATE = "session.create"
    SESSION_LIST = "session.list"
    SESSION_GET = "session.get"
    SESSION_UPDATE = "session.update"
    SESSION_DELETE = "session.delete"
    SESSION_ACT = "session.act"
    MESSAGE_CREATE = "message.create"
    MESSAGE_LIST = "message.list"
    MESSAGE_GET = "message.get"
    MESSAGE_UPDATE = "message.update"
    MESSAGE_DELETE = "message.delete"
    MESSAGE_CLEAR = "message.clear"
    MESSAGE_SUBSCRIBE = "message.subscribe"
    RUN_CREATE = "run.create"
    RUN_LIST = "run.list"
    RUN_GET = "run.get"
    RUN_UPDATE = "run.update"
    RUN_DELETE = "run.delete"
    RUN_ACT = "run.act"
    RUN_SUBSCRIBE = "run.subscribe"
    SUGGESTION_LIST = "suggestion.list"


class Words(msgspec.Struct, frozen=True):
    """A location whose value is one of the document's own words for ours."""

    at: Location
    words: Mapping[str, Any]

    def ours(self, value: Any) -> str | None:
        """Our word for the document's `value`."""
        return next((ours for ours, theirs in self.words.items() if theirs == value), None)


class Row(msgspec.Struct, frozen=True):
    """Where the parts of a message or of an event stand; None where the wire has no such part."""

    id: Location | None = None
    offset: Location | None = None
    turn: Location | None = None
    text: Location | None = None
    created: Location | None = None
    status: Location | None = None
    role: Words | None = None
    kind: Words | None = None
    state: Words | None = None
    tool: Mapping[str, Location] = {}

    def locations(self) -> list[Location]:
        """Every place that the row names."""
        plain = (self.id, self.offset, self.turn, self.text, self.created, self.status)
        words = (part.at for part in (self.role, self.kind, self.state) if part is not None)
        return [*(at for at in plain if at is not None), *words, *self.tool.values()]


class StreamedEvent(msgspec.Struct, frozen=True):
    """How one kind of event looks in a stream: its name, whether it has an id, and its data.

    The id is the position in the log or, with `own_id`, that of the event. `data` is None where the
    data is the event itself, as the event list shows it; `places` says where the names of its
    template, such as `chunk.text`, stand in the data, `constants` what else it has. Data that is no
    object is text: it stands in the event as it is, not as JSON. `then` is the text of an event
    that comes behind it.
    """

    name: str | None
    has_id: bool
    data: Fill | None
    places: Mapping[str, Location] = {}
    constants: Mapping[Location, Any] = {}
    template: Any = "event"
    own_id: bool = False
    then: str | None = None

    @classmethod
    def of(cls, shape: Mapping[str, Any]) -> StreamedEvent:
        """The event that a block says. Raises ValueError for a name that no template has."""
        name, id, template = shape.get("name"), shape.get("id", False), shape["data"]
        more = {"own_id": id == "event", "then": shape.get("then")}
        if template == "event":
            return cls(name, bool(id), None, **more)
        places, constants = names_in(template), constants_in(template)
        return cls(name, bool(id), compile_template(template), places, constants, template, **more)

    @property
    def is_text(self) -> bool:
        """Whether the data is text and no JSON."""
        return self.data is not None and isinstance(self.template, str)


class Place(msgspec.Struct, frozen=True):
    """Where a request says something: a part of it, and a name or a pointer there."""

    part: str
    name: str
    read: Read

    @classmethod
    def of(cls, text: str) -> Place:
        """The place that an expression, or the name of a query parameter, means."""
        expression = text if text.startswith("$") else f"$request.query.{text}"
        return cls(*request_part(expression), compile_request(expression))

    def __str__(self) -> str:
        """The name of the query parameter, or the expression."""
        if self.part == "query":
            return self.name
        sign = "#" if self.part == "body" else "."
        return f"$request.{self.part}{sign}{self.name}"


class Page(msgspec.Struct, frozen=True):
    """How a list is cut: by an offset, a cursor or a number of pages, or from a watermark on.

    `shown` says where the response tells of it: out, more, first, last, total, pages, start, size.
    """

    style: str = "none"
    start: Place | None = None
    before: Place | None = None
    limit: Place | None = None
    first_page: int = 1
    shown: Mapping[str, Location] = {}

    @property
    def total(self) -> Location | None:
        """Where the response counts the items of all pages."""
        return self.shown.get("total")


def descends(word: Any) -> bool | None:
    """Whether a word asks for the last or newest first; None where it names no direction."""
    said = str(word).lower()
    if said.startswith(("desc", "newest", "latest", "backward", "reverse")):
        return True
    return False if said.startswith(("asc", "oldest", "earliest", "forward")) else None


_SORTED = re.compile(r"(?i)(?P<sign>[-+]?)(?P<name>\w.*?)(?:[ :,._-](?P<way>(asc|desc)\w*))?")


def sorted_by(word: str) -> tuple[str, bool | None]:
    """What a word such as `-createdAt`, `title:asc` or `created_at_desc` sorts by, and whether it
    asks for the last first; None where it says no direction."""
    found = _SORTED.fullmatch(word)
    if found is None:
        return word, None
    sign, way = found["sign"], found["way"]
    return found["name"], sign == "-" if sign else descends(way) if way else None


class Filter(msgspec.Struct, frozen=True):
    """A part of the request that keeps the entities whose value `at` a location agrees with it."""

    place: Place
    at: Location
    how: str


class When(msgspec.Struct, frozen=True):
    """A condition on a request: whether what `place` says is true, or is one of `values`."""

    place: Place
    values: tuple[Any, ...] = ()
    negated: bool = False

    def __call__(self, request: RequestLike) -> bool:
        """Whether it holds for a request."""
        value = self.place.read(request)
        holds = value in self.values if self.values else bool(value)
        return holds is not self.negated


class Decision(msgspec.Struct, frozen=True):
    """Where a request says whether a tool call may go on, and the words for yes and for no."""

    place: Place | None = None
    approved: tuple[Any, ...] = ()
    denied: tuple[Any, ...] = ()
    default: bool = True

    def __call__(self, request: RequestLike) -> bool:
        """Whether a request approves."""
        said = self.place.read(request) if self.place is not None else None
        if said is None:
            return self.default
        if said in self.denied:
            return False
        return said in self.approved if self.approved else bool(said)


class Run(msgspec.Struct, frozen=True):
    """What a run looks like on the wire; `states` are the document's words for how far it is."""

    session: Location | None = None
    input: Location | None = None
    status: Location | None = None
    states: Mapping[str, str] = {}


class Binding(msgspec.Struct, frozen=True):
    """Where the parts of an operation's meaning stand in its requests and responses."""

    role: Role
    active: bool = False
    session: Place | None = None
    target: Place | None = None
    every_session: bool = False
    implicit: bool = False
    client_id: Place | None = None
    id: Location = ("id",)
    entity: Location = ()
    items: Location = ()
    shape: str = "message"
    row: Row | None = None
    history: Location | None = None
    page: Page = Page()
    order_by: Place | None = None
    order_direction: Place | None = None
    filters: tuple[Filter, ...] = ()
    input: Place | None = None
    messages: Location | None = None
    kind: Location | None = None
    tool_call: Location | None = None
    tool_output: Place | None = None
    record: Place | None = None
    greeting: Place | None = None
    via: str = "none"
    reply_at: Location | None = None
    wait: Place | None = None
    when: When | None = None
    run: Run = Run()
    events: Mapping[str, StreamedEvent] | None = None
    body_template: Mapping[str, Any] = {}
    body: Fill | None = None
    keep_null: bool = False
    effect: str = ""
    branches: bool = False
    decision: Decision = Decision()


class Model(msgspec.Struct, frozen=True):
    """What sessions, messages and events look like on the wire of a document.

    `caller` is the place and the name of what names the user of a request that needs no key.
    """

    caller: tuple[str, str] | None = None
    session: Mapping[str, Location] = msgspec.field(default_factory=lambda: {"id": ("id",)})
    message: Row = Row(id=("id",), text=("content",))
    event: Row = Row(id=("id",), text=("content",))
    suggestion: Mapping[str, Location] = msgspec.field(
        default_factory=lambda: {"text": ("content",)}
    )
    status: Mapping[str, str] = {}
    turn: tuple[str, ...] = ("reply",)  # `reply`, or the status that stands before or after it
    stored: frozenset[str] = frozenset({"message", "tool_result"})
    events: Mapping[str, StreamedEvent] = {}
