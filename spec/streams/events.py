"""Event streams: how the events of a session are written to a document's wire, and read from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from .. import pointers
from ..inference.events import declared_events, infer_events
from ..meaning.binding import Location, Model, Role, StreamedEvent
from ..model import Entry, pieces
from ..openapi.document import Document, Media, Operation
from ..openapi.schema_reader import SchemaReader
from ..openapi.schemas import Path, View, Violation
from ..turn import Kind
from . import sse
from .event_declaration import event_schema
from .event_reader import EventReader
from .event_schema import EventSchema
from .framing import SSE, Framing, is_json

_encode = msgspec.json.encode
Render = Callable[[Entry], Any]

Attributes = Mapping[str, Any]
"""What templates can name of the session that an entry belongs to: its id and its attributes."""
_NOBODY: Attributes = {"id": ""}

# Stand for what varies from piece to piece in the frame that all pieces of a message share.
_TEXT, _INDEX, _TIME, _POSITION = (
    f"\ue000{name}\ue001" for name in ("text", "index", "time", "position")
)
_ENCODED = [_encode(mark) for mark in (_TEXT, _INDEX, _TIME, _POSITION)]
_MARKS = re.compile(b"|".join(map(re.escape, _ENCODED)))


@dataclass(frozen=True, slots=True)
class Seen:
    """One event that a stream delivered, in our words; `kind` is None when the model knows none.

    `text` is a piece of a message for `chunk`, the whole of it for `message`, a piece of the
    arguments of the call `tool` for `tool_chunk`, and the last piece for a `done` that may hold
    one. `data` is the JSON.
    """

    kind: Kind | None
    raw: sse.ServerEvent
    data: Any
    text: str | None = None
    turn: str | None = None
    message: str | None = None
    role: str | None = None
    id: str | None = None
    tool: str | None = None
    session: str | None = None

    @property
    def sent_id(self) -> str | None:
        """Its id, None where it has but that of the event before it (WHATWG HTML 9.2.6)."""
        return self.id if "id" in self.raw.fields else None


class EventStream:
    """The event stream of a document, or of one operation.

    `render` gives an entry as the event list shows it. `events` are those of the operation where
    they are not the model's; `schema` says how it declares them, and what else it may send.
    """

    def __init__(
        self,
        model: Model,
        render: Render | None = None,
        *,
        events: Mapping[str, StreamedEvent] | None = None,
        schema: EventSchema | None = None,
    ) -> None:
        self.events: Mapping[str, StreamedEvent] = model.events if events is None else events
        self.schema = schema
        self.framing: Framing = schema.framing if schema else SSE
        self._row = model.event
        self._render = render
        self._cut: dict[tuple[str, str, str], _Pieces | None] = {}
        self._ids = {shape.own_id for shape in self.events.values() if shape.has_id}

    @classmethod
    def of(cls, document: Document, operation: Operation, *, defaults: bool = False) -> EventStream:
        """The stream of an operation, for reading, as far as its document tells of it.

        `defaults`: where it tells nothing, the events are those that we write then.
        """
        schema = event_schema(document, operation)
        events = events_of(document, operation, defaults=defaults)
        return cls(document.model, events=events, schema=schema)

    @cached_property
    def _reader(self) -> EventReader:
        return EventReader(self.events, self.schema)

    # Writing

    def frames(self, entry: Entry, session: Attributes = _NOBODY) -> Iterator[tuple[int, bytes]]:
        """Every frame of an entry with its position: its pieces, then itself."""
        for position, index, text in pieces(entry):
            if frame := self.chunk(entry, position, index, text, session):
                yield position, frame
        if frame := self.entry(entry, session):
            yield entry.position, frame

    def chunk(
        self, entry: Entry, position: int, index: int, text: str, session: Attributes = _NOBODY
    ) -> bytes:
        """The frame of one piece of a message, or of a tool call's arguments; empty when the
        document streams no such pieces."""
        key = (session["id"], entry.turn, entry.id)
        try:
            cut = self._cut[key]
        except KeyError:
            if len(self._cut) > 256:
                self._cut.clear()
            cut = self._cut[key] = self._cut_frame(entry, session)
        if cut is None:
            return b""
        return cut.frame(position, index, text, entry.created / 1_000_000)

    def _cut_frame(self, entry: Entry, session: Attributes) -> _Pieces | None:
        of_tool = entry.kind is Kind.TOOL_CALL or entry.kind is Kind.TOOL_CHUNK
        shape = self.events.get(Kind.TOOL_CHUNK if of_tool else Kind.CHUNK)
        if shape is None or shape.data is None:
            return None
        context = _NOTHING | {
            "session": session,
            "event": {**_NOTHING["event"], "position": _POSITION},
            "turn": {**_NOTHING["turn"], "id": entry.turn},
            "message": {**_NOTHING["message"], "id": entry.id},
            "chunk": {"index": _INDEX, "text": _TEXT, "time": _TIME},
            "tool": {**_NOTHING["tool"], **entry.data},
        }
        return _Pieces(self.framing, shape, shape.data(context))

    def entry(self, entry: Entry, session: Attributes = _NOBODY) -> bytes:
        """The frame of one entry; empty when the document does not stream its kind.

        What a user said is streamed where the data of a message is the one that its list shows.
        """
        shape = self.events.get(entry.kind.value)
        if shape is None:
            return self._raw(entry) if entry.kind is Kind.EVENT else b""
        if entry.kind is Kind.TOOL_CHUNK:  # its pieces are all that there was
            return b""
        id = None
        if shape.has_id:
            id = entry.id if shape.own_id else str(entry.position)
        if shape.data is None:
            assert self._render is not None, "this stream was made for reading"
            data = self._render(entry)
        elif entry.kind is Kind.MESSAGE and entry.role == "user":
            return b""
        else:
            data = shape.data(context_of(entry, session))
        if shape.is_text and self.framing is SSE:
            frame = sse.encode_text(data, shape.name, id)
        else:
            frame = self.framing.encode(_encode(data), shape.name, id)
        if shape.then is not None:
            frame += self.framing.encode(shape.then.encode(), None, None)
        return frame

    def _raw(self, entry: Entry) -> bytes:
        """The frame of an event that is written as it is."""
        name, data, id = entry.data.get("name"), entry.data.get("data"), None
        if entry.data.get("id") and self._ids:
            id = entry.id if self._ids == {True} else str(entry.position)
        if isinstance(data, str) and self.framing is SSE:
            return sse.encode_text(data, name, id)
        return self.framing.encode(_encode(data), name, id)

    def violations(self, name: str | None, data: Any) -> list[Violation]:
        """What is wrong with an event of this name and data (text as it is, else JSON) by the
        document; nothing where it declares no events, or takes any."""
        if self.schema is None or self.schema.is_open:
            return []
        text = data if isinstance(data, str) else _encode(data).decode()
        fields = ["data", *(["event"] if name else []), *(["id"] if self._ids else [])]
        id = "1" if self._ids else None
        event = sse.ServerEvent(text, name or "message", id, tuple(fields))
        return self.schema.violations(event)

    @property
    def names(self) -> list[str]:
        """The names of the events that the document declares."""
        declared = [a.name for a in self.schema.alternatives] if self.schema is not None else []
        named = [*declared, *(shape.name for shape in self.events.values())]
        return list(dict.fromkeys(name for name in named if name))

    # Reading

    def read(self, event: sse.ServerEvent) -> Seen:
        """What a delivered event says."""
        data, (kind, shape) = self._reader.read(event)
        if kind is None or shape is None:
            return Seen(kind, event, data, id=event.id)
        if shape.data is None:
            row = self._row
            role = pointers.first(data, row.role.at) if row.role else None
            return Seen(
                kind,
                event,
                data,
                text=_string(data, row.text),
                turn=_string(data, row.turn),
                message=_string(data, row.id),
                role=row.role.ours(role) if row.role else None,
                id=event.id,
                tool=_string(data, row.tool.get("id")),
            )
        at = shape.places
        text = at.get("message.text" if kind is Kind.MESSAGE else "chunk.text")
        chunk = self.events.get(Kind.CHUNK)
        if kind is Kind.DONE and chunk is not None:  # the last piece may be in it
            place = chunk.places.get("chunk.text", ())
            text = place if shape.constants.get(place) == "" else None
        return Seen(
            kind,
            event,
            data,
            text=_string(data, text),
            turn=_string(data, at.get("turn.id")),
            message=_string(data, at.get("message.id")),
            id=event.id,
            tool=_string(data, at.get("tool.id")),
            session=_string(data, at.get("session.id")),
        )


class _Pieces:
    """The frame of every piece of one message or call: encoded once, then only filled."""

    def __init__(self, framing: Framing, shape: StreamedEvent, data: Any) -> None:
        self._has_id = shape.has_id and framing.names
        self._name = shape.name
        self._is_text = shape.is_text and framing is SSE
        frame = framing.encode(_encode(data), shape.name, None)
        marks = [_ENCODED.index(match[0]) for match in _MARKS.finditer(frame)]
        literals = [part.replace(b"%", b"%%") for part in _MARKS.split(frame)]
        self._format = b"%b".join(literals)
        self._marks = marks
        self._only_text = marks == [0]

    def frame(self, position: int, index: int, text: str, time: float) -> bytes:
        """The frame of one piece."""
        if self._is_text:
            return sse.encode_text(text, self._name, str(position) if self._has_id else None)
        if self._only_text:
            frame = self._format % _encode(text)
        else:
            written = _encode(text), b"%d" % index, _encode(time), b"%d" % position
            frame = self._format % tuple([written[mark] for mark in self._marks])
        return b"id: %d\n%b" % (position, frame) if self._has_id else frame


def events_of(
    document: Document, operation: Operation, *, defaults: bool = False
) -> Mapping[str, StreamedEvent]:
    """The events of an operation's stream: its own, the model's, or what its schema tells.

    `defaults`: where the document tells nothing, what we write then.
    """
    binding = operation.binding
    if binding is not None and binding.events is not None:
        return binding.events
    if document.model.events:
        return document.model.events
    schema = event_schema(document, operation)
    if defaults:
        block = infer_events(document, operation, _row_schema(document))
    else:
        block = declared_events(schema, _row_schema(document)) if schema is not None else {}
    return {kind: StreamedEvent.of(shape) for kind, shape in block.items()}


def _row_schema(document: Document) -> Path | None:
    """The schema of the rows in which a list shows what happened."""
    for shape in ("event", "message"):
        for operation in document.with_role(Role.MESSAGE_LIST):
            binding, media = operation.binding, _json_media(operation)
            if binding is None or binding.shape != shape or media is None or not media.schema:
                continue
            reader, path = SchemaReader(document, View.RESPONSE), media.schema
            for token in binding.items:
                path = reader.members(path).get(token, path)
            return (*reader.resolve(path)[0], "items")
    return None


def _json_media(operation: Operation) -> Media | None:
    content = operation.success[1].content if operation.success else {}
    return next((media for name, media in content.items() if is_json(name)), None)


_NOTHING: dict[str, Attributes] = {
    "session": _NOBODY,
    "event": {"id": "", "position": 0},
    "turn": {"id": "", "finish": "stop", "usage": None, "stopped": False, "created": None},
    "message": {"id": None, "text": "", "created": None, "offset": None},
    "chunk": {"index": 0, "text": "", "time": 0.0},
    "suggestion": {"texts": []},
    "status": {"state": ""},
    "error": {"code": "error", "message": ""},
    "tool": {"id": None, "name": None, "arguments": None, "result": None},
}


def context_of(entry: Entry, session: Attributes = _NOBODY) -> dict[str, Attributes]:
    """What the templates of stream events can name of an entry."""
    data = entry.data
    return {
        "session": session,
        "event": {"id": entry.id, "position": entry.position},
        "turn": {
            "id": entry.turn,
            "finish": data.get("finish", "stop"),
            "usage": data.get("usage"),
            "stopped": entry.kind is Kind.STOPPED,
            "created": entry.created,
        },
        "message": {
            "id": data.get("message") or entry.id or None,
            "text": data.get("text", entry.text),
            "created": entry.created,
            "offset": entry.offset,
        },
        "chunk": {"index": 0, "text": entry.text, "time": entry.created / 1_000_000},
        "suggestion": {"texts": data.get("texts", [])},
        "status": {"state": data.get("state", "")},
        "error": {"code": data.get("code", "error"), "message": data.get("message", "")},
        "tool": {name: data.get(name) for name in ("id", "name", "arguments", "result")},
    }


def _string(data: Any, location: Location | None) -> str | None:
    if location is None:
        return None
    found = [value for value in pointers.find(data, location) if isinstance(value, str)]
    return "".join(found) if found else None
