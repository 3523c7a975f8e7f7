"""Each fault is seen by its probe, and the correct server passes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from . import probes_access, probes_data, probes_run, probes_talk
from .client import Api, users
from .faults import FAULTS
from .server import Server, host

PROBES: dict[str, Callable[[Api, Api], None]] = {
    name: probe
    for module in (probes_access, probes_data, probes_run, probes_talk)
    for name, probe in vars(module).items()
    if name.split("_")[0] in {fault.category for fault in FAULTS.values()}
}


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


@pytest.fixture(scope="module")
def alice_and_bob(server: Server) -> Iterator[tuple[Api, Api]]:
    with host(server) as url, users(url) as both:
        yield both


def test_there_is_a_probe_for_each_fault() -> None:
    assert sorted(PROBES) == sorted(name.replace(".", "_").replace("-", "_") for name in FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_probe_holds_until_the_fault_is_there(
    fault: str, server: Server, alice_and_bob: tuple[Api, Api]
) -> None:
    probe = PROBES[fault.replace(".", "_").replace("-", "_")]
    server.reset(())
    probe(*alice_and_bob)
    server.reset([fault])
    with pytest.raises(AssertionError):
        probe(*alice_and_bob)
