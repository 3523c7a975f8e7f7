"""Whether what callers saw at one instant fits one order of what they did (Wing and Gong 1993)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

MOST = 200_000
"""Positions of the search; one that takes more is no evidence."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as its caller saw it, between two instants in seconds.

    `after` tells what may be stored after it, from what was stored before; nothing where its
    answer does not fit.
    """

    begin: float
    end: float
    after: Callable[[Hashable], Iterable[Hashable]]


def linear(calls: Sequence[Call], stored: Hashable) -> bool:
    """Whether some order of the calls explains every answer, beginning with what was stored.

    A call that ended before another began stands before it.
    """
    everything = (1 << len(calls)) - 1
    left: list[tuple[int, Hashable]] = [(0, stored)]
    seen = set(left)
    while left and len(seen) < MOST:
        done, now = left.pop()
        if done == everything:
            return True
        open_ = [n for n in range(len(calls)) if not done >> n & 1]
        first_end = min(calls[n].end for n in open_)
        for n in open_:
            if calls[n].begin > first_end:
                continue
            following = {(done | 1 << n, then) for then in calls[n].after(now)} - seen
            seen |= following
            left += following
    return len(seen) >= MOST
