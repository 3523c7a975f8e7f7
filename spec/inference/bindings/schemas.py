"""Reads the schemas of a document as a reader of it would: members, types and words by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import View, items_of, members_of, required_of, types_of
from sparring.spec.pointers import EACH, LAST

Location = tuple[str, ...]
Schema = Mapping[str, Any]

NOTHING: Schema = {}
T = TypeVar("T")
_JSON = ("json", "x-www-form-urlencoded", "form-data", "*/*")
_STREAMS = ("text/event-stream", "jsonl", "ndjson", "json-seq", "stream+json")


class Reader:
    """The schemas of one document in one view; what has been read once is kept."""

    def __init__(self, document: Document, view: View) -> None:
        self.document = document
        self.view = view
        self._known: dict[tuple[str, int], tuple[Any, Any]] = {}

    def _once(self, what: str, schema: Any, read: Callable[[Any], T]) -> T:
        """What `read` finds in a schema; both are kept, so that an identity stays its own."""
        key = (what, id(schema))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (schema, read(schema))
        return known[1]

    def resolve(self, schema: Any) -> Schema:
        """The schema that a reference leads to."""
        if isinstance(schema, dict) and "$ref" not in schema:
            return schema
        return self._once("resolve", schema, lambda node: self.document.follow(node, self.view))

    def branches(self, schema: Schema) -> list[Schema]:
        """The alternatives of a schema that are not null, each with what stands around it.

        A schema without alternatives is its own only branch.
        """
        return self._once("branches", schema, lambda node: list(self._expand(node, ())))

    def _expand(self, schema: Any, above: tuple[int, ...]) -> Iterator[Schema]:
        node = self.resolve(schema)
        choices = [*items_of(node, "oneOf"), *items_of(node, "anyOf")]
        if id(node) in above:
            return  # an alternative that leads back to itself adds none
        if not choices:
            if node.get("type") != "null":
                yield node
            return
        around = {k: v for k, v in node.items() if k not in ("oneOf", "anyOf")}
        for choice in choices:
            for branch in self._expand(choice, (*above, id(node))):
                if around.keys() & {"properties", "allOf", "items", "required"}:
                    yield {"allOf": [around, branch]}
                else:
                    yield branch

    def members(self, schema: Schema) -> dict[str, Schema]:
        """The properties that any part or alternative of a schema declares, the first of a name.

        A property that several alternatives declare differently is the union of theirs.
        """
        return self._once("members", schema, self._read_members)

    def _read_members(self, schema: Schema) -> dict[str, Schema]:
        found: dict[str, Schema] = {}
        for part in self.parts(schema):
            if types_of(part) == {"array"}:
                continue  # properties beside items: real documents have them, and mean items
            for name, member in members_of(part).items():
                if name not in found:
                    found[name] = member
                elif found[name] is not member and found[name] != member:
                    found[name] = {"anyOf": [*_choices(found[name]), member]}
        return found

    def parts(self, schema: Schema) -> list[Schema]:
        """A schema and all that it is made of, alternatives too."""
        return self._once("parts", schema, lambda node: list(self._parts(node, set())))

    def _parts(self, schema: Any, seen: set[int]) -> Iterator[Schema]:
        node = self.resolve(schema)
        if id(node) in seen:
            return
        seen.add(id(node))
        yield node
        for key in ("allOf", "oneOf", "anyOf"):
            for part in items_of(node, key):
                yield from self._parts(part, seen)

    def required(self, schema: Schema) -> set[str]:
        """The members that the schema demands in each of its alternatives."""
        sets = [
            {name for part in self._conjuncts(branch, set()) for name in required_of(part)}
            for branch in self.branches(schema)
        ]
        return set.intersection(*sets) if sets else set()

    def _conjuncts(self, schema: Any, seen: set[int]) -> Iterator[Schema]:
        node = self.resolve(schema)
        if id(node) in seen:
            return
        seen.add(id(node))
        yield node
        for part in items_of(node, "allOf"):
            yield from self._conjuncts(part, seen)

    def items(self, schema: Schema) -> Schema | None:
        """The schema of the items of an array, None where it is none."""
        for part in self.parts(schema):
            if isinstance(part.get("items"), dict):
                return part["items"]  # type: ignore[no-any-return]  # a dict
            if prefix := items_of(part, "prefixItems"):
                return {"anyOf": prefix}
        return NOTHING if "array" in self.types(schema) else None

    def types(self, schema: Schema) -> set[str]:
        """The JSON types that a schema allows but null; none when it leaves that open."""
        return self._once("types", schema, self._read_types)

    def _read_types(self, schema: Schema) -> set[str]:
        found: set[str] = set()
        for part in self.parts(schema):
            stated = types_of(part)
            values = [*items_of(part, "enum"), *([part["const"]] if "const" in part else [])]
            found |= stated | {_TYPES[type(value)] for value in values if type(value) in _TYPES}
            if not stated and members_of(part):
                found.add("object")
            if not stated and isinstance(part.get("items"), dict):
                found.add("array")
        return found - {"null"}

    def words(self, schema: Schema) -> list[Any]:
        """The values that a schema lists: its enums and constants, in order."""
        found: list[Any] = []
        for part in self.parts(schema):
            values = [*items_of(part, "enum"), *([part["const"]] if "const" in part else [])]
            found += [value for value in values if value is not None and value not in found]
        return found

    def is_text(self, schema: Schema) -> bool:
        """Whether a schema allows a free string: no enum, no constant, no format but of texts."""
        for branch in self.branches(schema):
            parts = list(self._conjuncts(branch, set()))
            types = {name for part in parts for name in types_of(part)}
            closed = any("enum" in part or "const" in part for part in parts)
            formats = {part.get("format") for part in parts} - {None, "textarea", "markdown"}
            if "string" in types and not closed and not formats:
                return True
        return False

    def is_free(self, schema: Schema) -> bool:
        """Whether a schema has an alternative that allows any object, or says nothing at all."""
        for branch in self.branches(schema):
            parts = list(self._conjuncts(branch, set()))
            types = {name for part in parts for name in types_of(part)}
            closed = any(p.get("additionalProperties") is False or "enum" in p for p in parts)
            if (not types or "object" in types) and not self.members(branch) and not closed:
                return True
        return False

    def at(self, schema: Schema | None, location: Location) -> Schema | None:
        """The schema of what stands at a location, None where the schema has no such place.

        Under a place that the schema leaves open anything may stand.
        """
        here = schema
        for token in location:
            if here is None:
                return None
            members = self.members(here)
            if token in members:
                here = members[token]
            elif token in (EACH, LAST) or token.isdigit():
                below = self.items(here)
                here = below if below is not None else (NOTHING if self.is_free(here) else None)
            else:
                here = NOTHING if self.is_free(here) or self._is_map(here) else None
        return here

    def _is_map(self, schema: Schema) -> bool:
        return any(part.get("additionalProperties") for part in self.parts(schema))


_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _choices(schema: Schema) -> list[Any]:
    """The alternatives of a union that `members` has made, or the schema alone."""
    made = isinstance(schema, dict) and set(schema) == {"anyOf"}
    return schema["anyOf"] if made else [schema]


def request_schema(document: Document, operation: Operation) -> Schema | None:
    """The schema of the body: JSON before forms; None where there is no body."""
    for wanted in _JSON:
        for name, media in operation.body.items():
            if wanted in name and not is_stream(name):
                return document.schema(media.schema, View.REQUEST)
    return None


def response_schema(document: Document, operation: Operation) -> Schema | None:
    """The schema of the first successful JSON body; None where there is none."""
    for status in sorted(operation.responses):
        if status.startswith("2") or status == "default":
            for name, media in operation.responses[status].content.items():
                if ("json" in name or name == "*/*") and not is_stream(name):
                    return document.schema(media.schema)
    return None


def streams(operation: Operation) -> bool:
    """Whether a successful answer may be a stream of events."""
    return any(
        is_stream(name)
        for status, response in operation.responses.items()
        if status.startswith("2") or status == "default"
        for name in response.content
    )


def is_stream(media_type: str) -> bool:
    """Whether a media type is one of event streams or of JSON lines."""
    return any(word in media_type.lower() for word in _STREAMS)
