"""Requests as values that are still being written: where a document puts things, and how."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from . import pointers
from .document import Document, Operation
from .expressions import names_in, request_part
from .parameters import Parameter
from .schemas import View

ABSENT: Any = object()
Location = tuple[str, ...]


@dataclass
class Draft:
    """A request that is being written: values by part, before they are encoded."""

    operation: Operation
    path: dict[str, str] = field(default_factory=dict)
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = ABSENT
    raw: bytes | None = None
    media_type: str = ""
    accept: str = ""

    def copied(self) -> Draft:
        """A draft that can be changed without changing this one."""
        path, query, headers = dict(self.path), list(self.query), dict(self.headers)
        return replace(self, path=path, query=query, headers=headers)

    def encoded_path(self) -> str:
        """The path with its parameters filled in."""
        path = self.operation.path.partition("#")[0].partition("?")[0]
        for name, value in self.path.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        return path

    def encoded_body(self) -> bytes:
        """The bytes of the body."""
        if self.raw is not None:
            return self.raw
        if self.body is ABSENT:
            return b""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def expression(document: Document, operation: Operation, *keys: str) -> tuple[str, str] | None:
    """Where the expression at `keys` of the block points: a part of the request and a name."""
    text = pointers.first(document.block(operation), keys)
    return request_part(text) if isinstance(text, str) else None


def session_parameter(document: Document, operation: Operation) -> tuple[str, str] | None:
    """Where a request names its session; None for operations that speak of no one session."""
    place = expression(document, operation, "session")
    if place:
        return place
    names = [p.name for p in operation.parameters if p.place == "path"]
    return ("path", names[-1]) if names else None


def put(document: Document, draft: Draft, place: tuple[str, str], value: Any) -> None:
    """Writes a value into the part of the request that `place` names."""
    part, name = place
    if part == "body":
        if not isinstance(draft.body, dict):
            draft.body = {}
        pointers.put(draft.body, pointers.split(name), value)
    elif part == "query":
        draft.query = [p for p in draft.query if p[0] != name and not p[0].startswith(f"{name}[")]
        draft.query += encode_query(
            document, parameter(draft.operation, "query", name), name, value
        )
    elif part == "header":
        draft.headers[name] = scalar(value)
    else:
        draft.path[name] = scalar(value)


def part_of(key: str) -> tuple[str, str]:
    """Where a query parameter's name, or an expression, points."""
    return request_part(key) if key.startswith("$") else ("query", key)


def parameter(operation: Operation, place: str, name: str) -> Parameter | None:
    """The parameter of this name and place."""
    for found in operation.parameters:
        alike = found.name == name
        if place == "header":
            alike = found.name.lower() == name.lower()
        if found.place == place and alike:
            return found
    return None


def encode_query(
    document: Document, declared: Parameter | None, name: str, value: Any
) -> list[tuple[str, str]]:
    """The pairs of a query string that say `value` in the declared style."""
    node = (
        pointers.first(document.source.tree, tuple(map(str, declared.path)), {}) if declared else {}
    )
    if "content" in node:
        return [(name, json.dumps(value, ensure_ascii=False))]
    style = node.get("style", "form")
    if isinstance(value, dict) and style == "deepObject":
        return list(_deep(name, value))
    if isinstance(value, list):
        if node.get("explode", style == "form"):
            return [(name, scalar(item)) for item in value]
        separator = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(style, ",")
        return [(name, separator.join(map(scalar, value)))]
    return [(name, scalar(value))]


def _deep(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """`{"a": 1, "b": {"c": 2}}` as `name[a]=1` and `name[b][c]=2`."""
    if not isinstance(value, dict):
        yield name, scalar(value)
        return
    for key, inner in value.items():
        yield from _deep(f"{name}[{key}]", inner)


def scalar(value: Any) -> str:
    """How a value is written in a URL or a header."""
    return value if isinstance(value, str) else json.dumps(value)


def template_place(document: Document, operation: Operation, name: str) -> Location | None:
    """Where the response has a value of the turn, such as `turn.id`, by the block's `body`."""
    return names_in(document.block(operation).get("body", {})).get(name)


def properties(document: Document, schema: Any, view: View = View.RESPONSE) -> dict[str, Any]:
    """The properties that a schema names, those of its `allOf` too."""
    schema = document.follow(schema, view)
    found: dict[str, Any] = {}
    for part in schema.get("allOf", ()):
        found |= properties(document, part, view)
    if isinstance(schema.get("properties"), dict):
        found |= schema["properties"]
    if "$ref" in schema:
        found |= properties(document, {"$ref": schema["$ref"]}, view)
    return found
