"""Runs: turns of the agent that have an id of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec

from sparring.fixtures.playing.player import Heard
from sparring.fixtures.shaping.recording import without_pause
from sparring.fixtures.shaping.wire import Wire
from sparring.spec import model
from sparring.spec.meaning.binding import Binding
from sparring.spec.model import Entry, Run, Session
from sparring.spec.openapi.document import Operation
from sparring.spec.streams.events import EventStream

from ..requests.requests import Request
from ..responses.answers import Answer, Stream
from ..responses.problems import Problem
from ..worlds.turns import (
    RUNS,
    SESSIONS,
    Journal,
    RunningTurn,
    decode_run,
    decode_session,
    read_log,
    replay,
    settle_run,
)
from . import Handler, records
from .again import compile_read, form_of, last_question
from .incoming import Said
from .paging import Pager
from .sessions import SessionHandler
from .talk import Reply, Talk

_encode = msgspec.json.encode


class Create(Talk):
    """run.create: the agent answers what the request says or, where it says nothing, what the
    user said last."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.run(operation, binding)
        self._attributes = records.Attributes(wire.request_shaper, operation)

    async def enter(self, request: Request) -> str:
        """The id of the session of the run; one that names none, or a new one, gets its own."""
        id = self.given_id(request)
        if id is None:
            made = await self.maker.make(request, None, self.scope(request), greeting=False)
            return made.id
        return await super().enter(request)

    async def read(self, request: Request, journal: Journal, session: Session) -> Said:
        """What the request says, else the last message of the log if it is the user's."""
        said = await super().read(request, journal, session)
        if said.entries:
            return said
        spoken = model.history(await read_log(request.world, session.id))
        asks = bool(spoken) and spoken[-1].role == "user"
        said.heard = Heard(spoken[-1].text if asks else said.text or "")
        return said

    async def started(
        self, request: Request, session: Session, running: RunningTurn, prompt: str
    ) -> None:
        """Stores the run, whose state follows the turn."""
        await self._make(request, session, running.id, "running", prompt)
        running.settled = partial(settle_run, request.world, running.id)

    async def _make(
        self, request: Request, session: Session, turn: str, state: str, prompt: str
    ) -> Run:
        now = request.world.clock.now()
        attributes = {**self._attributes(request.body), **self.scope(request)}
        run = Run(turn, request.user, now, now, attributes)
        run.session, run.turn, run.state, run.prompt = session.id, turn, state, prompt
        await request.world.store.create(RUNS, request.user, run.id, _encode(run))
        return run

    async def answer(self, request: Request, session: Session, reply: Reply) -> Answer:
        """The run with its output."""
        state = state_of(reply)
        run = await self._make(request, session, reply.turn, state, reply.prompt)
        return self.responder.json(self._shape(run, reply.messages))

    async def recorded(
        self, request: Request, session: Session, said: Said, running: RunningTurn | None
    ) -> Answer:
        """The run as it begins."""
        if running is None:
            journal = Journal(request.world, self.wire, session)
            run = await self._make(request, session, journal.turn, "done", said.text or "")
        else:
            run = decode_run(await request.world.store.read(RUNS, running.id) or b"")
        return self.responder.json(self._shape(run, ()))


