"""Event streams: how the events of a session are written to a document's wire, and read from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from . import pointers, sse
from .binding import Model
from .model import Entry, pieces
from .turn import Kind

_encode = msgspec.json.encode
Render = Callable[[Entry], Any]
Attributes = Mapping[str, Any]
"""What is known of the session that an entry belongs to."""
_NONE: Attributes = {}


@dataclass(frozen=True, slots=True)
class Seen:
    """One event that a stream delivered, in our words; `kind` is None when the model knows none.

    `text` is a piece of a message for `chunk`, the whole of it for `message`. `data` is the JSON.
    """

    kind: Kind | None
    raw: sse.ServerEvent
    data: Any
    text: str | None = None
    turn: str | None = None
    message: str | None = None
    role: str | None = None
    id: str | None = None


class EventStream:
    """The event stream of a document; `render` gives an entry as the event list shows it."""

    def __init__(self, model: Model, render: Render | None = None) -> None:
        self._model = model
        self._render = render
        self._kinds = {shape.name or "message": Kind(kind) for kind, shape in model.events.items()}

    def frames(self, entry: Entry, session: Attributes = _NONE) -> Iterator[tuple[int, bytes]]:
        """Every frame of an entry with its position: the pieces of a message, then itself."""
        for position, index, text in pieces(entry):
            if frame := self.chunk(entry, position, index, text, session):
                yield position, frame
        if frame := self.entry(entry, session):
            yield entry.position, frame

    def chunk(
        self, entry: Entry, position: int, index: int, text: str, session: Attributes
    ) -> bytes:
        """The frame of one piece of a message; empty when the document streams no pieces."""
        shape = self._model.events.get("chunk")
        if shape is None or shape.data is None:
            return b""
        data = shape.data(
            {
                "turn": {"id": entry.turn},
                "message": {"id": entry.id},
                "chunk": {"index": index, "text": text, "time": entry.created / 1_000_000},
                "session": session,
            }
        )
        return sse.encode(_encode(data), shape.name, str(position) if shape.has_id else None)

    def entry(self, entry: Entry, session: Attributes = _NONE) -> bytes:
        """The frame of one entry; empty when the document does not stream its kind."""
        shape = self._model.events.get(entry.kind.value)
        if shape is None:
            return b""
        if shape.data is not None:
            data = shape.data({**context_of(entry), "session": session})
        else:
            assert self._render is not None, "this stream was made for reading"
            data = self._render(entry)
        id = entry.id if shape.own_id else str(entry.position)
        return sse.encode(_encode(data), shape.name, id if shape.has_id else None)

    def read(self, event: sse.ServerEvent) -> Seen:
        """What a delivered event says."""
        try:
            data = msgspec.json.decode(event.data)
        except (msgspec.DecodeError, RecursionError):
            return Seen(None, event, None)
        kind = self._kinds.get(event.event)
        if kind is None:
            return Seen(None, event, data)
        shape = self._model.events[kind.value]
        if shape.data is None:
            row = self._model.event
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
            )
        at = shape.places
        return Seen(
            kind,
            event,
            data,
            text=_string(data, at.get("chunk.text")),
            turn=_string(data, at.get("turn.id")),
            message=_string(data, at.get("message.id")),
            id=event.id,
        )


def context_of(entry: Entry) -> dict[str, dict[str, Any]]:
    """What the templates of stream events can name of an entry."""
    data = entry.data
    return {
        "event": {"id": entry.id},
        "status": {"state": data.get("state")},
        "turn": {
            "id": entry.turn,
            "finish": data.get("finish", "stop"),
            "usage": data.get("usage"),
            "stopped": entry.kind is Kind.STOPPED,
            "created": entry.created,
        },
        "message": {
            "id": data.get("message", entry.id if entry.kind is Kind.MESSAGE else None),
            "text": entry.text,
            "created": entry.created,
            "offset": entry.offset,
        },
        "suggestion": {"texts": data.get("texts", [])},
        "error": {"code": data.get("code", "error"), "message": data.get("message", "")},
        "tool": {name: data.get(name) for name in ("id", "name", "arguments", "result")},
    }


def _string(data: Any, location: tuple[str, ...] | None) -> str | None:
    if location is None:
        return None
    found = [value for value in pointers.find(data, location) if isinstance(value, str)]
    return "".join(found) if found else None
