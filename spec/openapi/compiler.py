"""From the tree of an OpenAPI document to its operations.

What is wrong with the document is a warning, and the broken part is left out; what is wrong with an
annotation of ours is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Defect, SparringError
from ..meaning.annotations import read_binding, read_model
from ..meaning.binding import Binding, Model
from ..meaning.promises import Promises, schemas_within
from ..text.source import Source
from .declarations import Declarations, Named
from .dialect import as_openapi_3
from .document import Document, Media, Operation, Response
from .router import parameter_names
from .schemas import Path, Schemas
from .security import SecurityScheme, read_requirements, read_scheme
from .servers import base_path

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


class Compiler:
    """Walks one document and collects everything that is wrong with it."""

    def __init__(self, source: Source) -> None:
        self.source, self.version = as_openapi_3(source)
        self.tree: dict[str, Any] = self.source.tree
        self.defects: list[Defect] = []
        modern = not self.version.startswith("3.0")
        self.schemas = Schemas(self.tree, modern=modern, source=self.source)
        self.declared = Declarations(self.source, self.schemas)
        self.schemes = self._security_schemes()
        self.ids: set[str] = set()
        self.of_schema: dict[Path, Promises] = {}

    def compile(self) -> Document:
        """The compiled document. Raises SparringError with every defect of its annotations."""
        self.promises = self._promises(self.tree, ())
        components, at = self.declared.member(self.tree, "components", ())
        schemas, _ = self.declared.member(components, "schemas", at)
        self.promising = any(
            isinstance(node, dict) and "x-session-promises" in node for node in schemas.values()
        )
        paths, _ = self.declared.member(self.tree, "paths", ())
        self.base = base_path(self.tree.get("servers"), paths)
        operations = tuple(self._operations(paths))
        model = Model()
        if "x-session-model" in self.tree:
            path: Path = ("x-session-model",)
            model, defects = read_model(self.tree["x-session-model"], self.source, path)
            self.defects += defects
        if self.defects:
            raise SparringError(self.defects)
        info = self.tree.get("info")
        title = info.get("title", "") if isinstance(info, dict) else ""
        return Document(
            self.source,
            self.version,
            str(title),
            self.base,
            operations,
            model,
            self.schemas,
        )

    def _operations(self, paths: dict[str, Any]) -> Iterator[Operation]:
        for template, written in paths.items():
            if template.startswith("x-"):
                continue
            at: Path = ("paths", template)
            path = template if template.startswith("/") else f"/{template}"
            if path != template:
                self.declared.warn(f'"{template}" is read as "{path}"', at, "Begin it with `/`.")
            item, item_at = self.declared.node(written, at)
            nodes = [(item, item_at)]
            if item is not written and isinstance(written, dict):  # what stands beside a `$ref`
                nodes.append((written, at))
            names = parameter_names(path.partition("#")[0].partition("?")[0])
            shared: Named = {}
            found: dict[str, tuple[Any, Path]] = {}
            base = self.base
            for node, place in nodes:
                shared |= self.declared.parameters(node, place, names)
                found |= self._methods(node, place)
                if "servers" in node:
                    base = base_path(node["servers"], paths)
            for method, (operation, place) in found.items():
                yield self._operation(method, base, path, operation, place, shared)

    def _methods(self, item: dict[str, Any], at: Path) -> dict[str, tuple[Any, Path]]:
        """The operations of a path item by method."""
        found = {}
        for key, node in item.items():
            if key in METHODS:
                found[key.upper()] = node, (*at, key)
            elif key.lower() in METHODS:
                self.declared.warn(f"`{key}` is read as `{key.lower()}`", (*at, key))
                found.setdefault(key.upper(), (node, (*at, key)))
        more, at = self.declared.member(item, "additionalOperations", at)
        return found | {method: (node, (*at, method)) for method, node in more.items()}

    def _operation(
        self, method: str, base: str, path: str, node: Any, at: Path, shared: Named
    ) -> Operation:
        node, at = self.declared.node(node, at)
        names = parameter_names(path.partition("#")[0].partition("?")[0])
        parameters = shared | self.declared.parameters(node, at, names)
        parameters |= self.declared.implied(names, parameters, at)
        body, required = self.declared.body(node, at)
        responses = self.declared.responses(node, at)
        if "servers" in node:
            base = base_path(node["servers"], self.tree["paths"])
        binding: Binding | None = None
        if "x-session" in node:
            binding, defects = read_binding(node["x-session"], self.source, (*at, "x-session"))
            self.defects += defects
            if binding:
                self._check_binding(binding, parameters, at)
        return Operation(
            method,
            base + path,
            self._id(node, method, path, at),
            at,
            tuple(parameters.values()),
            body,
            required,
            responses,
            self._requirements(node, at),
            binding,
            self.promises | self._of_schemas(body, responses) | self._promises(node, at),
            base,
            "x-session" in node,
        )

    def _id(self, node: dict[str, Any], method: str, path: str, at: Path) -> str:
        """The operation's id, or one made of its path where it has none of its own."""
        given = node.get("operationId")
        if given in self.ids:
            self.declared.warn(f'the operationId "{given}" stands twice', (*at, "operationId"))
        elif isinstance(given, str) and given:
            self.ids.add(given)
            return given
        return f"{method.lower()} {path}"

    # Annotations and security

    def _promises(self, node: dict[str, Any], path: Path) -> Promises:
        if "x-session-promises" not in node:
            return Promises()
        at = (*path, "x-session-promises")
        promises, defects = Promises.read(node["x-session-promises"], self.source, at)
        self.defects += defects
        return promises

    def _of_schemas(self, body: Mapping[str, Media], answers: Mapping[str, Response]) -> Promises:
        """What the schemas of an operation say: those of its body and of its success."""
        said = Promises()
        if not self.promising:
            return said
        contents = [body, *(a.content for status, a in answers.items() if status.startswith("2"))]
        schemas = [m.schema for media in contents for m in media.values() if m.schema is not None]
        for node, path in schemas_within(self.tree, schemas):
            if "x-session-promises" in node:
                if path not in self.of_schema:
                    self.of_schema[path] = self._promises(node, path)
                said = self.of_schema[path] | said  # what is nearer came first
        return said

    def _check_binding(self, binding: Binding, parameters: Named, at: Path) -> None:
        queries = {name for name, place in parameters if place == "query"}
        wanted = [binding.page.start, binding.page.limit, *(f.place for f in binding.filters)]
        for place in wanted:
            if place is not None and place.part == "query" and place.name not in queries:
                name = place.name
                message = f'x-session speaks of the query parameter "{name}", which is not declared'
                self.defects.append(self.source.defect("D142", message, (*at, "x-session")))

    def _security_schemes(self) -> dict[str, SecurityScheme]:
        components, at = self.declared.member(self.tree, "components", ())
        nodes, at = self.declared.member(components, "securitySchemes", at)
        return {
            name: read_scheme(name, self.declared.node(node, (*at, name))[0])
            for name, node in nodes.items()
        }

    def _requirements(
        self, node: dict[str, Any], at: Path
    ) -> tuple[tuple[SecurityScheme, ...], ...]:
        holder, place = (node, at) if "security" in node else (self.tree, ())
        nodes, place = self.declared.member(holder, "security", place, list)
        alternatives, missing = read_requirements(nodes, self.schemes)
        for name in missing:
            self.declared.warn(f'there is no security scheme "{name}"; it is ignored', place)
        return alternatives
