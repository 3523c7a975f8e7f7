"""What a contract run finds: one value a cause."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .errors import Position
from .exchange import Exchange


class Severity(Enum):
    """How much it hurts: `critical` loses or leaks data, `major` breaks clients."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Blame(Enum):
    """Who has to change."""

    IMPLEMENTATION = "implementation"
    DOCUMENT = "document"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise, with the shortest sequence of requests that shows it.

    `position` is where the document makes the promise; `reproduced` of `tried` runs showed it.
    """

    promise: str
    operation: str
    message: str
    expected: str
    seen: str
    suite: str
    exchanges: Sequence[Exchange] = ()
    severity: Severity = Severity.MAJOR
    blame: Blame = Blame.IMPLEMENTATION
    position: Position | None = None
    seed: int = 0
    reproduced: int = 1
    tried: int = 1

    @property
    def id(self) -> str:
        """Stable over runs: it hangs on the promise, the operation and what was expected."""
        text = f"{self.promise}\n{self.operation}\n{self.expected}"
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    def curl(self) -> str:
        """A shell script that repeats the sequence."""
        return "\n".join(exchange.request.curl() for exchange in self.exchanges)
