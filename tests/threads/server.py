"""The server: finds the operation, knows the caller, reads the request, writes the response."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import parse_qsl

import uvicorn
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from . import runs, threads
from .faults import FAULTS
from .state import USERS, WORKSPACES, State
from .wire import DOCUMENT, LARGEST, Call, Refusal, Reply, check, dump, parse

SSE, JSON = "text/event-stream", "application/json"


async def list_workspaces(state: State, call: Call) -> Reply:
    return Reply(200, {"data": [{"id": id, "name": name} for id, name in WORKSPACES.items()]})


Operation = Callable[[State, Call], Awaitable[Reply]]
OPERATIONS: dict[str, Operation] = {
    "listWorkspaces": list_workspaces,
    "createThread": threads.create_thread,
    "listThreads": threads.list_threads,
    "getThread": threads.get_thread,
    "updateThread": threads.update_thread,
    "deleteThread": threads.delete_thread,
    "archiveThread": threads.archive_thread,
    "restoreThread": threads.restore_thread,
    "createRun": runs.create_run,
    "listRuns": runs.list_runs,
    "getRun": runs.get_run,
    "cancelRun": runs.cancel_run,
    "submitToolOutputs": runs.submit_tool_outputs,
    "streamRunEvents": runs.stream_run_events,
    "listMessages": runs.list_messages,
    "addMessage": runs.add_message,
    "getMessage": runs.get_message,
    "rateMessage": runs.rate_message,
}


def _routes() -> Iterator[tuple[re.Pattern[str], dict[str, str]]]:
    for path, item in DOCUMENT["paths"].items():
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", f"/v1{path}")
        names = {m.upper(): o["operationId"] for m, o in item.items() if m != "parameters"}
        yield re.compile(pattern), names


ROUTES = list(_routes())
BODIES: dict[str, str] = {
    operation["operationId"]: operation["requestBody"]["content"][JSON]["schema"]["$ref"].split(
        "/"
    )[-1]
    for item in DOCUMENT["paths"].values()
    for method, operation in item.items()
    if method != "parameters" and "requestBody" in operation
}


class Server:
    """The ASGI application."""

    def __init__(self, faults: Iterable[str] = ()) -> None:
        self.state = State()
        self.reset(faults)

    def reset(self, faults: Iterable[str]) -> None:
        """Forgets everything, and goes on with these faults."""
        self.state = State(frozenset(faults))
        if unknown := self.state.faults - FAULTS.keys():
            raise ValueError(f"there is no fault {', '.join(sorted(unknown))}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = self._write(await self._answer(request), request)
        except Refusal as refusal:
            response = self._refuse(refusal)
        except Exception:
            response = self._refuse(Refusal(500, "internal", "The server failed."))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Reply:
        bad = self.state.bad
        call = self._find(request)
        keyless = (
            (bad("auth.list-without-key") and call.operation == "listThreads")
            or (bad("auth.events-without-key") and call.operation == "streamRunEvents")
        )  # fmt: skip
        early = bad("auth.body-before-key") and call.operation in BODIES
        if early:
            await self._read(request, call)
        call.user = self._user(request, keyless)
        if call.ids.get("workspaceId", "ws_main") not in WORKSPACES:
            raise Refusal(404, "not_found", threads.MISSING, "workspaceId")
        if call.operation in BODIES:
            if "threadId" in call.ids:
                threads.find(self.state, call)
            if not early:
                await self._read(request, call)
        self._acceptable(call)
        return await OPERATIONS[call.operation](self.state, call)

    def _find(self, request: Request) -> Call:
        for pattern, operations in ROUTES:
            if match := pattern.fullmatch(request.url.path):
                methods = operations | ({"HEAD": operations["GET"]} if "GET" in operations else {})
                if request.method in methods:
                    query = parse_qsl(request.url.query, keep_blank_values=True)
                    operation = methods[request.method]
                    return Call(operation, match.string, match.groupdict(), query, request.headers)
                allow = {} if self.state.bad("protocol.no-allow") else {"Allow": ", ".join(methods)}
                raise Refusal(405, "method_not_allowed", "Not this method.", None, allow)
        raise Refusal(404, "not_found", "There is nothing here.")

    def _user(self, request: Request, keyless: bool) -> str:
        bad = self.state.bad
        key = request.headers.get("x-api-key")
        if key is None and bad("auth.key-in-query"):
            key = request.query_params.get("X-Api-Key", request.query_params.get("api_key"))
        if key is None and bad("auth.bearer-taken"):
            key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key is not None and bad("auth.key-by-prefix"):
            key = next((known for known in USERS if key.startswith(known)), key)
        if key is not None and bad("auth.key-without-case"):
            key = key.lower()
        if key in USERS:
            return USERS[key]
        if keyless or (key == "" and bad("auth.empty-key-is-alice")):
            return "" if keyless else "alice"
        challenge = (
            {} if bad("protocol.no-challenge") else {"WWW-Authenticate": 'ApiKey realm="murmur"'}
        )
        raise Refusal(401, "unauthorized", "A key is needed.", None, challenge)

    async def _read(self, request: Request, call: Call) -> None:
        bad = self.state.bad
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != JSON and not bad("input.any-media-type"):
            raise Refusal(415, "unsupported_media_type", f"The body must be {JSON}.")
        raw = b""
        async for piece in request.stream():
            raw += piece
            if len(raw) > LARGEST:
                raise Refusal(413, "too_large", "The body is too large.")
        try:
            call.body = parse(raw)
        except Refusal:
            if bad("input.malformed-fails"):
                raise RuntimeError("a body that cannot be read") from None
            raise
        name = BODIES[call.operation]
        refusal = check(name, call.body)
        if refusal is not None and not self._lenient(call, refusal):
            if (
                bad("input.null-fails")
                and isinstance(call.body, dict)
                and None in call.body.values()
            ):
                raise RuntimeError("a null")
            if bad("input.param-unnamed"):
                refusal.param = refusal.param and refusal.param.split(".")[-1]
            raise refusal
        title = call.body.get("title") if isinstance(call.body, dict) else None
        if bad("input.title-in-bytes") and isinstance(title, str) and len(title.encode()) > 120:
            raise Refusal(422, "invalid_request", "It is too long.", "title")

    def _lenient(self, call: Call, refusal: Refusal) -> bool:
        """Whether a fault takes what the schema forbids, after making it fit in the fault's way."""
        bad, body = self.state.bad, call.body
        if not isinstance(body, dict):
            return False
        if bad("input.unknown-ignored") or (bad("input.mass-assignment") and "status" in body):
            known = DOCUMENT["components"]["schemas"][BODIES[call.operation]]["properties"]
            kept = {name: value for name, value in body.items() if name in known}
            return check(BODIES[call.operation], kept | ({} if kept else {"title": None})) is None
        if bad("input.long-title-cut") and refusal.param == "title":
            return isinstance(body["title"], str)
        if bad("input.empty-text-taken") and refusal.param in ("input", "content"):
            return body.get(refusal.param) == ""
        if bad("input.numbers-from-text") and refusal.param == "settings.temperature":
            try:
                body["settings"]["temperature"] = float(body["settings"]["temperature"])
            except (TypeError, ValueError):
                return False
            return check(BODIES[call.operation], body) is None
        return bad("input.empty-change-taken") and not body

    def _acceptable(self, call: Call) -> None:
        streams = call.operation == "streamRunEvents" or (
            call.operation == "createRun" and call.body.get("stream", False)
        )
        kind = SSE if streams else JSON
        wildcard = kind.split("/")[0] + "/*"
        best: dict[str, float] = {}
        for part in call.headers.get("accept", "*/*").lower().split(","):
            name, *parameters = (piece.strip() for piece in part.split(";"))
            weights = [p[2:] for p in parameters if p.startswith("q=")]
            try:
                best[name] = float(weights[0]) if weights else 1
            except ValueError:
                best[name] = 0
        weight = next((best[name] for name in (kind, wildcard, "*/*") if name in best), 0)
        if not weight and not self.state.bad("protocol.accept-ignored"):
            raise Refusal(406, "not_acceptable", f"The answer is {kind}.")

    def _write(self, reply: Reply, request: Request) -> Response:
        headers = {"X-Request-Id": self._request_id()} | reply.headers
        if reply.stream is not None:
            kind = headers.pop("Content-Type")
            headers |= {"Cache-Control": "no-store"}
            if request.method == "HEAD":
                return Response(headers=headers, media_type=kind)
            return StreamingResponse(reply.stream, reply.status, headers, kind)
        content = reply.body if isinstance(reply.body, bytes) else dump(reply.body)
        if self.state.bad("protocol.latin-1"):
            content = content.decode().encode("latin-1", "replace")
        if self.state.bad("protocol.head-fails") and request.method == "HEAD":
            raise RuntimeError("HEAD")
        return Response(content, reply.status, headers, JSON)

    def _refuse(self, refusal: Refusal) -> Response:
        bad = self.state.bad
        error = {"code": refusal.code, "message": refusal.message, "param": refusal.param}
        body: object = {"error": error}
        if bad("schema.error-shape") and refusal.status == 404:
            body = {"detail": refusal.message}
        status = refusal.status
        if bad("protocol.refusal-is-400") and status == 422:
            status = 400
        headers = {"X-Request-Id": self._request_id()} | refusal.headers
        if bad("protocol.errors-without-id"):
            del headers["X-Request-Id"]
        return Response(dump(body), status, headers, JSON)

    def _request_id(self) -> str:
        if self.state.bad("protocol.one-request-id"):
            return "req_0000000000000000"
        return self.state.id("req")


def serve(faults: Iterable[str] = ()) -> AbstractContextManager[str]:
    """Runs the server on a free port of the loopback, with these faults; gives its URL."""
    return host(Server(faults))


@contextmanager
def host(application: Server) -> Iterator[str]:
    """Runs an application on a free port of the loopback; gives its URL."""
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, log_level="error", lifespan="off",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.002)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(5)


def main() -> None:
    """Serves until interrupted: `python -m tests.threads.server [FAULT ...]`."""
    import sys

    with serve(sys.argv[1:]) as url:
        sys.stderr.write(f"Murmur on {url}/v1\n")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
