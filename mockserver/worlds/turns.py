"""Plays turns: one at a time a session, kept going by the server whoever listens."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

import msgspec

from sparring.fixtures.shaping.recording import AGENT_KINDS, Recorder, leave, without_pause
from sparring.fixtures.shaping.wire import Wire
from sparring.spec import model
from sparring.spec.model import Entry, Run, Session
from sparring.spec.streams import sse
from sparring.spec.streams.events import EventStream
from sparring.spec.turn import TERMINAL, Fault, Kind, Pause, Step, Turn

from .clock import Clock
from .world import World

SESSIONS = "sessions"
RUNS = "runs"

_BATCH = 64  # what is sent at once, if the script does not say when: so many pieces
_MOMENT = 0.002  # or those of so many seconds

logger = logging.getLogger("sparring.mockserver")

_encode = msgspec.json.encode
decode_session = msgspec.json.Decoder(Session).decode
decode_entry = msgspec.json.Decoder(Entry).decode
decode_run = msgspec.json.Decoder(Run).decode


class Gone(Exception):
    """The session was deleted while its turn ran."""


class Journal(Recorder):
    """Records one turn in a world: each write holds entries and the session's record together."""

    def __init__(self, world: World, wire: Wire, session: Session) -> None:
        super().__init__(wire, world.chance, world.clock.now)
        self.session = session.id
        self.owner = session.owner
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
        await write(self._world, record, entries)


async def write(world: World, record: Session, entries: list[Entry]) -> None:
    """Stores a session's record and new entries of its log as one change."""
    model.touch(record, entries[-1].created if entries else world.clock.now())
    store = world.store
    await store.write(SESSIONS, record.id, _encode(record))
    await store.append(record.id, [_encode(entry) for entry in entries])
    world.signals.fire(record.id, record.owner)


