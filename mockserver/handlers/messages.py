"""Talk: send a message, read the history, clear it, follow it, stop the running turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from operator import itemgetter
from typing import Any

from sparring.fixtures.player import play
from sparring.fixtures.recording import Surround
from sparring.fixtures.shapes import Location, Slot
from sparring.fixtures.wire import ListShape, ReplyShape, SuggestionShape, Wire
from sparring.spec import model, pointers, sse
from sparring.spec.binding import Binding
from sparring.spec.document import Operation
from sparring.spec.errors import SparringError
from sparring.spec.model import Entry, Session
from sparring.spec.turn import Kind, Step, Turn

from ..answers import Answer, Stream
from ..negotiation import choose
from ..problems import Problem
from ..requests import Request
from ..turns import SESSIONS, Journal, RunningTurn, decode_entry, replay
from . import records
from .sessions import SessionHandler, seen

KEEP_ALIVE = 15.0


class Create(SessionHandler):
    """message.create: one turn, as one JSON body or as an event stream."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._incoming = _Incoming(wire, operation, binding)
        self._reply = ReplyShape(wire, binding, self.responder.schema)
        self._surround = Surround(wire)
        stream_type = self.responder.stream_type
        self._offered = self.responder.offered
        if binding.via == "sse" and stream_type:
            self._offered = [stream_type]
        if stream_type and binding.record is not None:
            message = f"{operation.label}: `record` has no meaning for a stream"
            source = wire.document.source
            raise SparringError(source.defect("D142", message, (*operation.pointer, "x-session")))

    async def __call__(self, request: Request) -> Answer | Stream:
        """Answers with the agent's reply, or with the stream of it."""
        chosen = choose(request.accept, self._offered) if self._offered else ""
        if chosen is None:
            raise Problem(406, "H406", f"This answers with {' or '.join(self._offered)}.")
        world, id = request.world, self.id_of(request)
        if id in world.busy:
            await self.find(request)  # nobody waits for a session that is not theirs
        await world.take(id)
        plays_on = False
        try:
            session = await self.find(request)
            if chosen != self.responder.stream_type:
                return await self._answer(request, session)
            stream = await self._stream(request, session, chosen)
            plays_on = True
            return stream
        finally:
            if not plays_on:
                world.free(id)

    async def _answer(self, request: Request, session: Session) -> Answer:
        journal, entries, text, turn = self._begin(request, session)
        said = journal.play(session, self._surround(turn.steps))
        session.cursor = dict(turn.cursor) or session.cursor
        record = self.binding.record
        if record is None or record.read(request) is not False:
            await journal.write(session, [*entries, *said])
        messages = [entry for entry in said if entry.kind is Kind.MESSAGE]
        return self.responder.json(self._reply(journal.turn, turn.finish, text, messages))

    async def _stream(self, request: Request, session: Session, media_type: str) -> Stream:
        first = session.position
        journal, entries, _, turn = self._begin(request, session)
        await journal.write(session, entries)
        running = RunningTurn(request.world, self.wire, journal, first)
        for entry in entries:
            running.show(entry)
        request.world.start(running.perform(turn, self._surround(turn.steps)), session.id)
        return Stream(self.responder.status, media_type.encode(), running.follow())

    def _begin(self, request: Request, session: Session) -> tuple[Journal, list[Entry], str, Turn]:
        """Records what the user sent, and asks the script for its answer."""
        world = request.world
        journal = Journal(world, self.wire, session)
        entries, text = self._incoming.entries(request, journal, session)
        if text is None:
            return journal, entries, "", Turn([_DONE], session.cursor, iter(()), "tool result")
        seed = f"{world.seed}/{session.id}"
        return journal, entries, text, play(world.script, session.cursor, text, seen(session), seed)


_DONE = Step(Kind.DONE, data={"finish": "stop"})


