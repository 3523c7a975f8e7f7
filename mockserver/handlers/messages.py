"""Talk: send a message; read, change, delete and clear the history; read the suggestions."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from sparring.fixtures.shaping.wire import Wire
from sparring.spec import model, pointers
from sparring.spec.meaning.binding import Binding, descends
from sparring.spec.model import Entry, Session
from sparring.spec.openapi.document import Operation
from sparring.spec.turn import Kind

from ..requests.requests import Request
from ..responses.answers import Answer
from ..responses.problems import Problem
from ..worlds.signals import owner_signal
from ..worlds.turns import (
    RUNS,
    SESSIONS,
    Journal,
    RunningTurn,
    decode_run,
    decode_session,
    read_log,
)
from . import records
from .incoming import Said, plain
from .paging import Pager, Part
from .sessions import SessionHandler
from .talk import Reply, Talk


class Create(Talk):
    """message.create"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._reply = wire.reply(operation, binding)
        self._rows = wire.list(operation, binding)
        self._is_list = bool(binding.items)
        items = (*binding.items, "*") if self._is_list else binding.entity
        self._row = wire.row(binding, wire.shaper.at(self.responder.schema, items))

    async def answer(self, request: Request, session: Session, reply: Reply) -> Answer:
        """The body with the agent's reply."""
        turn, finish, prompt, messages, _ = reply
        return self.responder.json(self._reply(session.id, turn, finish, prompt, messages))

    async def recorded(
        self, request: Request, session: Session, said: Said, running: RunningTurn | None
    ) -> Answer:
        """The body that says what was recorded."""
        rows = [self._row(entry) for entry in said.entries]
        if self._is_list:
            return self.responder.json(self._rows(rows, {"total": len(rows)}))
        body: Any = rows[-1] if rows else {}
        for token in reversed(self.binding.entity):
            body = {token: body}
        return self.responder.json(body)


class _Spoken(SessionHandler):
    """What the handlers of what was said share: whose log it is."""

    async def entries(self, request: Request) -> list[tuple[Session, Entry]]:
        """Every message or event that the request can speak of, with its session: those of one
        session, of one run, or of all the caller's sessions. Raises Problem 404."""
        target = self.binding.target
        if self.given_id(request) is not None:
            sessions = [await self.find(request)]
        elif target is not None and (found := await self._run(request, target.read(request))):
            session, turn = found
            entries = await self._log(request, session)
            return [(session, entry) for entry in entries if entry.turn == turn]
        else:
            everything = await request.world.store.page(
                SESSIONS, request.user, 0, None, newest_first=False
            )
            sessions = list(map(decode_session, everything))
        return [(s, entry) for s in sessions for entry in await self._log(request, s)]

    async def _log(self, request: Request, session: Session) -> list[Entry]:
        log = await read_log(request.world, session.id)
        return model.stored(log) if self.binding.shape == "event" else model.history(log)

    async def _run(self, request: Request, id: Any) -> tuple[Session, str] | None:
        data = await request.world.store.read(RUNS, str(id))
        run = decode_run(data) if data is not None else None
        if run is None or run.owner != request.user:
            return None
        return await self.find_by(request, run.session), run.turn

    async def one(self, request: Request) -> tuple[Session, Entry]:
        """The message that the request names. Raises Problem 404."""
        target = self.binding.target
        id = str(target.read(request)) if target is not None else ""
        for session, entry in await self.entries(request):
            if entry.id == id:
                return session, entry
        raise Problem(404, "H404", f"There is no message {id}.")


