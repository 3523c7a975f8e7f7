"""How a value is written in a media type: JSON, text, XML, forms, lines and event streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape  # its references are those of XML too
from typing import Any
from urllib.parse import urlencode

import msgspec

from sparring.spec.openapi.document import Document
from sparring.spec.openapi.schemas import Path, items_of, members_of
from sparring.spec.streams import sse

_encode = msgspec.json.encode
_LINES = ("jsonl", "ndjson", "x-ndjson", "x-jsonl", "json-lines", "jsonlines")
_EVENT = {"event", "data", "id", "retry"}


def render(value: Any, media_type: str, document: Document, schema: Path | None) -> bytes:
    """The bytes of a value; a text stands for itself in everything but JSON."""
    subtype = media_type.partition(";")[0].strip().lower().partition("/")[2]
    if subtype in _LINES and not isinstance(value, str):
        return b"".join(_encode(item) + b"\n" for item in _listed(value))
    if is_json(media_type):
        return _encode(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if subtype == "event-stream":
        return b"".join(map(_event, _listed(value)))
    if subtype == "xml" or subtype.endswith("+xml"):
        return _xml(value, document, schema)
    if subtype == "x-www-form-urlencoded" and isinstance(value, dict):
        return urlencode(value, doseq=True).encode()
    return _encode(value)


def is_json(media_type: str) -> bool:
    """Whether the body is one JSON text."""
    subtype = media_type.partition(";")[0].strip().lower().partition("/")[2]
    return "json" in subtype and subtype not in (*_LINES, "json-seq")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _event(value: Any) -> bytes:
    """One event: of a value that looks like one, else with the value as its data."""
    if not isinstance(value, dict) or "data" not in value or not value.keys() <= _EVENT:
        value = {"data": value}
    data = value["data"]
    text = data if isinstance(data, str) else _encode(data).decode()
    lines = "\ndata: ".join(text.splitlines() or [""])
    event, id = (None if value.get(key) is None else str(value[key]) for key in ("event", "id"))
    return sse.encode(lines.encode("utf-8", "replace"), event, id)


def _xml(value: Any, document: Document, schema: Path | None) -> bytes:
    node = document.schema(schema)
    text = "".join(_elements(_named(node, "xml"), value, node, document, 0))
    return text.encode("utf-8", "replace")


def _named(node: Mapping[str, Any], instead: str) -> str:
    name = members_of(node, "xml").get("name")
    return name if isinstance(name, str) else instead


def _elements(
    name: str, value: Any, node: Mapping[str, Any], document: Document, depth: int
) -> Iterator[str]:
    """The elements of one member, as the XML Objects of its schema have them."""
    if isinstance(value, list):
        items = document.follow(node.get("items", {}))
        inner = _named(items, name)
        wrapped = members_of(node, "xml").get("wrapped") is True or depth == 0
        elements = [e for item in value for e in _elements(inner, item, items, document, depth + 1)]
        yield from [f"<{name}>", *elements, f"</{name}>"] if wrapped else elements
        return
    attributes, content = "", ""
    if isinstance(value, dict):
        known = _members(node, document)
        for key, inner_value in value.items():
            inner_node = known.get(key, {})
            inner = _named(inner_node, key)
            if members_of(inner_node, "xml").get("attribute") is True:
                attributes += f' {inner}="{escape(_text(inner_value))}"'
            else:
                content += "".join(_elements(inner, inner_value, inner_node, document, depth + 1))
    else:
        content = escape(_text(value), quote=False)
    yield f"<{name}{attributes}>{content}</{name}>"


def _members(node: Mapping[str, Any], document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for branch in items_of(node, "allOf"):
        found |= members_of(document.follow(branch))
    return {name: document.follow(inner) for name, inner in (found | members_of(node)).items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _encode(value).decode()
