"""Reads requests: path, query, headers and body become the checked values that handlers use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from sparring.spec import pointers
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.parameters import Parameter, compile_gather
from sparring.spec.openapi.schemas import Validator, View, reference, types_of

from ..responses.problems import Defect, Problem, defects_of
from ..worlds.world import World
from .bodies import Bodies

_NOTHING: Mapping[str, Any] = {}


class SentHeaders(Mapping[str, str]):
    """The headers of a request as texts, by their names in lower case; read when asked for."""

    __slots__ = ("_sent",)

    def __init__(self, sent: Mapping[bytes, bytes]) -> None:
        self._sent = sent

    def __getitem__(self, name: str) -> str:
        return self._sent[name.encode()].decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._sent)

    def __len__(self) -> int:
        return len(self._sent)


class Request(msgspec.Struct, gc=False):
    """One request that has been checked. `path`, `query` and `headers` hold declared parameters,
    with the defaults of those that were not sent; `accept` is the header as it was sent, `sent` are
    all headers."""

    world: World
    user: str
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    headers: Mapping[str, Any]
    body: Any
    accept: str
    root: str
    sent: Mapping[bytes, bytes] = {}


class Reader:
    """Reads the parameters and the body of one operation."""

    def __init__(self, document: Document, operation: Operation) -> None:
        declared = {parameter.place for parameter in operation.parameters}
        self._path, self._query, self._header, self._cookie = (
            _Place(document, operation, place) if place in declared else None
            for place in ("path", "query", "header", "cookie")
        )
        names = self._header.names if self._header is not None else ()
        self._encoded = [(name, name.encode()) for name in names]
        # Without a role there is nobody who would read a body that is not declared: it is refused.
        self.body = (bodies := Bodies(document, operation)).read
        self.has_body = bodies.expected or operation.binding is None

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
            found = {n: [headers[e].decode("latin-1")] for n, e in self._encoded if e in headers}
            sent = self._header.read(found, defects)
        if self._cookie is not None:
            self._cookie.read(cookies(headers), defects)
        if defects:
            raise Problem(422, "H422", "A parameter breaks its schema.", defects)
        return path, given, sent


class _Place:
    """The parameters of one operation that stand in one place, checked together."""

    def __init__(self, document: Document, operation: Operation, place: str) -> None:
        parameters = {
            (p.name.lower() if place == "header" else p.name): p
            for p in operation.parameters
            if p.place == place
        }
        self._place = place
        self.names = list(parameters)
        schemas = {n: document.schema(p.schema, View.REQUEST) for n, p in parameters.items()}

        def resolve(schema: Any) -> dict[str, Any]:
            return document.follow(schema, View.REQUEST)

        gathers = {
            name: compile_gather(p.name, schemas[name], resolve, style=p.spreads)
            for name, p in parameters.items()
            if p.spreads
        }
        self._gathers = [(name, gather) for name, gather in gathers.items() if gather is not None]
        whole = {name: p for name, p in parameters.items() if gathers.get(name) is None}
        self._decoders = [(name, p.decode) for name, p in whole.items()]
        self._defaults = {n: node["default"] for n, node in schemas.items() if "default" in node}
        # What may be empty, and whether that is a value of it rather than none.
        self._may_be_empty = {
            name: "string" in (types_of(schemas[name]) or ("string",))
            for name, p in parameters.items()
            if p.allows_empty
        }
        combined = {
            "properties": {n: _schema(p) for n, p in parameters.items() if p.schema},
            "required": [name for name, p in parameters.items() if p.required],
        }
        self._validator: Validator = document.schemas.compile(combined, View.REQUEST)

    def read(self, given: Mapping[str, Sequence[str]], defects: list[Defect]) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        for name, decode in self._decoders:
            texts = given.get(name)
            if texts is not None:
                try:
                    values[name] = decode(texts)
                except ValueError as error:
                    defects.append(Defect(self._place, pointers.join([name]), str(error)))
                    return values
        if self._gathers:
            known = {name for name, _ in self._decoders}
            free = {name: texts for name, texts in given.items() if name not in known}
            for name, gather in self._gathers:
                if (value := gather(free)) is not None:
                    values[name] = value
        for name in self._may_be_empty:
            if given.get(name) == [""]:
                values[name] = ""
        if not self._validator.is_valid(values):
            defects += defects_of(self._place, self._validator, values)
        for name, is_value in self._may_be_empty.items():
            if not is_value and values.get(name) == "":
                del values[name]
        return self._defaults | values if self._defaults else values


def _schema(parameter: Parameter) -> dict[str, Any]:
    assert parameter.schema is not None
    schema: dict[str, Any] = {"$ref": reference(parameter.schema)}
    return {"anyOf": [schema, {"const": ""}]} if parameter.allows_empty else schema


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
