"""The time of a world: what it is, and how to wait for it."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Protocol

_Timer = asyncio.Future[None]
_ROUNDS = 32  # of the event loop in which those that a timer wakes come to their next one


class Clock(Protocol):
    """Where a world reads the time; times are microseconds since 1970 (UTC)."""

    def now(self) -> int:
        """The time, later with every call."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment: what `timer` is measured in."""
        ...

    def timer(self, seconds: float) -> _Timer:
        """A future that is done after so many seconds; who cancels it stops waiting."""
        ...


class RealClock:
    """The time of the machine, made strictly rising: no two events of a world share an instant."""

    def __init__(self) -> None:
        self._last = 0
        self.monotonic: Callable[[], float] = time.monotonic

    def now(self) -> int:
        """The time, later with every call."""
        now = time.time_ns() // 1000
        if now <= self._last:
            now = self._last + 1
        self._last = now
        return now

    def timer(self, seconds: float) -> _Timer:
        """A future that is done after so many seconds."""
        loop = asyncio.get_running_loop()
        future: _Timer = loop.create_future()
        handle = loop.call_later(seconds, _finish, future)
        future.add_done_callback(lambda _: handle.cancel())
        return future


class ManualClock:
    """Time that stands still until it is told to go on, so that nothing depends on the machine.

    Only `now` moves by itself, one microsecond a call: no two events share an instant.
    """

    def __init__(self, start: datetime = datetime(2025, 3, 3, 9, tzinfo=UTC)) -> None:
        self._start = int(start.timestamp()) * 1_000_000 + start.microsecond
        self._last = self._start - 1
        self._elapsed = 0.0
        self._timers: list[tuple[float, int, _Timer]] = []
        self._numbers = count()
        self._made = 0
        self._moving = asyncio.Lock()

    def now(self) -> int:
        """The time, later with every call."""
        self._last = max(self._last + 1, self._start + round(self._elapsed * 1_000_000))
        return self._last

    def monotonic(self) -> float:
        """The seconds by which the time was moved so far."""
        return self._elapsed

    def timer(self, seconds: float) -> _Timer:
        """A future that is done once the time has been moved so far."""
        future: _Timer = asyncio.get_running_loop().create_future()
        self._made += 1
        heapq.heappush(self._timers, (self._elapsed + seconds, next(self._numbers), future))
        return future

    async def advance(self, seconds: float) -> None:
        """Moves the time; all that is due on the way happens at its own moment, one by one."""
        async with self._moving:
            await self._rest(None)
            end = self._elapsed + seconds
            while (due := self._next()) is not None and due <= end:
                await self._fire()
            self._elapsed = end

    async def advance_to_next(self) -> float | None:
        """Moves the time to the next moment at which somebody waits for it, such as the next piece
        of a message, and says by how many seconds; None when nobody waits."""
        async with self._moving:
            await self._rest(None)
            before = self._elapsed
            if self._next() is None:
                return None
            await self._fire()
            return self._elapsed - before

    def _next(self) -> float | None:
        """When the first timer is due that is still waited for."""
        while self._timers and self._timers[0][2].done():
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    async def _fire(self) -> None:
        """Ends the first timer, and lets those who waited for it come to their next one."""
        due, _, future = heapq.heappop(self._timers)
        self._elapsed = max(self._elapsed, due)
        future.set_result(None)
        await self._rest(self._made)

    async def _rest(self, made: int | None) -> None:
        """Lets everyone else run, at most until there are more timers than were `made`."""
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
            if made is not None and self._made > made:
                await asyncio.sleep(0)
                return


def _finish(future: _Timer) -> None:
    if not future.done():
        future.set_result(None)
