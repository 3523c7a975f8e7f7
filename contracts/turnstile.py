"""How many checks are run at one time: fewer once the target is asked too much at once."""

from __future__ import annotations

from threading import Condition

from .target.budget import Meter

FEW = 2


class Turnstile:
    """Lets all checks in, and only a few at a time after the target has said 429."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._inside = 0
        self._left = Condition()

    def __enter__(self) -> None:
        with self._left:
            self._left.wait_for(lambda: self._inside < FEW or not self._meter.crowded)
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._left:
            self._inside -= 1
            self._left.notify_all()
