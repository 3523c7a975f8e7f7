"""The request path: router, credentials, checked request, handler, checked response, bytes."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from sparring.fixtures.script.faults import read_faults
from sparring.fixtures.shaping.wire import Wire
from sparring.spec.errors import SparringError
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.router import Router, parameter_names
from sparring.spec.turn import Fault, RateLimit

from .handlers import Handler, acts, messages, runs, sessions, subscriptions
from .handlers.resources import compile_resource
from .requests.credentials import compile_credentials
from .requests.preferences import read_preferences
from .requests.requests import Reader, Request
from .responses.answers import Answer, Headers, Stream
from .responses.declared import Declared
from .responses.faults import refuse
from .responses.problem_writer import ProblemWriter
from .responses.problems import Problem
from .responses.sending import send_answer, send_spoiled, send_stream
from .worlds.world import World

_FAULT = b"x-sparring-fault"
_TALKS = (Role.MESSAGE_CREATE, Role.RUN_CREATE)

logger = logging.getLogger("sparring.mockserver")

_HANDLERS: Mapping[Role, Callable[..., Handler]] = {
    Role.SESSION_CREATE: sessions.Create,
    Role.SESSION_LIST: sessions.List,
    Role.SESSION_GET: sessions.Get,
    Role.SESSION_UPDATE: sessions.Update,
    Role.SESSION_DELETE: sessions.Delete,
    Role.SESSION_ACT: acts.compile_act,
    Role.MESSAGE_CREATE: messages.Create,
    Role.MESSAGE_LIST: messages.List,
    Role.MESSAGE_GET: messages.Get,
    Role.MESSAGE_UPDATE: acts.compile_update,
    Role.MESSAGE_DELETE: messages.Delete,
    Role.MESSAGE_CLEAR: messages.Clear,
    Role.MESSAGE_SUBSCRIBE: subscriptions.Subscribe,
    Role.RUN_CREATE: runs.Create,
    Role.RUN_LIST: runs.List,
    Role.RUN_GET: runs.Get,
    Role.RUN_UPDATE: runs.Update,
    Role.RUN_DELETE: runs.Delete,
    Role.RUN_ACT: runs.compile_act,
    Role.RUN_SUBSCRIBE: runs.Subscribe,
    Role.SUGGESTION_LIST: messages.Suggestions,
}


class _Endpoint:
    """One operation, compiled."""

    __slots__ = ("authenticate", "declared", "handle", "operation", "reader", "talks")

    def __init__(self, wire: Wire, operation: Operation, *, has_owners: bool) -> None:
        self.operation = operation
        self.reader = Reader(wire.document, operation)
        self.declared = Declared(wire.shaper, operation)
        self.authenticate = compile_credentials(operation, wire.model.caller, has_owners=has_owners)
        binding = operation.binding
        self.talks = binding is not None and binding.role in _TALKS
        self.handle: Callable[[Request], Awaitable[Answer | Stream]] = (
            _HANDLERS[binding.role](wire, operation, binding)
            if binding is not None
            else compile_resource(wire, operation)
        )


class _Route:
    """One operation in the router; it is compiled when it is first asked for.

    `others` are operations that share its method and path: real documents tell them apart by the
    query (`?beta=true`) or by what they answer with (`#stream`).
    """

    __slots__ = ("_endpoint", "_has_owners", "_reason", "_wire", "names", "operation", "others")

    def __init__(self, wire: Wire, operation: Operation, *, has_owners: bool) -> None:
        self._wire = wire
        self._has_owners = has_owners
        self._endpoint: _Endpoint | None = None
        self._reason = ""
        self.operation = operation
        self.names = parameter_names(operation.template)
        self.others: list[_Route] = []

    def pick(self, query: bytes, headers: Mapping[bytes, bytes]) -> _Route:
        """The operation, of those that share this route, that a request is for."""
        sent = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        routes = [self, *self.others]
        asked = [r for r in routes if r.operation.query.items() <= set(sent)]
        most = max((len(r.operation.query) for r in asked), default=0)
        left = [r for r in asked if len(r.operation.query) == most] or routes
        accept = headers.get(b"accept", b"").decode("latin-1").lower()
        wanted = {part.partition(";")[0].strip() for part in accept.split(",")}
        return next((r for r in left if wanted & r.answers()), left[0])

    def answers(self) -> set[str]:
        """The media types that the operation answers with when all is well."""
        content = self.operation.success[1].content if self.operation.success else {}
        return {name.partition(";")[0].strip().lower() for name in content}

    def compile(self) -> _Endpoint:
        """The operation, compiled. Raises SparringError or ValueError."""
        if self._endpoint is None:
            told = len(self._wire.document.warnings)
            self._endpoint = _Endpoint(self._wire, self.operation, has_owners=self._has_owners)
            for warning in self._wire.document.warnings[told:]:
                logger.warning("%s", warning)
        return self._endpoint

    def endpoint(self) -> _Endpoint:
        """The operation, compiled. Raises Problem 501 when it can't be served."""
        if self._endpoint is not None:
            return self._endpoint
        if not self._reason:
            try:
                return self.compile()
            except (SparringError, ValueError) as error:
                self._reason = f"{self.operation.label} can't be served: {error}"
            except Exception as error:
                logger.exception("%s", self.operation.label)
                self._reason = f"{self.operation.label} can't be served: {error!r}"
        raise Problem(501, "H501", self._reason)


