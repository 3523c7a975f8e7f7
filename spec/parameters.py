"""Request parameters: from the strings of a request to the values that their schemas speak of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from .json_text import decode_json
from .schemas import items_of, types_of

Path = tuple[str | int, ...]
Decode = Callable[[Sequence[str]], Any]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation.

    `place` is path, query, header or cookie; `schema` is where its schema stands in the document;
    `decode` turns the strings given for it into one value, leaving what it can't read as it is, so
    that the schema finds the fault.
    """

    name: str
    place: str
    required: bool
    path: Path
    schema: Path | None
    decode: Decode


def compile_decoder(
    schema: dict[str, Any],
    resolve: Callable[[Any], dict[str, Any]],
    *,
    style: str,
    explode: bool,
    is_json: bool,
) -> Decode:
    """Builds the decoder of a parameter with this resolved schema and serialisation style."""
    if is_json:
        return _decode_json
    types = _types(schema, resolve)
    if "array" in types:
        item = _scalar(_types(resolve(schema.get("items", {})), resolve))
        separator = _SEPARATORS.get(style, ",")
        if style == "form" and explode:
            return lambda given: [item(text) for text in given]
        return lambda given: [item(t) for text in given for t in text.split(separator) if text]
    if "object" in types and style == "simple":
        return lambda given: _pairs(given[-1], explode)
    scalar = _scalar(types)
    return lambda given: scalar(given[-1])


def _decode_json(given: Sequence[str]) -> Any:
    try:
        return decode_json(given[-1])
    except ValueError as error:
        raise ValueError(f"{given[-1][:60]!r} is not JSON: {error}") from None


def _types(schema: dict[str, Any], resolve: Callable[[Any], dict[str, Any]]) -> set[str]:
    """The JSON types that a schema allows, as far as it says so."""
    types = types_of(schema)
    for key in ("anyOf", "oneOf", "allOf"):
        for branch in items_of(schema, key):
            types |= _types(resolve(branch), resolve)
    if not types and "const" in schema:
        types = {_type_of(schema["const"])}
    if not types and isinstance(schema.get("enum"), list):
        types = {_type_of(value) for value in schema["enum"]}
    return types


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _scalar(types: set[str]) -> Callable[[str], Any]:
    if not types or types == {"string"}:
        return str

    def decode(text: str) -> Any:
        if "integer" in types and _INTEGER.fullmatch(text) and len(text) < 400:
            return int(text)
        if "number" in types and _NUMBER.fullmatch(text) and isfinite(float(text)):
            return float(text)
        if "boolean" in types and text in ("true", "false"):
            return text == "true"
        if "null" in types and text in ("", "null"):
            return None
        return text

    return decode


def _pairs(text: str, explode: bool) -> dict[str, str]:
    parts = text.split(",")
    if explode:
        return dict(part.partition("=")[::2] for part in parts)
    return dict(zip(parts[::2], parts[1::2], strict=False))
