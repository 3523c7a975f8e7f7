"""Follow what happens in a session, or in all of the caller's sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from sparring.fixtures.shaping.wire import Wire
from sparring.spec.meaning.binding import Binding
from sparring.spec.model import Session
from sparring.spec.openapi.document import Operation
from sparring.spec.streams import sse

from ..requests.negotiation import choose
from ..requests.requests import Request
from ..responses.answers import Answer, Stream
from ..responses.faults import Delivery, Severed
from ..responses.problems import Problem
from ..worlds.signals import owner_signal
from ..worlds.turns import SESSIONS, decode_session, read_log, replay
from .sessions import SessionHandler

KEEP_ALIVE = 15.0
_PATIENCE = 60.0


class Subscribe(SessionHandler):
    """message.subscribe: everything after the client's last event, then what happens."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._stream = wire.stream_of(operation)

    async def __call__(self, request: Request) -> Answer | Stream:
        """Answers with a stream that ends after a silence, or with its session."""
        stream_type = self.responder.stream_type or "text/event-stream"
        if choose(request.accept, [stream_type]) is None:
            raise Problem(406, "H406", f"This answers with {stream_type}.")
        place = self.binding.wait
        wait = place.read(request) if place is not None else None
        patience = _PATIENCE if wait is None else float(wait)
        if self.binding.every_session or self.given_id(request) is None:
            frames = self._follow_all(request, patience)
        else:
            session = await self.find_by(request, await self.enter(request))
            after = self._start(request, session)
            frames = self._follow(request, session, after, patience)
        return Stream(self.responder.status, stream_type.encode(), frames)

    def _start(self, request: Request, session: Session) -> int:
        """The position after which a client wants to see what happens: its last event, or now."""
        last = request.headers.get("last-event-id")
        if last is not None:
            return int(last) if str(last).isdecimal() else 0
        running = request.world.running.get(session.id)
        return session.position - 1 if running is None else running.position(session.position - 1)

    async def _frames(
        self, request: Request, session: Session, after: int
    ) -> list[tuple[int, bytes]]:
        running = request.world.running.get(session.id)
        if running is not None and after >= running.first - 1:
            return running.frames(self._stream, after)
        log = await read_log(request.world, session.id)
        return replay(self._stream, session, log, after)

    async def _follow(
        self, request: Request, session: Session, after: int, patience: float
    ) -> AsyncIterator[bytes]:
        world = request.world
        with world.signals.listen(session.id) as signal:
            silence = 0.0
            while True:
                signal.clear()
                spoiled = world.spoiled.get(session.id)
                if spoiled is not None and after < spoiled.first:
                    del world.spoiled[session.id]
                    for position, frame in await self._frames(request, session, after):
                        if position < spoiled.first:
                            yield frame
                    delivery = Delivery(spoiled.faults, self._stream.framing, world.clock)
                    async for frame in delivery.stream(spoiled.follow(self._stream)):
                        yield frame
                    if delivery.close == "reset":
                        raise Severed
                    if delivery.close is not None:
                        return
                    after, silence = spoiled.position(after), 0.0
                frames = await self._frames(request, session, after)
                for position, frame in frames:
                    yield frame
                    after = position
                if frames:
                    silence = 0.0
                    continue
                if await world.store.read(SESSIONS, session.id) is None or silence >= patience:
                    return
                pause = min(KEEP_ALIVE, patience - silence)
                if not await _fired(signal, pause):
                    silence += pause
                    yield sse.COMMENT

    async def _follow_all(self, request: Request, patience: float) -> AsyncIterator[bytes]:
        """Every session of the caller, new ones too; it ends after a silence."""
        seen = {s.id: self._start(request, s) for s in await self._sessions(request)}
        with request.world.signals.listen(owner_signal(request.user)) as signal:
            silence = 0.0
            while silence < patience:
                signal.clear()
                told = False
                for session in await self._sessions(request):
                    after = seen.get(session.id, 0)
                    for position, frame in await self._frames(request, session, after):
                        yield frame
                        seen[session.id] = position
                        told = True
                if told:
                    silence = 0.0
                    continue
                pause = min(KEEP_ALIVE, patience - silence)
                if not await _fired(signal, pause):
                    silence += pause
                    yield sse.COMMENT

    async def _sessions(self, request: Request) -> list[Session]:
        data = await request.world.store.page(SESSIONS, request.user, 0, None, newest_first=False)
        return list(map(decode_session, data))


async def _fired(signal: asyncio.Event, pause: float) -> bool:
    try:
        await asyncio.wait_for(signal.wait(), pause)
    except TimeoutError:
        return False
    return True
