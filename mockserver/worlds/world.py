"""A world: its own sessions, clock, ids and users. Worlds on one server never meet."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparring.fixtures.script.cast import Cast

from ..requests.limits import RateLimits
from .clock import Clock, RealClock
from .signals import Signals
from .store import MemoryStore, Store

if TYPE_CHECKING:
    from .turns import RunningTurn

DEFAULT_KEYS: Mapping[str, str] = {"alice-key": "alice", "bob-key": "bob"}


@dataclass
class World:
    """Everything that two tests must not share. `keys` says which key is whose."""

    cast: Cast = field(default_factory=Cast)
    keys: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_KEYS))
    seed: str = "sparring"
    play_seed: str = ""
    """What every session draws from in its turns, in place of its id."""
    store: Store = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=RealClock)
    signals: Signals = field(default_factory=Signals)
    limits: RateLimits = field(default_factory=RateLimits)
    running: dict[str, RunningTurn] = field(default_factory=dict)
    broken: str = ""
    """What is wrong with a file that was changed, while the last good one is played."""
    spoiled: dict[str, RunningTurn] = field(default_factory=dict)
    """The last turn of a session, if the subscription that shows it has faults; who takes it out is
    the one that is spoiled."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.busy: set[str] = set()

    @property
    def somebody(self) -> str:
        """The user of those who need no key."""
        return next(iter(self.keys.values()))

    async def take(self, session: str) -> None:
        """Waits until no turn runs in the session, and makes it busy until it is freed."""
        if session in self.busy:
            with self.signals.listen(session) as freed:
                while session in self.busy:
                    freed.clear()
                    await freed.wait()
        self.busy.add(session)

    def free(self, session: str) -> None:
        """Lets the next turn of the session begin."""
        self.busy.discard(session)
        self.signals.fire(session)

    def start(self, turn: Coroutine[Any, Any, None], session: str) -> None:
        """Plays a turn to its end, whoever listens, then frees its session."""
        self.spawn(turn).add_done_callback(lambda _: self.free(session))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Does something that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @contextmanager
    def running_turn(self, session: str, turn: RunningTurn) -> Iterator[None]:
        """Makes a turn known as the one that runs in the session."""
        self.running[session] = turn
        try:
            yield
        finally:
            self.running.pop(session, None)
            self.signals.fire(session)
