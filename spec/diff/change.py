"""What a change is: its kind, how much it hurts whom, and where it stands in both documents."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sparring.spec.errors import Position


class Severity(Enum):
    """Whether a client that worked with the old document works with the new one."""

    BREAKING = "breaking"
    UNKNOWN = "unknown"
    ADDITIVE = "additive"

    @property
    def rank(self) -> int:
        """0 for what hurts most."""
        return list(Severity).index(self)


class Way(Enum):
    """Which way a value travels: what clients send may be widened, what they receive narrowed."""

    SENT = "sent"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change: its severity where clients send the value and where they receive it, and
    what its author may do about it."""

    id: str
    sentence: str
    sent: Severity
    received: Severity
    remedy: str

    def severity(self, way: Way) -> Severity:
        """How much it hurts a client that sends, or that receives."""
        return self.sent if way is Way.SENT else self.received


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: its JSON Pointer in the text that it is written in, and the line."""

    pointer: str
    position: Position


@dataclass(frozen=True, slots=True)
class Site:
    """Where a change is met: an operation, and the part of it."""

    operation: str
    part: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Change:
    """One cause, however many operations it is met in; its severity is the worst of its sites."""

    kind: Kind
    severity: Severity
    message: str
    old: Place | None
    new: Place | None
    sites: tuple[Site, ...]

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations in which it is as bad as that, each once."""
        worst = (site for site in self.sites if site.severity is self.severity)
        return tuple(dict.fromkeys(site.operation for site in worst if site.operation))

    @property
    def remedy(self) -> str:
        """What to do about it; empty where nothing need be done."""
        return "" if self.severity is Severity.ADDITIVE else self.kind.remedy
