"""What a contract run finds: one value a cause and operation."""

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


OVERLAP = "# Some of these requests overlapped: one after the other they may show nothing."


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise, with the shortest sequence of requests that shows it.

    `position` and `pointer` are where the document makes the promise; `reproduced` of `tried`
    runs showed it.
    `cause` tells the causes of one promise apart; unless given, that is what was expected.
    `concurrent`: some of the requests were under way at the same time, and may show nothing when
    they are sent one after the other.
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
    cause: str = ""
    pointer: str = ""
    concurrent: bool = False

    @property
    def id(self) -> str:
        """The promise and a hash of the cause: the same over runs, seeds, hosts and operations."""
        text = f"{self.promise}\n{self.cause or self.expected}".encode(errors="replace")
        return f"{self.promise}-{hashlib.sha256(text).hexdigest()[:8]}"

    @property
    def key(self) -> tuple[str, str]:
        """What tells the findings of one run apart: the cause, and the operation that shows it."""
        return self.id, self.operation

    def curl(self) -> str:
        """A shell script that repeats the sequence, with the ids that the server gives then."""
        from .replay import script

        text = script(self.exchanges)
        return f"{OVERLAP}\n{text}" if self.concurrent else text
