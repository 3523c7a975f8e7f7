"""Tells what kind of event was delivered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from .. import pointers
from ..inference.events import declared_kinds
from ..meaning.binding import Location, StreamedEvent
from ..text.json_text import decode_answer
from ..turn import Kind
from .event_schema import EventSchema, Form
from .sse import ServerEvent


class EventReader:
    """Tells the kind of an event by its name and by the constants that tell kinds apart."""

    def __init__(self, events: Mapping[str, StreamedEvent], schema: EventSchema | None) -> None:
        known = [(Kind(kind), shape) for kind, shape in events.items()]
        known.sort(key=lambda pair: pair[0] is Kind.STOPPED)  # it may look like `done`
        self._schema = schema
        self._declared = known
        told = schema is not None and schema.form in (Form.PAYLOAD, Form.EVENT)
        self._inferred = declared_kinds(schema) if schema is not None and told else []
        # Where the schema speaks of payloads alone, events may have any names, or none.
        self._any_name = schema is not None and schema.form is Form.PAYLOAD
        self._tags = set(schema.tags) if schema is not None else set()

    def read(self, event: ServerEvent) -> tuple[Any, tuple[Kind | None, StreamedEvent | None]]:
        """The JSON of an event, its kind and its shape."""
        data, is_json = _json(event.data)
        for shapes in (self._declared, self._inferred):
            named = [(k, s) for k, s in shapes if (s.name or "message") == event.event]
            if not named and self._any_name:
                named = [(k, s) for k, s in shapes if s.name is None]
            if found := self._pick(named, event, data, is_json):
                return (data if not found[1].is_text else event.data), found
        if self._schema is not None and self._schema.is_sentinel(event):
            return data, (Kind.DONE, None)
        return data, (None, None)

    def _pick(
        self,
        named: Sequence[tuple[Kind, StreamedEvent]],
        event: ServerEvent,
        data: Any,
        is_json: bool,
    ) -> tuple[Kind, StreamedEvent] | None:
        for kind, shape in named:
            if shape.is_text and not shape.places and shape.template == event.data.strip():
                return kind, shape
        objects = [(kind, shape) for kind, shape in named if not shape.is_text]
        telling = self._tags | _telling([shape for _, shape in objects])
        found: list[tuple[int, int, bool, Kind, StreamedEvent]] = []
        for kind, shape in objects if is_json else ():
            told = shape.constants.items()
            wanted = {at: v for at, v in told if at in telling or at[-1:] in _TAGS}
            if all(pointers.first(data, at) == value for at, value in wanted.items()):
                full = _has_its_part(kind, shape, data) or len(objects) == 1
                found.append((full, len(wanted), kind is Kind.DONE, kind, shape))
        best = max((f for f in found if f[0]), key=lambda f: f[:3], default=None)
        if best is not None:
            return best[3], best[4]
        texts = ((k, s) for k, s in named if s.is_text and (s.places or s.name == event.event))
        return next(texts, None)


_TAGS = {("type",), ("kind",), ("event",)}


def _telling(shapes: Iterable[StreamedEvent]) -> set[Location]:
    """The places at which events of one name have different constants."""
    values: dict[Location, list[Any]] = {}
    for shape in shapes:
        for at, value in shape.constants.items():
            if value not in values.setdefault(at, []):
                values[at].append(value)
    return {at for at, found in values.items() if len(found) > 1}


_PARTS = {Kind.CHUNK: "chunk.text", Kind.MESSAGE: "message.text", Kind.DONE: "turn.finish"}


def _has_its_part(kind: Kind, shape: StreamedEvent, data: Any) -> int:
    """Whether an event has what an event of its kind is for: 2, or 1 where that is empty."""
    at = shape.places.get(_PARTS.get(kind, ""))
    if at is None:
        return 2
    part = pointers.first(data, at)
    return 1 + bool(part) if isinstance(part, str) else 0


def _json(text: str) -> tuple[Any, bool]:
    try:
        return decode_answer(text), True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, False
