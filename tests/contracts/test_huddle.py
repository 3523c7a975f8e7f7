"""Huddles and utterances, in words that nobody else uses: nothing is found in the right server,
which takes three replies at once and no update without If-Match, and what breaks its document is.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import huddle
from tests.contracts.conftest import share
from tests.contracts.known_huddle import KNOWN, STATED
from tests.huddle.app import serve
from tests.huddle.faults import FAULTS
from tests.huddle.state import AMBER, BIRCH

from sparring.contracts.findings.report import State
from sparring.contracts.reports.console import summary
from sparring.contracts.suites import run
from sparring.spec.openapi.document import Document, load_document

OURS = ("promises", "streaming", "security", "races")
"""The suites that do not make requests up."""


@pytest.fixture(scope="session")
def plain() -> Document:
    """The document as it is, and nothing beside."""
    return load_document(str(Path(huddle.__file__).parent / "openapi.yaml"))


@pytest.fixture(scope="session")
def stated(plain: Document) -> Document:
    """The document with what its sentences say in the words of promises beside."""
    folder = Path(huddle.__file__).parent
    return load_document(str(folder / "openapi.yaml"), [folder / "overlay.yaml"])


def test_the_right_server_has_no_finding(plain: Document) -> None:
    with serve() as url:
        report = run(url, plain, keys=(AMBER, BIRCH), suites=OURS, seed=1)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []
    assert [o.id for o in report.outcomes if o.state in (State.ERROR, State.BLOCKED)] == []
    assert report.count(State.PASSED) > 150, summary(report)


@pytest.mark.parametrize("fault", share(KNOWN))
def test_a_fault_is_found(fault: str, plain: Document) -> None:
    _finds(fault, KNOWN[fault], plain)


def test_the_right_server_keeps_what_is_stated(stated: Document) -> None:
    promises = sorted({*STATED.values(), "stream.resume", "stream.terminal", "stream.ids"})
    with serve() as url:
        report = run(url, stated, keys=(AMBER, BIRCH), promises=promises, seed=1)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []
    kept = {o.promise for o in report.outcomes if o.state is State.PASSED}
    assert kept == set(promises), summary(report)


@pytest.mark.parametrize("fault", STATED)
def test_a_fault_is_found_once_the_document_states_what_it_breaks(
    fault: str, stated: Document
) -> None:
    _finds(fault, STATED[fault], stated)


def _finds(fault: str, known: str, document: Document) -> None:
    check, _, promise = known.partition(" > ")
    promise = promise or check
    with serve([fault]) as url:
        report = run(
            url,
            document,
            keys=(AMBER, BIRCH),
            promises=[check],
            retries=1,
            stop=lambda outcome: any(f.promise == promise for f in outcome.findings),
        )
    found = {finding.promise for finding in report.findings}
    assert [o.reason for o in report.outcomes if o.state is State.ERROR] == []
    assert promise in found, f"{FAULTS[fault].does} {FAULTS[fault].breaks}"


def test_the_table_names_faults_that_exist() -> None:
    assert {*KNOWN, *STATED, "slot_kept_by_halt"} == set(FAULTS)
