"""One turn: what the client says is recorded, the agent answers, and the answer has the form that
the document gives it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import NamedTuple

import msgspec

from sparring.fixtures.shaping.recording import Surround
from sparring.fixtures.shaping.wire import Wire
from sparring.spec.errors import SparringError
from sparring.spec.meaning.binding import Binding
from sparring.spec.model import Entry, Session
from sparring.spec.openapi.document import Operation
from sparring.spec.turn import Kind, Step, Turn

from ..requests.negotiation import choose
from ..requests.requests import Request, SentHeaders
from ..responses.answers import Answer, Stream
from ..responses.faults import refuse
from ..responses.problems import Problem
from ..worlds.turns import SESSIONS, Journal, RunningTurn
from . import records
from .asking import ask, watch
from .incoming import Incoming, Said
from .resuming import can_resume, last_event, resume
from .sessions import SessionHandler

_DONE = Step(Kind.DONE, data={"finish": "stop"})


class Reply(NamedTuple):
    """What the agent said in one turn, why it ended, what it was asked, and whether it waits."""

    turn: str
    finish: str
    prompt: str
    messages: list[Entry]
    waits: bool = False


class Talk(SessionHandler, ABC):
    """What message.create and run.create share.

    The reply comes in the answer (`via: body`), as its stream (`sse`), or later, in the history or
    in a run (`poll`, `subscribe`); with `none` nobody replies.
    """

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self.incoming = Incoming(wire, operation, binding)
        self._surround = Surround(wire)
        self.via = binding.via
        stream_type = self.responder.stream_type
        if binding.via == "sse" and stream_type is None:
            stream_type = "text/event-stream"  # said in words only, as many documents do
        self._stream_type = stream_type
        self._stream = wire.stream_of(operation) if stream_type else wire.stream
        self._can_resume = can_resume(self._stream)
        end = self._stream.events.get(Kind.DONE.value)
        self._repeats = end is not None and "message.text" in end.places
        # Who does not care gets what the binding says, whatever the document lists first.
        self._offered = sorted(self.responder.offered, key=lambda name: name == stream_type)
        if binding.via == "sse" and stream_type and binding.when is None:
            self._offered = [stream_type]
        if stream_type and binding.record is not None and operation.annotated:
            message = f"{operation.label}: `record` has no meaning for a stream"
            source = wire.document.source
            raise SparringError(source.defect("D142", message, (*operation.pointer, "x-session")))

    async def __call__(self, request: Request) -> Answer | Stream:
        """Answers with the agent's reply, with the stream of it, or with what was recorded."""
        stream_type = self._wants_stream(request)
        if stream_type and self._can_resume and (last := last_event(request)):
            return await self._resume(request, stream_type, last)
        world, id = request.world, await self.enter(request)
        if id in world.busy:
            await self.find_by(request, id)  # nobody waits for a session that is not theirs
        await world.take(id)
        turn = None
        try:
            session = await self.find_by(request, id)
            if stream_type:
                turn = await self._begin(request, session)
                frames = turn.follow(self._stream)
                status, type_ = self.responder.status, stream_type.encode()
                return Stream(status, type_, frames, (), turn.faults)
            if self.via in ("poll", "subscribe"):
                said, turn = await self._later(request, session)
                answer = await self.recorded(request, session, said, turn)
                if turn is not None and self.via == "poll":
                    answer.faults = turn.faults  # nothing else is delivered
                return answer
            if self.via == "none":
                journal = Journal(world, self.wire, session)
                said = self.incoming.read(request, journal, session)
                if said.entries:
                    await journal.write(session, said.entries)
                return await self.recorded(request, session, said, None)
            return await self._at_once(request, session)
        finally:
            if turn is None:
                world.free(id)

    async def _resume(self, request: Request, stream_type: str, last: str) -> Stream:
        """The rest of an earlier turn; no new one starts."""
        session = await self.find_by(request, self.id_of(request))
        frames = await resume(request, self._stream, session, last)
        return Stream(self.responder.status, stream_type.encode(), frames)

    def _wants_stream(self, request: Request) -> str | None:
        """The media type of the stream that the client wants. Raises Problem 406."""
        when, stream_type = self.binding.when, self._stream_type
        if stream_type is None:
            if self._offered and choose(request.accept, self._offered) is None:
                raise Problem(406, "H406", f"This answers with {' or '.join(self._offered)}.")
            return None
        if when is not None and when(request):
            return stream_type
        if when is not None and request.accept != stream_type:
            return None
        chosen = choose(request.accept, self._offered) if self._offered else stream_type
        if chosen is None:
            raise Problem(406, "H406", f"This answers with {' or '.join(self._offered)}.")
        return chosen if chosen == stream_type else None

    async def _at_once(self, request: Request, session: Session) -> Answer:
        journal, said, turn = await self._ask(request, session)
        spoken = journal.play(session, turn, self._surround(turn.steps))
        record = self.binding.record
        if record is None or record.read(request) is not False:
            await journal.write(session, [*said.entries, *spoken])
            watch(request.world, self.wire, journal, turn.pause, session.position - 1)
        messages = [entry for entry in spoken if entry.kind is Kind.MESSAGE]
        reply = Reply(journal.turn, turn.finish, said.text or "", messages, turn.pause is not None)
        answer = await self.answer(request, session, reply)
        answer.faults = turn.faults
        return answer

    async def _begin(self, request: Request, session: Session) -> RunningTurn:
        """Records what came and starts a turn that goes on by itself."""
        first = session.position
        journal, said, turn = await self._ask(request, session)
        return await self._start(request, session, journal, said, turn, first)

    async def _later(self, request: Request, session: Session) -> tuple[Said, RunningTurn | None]:
        first = session.position
        journal, said, turn = await self._ask(request, session)
        when = self.binding.when
        silent = said.heard is None or (
            self._stream_type is None and when is not None and not when(request)
        )
        if silent:
            if said.entries:
                await journal.write(session, said.entries)
            return said, None
        return said, await self._start(request, session, journal, said, turn, first)

    async def _start(
        self,
        request: Request,
        session: Session,
        journal: Journal,
        said: Said,
        turn: Turn,
        first: int,
    ) -> RunningTurn:
        if said.entries:
            await journal.write(session, said.entries)
        running = RunningTurn(
            request.world,
            journal,
            first,
            repeats=self._repeats,
            faults=turn.faults,
            keepalive=turn.keepalive,
        )
        for entry in said.entries:
            running.show(entry)
        running.paused = partial(watch, request.world, self.wire, journal)
        if turn.faults and self.via == "subscribe":
            request.world.spoiled[session.id] = running
        await self.started(request, session, running, said.text or "")
        request.world.start(running.perform(turn, self._surround(turn.steps)), session.id)
        return running

    async def _ask(self, request: Request, session: Session) -> tuple[Journal, Said, Turn]:
        """Reads what the client says, and asks the script for the agent's answer."""
        world = request.world
        journal = Journal(world, self.wire, session)
        said = await self.read(request, journal, session)
        if said.heard is None:
            return journal, said, Turn([_DONE], session.cursor, "nothing to answer")
        heard = said.heard
        if world.cast.reads_headers:
            heard = msgspec.structs.replace(heard, headers=SentHeaders(request.sent))
        turn = ask(world, session, heard, said.results, said.attempt)
        if turn.faults:
            await self._refuse(request, session, turn)
        return journal, said, turn

    async def _refuse(self, request: Request, session: Session, turn: Turn) -> None:
        """Answers with an error where a fault says so; only how often it did is kept."""
        try:
            refuse(turn.faults)
        except Problem:
            record = await self.find_by(request, session.id)
            record.cursor |= {"faults": turn.cursor.get("faults", {})}
            await records.save(request, SESSIONS, record)
            raise

    async def read(self, request: Request, journal: Journal, session: Session) -> Said:
        """What the request says."""
        return self.incoming.read(request, journal, session)

    async def started(
        self, request: Request, session: Session, running: RunningTurn, prompt: str
    ) -> None:
        """Called when a turn is about to play on by itself."""
        return

    @abstractmethod
    async def answer(self, request: Request, session: Session, reply: Reply) -> Answer:
        """The body with the agent's reply."""

    @abstractmethod
    async def recorded(
        self, request: Request, session: Session, said: Said, running: RunningTurn | None
    ) -> Answer:
        """The body that says what was recorded; the reply, if any, comes elsewhere."""
