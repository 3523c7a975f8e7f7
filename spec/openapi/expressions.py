"""Runtime expressions (OpenAPI 3.1, section 4.8.20.4), and templates of JSON that use them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .. import pointers
from ..errors import nearest


class RequestLike(Protocol):
    """What an expression can read of a request; header names are in lower case."""

    body: Any
    query: Mapping[str, Any]
    headers: Mapping[str, Any]
    path: Mapping[str, Any]


NAMES = {
    "session": ("<attribute>",),
    "event": ("id", "position"),
    "status": ("state",),
    "turn": ("id", "finish", "usage", "stopped", "created"),
    "message": ("id", "text", "created", "offset"),
    "chunk": ("index", "text", "time"),
    "suggestion": ("texts",),
    "error": ("code", "message"),
    "tool": ("id", "name", "arguments", "result"),
}

_REQUEST = re.compile(r"\$request\.(?:(body)(?:#(/.*)?)?|(query|header|path)\.([^\s]+))")

Read = Callable[[RequestLike], Any]
Context = Mapping[str, Mapping[str, Any]]
Fill = Callable[[Context], Any]


def request_part(text: str) -> tuple[str, str]:
    """Where an expression looks: `body` and a pointer, or `query`, `header`, `path` and a name.

    Raises ValueError when it is none.
    """
    match = _REQUEST.fullmatch(text)
    if not match:
        raise ValueError(
            f'"{text}" is not an expression such as $request.body#/id or $request.query.limit'
        )
    body, pointer, place, name = match.groups()
    return ("body", pointer or "") if body else (place, name)


def compile_request(text: str) -> Read:
    """A function that reads the expression from a request: None where nothing stands there."""
    place, name = request_part(text)
    if place == "body":
        location = pointers.split(name)
        if len(location) == 1:
            key = location[0]
            return lambda request: request.body.get(key) if isinstance(request.body, dict) else None
        return lambda request: pointers.first(request.body, location)
    if place == "query":
        return lambda request: request.query.get(name)
    if place == "header":
        header = name.lower()
        return lambda request: request.headers.get(header)
    return lambda request: request.path.get(name)


def compile_template(value: Any) -> Fill:
    """A function that fills a template: strings that begin with `$` are looked up, the rest stands.

    `$$` is a literal `$`. Raises ValueError for a name that no context has.
    """
    if isinstance(value, dict):
        members = [(key, compile_template(item)) for key, item in value.items()]
        return lambda context: {key: fill(context) for key, fill in members}
    if isinstance(value, list):
        items = [compile_template(item) for item in value]
        return lambda context: [fill(context) for fill in items]
    if isinstance(value, str) and value.startswith("$"):
        if value.startswith("$$"):
            literal = value[1:]
            return lambda context: literal
        thing, _, name = value[1:].partition(".")
        if thing == "session" and name:
            return lambda context: context["session"].get(name)
        if name not in NAMES.get(thing, ()):
            known = [f"${t}.{n}" for t, names in NAMES.items() for n in names]
            raise ValueError(
                f"there is no {value}. {nearest(value, known) or 'Known are ' + ', '.join(known)}"
            )
        return lambda context: context[thing][name]
    return lambda context: value


def names_in(value: Any, at: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Where each name of a template stands: `chunk.text` to its location."""
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = {str(index): item for index, item in enumerate(value)}.items()
    else:
        is_name = isinstance(value, str) and value.startswith("$") and not value.startswith("$$")
        return {value[1:]: at} if is_name else {}
    found: dict[str, tuple[str, ...]] = {}
    for key, item in members:
        found |= names_in(item, (*at, key))
    return found


def constants_in(value: Any, at: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Where each constant of a template stands, and what it is."""
    if isinstance(value, (dict, list)):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        found: dict[tuple[str, ...], Any] = {}
        for key, item in members:
            found |= constants_in(item, (*at, str(key)))
        return found
    if isinstance(value, str) and value.startswith("$"):
        return {at: value[1:]} if value.startswith("$$") else {}
    return {at: value}