class _RunHandler(SessionHandler):
    """What the handlers of runs share: which run it is, and what was said in it."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        paths = [p.name for p in operation.parameters if p.place == "path"]
        session = binding.session.name if binding.session else None
        self._run_parameter = paths[-1] if paths and paths[-1] != session else ""
        streams = self.responder.stream_type is not None
        self._stream = wire.stream_of(operation) if streams else wire.stream

    def run_id(self, request: Request) -> str | None:
        """The id of the run that a request names, None when it names none."""
        target = self.binding.target
        id = target.read(request) if target else request.path.get(self._run_parameter)
        return None if id is None else str(id)

    async def find_run(self, request: Request) -> Run:
        """The run that a request speaks of. Raises Problem 404."""
        id = self.run_id(request) or ""
        run: Run = await records.find(request, RUNS, id, decode_run)
        session = self.given_id(request) if self._names_session() else None
        if session is not None and session != run.session:
            raise Problem(404, "H404", f"There is no run {id} in session {session}.")
        if session is not None:
            await self.find_by(request, session)  # with a session its runs are gone
        return run

    def _names_session(self) -> bool:
        return bool(self.binding.session) or self._id_parameter not in ("", self._run_parameter)

    async def said(self, request: Request, run: Run) -> list[Entry]:
        """The agent's messages of a run."""
        log = model.history(await read_log(request.world, run.session))
        return [entry for entry in log if entry.turn == run.turn and entry.role == "agent"]

    def running(self, request: Request, run: Run) -> RunningTurn | None:
        """The turn of the run, if it is still being played."""
        turn = request.world.running.get(run.session)
        return turn if turn is not None and turn.id == run.turn else None


class Get(_RunHandler):
    """run.get; one whose answer is the output waits for it."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.run(operation, binding)

    async def __call__(self, request: Request) -> Answer | Stream:
        """Answers with the run as it is now."""
        run = await self.find_run(request)
        if self.binding.via == "body" and (turn := self.running(request, run)) is not None:
            await turn.ended()
            run = await self.find_run(request)
        return self.responder.json(self._shape(run, await self.said(request, run)))


class List(_RunHandler):
    """run.list"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.run(operation, binding, listed=True)
        self._list = wire.list(operation, binding)
        self._pager = Pager(binding)
        self._filters = records.Filters(binding.filters)

    async def __call__(self, request: Request) -> Answer:
        """Answers with one page of the caller's runs, or of those of one session."""
        session = self.given_id(request)
        if session is not None:
            await self.find(request)
        data = await request.world.store.page(RUNS, request.user, 0, None, newest_first=False)
        runs = [run for run in map(decode_run, data) if session in (None, run.session)]
        found = [(run, self._shape(run, await self.said(request, run))) for run in runs]
        for test in self._filters.active(request):
            found = [pair for pair in found if test(pair[1])]
        part = self._pager.cut(request, found, lambda pair: pair[0].id)
        return self.responder.json(self._list([row for _, row in part.items], part.told))


class Update(Get):
    """run.update"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._attributes = records.Attributes(wire.request_shaper, operation)

    async def __call__(self, request: Request) -> Answer | Stream:
        """Answers with the run as it is now."""
        run = await self.find_run(request)
        attributes = dict(run.attributes)
        records.merge(attributes, self._attributes(request.body))
        if records.change(run, attributes, request.world.clock.now()):
            await records.save(request, RUNS, run)
        return await super().__call__(request)


class Delete(_RunHandler):
    """run.delete"""

    async def __call__(self, request: Request) -> Answer:
        """Stops the run if it goes on, and forgets it; what was said stays."""
        run = await self.find_run(request)
        if (turn := self.running(request, run)) is not None:
            turn.stop()
            await turn.ended()
        await request.world.store.remove(RUNS, run.owner, run.id)
        return self.responder.json({"id": run.id, "deleted": True})


def compile_act(wire: Wire, operation: Operation, binding: Binding) -> Handler:
    """The handler of a run.act, by its effect."""
    goes_on = binding.effect in ("regenerate", "approve", "answer")
    return (GoOn if goes_on else Act)(wire, operation, binding)


class GoOn(_RunHandler, Talk):
    """run.act after which the same run goes on: `answer`, `approve` or `regenerate`."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self.via = form_of(self)
        self._read = compile_read(binding, self.incoming, self._question)
        self._shape = wire.run(operation, binding)

    async def enter(self, request: Request) -> str:
        """The id of the session of the run."""
        return (await self.find_run(request)).session

    async def read(self, request: Request, journal: Journal, session: Session) -> Said:
        """What the agent is told; what it answers belongs to the run."""
        said = await self._read(request, journal, session) if self._read else Said()
        journal.turn = self.run_id(request) or journal.turn
        for entry in said.entries:
            entry.turn = journal.turn
        return said

    def _question(self, request: Request, log: list[Entry]) -> Entry:
        """What the user had said when the run began."""
        id, standing = self.run_id(request), model.current(log)
        at = (i for i, e in enumerate(standing) if e.turn == id and e.role == "agent")
        return last_question(standing[: next(at, len(standing))])

    async def started(
        self, request: Request, session: Session, running: RunningTurn, prompt: str
    ) -> None:
        """The run goes on, and its state follows the turn."""
        await settle_run(request.world, running.id, "running")
        running.settled = partial(settle_run, request.world, running.id)

    async def answer(self, request: Request, session: Session, reply: Reply) -> Answer:
        """The run with its output."""
        await settle_run(request.world, reply.turn, state_of(reply))
        return await self._show(request)

    async def recorded(
        self, request: Request, session: Session, said: Said, running: RunningTurn | None
    ) -> Answer:
        """The run as it goes on."""
        return await self._show(request)

    async def _show(self, request: Request) -> Answer:
        run = await self.find_run(request)
        return self.responder.json(self._shape(run, await self.said(request, run)))