class _Incoming:
    """Turns a request body into the entries that record it."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        self._binding = binding
        self._row = wire.model.message
        self._kinds = wire.model.event.kind
        at = binding.messages
        text = self._row.text or ("content",)
        if at is not None and binding.input is not None:
            text = pointers.split(binding.input.name)[len(at) + 1 :]
        self._read_text = pointers.getter(text)
        words = self._row.role
        self._roles = {theirs: ours for ours, theirs in words.words.items()} if words else {}
        self._read_role = pointers.getter(words.at) if words else None
        self._known = frozenset({text[0], *(words.at[:1] if words else ())})
        self._read_messages = pointers.getter(at) if at is not None else None
        shaper, each = wire.request_shaper, (*(at or ()), pointers.EACH)
        elements = [shaper.at(media.schema, each) for media in operation.body.values()]
        self._names = frozenset(name for schema in elements for name in shaper.named(schema))

    def entries(
        self, request: Request, journal: Journal, session: Session
    ) -> tuple[list[Entry], str | None]:
        """The entries, and the text that the agent answers; None for a tool's result."""
        binding, body = self._binding, request.body
        if binding.kind is not None and self._kinds is not None:
            word = pointers.first(body, binding.kind)
            if self._kinds.ours(word) == Kind.TOOL_RESULT.value:
                return [self._tool_result(request, journal, session)], None
        if self._read_messages is None:
            text = plain(binding.input.read(request) if binding.input else None)
            return [journal.entry(session, Kind.MESSAGE, "user", text=text)], text
        entries = []
        text = ""
        for element in self._read_messages(body) or ():
            text = plain(self._read_text(element))
            extra = self._extra(element)
            data = {"extra": extra} if extra else None
            role = self._role(element)
            entries.append(journal.entry(session, Kind.MESSAGE, role, text=text, data=data))
        return entries, text

    def _role(self, element: Any) -> str:
        word = self._read_role(element) if self._read_role else None
        return self._roles.get(word, word) if isinstance(word, str) else "user"

    def _extra(self, element: Any) -> dict[str, Any]:
        if not isinstance(element, dict) or element.keys() <= self._known:
            return {}
        extra = {k: v for k, v in element.items() if k not in self._known and v is not None}
        return {k: v for k, v in extra.items() if k in self._names} if self._names else extra

    def _tool_result(self, request: Request, journal: Journal, session: Session) -> Entry:
        binding = self._binding
        data = {
            "id": pointers.first(request.body, binding.tool_call or ("tool_call_id",)),
            "result": binding.tool_output.read(request) if binding.tool_output else None,
        }
        return journal.entry(session, Kind.TOOL_RESULT, "user", data=data)


def plain(content: Any) -> str:
    """The text of a message's content: a string, or the `text` of each of its parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(plain(part) for part in content)
    return plain(content["text"]) if isinstance(content, dict) and "text" in content else ""


class List(SessionHandler):
    """message.list: the history, or the event list."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._row = wire.rows(operation)
        self._list = ListShape(
            wire.shaper, self.responder.schema, binding.items, binding.page.total
        )
        self._filters = records.Filters(binding.filters)
        self._newest_first = operation.promises.get("history.order", {}).get("dir") == "desc"

    async def __call__(self, request: Request) -> Answer:
        """Answers with one page."""
        session = await self.find(request)
        log = [decode_entry(data) for data in await request.world.store.log(session.id)]
        entries = model.history(log) if self.binding.shape == "message" else model.stored(log)
        page = self.binding.page
        if page.style == "watermark" and page.start:
            start = page.start.read(request) or 0
            entries = [entry for entry in entries if (entry.offset or 0) >= start]
        if self._newest_first:
            entries.reverse()
        tests = self._filters.active(request)
        if tests:
            rows = [self._row(entry) for entry in entries]
            rows = [row for row in rows if all(test(row) for test in tests)]
            total, shown = len(rows), list(records.cut(request, self.binding, rows))
        else:
            total = len(entries)
            shown = [self._row(entry) for entry in records.cut(request, self.binding, entries)]
        return self.responder.json(self._list(shown, total))


