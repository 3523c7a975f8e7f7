"""Huddles and utterances, in words that nobody else uses: nothing is found in the right server,
which takes three replies at once and no update without If-Match, and what breaks its document is.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import huddle
from tests.contracts.conftest import share
from tests.contracts.known_huddle import KNOWN
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


def test_the_right_server_has_no_finding(plain: Document) -> None:
    with serve() as url:
        report = run(url, plain, keys=(AMBER, BIRCH), suites=OURS, seed=1)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []
    assert [o.id for o in report.outcomes if o.state in (State.ERROR, State.BLOCKED)] == []
    assert report.count(State.PASSED) > 150, summary(report)


@pytest.mark.parametrize("fault", share(KNOWN))
def test_a_fault_is_found(fault: str, plain: Document) -> None:
    check, _, promise = KNOWN[fault].partition(" > ")
    promise = promise or check
    with serve([fault]) as url:
        report = run(
            url,
            plain,
            keys=(AMBER, BIRCH),
            promises=[check],
            retries=1,
            stop=lambda outcome: any(f.promise == promise for f in outcome.findings),
        )
    found = {finding.promise for finding in report.findings}
    assert [o.reason for o in report.outcomes if o.state is State.ERROR] == []
    assert promise in found, f"{FAULTS[fault].does} {FAULTS[fault].breaks}"


def test_the_table_names_faults_that_exist() -> None:
    assert set(KNOWN) <= set(FAULTS)
