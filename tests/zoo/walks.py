"""A second backend, whose lists are walked through: sessions by cursor, messages by page."""

from collections.abc import Collection
from itertools import count
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .values import parse

FAULTS = {
    "cursor_repeats_last": "list.pages",
    "cursor_skips_one": "list.pages",
    "cursor_lost_before_end": "list.pages",
    "cursor_page_too_large": "list.pages",
    "cursor_is_a_position": "list.walk",
    "cursor_of_deleted_refused": "list.walk",
    "page_counts_from_zero": "list.pages",
    "page_ignores_size": "list.pages",
}
"""Each fault, and the promise that it breaks."""

Row = dict[str, Any]


class Wrong(Exception):
    pass


class Walks:
    def __init__(self, faults: Collection[str]) -> None:
        assert set(faults) <= FAULTS.keys()
        self.faults = faults
        self.sessions: dict[str, Row] = {}
        self.messages: dict[str, list[Row]] = {}
        self._numbers = count(1)

    async def all(self, request: Request) -> Response:
        if request.method == "POST":
            body = await _body(request, {"title"})
            id = f"s{next(self._numbers):06}"
            session = self.sessions[id] = {"id": id, "title": body.get("title")}
            self.messages[id] = []
            return JSONResponse(session, 201)
        limit = _number(request, "limit")
        rows = list(self.sessions.values())
        start = self._start(request.query_params.get("after", ""), rows)
        size = limit + ("cursor_page_too_large" in self.faults)
        items, rest = rows[start : start + size], rows[start + size :]
        if "cursor_lost_before_end" in self.faults:
            rest = rest[1:]
        following = str(start + size) if self._counts else items[-1]["id"] if items else None
        return JSONResponse({"items": items, "next": following if rest else None})

    @property
    def _counts(self) -> bool:
        return "cursor_is_a_position" in self.faults

    def _start(self, cursor: str, rows: list[Row]) -> int:
        if self._counts:
            return int(cursor or 0)
        if "cursor_of_deleted_refused" in self.faults and cursor and cursor not in self.sessions:
            raise Wrong
        before = len([row for row in rows if row["id"] <= cursor])
        if cursor and "cursor_repeats_last" in self.faults:
            return before - 1
        return before + bool(cursor and "cursor_skips_one" in self.faults)

    async def one(self, request: Request) -> Response:
        session = self.sessions.get(request.path_params["id"])
        if session is None:
            return JSONResponse({}, 404)
        if request.method == "DELETE":
            del self.sessions[session["id"]]
            return Response(status_code=204)
        return JSONResponse(session)

    async def talk(self, request: Request) -> Response:
        if request.path_params["id"] not in self.sessions:
            return JSONResponse({}, 404)
        said = self.messages[request.path_params["id"]]
        if request.method == "POST":
            body = await _body(request, {"text"})
            if "text" not in body:
                raise Wrong
            for by, text in (("user", body["text"]), ("agent", f"You said: {body['text']}")):
                said.append({"id": f"m{next(self._numbers)}", "by": by, "text": text})
            return JSONResponse({"reply": said[-1]})
        page, size = _number(request, "page", 1), _number(request, "size")
        if "page_ignores_size" in self.faults:
            size = max(size, 3)
        if "page_counts_from_zero" in self.faults and "page" in request.query_params:
            page += 1
        return JSONResponse({"items": said[(page - 1) * size : page * size]})


def _number(request: Request, name: str, default: int = 100) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or int(text) < 1 or (int(text) > 100 and name != "page"):
        raise Wrong
    return int(text)


async def _body(request: Request, names: Collection[str]) -> Row:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        body = parse(await request.body() or b"{}")
    except ValueError:
        raise Wrong from None
    if not isinstance(body, dict) or not body.keys() <= set(names):
        raise Wrong
    if not all(isinstance(text, str) for text in body.values()):
        raise Wrong
    if media_type not in ("application/json", ""):
        raise Wrong
    return body


async def _refuse(request: Request, error: Exception) -> Response:
    return JSONResponse({}, 400)


def create_walks(*faults: str) -> Starlette:
    """The backend with these faults."""
    walks = Walks(faults)
    routes = [
        Route("/sessions", walks.all, methods=["GET", "POST"]),
        Route("/sessions/{id}", walks.one, methods=["GET", "DELETE"]),
        Route("/sessions/{id}/messages", walks.talk, methods=["GET", "POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={Wrong: _refuse})
