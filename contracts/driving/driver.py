"""Speaks a sessions API in its roles: creates, reads, changes, talks, through bindings alone."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange, Request
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import (
    ABSENT,
    Draft,
    expression,
    flat,
    is_by_id,
    is_owner,
    listed_at,
    parameter,
    part_of,
    put,
    session_parameter,
)
from sparring.spec.openapi.parameters import Parameter
from sparring.spec.openapi.schemas import View
from sparring.spec.openapi.security import SecurityScheme, credentials, usable_security
from sparring.spec.streams.framing import framing_of

from ..target.file import Person
from ..target.target import Limits, Stream
from ..world import (
    Blocked,
    Line,
    Page,
    Session,
    World,
    entity,
    line,
    stream_type,
    succeeded,
)
from .attributes import guard
from .lists import bounds, history_operation, oldest_first
from .made import TALKING, id_in, sessions_in

Way = tuple[SecurityScheme, ...]


class User:
    """One caller: the holder of a key."""

    def __init__(
        self, world: World, key: str, person: Person | None = None, number: int = 0
    ) -> None:
        self.world = world
        self.key = key
        self.number = number
        self.person = person or Person()
        self.given = {**world.given.parameters, **self.person.parameters}

    # Requests

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
        """Writes the id of a session where the operation wants it, and into a body that has a place
        for it the revision that the session has now."""
        place = session_parameter(self.world.document, draft.operation)
        if place is not None:
            put(self.world.document, draft, place, session)
        guarding = guard(self.world.document, draft.operation)
        sent = guarding and isinstance(draft.body, dict) and guarding[0] in draft.body
        if guarding and sent and self.world.one(Role.SESSION_GET) is not None:
            draft.body[guarding[0]] = self.read(session).get(guarding[1])
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

    # Sessions

    def create_draft(
        self,
        *,
        body: Mapping[str, Any] | None = None,
        client_id: str | None = None,
        operation: Operation | None = None,
    ) -> Draft:
        """A request that creates a session; without a body with what is required only."""
        operation = operation or self.world.need(Role.SESSION_CREATE)
        draft = self.draft(operation)
        draft.body = copy.deepcopy(
            dict(self.world.bodies.least(operation) if body is None else body)
        )
        draft.body = self.owned(operation, draft.body)
        place = expression(self.world.document, operation, "client_id")
        if place is not None and client_id is None and place[0] == "path":
            client_id = self.unused_id(operation)
        if client_id is not None and place is not None:
            put(self.world.document, draft, place, client_id)
        if not operation.body:
            draft.body = ABSENT
        return draft

    def create(
        self,
        body: Mapping[str, Any] | None = None,
        *,
        client_id: str | None = None,
        operation: Operation | None = None,
    ) -> Session:
        """Makes a session. Raises Blocked."""
        draft = self.create_draft(body=body, client_id=client_id, operation=operation)
        exchange = self.expect(draft)
        return self.made(draft, exchange)

    def made(self, draft: Draft, exchange: Exchange) -> Session:
        """The session that an answer to create speaks of; it is deleted after the check."""
        id = id_in(draft.operation, exchange)
        if not id:
            raise Blocked(draft.operation, exchange)
        self.world.made.append((self, id))
        self.note(id)
        body = draft.body if isinstance(draft.body, dict) else {}
        return Session(id, exchange, body)

    def get(self, session: str, operation: Operation | None = None) -> Exchange:
        """Reads a session, whatever comes of it."""
        return self.send(self.draft(operation or self.world.need(Role.SESSION_GET), session))

    def read(self, session: str, operation: Operation | None = None) -> dict[str, Any]:
        """The session as it is now. Raises Blocked."""
        operation = operation or self.world.need(Role.SESSION_GET)
        exchange = self.expect(self.draft(operation, session))
        found = entity(operation, exchange)
        if not isinstance(found, dict):
            raise Blocked(operation, exchange)
        return found

    def read_active(self, operation: Operation) -> dict[str, Any]:
        """The caller's active session. Raises Blocked."""
        exchange = self.expect(self.draft(operation))
        found = entity(operation, exchange)
        if not isinstance(found, dict):
            raise Blocked(operation, exchange)
        return found

    def update(
        self,
        operation: Operation,
        session: str,
        body: Any,
        *,
        headers: Mapping[str, str] | None = None,
        media_type: str = "",
    ) -> Exchange:
        """Changes a session, whatever comes of it."""
        draft = self.draft(operation, session)
        draft.body, draft.media_type = self.owned(operation, body), media_type
        draft.headers |= headers or {}
        return self.send(draft)

    def delete(self, session: str, headers: Mapping[str, str] | None = None) -> Exchange:
        """Deletes a session, whatever comes of it."""
        draft = self.draft(self.world.need(Role.SESSION_DELETE), session)
        draft.headers |= headers or {}
        return self.send(draft)

    def unused_id(self, operation: Operation) -> str:
        """An id that no session has, of the form that the operation asks for."""
        place = session_parameter(self.world.document, operation)
        found = parameter(operation, *place) if place and place[0] != "body" else None
        word = self.world.bodies.fresh()
        if found is None or found.schema is None:
            return word
        number = 2_000_000_000 + int(word, 16) % 100_000_000
        uuid = f"{word[:8]}-0000-4000-8000-{word:0>12.12}"
        shapes = (word, uuid, word * 2, word[-8:], word[-10:], number)
        validator = self.world.document.schemas.at(found.schema, View.REQUEST)
        return str(next(filter(validator.is_valid, shapes), None) or self._sampled(found))

    def is_id(self, operation: Operation, id: str) -> bool:
        """Whether a session of the operation could have this id."""
        place = session_parameter(self.world.document, operation)
        found = parameter(operation, *place) if place and place[0] != "body" else None
        if found is None or found.schema is None:
            return True
        return self.world.document.schemas.at(found.schema, View.REQUEST).is_valid(id)

    def words(self, operation: Operation, name: str) -> list[str]:
        """The words that a query parameter, or each of its items, can be."""
        found = parameter(operation, "query", name)
        schema = self.world.document.schema(found.schema, View.REQUEST) if found else {}
        schema = self.world.document.follow(schema.get("items", schema), View.REQUEST)
        return [word for word in schema.get("enum", ()) if isinstance(word, str)]

    # Lists

    def page(
        self,
        operation: Operation,
        session: str | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Page:
        """One page of a list. Raises Blocked."""
        draft = self.draft(operation, session)
        for name, value in (query or {}).items():
            put(self.world.document, draft, part_of(name), value)
        exchange = self.expect(draft)
        assert operation.binding is not None
        body = exchange.response.json()
        items = pointers.first(body, listed_at(operation))
        if not isinstance(items, list):
            raise Blocked(operation, exchange)
        total = operation.binding.page.total
        return Page(items, pointers.first(body, total) if total is not None else None, exchange)

    def all(
        self,
        operation: Operation,
        session: str | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        """Every item of a list, page by page. Raises Blocked."""
        return [item for page in self.pages(operation, session, query) for item in page.items]

    def pages(
        self,
        operation: Operation,
        session: str | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Iterator[Page]:
        """The pages of a list, as large as they may be unless the query says. Raises Blocked."""
        assert operation.binding is not None
        page = operation.binding.page
        asked = dict(query or {})
        bound = bounds(self.world.document, operation, page.limit)
        if page.limit and str(page.limit) not in asked and bound is not None:
            asked[str(page.limit)] = bound
        size = asked.get(str(page.limit)) if page.limit else None
        items: list[Any] = []
        for number in range(200):
            shown = self.page(operation, session, asked)
            found = shown.items
            items += found
            yield shown
            if not found or page.start is None or page.style == "none":
                break
            if isinstance(size, int) and len(found) < size and len(found) < 100:
                break
            following = self._next(operation, shown, items, page.first_page + number + 1)
            if following in (None, ""):
                break
            asked[str(page.start)] = following

    def _next(
        self, operation: Operation, shown: Page, items: Sequence[Any], number: int
    ) -> str | int | None:
        """Where the next page begins, None behind the last one; `number` is its own."""
        assert operation.binding is not None
        page, body = operation.binding.page, shown.exchange.response.json()
        if page.style == "page":
            return number
        if page.style == "cursor":
            at = page.shown.get("out") or page.shown.get("last")
            more = page.shown.get("more")
            if at is None or (more is not None and not pointers.first(body, more)):
                return None
            following: str | int | None = pointers.first(body, at)
            return following
        offset = self.lines(operation, items[-1:])[0].offset if page.style == "watermark" else None
        return offset + 1 if isinstance(offset, int) else len(items)

    def lines(self, operation: Operation, items: Iterable[Any]) -> list[Line]:
        """The items of a message list, read."""
        model, binding = self.world.document.model, operation.binding
        row = model.event if binding and binding.shape == "event" else model.message
        if binding is not None and binding.row is not None:
            row = binding.row
        return [line(row, item) for item in items]

    def history(self, session: str, operation: Operation | None = None) -> list[Line]:
        """The messages of a session, those of an event list too. Raises Blocked."""
        operation = operation or history_operation(self.world)
        query, turned = oldest_first(self.world.document, operation)
        found = self.lines(operation, self.all(operation, session, query))
        messages = [item for item in found if item.kind == "message"]
        return messages[::-1] if turned else messages


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
