"""The suites find the faults of a second server, and no fault where none is."""

from collections.abc import Iterator

import pytest
from tests.contracts.conftest import share
from tests.contracts.known_peer import BROKEN
from tests.peer.app import serve
from tests.peer.faults import FAULTS

from sparring.contracts.findings.report import SUITES, State
from sparring.contracts.suites import run
from sparring.spec.openapi.document import Document, load_document

PACE = 0.002
UNCAUGHT: dict[str, str] = {}
"""Faults that no promise finds, and why; nothing is to be added."""


@pytest.fixture(scope="module")
def plain() -> Document:
    """The sessions document, and nothing beside."""
    return load_document("sessions")


@pytest.fixture(scope="module")
def right() -> Iterator[str]:
    """The server without a fault."""
    with serve(pace=PACE) as url:
        yield url


def test_the_right_server_has_no_finding(right: str, plain: Document) -> None:
    suites = [name for name in SUITES if name not in ("lifecycle", "conformance", "script")]
    report = run(right, plain, suites=suites, seed=1)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []
    assert [o.id for o in report.outcomes if o.state in (State.ERROR, State.BLOCKED)] == []
    assert report.count(State.PASSED) > 300


@pytest.mark.parametrize("fault", share(BROKEN))
def test_a_fault_is_found_by_the_promise_that_it_breaks(fault: str, plain: Document) -> None:
    check, _, promise = BROKEN[fault].partition(" > ")
    with serve([fault], pace=PACE) as url:
        report = run(
            url,
            plain,
            promises=[check],
            retries=1,
            stop=lambda outcome: any(f.promise == (promise or check) for f in outcome.findings),
        )
    found = {finding.promise for finding in report.findings}
    assert [o.reason for o in report.outcomes if o.state is State.ERROR] == []
    assert (promise or check) in found, f"{FAULTS[fault].does} {FAULTS[fault].breaks}"


def test_every_fault_is_found_or_has_a_reason() -> None:
    assert set(BROKEN) | set(UNCAUGHT) == set(FAULTS)
    assert not set(BROKEN) & set(UNCAUGHT)
