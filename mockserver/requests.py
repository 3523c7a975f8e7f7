"""Reads requests: path, query, headers and body become the checked values that handlers use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Message, Receive, Scope

from sparring.spec import pointers
from sparring.spec.document import Document, Operation
from sparring.spec.json_text import decode_json
from sparring.spec.parameters import Parameter
from sparring.spec.schemas import Validator, View, reference

from .problems import Defect, Problem
from .world import World

MAX_BODY = 1024 * 1024
_NOTHING: Mapping[str, Any] = {}


class Request(msgspec.Struct, gc=False):
    """One request that has been checked. `path`, `query` and `headers` hold declared parameters,
    with the defaults of those that were not sent; `accept` is the header as it was sent."""

    world: World
    user: str
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    headers: Mapping[str, Any]
    body: Any
    accept: str
    root: str


class Reader:
    """Reads the parameters and the body of one operation."""

    def __init__(self, document: Document, operation: Operation) -> None:
        declared = {parameter.place for parameter in operation.parameters}
        self._path, self._query, self._header, self._cookie = (
            _Place(document, operation, place) if place in declared else None
            for place in ("path", "query", "header", "cookie")
        )
        self.has_body = bool(operation.body)
        self._body_required = operation.body_required
        self._bodies = {
            media_type.partition(";")[0].strip().lower(): (
                document.schemas.at(media.schema, View.REQUEST) if media.schema else None
            )
            for media_type, media in operation.body.items()
        }

    def parameters(
        self,
        names: Sequence[str],
        values: Sequence[str],
        query: bytes,
        headers: Mapping[bytes, bytes],
    ) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
        """The checked path, query and header parameters. Raises Problem 422.

        `names` are those of the path template, `values` what stands in their places.
        """
        defects: list[Defect] = []
        path, given, sent = _NOTHING, _NOTHING, _NOTHING
        if self._path is not None:
            path = self._path.read(dict(zip(names, zip(values, strict=True), strict=True)), defects)
        if self._query is not None:
            given = self._query.read(_parse_query(query) if query else {}, defects)
        if self._header is not None:
            encoded = [(name, name.encode()) for name in self._header.names]
            found = {n: [headers[e].decode("latin-1")] for n, e in encoded if e in headers}
            sent = self._header.read(found, defects)
        if self._cookie is not None:
            self._cookie.read(cookies(headers), defects)
        if defects:
            raise Problem(422, "H422", "A parameter breaks its schema.", defects)
        return path, given, sent

    async def body(self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]) -> Any:
        """The checked body, None when there is none. Raises Problem 400, 413, 415 or 422."""
        data = await _receive(receive, headers)
        media_type = headers.get(b"content-type", b"").decode("latin-1")
        media_type = media_type.partition(";")[0].strip().lower()
        if not data and not (media_type and self._body_required):
            if self._body_required:
                defect = Defect("body", "", "a body is required")
                raise Problem(422, "H422", "The body is missing.", [defect])
            return None
        if media_type not in self._bodies:
            taken = ", ".join(self._bodies)
            raise Problem(415, "H415", f"Send {taken}, not {media_type or 'an untyped body'}.")
        try:
            value = decode_json(data)
        except ValueError as error:
            raise Problem(400, "H400", f"The body is not JSON: {error}.") from None
        validator = self._bodies[media_type]
        if validator is not None and not validator.is_valid(value):
            raise Problem(
                422, "H422", "The body breaks its schema.", _defects("body", validator, value)
            )
        return value


class _Place:
    """The parameters of one operation that stand in one place, checked together."""

    def __init__(self, document: Document, operation: Operation, place: str) -> None:
        parameters = [p for p in operation.parameters if p.place == place]
        self._place = place
        self._readers: list[tuple[str, Parameter]] = [
            (p.name.lower() if place == "header" else p.name, p) for p in parameters
        ]
        self.names = [name for name, _ in self._readers]
        self._defaults = {
            name: schema["default"]
            for name, p in self._readers
            if "default" in (schema := document.schema(p.schema, View.REQUEST))
        }
        combined = {
            "properties": {n: {"$ref": reference(p.schema)} for n, p in self._readers if p.schema},
            "required": [name for name, p in self._readers if p.required],
        }
        self._validator: Validator = document.schemas.compile(combined, View.REQUEST)

    def read(self, given: Mapping[str, Sequence[str]], defects: list[Defect]) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        for name, parameter in self._readers:
            texts = given.get(name)
            if texts is not None:
                try:
                    values[name] = parameter.decode(texts)
                except ValueError as error:
                    defects.append(Defect(self._place, pointers.join([name]), str(error)))
                    return values
        if not self._validator.is_valid(values):
            defects += _defects(self._place, self._validator, values)
        return self._defaults | values if self._defaults else values


def _defects(place: str, validator: Validator, value: Any) -> list[Defect]:
    return [Defect(place, v.pointer, v.message) for v in validator.violations(value)]


def _parse_query(query: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def cookies(headers: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The cookies of a request (RFC 6265, section 4.2)."""
    found: dict[str, list[str]] = {}
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, sign, value = part.strip().partition("=")
        if sign:
            found[name] = [value.strip('"')]
    return found


async def _receive(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > MAX_BODY:
        raise _too_large()
    message = await _next(receive)
    data: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(data) > MAX_BODY:
            raise _too_large()
        return data
    parts, size = [data], len(data)
    while message.get("more_body"):
        message = await _next(receive)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            raise _too_large()
    return b"".join(parts)


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Problem(400, "H400", "The body was cut off.")
    return message


def _too_large() -> Problem:
    return Problem(413, "H413", f"A body has at most {MAX_BODY} bytes.")
