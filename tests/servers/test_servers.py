"""The suites against servers that nobody here wrote: what they find there, and nothing else."""

from collections.abc import Sequence

from tests.servers.faults import ADK, AGNO
from tests.servers.faulty import Fault, Server, found, reproduced

from sparring.contracts.findings.report import Report

_SESSIONS = "/apps/{app_name}/users/{user_id}/sessions"
_ONE = f"{_SESSIONS}/{{session_id}}"
ADK_BREAKS = {
    "input.accepted": {f"POST {_SESSIONS}"},
    "input.extremes": {f"POST {_SESSIONS}", f"PATCH {_ONE}", "POST /run", "POST /run_sse"},
    "input.malformed": {f"POST {_SESSIONS}", f"PATCH {_ONE}", "POST /run", "POST /run_sse"},
    "input.refused": {"POST /run", "POST /run_sse"},
    "method.allow": {f"GET {_SESSIONS}", f"GET {_ONE}"},
    "response.media_type": {"POST /run_sse"},
    "response.status": {
        *(f"POST {_SESSIONS}", f"POST {_ONE}", f"GET {_ONE}", f"PATCH {_ONE}"),
        *("POST /run", "POST /run_sse"),
    },
}
_CHANGES = {"POST /sessions", "PATCH /sessions/{session_id}", "POST /sessions/{session_id}/rename"}
AGNO_BREAKS = {
    "delete.gone": {"DELETE /sessions/{session_id}"},
    "input.accepted": {"GET /sessions", "PATCH /sessions/{session_id}"},
    "input.extremes": _CHANGES,
    "input.malformed": _CHANGES,
    "method.allow": {
        *("POST /agents/{agent_id}/runs", "GET /sessions", "GET /sessions/{session_id}"),
    },
    "race.update": {"PATCH /sessions/{session_id}"},
    "response.status": {"DELETE /sessions/{session_id}"},
    "session.missing": {"DELETE /sessions/{session_id}"},
}
Breaks = dict[str, set[str]]


def listed(breaks: Breaks) -> set[str]:
    return {f"{promise} {operation}" for promise, found in breaks.items() for operation in found}


def holds_what_is_known(report: Report, breaks: Breaks) -> None:
    """The findings are those that a person has judged, and the script of each shows it again."""
    assert sorted(found(report)) == sorted(listed(breaks))
    for cause in report.causes:
        if cause.finding.concurrent:
            continue  # its requests overlap: a script can't repeat that
        statuses = reproduced(cause.finding.curl())
        shown = [exchange.response.status for exchange in cause.finding.exchanges]
        assert statuses[-1:] == shown[-1:], (cause.finding.id, statuses, shown)


def catches(server: Server, faults: Sequence[Fault], breaks: Breaks) -> None:
    """Each fault, alone, is a new finding of its promise."""
    missed = []
    for fault in faults:
        with server.broken(fault):
            report = server.tested(fault.name, [fault.promise])
        new = found(report) - listed(breaks)
        if not any(text.startswith(f"{fault.promise} ") for text in new):
            missed.append(fault.name)
    assert not missed
    names = {fault.promise for fault in faults}
    assert len(faults) >= 10
    assert len(names) >= 8


def test_google_adk_breaks_these_of_its_promises(adk: Server) -> None:
    holds_what_is_known(adk.tested("whole"), ADK_BREAKS)


def test_agno_breaks_these_of_its_promises(agno: Server) -> None:
    holds_what_is_known(agno.tested("whole"), AGNO_BREAKS)


def test_faults_that_are_seeded_into_google_adk_are_caught(adk: Server) -> None:
    catches(adk, ADK, ADK_BREAKS)


def test_faults_that_are_seeded_into_agno_are_caught(agno: Server) -> None:
    catches(agno, AGNO, AGNO_BREAKS)
