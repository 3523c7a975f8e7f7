"""Holds a request to the document, as a server would."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from sparring.spec.document import Document, Operation
from sparring.spec.exchange import Request
from sparring.spec.schemas import View


def request_fits(document: Document, operation: Operation, request: Request) -> bool:
    """Whether path, query, headers and body of a request fit what the operation declares."""
    parts = urlsplit(request.url)
    values: dict[tuple[str, str], list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        values.setdefault(("query", name), []).append(value)
    for name, value in request.headers.items():
        values.setdefault(("header", name.lower()), []).append(value)
    template = re.escape(operation.path.partition("?")[0].partition("#")[0])
    pattern = re.sub(r"\\\{([^{}]+)\\\}", "([^/]*)", template)
    if match := re.search(f"{pattern}$", parts.path):
        names = re.findall(r"\{([^{}]+)\}", operation.path)
        for name, value in zip(names, match.groups(), strict=False):
            values["path", name] = [unquote(value)]
    for found in operation.parameters:
        if found.place == "cookie":
            continue
        name = found.name.lower() if found.place == "header" else found.name
        given = values.get((found.place, name))
        if given is None:
            if found.required:
                return False
            continue
        if found.schema is None:
            continue
        try:
            value = found.decode(given)
        except ValueError:
            return False
        if not document.schemas.at(found.schema, View.REQUEST).is_valid(value):
            return False
    return _body_fits(document, operation, request)


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
    except (msgspec.DecodeError, RecursionError):
        return False
    return document.schemas.at(media.schema, View.REQUEST).is_valid(body)
