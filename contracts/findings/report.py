"""What a contract run comes to: its outcomes, its findings, and the causes behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

from sparring.spec.finding import Blame, Finding, Severity
from sparring.spec.openapi.document import Document

from .baseline import Baseline, Entry

SUITES = ("promises", "lifecycle", "streaming", "security", "races", "conformance", "script")
_BY_PREFIX = {
    "stream": "streaming",
    "stop": "streaming",
    "auth": "security",
    "race": "races",
    "lifecycle": "lifecycle",
    "conformance": "conformance",
    "script": "script",
}


def suite_of(promise: str) -> str:
    """The suite that a promise belongs to."""
    return _BY_PREFIX.get(promise.partition(".")[0], "promises")


class State(StrEnum):
    """How a check ended: `blocked` when a request that it needs failed, `error` when we did."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one promise fared with one operation."""

    promise: str
    operation: str
    state: State
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """`create.read_back[POST /sessions]`."""
        return f"{self.promise}[{self.operation}]"

    @property
    def suite(self) -> str:
        """The suite that it belongs to."""
        return suite_of(self.promise)


@dataclass(frozen=True, slots=True)
class Cause:
    """Findings that have one cause: the first of them, and the operations that show it."""

    finding: Finding
    operations: tuple[str, ...]


@dataclass(repr=False)
class Report:
    """All that a run found out; `findings` are those that no baseline has accepted. It iterates
    over them."""

    document: Document
    url: str
    seed: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    accepted: list[tuple[Finding, Entry]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    suites: tuple[str, ...] = ()
    requests: int = 0
    stopped: str = ""
    """Why the run ended before its end."""
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings, 3 ended early without any, 4 when sparring itself failed."""
        if self.findings:
            return 1
        if self.stopped:
            return 3
        return 4 if any(o.state is State.ERROR for o in self.outcomes) else 0

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __repr__(self) -> str:
        found = "; ".join(f"{f.id} {f.operation}: {f.seen[:80]}" for f in self.findings[:5])
        return f"<Report of {self.url}: {len(self.findings)} findings{found and f': {found}'}>"

    def __str__(self) -> str:
        """The report as the console shows it."""
        from io import StringIO

        from rich.console import Console

        from ..reports.console import print_report

        text = StringIO()
        print_report(self, Console(file=text, width=120))
        return text.getvalue()

    def check(self) -> None:
        """Raises AssertionError with everything that was found, or with why the run ended early."""
        __tracebackhide__ = True
        if self.exit_code:
            raise AssertionError(str(self))

    def write(self, kind: str, file: str | Path) -> None:
        """Writes the report as junit, sarif, html, ndjson, github or arazzo. Raises OSError."""
        from ..reports import render

        Path(file).write_bytes(render(kind, self))

    def count(self, state: State) -> int:
        """How many checks ended like this."""
        return sum(outcome.state is state for outcome in self.outcomes)

    @property
    def causes(self) -> list[Cause]:
        """The causes of the findings, those that matter most first."""
        return causes(self.findings)

    @property
    def accepted_causes(self) -> list[tuple[Cause, Entry]]:
        """The causes that a baseline accepts; one that two entries accept is there twice."""
        groups: dict[Entry, list[Finding]] = {}
        for finding, entry in self.accepted:
            groups.setdefault(entry, []).append(finding)
        return [(cause, e) for e, findings in groups.items() for cause in causes(findings)]

    def accept(self, baseline: Baseline, today: date) -> None:
        """Sets apart what a baseline accepts; notes tell what it says in vain.

        A check whose findings are all accepted counts as skipped.
        """
        matched: set[int] = set()
        left: list[Finding] = []
        for finding in self.findings:
            entry = baseline.find(finding, today)
            if entry is not None:
                matched.add(id(entry))
            if entry is None or entry.expires < today:
                left.append(finding)
            else:
                self.accepted.append((finding, entry))
        self.findings = left
        by_key = {finding.key: entry for finding, entry in self.accepted}
        self.outcomes = [_without(outcome, by_key) for outcome in self.outcomes]
        for entry in baseline.entries:
            if id(entry) not in matched:
                self.notes.append(f"{entry.position}: nothing in this run is {entry}; take it out")
            elif entry.expires < today:
                self.notes.append(f"{entry.position}: {entry} has expired on {entry.expires}")


def _without(outcome: Outcome, accepted: Mapping[tuple[str, str], Entry]) -> Outcome:
    left = tuple(f for f in outcome.findings if f.key not in accepted)
    if len(left) == len(outcome.findings):
        return outcome
    if left or outcome.state is not State.FAILED:
        return replace(outcome, findings=left)
    taken = next(f for f in outcome.findings if f.key in accepted)
    reason = accepted[taken.key].why
    return replace(outcome, findings=left, state=State.SKIPPED, reason=reason)


def causes(findings: Iterable[Finding]) -> list[Cause]:
    """Groups findings that break one promise in one way on several operations."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_family(finding), []).append(finding)
    found = [
        Cause(_together(group), tuple(dict.fromkeys(f.operation for f in group)))
        for group in groups.values()
    ]
    order = list(Severity)
    return sorted(found, key=lambda c: (order.index(c.finding.severity), -len(c.operations)))


def _family(finding: Finding) -> str:
    """What findings of one cause share: their id; undeclared statuses come from one omission."""
    undeclared = finding.promise == "response.status" and finding.blame is Blame.EITHER
    return finding.promise if undeclared else finding.id


def _together(group: Sequence[Finding]) -> Finding:
    """The first finding of a cause; of several statuses it names all, with their operations."""
    statuses: dict[str, list[str]] = {}
    for finding in group:
        statuses.setdefault(finding.cause, []).append(finding.operation)
    if len({finding.id for finding in group}) == 1:
        return group[0]
    told = "; ".join(f"{status} by {', '.join(by)}" for status, by in sorted(statuses.items()))
    first = min(group, key=lambda finding: finding.cause)
    return replace(first, expected="declared statuses only", seen=f"undeclared: {told}")


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """Each finding once."""
    return list({finding.key: finding for finding in reversed(findings)}.values())[::-1]
