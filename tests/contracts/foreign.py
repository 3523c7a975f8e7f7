"""A sessions API as many agent servers have it: owners in paths, talk by forms, history inside."""

import json
import math
import uuid
from collections.abc import AsyncIterator, Collection
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE: dict[str, Any] = {"anyOf": [{"type": "object"}, {"type": "null"}]}
_OWNER = {"name": "user_id", "in": "path", "required": True, "schema": _TEXT}
_ID = {"name": "session_id", "in": "path", "required": True, "schema": _TEXT}
_JSON = "application/json"
_EVENT = {
    "type": "object",
    "required": ["id", "role", "text"],
    "properties": {"id": _TEXT, "role": {"enum": ["user", "agent"]}, "text": _TEXT},
}
_SESSION = {
    "type": "object",
    "required": ["id", "userId", "state", "events"],
    "properties": {
        "id": _TEXT,
        "userId": _TEXT,
        "state": {"type": "object"},
        "events": {"type": "array", "items": _EVENT},
    },
}
_CREATE = {
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "sessionId": {"anyOf": [_TEXT, {"type": "null"}]},
                "state": _MAYBE,
                "options": _MAYBE,
            },
        },
        {"type": "null"},
    ]
}
_RUN = {
    "type": "object",
    "required": ["message", "userId", "sessionId"],
    "properties": {
        "message": _TEXT,
        "userId": _TEXT,
        "sessionId": _TEXT,
        "stream": {"type": "boolean", "default": True},
    },
}


def _answers(schema: Any, *more: str) -> dict[str, Any]:
    found = {"200": {"description": "Done", "content": {_JSON: {"schema": schema}}}}
    return found | {status: {"description": "No"} for status in ("422", *more)}


def _body(schema: Any, media_type: str = _JSON) -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": schema}}}


_EVENTS = {_JSON: {"schema": {"type": "array", "items": _EVENT}}, "text/event-stream": {}}
_ALL = "/users/{user_id}/sessions"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Foreign", "version": "1"},
    "paths": {
        _ALL: {
            "post": {
                "parameters": [_OWNER],
                "requestBody": _body(_CREATE),
                "responses": _answers(_SESSION, "400", "409"),
            },
            "get": {
                "parameters": [_OWNER],
                "responses": _answers({"type": "array", "items": _SESSION}),
            },
        },
        f"{_ALL}/{{session_id}}": {
            "get": {"parameters": [_OWNER, _ID], "responses": _answers(_SESSION, "404")},
            "delete": {"parameters": [_OWNER, _ID], "responses": _answers({})},
            "patch": {
                "parameters": [_OWNER, _ID],
                "requestBody": _body(
                    {
                        "type": "object",
                        "required": ["stateDelta"],
                        "properties": {"stateDelta": {"type": "object"}},
                    }
                ),
                "responses": _answers(_SESSION, "400", "404"),
            },
        },
        "/run": {
            "post": {
                "operationId": "run_agent",
                "requestBody": _body(_RUN, "multipart/form-data"),
                "responses": _answers({}, "404")
                | {"200": {"description": "Done", "content": _EVENTS}},
                "x-session": {
                    "reply": {"via": "body", "at": "/*", "when": {"$request.body#/stream": True}},
                    "events": {"message": {"data": "event"}},
                },
            }
        },
    },
}


def create_app(*faults: str) -> Starlette:
    """The server, right or with faults."""
    store: dict[str, dict[str, Any]] = {}

    def mine(request: Request) -> dict[str, Any] | None:
        found = store.get(request.path_params["id"])
        theirs = found is not None and found["userId"] != request.path_params["user"]
        return None if theirs and "opens" not in faults else found

    async def said(request: Request) -> Any:
        try:
            value = json.loads(await request.body())
            json.dumps(value, allow_nan=False).encode()
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return math.nan
        return value

    async def create(request: Request) -> Response:
        body = await said(request)
        if request.headers.get("content-type", "").partition(";")[0] != _JSON:
            return Response(status_code=422)
        body = {} if body is None else body
        objects = isinstance(body, dict) and all(
            isinstance(body.get(name), (dict, type(None))) for name in ("state", "options")
        )
        if not objects or not isinstance(body.get("sessionId"), (str, type(None))):
            return Response(status_code=422)
        if body.get("options") is not None:
            return Response(status_code=400)
        id = body.get("sessionId") or str(uuid.uuid4())
        if id in store:
            return Response(status_code=409)
        state = body.get("state") or {}
        owner = request.path_params["user"]
        store[id] = {"id": id, "userId": owner, "state": state, "events": []}
        return JSONResponse(store[id])

    async def listed(request: Request) -> Response:
        owner = request.path_params["user"]
        found = [s | {"events": []} for s in store.values() if s["userId"] == owner]
        return JSONResponse(found)

    async def one(request: Request) -> Response:
        session = mine(request)
        if request.method == "DELETE":
            if session is not None:
                del store[session["id"]]
            return JSONResponse(None)
        if request.method == "PATCH":
            body = await said(request)
            is_json = request.headers.get("content-type", "").partition(";")[0] == _JSON
            change = body.get("stateDelta") if isinstance(body, dict) else None
            if not is_json or not isinstance(change, dict):
                return Response(status_code=422)
        if session is None:
            return Response(status_code=404)
        if request.method == "PATCH" and "forgets" not in faults:
            session["state"] = session["state"] | change
        return JSONResponse(session)

    async def run(request: Request) -> Response:
        form = await request.form()
        if not all(isinstance(form.get(name), str) for name in ("message", "userId", "sessionId")):
            return Response(status_code=422)
        session = store.get(str(form["sessionId"]))
        if session is None or session["userId"] != form["userId"]:
            return Response(status_code=404)
        text = str(form["message"])
        event = {"id": str(uuid.uuid4()), "role": "agent", "text": f"You said: {text}"}
        asked = {"id": str(uuid.uuid4()), "role": "user", "text": text}
        session["events"] += [asked] if "loses" in faults else [asked, event]
        if form.get("stream") == "false":
            return JSONResponse([event])
        shown = event | {"text": event["text"][:-1]} if "shortens" in faults else event

        async def events() -> AsyncIterator[str]:
            yield f"data: {json.dumps(shown)}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    sessions, session = "/users/{user}/sessions", "/users/{user}/sessions/{id}"
    return Starlette(
        routes=[
            Route(sessions, _either(create, listed), methods=["GET", "POST"]),
            Route(session, one, methods=["GET", "DELETE", "PATCH"]),
            Route("/run", run, methods=["POST"]),
        ]
    )


def _either(post: Any, get: Any) -> Any:
    async def chosen(request: Request) -> Response:
        answer: Response = await (post if request.method == "POST" else get)(request)
        return answer

    return chosen


FAULTS: Collection[tuple[str, str]] = (
    ("opens", "auth.owner"),
    ("forgets", "update.read_back"),
    ("loses", "talk.recorded"),
    ("shortens", "stream.adds_up"),
)
