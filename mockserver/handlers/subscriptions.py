"""Follow what happens in a session, in all of them, or in one run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from sparring.spec import sse

from ..answers import Answer, Stream
from ..negotiation import choose
from ..problems import Problem
from ..requests import Request
from ..turns import SESSIONS, read_log, replay
from .sessions import SessionHandler

KEEP_ALIVE = 15.0


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
                    frames = replay(self.wire, await read_log(world, session), after)
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
