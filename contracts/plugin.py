"""The pytest plugin: with `--sparring-url`, every promise of every operation is a test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sparring.spec.openapi.document import Operation

    from .checks import Check
    from .collection import Contracts
    from .findings.report import Outcome

MARKERS = {
    "sparring": "a check of a promise, or of an operation's conformance",
    "promises": "what sparring checks of sessions and talk",
    "lifecycle": "random walks through the whole sessions API",
    "streaming": "what sparring checks of streams",
    "security": "what sparring checks of keys and owners",
    "races": "what sparring checks of many requests at one instant",
    "conformance": "what Schemathesis checks, a test for each operation",
    "script": "what scripts expect",
}
MANY: dict[str, Any] = {"action": "append", "default": []}
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "url": ("Hold the implementation at URL to a document.", {"metavar": "URL"}),
    "spec": ("A path, or a bundled document (default: sessions).", {"default": "sessions"}),
    "overlay": ("An OpenAPI Overlay to apply to the document first.", {"metavar": "FILE", **MANY}),
    "key": ("The key of a user (SPARRING_KEY, alice-key).", {}),
    "other-key": ("That of another user (SPARRING_OTHER_KEY, bob-key).", {"metavar": "KEY"}),
    "header": ("A header of every request.", {"metavar": "'NAME: VALUE'", **MANY}),
    "suite": ("Only this suite; may be repeated.", MANY),
    "script": ("Only what this script expects, beside the named suites.", MANY),
    "target": ("What the target needs: keys, parameters, bodies.", {"metavar": "FILE"}),
    "include": ("Call it too; !: never.", {"metavar": "PATTERN", **MANY}),
    "profile": ("read-only, own or full: what may be changed.", {"default": "own"}),
    "baseline": ("Findings that are accepted for a time.", {"metavar": "FILE"}),
    "seed": ("Same seed, same requests.", {"type": int, "default": 0}),
    "max-examples": ("Schemathesis cases an operation and phase.", {"type": int, "default": 20}),
    "max-requests": ("Send no more requests; each worker.", {"type": int}),
    "max-time": ("Take no longer.", {"default": "30m"}),
    "rate": ("Send no more requests a second; each worker.", {"metavar": "N/s"}),
    "max-messages": ("Say no more to agents; each worker.", {"type": int}),
    "journal": ("Note every session that is made, and deleted.", {"metavar": "FILE"}),
}
UNREACHABLE = 3
_CONTRACTS: pytest.StashKey[Contracts] = pytest.StashKey()
_STOPPED: pytest.StashKey[list[str]] = pytest.StashKey()
_NOTES: pytest.StashKey[list[str]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of `sparring test` that make sense here."""
    group = parser.getgroup("sparring", "contract tests of a sessions API")
    for name, (text, more) in OPTIONS.items():
        group.addoption(f"--sparring-{name}", help=text, **more)


def pytest_configure(config: pytest.Config) -> None:
    """Registers a marker for all checks, and one for each suite."""
    for name, text in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")
    config.stash[_STOPPED], config.stash[_NOTES] = [], []


