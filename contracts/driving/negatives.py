"""Values that break a schema in exactly one way, made from a value that fits it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sparring.fixtures.sets.wrong import broken
from sparring.spec import pointers
from sparring.spec.openapi.document import Document
from sparring.spec.openapi.drafts import properties
from sparring.spec.openapi.schemas import Path, View

Location = tuple[str, ...]


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
    for kind, value in broken(schema, here):
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
            for kind, value in broken(document.follow(inner, View.REQUEST), None):
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
