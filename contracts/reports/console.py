"""Shows a report on the console."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule

from sparring.spec.finding import Blame, Finding, Severity

from ..findings.report import Cause, Report, State

TOP = 5
_COLOURS = {Severity.CRITICAL: "bold red", Severity.MAJOR: "red", Severity.MINOR: "yellow"}
# A target chooses these texts: no control sequence, and no line of its own, reaches a terminal.
_CONTROL = re.compile("[\ud800-\udfff\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def print_report(report: Report, console: Console | None = None) -> None:
    """Prints what was found, the causes that matter most first, and the sums."""
    console = console or Console()
    causes = report.causes
    if causes:
        console.print(Rule(f"{len(causes)} cause{'s' * (len(causes) > 1)}", style="red"))
    for number, cause in enumerate(causes, 1):
        _cause(number, cause, console)
        if number == TOP and len(causes) > TOP:
            console.print(Rule(f"and {len(causes) - TOP} more", style="red"))
    _accepted(report, console)
    _unchecked(report, console)
    for note in report.notes:
        console.print(f"note: {one_line(note)}", markup=False, highlight=False, soft_wrap=True)
    console.print(summary(report), markup=False, highlight=False, soft_wrap=True)


def _cause(number: int, cause: Cause, console: Console) -> None:
    finding = cause.finding
    colour = _COLOURS[finding.severity]
    console.print()
    console.print(
        f"[{colour}]{number}. {finding.severity.value}[/] {escape(one_line(finding.message))} "
        f"[dim]\\[{finding.promise}][/]",
        highlight=False,
    )
    for line in details(finding, cause.operations):
        console.print(f"   {line}", markup=False, highlight=False, soft_wrap=True)


def details(finding: Finding, operations: tuple[str, ...] = ()) -> list[str]:
    """A finding in lines: where, what was expected, what was seen, how to repeat it."""
    others = [operation for operation in operations if operation != finding.operation]
    lines = [f"operation  {finding.operation}"]
    if others:
        lines.append(f"also       {', '.join(others)}")
    if finding.position is not None:
        lines.append(f"document   {finding.position.file}:{finding.position.line}")
    lines += [f"expected   {one_line(finding.expected)}", f"seen       {one_line(finding.seen)}"]
    if finding.blame is not Blame.IMPLEMENTATION:
        lines.append(f"to blame   {finding.blame.value}")
    rate = f"{finding.reproduced} of {finding.tried} times"
    lines.append(f"shown      {rate}, seed {finding.seed}, id {finding.id}")
    script = finding.curl().splitlines()
    if len(script) > 12:
        script = [*script[:4], f"# … {len(script) - 10} requests more", *script[-6:]]
    return lines + [f"  $ {one_line(_short(line))}" for line in script]


def one_line(text: str) -> str:
    """A text whose control characters are written out."""
    return _CONTROL.sub(lambda match: ascii(match.group())[1:-1], text)


def _short(line: str) -> str:
    return line if len(line) <= 1500 else f"{line[:1200]} … {line[-200:]}"


def _accepted(report: Report, console: Console) -> None:
    groups: dict[tuple[str, str], list[str]] = {}
    for finding, entry in report.accepted:
        groups.setdefault((finding.id, entry.why), []).append(finding.operation)
    for (id, why), operations in groups.items():
        text = f"{why}: {id} ({', '.join(operations)})"
        console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)


def _unchecked(report: Report, console: Console) -> None:
    reasons: dict[str, list[str]] = {}
    for outcome in report.outcomes:
        if outcome.state in (State.BLOCKED, State.ERROR):
            reasons.setdefault(f"{outcome.state.value}: {outcome.reason}", []).append(outcome.id)
        elif outcome.state is State.SKIPPED and outcome.reason.startswith("withdrawn"):
            reasons.setdefault(outcome.reason, []).append(outcome.id)
    for reason, ids in reasons.items():
        more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
        text = f"not checked ({one_line(reason)}): {', '.join(ids[:3])}{more}"
        console.print(text, markup=False, highlight=False)


def summary(report: Report) -> str:
    """One line: how many checks, findings, requests and seconds."""
    counts = ", ".join(f"{report.count(s)} {s.value}" for s in State if report.count(s))
    accepted = f"{len(report.accepted)} accepted, " if report.accepted else ""
    return (
        f"{len(report.outcomes)} checks: {counts}; {len(report.findings)} findings, "
        f"{len(report.causes)} causes, {accepted}{report.requests} requests, "
        f"{report.seconds:.1f} s, seed {report.seed}"
    )
