"""What was found out about one operation."""

from __future__ import annotations

from typing import NamedTuple

from ...meaning.binding import Role


class Verdict(NamedTuple):
    """A role, how sure it is from 0 to 1, and why; no role where it is no part of a talk."""

    role: Role | None
    confidence: float
    reason: str


def nothing(reason: str) -> Verdict:
    """No role, though something came near."""
    return Verdict(None, 0.75, reason)


NOTHING = Verdict(None, 0.95, "nothing in it speaks of sessions, messages or runs")
ELSEWHERE = Verdict(None, 0.95, "its path is about something else than a talk")
