"""The request path: router, credentials, checked request, handler, checked response, bytes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from starlette.types import Receive, Scope, Send

from sparring.fixtures.wire import Wire
from sparring.spec.binding import Role
from sparring.spec.document import Document, Operation
from sparring.spec.errors import SparringError
from sparring.spec.router import Router

from .answers import Answer, Stream
from .credentials import compile_credentials
from .handlers import Handler, messages, sessions
from .handlers.resources import compile_resource
from .problems import Problem, ProblemWriter
from .requests import Reader, Request
from .world import World

logger = logging.getLogger("sparring.mockserver")

_HANDLERS: Mapping[Role, Callable[..., Handler]] = {
    Role.SESSION_CREATE: sessions.Create,
    Role.SESSION_LIST: sessions.List,
    Role.SESSION_GET: sessions.Get,
    Role.SESSION_UPDATE: sessions.Update,
    Role.SESSION_DELETE: sessions.Delete,
    Role.SESSION_ACT: messages.Stop,
    Role.MESSAGE_CREATE: messages.Create,
    Role.MESSAGE_LIST: messages.List,
    Role.MESSAGE_CLEAR: messages.Clear,
    Role.MESSAGE_SUBSCRIBE: messages.Subscribe,
    Role.SUGGESTION_LIST: messages.Suggestions,
}


class _Endpoint:
    """One operation, compiled."""

    __slots__ = ("authenticate", "handle", "operation", "reader")

    def __init__(self, wire: Wire, operation: Operation) -> None:
        self.operation = operation
        self.reader = Reader(wire.document, operation)
        self.authenticate = compile_credentials(operation, wire.model.caller)
        binding = operation.binding
        self.handle: Callable[[Request], Awaitable[Answer | Stream]] = (
            _HANDLERS[binding.role](wire, operation, binding)
            if binding is not None
            else compile_resource(wire, operation)
        )


class Api:
    """The document as an ASGI application over one world."""

    def __init__(self, document: Document, world: World) -> None:
        self.world = world
        wire = Wire(document)
        self._problems = ProblemWriter(wire.shaper)
        self._router: Router[_Endpoint] = Router()
        defects: list[Any] = []
        for operation in document.operations:
            try:
                endpoint = _Endpoint(wire, operation)
            except SparringError as error:
                defects += error.defects
                continue
            except ValueError as error:
                where = operation.pointer
                message = f"{operation.label}: {error}"
                defects.append(document.source.defect("D130", message, where))
                continue
            self._router.add(operation.method, operation.path, endpoint)
            if document.base_path:
                short = operation.path.removeprefix(document.base_path)
                self._router.add(operation.method, short, endpoint)
        if defects:
            raise SparringError(dict.fromkeys(defects))  # one schema may break many operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        endpoint: _Endpoint | None = None
        answer: Answer | Stream
        method = scope["method"]
        wanted = "GET" if method == "HEAD" else method
        try:
            path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
            root = scope.get("root_path", "")
            if root:
                path = path.removeprefix(root) or "/"
            endpoints, names, values = self._router.find(path.partition("?")[0])
            if not endpoints:
                raise Problem(404, "H404", f"The document has no path {scope['path']}.")
            endpoint = endpoints.get(wanted)
            if endpoint is None:
                said = (e for e in endpoints.values() if e.operation.response(405))
                endpoint = next(said, None)
                answer = _other_method(method, endpoints)
            else:
                headers = dict(scope["headers"])
                query: bytes = scope["query_string"]
                user = endpoint.authenticate(self.world, headers, query)
                reader = endpoint.reader
                parameters = reader.parameters(names[wanted], values, query, headers)
                body = await reader.body(scope, receive, headers) if reader.has_body else None
                accept = headers.get(b"accept", b"").decode("latin-1")
                answer = await endpoint.handle(
                    Request(self.world, user, *parameters, body, accept, root)
                )
        except Problem as problem:
            answer = self._refuse(problem, endpoint)
        except Exception:
            logger.exception("%s %s", method, scope["path"])
            answer = self._refuse(Problem(500, "H500", "The mock server failed."), endpoint)
        if isinstance(answer, Stream):
            await _send_stream(answer, method, receive, send)
        else:
            await _send(answer, method, send)

    def _refuse(self, problem: Problem, endpoint: _Endpoint | None) -> Answer:
        operation = endpoint.operation if endpoint else None
        status, media_type, body = self._problems.write(problem, operation)
        headers = [(name.encode(), value.encode()) for name, value in problem.headers]
        return Answer(status, media_type.encode(), body, headers)


def _other_method(method: str, endpoints: Mapping[str, _Endpoint]) -> Answer:
    allowed = set(endpoints) | {"OPTIONS"} | ({"HEAD"} if "GET" in endpoints else set())
    allow = ", ".join(sorted(allowed))
    if method == "OPTIONS":
        return Answer(204, b"", b"", [(b"allow", allow.encode())])
    raise Problem(
        405, "H405", f"This path takes {allow}, not {method}.", headers=[("allow", allow)]
    )


async def _send(answer: Answer, method: str, send: Send) -> None:
    headers = [(b"content-length", b"%d" % len(answer.body))]
    if answer.media_type:
        headers.append((b"content-type", answer.media_type))
    elif answer.status in (204, 304):
        headers = []
    headers += answer.headers
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if method == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})


async def _send_stream(stream: Stream, method: str, receive: Receive, send: Send) -> None:
    """Sends frames as they come; stops when the client goes, which the turn does not notice."""
    headers = [
        (b"content-type", stream.media_type),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": stream.status, "headers": headers})
    if method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        return

    async def watch(scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(watch, group.cancel_scope)
        async for frame in stream.frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        group.cancel_scope.cancel()
