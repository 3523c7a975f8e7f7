"""The time of a world: what it is, and how to wait for it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where a world reads the time; times are microseconds since 1970 (UTC)."""

    def now(self) -> int:
        """The time, later with every call."""
        ...

    def timer(self, seconds: float) -> asyncio.Future[None]:
        """A future that is done after so many seconds; who cancels it stops waiting."""
        ...


class RealClock:
    """The time of the machine, made strictly rising: no two events of a world share an instant."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """The time, later with every call."""
        now = time.time_ns() // 1000
        if now <= self._last:
            now = self._last + 1
        self._last = now
        return now

    def timer(self, seconds: float) -> asyncio.Future[None]:
        """A future that is done after so many seconds."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        handle = loop.call_later(seconds, _finish, future)
        future.add_done_callback(lambda _: handle.cancel())
        return future


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
