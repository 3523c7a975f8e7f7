"""Swagger 2.0 documents, rewritten as OpenAPI 3.0; every node remembers where it stood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import pointers
from ..text.json_text import Key
from ..text.source import Source
from .references import local_tokens, mappings

Path = tuple[Key, ...]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_JSON = "application/json"
_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_OF_PARAMETER = ("name", "in", "description", "required", "allowEmptyValue", "deprecated")
_STYLES = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
_FLOWS = {"accessCode": "authorizationCode", "application": "clientCredentials"}


def convert(source: Source) -> Source:
    """The OpenAPI 3.0 document that says what this Swagger 2.0 document does.

    What is broken is carried over as it is, so that its defect is told where it stands.
    """
    for node in mappings(source.tree):
        _rewrite(node)
    return _Converter(source).convert()


def _rewrite(node: dict[str, Any]) -> None:
    """Brings what 2.0 says in its own way anywhere, mostly in schemas, to 3.0 in place."""
    ref = node.get("$ref")
    if isinstance(ref, str) and ref.startswith("#/definitions/"):
        node["$ref"] = "#/components/schemas/" + ref.removeprefix("#/definitions/")
    if isinstance(node.get("x-nullable"), bool):
        node["nullable"] = node["x-nullable"]
    if isinstance(node.get("discriminator"), str):
        node["discriminator"] = {"propertyName": node["discriminator"]}
    if node.get("type") == "file":
        node["type"] = "string"
        node["format"] = "binary"


class _Converter:
    """Makes the new tree; what need not change is shared with the old one."""

    def __init__(self, source: Source) -> None:
        self.old = source
        self.new = source.derived({})

    def convert(self) -> Source:
        old, new = self.old.tree, self.new.tree
        self._set(new, "openapi", "3.0.3", ("swagger",))
        for key, value in old.items():
            if key in ("info", "tags", "security", "externalDocs") or key.startswith("x-"):
                self._set(new, key, value, (key,))
        self._servers()
        paths = old.get("paths")
        if isinstance(paths, dict):
            self._set(new, "paths", self._paths(paths), ("paths",))
        elif "paths" in old:
            self._set(new, "paths", paths, ("paths",))
        components: dict[str, Any] = {}
        self._set(new, "components", components, ("definitions",))
        self._set(components, "schemas", old.get("definitions", {}), ("definitions",))
        schemes = old.get("securityDefinitions")
        if isinstance(schemes, dict):
            at: Path = ("securityDefinitions",)
            found: dict[str, Any] = {}
            for name, scheme in schemes.items():
                self._set(found, name, _security_scheme(scheme), (*at, name))
            self._set(components, "securitySchemes", found, at)
        return self.new

    def _set(self, node: Any, key: Key, value: Any, at: Path) -> None:
        """Sets a member of the new tree that stands at `at` in the old one."""
        self.new.graft(node, key, value, self.old, at)

    def _resolve(self, node: Any, at: Path) -> tuple[Any, Path]:
        """What a node that may be a reference leads to, and where that stands."""
        for _ in range(64):
            ref = node.get("$ref") if isinstance(node, dict) else None
            tokens = local_tokens(ref) if isinstance(ref, str) else None
            if tokens is None:
                return node, at
            node, at = pointers.first(self.old.tree, tokens), tokens
        return {}, at

    def _servers(self) -> None:
        old = self.old.tree
        host, base = old.get("host"), old.get("basePath")
        base = base if isinstance(base, str) else ""
        if base and not base.startswith("/"):
            base = f"/{base}"
        schemes = _strings(old.get("schemes")) or ["https"]
        urls = [f"{scheme}://{host}{base}" for scheme in schemes] if _strings(host) else [base]
        key = "basePath" if "basePath" in old else "host"
        self._set(self.new.tree, "servers", [{"url": url or "/"} for url in urls], (key,))

    def _paths(self, paths: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for template, item in paths.items():
            item, at = self._resolve(item, ("paths", template))
            if not isinstance(item, dict) or template.startswith("x-"):
                self._set(found, template, item, at)
                continue
            new: dict[str, Any] = {}
            shared, body, form = self._sorted(item, at)
            for key, value in item.items():
                if key in METHODS and isinstance(value, dict):
                    self._set(new, key, self._operation(value, (*at, key), body, form), (*at, key))
                elif key == "parameters":
                    self._set(new, key, shared, (*at, key))
                else:
                    self._set(new, key, value, (*at, key))
            self._set(found, template, new, at)
        return found

    def _operation(
        self, node: dict[str, Any], at: Path, body: _Given | None, form: dict[str, _Given]
    ) -> dict[str, Any]:
        new: dict[str, Any] = {}
        parameters, own_body, own_form = self._sorted(node, at)
        body, form = own_body or body, form | own_form
        for key, value in node.items():
            if key == "parameters":
                self._set(new, key, parameters, (*at, key))
            elif key == "responses" and isinstance(value, dict):
                produced = self._media_types(node, "produces") or [_JSON]
                self._set(new, key, self._responses(value, (*at, key), produced), (*at, key))
            elif key not in ("consumes", "produces", "schemes"):
                self._set(new, key, value, (*at, key))
        consumed = self._media_types(node, "consumes")
        if body is not None:
            self._set(new, "requestBody", self._body(body, consumed), body[1])
        elif form:
            first = next(iter(form.values()))
            self._set(new, "requestBody", self._form(form, consumed), first[1])
        return new

    def _media_types(self, node: dict[str, Any], key: str) -> list[str]:
        return _strings(node[key] if key in node else self.old.tree.get(key))

    # Parameters and bodies

    def _sorted(
        self, node: dict[str, Any], at: Path
    ) -> tuple[Any, _Given | None, dict[str, _Given]]:
        """The parameters of a node that stay parameters, its body, its form fields by name."""
        found: list[Any] = []
        body: _Given | None = None
        form: dict[str, _Given] = {}
        nodes = node.get("parameters", found)
        if not isinstance(nodes, list):
            return nodes, None, {}
        for index, written in enumerate(nodes):
            parameter, place = self._resolve(written, (*at, "parameters", index))
            kind = parameter.get("in") if isinstance(parameter, dict) else None
            if kind == "body":
                body = parameter, place
            elif kind == "formData" and isinstance(parameter.get("name"), str):
                form[parameter["name"]] = parameter, place
            else:
                new = self._parameter(parameter, place) if kind else parameter
                self._set(found, len(found), new, place)
        return found, body, form

    def _parameter(self, node: dict[str, Any], at: Path) -> dict[str, Any]:
        new: dict[str, Any] = {}
        for key, value in node.items():
            if key in _OF_PARAMETER or key.startswith("x-"):
                self._set(new, key, value, (*at, key))
        schema = self._schema(node, at)
        self._set(new, "schema", schema, (*at, "schema") if "schema" in node else at)
        new |= _collection(node)
        return new

    def _schema(self, node: dict[str, Any], at: Path) -> Any:
        """The schema that stands in a parameter or a header itself."""
        if "schema" in node:
            return node["schema"]
        schema: dict[str, Any] = {}
        for key, value in node.items():
            if key not in (*_OF_PARAMETER, "collectionFormat") and not key.startswith("x-"):
                self._set(schema, key, value, (*at, key))
        return schema

    def _body(self, given: _Given, consumed: list[str]) -> dict[str, Any]:
        node, at = given
        new: dict[str, Any] = {}
        for key in ("description", "required"):
            if key in node:
                self._set(new, key, node[key], (*at, key))
        types = [t for t in consumed if t not in (_URLENCODED, _MULTIPART)] or [_JSON]
        self._set(new, "content", self._content(node, at, types), at)
        return new

    def _form(self, form: Mapping[str, _Given], consumed: list[str]) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        required, encoding, files = [], {}, False
        for name, (node, at) in form.items():
            schema = self._schema(node, at)
            files = files or (isinstance(schema, dict) and schema.get("format") == "binary")
            self._set(properties, name, schema, at)
            if node.get("required") is True:
                required.append(name)
            if written := _collection({**node, "in": "query"}):
                encoding[name] = written
        schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        media: dict[str, Any] = {"schema": schema} | ({"encoding": encoding} if encoding else {})
        types = [t for t in consumed if t in (_URLENCODED, _MULTIPART)]
        default = _MULTIPART if files else _URLENCODED
        return {"content": dict.fromkeys(types or [default], media), "required": bool(required)}

    # Responses

    def _responses(self, nodes: dict[str, Any], at: Path, produced: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for status, written in nodes.items():
            response, place = self._resolve(written, (*at, status))
            new = response
            if isinstance(response, dict) and not status.startswith("x-"):
                new = self._response(response, place, produced)
            self._set(found, status, new, place)
        return found

    def _response(self, node: dict[str, Any], at: Path, produced: list[str]) -> dict[str, Any]:
        new: dict[str, Any] = {}
        for key, value in node.items():
            if key == "headers" and isinstance(value, dict):
                headers: dict[str, Any] = {}
                for name, header in value.items():
                    place = (*at, key, name)
                    if isinstance(header, dict):
                        header = {"schema": self._schema(header, place)}
                    self._set(headers, name, header, place)
                self._set(new, key, headers, (*at, key))
            elif key not in ("schema", "examples"):
                self._set(new, key, value, (*at, key))
        shown = node.get("examples")
        shown = shown if isinstance(shown, dict) else {}
        if "schema" in node or shown:
            types = list(dict.fromkeys([*(produced if "schema" in node else ()), *shown]))
            self._set(new, "content", self._content(node, at, types), at)
            for media_type, example in shown.items():
                place = (*at, "examples", media_type)
                self._set(new["content"][media_type], "example", example, place)
        return new

    def _content(self, node: dict[str, Any], at: Path, types: list[str]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for media_type in types:
            media: dict[str, Any] = {}
            if "schema" in node:
                self._set(media, "schema", node["schema"], (*at, "schema"))
            self._set(content, media_type, media, at)
        return content


_Given = tuple[dict[str, Any], Path]


def _strings(node: Any) -> list[str]:
    found = [node] if isinstance(node, str) else node if isinstance(node, list) else ()
    return [text for text in found if isinstance(text, str)]


def _collection(node: dict[str, Any]) -> dict[str, Any]:
    """How the items of an array are joined: 2.0 joins them with commas unless told otherwise."""
    if node.get("type") != "array" or node.get("in") not in ("query", "cookie"):
        return {}
    written = node.get("collectionFormat", "csv")
    if written == "multi":
        return {"style": "form", "explode": True}
    return {"style": _STYLES.get(str(written), "form"), "explode": False}


def _security_scheme(node: Any) -> Any:
    kind = node.get("type") if isinstance(node, dict) else None
    if kind == "basic":
        return {"type": "http", "scheme": "basic"}
    if kind != "oauth2":
        return node
    flow = node.get("flow", "implicit")
    urls = {key: node[key] for key in ("authorizationUrl", "tokenUrl") if key in node}
    named = _FLOWS.get(flow, flow) if isinstance(flow, str) else "implicit"
    return {"type": "oauth2", "flows": {named: {**urls, "scopes": node.get("scopes", {})}}}
