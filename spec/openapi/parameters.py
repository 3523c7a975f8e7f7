"""Request parameters: from the strings of a request to the values that their schemas speak of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from ..text.json_text import decode_json
from .schemas import items_of, members_of, types_of

Path = tuple[str | int, ...]
Resolve = Callable[[Any], dict[str, Any]]
Decode = Callable[[Sequence[str]], Any]
Given = Mapping[str, Sequence[str]]
Gather = Callable[[Given], Any]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_MAX_BRACKETS = 20


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation.

    `place` is path, query, header or cookie; `schema` is where its schema stands in the document;
    `decode` turns the strings given for it into one value, leaving what it can't read as it is, so
    that the schema finds the fault. `spreads` is the style of an object that may travel under
    several names: see `compile_gather`.
    """

    name: str
    place: str
    required: bool
    path: Path
    schema: Path | None
    decode: Decode
    spreads: str = ""
    allows_empty: bool = False


def compile_decoder(
    schema: dict[str, Any],
    resolve: Resolve,
    *,
    style: str,
    explode: bool,
    is_json: bool,
    name: str = "",
) -> Decode:
    """Builds the decoder of a parameter with this resolved schema and serialisation style."""
    if is_json:
        return _decode_json
    types = types_in(schema, resolve)
    if style in ("label", "matrix"):
        simple = compile_decoder(
            schema, resolve, style="simple", explode=explode, is_json=False, name=name
        )
        plain = _strip_label if style == "label" else _strip_matrix
        return lambda given: simple([plain(given[-1], name, explode)])
    if "array" in types:
        item = _scalar(types_in(resolve(schema.get("items", {})), resolve))
        separator = _SEPARATORS.get(style, ",")
        if style in ("form", *_SEPARATORS) and explode:
            return lambda given: [item(text) for text in given]
        if style == "simple":
            return lambda given: [
                item(t.strip(" ")) for text in given for t in text.split(",") if text
            ]
        return lambda given: [item(t) for text in given for t in text.split(separator) if text]
    if "object" in types:
        members = _members(schema, resolve)
        separator = _SEPARATORS.get(style, ",")
        equals = explode and style == "simple"
        return lambda given: _pairs(given[-1], separator, members, equals=equals)
    scalar = _scalar(types)
    return lambda given: scalar(given[-1])


def compile_gather(
    name: str, schema: dict[str, Any], resolve: Resolve, *, style: str
) -> Gather | None:
    """The reader of an object that travels under several names, as `deepObject` and an exploded
    `form` do; None when the schema speaks of no object.

    It takes what no other parameter of the place claims, and returns None when no member is there.
    Under its own name it may stand as one JSON text: documents seldom say so, their clients do it.
    """
    types = types_in(schema, resolve)
    if "object" not in types:
        return None
    plain: Decode = compile_decoder(
        schema | {"type": "array"} if "array" in types else {"type": [*types - {"object"}]},
        resolve,
        style="form",
        explode=True,
        is_json=False,
    )

    def whole(texts: Sequence[str]) -> Any:
        try:
            value = decode_json(texts[-1])
        except ValueError:
            value = None
        return value if isinstance(value, dict) else plain(texts)

    members = {
        member: compile_decoder(inner, resolve, style="form", explode=True, is_json=False)
        for member, inner in properties_in(schema, resolve).items()
    }

    def gather(given: Given) -> Any:
        if style == "deepObject":
            found = _deep(name, given, schema, resolve)
        else:
            found = {n: decode(given[n]) for n, decode in members.items() if n in given}
        return found or (whole(given[name]) if name in given else None)

    return gather


def compile_scalar(schema: dict[str, Any], resolve: Resolve) -> Callable[[str], Any]:
    """Reads a text as the type that a schema names, and leaves it alone when it is none."""
    return _scalar(types_in(schema, resolve))


