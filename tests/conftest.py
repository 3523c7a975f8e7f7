"""What every test may use, and the rule that nothing which can run is skipped unnoticed."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ABSENT = "absent:"
"""How the reason of a skip begins when this machine cannot have what the test needs."""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party documents that tests read when it is there."""
    folder = Path(os.environ.get("SPARRING_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"{ABSENT} the folder of third-party documents (SPARRING_SHARED names it)")
    return folder


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run under CI that skipped a test which this machine could have run."""
    if session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED} and (
        _avoidable_skips(session.config)
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name the skips that fail the run."""
    if skips := _avoidable_skips(config):
        terminalreporter.section("skipped, though this machine could run it", red=True)
        for skip in skips:
            terminalreporter.line(skip)
        terminalreporter.line(
            f"Run them, or begin the reason with {ABSENT!r} when the machine cannot have it."
        )


def _avoidable_skips(config: pytest.Config) -> list[str]:
    """Say which test was skipped and why; under xdist only the controller has the reports."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI", "") in {"", "0", "false"} or reporter is None:
        return []
    skips = []
    for report in reporter.stats.get("skipped", []):
        _, _, reason = report.longrepr
        reason = reason.removeprefix("Skipped: ")
        if not reason.startswith(ABSENT):
            skips.append(f"{report.nodeid}: {reason}")
    return skips
