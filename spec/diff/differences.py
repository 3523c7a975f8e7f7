"""What comparing two schemas gives: differences, and the pairs below that are to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparring.spec.openapi.schemas import Path

from .change import Severity
from .shapes import Term

Pair = tuple[Term, Term]
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which two schemas differ, and where that stands in both documents."""

    kind: str
    message: str
    old: Path | None
    new: Path | None


@dataclass(frozen=True, slots=True)
class Step:
    """From a pair to one below it; `doubtful`: through alternatives that may overlap, where a
    wider one can take a value away from the union."""

    pair: Pair
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A difference somewhere below a place, and how much it hurts there."""

    difference: Difference
    severity: Severity


def listed(values: Mapping[str, Any]) -> str:
    """The first values, and how many there are more."""
    shown = ", ".join(list(values)[:_SHOWN])
    return f"{shown} and {len(values) - _SHOWN} more" if len(values) > _SHOWN else shown