class RunningTurn:
    """A turn that plays by itself, whoever follows it, and in whichever form."""

    def __init__(
        self,
        world: World,
        journal: Journal,
        first: int,
        *,
        repeats: bool = False,
        faults: Sequence[Fault] = (),
        keepalive: float | None = None,
    ) -> None:
        """`repeats`: the end of the turn has all of its text once more. `faults` spoil how it is
        delivered; after `keepalive` seconds of silence its stream says that it lives."""
        self.id = journal.turn
        self.first = first
        self.session = journal.session
        self.faults = faults
        self._keepalive = keepalive
        # What has happened, by position: an entry or, of the message that it belongs to, a piece.
        self._happened: list[tuple[int, Entry, int, str | None]] = []
        self.finished = False
        self.stopped = False
        self.settled: Callable[[str], Awaitable[None]] | None = None
        self.paused: Callable[[Pause, int], None] | None = None
        self._world = world
        self._journal = journal
        self._seen = {**journal.attributes, "id": journal.session}
        self._timer: asyncio.Future[None] | None = None
        self._changed = asyncio.Event()
        self._due = 0.0
        self._told = 0  # how much of what has happened the followers know of
        self._told_at = 0.0
        self._said: str | None = None
        self._text: list[str] | None = [] if repeats else None
        self._turn = Turn((), {})
        self._ended: Kind | None = None

    def stop(self) -> None:
        """Makes the turn end after what it has said so far."""
        self.stopped = True
        if self._timer is not None:
            self._timer.cancel()

    @property
    def was_stopped(self) -> bool:
        """Whether it ended because it was stopped."""
        return self._ended is Kind.STOPPED

    def position(self, default: int) -> int:
        """The position of the last thing that happened."""
        return self._happened[-1][0] if self._happened else default

    def covers(self, position: int) -> bool:
        """Whether something of the turn, as far as it has come, stands at a position."""
        return self.first <= position <= self.position(self.first - 1)

    def frames(self, stream: EventStream, after: int) -> list[tuple[int, bytes]]:
        """The frames of what has happened behind a position."""
        behind = self._happened[bisect_right(self._happened, after, key=itemgetter(0)) :]
        found = ((event[0], self._frame(stream, event)) for event in behind)
        return [(position, frame) for position, frame in found if frame]

    def _frame(self, stream: EventStream, event: tuple[int, Entry, int, str | None]) -> bytes:
        position, entry, index, piece = event
        if piece is None:
            return stream.entry(entry, self._seen)
        return stream.chunk(entry, position, index, piece, self._seen)

    async def follow(self, stream: EventStream, after: int = 0) -> AsyncIterator[bytes]:
        """The frames behind a position to the end of the turn, those that are there together; in
        SSE, a comment after each silence of `keepalive` seconds."""
        happened = self._happened
        index = bisect_right(happened, after, key=itemgetter(0))
        silence = None
        if self._keepalive is not None and stream.framing.names:
            silence = _Silence(self._world.clock, self._keepalive)
        while True:
            while index < len(happened):
                batch = happened[index : index + _BATCH]
                index += len(batch)
                if frames := b"".join([self._frame(stream, event) for event in batch]):
                    yield frames
                    if silence is not None:
                        silence.broken()
                if index < len(happened):
                    await asyncio.sleep(0)  # a client that has left must not make this spin
            if self.finished:
                return
            self._changed.clear()
            if silence is None:
                await self._changed.wait()
            elif await silence.lasts(self._changed):
                yield sse.COMMENT

    async def ended(self) -> None:
        """Returns when the turn is over."""
        while not self.finished:
            self._changed.clear()
            await self._changed.wait()

    def show(self, entry: Entry) -> None:
        """Tells the followers of an entry that is stored already."""
        self._tell((entry.position, entry, 0, None))

    async def perform(self, turn: Turn, steps: list[Step]) -> None:
        """Plays the steps in their time; at the end the session is free for its next turn."""
        self._due = self._world.clock.monotonic()
        self._turn = turn
        state = "failed"
        try:
            with self._world.running_turn(self.session, self):
                for step in steps:
                    await self._wait(step.after)
                    if self.stopped:
                        await self._end_early(None)
                        break
                    if step.kind is Kind.MESSAGE:
                        if not await self._say(step):
                            break
                    elif step.pieces:
                        if not await self._call(step):
                            break
                    else:
                        await self._do(step)
                if self._ended is Kind.STOPPED:
                    state = "stopped"
                elif turn.finish != "error":
                    state = "done" if turn.pause is None else "waiting"
        except Gone:
            self._last_words("session_deleted", "The session was deleted.")
        except Exception:
            logger.exception("a turn of session %s failed", self.session)
            self._last_words("mock_failed", "The mock server failed.")
        finally:
            if self.settled is not None:
                await self.settled(state)
            self.finished = True
            self._announce()
        if state == "waiting" and self.paused is not None and turn.pause is not None:
            self.paused(turn.pause, self.position(0))

    async def _say(self, step: Step) -> bool:
        """Streams a message piece by piece and stores it; False when it was cut short."""
        message, said, began = await self._in_pieces(step, Kind.CHUNK)
        parts = {"id": message, "text": "".join(said), "pieces": said, "created": began}
        if len(said) < len(step.pieces):
            if said:
                await self._store(Kind.MESSAGE, state="stopped", **parts)
            await self._end_early(message if said else None)
            return False
        self._said = message
        if self._text is not None:
            self._text.append(step.text)
        await self._store(Kind.MESSAGE, **parts)
        return True

    async def _call(self, step: Step) -> bool:
        """Streams the arguments of a tool call and stores it; False when they were cut short."""
        id, said, began = await self._in_pieces(step, Kind.TOOL_CHUNK)
        parts = {"id": id, "text": "".join(said), "pieces": said, "created": began}
        if len(said) < len(step.pieces):
            if said:
                await self._store(Kind.TOOL_CHUNK, data=step.data, state="stopped", **parts)
            await self._end_early(None)
            return False
        await self._store(step.kind, data=step.data, **parts)
        return True

    async def _in_pieces(self, step: Step, kind: Kind) -> tuple[str, list[str], int]:
        """Streams the pieces of a step: its id, those before the turn was stopped, and when."""
        record = await self._journal.read()
        id, position, now = self._journal.new_id(), record.position, self._world.clock.now()
        said: list[str] = []
        # A piece is told with the time of the whole: so it is the same when it is replayed.
        entry = Entry(position, None, kind, id, self.id, "agent", now, data=dict(step.data))
        for index, (piece, gap) in enumerate(
            zip(step.pieces, chain(step.gaps, repeat(0.0)), strict=False)
        ):
            if gap:
                await self._wait(gap)
            else:
                await asyncio.sleep(0)
            if self.stopped:
                break
            said.append(piece)
            self._happened.append((position + index, entry, index, piece))
            if gap or len(self._happened) - self._told >= _BATCH or self._is_late():
                self._announce()
        return id, said, now

    async def _do(self, step: Step) -> None:
        said: dict[str, Any] = {} if step.kind in AGENT_KINDS else {"message": self._said}
        if self._text is not None and step.kind is Kind.DONE:
            said["text"] = "".join(self._text)
        await self._store(step.kind, data={**said, **step.data})

    async def _end_early(self, message: str | None) -> None:
        """Ends a turn that was stopped, which then waits for nothing."""
        if (pause := self._turn.pause) is not None:
            cursor = without_pause(self._turn.cursor, pause.call)
            self._turn = msgspec.structs.replace(self._turn, cursor=cursor, pause=None)
        await self._store(Kind.STOPPED, data={"message": message, "finish": "stopped"})

    async def _store(self, kind: Kind, **parts: Any) -> None:
        record = await self._journal.read()
        if kind in TERMINAL:
            parts["data"] |= leave(record, self._turn)
            self._ended = kind
        entry = self._journal.entry(record, kind, "agent", **parts)
        await self._journal.write(record, [entry])
        self.show(entry)

    def _last_words(self, code: str, message: str) -> None:
        """Ends the stream when nothing can be stored any more."""
        position = self.position(self.first) + 1
        data = {"code": code, "message": message}
        now = self._world.clock.now()
        self.show(Entry(position, None, Kind.ERROR, "", self.id, "agent", now, data=data))

    async def _wait(self, seconds: float) -> None:
        """Waits until the next step is due. Always yields, so that a client can leave."""
        clock = self._world.clock
        now = clock.monotonic()
        self._due = max(self._due + seconds, now - 0.05)
        left = self._due - now
        if left <= 0 or self.stopped:
            await asyncio.sleep(0)
            return
        if len(self._happened) > self._told:
            self._announce()
        self._timer = clock.timer(left)
        try:
            await self._timer
        except asyncio.CancelledError:
            if not self.stopped:
                raise

    def _tell(self, event: tuple[int, Entry, int, str | None]) -> None:
        self._happened.append(event)
        self._announce()

    def _is_late(self) -> bool:
        return self._world.clock.monotonic() - self._told_at > _MOMENT

    def _announce(self) -> None:
        """Wakes those who follow."""
        self._told = len(self._happened)
        self._told_at = self._world.clock.monotonic()
        self._changed.set()
        self._world.signals.fire(self.session, self._journal.owner)


