"""Requests as steps of an Arazzo 1.0 workflow: what an earlier answer gave is an output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sparring.spec import pointers
from sparring.spec.exchange import Exchange, Request
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.router import Router, parameter_names

SOURCE = "api"
_SHORTEST = 4  # characters of a value that is taken from an answer
_INSIDE = 8  # characters of one that is found inside a longer text, too
_TRANSPORT = frozenset({"content-type", "content-length", "host", "user-agent", "accept-encoding"})


class Steps:
    """The steps of one workflow, one behind the other. `known` are values that are expressions:
    those that an answer has given, and inputs."""

    def __init__(self, document: Document, root: str, known: Mapping[str, str] = {}) -> None:
        self.found: list[dict[str, Any]] = []
        self.known = dict(known)
        self._document = document
        self._root = root
        self._ids = [_own_id(document, operation) for operation in document.operations]
        self._router: Router[Operation] = Router()
        for operation in document.operations:
            self._router.add(operation.method, operation.template, operation)

    def operation(self, request: Request) -> tuple[Operation, tuple[str, ...]] | None:
        """The operation that a request calls, and the values in its path; None for no such."""
        path = urlsplit(request.url.removeprefix(self._root)).path
        methods, values = self._router.find(path)
        operation = methods.get(request.method)
        return (operation, values) if operation is not None else None

    def add(self, request: Request, criteria: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
        """Adds a step, and returns it; None where no operation of the document is called."""
        if (found := self.operation(request)) is None:
            return None
        operation, values = found
        step: dict[str, Any] = {"stepId": self._name(operation)}
        id = _own_id(self._document, operation)
        if id and self._ids.count(id) == 1:
            step["operationId"] = id
        else:
            pointer = pointers.join(operation.pointer)
            step["operationPath"] = f"{{$sourceDescriptions.{SOURCE}.url}}#{pointer}"
        if parameters := list(self._parameters(operation, values, request)):
            step["parameters"] = parameters
        if request.body:
            step["requestBody"] = self._body(request)
        step["successCriteria"] = [dict(criterion) for criterion in criteria]
        self.found.append(step)
        return step

    def give(self, step: dict[str, Any], name: str, expression: str, value: str) -> None:
        """Makes a value that an answer gave an output, and what stands for it from now on."""
        step.setdefault("outputs", {})[name] = expression
        self.known[value] = f"$steps.{step['stepId']}.outputs.{name}"

    def _name(self, operation: Operation) -> str:
        role = operation.binding.role.value if operation.binding else operation.label
        base = re.sub(r"[^A-Za-z0-9]+", "_", operation.id or role).strip("_")
        count = sum(re.sub(r"_\d+$", "", step["stepId"]) == base for step in self.found)
        return f"{base}_{count + 1}" if count else base

    def _parameters(
        self, operation: Operation, values: tuple[str, ...], request: Request
    ) -> Iterator[dict[str, Any]]:
        names = parameter_names(operation.template)
        for name, value in zip(names, values, strict=False):
            yield {"name": name, "in": "path", "value": self._filled(unquote(value))}
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(request.url).query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        for name, found in query.items():
            value = self._filled(found if len(found) > 1 else found[0])
            yield {"name": name, "in": "query", "value": value}
        for name, value in request.headers.items():
            if name.lower() == "cookie":
                for pair in value.split("; "):
                    key, _, inner = pair.partition("=")
                    yield {"name": key, "in": "cookie", "value": self._filled(inner)}
            elif name.lower() not in _TRANSPORT:
                yield {"name": name, "in": "header", "value": self._filled(value)}

    def _body(self, request: Request) -> dict[str, Any]:
        kind = next((v for n, v in request.headers.items() if n.lower() == "content-type"), "")
        text = request.body.decode("utf-8", "replace")
        payload: Any = text
        if "json" in kind:
            try:
                payload = json.loads(text)
            except ValueError:
                payload = text
        body = {"contentType": kind} if kind else {}
        return {**body, "payload": self._filled(payload)}

    def _filled(self, value: Any) -> Any:
        """A value in which what is known is an expression."""
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if not isinstance(value, str):
            return value
        if value in self.known:
            return self.known[value]
        for known, expression in self.known.items():
            if len(known) >= _INSIDE and known in value:
                value = value.replace(known, f"{{{expression}}}")
        return value


def _own_id(document: Document, operation: Operation) -> str:
    """The operationId that the document itself gives an operation."""
    node: Any = document.source.tree
    for key in operation.pointer:
        node = node[key]
    return str(node.get("operationId", ""))


def given(exchanges: Sequence[Exchange], index: int) -> Iterator[tuple[str, str]]:
    """What first stands in an answer and then in later requests: its expression, and the value."""
    said = "\n".join(map(_text, (e.request for e in exchanges[: index + 1])))
    later = [_text(exchange.request) for exchange in exchanges[index + 1 :]]
    words = {word for text in later for word in re.split(r"[\s/?&=\"',]+", text)}
    seen: set[str] = set()
    for expression, value in _values(exchanges[index]):
        inside = len(value) >= _INSIDE and any(value in text for text in later)
        wanted = len(value) >= _SHORTEST and (value in words or inside)
        if wanted and value not in said and value not in seen:
            seen.add(value)
            yield expression, value


def _values(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """The texts and numbers of an answer, those nearest to its root first, and its tag."""
    left: list[tuple[tuple[str | int, ...], Any]] = [((), exchange.response.json())]
    while left:
        path, node = left.pop(0)
        if isinstance(node, str) or (isinstance(node, int) and not isinstance(node, bool)):
            yield f"$response.body#{pointers.join(path)}", str(node)
        elif isinstance(node, dict):
            left += [((*path, key), value) for key, value in node.items()]
        elif isinstance(node, list):
            left += [((*path, key), value) for key, value in enumerate(node[:100])]
    if tag := exchange.response.headers.get("etag"):
        yield "$response.header.ETag", tag


def _text(request: Request) -> str:
    headers = "\n".join(request.headers.values())
    return f"{unquote(request.url)}\n{headers}\n{request.body.decode('utf-8', 'replace')}"
