"""Threads, runs and messages in conventions of their own: nothing is found in the right server,
whether the document is plain or annotated, and what breaks its sentences is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import threads
from tests.contracts.conftest import share
from tests.contracts.known_threads import KNOWN, PLAIN
from tests.threads.faults import FAULTS
from tests.threads.server import serve

from sparring.contracts.findings.report import SUITES, State
from sparring.contracts.reports.console import summary
from sparring.contracts.suites import run
from sparring.spec.openapi.document import Document, load_document

HERE = Path(threads.__file__).parent
OVERLAYS = {
    "plain": [],
    "roles": [HERE / "overlay.yaml"],
    "annotated": [HERE / "annotations.yaml"],
}
OURS = tuple(name for name in SUITES if name not in ("conformance", "lifecycle", "script"))
"""The suites that do not make requests up."""


@pytest.fixture(scope="session")
def documents() -> dict[str, Document]:
    """The document as it is, with its roles, and with all that the vocabulary says of it."""
    return {
        name: load_document(str(HERE / "openapi.yaml"), overlays)
        for name, overlays in OVERLAYS.items()
    }


@pytest.mark.parametrize("tier", OVERLAYS)
def test_the_right_server_has_no_finding(tier: str, documents: dict[str, Document]) -> None:
    with serve() as url:
        report = run(url, documents[tier], suites=OURS, seed=1)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []
    assert [o.id for o in report.outcomes if o.state in (State.ERROR, State.BLOCKED)] == []
    assert report.count(State.PASSED) > 200, summary(report)


def test_requests_that_are_made_up_find_nothing(documents: dict[str, Document]) -> None:
    with serve() as url:
        report = run(url, documents["plain"], suites=("conformance",), seed=1, max_examples=3)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []


def found(fault: str, promise: str, document: Document) -> set[str]:
    """The promises that a server with a fault is found to break by the check of one."""
    with serve([fault]) as url:
        report = run(
            url,
            document,
            promises=[promise],
            retries=1,
            stop=lambda outcome: bool(outcome.findings),
        )
    return {finding.promise for finding in report.findings}


@pytest.mark.parametrize("fault", share(KNOWN))
def test_a_fault_is_found(fault: str, documents: dict[str, Document]) -> None:
    check, _, promise = KNOWN[fault].partition(" > ")
    assert (promise or check) in found(fault, check, documents["annotated"]), FAULTS[fault].sentence


@pytest.mark.parametrize("fault", PLAIN)
def test_a_fault_is_found_without_annotations(fault: str, documents: dict[str, Document]) -> None:
    check, _, promise = KNOWN[fault].partition(" > ")
    assert (promise or check) in found(fault, check, documents["plain"]), FAULTS[fault].sentence


def test_the_table_names_faults_that_exist() -> None:
    assert set(KNOWN) <= set(FAULTS)
    assert set(PLAIN) <= set(KNOWN)
