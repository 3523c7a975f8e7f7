"""What an operation takes and answers: parameters, bodies, responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from sparring.spec import pointers
from sparring.spec.openapi.declarations import STYLES
from sparring.spec.openapi.document import Document, Media, Operation, Response
from sparring.spec.openapi.parameters import Parameter
from sparring.spec.openapi.references import local_tokens
from sparring.spec.openapi.router import parameter_names
from sparring.spec.openapi.schemas import Path
from sparring.spec.streams.framing import framing_of

from .change import Way
from .changes import Changes, name_of
from .differences import Pair
from .facets import canonical
from .schemas import SchemaDiff
from .shapes import Term

SCALARS = frozenset(("null", "boolean", "number", "string"))


class Wire:
    """Compares operations that belong together."""

    def __init__(self, old: Document, new: Document, changes: Changes) -> None:
        self.old, self.new = old, new
        self.changes = changes
        self.sent = SchemaDiff(old, new, Way.SENT)
        self.received = SchemaDiff(old, new, Way.RECEIVED)

    def compare(self, old: Operation, new: Operation) -> None:
        """Notes how two operations differ on the wire, the events of streams aside."""
        _OperationDiff(self, old, new)

    def schemas(
        self, way: Way, pair: Pair, operation: str, part: str, skipped: Iterable[Pair] = ()
    ) -> None:
        """Notes how two schemas differ that travel one way in a part of an operation."""
        diff = self.sent if way is Way.SENT else self.received
        for found in diff.below(pair, frozenset(skipped)):
            one = found.difference
            name = name_of(one.old) or name_of(one.new)
            if not name and part.startswith("parameter "):
                name = part
            self.changes.add(
                one.kind,
                f"{name}: {one.message}" if name else one.message,
                one.old,
                one.new,
                operation=operation,
                part=part,
                severity=found.severity,
            )


class _OperationDiff:
    def __init__(self, wire: Wire, old: Operation, new: Operation) -> None:
        self.wire = wire
        self.old, self.new = old, new
        self._parameters()
        self._body()
        self._responses()

    def _say(
        self, kind: str, message: str, old: Path | None, new: Path | None, part: str = ""
    ) -> None:
        self.wire.changes.add(kind, message, old, new, operation=self.new.label, part=part)

    # Parameters

    def _parameters(self) -> None:
        before, after = _by_key(self.old), _by_key(self.new)
        for key in [key for key in before.keys() ^ after.keys() if key[0] == "path"]:
            (before if key in before else after).pop(key)  # the path itself is another
        names = {name: place for place, name in after.keys() - before.keys()}
        moved = {}
        for place, name in before.keys() - after.keys():
            if name in names:
                moved[place, name] = (names[name], name)
        for key, parameter in before.items():
            place = f'the {parameter.place} parameter "{parameter.name}"'
            part = f"parameter {parameter.name}"
            if key in moved:
                other = after[moved[key]]
                message = f"{place} travels in the {other.place}"
                self._say("parameter-moved", message, parameter.path, other.path, part)
            elif key not in after:
                self._say("parameter-removed", f"{place} is gone", parameter.path, None, part)
            else:
                self._parameter(place, part, parameter, after[key])
        for key, parameter in after.items():
            if key in before or key in moved.values():
                continue
            kind = "parameter-added-required" if parameter.required else "parameter-added"
            what = "required" if parameter.required else "optional"
            message = f'the {what} {parameter.place} parameter "{parameter.name}" is new'
            self._say(kind, message, None, parameter.path, f"parameter {parameter.name}")

    def _parameter(self, place: str, part: str, old: Parameter, new: Parameter) -> None:
        paths = (old.path, new.path)
        if old.required != new.required:
            kind = "parameter-required" if new.required else "parameter-optional"
            verb = "is now" if new.required else "is no longer"
            self._say(kind, f"{place} {verb} required", *paths, part)
        if old.allows_empty != new.allows_empty:
            kind = "parameter-may-be-empty" if new.allows_empty else "parameter-empty"
            verb = "may" if new.allows_empty else "may no longer"
            self._say(kind, f"{place} {verb} be empty", *paths, part)
        first, second = _node(self.wire.old, old.path), _node(self.wire.new, new.path)
        pair = (_term(old.schema), _term(new.schema))
        scalar = all(
            reader.shapes(term).by_type.keys() <= SCALARS
            for reader, term in zip((self.wire.sent.old, self.wire.sent.new), pair, strict=True)
        )
        before, after = _style(first, old.place, scalar), _style(second, new.place, scalar)
        if before != after:
            message = f"{place} is serialised as {after}, not as {before}"
            self._say("parameter-style", message, *paths, part)
        if (first.get("allowReserved") is True) != (second.get("allowReserved") is True):
            self._say("parameter-reserved", f"{place}: allowReserved changed", *paths, part)
        if second.get("deprecated") is True and first.get("deprecated") is not True:
            self._say("schema-deprecated", f"{place} is deprecated", *paths, part)
        self.wire.schemas(Way.SENT, pair, self.new.label, part)

    # Bodies

    def _body(self) -> None:
        old, new = self.old, self.new
        part = "request body"
        paths = (
            _at(self.wire.old, *old.pointer, "requestBody"),
            _at(self.wire.new, *new.pointer, "requestBody"),
        )
        if old.body and not new.body:
            self._say("body-removed", "the request body is gone", paths[0], None, part)
        elif new.body and not old.body:
            kind = "body-required" if new.body_required else "body-added"
            what = "required" if new.body_required else "optional"
            self._say(kind, f"a {what} request body is new", None, paths[1], part)
        else:
            if old.body_required != new.body_required:
                kind = "body-required" if new.body_required else "body-optional"
                verb = "is now" if new.body_required else "is no longer"
                self._say(kind, f"the request body {verb} required", *paths, part)
            self._content(Way.SENT, old.body, new.body, part, paths)

    def _content(
        self,
        way: Way,
        old: Mapping[str, Media],
        new: Mapping[str, Media],
        part: str,
        paths: tuple[Path, Path],
    ) -> None:
        before, after = _by_type(old), _by_type(new)
        used = set()
        for name, media in before.items():
            other_name = _covering(name, after)
            if other_name is None:
                message = f"the media type {name} is gone"
                self._say("media-type-removed", message, _path(media, paths[0]), None, part)
                continue
            used.add(other_name)
            other = after[other_name]
            if way is Way.SENT:
                self._encoding(media, other, part)
            if way is Way.SENT or framing_of(name) is None:
                pair = (_term(media.schema), _term(other.schema))
                self.wire.schemas(way, pair, self.new.label, f"{part} {name}")
        for name, media in after.items():
            if name not in used and _covering(name, before) is None:
                message = f"the media type {name} is new"
                self._say("media-type-added", message, None, _path(media, paths[1]), part)

    def _encoding(self, old: Media, new: Media, part: str) -> None:
        if old.schema is None or new.schema is None:
            return
        documents = (self.wire.old, self.wire.new)
        nodes = [
            _node(document, media.schema[:-1])
            for document, media in zip(documents, (old, new), strict=True)
            if media.schema is not None
        ]
        if canonical(nodes[0].get("encoding", {})) != canonical(nodes[1].get("encoding", {})):
            message = f"the encoding of {new.type} changed"
            self._say("encoding", message, old.schema[:-1], new.schema[:-1], part)

    # Responses

    def _responses(self) -> None:
        before, after = _by_status(self.old), _by_status(self.new)
        for status, response in before.items():
            other = after.get(status) or _resolved(status, after)
            part = f"response {status}"
            at = self._status_path(0, status)
            if other is None:
                only = status == "default" and not any(key.startswith("2") for key in before)
                worked = only or status.startswith("2")
                kind = "success-removed" if worked else "error-removed"
                self._say(kind, f"the {part} is gone", at, None, part)
                continue
            self._response(response, other, part, (at, self._status_path(1, other.status)))
        for status, response in after.items():
            if status in before:
                continue
            general = _resolved(status, before)
            part = f"response {status}"
            at = self._status_path(1, status)
            if general is not None:
                place = self._status_path(0, general.status)
                self._response(general, response, part, (place, at))
            else:
                kind = "success-added" if status[:1] in "23" else "error-added"
                self._say(kind, f"the {part} is new", None, at, part)

    def _status_path(self, side: int, status: str) -> Path:
        operation = (self.old, self.new)[side]
        document = (self.wire.old, self.wire.new)[side]
        names = (name for name in operation.responses if name.upper() == status.upper())
        return _at(document, *operation.pointer, "responses", next(names, status))

    def _response(self, old: Response, new: Response, part: str, paths: tuple[Path, Path]) -> None:
        self._content(Way.RECEIVED, old.content, new.content, part, paths)
        after = {name.lower(): header for name, header in new.headers.items()}
        for name, header in old.headers.items():
            other = after.pop(name.lower(), None)
            place = (*paths[0], "headers", name)
            if other is None:
                self._say("header-removed", f"the header {name} is gone", place, None, part)
                continue
            here = (*paths[1], "headers", other.name)
            if header.required != other.required:
                kind = "header-required" if other.required else "header-optional"
                verb = "is now" if other.required else "is no longer"
                message = f"the header {name} {verb} required"
                self._say(kind, message, place, here, part)
            pair = (_term(header.schema), _term(other.schema))
            self.wire.schemas(Way.RECEIVED, pair, self.new.label, f"{part} header {name}")
        for header in after.values():
            here = (*paths[1], "headers", header.name)
            self._say("header-added", f"the header {header.name} is new", None, here, part)


def _term(path: Path | None) -> Term:
    return () if path is None else (path,)


def _path(media: Media, otherwise: Path) -> Path:
    return media.schema[:-1] if media.schema is not None else (*otherwise, "content", media.type)


def _node(document: Document, path: Path) -> dict[str, Any]:
    node = pointers.first(document.source.tree, tuple(map(str, path)))
    return node if isinstance(node, dict) else {}


def _by_key(operation: Operation) -> dict[tuple[str, str], Parameter]:
    """The parameters by place and name: of a path by their order, of a header in any case."""
    names = parameter_names(operation.template)
    found = {}
    for parameter in operation.parameters:
        name = parameter.name.lower() if parameter.place == "header" else parameter.name
        if parameter.place == "path" and name in names:
            name = str(names.index(name))
        found[parameter.place, name] = parameter
    return found


def _style(node: dict[str, Any], place: str, scalar: bool) -> str:
    """How a parameter is serialised; what makes no difference for its type is left out."""
    if isinstance(node.get("content"), dict) and node["content"]:
        return str(next(iter(node["content"])))
    style = node.get("style")
    style = style if isinstance(style, str) else STYLES.get(place, "form")
    if scalar and style in ("form", "simple", "spaceDelimited", "pipeDelimited", "deepObject"):
        return "text"
    explode = node.get("explode")
    explode = explode if isinstance(explode, bool) else style in ("form", "deepObject")
    return f"{style}{', exploded' if explode else ''}"


def _by_type(content: Mapping[str, Media]) -> dict[str, Media]:
    """Media by type: in lower case, without the charset and spaces."""
    found = {}
    for name, media in content.items():
        pieces = [piece.strip() for piece in name.lower().split(";")]
        found[";".join(p for p in pieces if not p.startswith("charset="))] = media
    return found


def _covering(name: str, content: Mapping[str, Media]) -> str | None:
    """The media type, or range of them, that a type is or falls under."""
    if name in content:
        return name
    ranges = (other for other in content if "*" in other and fnmatchcase(name, other))
    return next(ranges, None)


def _by_status(operation: Operation) -> dict[str, Response]:
    return {
        status if status == "default" else status.upper(): response
        for status, response in operation.responses.items()
    }


def _resolved(status: str, responses: Mapping[str, Response]) -> Response | None:
    """What else is declared of a status: its range, or of a range one of its codes; `default`,
    which is a success only where no other is declared."""
    known = [key for key in responses if key.startswith("2")]
    if status == "default":
        return responses[known[0]] if known else None
    if (ranged := responses.get(f"{status[:1]}XX")) is not None:
        return ranged
    codes = [key for key in responses if status.endswith("XX") and key[:1] == status[:1]]
    if codes:
        return responses[codes[0]]
    return None if status.startswith("2") and known else responses.get("default")


def _at(document: Document, *path: str | int) -> Path:
    """Where the node at a path stands, references followed."""
    at: Path = path
    for _ in range(64):
        ref = _node(document, at).get("$ref")
        tokens = local_tokens(ref) if isinstance(ref, str) else None
        if tokens is None:
            break
        at = tokens
    return at
