"""The annotations of a document, checked and made ready: `x-session` and `x-session-model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Any

from . import pointers
from .errors import Defect, nearest
from .expressions import (
    Fill,
    Read,
    RequestLike,
    compile_request,
    compile_template,
    constants_in,
    names_in,
    request_part,
)
from .schemas import Schemas, Validator, View
from .source import Source, parse

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


@dataclass(frozen=True, slots=True)
class Words:
    """A location whose value is one of the document's own words for ours."""

    at: Location
    words: Mapping[str, Any]

    def ours(self, value: Any) -> str | None:
        """Our word for the document's `value`."""
        return next((ours for ours, theirs in self.words.items() if theirs == value), None)


@dataclass(frozen=True, slots=True)
class Row:
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
    tool: Mapping[str, Location] = field(default_factory=dict)

    def locations(self) -> list[Location]:
        """Every place that the row names."""
        plain = (self.id, self.offset, self.turn, self.text, self.created, self.status)
        words = (part.at for part in (self.role, self.kind, self.state) if part is not None)
        return [*(at for at in plain if at is not None), *words, *self.tool.values()]


@dataclass(frozen=True, slots=True)
class StreamedEvent:
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
    places: Mapping[str, Location] = field(default_factory=dict)
    constants: Mapping[Location, Any] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True)
class Place:
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


@dataclass(frozen=True, slots=True)
class Page:
    """How a list is cut: by an offset, a cursor or a number of pages, or from a watermark on.

    `shown` says where the response tells of it: out, more, first, last, total, pages, start, size.
    """

    style: str = "none"
    start: Place | None = None
    before: Place | None = None
    limit: Place | None = None
    first_page: int = 1
    shown: Mapping[str, Location] = field(default_factory=dict)

    @property
    def total(self) -> Location | None:
        """Where the response counts the items of all pages."""
        return self.shown.get("total")


@dataclass(frozen=True, slots=True)
class Filter:
    """A part of the request that keeps the entities whose value `at` a location agrees with it."""

    place: Place
    at: Location
    how: str


@dataclass(frozen=True, slots=True)
class When:
    """A condition on a request: whether what `place` says is true, or is one of `values`."""

    place: Place
    values: tuple[Any, ...] = ()
    negated: bool = False

    def __call__(self, request: RequestLike) -> bool:
        """Whether it holds for a request."""
        value = self.place.read(request)
        holds = value in self.values if self.values else bool(value)
        return holds is not self.negated


@dataclass(frozen=True, slots=True)
class Run:
    """What a run looks like on the wire; `states` are the document's words for how far it is."""

    session: Location | None = None
    input: Location | None = None
    status: Location | None = None
    states: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Binding:
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
    body_template: Mapping[str, Any] = field(default_factory=dict)
    body: Fill | None = None
    keep_null: bool = False
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """What sessions, messages and events look like on the wire of a document.

    `caller` is the place and the name of what names the user of a request that needs no key.
    """

    caller: tuple[str, str] | None = None
    session: Mapping[str, Location] = field(default_factory=lambda: {"id": ("id",)})
    message: Row = Row(id=("id",), text=("content",))
    event: Row = Row(id=("id",), text=("content",))
    suggestion: Mapping[str, Location] = field(default_factory=lambda: {"text": ("content",)})
    status: Mapping[str, str] = field(default_factory=dict)
    turn: tuple[str, ...] = ("reply",)  # `reply`, or the status that stands before or after it
    stored: frozenset[str] = frozenset({"message", "tool_result"})
    events: Mapping[str, StreamedEvent] = field(default_factory=dict)


@cache
def vocabulary() -> Schemas:
    """The compiled JSON Schemas of the annotations (`vocabulary.yaml`)."""
    text = (files("sparring.spec") / "vocabulary.yaml").read_bytes()
    return Schemas(parse(text, "vocabulary.yaml").tree, modern=True)


