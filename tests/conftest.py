"""What every test may use, and the rule that nothing which can run is skipped unnoticed."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

os.environ["SPARRING_CACHE"] = "off"  # a test says itself where texts may be kept
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell has it ignored in its background,
    signal.signal(signal.SIGINT, signal.default_int_handler)  # and what tests start would, too

ABSENT = "absent:"
"""How the reason of a skip begins when this machine cannot have what the test needs."""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party documents that tests read when it is there."""
    folder = Path(os.environ.get("SPARRING_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"{ABSENT} the folder of third-party documents (SPARRING_SHARED names it)")
    return folder


class Running:
    """A `sparring serve` in a process of its own. `log` is all that it has printed so far."""

    def __init__(self, *arguments: str | Path) -> None:
        command = [sys.executable, "-m", "sparring.cli", "serve", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.log = ""
        for line in self.process.stdout:
            self.log += line
            if match := re.search(r"serves .* on (http://\S+)$", line.strip()):
                self.url = match.group(1)
                return
        raise AssertionError(f"sparring serve did not start:\n{self.log}")

    def stop(self) -> str:
        """Ends the process and returns all that it printed."""
        self.process.terminate()
        rest, _ = self.process.communicate(timeout=20)
        self.log += rest
        return self.log


Serve = Callable[..., Running]


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Starts mock servers with the arguments of `sparring serve`; all are stopped at the end."""
    running: list[Running] = []

    def start(*arguments: str | Path) -> Running:
        running.append(Running(*arguments))
        return running[-1]

    yield start
    for server in running:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="session")
def mock(serve: Serve) -> Running:
    """A mock of the canonical document whose agent answers at once; tests share it, so each makes
    sessions of its own."""
    return serve("sessions", "--script", ROOT / "tests" / "quick.yaml")


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
