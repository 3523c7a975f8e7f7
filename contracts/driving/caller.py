"""Writes and sends the requests of one caller, and keeps what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange, Request
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import (
    ABSENT,
    Draft,
    flat,
    is_by_id,
    is_owner,
    parameter,
    put,
    session_parameter,
)
from sparring.spec.openapi.parameters import Parameter
from sparring.spec.openapi.schemas import View
from sparring.spec.openapi.security import SecurityScheme, credentials, usable_security
from sparring.spec.streams.framing import framing_of

from ..target.file import Person
from ..target.target import Limits, Stream
from ..world import Blocked, World, entity, stream_type, succeeded
from .attributes import guard
from .made import TALKING, sessions_in

Way = tuple[SecurityScheme, ...]


class Caller:
    """The holder of a key."""

    def __init__(
        self, world: World, key: str, person: Person | None = None, number: int = 0
    ) -> None:
        self.world = world
        self.key = key
        self.number = number
        self.person = person or Person()
        self.given = {**world.given.parameters, **self.person.parameters}

    def draft(self, operation: Operation, session: str | None = None) -> Draft:
        """A request with its required parameters filled in, for a session if one is given."""
        draft = Draft(operation)
        for found in operation.parameters:
            if found.name in self.given and found.place != "cookie":
                place = (found.place, found.name)
                put(self.world.document, draft, place, self.given[found.name])
            elif found.required and found.schema is not None:
                put(self.world.document, draft, (found.place, found.name), self._sampled(found))
        role = operation.binding.role.value if operation.binding else ""
        if role.endswith(".list") and operation.body:
            draft.body = self.world.bodies.least(operation)
        if session is not None:
            self.aim(draft, session)
        return draft

    def _sampled(self, found: Parameter) -> Any:
        assert found.schema is not None
        if found.place != "path":
            return self.world.bodies.sample(found.schema)
        another = self.number > 0 and is_owner(found.name)
        name = f"{found.name} of {self.number}" if another else found.name
        if name not in self.world.above:
            n = self.number if another else 0
            shown = None if another else shown_value(self.world.document, found)
            made = self.world.bodies.sample(found.schema, n=n) if shown is None else shown
            self.world.above[name] = made
        return self.world.above[name]

    def owned(self, operation: Operation, body: Any) -> Any:
        """A body that names what the paths of sessions name: `user_id` and `userId` are one."""
        if not isinstance(body, dict):
            return body
        known = {flat(name): value for name, value in (self._above() | self.given).items()}
        names = self.world.bodies.attributes(operation)
        new = {name: known[flat(name)] for name in names if flat(name) in known}
        new = {n: v for n, v in new.items() if n not in body or body[n] is not None}
        return body | new if self.world.bodies.is_valid(operation, body | new) else body

    def _above(self) -> dict[str, Any]:
        """What stands in the path of the sessions' collection, by parameter."""
        create = self.world.one(Role.SESSION_CREATE)
        if create is None or is_by_id(create):
            return {}
        return {
            p.name: self._sampled(p) for p in create.parameters if p.place == "path" and p.schema
        }

    def makes_up(self, operation: Operation) -> bool:
        """Whether a request names things of which nobody has said that they exist."""
        session = session_parameter(self.world.document, operation)
        names = {p.name for p in operation.parameters if p.place == "path"}
        names |= self._above().keys()
        names -= {session[1]} if session else set()
        return any(not is_owner(name) and name not in self.given for name in names)

    @property
    def name(self) -> dict[str, Any]:
        """What tells this user from the other one, beside the key: values of parameters."""
        create = self.world.one(Role.SESSION_CREATE)
        return {n: v for n, v in self._above().items() if create and is_owner(n)} | self.given

    def aim(self, draft: Draft, session: str) -> Draft:
        """Writes the id of a session where the operation wants it, and what guards a change of it:
        the revision that it has now, or its tag where none is refused (428, RFC 6585 section 3)."""
        place = session_parameter(self.world.document, draft.operation)
        if place is not None:
            put(self.world.document, draft, place, session)
        guarding = guard(self.world.document, draft.operation)
        get = self.world.one(Role.SESSION_GET)
        sent = guarding and isinstance(draft.body, dict) and guarding[0] in draft.body
        if guarding and sent and get is not None:
            draft.body[guarding[0]] = self.read(session).get(guarding[1])
        if get is not None and wants_tag(draft.operation):
            tag = self.send(self.draft(get, session)).response.headers.get("etag")
            draft.headers |= {"If-Match": tag} if tag else {}
        return draft

    def request(self, draft: Draft, *, way: Way | None = None, anonymous: bool = False) -> Request:
        """The request that a draft stands for, with this user's key."""
        operation = draft.operation
        headers: dict[str, str] = dict(draft.headers)
        query = list(draft.query)
        ways = self.ways(operation)
        if not anonymous:
            extra, pairs = credentials(way or ways[0], self.key) if ways else ({}, [])
            headers |= {**self.person.headers, **extra}
            query += pairs
        media = self.world.bodies.media(operation)
        kind = draft.media_type or (media.type if media else "application/json")
        kind, body = draft.encoded(kind)
        if body or draft.raw is not None or draft.body is not ABSENT:
            headers["Content-Type"] = kind
        if accept := draft.accept or self._accept(operation):
            headers["Accept"] = accept
        if operation.binding and operation.binding.role in TALKING:
            self.world.target.meter.message()
        return Request(
            operation.method, self.world.target.url(draft.encoded_path(), query), headers, body
        )

    def ways(self, operation: Operation) -> tuple[Way, ...]:
        """How the key can travel: as the document says, else as the target's file does."""
        if not self.key and self.person.headers:
            return ()
        auth = self.world.given.auth
        return usable_security(operation) or (((auth,),) if auth else ())

    def _accept(self, operation: Operation) -> str:
        """The media type to ask for; empty where the target's file names none that there is."""
        found = operation.success
        declared = found[1].content if found else ()
        return next((name for name in self.world.given.media_types if name in declared), "")

    def send(self, draft: Draft, *, way: Way | None = None, anonymous: bool = False) -> Exchange:
        """Sends a draft and keeps the exchange."""
        exchange = self.world.target.send(self.request(draft, way=way, anonymous=anonymous))
        self._created(draft, exchange)
        self.world.note(draft.operation, exchange)
        return exchange

    def _created(self, draft: Draft, exchange: Exchange) -> None:
        """Notes the sessions that a request has made, so that they are cleared away."""
        for id in sessions_in(self.world, draft.operation, exchange, self._aimed(draft)):
            self.note(id)

    def _aimed(self, draft: Draft) -> Any:
        """The id of the session that a request names."""
        part, name = session_parameter(self.world.document, draft.operation) or ("", "")
        if part == "body":
            return pointers.first(draft.body, pointers.split(name))
        places = {"path": draft.path, "query": dict(draft.query), "header": draft.headers}
        return places.get(part, {}).get(name)

    def note(self, id: str) -> None:
        """Notes a session, so that it is cleared away."""
        self.world.created[self, id] = None
        self.world.sessions.made(self.number, id, self.world.above)

    def expect(self, draft: Draft) -> Exchange:
        """Sends a draft that must succeed. Raises Blocked."""
        exchange = self.send(draft)
        if not succeeded(exchange):
            raise Blocked(draft.operation, exchange)
        return exchange

    @contextmanager
    def open(self, draft: Draft, limits: Limits | None = None) -> Iterator[Stream]:
        """Opens a stream; what was read of it is kept when it is left."""
        draft.accept = draft.accept or stream_type(draft.operation)
        wait = self.world.given.wait
        if limits is None and wait is not None:
            limits = Limits(seconds=wait)
        with self.world.target.open(self.request(draft), limits) as stream:
            try:
                yield stream
            finally:
                if framing_of(stream.head.media_type) is None:
                    stream.drain()
                exchange = stream.exchange
                self._created(draft, exchange)
                self.world.note(draft.operation, exchange)

    def read(self, session: str, operation: Operation | None = None) -> dict[str, Any]:
        """The session as it is now. Raises Blocked."""
        operation = operation or self.world.need(Role.SESSION_GET)
        exchange = self.expect(self.draft(operation, session))
        found = entity(operation, exchange)
        if not isinstance(found, dict):
            raise Blocked(operation, exchange)
        return found


def wants_tag(operation: Operation) -> bool:
    """Whether a change has to say which version it changes."""
    found = parameter(operation, "header", "If-Match")
    return found is not None and (found.required or "428" in operation.responses)


def shown_value(document: Document, found: Parameter) -> Any:
    """The value that a document shows for a parameter: its example, or the one of its schema, its
    default or only word; None where it shows none that is valid."""
    node = pointers.first(document.source.tree, tuple(map(str, found.path)), {})
    examples = node.get("examples") if isinstance(node.get("examples"), dict) else {}
    shown = [node.get("example"), *(e.get("value") for e in examples.values() if e)]
    if found.schema is None:
        return next((value for value in shown if value is not None), None)
    schema = document.schema(found.schema, View.REQUEST)
    shown += [schema.get("example"), *(schema.get("examples") or ()), schema.get("default")]
    fits = document.schemas.at(found.schema, View.REQUEST).is_valid
    return next((value for value in shown if value is not None and fits(value)), None)