class Api:
    """The document as an ASGI application over one world."""

    def __init__(self, document: Document, world: World) -> None:
        self.world = world
        wire = Wire(document)
        self._problems = ProblemWriter(wire.shaper)
        self._router: Router[_Route] = Router()
        has_owners = any(operation.binding is not None for operation in document.operations)
        defects: list[Any] = []
        for operation in document.operations:
            route = _Route(wire, operation, has_owners=has_owners)
            for path in dict.fromkeys([operation.template, operation.short_template]):
                first = self._router.add(operation.method, path, route)
                if first is not route:
                    first.others.append(route)
            if document.bundled or not operation.annotated:
                continue
            try:  # what an author says of it must be right before the first request
                route.compile()
            except SparringError as error:
                defects += error.defects
            except ValueError as error:
                where = operation.pointer
                message = f"{operation.label}: {error}"
                defects.append(document.source.defect("D130", message, where))
        if defects:
            raise SparringError(dict.fromkeys(defects))  # one schema may break many operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        route: _Route | None = None
        answer: Answer | Stream
        faults: Sequence[Fault] = ()
        told: Headers = ()
        method = scope["method"]
        wanted = "GET" if method == "HEAD" else method
        try:
            path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
            root = scope.get("root_path", "")
            if root:
                path = path.removeprefix(root) or "/"
            routes, values = self._router.find(path.partition("?")[0])
            if not routes:
                raise Problem(404, "H404", f"The document has no path {scope['path']}.")
            route = routes.get(wanted) or routes.get(method)
            if route is None:
                route = next((r for r in routes.values() if r.operation.response(405)), None)
                answer = _other_method(method, routes)
            else:
                headers = dict(scope["headers"])
                if len(headers) < len(scope["headers"]):
                    headers = _joined(scope["headers"])
                query: bytes = scope["query_string"]
                if route.others:
                    route = route.pick(query, headers)
                endpoint = route.endpoint()
                user = endpoint.authenticate(self.world, headers, query)
                if endpoint.talks and (limit := self.world.cast.rate_limit) is not None:
                    told, wait = self.world.limits.take(limit, user, self.world.clock.now())
                    if wait is not None:
                        raise _too_often(limit, wait)
                reader = endpoint.reader
                parameters = reader.parameters(route.names, values, query, headers)
                body = await reader.body(receive, headers) if reader.has_body else None
                accept = headers.get(b"accept", b"").decode("latin-1")
                request = Request(self.world, user, *parameters, body, accept, root, headers)
                if _FAULT in headers:
                    faults = _asked_faults(headers[_FAULT], self.world)
                    refuse(faults)
                if b"prefer" in headers or b"__" in query:
                    answer = await _as_preferred(endpoint, request, headers, query)
                else:
                    answer = await endpoint.handle(request)
        except Problem as problem:
            answer = self._refuse(problem, route)
        except Exception:
            logger.exception("%s %s", method, scope["path"])
            answer = self._refuse(Problem(500, "H500", "The mock server failed."), route)
        if self.world.broken:
            told = [*told, (b"x-sparring-error", self.world.broken.encode("ascii", "replace"))]
        if told:
            answer = msgspec.structs.replace(answer, headers=[*answer.headers, *told])
        if (faults or answer.faults) and method != "HEAD":
            faults = [*faults, *answer.faults]
            await send_spoiled(answer, faults, self.world.clock, scope, receive, send)
        elif isinstance(answer, Stream):
            await send_stream(answer, method, scope, receive, send)
        else:
            await send_answer(answer, method, send)

    def _refuse(self, problem: Problem, route: _Route | None) -> Answer:
        operation = None if problem.of_mock or route is None else route.operation
        try:
            status, media_type, body = self._problems.write(problem, operation)
        except Exception:
            logger.exception("the errors of %s have a shape that can't be filled", operation)
            status, media_type, body = self._problems.write(problem, None)
        headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers]
        told = dict(headers).get(b"content-type")
        if told is not None:  # by a fault that is like what stands before a backend
            media_type, headers = told.decode(), [h for h in headers if h[0] != b"content-type"]
        return Answer(status, media_type.encode(), body, headers)


async def _as_preferred(
    endpoint: _Endpoint, request: Request, headers: Mapping[bytes, bytes], query: bytes
) -> Answer | Stream:
    """The declared response that a client asks for; nothing happens to any session."""
    wanted = read_preferences(headers, query)
    if wanted is None:
        return await endpoint.handle(request)
    return endpoint.declared.preferred(request, wanted)


def _asked_faults(header: bytes, world: World) -> Sequence[Fault]:
    """The faults that a request asks for. Raises Problem 400."""
    try:
        asked = read_faults(header.decode("utf-8", "replace"))
    except SparringError as error:
        raise Problem(400, "H400", str(error), of_mock=True) from None
    return [one.fault for one in asked if one.chance is None or world.chance.random() < one.chance]


def _too_often(limit: RateLimit, wait: float) -> Problem:
    detail = f"Only {limit.requests} requests are allowed in {limit.seconds:g} seconds."
    headers = [("retry-after", str(math.ceil(wait)))]
    return Problem(429, "H429", detail, headers=headers, exact=True)


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers by name; the lines of one name are one list (RFC 9110, section 5.3)."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        separator = b"; " if name == b"cookie" else b", "
        found[name] = found[name] + separator + value if name in found else value
    return found


def _other_method(method: str, routes: Mapping[str, _Route]) -> Answer:
    allowed = set(routes) | {"OPTIONS"} | ({"HEAD"} if "GET" in routes else set())
    allow = ", ".join(sorted(allowed))
    if method == "OPTIONS":
        return Answer(204, b"", b"", [(b"allow", allow.encode())])
    raise Problem(
        405, "H405", f"This path takes {allow}, not {method}.", headers=[("allow", allow)]
    )
