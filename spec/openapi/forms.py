"""Form bodies: from the fields of a form to the object that its schema speaks of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..text.json_text import decode_json
from .parameters import (
    Decode,
    Given,
    Resolve,
    compile_decoder,
    compile_gather,
    compile_scalar,
    properties_in,
    types_in,
)

ReadForm = Callable[[Given], dict[str, Any]]


def compile_form(
    schema: dict[str, Any], resolve: Resolve, encoding: Mapping[str, Any] | None = None
) -> ReadForm:
    """Builds the reader of a form with this resolved schema and Encoding Objects.

    What can't be read as its schema says stays the text that it was, so that the schema finds the
    fault; a field that the schema does not know is a text, or a list of texts.
    """
    fields = {
        name: _compile_field(name, inner, resolve, (encoding or {}).get(name))
        for name, inner in properties_in(schema, resolve).items()
    }

    def read(given: Given) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in fields.items():
            value = field(given)
            if value is not None:
                found[name] = value
        for name, texts in given.items():
            base = name.partition("[")[0]
            if name not in fields and base not in fields:
                found[name] = texts[0] if len(texts) == 1 else list(texts)
        return found

    return read


def _compile_field(
    name: str, schema: dict[str, Any], resolve: Resolve, encoding: Any
) -> Callable[[Given], Any]:
    encoding = encoding if isinstance(encoding, dict) else {}
    types = types_in(schema, resolve)
    style = str(encoding.get("style", "form"))
    explode = encoding.get("explode", style == "form") is True
    is_json = "json" in str(encoding.get("contentType", ""))
    if "array" in types:
        decode = _array(schema, resolve, style, explode=explode, is_json=is_json)
        names = (name, f"{name}[]")
        return lambda given: next((decode(given[n]) for n in names if n in given), None)
    if "object" in types or is_json:
        gather = compile_gather(name, schema, resolve, style="deepObject")
        if gather is not None:
            return gather
        return lambda given: _json(given[name][-1]) if name in given else None
    scalar = compile_scalar(schema, resolve)
    return lambda given: scalar(given[name][-1]) if name in given else None


def _array(
    schema: dict[str, Any], resolve: Resolve, style: str, *, explode: bool, is_json: bool
) -> Decode:
    """Repeated fields, as forms send lists; or all of it as JSON in one, as scripts do."""
    items = resolve(schema.get("items", {}))
    plain = compile_decoder(schema, resolve, style=style, explode=explode, is_json=False)
    if "object" in types_in(items, resolve) or is_json:
        plain = _each_json

    def decode(given: Sequence[str]) -> Any:
        if len(given) == 1 and given[0].startswith("["):
            value = _json(given[0])
            if isinstance(value, list):
                return value
        return plain(given)

    return decode


def _each_json(given: Sequence[str]) -> Any:
    return [_json(text) for text in given]


def _json(text: str) -> Any:
    try:
        return decode_json(text)
    except ValueError:
        return text
