"""How probes are written down."""

from collections.abc import Callable
from dataclasses import dataclass

from .client import Client


@dataclass(frozen=True)
class Probe:
    """Passes on the correct server, and fails with each of its faults."""

    run: Callable[[Client], None]
    faults: tuple[str, ...]
    pace: float


PROBES: list[Probe] = []


def shows(
    *faults: str, pace: float = 0.002
) -> Callable[[Callable[[Client], None]], Callable[[Client], None]]:
    def keep(run: Callable[[Client], None]) -> Callable[[Client], None]:
        PROBES.append(Probe(run, faults, pace))
        return run

    return keep
