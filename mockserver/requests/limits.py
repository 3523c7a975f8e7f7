"""Rate limits: how often each caller of a world may talk."""

from __future__ import annotations

import math

from sparring.spec.turn import RateLimit

from ..responses.answers import Headers


class RateLimits:
    """Counts the requests of each caller. A period begins with a caller's first request."""

    def __init__(self) -> None:
        self._periods: dict[str, tuple[int, int]] = {}

    def take(self, limit: RateLimit, caller: str, now: int) -> tuple[Headers, float | None]:
        """Counts one request at a time (microseconds since 1970).

        Gives the headers that tell of the limit, and how many seconds the caller must wait, if so;
        X-RateLimit-Reset is the end of the period in seconds since 1970.
        """
        length = int(limit.seconds * 1_000_000)
        began, count = self._periods.get(caller, (now, 0))
        if now >= began + length:
            began, count = now, 0
        wait = None
        if count < limit.requests:
            count += 1
        else:
            wait = (began + length - now) / 1_000_000
        self._periods[caller] = began, count
        headers = [
            (b"x-ratelimit-limit", b"%d" % limit.requests),
            (b"x-ratelimit-remaining", b"%d" % max(limit.requests - count, 0)),
            (b"x-ratelimit-reset", b"%d" % math.ceil((began + length) / 1_000_000)),
        ]
        return headers, wait