def state_of(reply: Reply) -> str:
    """How far the run is of which a reply is the output."""
    if reply.waits:
        return "waiting"
    return "failed" if reply.finish == "error" else "done"


class Act(Get):
    """Any other run.act: cancel stops the run, or those of a session."""

    async def __call__(self, request: Request) -> Answer | Stream:
        """Answers with the run as it is now."""
        if self.run_id(request) is None:
            return await self._stop_all(request)
        run = await self.find_run(request)
        if self.binding.effect == "cancel":
            await self._stop(request, run)
        run = await self.find_run(request)
        return self.responder.json(self._shape(run, await self.said(request, run)))

    async def _stop(self, request: Request, run: Run) -> None:
        """Stops a run that goes on, or one that waits, which then waits no more."""
        if (turn := self.running(request, run)) is not None:
            turn.stop()
            await turn.ended()
        elif run.state == "waiting":
            session = await self.find_by(request, run.session)
            session.cursor = without_pause(session.cursor, session.waiting)
            session.waiting = ""
            await records.save(request, SESSIONS, session)
            await settle_run(request.world, run.id, "stopped")

    async def _stop_all(self, request: Request) -> Answer:
        """Stops the runs of the session that the request names, of all where it names none."""
        session = self.given_id(request) if self.binding.session else None
        for turn in list(request.world.running.values()):
            if session not in (None, turn.session):
                continue
            data = await request.world.store.read(SESSIONS, turn.session)
            if data is not None and decode_session(data).owner == request.user:
                turn.stop()
                await turn.ended()
        return self.responder.json({})


class Subscribe(_RunHandler):
    """run.subscribe: the stream of a run from its beginning, or after the client's last event."""

    async def __call__(self, request: Request) -> Answer | Stream:
        """Answers with a stream that ends with the run."""
        run = await self.find_run(request)
        stream_type = self.responder.stream_type or "text/event-stream"
        spoiled = request.world.spoiled.get(run.session)
        if spoiled is not None and spoiled.id == run.turn:
            del request.world.spoiled[run.session]
            frames = spoiled.follow(self._stream)
            return Stream(self.responder.status, stream_type.encode(), frames, (), spoiled.faults)
        frames = _frames(self, self._stream, request, run)
        return Stream(self.responder.status, stream_type.encode(), frames)


async def _frames(
    handler: _RunHandler, stream: EventStream, request: Request, run: Run
) -> AsyncIterator[bytes]:
    last: Any = request.headers.get("last-event-id")
    after = int(last) if str(last).isdecimal() else 0
    if (turn := handler.running(request, run)) is not None:
        async for frame in turn.follow(stream, after):
            yield frame
        return
    entries = model.current(await read_log(request.world, run.session))
    mine = [entry for entry in entries if entry.turn == run.turn and entry.role == "agent"]
    session = await handler.find_by(request, run.session)
    for _, frame in replay(stream, session, mine, after):
        yield frame
