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
from .expressions import Fill, Read, compile_request, compile_template, names_in
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
class Page:
    """How a list is cut: by an offset, or from a watermark on."""

    style: str = "none"
    start: str | None = None
    limit: str | None = None
    total: Location | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """A query parameter that keeps the entities whose value `at` a location agrees with it."""

    parameter: str
    at: Location
    how: str


@dataclass(frozen=True, slots=True)
class Binding:
    """Where the parts of an operation's meaning stand in its requests and responses."""

    role: Role
    active: bool = False
    session: Read | None = None
    client_id: Read | None = None
    client_id_text: str = ""
    id: Location = ("id",)
    entity: Location = ()
    items: Location = ()
    shape: str = "message"
    page: Page = Page()
    order_by: Read | None = None
    order_direction: Read | None = None
    filters: tuple[Filter, ...] = ()
    input: Location | None = None
    messages: Location | None = None
    kind: Location | None = None
    tool_call: Location | None = None
    tool_output: Read | None = None
    record: Read | None = None
    greeting: Read | None = None
    greeting_text: str = ""
    via: str = "none"
    reply_at: Location | None = None
    wait: Read | None = None
    body_template: Mapping[str, Any] = field(default_factory=dict)
    body: Fill | None = None
    keep_null: bool = False
    effect: str = ""


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

    `data` is None where the data is the event itself, as the event list shows it; `places` says
    where the names of its template, such as `chunk.text`, stand in the data.
    """

    name: str | None
    has_id: bool
    data: Fill | None
    places: Mapping[str, Location] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """What sessions, messages and events look like on the wire of a document."""

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
    """The binding that an `x-session` block at `path` declares, or what is wrong with it."""
    defects = check("x-session", block, source, path)
    if defects:
        return None, defects

    def location(key: str) -> Location | None:
        return pointers.split(block[key]) if key in block else None

    def expression(key: str) -> Read | None:
        return compile_request(block[key]) if key in block else None

    reply, page, tool, order = (block.get(k, {}) for k in ("reply", "page", "tool", "order"))
    try:
        template = block.get("body", {})
        return Binding(
            role=Role(block["role"]),
            active=block.get("select") == "active",
            session=expression("session"),
            client_id=expression("client_id"),
            client_id_text=block.get("client_id", ""),
            id=location("id") or ("id",),
            entity=location("entity") or (),
            items=location("items") or (),
            shape=block.get("shape", "message"),
            page=Page(
                page.get("style", "none"),
                page.get("in"),
                page.get("limit"),
                pointers.split(page["total"]) if "total" in page else None,
            ),
            order_by=compile_request(order["by"]) if "by" in order else None,
            order_direction=compile_request(order["dir"]) if "dir" in order else None,
            filters=tuple(
                Filter(name, pointers.split(rule["at"]), rule["how"])
                for name, rule in block.get("filter", {}).items()
            ),
            input=location("input"),
            messages=location("messages"),
            kind=location("kind"),
            tool_call=pointers.split(tool["call"]) if "call" in tool else None,
            tool_output=compile_request(tool["output"]) if "output" in tool else None,
            record=expression("record"),
            greeting=expression("greeting"),
            greeting_text=block.get("greeting", ""),
            via=reply.get("via", "none"),
            reply_at=pointers.split(reply["at"]) if "at" in reply else None,
            wait=compile_request(reply["wait"]) if "wait" in reply else None,
            body_template=template,
            body=compile_template(template),
            keep_null=block.get("merge", {}).get("null") == "keep",
            effect=block.get("effect", ""),
        ), []
    except ValueError as error:
        return None, [source.defect("D141", str(error), path)]


def read_model(block: Any, source: Source, path: Path) -> tuple[Model, list[Defect]]:
    """The model that an `x-session-model` block at `path` declares, or what is wrong with it."""
    defects = check("x-session-model", block, source, path)
    if defects:
        return Model(), defects
    events: dict[str, StreamedEvent] = {}
    for kind, shape in block.get("events", {}).items():
        if shape is None:
            continue
        try:
            whole = shape["data"] == "event"
            data = None if whole else compile_template(shape["data"])
        except ValueError as error:
            defects.append(source.defect("D141", str(error), (*path, "events", kind, "data")))
            continue
        places = {} if whole else names_in(shape["data"])
        events[kind] = StreamedEvent(shape.get("name"), shape.get("id", False), data, places)
    message = _read_row(block.get("message", {}))
    default = Model()
    return Model(
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
