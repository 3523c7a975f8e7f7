"""Problems in the words of a document: its status, its media type, its error schema."""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from typing import Any

import msgspec

from sparring.fixtures.shaping.shapes import Shaper, Slot
from sparring.spec.errors import SparringError
from sparring.spec.openapi.document import Operation
from sparring.spec.openapi.schemas import Path
from sparring.spec.pointers import split

from .declared import Declared
from .problems import Defect, Problem, phrase

PROBLEM_JSON = "application/problem+json"
_DETAIL = ("detail", "message", "msg", "error", "error_description", "description", "reason")
_STATUS = ("status", "status_code", "statusCode", "code")
_INSTEAD = {
    401: (401, 403),
    404: (404, 400),
    409: (409, 400, 422),
    412: (412, 409),
    422: (422, 400, 404),
    400: (400, 422),
}


class ProblemWriter:
    """Writes problems in the words of a document: a status that the operation declares, and a body
    of the schema that it declares for it, else problem+json."""

    def __init__(self, shaper: Shaper) -> None:
        self._shaper = shaper
        self._shapes: dict[tuple[str, int, bool], _Shape] = {}

    def write(self, problem: Problem, operation: Operation | None) -> tuple[int, str, bytes]:
        """The status, the media type and the body of a problem."""
        status = problem.status
        if operation is not None and not problem.exact:
            wanted = _INSTEAD.get(status, (status,))
            if status == 422 and any(d.place != "path" for d in problem.defects):
                wanted = (422, 400)  # of a path that names nothing a 404 can tell, but of no more
            status = next((s for s in wanted if _declares(operation, s)), status)
        values = {
            "type": "about:blank",
            "title": phrase(status),
            "status": status,
            "detail": problem.detail,
            "code": problem.code,
            "defects": problem.defects,
            **problem.more,
        }
        shape: _Shape = _default_shape()
        if operation is not None:
            key = (operation.label, status, problem.exact)
            if key not in self._shapes:
                self._shapes[key] = self._compile(operation, status, problem.exact)
            shape = self._shapes[key]
        return status, shape.media_type, shape.write(values)

    def _compile(self, operation: Operation, status: int, exact: bool) -> _Shape:
        """What the document can say of the error itself, else what it shows, else problem+json."""
        response = operation.response(status)
        if response is None and exact:  # as the others of its kind, or as any other error
            others = sorted(operation.responses, key=lambda key: (key[0] != str(status)[0], key))
            response = next((operation.responses[k] for k in others if k[0] in "45"), None)
        for media_type, media in response.content.items() if response else ():
            if "json" in media_type and media.schema is not None:
                try:
                    shape = _DocumentShape(self._shaper, media_type, media.schema)
                except SparringError:
                    break
                if shape.tells:
                    return shape
        shown = Declared(self._shaper, operation).error(status)
        if shown is not None:
            return _FixedShape(shown.media_type.decode(), shown.body)
        return _default_shape()


def _declares(operation: Operation, status: int) -> bool:
    return str(status) in operation.responses or f"{status // 100}XX" in operation.responses


class _Shape:
    """problem+json, as RFC 9457 has it, with `code` and `errors` as extension members."""

    media_type = PROBLEM_JSON

    def write(self, values: dict[str, Any]) -> bytes:
        return msgspec.json.encode(self.build(values))

    def build(self, values: dict[str, Any]) -> Any:
        body = {key: value for key, value in values.items() if key != "defects"}
        if values["defects"]:
            body["errors"] = [
                {"in": d.place, "pointer": d.pointer, "detail": d.detail} for d in values["defects"]
            ]
        return body


@cache
def _default_shape() -> _Shape:
    return _Shape()


class _FixedShape(_Shape):
    """What a document shows for an error, word for word."""

    def __init__(self, media_type: str, body: bytes) -> None:
        self.media_type = media_type
        self._body = body

    def write(self, values: dict[str, Any]) -> bytes:
        return self._body


class _DocumentShape(_Shape):
    """The document's own error schema, filled by the names of its members."""

    def __init__(self, shaper: Shaper, media_type: str, schema: Path) -> None:
        self.media_type = media_type
        self._shaper = shaper
        self._lists: dict[str, tuple[Path, dict[str, Path]]] = {}
        places: dict[tuple[str, ...], Any] = {}
        self._collect(schema, (), places)
        self.tells = bool(places) and ("object" in (types := shaper.types(schema)) or not types)
        required = set(shaper.required(schema))
        self._leave_out = [name for name in self._lists if name not in required]
        self._build = shaper.compile(schema, places)

    def _collect(self, schema: Path, at: tuple[str, ...], places: dict[Any, Any]) -> None:
        members = self._shaper.members(schema)
        told = False
        for name, path in members.items():
            types = self._shaper.types(path)
            here = (*at, name)
            if name in _STATUS and types & {"integer", "number"}:
                places[here] = Slot(itemgetter("status"))
            elif "string" in types and (name == "code" or (name in ("title", "type") and not at)):
                if not self._is_fixed(path):
                    places[here] = Slot(itemgetter(name))
            elif name in _DETAIL and "string" in types:
                places[here] = Slot(itemgetter("detail"))
                told = True
            elif name in ("errors", "detail", "details") and "array" in types:
                item = self._shaper.at(path, ("*",))
                if item is not None:
                    self._lists["/".join(here)] = (item, self._shaper.members(item))
                    places[here] = Slot(itemgetter("/".join(here)))
            elif name == "error" and "object" in types and len(at) < 3:
                self._collect(path, here, places)
        if not members and not at:
            places[("detail",)] = Slot(itemgetter("detail"))
        elif not told and "code" in members and (*at, "code") not in places and at:
            places[*at, "code"] = Slot(itemgetter("code"))

    def _is_fixed(self, path: Path) -> bool:
        node = self._shaper.document.schema(path)
        return "enum" in node or "const" in node

    def build(self, values: dict[str, Any]) -> Any:
        values = dict(values)
        for name, (item, members) in self._lists.items():
            values[name] = [self._item(item, members, d, values) for d in values["defects"]]
        body = self._build(values)
        for name in self._leave_out:
            if not values["defects"]:
                body.pop(name, None)
        return body

    def _item(
        self, item: Path, members: dict[str, Path], defect: Defect, values: dict[str, Any]
    ) -> Any:
        tokens = [int(t) if t.isdecimal() else t for t in split(defect.pointer)]
        known: dict[str, Any] = {
            "in": defect.place,
            "loc": [defect.place, *tokens],
            "pointer": defect.pointer,
            "path": defect.pointer,
            "field": defect.pointer,
            "code": values["code"],
        }
        known |= dict.fromkeys(_DETAIL, defect.detail)
        places: dict[tuple[str, ...], Any] = {(n,): known[n] for n in members if n in known}
        if "type" in members and not self._is_fixed(members["type"]):
            places["type",] = "value_error"
        return self._shaper.compile(item, places)({})
