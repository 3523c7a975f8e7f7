"""An OpenAPI document, compiled: its operations, what they take and answer, and what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path as File
from typing import Any
from urllib.parse import unquote, urlsplit

from . import overlay, pointers
from .binding import Binding, Model, Role, read_binding, read_model
from .errors import Defect, SparringError, nearest
from .parameters import Parameter, compile_decoder
from .promises import Promises
from .references import bundle
from .schemas import Path, Schemas, View
from .source import Source, load

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
BUNDLED = ("sessions", "julep", "flux0", "sentius")
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


@dataclass(frozen=True, slots=True)
class Media:
    """One media type of a body: where its schema stands, None when it says nothing."""

    type: str
    schema: Path | None


@dataclass(frozen=True, slots=True)
class Header:
    """One header of a response."""

    name: str
    required: bool
    schema: Path | None


@dataclass(frozen=True, slots=True)
class Response:
    """One declared response; `status` is a code, a range such as `4XX`, or `default`."""

    status: str
    content: Mapping[str, Media]
    headers: Mapping[str, Header]


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """How a credential travels; `kind` is bearer, basic, apiKey or another word of OpenAPI."""

    name: str
    kind: str
    place: str = ""
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `path` is the template with the base path in front."""

    method: str
    path: str
    id: str
    pointer: Path
    parameters: tuple[Parameter, ...]
    body: Mapping[str, Media]
    body_required: bool
    responses: Mapping[str, Response]
    security: tuple[tuple[SecurityScheme, ...], ...]
    binding: Binding | None
    promises: Promises

    @property
    def label(self) -> str:
        """`GET /sessions/{id}`."""
        return f"{self.method} {self.path}"

    def response(self, status: int) -> Response | None:
        """The response that is declared for a status: by its code, its range, or `default`."""
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in self.responses:
                return self.responses[key]
        return None

    @property
    def success(self) -> tuple[int, Response] | None:
        """The lowest declared 2xx status and its response."""
        for key in sorted(self.responses):
            if key.startswith("2"):
                return (int(key) if key.isdigit() else 200), self.responses[key]
        return None

    def media(self, status: int, media_type: str) -> Media | None:
        """The declared content of a response that has this media type, parameters aside."""
        response = self.response(status)
        for name, media in response.content.items() if response else ():
            if name.partition(";")[0].strip().lower() == media_type:
                return media
        return None


@dataclass(frozen=True)
class Document:
    """A whole document. `base_path` is the path of its first server; operations begin with it."""

    source: Source
    version: str
    title: str
    base_path: str
    operations: tuple[Operation, ...]
    model: Model
    schemas: Schemas
    warnings: tuple[Defect, ...] = ()
    _by_role: Mapping[Role, tuple[Operation, ...]] = field(default_factory=dict)

    def with_role(self, role: Role) -> tuple[Operation, ...]:
        """The operations that have this role, in document order."""
        return self._by_role.get(role, ())

    def schema(self, path: Path | None, view: View = View.RESPONSE) -> dict[str, Any]:
        """The schema at `path` in the 2020-12 dialect, references followed; {} for None."""
        if path is None:
            return {}
        tree = self.schemas.tree(view)
        node: Any = pointers.first(tree, tuple(map(str, path)), {})
        return self.follow(node, view)

    def path_of(self, reference: str) -> Path:
        """The path that a local reference of this document leads to."""
        return _fragment(reference)

    def follow(self, schema: Any, view: View = View.RESPONSE) -> dict[str, Any]:
        """Follows the reference that a schema of this document is, if it is nothing else.

        What stands beside the reference, such as a default, is laid over what it leads to.
        """
        tree = self.schemas.tree(view)
        beside: dict[str, Any] = {}
        for _ in range(64):
            if not isinstance(schema, dict):
                return beside
            target = schema.get("$ref")
            if not isinstance(target, str) or _has_siblings(schema):
                return {**schema, **beside} if beside else schema
            if len(schema) > 1:
                beside = {key: schema[key] for key in schema if key != "$ref"} | beside
            schema = pointers.first(tree, _fragment(target), {})
        return {}


def load_document(spec: str | File, overlays: Sequence[File] = ()) -> Document:
    """Loads a document by its path or its bundled name (`BUNDLED`).

    Raises SparringError with everything that keeps it from being used.
    """
    bundled = isinstance(spec, str) and spec in BUNDLED
    path = File(str(files("sparring.spec") / f"{spec}.yaml")) if bundled else File(spec)
    if not bundled and not path.suffix and not path.exists():
        remedy = nearest(str(spec), BUNDLED) or f"Give a path, or one of {', '.join(BUNDLED)}."
        raise SparringError(Defect("D101", f"there is no document {spec}", remedy=remedy))
    source = load(path)
    if not isinstance(source.tree, dict):
        raise SparringError(source.defect("D110", "a document is a mapping", ()))
    bundle(source, path)
    for file in overlays:
        overlay.apply(source, load(file))
    return compile_document(source)


def compile_document(source: Source) -> Document:
    """Compiles a parsed document. Raises SparringError."""
    return _Compiler(source).compile()


class _Compiler:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.tree: dict[str, Any] = source.tree
        self.defects: list[Defect] = []

    def compile(self) -> Document:
        version = self.tree.get("openapi")
        if not isinstance(version, str) or not version.startswith("3."):
            found = "Swagger 2.0" if "swagger" in self.tree else f"openapi: {version}"
            message = f"this is not an OpenAPI 3 document ({found})"
            raise SparringError(
                self.source.defect("D110", message, ("openapi",), "Begin it with `openapi: 3.1.0`.")
            )
        if not isinstance(self.tree.get("paths"), dict):
            raise SparringError(self.source.defect("D110", "`paths` is missing", ("paths",)))
        modern = not version.startswith("3.0")
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
            version,
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
            if isinstance(node, dict) and isinstance(node.get("$ref"), str):
                tokens = _fragment(node["$ref"])
                path = tokens
                node = pointers.first(self.tree, tokens)
            else:
                break
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
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                break
            schema = pointers.first(tree, _fragment(schema["$ref"]), {})
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


def _fragment(reference: str) -> tuple[str, ...]:
    """The pointer tokens of a local reference."""
    return pointers.split(unquote(reference.partition("#")[2]))


def _has_siblings(schema: dict[str, Any]) -> bool:
    ignored = {"$ref", "description", "title", "example", "examples", "default", "deprecated"}
    return any(key not in ignored and not key.startswith("x-") for key in schema)
