"""The events that a stream may deliver by its document, and what is wrong with one that it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

from .. import pointers
from ..openapi.schema_reader import SchemaReader
from ..openapi.schemas import Path, Violation, types_of
from ..text.json_text import decode_answer
from .framing import Framing
from .sse import ServerEvent

EVENT_MEMBERS = frozenset({"event", "data", "id", "retry", "comment"})
_ABSENT: Any = object()

Location = tuple[str, ...]


class Form(Enum):
    """What the schema of a stream speaks of."""

    NONE = "nothing"
    TEXT = "plain text"
    PAYLOAD = "the JSON in the data of an event"
    EVENT = "an event as an object"


@dataclass(frozen=True, slots=True)
class Alternative:
    """One declared event.

    `name` is the event's, None where it is not said; `strict` forbids others. `constants` are the
    members of the payload that tell it from the others, with the values that they may have.
    `literal` is data that is this text, such as [DONE]. `around` are the schemas in whose unions
    the payload's stands, `whole` those of the event as an object. `sample` is the payload of an
    example.
    """

    label: str
    name: str | None = None
    strict: bool = False
    constants: Mapping[Location, tuple[Any, ...]] = field(default_factory=dict)
    payload: Path | None = None
    is_json: bool = True
    literal: str | None = None
    has_id: bool = False
    around: tuple[Path, ...] = ()
    whole: tuple[Path, ...] = ()
    sample: Any = None

    def fits(self, data: Any) -> bool:
        """Whether the constant members of `data` are those of this event."""
        if not isinstance(data, dict):
            return not self.constants
        return all(pointers.first(data, at, v[0]) in v for at, v in self.constants.items())


@dataclass(frozen=True, slots=True)
class EventSchema:
    """The declared events of one stream."""

    form: Form
    media_type: str
    framing: Framing
    alternatives: tuple[Alternative, ...]
    sentinel: str | None
    reader: SchemaReader

    @property
    def tags(self) -> frozenset[Location]:
        """The places of payloads that tell events apart."""
        return frozenset(at for found in self.alternatives for at in found.constants)

    @property
    def is_open(self) -> bool:
        """Whether nothing is said of what an event may be called or hold."""
        return not any(
            a.strict
            or a.constants
            or a.literal
            or (a.payload and (self.reader.members(a.payload) or self.reader.branches(a.payload)))
            for a in self.alternatives
        )

    def is_sentinel(self, event: ServerEvent) -> bool:
        """Whether the data is no event but the mark of the end.

        [DONE] needs no declaration: servers end streams of payloads with it that do not say so.
        """
        text = event.data.strip()
        if self.form is Form.EVENT:
            return text == self.sentinel and "event" not in event.fields
        known = {self.sentinel, *(a.literal for a in self.alternatives)}
        return text in known or (self.form is Form.PAYLOAD and text == "[DONE]")

    def matching(self, event: ServerEvent) -> list[Alternative]:
        """The declared events of which the delivered one may be one."""
        name, data = self._parts(event)
        return [a for a in self._named(name) if a.fits(data)]

    def violations(self, event: ServerEvent, limit: int = 20) -> list[Violation]:
        """How an event breaks its declaration; pointers lead into the JSON of its data."""
        if self.form in (Form.NONE, Form.TEXT):
            return []
        if self.is_sentinel(event):
            return []
        name, data = self._parts(event)
        named = self._named(name)
        if not named:
            known = ", ".join(dict.fromkeys(a.name for a in self.alternatives if a.name))
            shown = f'"{name}"' if "event" in event.fields else "an event without a name"
            return [Violation("", "event", f"{shown} is not declared; declared are {known}")]
        if any(a.literal == event.data.strip() for a in named):
            return []
        if data is _ABSENT and all(a.is_json for a in named):
            return [Violation("", "contentMediaType", "the data is not JSON")]
        fitting = [a for a in named if a.fits(data)]
        if not fitting and (unknown := self._unknown(named, data)):
            return [unknown]
        found: list[list[Violation]] = []
        for alternative in fitting or named:
            found.append(self._broken(alternative, event, name, data, limit))
            if not found[-1]:
                return []
        return min(found, key=len)

    def _parts(self, event: ServerEvent) -> tuple[str, Any]:
        """The name of an event and the JSON of its data.

        Some servers write the object with `event` and `data` into the data of an unnamed event.
        """
        try:
            data = decode_answer(event.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return event.event, _ABSENT
        is_unnamed = self.form is Form.EVENT and "event" not in event.fields
        if is_unnamed and isinstance(data, dict) and {"data"} <= set(data) <= EVENT_MEMBERS:
            return str(data.get("event", event.event)), data["data"]
        return event.event, data

    def _named(self, name: str) -> list[Alternative]:
        exact = [a for a in self.alternatives if a.name == name and a.strict]
        return exact or [a for a in self.alternatives if not a.strict]

    def _unknown(self, named: Sequence[Alternative], data: Any) -> Violation | None:
        """What is wrong when a member that every declared event has says none of their words."""
        common = set.intersection(*(set(a.constants) for a in named))
        for tag in sorted(common) if isinstance(data, dict) else ():
            known = dict.fromkeys(str(value) for a in named for value in a.constants[tag])
            value = str(pointers.first(data, tag))
            if value not in known:
                shown = f"{tag[-1]}: {value[:60]!r}"
                message = f"{shown} is not declared; declared are {', '.join(known)}"
                return Violation(pointers.join(tag), "event", message)
        return None

    def payload_violations(
        self, alternative: Alternative, value: Any, limit: int = 20
    ) -> list[Violation]:
        """How the JSON of an event breaks the schema of its payload, and the unions around that.

        That more than one branch of a union fits it is the document's fault and no violation.
        """
        for path in (alternative.payload, *alternative.around):
            if path is not None and (found := self._check(path, value, limit)):
                return found
        return []

    def _check(self, path: Path, value: Any, limit: int) -> list[Violation]:
        found = self.reader.validator(path).violations(value, limit)
        return [v for v in found if not (v.keyword == "oneOf" and "more than one" in v.message)]

    def _broken(
        self, alternative: Alternative, event: ServerEvent, name: str, data: Any, limit: int
    ) -> list[Violation]:
        values = [data] if data is not _ABSENT else []
        if not alternative.is_json:
            values.insert(0, event.data)
        found: list[Violation] = []
        for value in values:
            found = self._violations_of(alternative, event, name, value, limit)
            if not found:
                break
        return found

    def _violations_of(
        self, alternative: Alternative, event: ServerEvent, name: str, value: Any, limit: int
    ) -> list[Violation]:
        if found := self.payload_violations(alternative, value, limit):
            return found
        is_text = any(_holds_text(self.reader, path) for path in alternative.whole)
        shown: dict[str, Any] = {"data": event.data if is_text else value}
        shown |= {"event": name} if "event" in event.fields or alternative.name else {}
        shown |= {"id": event.id} if "id" in event.fields else {}
        shown |= {"retry": 0} if "retry" in event.fields else {}
        for path in alternative.whole:
            if found := self._check(path, shown, limit):
                return found
        return []


def _holds_text(reader: SchemaReader, path: Path) -> bool:
    """Whether the member `data` of an event is declared as a string."""
    data = reader.members(path).get("data")
    if data is None:
        return False
    _, node = reader.resolve(data)
    return types_of(node) == {"string"} or (
        not types_of(node) and ("contentMediaType" in node or "contentSchema" in node)
    )
