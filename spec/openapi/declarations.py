"""What an operation declares that it takes and answers: parameters, bodies, responses.

A part that is broken is left out, with a warning.
"""

from __future__ import annotations

from typing import Any

from .. import pointers
from ..text.source import Source
from .document import Header, Media, Response
from .parameters import Decode, Parameter, compile_decoder
from .references import local_tokens
from .schemas import Path, Schemas, View, members_of, required_of

STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
_IGNORED = ("accept", "content-type", "authorization")
Named = dict[tuple[str, str], Parameter]


class Declarations:
    """Reads nodes of one document."""

    def __init__(self, source: Source, schemas: Schemas) -> None:
        self._source = source
        self._schemas = schemas

    def warn(self, message: str, path: Path, remedy: str = "", code: str = "D111") -> None:
        """Notes a defect of the document that it can be served with."""
        self._source.warnings.append(self._source.defect(code, message, path, remedy))

    def node(self, node: Any, path: Path, kind: type = dict) -> tuple[Any, Path]:
        """What a node is once its references are followed, and where that stands; of another type
        than `kind` it counts as empty."""
        for _ in range(64):
            ref = node.get("$ref") if isinstance(node, dict) else None
            tokens = local_tokens(ref) if isinstance(ref, str) else None
            if tokens is None:
                break
            node, path = pointers.first(self._source.tree, tokens), tokens
        if isinstance(node, kind):
            return node, path
        self.warn(f"this must be a {'mapping' if kind is dict else 'list'}; it is ignored", path)
        return kind(), path

    def member(self, node: dict[str, Any], key: str, path: Path, kind: type = dict) -> Any:
        """The member of a node as `node` gives it; empty when there is none."""
        at = (*path, key)
        return self.node(node[key], at, kind) if key in node else (kind(), at)

    # Parameters

    def parameters(self, node: dict[str, Any], path: Path, names: tuple[str, ...]) -> Named:
        """The parameters of an operation or of a path item whose template has these `names`."""
        found: Named = {}
        nodes, path = self.member(node, "parameters", path, list)
        for index, node in enumerate(nodes):
            node, at = self.node(node, (*path, index))
            name, place = node.get("name"), node.get("in")
            if place is None and name in names:
                self.warn(f'the parameter "{name}" does not say `in: path`', at)
                place = "path"
            if place == "querystring":
                found |= self._querystring(node, at)
            elif not (isinstance(name, str) and isinstance(place, str) and place in STYLES):
                message = "a parameter needs `name`, and `in` (path, query, header or cookie)"
                self.warn(f"{message}; it is ignored", at)
            elif place == "path" and name not in names:
                self.warn(f'the path has no "{{{name}}}"; the parameter is ignored', at)
            elif place != "header" or name.lower() not in _IGNORED:
                # OpenAPI 3.1, 4.8.12.1: definitions of those headers shall be ignored
                found[name, place] = self._parameter(name, place, node, at)
        return found

    def implied(self, names: tuple[str, ...], known: Named, path: Path) -> Named:
        """The parameters of a template that nothing declares: strings."""
        found: Named = {}
        for name in names:
            if (name, "path") not in known:
                message = f'the path parameter "{name}" is not declared; it is taken for a string'
                self.warn(message, path, "Declare it in `parameters`.")
                found[name, "path"] = Parameter(name, "path", True, path, None, _last)
        return found

    def _parameter(self, name: str, place: str, node: dict[str, Any], at: Path) -> Parameter:
        schema: Path | None = (*at, "schema") if "schema" in node else None
        is_json = False
        if schema is None and isinstance(node.get("content"), dict) and node["content"]:
            media_type = next(iter(node["content"]))
            media, media_at = self.node(node["content"][media_type], (*at, "content", media_type))
            schema = (*media_at, "schema") if "schema" in media else None
            is_json = "json" in media_type
        style = node.get("style")
        style = style if isinstance(style, str) else STYLES[place]
        explode = node.get("explode")
        explode = explode if isinstance(explode, bool) else style == "form"
        decode = self._decoder(schema, style, explode, is_json, name)
        required = node.get("required") is True or place == "path"
        spreads = style if style == "deepObject" or (style == "form" and explode) else ""
        allows_empty = place == "query" and node.get("allowEmptyValue") is True
        return Parameter(
            name, place, required, at, schema, decode, "" if is_json else spreads, allows_empty
        )

    def _querystring(self, node: dict[str, Any], at: Path) -> Named:
        """The members of an object that is the whole query (OpenAPI 3.2), as parameters."""
        content, at = self.member(node, "content", at)
        for media_type in content:
            media, place = self.node(content[media_type], (*at, media_type))
            schema, place = self.member(media, "schema", place)
            return {
                (name, "query"): Parameter(
                    name,
                    "query",
                    name in required_of(schema),
                    place,
                    (*place, "properties", name),
                    self._decoder((*place, "properties", name), "form", True, False),
                )
                for name in members_of(schema)
            }
        return {}

    def _decoder(
        self, schema: Path | None, style: str, explode: bool, is_json: bool, name: str = ""
    ) -> Decode:
        """A decoder that is compiled when it is first used: few operations of a document are."""
        made: Decode | None = None

        def decode(given: Any) -> Any:
            nonlocal made
            if made is None:
                resolved = self._follow({"$ref": f"#{pointers.join(schema)}"} if schema else {})
                made = compile_decoder(
                    resolved,
                    self._follow,
                    style=style,
                    explode=explode,
                    is_json=is_json,
                    name=name,
                )
            return made(given)

        return decode

    def _follow(self, schema: Any) -> dict[str, Any]:
        tree = self._schemas.tree(View.REQUEST)
        for _ in range(64):
            ref = schema.get("$ref") if isinstance(schema, dict) else None
            if not isinstance(ref, str):
                break
            schema = pointers.first(tree, local_tokens(ref) or (), {})
        return schema if isinstance(schema, dict) else {}

    # Bodies and responses

    def body(self, node: dict[str, Any], path: Path) -> tuple[dict[str, Media], bool]:
        """The media types that an operation takes, and whether it must have a body."""
        if "requestBody" not in node:
            return {}, False
        body, path = self.member(node, "requestBody", path)
        return self._content(body, path), body.get("required") is True

    def responses(self, node: dict[str, Any], path: Path) -> dict[str, Response]:
        """The responses of an operation by status, range or `default`."""
        found = {}
        responses, path = self.member(node, "responses", path)
        for status, response in responses.items():
            if not status.startswith("x-"):
                key = status if status == "default" else status.upper()
                found[status] = self._response(key, response, (*path, status))
        return found

    def _response(self, status: str, node: Any, path: Path) -> Response:
        node, path = self.node(node, path)
        headers, headers_path = self.member(node, "headers", path)
        found = {}
        for name, header in headers.items():
            header, at = self.node(header, (*headers_path, name))
            schema: Path | None = (*at, "schema") if "schema" in header else None
            found[name] = Header(name, header.get("required") is True, schema)
        return Response(status, self._content(node, path), found)

    def _content(self, node: dict[str, Any], path: Path) -> dict[str, Media]:
        content, path = self.member(node, "content", path)
        found = {}
        for media_type, media in content.items():
            media, at = self.node(media, (*path, media_type))
            key = "itemSchema" if "itemSchema" in media else "schema"
            found[media_type] = Media(media_type, (*at, key) if key in media else None)
        return found


def _last(given: Any) -> Any:
    return given[-1]
