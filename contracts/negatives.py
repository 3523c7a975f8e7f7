"""Values that break a schema in exactly one way, made from a value that fits it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sparring.spec import pointers
from sparring.spec.document import Document
from sparring.spec.drafts import properties
from sparring.spec.schemas import Path, View

Location = tuple[str, ...]
_WRONG: tuple[tuple[str, Any], ...] = (
    ("string", "text"),
    ("integer", 12345),
    ("number", 1.5),
    ("boolean", True),
    ("array", ["text"]),
    ("object", {"key": "text"}),
)
_ALIKE: dict[str, tuple[Any, ...]] = {
    "boolean": ("true", "false", 0, 1),
    "integer": ("1", True),
    "number": ("1.5", True),
    "array": ({}, "[]"),
    "object": ([], "{}"),
    "string": (1, False),
}
_BAD_FORMATS = {
    "date-time": "2024-13-45T99:00:00Z",
    "date": "2024-13-45",
    "uuid": "not-a-uuid",
    "email": "nobody",
    "uri": "not a uri",
    "ipv4": "999.1.1.1",
}


@dataclass(frozen=True, slots=True)
class Negative:
    """A broken value: in which way, where, and the whole of it."""

    kind: str
    at: Location
    value: Any

    @property
    def where(self) -> str:
        """The place as a pointer."""
        return pointers.join(self.at) or "the whole body"


def negatives(document: Document, schema: Path, base: Any) -> Iterator[Negative]:
    """Broken twins of `base`, each checked against the schema."""
    validator = document.schemas.at(schema, View.REQUEST)
    node = document.schema(schema, View.REQUEST)
    seen: set[str] = set()
    for negative in _walk(document, node, base, base, ()):
        key = repr(negative.value)
        if key not in seen and not validator.is_valid(negative.value):
            seen.add(key)
            yield negative


def _walk(
    document: Document, schema: Any, here: Any, root: Any, at: Location, depth: int = 0
) -> Iterator[Negative]:
    schema = document.follow(schema, View.REQUEST)
    if depth > 6:
        return
    for kind, value in _broken(schema, here):
        yield Negative(kind, at, _replaced(root, at, value))
    for key in ("allOf", "oneOf", "anyOf"):
        for branch in schema.get(key, ()):
            yield from _walk(document, branch, here, root, at, depth + 1)
    if isinstance(here, dict):
        yield from _object(document, schema, here, root, at, depth)
    if isinstance(here, list) and here and isinstance(schema.get("items"), dict):
        yield from _walk(document, schema["items"], here[0], root, (*at, "0"), depth + 1)
        yield from _behind(document, schema["items"], here, root, at, depth)


def _behind(
    document: Document, items: Any, here: list[Any], root: Any, at: Location, depth: int
) -> Iterator[Negative]:
    """Lists whose last item is broken, behind those that are not."""
    found = list(_walk(document, items, here[0], here[0], (), depth + 1))
    last = str(len(here))
    for negative in [*found[:1], *[n for n in found if n.at][:2]]:
        value = _replaced(root, at, [*here, negative.value])
        yield Negative(f"{negative.kind} in the last item", (*at, last, *negative.at), value)


def _object(
    document: Document,
    schema: dict[str, Any],
    here: dict[str, Any],
    root: Any,
    at: Location,
    depth: int,
) -> Iterator[Negative]:
    for name in schema.get("required", ()):
        if name in here:
            rest = {key: value for key, value in here.items() if key != name}
            yield Negative("a missing required member", (*at, name), _replaced(root, at, rest))
    for name in ("sparringUnknownMember", "sparring/unknown~member"):
        yield Negative("an unknown member", at, _replaced(root, at, here | {name: "x"}))
    known = properties(document, schema, View.REQUEST)
    for name, inner in known.items():
        if name in here and isinstance(here[name], str):
            for word in words_elsewhere(document, name):
                value = here | {name: word}
                yield Negative("a value outside its enum", (*at, name), _replaced(root, at, value))
        if name in here:
            yield from _walk(document, inner, here[name], root, (*at, name), depth + 1)
        else:
            for kind, value in _broken(document.follow(inner, View.REQUEST), None):
                yield Negative(kind, (*at, name), _replaced(root, at, here | {name: value}))


def words_elsewhere(document: Document, name: str) -> list[str]:
    """The words that the enums of all properties of this name have, anywhere in the document."""
    found: set[str] = set()
    stack: list[Any] = [document.schemas.tree(View.REQUEST).get("components", {})]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            stack += node.values()
            inner = node.get("properties")
            if isinstance(inner, dict) and name in inner:
                schema = document.follow(inner[name], View.REQUEST)
                found |= {w for w in schema.get("enum", ()) if isinstance(w, str)}
                found |= {w for w in (schema.get("const"),) if isinstance(w, str)}
    return sorted(found)


def _broken(schema: dict[str, Any], here: Any) -> Iterator[tuple[str, Any]]:
    for _, value in _WRONG:
        yield "a wrong type", value
    for value in _ALIKE.get(str(schema.get("type")), ()):
        yield "another type that looks like the right one", value
    yield "a null", None
    text = here if isinstance(here, str) else "text"
    if isinstance(least := schema.get("minLength"), int) and least > 0:
        yield "a text that is too short", text[: least - 1]
    if isinstance(most := schema.get("maxLength"), int) and most < 500_000:
        yield "a text that is too long", (text or "x") + "x" * (most + 1 - len(text or "x"))
    if "pattern" in schema:
        yield from (
            ("a text outside its pattern", bad)
            for bad in ("not ok!", "", "\u00e9\u00e9", "a" * 300)
        )
        yield "a text outside its pattern", f"{text}\n"
        yield "a text outside its pattern", f"{text} "
    if "enum" in schema or "const" in schema:
        yield "a value outside its enum", "sparring-unknown"
        if isinstance(here, str):
            yield "a value outside its enum", here.upper()
    if schema.get("format") in _BAD_FORMATS:
        yield "a text outside its format", _BAD_FORMATS[schema["format"]]
    yield from _numbers(schema)
    yield from _arrays(schema, here)


def _numbers(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, step in (
        ("minimum", -1),
        ("exclusiveMinimum", 0),
        ("maximum", 1),
        ("exclusiveMaximum", 0),
    ):
        bound = schema.get(key)
        if isinstance(bound, (int, float)) and not isinstance(bound, bool):
            yield "a number out of bounds", bound + step
    if schema.get("type") == "integer":
        yield "a fraction for an integer", 1.5
    if isinstance(schema.get("multipleOf"), (int, float)):
        yield "a number out of bounds", schema["multipleOf"] * 1.5


def _arrays(schema: dict[str, Any], here: Any) -> Iterator[tuple[str, Any]]:
    items = here if isinstance(here, list) else []
    if isinstance(least := schema.get("minItems"), int) and least > 0:
        yield "too few items", items[: least - 1]
    most = schema.get("maxItems")
    if isinstance(most, int) and items and most <= 2000:
        yield "too many items", [copy.deepcopy(items[0]) for _ in range(most + 1)]
    if schema.get("uniqueItems") and items:
        yield "repeated items", [items[0], items[0]]


def _replaced(root: Any, at: Location, value: Any) -> Any:
    if not at:
        return copy.deepcopy(value)
    copied = copy.deepcopy(root)
    parent = pointers.first(copied, at[:-1])
    if isinstance(parent, list):
        parent[int(at[-1])] = value
    else:
        parent[at[-1]] = value
    return copied
