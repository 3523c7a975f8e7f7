"""Each fault is seen by its probe, and the correct server passes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from . import probes_access, probes_data, probes_run, probes_talk
from .client import Api, users
from .faults import FAULTS
from .server import serve

MODULES = (probes_access, probes_data, probes_run, probes_talk)
Probe = Callable[[Api, Api], None]


def _probe(fault: str) -> Probe:
    name = fault.replace(".", "_").replace("-", "_")
    found = [vars(m)[name] for m in MODULES if name in vars(m)]
    assert len(found) == 1, f"{fault} has {len(found)} probes"
    probe: Probe = found[0]
    return probe


@pytest.fixture(scope="module")
def correct() -> Iterator[str]:
    with serve() as url:
        yield url


@pytest.mark.parametrize("fault", FAULTS)
def test_the_probe_sees_the_fault_and_nothing_else(fault: str, correct: str) -> None:
    probe = _probe(fault)
    with users(correct) as (alice, bob):
        probe(alice, bob)
    with serve([fault]) as url, users(url) as (alice, bob), pytest.raises(AssertionError):
        probe(alice, bob)
