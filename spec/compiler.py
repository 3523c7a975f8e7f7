"""From the tree of an OpenAPI document to its operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from . import pointers
from .binding import Binding, Model, Role, read_binding, read_model
from .dialect import as_openapi_3
from .document import (
    Document,
    Header,
    Media,
    Operation,
    Response,
    SecurityScheme,
)
from .errors import Defect, SparringError
from .parameters import Parameter, compile_decoder
from .promises import Promises
from .references import local_tokens
from .schemas import Path, Schemas, View
from .source import Source

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


class Compiler:
    """Walks one document and collects everything that is wrong with it."""

    def __init__(self, source: Source) -> None:
        self.source, self.version = as_openapi_3(source)
        self.tree: dict[str, Any] = self.source.tree
        self.defects: list[Defect] = []

    def compile(self) -> Document:
        """The compiled document. Raises SparringError with every defect."""
        modern = not self.version.startswith("3.0")
        self.schemas = Schemas(self.tree, modern=modern, source=self.source)
        self.schemes = self._security_schemes()
        self.promises = self._promises(self.tree, ())
        base = self._base_path()
        operations = tuple(self._operations(base))
        model = Model()
        if "x-session-model" in self.tree:
            path: Path = ("x-session-model",)
            model, defects = read_model(self.tree["x-session-model"], self.source, path)
            self.defects += defects
        if self.defects:
            raise SparringError(self.defects)
        by_role: dict[Role, tuple[Operation, ...]] = {}
        for operation in operations:
            if operation.binding:
                role = operation.binding.role
                by_role[role] = (*by_role.get(role, ()), operation)
        info = self.tree.get("info")
        title = info.get("title", "") if isinstance(info, dict) else ""
        return Document(
            self.source,
            self.version,
            str(title),
            base,
            operations,
            model,
            self.schemas,
            tuple(self.source.warnings),
            by_role,
        )

    # Walking the document

    def _node(self, node: Any, path: Path, kind: type = dict) -> tuple[Any, Path]:
        """Follows references; an absent or wrong node is a defect and an empty one instead."""
        for _ in range(64):
            ref = node.get("$ref") if isinstance(node, dict) else None
            tokens = local_tokens(ref) if isinstance(ref, str) else None
            if tokens is None:
                break
            node, path = pointers.first(self.tree, tokens), tokens
        if not isinstance(node, kind):
            wanted = "a mapping" if kind is dict else "a list"
            self.defects.append(self.source.defect("D111", f"this must be {wanted}", path))
            return kind(), path
        return node, path

    def _operations(self, base: str) -> Iterator[Operation]:
        for template, item in self.tree["paths"].items():
            if template.startswith("x-"):
                continue
            item, item_path = self._node(item, ("paths", template))
            shared = self._parameters(item.get("parameters", []), (*item_path, "parameters"))
            for method in item:
                if method in METHODS:
                    yield self._operation(
                        method, base + template, item[method], (*item_path, method), shared
                    )

    def _operation(
        self, method: str, path: str, node: Any, at: Path, shared: dict[tuple[str, str], Parameter]
    ) -> Operation:
        node, at = self._node(node, at)
        parameters = shared | self._parameters(node.get("parameters", []), (*at, "parameters"))
        body: dict[str, Media] = {}
        required = False
        if "requestBody" in node:
            request, request_path = self._node(node["requestBody"], (*at, "requestBody"))
            body = self._content(request, request_path)
            required = request.get("required") is True
        responses, responses_path = self._node(node.get("responses", {}), (*at, "responses"))
        binding: Binding | None = None
        if "x-session" in node:
            binding, defects = read_binding(node["x-session"], self.source, (*at, "x-session"))
            self.defects += defects
            if binding:
                self._check_binding(binding, parameters, at)
        security = node.get("security", self.tree.get("security", []))
        return Operation(
            method.upper(),
            path,
            str(node.get("operationId") or f"{method} {path}"),
            at,
            tuple(parameters.values()),
            body,
            required,
            {
                str(status): self._response(str(status), response, (*responses_path, status))
                for status, response in responses.items()
                if not str(status).startswith("x-")
            },
            self._requirements(security, at),
            binding,
            self.promises | self._promises(node, at),
        )

    def _parameters(self, nodes: Any, path: Path) -> dict[tuple[str, str], Parameter]:
        nodes, path = self._node(nodes, path, list)
        found: dict[tuple[str, str], Parameter] = {}
        for index, node in enumerate(nodes):
            node, at = self._node(node, (*path, index))
            name, place = node.get("name"), node.get("in")
            if not (isinstance(name, str) and isinstance(place, str) and place in _STYLES):
                message = "a parameter needs `name`, and `in` (path, query, header or cookie)"
                self.defects.append(self.source.defect("D111", message, at))
                continue
            if place == "header" and name.lower() in ("accept", "content-type", "authorization"):
                continue  # OpenAPI 3.1, 4.8.12.1: such definitions shall be ignored
            found[name, place] = self._parameter(name, place, node, at)
        return found

    def _parameter(self, name: str, place: str, node: dict[str, Any], at: Path) -> Parameter:
        schema: Path | None = (*at, "schema") if "schema" in node else None
        is_json = False
        if schema is None and isinstance(node.get("content"), dict) and node["content"]:
            media_type = next(iter(node["content"]))
            schema = (*at, "content", media_type, "schema")
            is_json = "json" in media_type
        style = node.get("style", _STYLES[place])
        decode = compile_decoder(
            self._resolved(schema),
            lambda inner: self._follow(inner),
            style=style,
            explode=node.get("explode", style == "form"),
            is_json=is_json,
        )
        required = node.get("required") is True or place == "path"
        return Parameter(name, place, required, at, schema, decode)

    def _content(self, node: dict[str, Any], path: Path) -> dict[str, Media]:
        content, path = self._node(node.get("content", {}), (*path, "content"))
        found = {}
        for media_type, media in content.items():
            media, at = self._node(media, (*path, media_type))
            key = "itemSchema" if "itemSchema" in media else "schema"
            found[media_type] = Media(media_type, (*at, key) if key in media else None)
        return found

    def _response(self, status: str, node: Any, path: Path) -> Response:
        node, path = self._node(node, path)
        headers, headers_path = self._node(node.get("headers", {}), (*path, "headers"))
        found = {}
        for name, header in headers.items():
            header, at = self._node(header, (*headers_path, name))
            schema: Path | None = (*at, "schema") if "schema" in header else None
            found[name] = Header(name, header.get("required") is True, schema)
        return Response(
            status.upper() if status != "default" else status, self._content(node, path), found
        )

    def _resolved(self, path: Path | None) -> dict[str, Any]:
        if path is None:
            return {}
        tree = self.schemas.tree(View.REQUEST)
        return self._follow(pointers.first(tree, tuple(map(str, path)), {}))

    def _follow(self, schema: Any) -> dict[str, Any]:
        tree = self.schemas.tree(View.REQUEST)
        for _ in range(64):
            ref = schema.get("$ref") if isinstance(schema, dict) else None
            tokens = local_tokens(ref) if isinstance(ref, str) else None
            if tokens is None:
                break
            schema = pointers.first(tree, tokens, {})
        return schema if isinstance(schema, dict) else {}

    # Annotations and security

    def _promises(self, node: dict[str, Any], path: Path) -> Promises:
        if "x-session-promises" not in node:
            return Promises()
        at = (*path, "x-session-promises")
        promises, defects = Promises.read(node["x-session-promises"], self.source, at)
        self.defects += defects
        return promises

    def _check_binding(
        self, binding: Binding, parameters: dict[tuple[str, str], Parameter], at: Path
    ) -> None:
        queries = {name for name, place in parameters if place == "query"}
        wanted = [binding.page.start, binding.page.limit, *(f.place for f in binding.filters)]
        for place in wanted:
            if place is not None and place.part == "query" and place.name not in queries:
                name = place.name
                message = f'x-session speaks of the query parameter "{name}", which is not declared'
                self.defects.append(self.source.defect("D142", message, (*at, "x-session")))

    def _security_schemes(self) -> dict[str, SecurityScheme]:
        components = self.tree.get("components")
        nodes = components.get("securitySchemes", {}) if isinstance(components, dict) else {}
        found = {}
        for name, node in nodes.items() if isinstance(nodes, dict) else ():
            node, _ = self._node(node, ("components", "securitySchemes", name))
            kind = str(node.get("type", ""))
            if kind == "http":
                kind = str(node.get("scheme", "bearer")).lower()
            elif kind in ("oauth2", "openIdConnect"):
                kind = "bearer"
            found[name] = SecurityScheme(
                name, kind, str(node.get("in", "")), str(node.get("name", ""))
            )
        return found

    def _requirements(self, nodes: Any, at: Path) -> tuple[tuple[SecurityScheme, ...], ...]:
        alternatives = []
        for node in nodes if isinstance(nodes, list) else ():
            names = list(node) if isinstance(node, dict) else []
            for name in names:
                if name not in self.schemes:
                    message = f'there is no security scheme "{name}"'
                    self.defects.append(self.source.defect("D111", message, (*at, "security")))
            alternatives.append(tuple(self.schemes[n] for n in names if n in self.schemes))
        return tuple(alternatives)

    def _base_path(self) -> str:
        servers = self.tree.get("servers")
        first = servers[0] if isinstance(servers, list) and servers else None
        url = first.get("url") if isinstance(first, dict) else None
        try:
            path = urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""
        except ValueError:
            path = ""  # not a URL: the paths stand for themselves
        templates = [t for t in self.tree["paths"] if isinstance(t, str) and t.startswith("/")]
        begins = bool(templates) and all(t.startswith(f"{path}/") for t in templates)
        return "" if begins or "{" in path else path