def types_in(schema: dict[str, Any], resolve: Resolve) -> set[str]:
    """The JSON types that a schema allows, as far as it says so."""
    found: set[str] = set()
    for part in _parts(schema, resolve):
        types = types_of(part)
        if not types and "const" in part:
            types = {_type_of(part["const"])}
        if not types and isinstance(part.get("enum"), list):
            types = {_type_of(value) for value in part["enum"]}
        found |= types
    return found


def properties_in(schema: dict[str, Any], resolve: Resolve) -> dict[str, dict[str, Any]]:
    """The members that a schema names, in its branches too, each with its schema."""
    return {
        name: resolve(inner)
        for part in reversed(_parts(schema, resolve))
        for name, inner in members_of(part).items()
    }


def _parts(schema: dict[str, Any], resolve: Resolve) -> list[dict[str, Any]]:
    """A schema and all its branches, itself first; each once, however they refer to each other."""
    found, seen = [schema], {id(schema)}
    for part in found:
        for keyword in ("anyOf", "oneOf", "allOf"):
            for branch in map(resolve, items_of(part, keyword)):
                if id(branch) not in seen:
                    seen.add(id(branch))
                    found.append(branch)
    return found


def _decode_json(given: Sequence[str]) -> Any:
    try:
        return decode_json(given[-1])
    except ValueError as error:
        raise ValueError(f"{given[-1][:60]!r} is not JSON: {error}") from None


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


def _members(schema: dict[str, Any], resolve: Resolve) -> dict[str, Callable[[str], Any]]:
    return {
        name: compile_scalar(inner, resolve)
        for name, inner in properties_in(schema, resolve).items()
    }


def _pairs(
    text: str, separator: str, members: Mapping[str, Callable[[str], Any]], *, equals: bool
) -> dict[str, Any]:
    parts = text.split(separator)
    pairs = (
        [part.partition("=")[::2] for part in parts]
        if equals
        else list(zip(parts[::2], parts[1::2], strict=False))
    )
    return {name: members.get(name, str)(value) for name, value in pairs}


def _strip_label(text: str, name: str, explode: bool) -> str:
    """`.3.4.5` as `3,4,5` (RFC 6570, section 3.2.5)."""
    text = text.removeprefix(".")
    return text.replace(".", ",") if explode else text


def _strip_matrix(text: str, name: str, explode: bool) -> str:
    """`;id=3;id=4` and `;id=3,4` as `3,4` (RFC 6570, section 3.2.7)."""
    parts = text.removeprefix(";").split(";")
    return ",".join(part.removeprefix(f"{name}=") for part in parts)


def _deep(name: str, given: Given, schema: dict[str, Any], resolve: Resolve) -> dict[str, Any]:
    """`filter[a]=1&filter[b][c]=2` as `{"a": 1, "b": {"c": 2}}`; empty without such a name."""
    found: dict[str, Any] = {}
    for key, texts in given.items():
        if not key.startswith(f"{name}["):
            continue
        tokens = _BRACKETS.findall(key, len(name))
        whole = "".join(f"[{token}]" for token in tokens) == key[len(name) :]
        if whole and 0 < len(tokens) <= _MAX_BRACKETS:
            _place(found, tokens, texts, schema, resolve)
    return found


def _place(
    target: dict[str, Any],
    tokens: list[str],
    texts: Sequence[str],
    schema: dict[str, Any],
    resolve: Resolve,
) -> None:
    token, rest = tokens[0], tokens[1:]
    inner = properties_in(schema, resolve).get(token)
    if inner is None:
        extra = schema.get("additionalProperties")
        inner = resolve(extra) if isinstance(extra, dict) else {}
    if "array" in types_in(inner, resolve) or rest == [""]:
        item = compile_scalar(resolve(inner.get("items", {})), resolve)
        target.setdefault(token, []).extend(item(text) for text in texts)
    elif rest:
        below = target.setdefault(token, {})
        if isinstance(below, dict):
            _place(below, rest, texts, inner, resolve)
    else:
        target[token] = compile_scalar(inner, resolve)(texts[-1])
