"""Each fault is seen by its probe, and the right server passes it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import pytest
from tests.parley.app import host

from . import probes
from .app import Server
from .client import People, people
from .faults import FAULTS

PROBES: dict[str, Callable[[People], None]] = {
    name: probe
    for name, probe in inspect.getmembers(probes, inspect.isfunction)
    if probe.__module__ == probes.__name__
}


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


@pytest.fixture(scope="module")
def everybody(server: Server) -> Iterator[People]:
    with host(server.application()) as url, people(url) as them:
        yield them


def test_there_is_a_probe_for_each_fault() -> None:
    assert sorted(PROBES) == sorted(FAULTS)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no fault"):
        Server(["buffer"])


@pytest.mark.parametrize("fault", FAULTS)
def test_the_probe_holds_until_the_fault_is_there(
    fault: str, server: Server, everybody: People
) -> None:
    server.reset(())
    PROBES[fault](everybody)
    server.reset([fault])
    with pytest.raises((AssertionError, ValueError)):
        PROBES[fault](everybody)
