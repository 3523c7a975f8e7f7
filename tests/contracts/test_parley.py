"""Threads and messages whose document says nothing for tools: nothing is found in the right server,
and what breaks its schemas and its plain sentences is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import parley
from tests.contracts.conftest import share
from tests.contracts.known_parley import KNOWN
from tests.parley.app import ADA, BERT, serve
from tests.parley.faults import FAULTS

from sparring.contracts.findings.report import SUITES, State
from sparring.contracts.reports.console import summary
from sparring.contracts.suites import run
from sparring.spec.openapi.document import Document, load_document

OURS = tuple(name for name in SUITES if name not in ("conformance", "lifecycle", "script"))
"""The suites that do not make requests up."""


@pytest.fixture(scope="session")
def plain() -> Document:
    """The document as it is, and nothing beside."""
    return load_document(str(Path(parley.__file__).parent / "openapi.yaml"))


def test_the_right_server_has_no_finding(plain: Document) -> None:
    with serve() as url:
        report = run(url, plain, keys=(ADA, BERT), suites=OURS, seed=1)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []
    assert [o.id for o in report.outcomes if o.state in (State.ERROR, State.BLOCKED)] == []
    assert report.count(State.PASSED) > 120, summary(report)


@pytest.mark.parametrize("fault", share(KNOWN))
def test_a_fault_is_found(fault: str, plain: Document) -> None:
    check, _, promise = KNOWN[fault].partition(" > ")
    promise = promise or check
    with serve([fault]) as url:
        report = run(
            url,
            plain,
            keys=(ADA, BERT),
            promises=[check],
            retries=1,
            stop=lambda outcome: any(f.promise == promise for f in outcome.findings),
        )
    found = {finding.promise for finding in report.findings}
    assert [o.reason for o in report.outcomes if o.state is State.ERROR] == []
    assert promise in found, f"{FAULTS[fault].does} {FAULTS[fault].breaks}"


def test_a_server_that_fails_at_odd_texts_ends_no_check_in_an_error_of_ours(
    plain: Document,
) -> None:
    with serve(["malformed_json_500"]) as url:
        report = run(url, plain, keys=(ADA, BERT), promises=["input.extremes"], retries=1)
    assert State.ERROR not in {outcome.state for outcome in report.outcomes}
    assert report.count(State.FAILED) > 2


def test_the_table_names_faults_that_exist() -> None:
    assert set(KNOWN) <= set(FAULTS)