def read_binding(block: Any, source: Source, path: Path) -> tuple[Binding | None, list[Defect]]:
    """The binding that an `x-session` block at `path` says, or what is wrong with it.

    None without a defect: the block says that the operation has no role.
    """
    defects = check("x-session", block, source, path)
    if defects or block.get("role", "none") == "none":
        return None, defects

    def location(key: str) -> Location | None:
        return pointers.split(block[key]) if key in block else None

    def place(key: str, inside: Mapping[str, Any] = block) -> Place | None:
        return Place.of(inside[key]) if key in inside else None

    reply, page, tool, order, run = (
        block.get(k, {}) for k in ("reply", "page", "tool", "order", "run")
    )
    shown = ("out", "more", "first", "last", "total", "pages", "start", "size")
    parts = ("session", "input", "status")
    try:
        template = block.get("body", {})
        text = block.get("input")
        if text is not None and not text.startswith("$"):
            text = f"$request.body#{text}"
        events, defects = read_events(block.get("events", {}), source, (*path, "events"))
        return Binding(
            role=Role(block["role"]),
            active=block.get("select") == "active",
            session=place("session"),
            target=place("target"),
            every_session=block.get("scope") == "all",
            implicit=block.get("implicit", False),
            client_id=place("client_id"),
            id=location("id") or ("id",),
            entity=location("entity") or (),
            items=location("items") or (),
            shape=block.get("shape", "message"),
            row=_read_row(block["row"]) if "row" in block else None,
            history=location("history"),
            page=Page(
                page.get("style", "none"),
                place("in", page),
                place("before", page),
                place("limit", page),
                page.get("first_page", 1),
                {name: pointers.split(page[name]) for name in shown if name in page},
            ),
            order_by=place("by", order),
            order_direction=place("dir", order),
            filters=tuple(
                Filter(Place.of(name), pointers.split(rule["at"]), rule["how"])
                for name, rule in block.get("filter", {}).items()
            ),
            input=Place.of(text) if text is not None else None,
            messages=location("messages"),
            kind=location("kind"),
            tool_call=pointers.split(tool["call"]) if "call" in tool else None,
            tool_output=place("output", tool),
            record=place("record"),
            greeting=place("greeting"),
            via=reply.get("via", "none"),
            reply_at=pointers.split(reply["at"]) if "at" in reply else None,
            wait=place("wait", reply),
            when=_read_when(reply["when"]) if "when" in reply else None,
            run=Run(
                **{name: pointers.split(run[name]) for name in parts if name in run},
                states=run.get("states", {}),
            ),
            events=events if "events" in block else None,
            body_template=template,
            body=compile_template(template),
            keep_null=block.get("merge", {}).get("null") == "keep",
            effect=block.get("effect", ""),
        ), defects
    except ValueError as error:
        return None, [source.defect("D141", str(error), path)]


def _read_when(block: str | dict[str, Any]) -> When:
    """An expression, or one with its value, its values, or the value that it must not have."""
    if isinstance(block, str):
        return When(Place.of(block))
    ((expression, value),) = block.items()
    negated = isinstance(value, dict)
    if negated:
        value = value["not"]
    return When(Place.of(expression), tuple(value if isinstance(value, list) else [value]), negated)


def read_events(
    block: dict[str, Any], source: Source, path: Path
) -> tuple[dict[str, StreamedEvent], list[Defect]]:
    """The events that a block declares, by kind, and what is wrong with it."""
    events: dict[str, StreamedEvent] = {}
    defects: list[Defect] = []
    for kind, shape in block.items():
        if shape is None:
            continue
        try:
            events[kind] = StreamedEvent.of(shape)
        except ValueError as error:
            defects.append(source.defect("D141", str(error), (*path, kind, "data")))
    return events, defects


def read_model(block: Any, source: Source, path: Path) -> tuple[Model, list[Defect]]:
    """The model that an `x-session-model` block at `path` declares, or what is wrong with it."""
    defects = check("x-session-model", block, source, path)
    if defects:
        return Model(), defects
    events, defects = read_events(block.get("events", {}), source, (*path, "events"))
    message = _read_row(block.get("message", {}))
    default, caller = Model(), block.get("caller")
    return Model(
        caller=(caller["in"], caller["name"]) if caller else None,
        session={"id": ("id",)} | _locations(block.get("session", {})),
        message=message,
        event=_read_row(block["event"]) if "event" in block else message,
        suggestion=_locations(block.get("suggestion", {})) or default.suggestion,
        status=block.get("status", {}),
        turn=tuple(
            step if step == "reply" else step["status"] for step in block.get("turn", ["reply"])
        ),
        stored=frozenset(block["stored"]) if "stored" in block else default.stored,
        events=events,
    ), defects


def _read_row(block: dict[str, Any]) -> Row:
    def words(key: str) -> Words | None:
        if key not in block:
            return None
        rest = {name: value for name, value in block[key].items() if name != "at"}
        return Words(pointers.split(block[key]["at"]), rest)

    plain = _locations(
        {k: v for k, v in block.items() if k not in ("role", "kind", "state", "tool")}
    )
    tool = _locations(block.get("tool", {}))
    return Row(**plain, role=words("role"), kind=words("kind"), state=words("state"), tool=tool)


def _locations(block: dict[str, str]) -> dict[str, Location]:
    return {name: pointers.split(pointer) for name, pointer in block.items()}


def check(name: str, block: Any, source: Source, path: Path, code: str = "D140") -> list[Defect]:
    """What is wrong with a block that has a schema in the vocabulary."""
    defects = []
    for violation in _validator(name).violations(block):
        tokens = pointers.split(violation.pointer)
        at: Path = tokens
        remedy = ""
        if violation.keyword == "additionalProperties":
            known = vocabulary().tree(View.REQUEST)["$defs"][name].get("properties", {})
            remedy = nearest(tokens[-1], known)
        where = f" at {violation.pointer}" if violation.pointer else ""
        message = f"{name}{where}: {violation.message}"
        defects.append(source.defect(code, message, (*path, *at), remedy))
    return defects


def _validator(name: str) -> Validator:
    return vocabulary().at(("$defs", name), View.REQUEST)