def contracts(config: pytest.Config) -> Contracts | None:
    """What is checked, loaded when it is first asked for; None where no target is named."""
    if not config.getoption("--sparring-url", None):
        return None
    if _CONTRACTS not in config.stash:
        from sparring.spec.errors import SparringError

        from .command import missing

        named = {name: config.getoption(f"--sparring-{name}") for name in OPTIONS}
        options = {name.replace("-", "_"): value for name, value in named.items()}
        try:
            from .collection import Contracts

            config.stash[_CONTRACTS] = Contracts(**options)
        except SparringError as error:
            raise pytest.UsageError(str(error)) from None
        except ImportError as error:
            raise pytest.UsageError(str(missing(error))) from None
    return config.stash[_CONTRACTS]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Says which operations will be called, and which never."""
    found = contracts(config)
    return found.announcement() if found is not None else []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before xdist sends workers out: ends with 3 when nobody answers."""
    if session.config.getoption("numprocesses", None) and not _is_worker(session.config):
        found = contracts(session.config)
        if found is not None and not session.config.option.collectonly:
            _reach(found)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Adds one test for each promise and operation, whatever else was collected."""
    if (found := contracts(config)) is not None:
        suite = Suite.from_parent(session, name="sparring", nodeid="sparring", contracts=found)
        items.extend(suite.collect())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Deletes the sessions that are left, and says 3 where the run ended early."""
    config = session.config
    if (found := config.stash.get(_CONTRACTS, None)) is not None:
        stopped, notes = found.close()
        _tell(config, {"stopped": [stopped] if stopped else [], "notes": notes})
    if _is_worker(config):
        told = {"stopped": config.stash[_STOPPED], "notes": config.stash[_NOTES]}
        config.workeroutput["sparring"] = told  # type: ignore[attr-defined]
    elif session.exitstatus == pytest.ExitCode.OK and config.stash[_STOPPED]:
        session.exitstatus = UNREACHABLE


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes what a worker of xdist has to tell."""
    _tell(node.config, getattr(node, "workeroutput", {}).get("sparring", {}))


def _tell(config: pytest.Config, told: dict[str, list[str]]) -> None:
    config.stash[_STOPPED].extend(told.get("stopped", []))
    config.stash[_NOTES].extend(told.get("notes", []))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tells why the run ended early, and what was left behind."""
    ended = [f"the run ended early: {reason}" for reason in config.stash[_STOPPED]]
    for note in dict.fromkeys([*ended, *config.stash[_NOTES]]):
        terminalreporter.line(f"sparring: {note}", yellow=True)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _reach(found: Contracts) -> None:
    from sparring.spec.errors import SparringError

    try:
        found.reach()
    except SparringError as error:
        pytest.exit(str(error), returncode=UNREACHABLE)


class Suite(pytest.Collector):
    """All checks of one document against one target."""

    def __init__(self, *, contracts: Contracts, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.contracts = contracts

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each promise and operation, for all walks, and for the conformance of each
        operation."""
        from .findings.report import suite_of

        for check in self.contracts.checks():
            item: pytest.Item = PromiseItem.from_parent(self, name=check.id, check=check)
            yield _marked(item, suite_of(check.promise))
        if self.contracts.walks():
            yield _marked(LifecycleItem.from_parent(self, name="lifecycle"), "lifecycle")
        for operation in self.contracts.conforming():
            name = f"conformance[{operation.label}]"
            item = ConformanceItem.from_parent(self, name=name, operation=operation)
            yield _marked(item, "conformance")


def _marked(item: pytest.Item, suite: str) -> pytest.Item:
    item.add_marker("sparring")
    item.add_marker(suite)
    return item


class _Item(pytest.Item):
    """What both kinds of items share: they fail by their findings, and print them."""

    parent: Suite

    def run(self) -> Outcome:
        """Runs the check."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Fails with the findings of the check, skips what can't be checked."""
        _reach(self.parent.contracts)
        outcome, notes = self.parent.contracts.judged(self.run())
        if notes:
            self.add_report_section("call", "sparring", "\n".join(notes))
        if outcome.findings:
            raise BrokenPromise(outcome)
        if outcome.state.value == "error":
            raise RuntimeError(outcome.reason)
        if outcome.state.value in ("skipped", "blocked"):
            pytest.skip(outcome.reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings, as the console shows them."""
        if isinstance(excinfo.value, BrokenPromise):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The name of the check; it stands in no file."""
        return self.path, None, self.name


class PromiseItem(_Item):
    """One promise of one operation."""

    def __init__(self, *, check: Check, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.check = check

    def run(self) -> Outcome:
        """Runs the scenarios of the promise."""
        return self.parent.contracts.runner.check(self.check)


class LifecycleItem(_Item):
    """Random walks through the whole sessions API."""

    def run(self) -> Outcome:
        """Walks, and gives the outcome of the operation that fared worst, with all findings."""
        outcomes = self.parent.contracts.runner.lifecycle()
        findings = tuple(finding for outcome in outcomes for finding in outcome.findings)
        return replace(max(outcomes, key=lambda outcome: bool(outcome.findings)), findings=findings)


class ConformanceItem(_Item):
    """What Schemathesis does to one operation."""

    def __init__(self, *, operation: Operation, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.operation = operation

    def run(self) -> Outcome:
        """Lets Schemathesis at the operation."""
        found = self.parent.contracts
        return found.runner.conformance([self.operation], found.max_examples)[0][0]


class BrokenPromise(AssertionError):
    """The findings of one check."""

    def __init__(self, outcome: Outcome) -> None:
        from .reports.console import details

        blocks = [
            "\n".join([f"{finding.severity.value}: {finding.message}", *details(finding)])
            for finding in outcome.findings
        ]
        super().__init__("\n\n".join(blocks))
