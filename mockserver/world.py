"""A world: its own sessions, clock, ids and users. Worlds on one server never meet."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from sparring.fixtures.script import Script, default_script

from .clock import Clock, RealClock
from .signals import Signals
from .store import MemoryStore, Store

if TYPE_CHECKING:
    from .turns import RunningTurn

DEFAULT_KEYS: Mapping[str, str] = {"alice-key": "alice", "bob-key": "bob"}


@dataclass
class World:
    """Everything that two tests must not share. `keys` says which key is whose."""

    script: Script = field(default_factory=default_script)
    keys: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_KEYS))
    seed: str = "sparring"
    store: Store = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=RealClock)
    signals: Signals = field(default_factory=Signals)
    running: dict[str, RunningTurn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def somebody(self) -> str:
        """The user of those who need no key."""
        return next(iter(self.keys.values()))

    def lock(self, session: str) -> asyncio.Lock:
        """The lock that keeps the turns of one session apart."""
        lock = self._locks.get(session)
        if lock is None:
            lock = self._locks[session] = asyncio.Lock()
        return lock

    def start(self, turn: Coroutine[Any, Any, None], lock: asyncio.Lock) -> None:
        """Plays a turn to its end, whoever listens, then frees its session."""
        task = asyncio.create_task(turn)
        self._tasks.add(task)

        def finish(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            lock.release()

        task.add_done_callback(finish)

    @contextmanager
    def running_turn(self, session: str, turn: RunningTurn) -> Iterator[None]:
        """Makes a turn known as the one that runs in the session."""
        self.running[session] = turn
        try:
            yield
        finally:
            self.running.pop(session, None)
            self.signals.fire(session)