class List(_Spoken):
    """message.list: the history, or the event list."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._row = wire.rows(operation)
        self._list = wire.list(operation, binding)
        self._pager = Pager(binding)
        self._filters = records.Filters(binding.filters)
        self._newest_first = operation.promises.get("history.order", {}).get("dir") == "desc"

    async def __call__(self, request: Request) -> Answer:
        """Answers with one page; where the request waits for news, an empty one comes late."""
        place = self.binding.wait
        wait = place.read(request) if place is not None else None
        part = await self._part(request)
        if wait and not part.items and not isinstance(wait, str):
            part = await self._news(request, float(wait))
        rows = [self._row(entry) for entry in part.items]
        return self.responder.json(self._list(rows, part.told))

    async def _news(self, request: Request, patience: float) -> Part[Entry]:
        """The page as soon as there is something on it, or when `patience` seconds are over."""
        name = self.given_id(request) or owner_signal(request.user)
        with request.world.signals.listen(name) as signal, suppress(TimeoutError):
            async with asyncio.timeout(min(patience, _PATIENCE)):
                while True:
                    signal.clear()
                    if (part := await self._part(request)).items:
                        return part
                    await signal.wait()
        return await self._part(request)

    async def _part(self, request: Request) -> Part[Entry]:
        found = [entry for _, entry in await self.entries(request)]
        direction = self.binding.order_direction
        if descends(direction.read(request)) if direction else self._newest_first:
            found.reverse()
        if tests := self._filters.active(request):
            found = [entry for entry in found if all(test(self._row(entry)) for test in tests)]
        return self._pager.cut(request, found, _id_of, _offset_of)


_PATIENCE = 60.0


def _id_of(entry: Entry) -> str:
    return entry.id


def _offset_of(entry: Entry) -> int | None:
    return entry.offset


class Get(_Spoken):
    """message.get"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        schema = wire.shaper.at(self.responder.schema, binding.entity)
        self._row = wire.row(binding, schema)

    async def __call__(self, request: Request) -> Answer:
        """Answers with one message."""
        _, entry = await self.one(request)
        return self.respond(entry)

    def respond(self, entry: Entry) -> Answer:
        """The answer that shows an entry."""
        body: Any = self._row(entry)
        for token in reversed(self.binding.entity):
            body = {token: body}
        return self.responder.json(body)


class Update(Get):
    """message.update: the text, where the body has one, and what else it sets."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._attributes = records.Attributes(wire.request_shaper, operation)
        place, row = binding.input, binding.row or wire.model.message
        at = pointers.split(place.name) if place is not None and place.part == "body" else row.text
        self._text = at[0] if at else ""

    async def __call__(self, request: Request) -> Answer:
        """Answers with the message as it is now."""
        session, entry = await self.one(request)
        extra = self._attributes(request.body)
        text = plain(extra.pop(self._text, None))
        journal = Journal(request.world, self.wire, session)
        data = {"of": entry.id, "text": text, "extra": extra}
        edit = journal.entry(session, Kind.EDIT, "user", data=data)
        await journal.write(session, [edit])
        _, changed = await self.one(request)
        return self.respond(changed)


class Delete(_Spoken):
    """message.delete"""

    async def __call__(self, request: Request) -> Answer:
        """Takes one message out of the history."""
        session, entry = await self.one(request)
        journal = Journal(request.world, self.wire, session)
        session.count -= entry.kind is Kind.MESSAGE
        gone = journal.entry(session, Kind.DELETION, "user", data={"of": entry.id})
        await journal.write(session, [gone])
        return self.responder.json({"id": entry.id, "deleted": True})


class Clear(SessionHandler):
    """message.clear: the session stays, its log is empty; positions and offsets go on."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.record(operation, binding)

    async def __call__(self, request: Request) -> Answer:
        """Waits for a running turn, then empties the log."""
        world, id = request.world, self.id_of(request)
        await self.find(request)  # nobody waits for a session that is not theirs
        await world.take(id)
        try:
            session = await self.find(request)
            page = self.binding.page
            since = page.start.read(request) if page.start and page.style == "watermark" else None
            if since is None:
                await world.store.clear(session.id)
                session.count = 0
                model.touch(session, world.clock.now())
                await records.save(request, SESSIONS, session)
            else:
                await self._forget(request, session, int(since))
        finally:
            world.free(id)
        return self.responder.json(await self.show(self._shape, request, session))

    async def _forget(self, request: Request, session: Session, since: int) -> None:
        """Takes what has an offset from `since` on out of the history."""
        journal = Journal(request.world, self.wire, session)
        log = model.stored(await read_log(request.world, session.id))
        gone = [entry for entry in log if (entry.offset or 0) >= since]
        session.count -= sum(entry.kind is Kind.MESSAGE for entry in gone)
        entries = [
            journal.entry(session, Kind.DELETION, "user", data={"of": entry.id}) for entry in gone
        ]
        if entries:
            await journal.write(session, entries)


class Suggestions(SessionHandler):
    """suggestion.list"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._row = wire.suggestion(operation, binding)
        self._list = wire.list(operation, binding)
        self._pager = Pager(binding)
        self._oldest_first = operation.promises.get("list.order", {}).get("dir") == "asc"

    async def __call__(self, request: Request) -> Answer:
        """Answers with one page, the newest first unless the document says otherwise."""
        session = await self.find(request)
        found = model.suggestions(await read_log(request.world, session.id))
        if self._oldest_first:
            found.reverse()
        part = self._pager.cut(request, found, lambda row: str(row[0].data["ids"][row[1]]))
        rows = [self._row(session.id, *suggestion) for suggestion in part.items]
        return self.responder.json(self._list(rows, part.told))
