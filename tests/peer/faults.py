"""The faults that can be switched on by name."""

from collections.abc import Iterator
from dataclasses import dataclass

from . import catalogue_sessions, catalogue_talk


@dataclass(frozen=True)
class Fault:
    """One bug that real teams ship, and the sentence that forbids it."""

    name: str
    category: str
    does: str
    breaks: str


def _read(table: str) -> Iterator[Fault]:
    category = ""
    lines = iter(table.splitlines())
    for line in lines:
        if line.startswith("["):
            category = line.strip("[]")
        elif line:
            name, _, does = line.partition(": ")
            yield Fault(name, category, does, next(lines).strip())


FAULTS = {
    fault.name: fault
    for table in (catalogue_sessions.TABLE, catalogue_talk.TABLE)
    for fault in _read(table)
}
"""Every fault by its name."""
