"""What the requests and answers of an operation look like, as far as names tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...openapi.document import Document, Media, Operation
from ...openapi.schemas import items_of, members_of, types_of
from ..bindings.names import speakers
from .words import is_text, names_a_session

_DEPTH = 6
_ASKED = frozenset({"message", "question", "prompt", "utterance", "query", "user_message"})
_SPEAKER = frozenset({"role", "sender", "author", "speaker", "message_type", "messageType"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The members of a body; `array` is the member that holds a list of objects, "" the body."""

    members: frozenset[str] = frozenset()
    below: frozenset[str] = frozenset()  # the members of its objects and of their items
    array: str | None = None
    speaks: bool = False  # one of these says by its words which of the two sides speaks


EMPTY = Shape()


class Shapes:
    """Reads each schema of a document once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._read: dict[Any, Shape] = {}

    def request(self, operation: Operation) -> Shape:
        """What the body of a request has."""
        return self._merged(operation.body.values())

    def answer(self, operation: Operation) -> Shape:
        """What the body of the good answer has."""
        success = operation.success
        return self._merged(success[1].content.values()) if success else EMPTY

    def names(self, operation: Operation) -> Iterable[str]:
        """The names of the body's members and of the query parameters."""
        yield from self.request(operation).members
        yield from (p.name for p in operation.parameters if p.place == "query")

    def carries_session(self, operation: Operation) -> bool:
        """Whether the body or the query says which session is meant."""
        return any(names_a_session(name) for name in self.names(operation))

    def carries_text(self, operation: Operation) -> bool:
        """Whether the body has a member for what the user says."""
        return _has_text(self.request(operation))

    def asks(self, operation: Operation) -> bool:
        """Whether the body has a member that can only be what somebody says to an agent."""
        return bool(self.request(operation).members & _ASKED)

    def carries_role(self, operation: Operation) -> bool:
        """Whether a body has messages that say who speaks."""
        names = set[str]()
        for shape in (self.request(operation), self.answer(operation)):
            names |= shape.members | shape.below
        return bool(names & _SPEAKER)

    def tells_sides(self, operation: Operation) -> bool:
        """Whether the answer has messages that say by their words which of the two sides speaks."""
        return self.answer(operation).speaks

    def _merged(self, media: Iterable[Media]) -> Shape:
        shapes = [self._shape(one) for one in media]
        if len(shapes) == 1:
            return shapes[0]
        arrays = [shape.array for shape in shapes if shape.array is not None]
        return Shape(
            frozenset[str]().union(*(shape.members for shape in shapes)),
            frozenset[str]().union(*(shape.below for shape in shapes)),
            arrays[0] if arrays else None,
            any(shape.speaks for shape in shapes),
        )

    def _shape(self, media: Media) -> Shape:
        if media.schema is None:
            return EMPTY
        if media.schema not in self._read:
            node = self._document.schema(media.schema)
            members: dict[str, Any] = {}
            self._members(node, members, 0)
            below: dict[str, Any] = {}
            array = "" if self._is_array(node) else None
            if array == "":
                self._members(self._document.follow(node.get("items", {})), members, 0)
            for name, member in members.items():
                inner = self._document.follow(member)
                if self._is_array(inner):
                    inner = self._document.follow(inner.get("items", {}))
                    if array is None and self._is_object(inner):
                        array = name
                self._members(inner, below, 2)
            speaks = any(map(self._tells_sides, (*members.values(), *below.values())))
            self._read[media.schema] = Shape(frozenset(members), frozenset(below), array, speaks)
        return self._read[media.schema]

    def _members(self, schema: Any, found: dict[str, Any], depth: int) -> None:
        """Gathers the members of a schema, those of its parts included."""
        if not isinstance(schema, dict) or depth > _DEPTH:
            return
        for name, member in members_of(schema).items():
            if isinstance(name, str):  # YAML has keys of other types too
                found.setdefault(name, member)
        for keyword in ("allOf", "anyOf", "oneOf"):
            for part in items_of(schema, keyword)[:8]:
                self._members(self._document.follow(part), found, depth + 1)

    def _tells_sides(self, schema: Any) -> bool:
        listed = self._document.follow(schema).get("enum")
        said = speakers(listed) if isinstance(listed, list) else {}
        return "user" in said and "agent" in said

    def _is_array(self, schema: dict[str, Any]) -> bool:
        return "array" in types_of(schema) or any(
            "array" in types_of(self._document.follow(part))
            for keyword in ("anyOf", "oneOf")
            for part in items_of(schema, keyword)
        )

    def _is_object(self, schema: dict[str, Any]) -> bool:
        found: dict[str, Any] = {}
        self._members(schema, found, _DEPTH - 2)
        return bool(found)


def _has_text(shape: Shape) -> bool:
    return any(is_text(name) for name in shape.members)


def streams(operation: Operation) -> bool:
    """Whether the good answer may be a stream of events."""
    success = operation.success
    return success is not None and any("event-stream" in name for name in success[1].content)


def only_streams(operation: Operation) -> bool:
    """Whether the good answer is always a stream of events."""
    success = operation.success
    return streams(operation) and success is not None and len(success[1].content) == 1
