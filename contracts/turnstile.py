"""How many checks are run at one time: one, once the target has been asked too much at once."""

from __future__ import annotations

from threading import Condition

from .target.budget import Meter


class Turnstile:
    """Lets all checks in, and one at a time after the target has said 429."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._inside = 0
        self._left = Condition()

    def __enter__(self) -> None:
        with self._left:
            self._left.wait_for(lambda: self._inside == 0 or not self._meter.crowded)
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._left:
            self._inside -= 1
            self._left.notify_all()

    def step_aside(self) -> None:
        """Goes out and comes in again, when those who crowd the target have left."""
        self.__exit__()
        self.__enter__()
