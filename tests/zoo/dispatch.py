"""One path of the document: who asks, whether the request is right, and who answers it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .backend import Backend
from .document import Operation, Parameter, defects
from .model import Session
from .negotiation import bearer, choose, if_match, media_type, user_of
from .problem import Defect, Problem
from .values import dumps, parse
from .views import etag

MAX_BODY = 1024 * 1024


@dataclass(frozen=True)
class Call:
    """A request that may be carried out."""

    backend: Backend
    method: str
    user: str
    params: Mapping[str, Any]
    body: Any
    media_type: str
    """What the client wants to have."""
    headers: Mapping[str, str]

    @property
    def faults(self) -> Collection[str]:
        return self.backend.faults

    def session(self, *loopholes: str) -> Session:
        """The session of the path; a loophole is a fault that lets other users in."""
        session = self.backend.sessions.get(self.params["session_id"])
        if session is None:
            raise Problem(404, "There is no such session.")
        if session.owner != self.user and not any(name in self.faults for name in loopholes):
            if "precondition_before_owner" in self.faults:
                self.check_if_match(session)
            if "foreign_told_apart" in self.faults:
                raise Problem(404, "This session is not yours.")
            if "other_user_forbidden" in self.faults:
                raise Problem(403, "This session is not yours.")
            raise Problem(404, "There is no such session.")
        return session

    def check_if_match(self, session: Session) -> None:
        wanted = self.params.get("If-Match")
        if wanted is not None and not if_match(wanted, etag(session, self.faults), self.faults):
            raise Problem(412, "The session has changed.")


Handler = Callable[[Call], Awaitable[Response]]


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(dumps(value), status, headers, "application/json")


class Resource:
    def __init__(
        self, backend: Backend, operations: Mapping[str, tuple[Operation, Handler]]
    ) -> None:
        self.backend = backend
        self.faults = backend.faults
        self.operations = operations
        methods = {*operations, "OPTIONS"} | ({"HEAD"} if "GET" in operations else set())
        self.allow = {"Allow": ", ".join(sorted(methods))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(Request(scope, receive))
        except Problem as problem:
            response = problem.response(self.faults)
            if "head_of_missing_is_200" in self.faults and scope["method"] == "HEAD":
                response.status_code = 200
        except ClientDisconnect:
            return
        if "head_of_other_type" in self.faults and scope["method"] == "HEAD":
            response.headers["Content-Type"] = "text/html"
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if b"%2f" in request.scope["raw_path"].lower():  # decoded, it would be another path
            raise Problem(404, "There is nothing here.")
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            if "options_allow_partial" in self.faults:
                return Response(status_code=204, headers={"Allow": "GET"})
            return Response(status_code=204, headers=self.allow)
        if method not in self.operations:
            headers = None if "allow_missing" in self.faults else self.allow
            raise Problem(405, f"{request.method} is not possible here.", headers=headers)
        operation, handler = self.operations[method]
        user = self._authenticate(request, operation)
        try:
            params = self._params(request, operation)
        except Problem:
            await self._carry_out(request, operation, user)
            raise
        wanted = self._negotiate(request, operation)
        try:
            body = await self._body(request, operation, user) if operation.bodies else None
        except _Malformed:
            return Response("Internal Server Error", 500, media_type="text/plain")
        call = Call(
            self.backend, request.method, user, params, body, wanted, headers=request.headers
        )
        return await handler(call)

    def _authenticate(self, request: Request, operation: Operation) -> str:
        keys = [bearer(request.headers.get("authorization", ""), self.faults)]
        if "header_key_ignored" not in self.faults:
            keys.append(request.headers.get("x-api-key", ""))
        if "query_key_ignored" not in self.faults:
            keys.append(dict(self._query(request)).get("api_key", ""))
        for key in keys:
            user = user_of(key, self.faults)
            if user is not None:
                return user
        if "history_without_key" in self.faults and operation.id == "getHistory":
            return "nobody"
        headers = {"WWW-Authenticate": 'Bearer realm="sessions"'}
        if "challenge_missing" in self.faults:
            headers = {}
        raise Problem(401, "A valid key is needed.", headers=headers)

    def _params(self, request: Request, operation: Operation) -> dict[str, Any]:
        params: dict[str, Any] = {}
        errors: list[Defect] = []
        for parameter in operation.parameters:
            name = parameter.name
            raw = self._raw(request, parameter)
            if not raw:
                if "default" in parameter.schema:
                    params[name] = parameter.schema["default"]
                continue
            if len(raw) > 1:
                errors.append(
                    {"in": parameter.place, "pointer": f"/{name}", "detail": "Given twice."}
                )
                continue
            try:
                raw[0].encode()
            except UnicodeEncodeError:
                raise Problem(400, f"{name} is not UTF-8.") from None
            try:
                value = parameter.read(raw[0])
                wrong = parameter.defects(value)
            except Problem:
                if "bad_filter_ignored" in self.faults:
                    continue
                raise
            if "bad_filter_ignored" in self.faults and name == "metadata_filter" and wrong:
                continue
            if "bad_boolean_accepted" in self.faults and name == "allow_greeting":
                value, wrong = value is True, []
            params[name] = value
            errors += wrong
        if errors:
            raise Problem(422, "A parameter is wrong.", errors=errors)
        return params

    def _raw(self, request: Request, parameter: Parameter) -> list[str]:
        if parameter.place == "path":
            return [request.path_params[parameter.name]]
        if parameter.place == "header":
            lines = request.headers.getlist(parameter.name)
            return [", ".join(line.strip() for line in lines)] if lines else []
        return [value for name, value in self._query(request) if name == parameter.name]

    def _query(self, request: Request) -> list[tuple[str, str]]:
        # What is no UTF-8 matters only where the document names the parameter.
        text = request.scope["query_string"].decode(errors="surrogateescape")
        return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")

    def _negotiate(self, request: Request, operation: Operation) -> str:
        accept = ", ".join(request.headers.getlist("accept"))
        if not operation.offers or ("accept_ignored" in self.faults and operation.id == "chat"):
            return "application/json"
        wanted = choose(accept, operation.offers)
        if wanted is None and "not_acceptable_ignored" in self.faults:
            wanted = operation.offers[0]
        if wanted is None:
            raise Problem(406, f"There is only {' or '.join(operation.offers)}.")
        return wanted

    async def _body(self, request: Request, operation: Operation, user: str) -> Any:
        text = await self._text(request)
        name = media_type(request.headers.get("content-type", ""))
        validator = operation.bodies.get(name)
        if "merge_patch_refused" in self.faults and name == "application/merge-patch+json":
            validator = None
        if "media_type_unchecked" in self.faults:
            validator = operation.bodies["application/json"]
        if validator is None and (text or name):
            raise Problem(415, f"The body must be {' or '.join(operation.bodies)}.")
        try:
            body = parse(text)
        except ValueError as error:
            if "malformed_json_is_500" in self.faults:
                raise _Malformed from None
            raise Problem(400, f"The body is not JSON: {error}") from None
        assert validator is not None
        errors = defects(validator, body, "body")
        if errors:
            self._half_apply(request, operation, body, user)
            raise Problem(422, "The body is wrong.", errors=errors)
        return body

    async def _text(self, request: Request) -> bytes:
        """The body, read to its end even when it is too large, so that the client reads us."""
        text = bytearray()
        size = 0
        async for part in request.stream():
            size += len(part)
            if size <= MAX_BODY:
                text += part
        if "chunked_body_ignored" in self.faults and "transfer-encoding" in request.headers:
            return b""
        if size > MAX_BODY:
            raise Problem(413, f"A body has at most {MAX_BODY} bytes.")
        return bytes(text)

    async def _carry_out(self, request: Request, operation: Operation, user: str) -> None:
        """The faults that do what they refuse for a parameter."""
        if "refused_query_creates" in self.faults and operation.id == "createSession":
            self.backend.create(user, await self._body(request, operation, user))
        session = self.backend.sessions.get(request.path_params.get("session_id", ""))
        is_patch = "refused_header_patches" in self.faults and operation.id == "patchSession"
        if is_patch and session is not None and session.owner == user:
            body = await self._body(request, operation, user)
            self.backend.update(session, session.attributes | body)

    def _half_apply(self, request: Request, operation: Operation, body: Any, user: str) -> None:
        """The faults that do a part of what they refuse."""
        chosen = body.get("id") if isinstance(body, dict) else None
        is_create = operation.id == "createSession" and isinstance(chosen, str)
        if "refused_body_creates" in self.faults and is_create:
            self.backend.create(user, {"id": chosen})
        session = self.backend.sessions.get(request.path_params.get("session_id", ""))
        if (
            "patch_half_applied" in self.faults
            and operation.id == "patchSession"
            and session is not None
            and isinstance(body, dict)
            and isinstance(body.get("title"), str)
        ):
            self.backend.update(session, session.attributes | {"title": body["title"]})


class _Malformed(Exception):
    """The fault of a parser whose errors nobody catches."""