class _Silence:
    """Tells when a stream has been silent for so long that it must say that it lives."""

    def __init__(self, clock: Clock, limit: float) -> None:
        self._clock = clock
        self._limit = limit
        self._since = clock.monotonic()

    def broken(self) -> None:
        """Something was said just now."""
        self._since = self._clock.monotonic()

    async def lasts(self, news: asyncio.Event) -> bool:
        """Waits for news; True when the silence has lasted too long before they came."""
        timer = self._clock.timer(self._since + self._limit - self._clock.monotonic())
        wake = lambda _: news.set()  # noqa: E731
        timer.add_done_callback(wake)
        try:
            await news.wait()
        finally:
            timer.remove_done_callback(wake)
            is_over = timer.done() and not timer.cancelled()
            timer.cancel()
        if is_over:
            self.broken()
        return is_over


async def settle_run(world: World, id: str, state: str) -> None:
    """Says how far the run of a turn is, where the turn is one."""
    data = await world.store.read(RUNS, id)
    if data is not None:
        run = decode_run(data)
        run.state = state
        model.touch(run, world.clock.now())
        await world.store.write(RUNS, id, _encode(run))


async def read_log(world: World, session: str) -> list[Entry]:
    """The whole log of a session."""
    return [decode_entry(data) for data in await world.store.log(session)]


def replay(
    stream: EventStream, session: Session, log: Iterable[Entry], after: int
) -> list[tuple[int, bytes]]:
    """The frames of everything in a log after a position, those of pieces made again."""
    frames: list[tuple[int, bytes]] = []
    seen = {**session.attributes, "id": session.id}
    for entry in log:
        if entry.position > after:
            frames += [frame for frame in stream.frames(entry, seen) if frame[0] > after]
    return frames
