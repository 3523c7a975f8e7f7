"""The suites find every fault of the zoo, and nothing in the server that has none."""

import pytest
from tests.contracts.conftest import Zoo, share
from tests.contracts.known import KNOWN
from tests.zoo.faults import FAULTS

from sparring.contracts.findings.report import State
from sparring.contracts.reports.console import summary
from sparring.contracts.suites import run
from sparring.spec.openapi.document import Document


def test_the_right_server_has_no_finding(zoo: Zoo, document: Document) -> None:
    report = run(zoo(), document, seed=1, max_examples=5)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []
    assert [o.id for o in report.outcomes if o.state in (State.ERROR, State.BLOCKED)] == []
    assert report.count(State.PASSED) > 200, summary(report)
    assert report.exit_code == 0


def test_the_right_server_has_no_finding_by_the_plain_document(zoo: Zoo, plain: Document) -> None:
    report = run(zoo(), plain, suites=("promises", "streaming", "security"), seed=1)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []
    assert [o.id for o in report.outcomes if o.state in (State.ERROR, State.BLOCKED)] == []
    assert report.count(State.PASSED) > 200, summary(report)


@pytest.mark.parametrize("name", share(fault.name for fault in FAULTS))
def test_a_fault_is_found(zoo: Zoo, document: Document, name: str) -> None:
    """By the promise that it breaks; a fault that is not in the table by whatever finds it."""
    fault = next(fault for fault in FAULTS if fault.name == name)
    check, _, promise = KNOWN.get(fault.name, "").partition(" > ")
    report = run(
        zoo(fault.name),
        document,
        promises=[check] if check else (),
        retries=1,
        stop=lambda outcome: bool(outcome.findings),
    )
    broken = {finding.promise for finding in report.findings}
    wanted = promise or check
    assert [o.reason for o in report.outcomes if o.state is State.ERROR] == []
    assert wanted in broken if wanted else broken, fault.sentence


def test_the_table_names_faults_that_exist() -> None:
    assert set(KNOWN) <= {fault.name for fault in FAULTS}
