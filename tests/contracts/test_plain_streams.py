"""Streams of which the document says no more than that they are: what can be known is checked."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.contracts.conftest import served

from sparring.contracts.findings.report import State
from sparring.contracts.suites import run
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import Document, compile_document
from sparring.spec.text.source import parse

SAID = {
    "no schema": {"description": "The reply.", "content": {"text/event-stream": {}}},
    "said beside": {"description": "The reply, as server-sent events."},
}
TEXT = {"type": "string"}
ID = [{"name": "chat_id", "in": "path", "required": True, "schema": TEXT}]


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def answer(status: int, schema: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {str(status): {"description": "ok", "content": content}}


def chats(said: str) -> Document:
    chat, message = of(id=TEXT), of(id=TEXT, role={"enum": ["user", "assistant"]}, content=TEXT)
    body = {"required": True, "content": {"application/json": {"schema": of(content=TEXT)}}}
    gone = {"204": {"description": "gone"}}
    missing = {"404": {"description": "no such chat"}}
    means = {"x-session": {"reply": {"via": "sse"}}} if said == "said beside" else {}
    tree = {
        "openapi": "3.1.0",
        "info": {"title": "Chats", "version": "1"},
        "paths": {
            "/chats": {"post": {"responses": answer(201, chat)}},
            "/chats/{chat_id}": {
                "parameters": ID,
                "get": {"responses": answer(200, chat) | missing},
                "delete": {"responses": gone | missing},
            },
            "/chats/{chat_id}/messages": {
                "parameters": ID,
                "get": {"responses": answer(200, {"type": "array", "items": message}) | missing},
                "post": {**means, "requestBody": body, "responses": {"200": SAID[said]} | missing},
            },
        },
    }
    return compile_document(parse(json.dumps(tree).encode(), "chats.json"))


def app(fault: str) -> Starlette:
    there: dict[str, list[dict[str, str]]] = {}
    numbers = count()

    async def create(request: Request) -> Response:
        id = f"c{next(numbers)}"
        there[id] = []
        return JSONResponse({"id": id}, 201)

    async def one(request: Request) -> Response:
        id = request.path_params["chat_id"]
        if id not in there:
            return Response(status_code=404)
        if request.method == "DELETE":
            del there[id]
            return Response(status_code=204)
        return JSONResponse({"id": id})

    async def messages(request: Request) -> Response:
        id = request.path_params["chat_id"]
        if id not in there:
            return Response(status_code=404)
        if request.method == "GET":
            return JSONResponse(there[id])
        text = (await request.json())["content"]
        there[id].append({"id": f"m{len(there[id])}", "role": "user", "content": text})
        pieces = ["I ", "heard ", "you ", "well."]

        async def events() -> AsyncIterator[str]:
            sent = ""
            for number, piece in enumerate(pieces, 1):
                await asyncio.sleep(0.02)
                frame = f"id: {number}\ndata: {json.dumps({'delta': piece})}\n\n"
                sent += frame
                if fault != "at once":
                    yield frame
            if fault == "at once":
                yield sent
            whole = "".join(pieces)
            there[id].append({"id": f"m{len(there[id])}", "role": "assistant", "content": whole})
            yield "data: unfinished" if fault == "cut" else "data: [DONE]\n\n"

        kind = "text/plain" if fault == "plain" else "text/event-stream"
        return StreamingResponse(events(), media_type=kind)

    return Starlette(
        routes=[
            Route("/chats", create, methods=["POST"]),
            Route("/chats/{chat_id}", one, methods=["GET", "DELETE"]),
            Route("/chats/{chat_id}/messages", messages, methods=["GET", "POST"]),
        ]
    )


STREAMS = [name for name in REGISTRY if name.startswith("stream.")]


@pytest.mark.parametrize("said", SAID)
def test_nothing_is_asserted_that_is_not_known(said: str) -> None:
    with served(app("")) as url:
        report = run(url, chats(said), promises=[*STREAMS, "history.order", "talk.recorded"])
    assert [(f.promise, f.operation, f.expected, f.seen) for f in report.findings] == []
    assert [o.id for o in report.outcomes if o.state in (State.ERROR, State.BLOCKED)] == []
    assert "stream.media_type" in {o.promise for o in report.outcomes if o.state is State.PASSED}


@pytest.mark.parametrize("fault", ["cut", "plain"])
@pytest.mark.parametrize("said", SAID)
def test_what_is_known_of_every_stream_is_checked(said: str, fault: str) -> None:
    with served(app(fault)) as url:
        report = run(url, chats(said), promises=["stream.media_type"], retries=1)
    assert "stream.media_type" in {finding.promise for finding in report.findings}
