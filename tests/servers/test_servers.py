"""The suites against servers that nobody here wrote: what they find there, and nothing else."""

import pytest
from tests.servers.faults import ADK, AGNO
from tests.servers.faulty import Fault, Server, found, reproduced

from sparring.contracts.report import Report

SESSIONS = "/apps/{app_name}/users/{user_id}/sessions"
ADK_BREAKS: dict[str, list[str]] = {}
AGNO_BREAKS: dict[str, list[str]] = {}


@pytest.fixture(scope="session")
def adk_report(adk: Server) -> Report:
    return adk.tested("whole")


@pytest.fixture(scope="session")
def agno_report(agno: Server) -> Report:
    return agno.tested("whole")


def listed(breaks: dict[str, list[str]]) -> set[str]:
    return {f"{promise} {operation}" for promise, found in breaks.items() for operation in found}


def test_google_adk_breaks_these_of_its_promises(adk_report: Report) -> None:
    assert found(adk_report) == listed(ADK_BREAKS)


def test_agno_breaks_these_of_its_promises(agno_report: Report) -> None:
    assert found(agno_report) == listed(AGNO_BREAKS)


@pytest.mark.parametrize("name", ["adk_report", "agno_report"])
def test_the_script_of_every_finding_shows_it_again(
    name: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(name)
    for cause in report.causes:
        statuses = reproduced(cause.finding.curl())
        shown = [exchange.response.status for exchange in cause.finding.exchanges]
        assert statuses[-1] == shown[-1], (cause.finding.id, statuses, shown)


@pytest.mark.parametrize("fault", ADK, ids=lambda fault: fault.name)
def test_a_fault_in_google_adk_is_caught(adk: Server, fault: Fault) -> None:
    with adk.broken(fault):
        report = adk.tested(fault.name, [fault.promise])
    assert found(report) - listed(ADK_BREAKS), fault


@pytest.mark.parametrize("fault", AGNO, ids=lambda fault: fault.name)
def test_a_fault_in_agno_is_caught(agno: Server, fault: Fault) -> None:
    with agno.broken(fault):
        report = agno.tested(fault.name, [fault.promise])
    assert any(f.promise == fault.promise for f in report.findings), fault
    assert found(report) - listed(AGNO_BREAKS), fault
