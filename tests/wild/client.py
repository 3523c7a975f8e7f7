"""A client of any sessions API: it knows the bindings of a document, and nothing of a vendor."""

from __future__ import annotations

import json
import random
import string
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx2

from sparring.fixtures.sampler import Sampler
from sparring.fixtures.shapes import Shaper
from sparring.spec import pointers
from sparring.spec.binding import Place, Role
from sparring.spec.document import Document, Operation
from sparring.spec.parameters import Parameter
from sparring.spec.schemas import View

Answer = httpx2.Response


class Client:
    """Speaks the operations of one document to one server; every answer is held to the document."""

    def __init__(self, document: Document, http: httpx2.Client) -> None:
        self.document = document
        self.calls: list[tuple[Operation, int]] = []
        self._http = http
        self._chosen: dict[tuple[str, str], Any] = {}
        self._sampler = Sampler(document.schemas, View.REQUEST)
        self._shaper = Shaper(document, View.REQUEST)
        self._chance = random.Random()

    # Finding operations

    def nearest(self, role: Role, to: Operation) -> Operation | None:
        """The operation with a role whose path has most in common with that of another, and which
        speaks of sessions of the same collection."""
        collection = self.collection(to)
        found = [o for o in self.document.with_role(role) if self._is_of(o, collection)]

        def common(other: Operation) -> tuple[int, int]:
            ours, theirs = to.path.split("/"), other.path.split("/")
            same = next(
                (i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), len(ours)
            )
            return same, -len(theirs)

        return max(found, key=common, default=None)

    def collection(self, operation: Operation) -> str:
        """The path before the session's id; empty where the id is elsewhere."""
        place = self.session_place(operation)
        if place is None or place.part != "path":
            return ""
        return operation.template.partition(f"{{{place.name}}}")[0].rstrip("/")

    def _is_of(self, operation: Operation, collection: str) -> bool:
        place = self.session_place(operation)
        binding = operation.binding
        assert binding is not None
        names_one = binding.role in (Role.SESSION_GET, Role.SESSION_DELETE, Role.MESSAGE_LIST)
        if names_one and place is None and binding.target is None:
            return False
        if place is None or place.part != "path":
            return not collection or operation.template.startswith(collection)
        return self.collection(operation) == collection or not collection

    # Calling operations

    def call(
        self,
        operation: Operation,
        *,
        session: str | None = None,
        target: str | None = None,
        text: str | None = None,
        stream: str | None = None,
    ) -> Answer:
        """Calls an operation with as little as its document demands."""
        binding = operation.binding
        assert binding is not None, operation.label
        values: dict[tuple[str, str], Any] = {}
        for parameter in operation.parameters:
            if parameter.required:
                values[parameter.place, parameter.name] = self._sample(parameter)
        said: list[tuple[Place | None, Any]] = [(binding.target, target)]
        for rule in binding.filters:
            if rule.how == "any-of" and session is not None and rule.at == binding.id:
                said.append((rule.place, [session]))
        if text is not None:
            assert binding.input is not None, f"{operation.label} does not say where its text is"
            said += [(binding.input, text), *self._role(operation, binding.input)]
        said.append((self.session_place(operation), session))
        if binding.when is not None and (stream or binding.via == "poll"):
            said.append((binding.when.place, next(iter(binding.when.values), True)))
        if binding.when is not None and binding.when.negated and not stream:
            said.append((binding.when.place, binding.when.values[0]))  # it streams unless told
        places: dict[tuple[str, ...], Any] = {}
        for place, value in said:
            if place is not None and value is not None and place.part == "body":
                places[pointers.split(place.name)] = value
            elif place is not None and value is not None:
                values[place.part, place.name] = value
        accept = stream or ("application/json" if binding.via == "body" else None)
        return self._send(operation, values, self._body(operation, places), accept)

    def _role(self, operation: Operation, text: Place) -> list[tuple[Place, Any]]:
        """Says that a message is the user's, where its body has a place for that."""
        assert operation.binding is not None
        words = (operation.binding.row or self.document.model.message).role
        if words is None or "user" not in words.words or text.part != "body":
            return []
        before = text.name.rpartition("/")[0]
        return [(Place.of(f"$request.body#{before}/{words.at[-1]}"), words.words["user"])]

    def _send(
        self,
        operation: Operation,
        values: dict[tuple[str, str], Any],
        body: Any,
        accept: str | None,
    ) -> Answer:
        path = operation.path.partition("#")[0]
        headers = {"Accept": accept} if accept else {}
        query: list[tuple[str, Any]] = []
        for (place, name), value in values.items():
            if place == "path":
                path = path.replace(f"{{{name}}}", quote(_text(value), safe=""))
            elif place == "query":
                query += [(name, _text(v)) for v in (value if isinstance(value, list) else [value])]
            elif place == "header":
                headers[name] = _text(value)
        headers |= self._credentials(operation, query)
        path, _, fixed = path.partition("?")
        query += parse_qsl(fixed)
        sent: dict[str, Any] = {}
        kind = next(iter(operation.body), "")
        if body is not None and ("json" in kind or not kind):
            sent["content"] = json.dumps(body)
            headers["Content-Type"] = kind or "application/json"
        elif body is not None and "multipart" in kind:
            sent["files"] = {k: (None, _text(v)) for k, v in body.items()}
        elif body is not None and "urlencoded" in kind:
            sent["data"] = {k: _text(v) for k, v in body.items()}
        request = self._http.build_request(
            operation.method, path, params=query, headers=headers, **sent
        )
        answer = self._http.send(request, stream=True)
        assert operation.binding is not None
        endless = operation.binding.role is Role.MESSAGE_SUBSCRIBE and answer.status_code < 300
        if not endless:
            answer.read()
        answer.close()
        self.calls.append((operation, answer.status_code))
        self._check(operation, answer)
        return answer

    def _check(self, operation: Operation, answer: Answer) -> None:
        """Holds an answer to the document."""
        kind = answer.headers.get("content-type", "").partition(";")[0]
        text = answer.text[:600] if answer.is_stream_consumed else "(a stream)"
        about = f"{operation.label}: {answer.status_code} {text}"
        assert answer.status_code not in (500, 501), about
        if answer.status_code >= 400:
            return
        success = operation.success
        assert success is None or answer.status_code == success[0], about
        media = operation.media(answer.status_code, kind)
        if media is not None and media.schema is not None and "json" in kind:
            validator = self.document.schemas.at(media.schema, View.RESPONSE)
            assert not validator.violations(answer.json(), 3), about

    def _credentials(self, operation: Operation, query: list[tuple[str, Any]]) -> dict[str, str]:
        headers = {}
        for scheme in operation.security[0] if operation.security else ():
            if scheme.kind == "apiKey" and scheme.place == "query":
                query.append((scheme.parameter, "alice-key"))
            elif scheme.kind == "apiKey" and scheme.place == "cookie":
                headers["Cookie"] = f"{scheme.parameter}=alice-key"
            elif scheme.kind == "apiKey":
                headers[scheme.parameter] = "alice-key"
            elif scheme.kind == "basic":
                headers["Authorization"] = "Basic YWxpY2U6YWxpY2Uta2V5"
            else:
                headers["Authorization"] = "Bearer alice-key"
        return headers

    def _sample(self, parameter: Parameter) -> Any:
        """A value for a parameter; what stands in paths is the same wherever it has that name."""
        key = (parameter.place, parameter.name)
        if key not in self._chosen or parameter.place != "path":
            self._chosen[key] = "x"
            if parameter.schema is not None:
                value = self._sampler.sample(parameter.schema, "client", required_only=True)
                self._chosen[key] = value
        return self._chosen[key]

    def _body(self, operation: Operation, places: dict[tuple[str, ...], Any]) -> Any:
        """The least body that the document takes which has these values at their places."""
        if not operation.body and places:
            return self._shaper.compile(None, places, places)(None)
        for media in operation.body.values():
            if not places and media.schema is not None:
                return self._sampler.sample(media.schema, "client", required_only=True)
            return self._shaper.compile(media.schema, places, places)(None)
        return None

    def session_place(self, operation: Operation) -> Place | None:
        binding = operation.binding
        assert binding is not None
        if binding.session is not None:
            return binding.session
        if binding.role in (Role.SESSION_CREATE, Role.SESSION_LIST):
            return None
        names = [p.name for p in operation.parameters if p.place == "path"]
        return Place.of(f"$request.path.{names[-1]}") if names else None

    def new_id(self, operation: Operation) -> str:
        """An id of the client's own choice for the session of an operation."""
        place = self.session_place(operation)
        assert place is not None
        for parameter in operation.parameters:
            if parameter.name == place.name and parameter.schema is not None:
                shown = _text(self._sampler.sample(parameter.schema, str(self._chance.random())))
                new = shown[:-8] + f"{self._chance.getrandbits(32):08x}"[-len(shown) :]
                is_valid = self.document.schemas.at(parameter.schema, View.REQUEST).is_valid
                return new if is_valid(new) else shown
        return "".join(self._chance.choices(string.ascii_lowercase, k=12))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
