"""Holds a request to the document, as a server would."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from sparring.spec.exchange import Request
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.parameters import Gather, Parameter, compile_gather
from sparring.spec.openapi.schemas import View


def request_fits(document: Document, operation: Operation, request: Request) -> bool:
    """Whether path, query, headers and body of a request fit what the operation declares."""
    parts = urlsplit(request.url)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    sent = {
        "path": path_values(operation, parts.path),
        "query": query,
        "header": {name.lower(): [value] for name, value in request.headers.items()},
    }
    fit = (_place_fits(document, operation, place, given) for place, given in sent.items())
    return all(fit) and _body_fits(document, operation, request)


def path_values(operation: Operation, path: str) -> dict[str, list[str]]:
    """The values of the path parameters of an operation in a path."""
    template = re.escape(operation.path.partition("?")[0].partition("#")[0])
    pattern = re.sub(r"\\\{([^{}]+)\\\}", "([^/]*)", template)
    match = re.search(f"{pattern}$", path)
    names = re.findall(r"\{([^{}]+)\}", operation.path)
    values = match.groups() if match else ()
    return {name: [unquote(value)] for name, value in zip(names, values, strict=False)}


def _place_fits(
    document: Document, operation: Operation, place: str, sent: Mapping[str, list[str]]
) -> bool:
    """Whether the parameters in one place are there and fit their schemas."""
    parameters = {
        (found.name.lower() if place == "header" else found.name): found
        for found in operation.parameters
        if found.place == place
    }
    gathers = {name: _gather(document, found) for name, found in parameters.items()}
    claimed = {name for name, gather in gathers.items() if gather is None}
    free = {name: texts for name, texts in sent.items() if name not in claimed}
    for name, found in parameters.items():
        gather = gathers[name]
        try:
            if gather is not None:
                value = gather(free)
                given = value is not None
            else:
                given = name in sent
                value = found.decode(sent[name]) if given else None
        except ValueError:
            return False
        if not given:
            fits = not found.required
        elif found.schema is None:
            fits = True
        else:
            fits = document.schemas.at(found.schema, View.REQUEST).is_valid(value)
        if not fits:
            return False
    return True


def _gather(document: Document, parameter: Parameter) -> Gather | None:
    """The reader of an object that travels under several names, None for any other parameter."""
    if not parameter.spreads or parameter.schema is None:
        return None

    def resolve(schema: Any) -> dict[str, Any]:
        return document.follow(schema, View.REQUEST)

    schema = document.schema(parameter.schema, View.REQUEST)
    return compile_gather(parameter.name, schema, resolve, style=parameter.spreads)


def _body_fits(document: Document, operation: Operation, request: Request) -> bool:
    if not operation.body:
        return True
    if not request.body:
        return not operation.body_required
    given = next((v for n, v in request.headers.items() if n.lower() == "content-type"), "")
    media_type = given.partition(";")[0].strip().lower()
    media = next((m for m in operation.body.values() if m.type.lower() == media_type), None)
    if media is None:
        return False
    if "json" not in media.type or media.schema is None:
        return True
    try:
        body = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return document.schemas.at(media.schema, View.REQUEST).is_valid(body)
