"""The pytest plugin: with `--sparring-url`, every promise of every operation is a test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sparring.spec.document import Operation

    from .checks import Check
    from .report import Outcome
    from .runner import Runner


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of sparring."""
    group = parser.getgroup("sparring", "contract tests of a sessions API")
    group.addoption("--sparring-url", metavar="URL", help="Hold the implementation at URL to SPEC.")
    group.addoption(
        "--sparring-spec",
        metavar="SPEC",
        default="sessions",
        help="An OpenAPI document, or the name of a bundled one (default: sessions).",
    )
    group.addoption("--sparring-key", metavar="KEY", help="The key to call with.")
    group.addoption("--sparring-other-key", metavar="KEY", help="The key of another user.")
    group.addoption(
        "--sparring-seed", metavar="N", type=int, default=0, help="The seed of all values."
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Adds one test for each promise and operation, whatever else was collected."""
    if config.getoption("--sparring-url", None):
        items.extend(Suite.from_parent(session, name="sparring", nodeid="sparring").collect())


class Suite(pytest.Collector):
    """All checks of one document against one target; the connection is made by the first."""

    _runner: Runner | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each promise and operation, for all walks, and for the conformance of each
        operation."""
        from sparring.spec.binding import Role
        from sparring.spec.document import load_document
        from sparring.spec.errors import SparringError

        from .command import missing

        try:
            self.document = load_document(self.config.getoption("--sparring-spec"))
        except SparringError as error:
            raise pytest.UsageError(str(error)) from None
        try:
            from .checks import checks
            from .choice import choose
            from .conformance import tried
        except ImportError as error:
            raise pytest.UsageError(str(missing(error))) from None
        self.document = choose(self.document).document
        for check in checks(self.document):
            yield PromiseItem.from_parent(self, name=check.id, check=check)
        if self.document.with_role(Role.SESSION_CREATE):
            yield LifecycleItem.from_parent(self, name="lifecycle")
        for operation in tried(self.document):
            name = f"conformance[{operation.label}]"
            yield ConformanceItem.from_parent(self, name=name, operation=operation)

    @property
    def runner(self) -> Runner:
        """The runner of this process, made when it is first needed."""
        from sparring.spec.errors import SparringError

        from .command import _keys
        from .runner import Runner

        if self._runner is None:
            option = self.config.getoption
            try:
                runner = Runner(
                    option("--sparring-url"),
                    self.document,
                    keys=_keys(option("--sparring-key"), option("--sparring-other-key")),
                    seed=option("--sparring-seed"),
                )
                runner.target.probe()
            except SparringError as error:
                pytest.exit(str(error), returncode=3)
            self._runner = runner
        return self._runner


class _Item(pytest.Item):
    """What both kinds of items share: they fail by their findings, and print them."""

    parent: Suite

    def run(self) -> Outcome:
        """Runs the check."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Fails with the findings of the check, skips what can't be checked."""
        outcome = self.run()
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
        return self.parent.runner.check(self.check)


class LifecycleItem(_Item):
    """Random walks through the whole sessions API."""

    def run(self) -> Outcome:
        """Walks, and gives the outcome of the operation that fared worst, with all findings."""
        outcomes = self.parent.runner.lifecycle()
        findings = tuple(finding for outcome in outcomes for finding in outcome.findings)
        return replace(max(outcomes, key=lambda outcome: bool(outcome.findings)), findings=findings)


class ConformanceItem(_Item):
    """What Schemathesis does to one operation."""

    def __init__(self, *, operation: Operation, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.operation = operation

    def run(self) -> Outcome:
        """Lets Schemathesis at the operation."""
        return self.parent.runner.conformance([self.operation])[0][0]


class BrokenPromise(AssertionError):
    """The findings of one check."""

    def __init__(self, outcome: Outcome) -> None:
        from .reports.console import details

        blocks = [
            "\n".join([f"{finding.severity.value}: {finding.message}", *details(finding)])
            for finding in outcome.findings
        ]
        super().__init__("\n\n".join(blocks))
