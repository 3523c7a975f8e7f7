"""Speaks a sessions API in its roles: creates, reads, changes, talks, through bindings alone."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation
from sparring.spec.openapi.drafts import (
    ABSENT,
    Draft,
    expression,
    listed_at,
    parameter,
    part_of,
    put,
    session_parameter,
)
from sparring.spec.openapi.schemas import View

from ..world import (
    Blocked,
    Line,
    Page,
    Session,
    entity,
    line,
)
from .caller import Caller
from .lists import bounds, history_operation, oldest_first
from .made import id_in


class User(Caller):
    """A caller who makes sessions, changes them, and reads what is in them."""

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
        exchange = self.expect(self.list_draft(operation, session, query or {}))
        assert operation.binding is not None
        body = exchange.response.json()
        items = pointers.first(body, listed_at(operation))
        if not isinstance(items, list):
            raise Blocked(operation, exchange)
        total = operation.binding.page.total
        return Page(items, pointers.first(body, total) if total is not None else None, exchange)

    def list_draft(
        self, operation: Operation, session: str | None, query: Mapping[str, Any]
    ) -> Draft:
        """A request for a list that says all of this, each where the document has it."""
        draft = self.draft(operation, session)
        for name, value in query.items():
            put(self.world.document, draft, part_of(name), value)
        return draft

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
