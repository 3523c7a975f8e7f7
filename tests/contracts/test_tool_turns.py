"""A right agent that calls tools in ways of its own breaks no promise: it says something before a
call, in pieces that do not name their message, and takes no message while a call waits."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.contracts.conftest import served

from sparring.contracts.findings.report import State
from sparring.contracts.suites import run
from sparring.spec.openapi.document import Document, load_document

THREAD, MESSAGE, EVENT = ({"$ref": f"#/components/schemas/{n}"} for n in ("T", "M", "E"))
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
ID = {"name": "thread_id", "in": "path", "required": True, "schema": {"type": "string"}}


def _object(required: str, **members: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": members}


def _answers(status: str, schema: Any, *others: str, kind: str = "application/json") -> Any:
    answer = {"description": "Done.", "content": {kind: {"schema": schema}}}
    return {"responses": {status: answer} | {o: {"description": "Refused."} for o in others}}


SAY = _answers("200", EVENT, "400", "404", "409", "415", "422", kind="text/event-stream")
BODY = {"application/json": {"schema": _object("content", content=TEXT)}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Tools", "version": "1"},
    "paths": {
        "/threads": {"post": _answers("201", THREAD)},
        "/threads/{thread_id}": {"parameters": [ID], "get": _answers("200", THREAD, "404")},
        "/threads/{thread_id}/messages": {
            "parameters": [ID],
            "get": _answers("200", {"type": "array", "items": MESSAGE}, "404"),
            "post": SAY | {"requestBody": {"required": True, "content": BODY}},
        },
    },
    "components": {
        "schemas": {
            "T": _object("id", id=TEXT),
            "M": _object("id", id=TEXT, role={"enum": ["user", "assistant"]}, content=TEXT),
            "E": {
                "oneOf": [
                    _object("type text", type={"const": "delta"}, text={"type": "string"}),
                    _object("type name", type={"const": "tool_call"}, name=TEXT),
                    _object("type", type={"const": "done"}),
                ]
            },
        }
    },
}


class Agent:
    """Threads, and an agent that looks the weather up and asks before it books."""

    def __init__(self) -> None:
        self.threads: dict[str, list[dict[str, str]]] = {}
        self.waiting: set[str] = set()
        self.numbers = count()

    async def create(self, request: Request) -> Response:
        id = f"thread-{next(self.numbers)}"
        self.threads[id] = []
        return JSONResponse({"id": id}, 201)

    async def read(self, request: Request) -> Response:
        id = request.path_params["id"]
        return JSONResponse({"id": id}) if id in self.threads else Response(status_code=404)

    async def history(self, request: Request) -> Response:
        lines = self.threads.get(request.path_params["id"])
        return JSONResponse(lines) if lines is not None else Response(status_code=404)

    async def messages(self, request: Request) -> Response:
        return await (self.say if request.method == "POST" else self.history)(request)

    async def say(self, request: Request) -> Response:
        id = request.path_params["id"]
        if id not in self.threads:
            return Response(status_code=404)
        if "json" not in request.headers.get("content-type", "").lower():
            return Response(status_code=415)
        try:
            body = json.loads(await request.body(), parse_constant=lambda word: 1 / 0)
            text = body["content"].encode().decode() if isinstance(body, dict) else ""
        except (ValueError, ZeroDivisionError, RecursionError):
            return Response(status_code=400)
        except (KeyError, AttributeError):
            return Response(status_code=422)
        if not text:
            return Response(status_code=422)
        if id in self.waiting:
            return Response(status_code=409)
        return StreamingResponse(self._turn(id, text), media_type="text/event-stream")

    async def _turn(self, id: str, text: str) -> AsyncIterator[str]:
        self._store(id, "user", text)
        replies = [f"You said: {text}"]
        if "weather" in text or "book" in text:
            replies = ["Let me see. ", "It is sunny."][: 1 if "book" in text else 2]
        if "book" in text:
            self.waiting.add(id)
        for n, reply in enumerate(replies):
            self._store(id, "assistant", reply)
            for start in range(0, len(reply), 12):
                await asyncio.sleep(0.002)
                yield _event(type="delta", text=reply[start : start + 12])
            if n == 0 and reply == "Let me see. ":
                yield _event(type="tool_call", name="look")
        yield _event(type="done")

    def _store(self, id: str, role: str, content: str) -> None:
        line = {"id": f"message-{next(self.numbers)}", "role": role, "content": content}
        self.threads[id].append(line)


def _event(**data: Any) -> str:
    return f"data: {json.dumps(data)}\n\n"


@pytest.fixture
def document(tmp_path: Path) -> Document:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps(DOCUMENT))
    return load_document(str(file))


def test_an_agent_that_calls_tools_in_its_own_way_breaks_no_promise(document: Document) -> None:
    agent = Agent()
    routes = [
        Route("/threads", agent.create, methods=["POST"]),
        Route("/threads/{id}", agent.read),
        Route("/threads/{id}/messages", agent.messages, methods=["GET", "POST"]),
    ]
    with served(Starlette(routes=routes)) as url:
        report = run(url, document, suites=("promises", "streaming"), keys=("", ""), seed=1)
    assert agent.waiting, "the agent was made to ask"
    findings = [(f.promise, f.operation, f.expected, f.seen) for f in report.findings]
    assert findings == []
    wanted = {"stream.adds_up", "stream.terminal", "stream.schema", "talk.recorded"}
    passed = {o.promise for o in report.outcomes if o.state is State.PASSED}
    assert wanted <= passed
