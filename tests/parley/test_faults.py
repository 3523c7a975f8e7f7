"""Each fault is seen by its probe, and the right server passes it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import pytest

from . import probes_data, probes_talk
from .app import Server, host
from .client import Users, users
from .faults import FAULTS

PROBES: dict[str, Callable[[Users], None]] = {
    name: probe
    for module in (probes_data, probes_talk)
    for name, probe in inspect.getmembers(module, inspect.isfunction)
    if probe.__module__ == module.__name__ and not name.startswith("_")
}


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


@pytest.fixture(scope="module")
def everybody(server: Server) -> Iterator[Users]:
    with host(server.application()) as url, users(url) as them:
        yield them


def test_there_is_a_probe_for_each_fault() -> None:
    assert sorted(PROBES) == sorted(FAULTS)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no fault"):
        Server(["label_shared"])


@pytest.mark.parametrize("fault", FAULTS)
def test_the_probe_holds_until_the_fault_is_there(
    fault: str, server: Server, everybody: Users
) -> None:
    server.reset(())
    PROBES[fault](everybody)
    server.reset([fault])
    with pytest.raises((AssertionError, ValueError)):
        PROBES[fault](everybody)
