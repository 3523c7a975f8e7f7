"""Sessions, their logs and their turns."""

import asyncio
import secrets
import string
from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

ALPHABET = string.ascii_letters + string.digits
TICK = timedelta(milliseconds=1)
STORED = ("message", "status", "tool_call", "tool_result")

JsonObject = dict[str, Any]


def new_id() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(12))


def now() -> datetime:
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as a stream shows it."""

    position: int
    name: str
    data: JsonObject
    id: int
    """What the wire says the position is."""


class Feed:
    """Entries that can be followed while they come in."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.closed = False
        self._changed = asyncio.Event()

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._wake()

    def close(self) -> None:
        self.closed = True
        self._wake()

    def after(self, position: int) -> list[Entry]:
        start = bisect_right(self.entries, position, key=lambda entry: entry.position)
        return self.entries[start:]

    async def follow(self, position: int, silence: float | None = None) -> AsyncIterator[Entry]:
        """All that comes after the position, until the feed closes or nothing more comes."""
        while True:
            changed = self._changed
            for entry in self.after(position):
                position = entry.position
                yield entry
            if changed.is_set():
                continue
            if self.closed:
                return
            try:
                await asyncio.wait_for(changed.wait(), silence)
            except TimeoutError:
                return

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(frozen=True)
class Input:
    """What a client says in a turn: a message, a tool's result, or a decision on a call."""

    kind: str
    source: str
    data: JsonObject
    text: str
    """What the agent answers to."""


@dataclass(frozen=True)
class Tool:
    """What the agent can call, and how it does."""

    name: str
    arguments: JsonObject
    result: Any
    waits_for: str = ""
    """The kind of input without which a call does not go on."""


@dataclass(eq=False)
class Turn:
    inputs: list[Input]
    streamed: bool
    id: str = field(default_factory=new_id)
    feed: Feed = field(default_factory=Feed)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    finish_reason: str = "error"
    reply: JsonObject | None = None
    late: bool = False
    """Another turn had to end first."""
    task: asyncio.Task[None] | None = None

    async def stopped_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
        return self.stop.is_set()


@dataclass(eq=False)
class Session:
    id: str
    owner: str
    agent_id: str
    user_id: str
    attributes: JsonObject
    """What PUT and PATCH can change."""
    created_at: datetime
    updated_at: datetime
    revision: int = 0
    position: int = 0
    offset: int = 0
    log: Feed = field(default_factory=Feed)
    suggestions: list[JsonObject] = field(default_factory=list)
    turn: Turn | None = None
    begun: int = 0
    """How many turns run or wait."""
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)
    deleted: bool = False
    deleted_at: float = 0.0
    id_was_chosen: bool = False
    unrecorded: set[str] = field(default_factory=set)
    """Messages that a fault keeps out of the history."""
    miscounted: int = 0
    waiting: tuple[str, Tool] | None = None
    """The call that waits for the client, by its id."""
    stop_waits: bool = False
    """A fault stops the next turn."""
    wedged: bool = False
    """A fault lets no turn begin."""

    def events(self) -> list[JsonObject]:
        return [entry.data for entry in self.log.entries if entry.name in STORED]

    def messages(self) -> list[JsonObject]:
        return [
            event
            for event in self.events()
            if event["type"] == "message" and event["id"] not in self.unrecorded
        ]


class Wedged(asyncio.Lock):
    """A lock that somebody holds who will never let it go."""

    def locked(self) -> bool:
        return True

    async def acquire(self) -> Literal[True]:
        await asyncio.Event().wait()
        return True
