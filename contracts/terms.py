"""What a run knows of its target, may do there and may spend; and how options say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sparring.spec.errors import Defect, SparringError, nearest
from sparring.spec.openapi.document import Document

from .choice import Profile
from .target.budget import Budget
from .target.file import TargetFile, load_target

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?")
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:/(s|m))?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run knows of its target, what it may do there, and what it may spend.

    `include` names operations beside those of the file, `journal` is where made sessions are noted.
    """

    given: TargetFile = field(default_factory=TargetFile)
    profile: Profile = Profile.OWN
    budget: Budget = field(default_factory=Budget)
    include: tuple[str, ...] = ()
    journal: Path | None = None

    @property
    def operations(self) -> tuple[str, ...]:
        """All patterns of operations; the last that fits wins."""
        return (*self.given.operations, *self.include)


def terms_of(
    document: Document,
    *,
    target: Path | None = None,
    include: Sequence[str] = (),
    profile: str = "own",
    max_requests: int | None = None,
    max_time: str = "30m",
    rate: str | None = None,
    max_messages: int | None = None,
    journal: Path | None = None,
) -> Terms:
    """Reads the options and the target's file. Raises SparringError."""
    if profile not in list(Profile):
        remedy = nearest(profile, list(Profile)) or f"It is one of {', '.join(Profile)}."
        raise SparringError(Defect("C101", f"there is no profile {profile}", None, remedy))
    for name, most in (("--max-requests", max_requests), ("--max-messages", max_messages)):
        if most is not None and most < 0:
            raise SparringError(Defect("C101", f"{name} {most} is less than none"))
    budget = Budget(
        requests=max_requests,
        seconds=_seconds("--max-time", max_time),
        rate=_rate(rate) if rate is not None else None,
        messages=max_messages,
    )
    given = load_target(target, document) if target else TargetFile()
    return Terms(given, Profile(profile), budget, tuple(include), journal)


def _seconds(name: str, text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None or not (value := float(match[1]) * _SECONDS[match[2] or "s"]):
        remedy = "Write it as 90s or 10m."
        raise SparringError(Defect("C101", f"{name} {text} is not a duration", None, remedy))
    return value


def _rate(text: str) -> float:
    match = _RATE.fullmatch(text)
    if match is None or not (value := float(match[1]) / _SECONDS[match[2] or "s"]):
        remedy = "Write it as 5/s."
        raise SparringError(Defect("C101", f"--rate {text} is not a rate", None, remedy))
    return value
