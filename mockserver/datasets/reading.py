"""Reads back what a dataset has made, as a client would; keys that name nothing are put right."""

from __future__ import annotations

from typing import Any

import msgspec

from sparring.fixtures.shaping.wire import success_schema
from sparring.spec import pointers
from sparring.spec.meaning.binding import Location, Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import View

from ..handlers.resources import resource_binding
from ..worlds.store import MemoryStore
from ..worlds.turns import RUNS, SESSIONS, decode_entry
from .keys import Keys
from .related import Collection, nouns_of_sessions
from .telling import Talk, Teller

_ATTRIBUTES = 4
"""Where records have what their clients have set."""
_LISTS = {
    # the role: the file of a session that has its items
    Role.MESSAGE_LIST: "messages",
    Role.RUN_LIST: "runs",
    Role.SUGGESTION_LIST: "suggestions",
}


class Reader:
    """Asks for what there is; `refused` says what was not answered."""

    def __init__(self, document: Document, teller: Teller, keys: Keys, refused: list[str]) -> None:
        self._document, self._teller = document, teller
        self._keys, self._refused = keys, refused
        self._nouns = nouns_of_sessions(document)

    async def ask(self, operation: Operation, **said: Any) -> Any:
        """What an operation answers, None where it refuses."""
        response = (await self._teller.ask(operation, **said)).exchange.response
        if response.status >= 400:
            self._refused.append(f"{operation.label}: {response.status}")
            return None
        return response.json()

    async def items(self, collection: Collection) -> list[Any]:
        """The items of a collection as they are shown."""
        found: list[Any] = []
        ids = self._keys.of(collection.noun)
        about = collection.name, collection.noun
        if collection.read is not None and collection.place is not None:
            for id in ids:
                place = [(collection.place, id)]
                found += await self._rows(*about, collection.read, (), id, also=place) or []
        if not found and collection.list is not None and ids:
            binding = resource_binding(self._document, collection.list)
            at = binding.items
            found += await self._rows(*about, collection.list, at, binding.id) or []
        return found

    async def session(
        self, session: str, talk: Talk, made: Any
    ) -> tuple[list[Any], dict[str, list[Any]]]:
        """The session as it is shown, or as it was `made` where it is not shown again, and the
        items of its lists by the names of their files."""
        self._keys.of_session = await self._within(session)
        lists: dict[str, list[Any]] = {}
        for role, name in _LISTS.items():
            about = (RUNS if role is Role.RUN_LIST else ""), "run"
            for shape, operation in self._lists(role, talk).items():
                binding = operation.binding
                assert binding is not None
                limit = [(binding.page.limit, 100)] if binding.page.limit is not None else []
                rows = await self._rows(
                    *about, operation, binding.items, binding.id, session=session, also=limit
                )
                at = binding.run.session
                if rows is not None and at is not None:  # some list those of all sessions
                    rows = [r for r in rows if str(pointers.first(r, at, session)) == session]
                if rows is not None:
                    lists["events" if shape == "event" else name] = rows
        shown = await self._shown(session, talk)
        if not shown and made is not None:
            shown = [self._keys.mended(made, "session")]
        self._keys.of_session = {}
        return shown, lists

    async def _shown(self, session: str, talk: Talk) -> list[Any]:
        about = SESSIONS, "session"
        one = self._teller.requests.nearest(Role.SESSION_GET, talk.operation)
        if one is not None and one.binding is not None:
            found = await self._rows(*about, one, one.binding.entity, session, session=session)
            if found is not None:
                return found
        every = self._teller.requests.nearest(Role.SESSION_LIST, talk.operation)
        if every is None or every.binding is None:
            return []
        at = every.binding.id
        rows = await self._rows(*about, every, every.binding.items, at, session=session)
        return [row for row in rows or () if str(pointers.first(row, at)) == session]

    def _lists(self, role: Role, talk: Talk) -> dict[str, Operation]:
        """The list of a session with a role, and the one beside it that shows another shape."""
        first = self._teller.requests.nearest(role, talk.operation)
        if first is None or first.binding is None:
            return {}
        above = first.template.rstrip("/").rpartition("/")[0]
        found = {first.binding.shape: first}
        for other in self._document.with_role(role):
            if other.binding is not None and other.template.rpartition("/")[0] == above:
                found.setdefault(other.binding.shape, other)
        return found

    async def _within(self, session: str) -> dict[str, list[str]]:
        """The ids of a session and of what is in it, by their nouns."""
        store = self._teller.world.store
        log = [decode_entry(data) for data in await store.log(session)]
        found = {noun: [session] for noun in self._nouns}
        turns = list(dict.fromkeys(entry.turn for entry in log))
        said = [entry.id for entry in log if entry.kind == "message"]
        return found | {"message": said, "run": turns, "turn": turns}

    async def _rows(
        self, kind: str, noun: str, operation: Operation, at: Location, id: Any, **said: Any
    ) -> list[Any] | None:
        """What an operation shows at a place, once more where keys of it were put right: those of
        stored records of the `kind`, whose id is `id` or stands there."""
        answer = await self.ask(operation, **said)
        rows = _rows_at(answer, at)
        if rows is None or not kind:
            return rows
        schema = success_schema(operation)
        is_valid = self._document.schemas.at(schema, View.RESPONSE).is_valid if schema else None
        is_new = False
        for row in rows if is_valid is None or is_valid(answer) else ():
            for name, value in self._wrong(row, noun):
                old, row[name] = row[name], value
                if is_valid is None or is_valid(answer):
                    own = str(pointers.first(row, id) if isinstance(id, tuple) else id)
                    await self._set(kind, own, name, value)
                    is_new = True
                else:  # it is not of the document's form
                    row[name] = old
                    self._keys.refuse(name, old)
        return _rows_at(await self.ask(operation, **said), at) if is_new else rows

    def _wrong(self, row: Any, noun: str) -> list[tuple[str, Any]]:
        """The members of a record with keys of what does not exist, and what they should be."""
        mended = self._keys.mended(row, noun)
        names = mended if isinstance(mended, dict) else ()
        return [(name, mended[name]) for name in names if mended[name] != row[name]]

    async def _set(self, kind: str, id: str, name: str, value: Any) -> None:
        """Gives a record an attribute."""
        store = self._teller.world.store
        assert isinstance(store, MemoryStore)
        for collection, _, other, data in list(store.records()):
            if other == id and collection.rstrip("/").rpartition("/")[2] == kind:
                record = msgspec.json.decode(data)
                record[_ATTRIBUTES][name] = value
                await store.write(collection, id, msgspec.json.encode(record))


def _rows_at(answer: Any, at: Location) -> list[Any] | None:
    found = pointers.first(answer, at) if answer is not None else None
    return found if found is None or isinstance(found, list) else [found]
