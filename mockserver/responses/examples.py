"""What a document itself shows: the examples of its responses, and the values of its schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sparring.fixtures.shaping.shapes import Shaper
from sparring.spec import pointers
from sparring.spec.openapi.document import Document, Header, Operation, Response
from sparring.spec.openapi.schemas import Path, items_of, types_of

_NEUTRAL: Mapping[str, Any] = {"string": "string", "integer": 0, "number": 0, "boolean": True}
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Content:
    """One media type of a response, with its examples by name, the one that comes first first."""

    media_type: str
    schema: Path | None
    examples: Mapping[str, Any]


def contents(document: Document, operation: Operation, response: Response) -> list[Content]:
    """What a response can hold, in document order. What is no media type is left out."""
    node = _response_node(document, operation, response)
    return [
        Content(name, media.schema, _examples(document, _child(document, node, "content", name)))
        for name, media in response.content.items()
        if "/" in name
    ]


def header_examples(
    document: Document, operation: Operation, response: Response
) -> Iterator[tuple[Header, list[Any]]]:
    """The declared headers of a response, each with its examples."""
    node = _response_node(document, operation, response)
    for name, header in response.headers.items():
        shown = _examples(document, _child(document, node, "headers", name))
        yield header, list(shown.values())


def stated(schema: Mapping[str, Any]) -> list[Any]:
    """The values that a schema itself names, the one that it would show first."""
    found = [schema["example"]] if "example" in schema else []
    found += items_of(schema, "examples")
    found += [schema[key] for key in ("default", "const") if key in schema]
    return found + items_of(schema, "enum")[:1]


def overlay(shaper: Shaper, path: Path, value: Any) -> Any:
    """A sampled value with what its schema states in place of what was made up."""
    is_valid = shaper.document.schemas.at(path, shaper.view).is_valid
    node = shaper.document.schema(path)
    new = _overlay(shaper, path, value, 0)
    if not stated(node):
        new = next((_NEUTRAL[name] for name in types_of(node) if name in _NEUTRAL), new)
    return new if is_valid(new) else value


def _overlay(shaper: Shaper, path: Path, value: Any, depth: int) -> Any:
    """As `overlay`, but what it gives may break the schema; `value` itself where nothing is said"""
    candidates = stated(shaper.document.schema(path))
    if candidates:
        is_valid = shaper.document.schemas.at(path, shaper.view).is_valid
        return next(filter(is_valid, candidates), value)
    if not isinstance(value, dict) or depth == _DEPTH:
        return value
    members = shaper.members(path)
    return {
        name: _overlay(shaper, members[name], inner, depth + 1) if name in members else inner
        for name, inner in value.items()
    }


def _response_node(document: Document, operation: Operation, response: Response) -> Any:
    nodes = _child(document, document.source.tree, *operation.pointer, "responses")
    for status in nodes if isinstance(nodes, dict) else ():
        if str(status).upper() == response.status.upper():
            return _child(document, nodes, status)
    return None


def _child(document: Document, node: Any, *tokens: str | int) -> Any:
    """What stands below a node, references followed; None when nothing does."""
    node = _follow(document, node)
    for token in tokens:
        try:
            node = _follow(document, pointers.child(node, token))
        except KeyError:
            return None
    return node


def _follow(document: Document, node: Any) -> Any:
    for _ in range(64):
        target = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(target, str):
            return node
        node = pointers.first(document.source.tree, tuple(map(str, document.path_of(target))))
    return None


def _examples(document: Document, node: Any) -> dict[str, Any]:
    if not isinstance(node, dict):
        return {}
    found = {"default": node["example"]} if "example" in node else {}
    named = node.get("examples")
    if isinstance(named, list):  # as in a schema; real documents do so
        named = {str(index): {"value": value} for index, value in enumerate(named)}
    for name, example in named.items() if isinstance(named, dict) else ():
        example = _follow(document, example)
        if not isinstance(example, dict) or not example.keys() & _KEYS:
            found[name] = example  # the value itself, without its wrapper
        for key in ("value", "dataValue", "serializedValue"):
            if isinstance(example, dict) and key in example:
                found[name] = example[key]
                break
    return found


_KEYS = {"value", "dataValue", "serializedValue", "externalValue", "summary", "description"}