class Clear(SessionHandler):
    """message.clear: the session stays, its log is empty; positions and offsets go on."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = self.shape()

    async def __call__(self, request: Request) -> Answer:
        """Waits for a running turn, then empties the log."""
        world, id = request.world, self.id_of(request)
        await self.find(request)  # nobody waits for a session that is not theirs
        await world.take(id)
        try:
            session = await self.find(request)
            await world.store.clear(session.id)
            session.count = 0
            model.touch(session, world.clock.now())
            await records.save(request, SESSIONS, session)
        finally:
            world.free(id)
        return self.responder.json(self._shape(session))


class Stop(SessionHandler):
    """session.act with the effect `cancel`."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        places: dict[Location, Any] = {
            (name,): Slot(itemgetter(name)) for name in binding.body_template
        }
        self._build = wire.shaper.compile(self.responder.schema, places)

    async def __call__(self, request: Request) -> Answer:
        """Stops the running turn and waits until it has ended."""
        session = await self.find(request)
        running = request.world.running.get(session.id)
        turn: dict[str, Any] = {"id": None, "stopped": False, "finish": "stopped", "usage": None}
        if running is not None:
            running.stop()
            await running.ended()
            turn |= {"id": running.id, "stopped": True}
        values = self.binding.body({"turn": turn}) if self.binding.body else {}
        return self.responder.json(self._build(values))


class Subscribe(SessionHandler):
    """message.subscribe: everything after the client's last event, then what happens."""

    async def __call__(self, request: Request) -> Answer | Stream:
        """Answers with a stream that ends after a silence, or with its session."""
        stream_type = self.responder.stream_type or "text/event-stream"
        if choose(request.accept, [stream_type]) is None:
            raise Problem(406, "H406", f"This answers with {stream_type}.")
        session = await self.find(request)
        last = request.headers.get("last-event-id")
        after = session.position - 1
        if last is not None:
            after = int(last) if str(last).isdigit() else 0
        elif (running := request.world.running.get(session.id)) is not None:
            after = max((position for position, _ in running.frames), default=after)
        wait = self.binding.wait.read(request) if self.binding.wait else None
        frames = self._follow(request, session.id, after, 60.0 if wait is None else float(wait))
        return Stream(self.responder.status, stream_type.encode(), frames)

    async def _follow(
        self, request: Request, session: str, after: int, wait: float
    ) -> AsyncIterator[bytes]:
        world = request.world
        with world.signals.listen(session) as signal:
            silence = 0.0
            while True:
                signal.clear()
                running = world.running.get(session)
                if running is not None and after >= running.first - 1:
                    frames = [frame for frame in running.frames if frame[0] > after]
                else:
                    frames = await replay(world, self.wire, session, after)
                for position, frame in frames:
                    yield frame
                    after = position
                if frames:
                    silence = 0.0
                    continue
                if await world.store.read(SESSIONS, session) is None or silence >= wait:
                    return
                pause = min(KEEP_ALIVE, wait - silence)
                try:
                    await asyncio.wait_for(signal.wait(), pause)
                except TimeoutError:
                    silence += pause
                    yield sse.COMMENT


class Suggestions(SessionHandler):
    """suggestion.list"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        shaper, schema = wire.shaper, self.responder.schema
        self._row = SuggestionShape(wire, shaper.at(schema, (*binding.items, "*")))
        self._list = ListShape(shaper, schema, binding.items, binding.page.total)
        self._oldest_first = operation.promises.get("list.order", {}).get("dir") == "asc"

    async def __call__(self, request: Request) -> Answer:
        """Answers with one page, the newest first unless the document says otherwise."""
        session = await self.find(request)
        log = [decode_entry(data) for data in await request.world.store.log(session.id)]
        found = model.suggestions(log)
        if self._oldest_first:
            found.reverse()
        shown = records.cut(request, self.binding, found)
        rows = [self._row(session.id, *suggestion) for suggestion in shown]
        return self.responder.json(self._list(rows, len(found)))
