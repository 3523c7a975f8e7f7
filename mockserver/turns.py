"""Plays turns: one at a time a session, kept going by the server whoever listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from sparring.fixtures.recording import AGENT_KINDS, Recorder
from sparring.fixtures.wire import Wire
from sparring.spec import model
from sparring.spec.model import Entry, Session
from sparring.spec.turn import Kind, Step, Turn

from .world import World

SESSIONS = "sessions"

logger = logging.getLogger("sparring.mockserver")

_encode = msgspec.json.encode
decode_session = msgspec.json.Decoder(Session).decode
decode_entry = msgspec.json.Decoder(Entry).decode


class Gone(Exception):
    """The session was deleted while its turn ran."""


class Journal(Recorder):
    """Records one turn in a world: each write holds entries and the session's record together."""

    def __init__(self, world: World, wire: Wire, session: Session) -> None:
        super().__init__(wire, world.chance, world.clock.now)
        self.session = session.id
        self.attributes = session.attributes
        self._created = session.created
        self._world = world

    async def read(self) -> Session:
        """The session as it is now. Raises Gone, also when another one has taken its id."""
        data = await self._world.store.read(SESSIONS, self.session)
        session = decode_session(data) if data is not None else None
        if session is None or session.created != self._created:
            raise Gone
        return session

    async def write(self, record: Session, entries: list[Entry]) -> None:
        """Stores the record and the new entries, which are one change of the session."""
        model.touch(record, entries[-1].created)
        store = self._world.store
        await store.write(SESSIONS, record.id, _encode(record))
        await store.append(record.id, [_encode(entry) for entry in entries])
        self._world.signals.fire(record.id)


class RunningTurn:
    """A turn that is being streamed. `frames` holds all that it has streamed, by position."""

    def __init__(self, world: World, wire: Wire, journal: Journal, first: int) -> None:
        self.id = journal.turn
        self.first = first
        self.session = journal.session
        self.frames: list[tuple[int, bytes]] = []
        self.finished = False
        self.stopped = False
        self._world = world
        self._wire = wire
        self._journal = journal
        self._timer: asyncio.Future[None] | None = None
        self._changed = asyncio.Event()
        self._due = 0.0
        self._said: str | None = None

    def stop(self) -> None:
        """Makes the turn end after what it has said so far."""
        self.stopped = True
        if self._timer is not None:
            self._timer.cancel()

    async def follow(self) -> AsyncIterator[bytes]:
        """The frames from the first one on, each as soon as it is there, to the end of the turn."""
        index = 0
        while True:
            while index < len(self.frames):
                yield self.frames[index][1]
                index += 1
            if self.finished:
                return
            self._changed.clear()
            await self._changed.wait()

    async def ended(self) -> None:
        """Returns when the turn is over."""
        async for _ in self.follow():
            pass

    def show(self, entry: Entry) -> None:
        """Streams an entry that is stored already."""
        frame = self._wire.stream.entry(entry, self._journal.attributes)
        self._add([(entry.position, frame)] if frame else [])

    async def perform(self, turn: Turn, steps: list[Step]) -> None:
        """Plays the steps in their time; at the end the session is free for its next turn."""
        self._due = asyncio.get_running_loop().time()
        try:
            with self._world.running_turn(self.session, self):
                for step in steps:
                    await self._wait(step.after)
                    if self.stopped:
                        await self._end_early(None)
                        break
                    if step.kind is Kind.MESSAGE:
                        if not await self._say(step, turn):
                            break
                    else:
                        await self._do(step)
                await self._settle(turn)
        except Gone:
            self._add(self._last_words("session_deleted", "The session was deleted."))
        except Exception:
            logger.exception("a turn of session %s failed", self.session)
            self._add(self._last_words("mock_failed", "The mock server failed."))
        finally:
            self.finished = True
            self._changed.set()

    async def _say(self, step: Step, turn: Turn) -> bool:
        """Streams a message piece by piece and stores it; False when it was cut short."""
        record = await self._journal.read()
        message, position, text = self._journal.new_id(), record.position, ""
        said: list[str] = []
        for index, piece in enumerate(step.pieces):
            await self._wait(next(turn.gaps))
            if self.stopped:
                break
            text += piece
            said.append(piece)
            now = self._world.clock.now()
            entry = Entry(position + index, None, Kind.CHUNK, message, self.id, "agent", now)
            frame = self._wire.stream.chunk(
                entry, entry.position, index, piece, self._journal.attributes
            )
            self._add([(entry.position, frame)] if frame else [])
        if self.stopped and len(said) < len(step.pieces):
            await self._end_early((message, text, said) if said else None)
            return False
        self._said = message
        await self._store(Kind.MESSAGE, id=message, text=text, pieces=said)
        return True

    async def _do(self, step: Step) -> None:
        said = {} if step.kind in AGENT_KINDS else {"message": self._said}
        await self._store(step.kind, data={**said, **step.data})

    async def _end_early(self, part: tuple[str, str, list[str]] | None) -> None:
        if part is not None:
            message, text, said = part
            await self._store(Kind.MESSAGE, id=message, text=text, pieces=said, state="stopped")
        data = {"message": part[0] if part else None, "finish": "stopped"}
        await self._store(Kind.STOPPED, data=data)

    async def _store(self, kind: Kind, **parts: Any) -> None:
        record = await self._journal.read()
        entry = self._journal.entry(record, kind, "agent", **parts)
        await self._journal.write(record, [entry])
        self.show(entry)

    def _last_words(self, code: str, message: str) -> list[tuple[int, bytes]]:
        """The end of a stream when nothing can be stored any more."""
        position = max((position for position, _ in self.frames), default=self.first) + 1
        data = {"code": code, "message": message}
        now = self._world.clock.now()
        entry = Entry(position, None, Kind.ERROR, "", self.id, "agent", now, data=data)
        frame = self._wire.stream.entry(entry, self._journal.attributes)
        return [(position, frame)] if frame else []

    async def _settle(self, turn: Turn) -> None:
        record = await self._journal.read()
        record.cursor = dict(turn.cursor) or record.cursor
        await self._world.store.write(SESSIONS, record.id, _encode(record))

    async def _wait(self, seconds: float) -> None:
        """Waits until the next step is due. Always yields, so that a client can leave."""
        loop = asyncio.get_running_loop()
        self._due = max(self._due + seconds, loop.time() - 0.05)
        left = self._due - loop.time()
        if left <= 0 or self.stopped:
            await asyncio.sleep(0)
            return
        self._timer = self._world.clock.timer(left)
        try:
            await self._timer
        except asyncio.CancelledError:
            if not self.stopped:
                raise

    def _add(self, frames: list[tuple[int, bytes]]) -> None:
        if frames:
            self.frames += frames
            self._changed.set()
            self._world.signals.fire(self.session)


async def replay(world: World, wire: Wire, session: str, after: int) -> list[tuple[int, bytes]]:
    """The frames of everything in the log after a position, those of pieces made again."""
    frames: list[tuple[int, bytes]] = []
    record = await world.store.read(SESSIONS, session)
    seen = decode_session(record).attributes if record is not None else {}
    for data in await world.store.log(session):
        entry = decode_entry(data)
        if entry.position > after:
            frames += [frame for frame in wire.stream.frames(entry, seen) if frame[0] > after]
    return frames
