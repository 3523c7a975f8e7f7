"""Shows a report: on the console, and as JUnit XML."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from sparring.spec.finding import Blame, Finding, Severity

from .report import Cause, Outcome, Report, State, chosen

TOP = 5
_COLOURS = {Severity.CRITICAL: "bold red", Severity.MAJOR: "red", Severity.MINOR: "yellow"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def print_report(report: Report, console: Console | None = None) -> None:
    """Prints what was chosen, what was found, the causes that matter most first, and the sums."""
    console = console or Console()
    _chosen(report, console)
    causes = report.causes
    if causes:
        console.print(Rule(f"{len(causes)} cause{'s' * (len(causes) > 1)}", style="red"))
    for number, cause in enumerate(causes, 1):
        _cause(number, cause, console)
        if number == TOP and len(causes) > TOP:
            console.print(Rule(f"and {len(causes) - TOP} more", style="red"))
    _unchecked(report, console)
    for note in report.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    console.print(summary(report), markup=False, highlight=False, soft_wrap=True)


def _chosen(report: Report, console: Console) -> None:
    bound, others = chosen(report.document)
    title = f"{report.document.title} at {report.url}: the operations by their role"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("role", style="cyan", no_wrap=True)
    table.add_column("operation", overflow="fold")
    for role, operation in bound:
        table.add_row(role, escape(operation.label))
    if others:
        names = ", ".join(escape(operation.label) for operation in others)
        table.add_row("left out", f"outside the sessions API: {names}")
    console.print(table)


def _cause(number: int, cause: Cause, console: Console) -> None:
    finding = cause.finding
    colour = _COLOURS[finding.severity]
    console.print()
    console.print(
        f"[{colour}]{number}. {finding.severity.value}[/] {escape(finding.message)} "
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
    lines += [f"expected   {finding.expected}", f"seen       {finding.seen}"]
    if finding.blame is not Blame.IMPLEMENTATION:
        lines.append(f"to blame   {finding.blame.value}")
    rate = f"{finding.reproduced} of {finding.tried} times"
    lines.append(f"shown      {rate}, seed {finding.seed}, id {finding.id}")
    script = finding.curl().splitlines()
    if len(script) > 12:
        script = [*script[:4], f"# … {len(script) - 10} requests more", *script[-6:]]
    return lines + [f"  $ {_short(line)}" for line in script]


def _short(line: str) -> str:
    return line if len(line) <= 1500 else f"{line[:1200]} … {line[-200:]}"


def _unchecked(report: Report, console: Console) -> None:
    reasons: dict[str, list[str]] = {}
    for outcome in report.outcomes:
        if outcome.state in (State.BLOCKED, State.ERROR):
            reasons.setdefault(f"{outcome.state.value}: {outcome.reason}", []).append(outcome.id)
        elif outcome.state is State.SKIPPED and outcome.reason.startswith("withdrawn"):
            reasons.setdefault(outcome.reason, []).append(outcome.id)
    for reason, ids in reasons.items():
        more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
        console.print(
            f"not checked ({reason}): {', '.join(ids[:3])}{more}", markup=False, highlight=False
        )


def summary(report: Report) -> str:
    """One line: how many checks, findings, requests and seconds."""
    counts = ", ".join(f"{report.count(s)} {s.value}" for s in State if report.count(s))
    return (
        f"{len(report.outcomes)} checks: {counts}; {len(report.findings)} findings, "
        f"{len(report.causes)} causes, {report.requests} requests, {report.seconds:.1f} s, "
        f"seed {report.seed}"
    )


def junit(report: Report) -> ElementTree.Element:
    """The report as JUnit XML: a test case for each promise and operation."""
    suites: dict[str, list[Outcome]] = {}
    for outcome in report.outcomes:
        suites.setdefault(outcome.suite, []).append(outcome)
    root = ElementTree.Element("testsuites", name="sparring", time=f"{report.seconds:.3f}")
    for name, outcomes in suites.items():
        element = ElementTree.SubElement(
            root,
            "testsuite",
            name=f"sparring.{name}",
            tests=str(len(outcomes)),
            failures=str(sum(bool(o.findings) for o in outcomes)),
            errors=str(sum(o.state is State.ERROR and not o.findings for o in outcomes)),
            skipped=str(sum(_is_skipped(o) for o in outcomes)),
            time=f"{sum(o.seconds for o in outcomes):.3f}",
        )
        for outcome in outcomes:
            _case(element, outcome)
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    return root


def _is_skipped(outcome: Outcome) -> bool:
    return outcome.state in (State.SKIPPED, State.BLOCKED) and not outcome.findings


def _case(parent: ElementTree.Element, outcome: Outcome) -> None:
    case = ElementTree.SubElement(
        parent,
        "testcase",
        classname=f"sparring.{outcome.suite}.{outcome.promise}",
        name=_clean(outcome.operation),
        time=f"{outcome.seconds:.3f}",
    )
    if outcome.findings:
        first = outcome.findings[0]
        text = "\n\n".join("\n".join([f.message, *details(f)]) for f in outcome.findings)
        message = f"{first.message} Expected {first.expected}; seen {first.seen}"
        failure = ElementTree.SubElement(
            case, "failure", type=first.promise, message=_clean(message[:500])
        )
        failure.text = _clean(text)
    elif outcome.state is State.ERROR:
        ElementTree.SubElement(case, "error", message=_clean(outcome.reason))
    elif _is_skipped(outcome):
        ElementTree.SubElement(case, "skipped", message=_clean(outcome.reason))


def _clean(text: str) -> str:
    """Text without what XML can't say."""
    return _NOT_XML.sub("\ufffd", text)


def write_junit(report: Report, file: Path) -> None:
    """Writes the report as a JUnit XML file."""
    root = junit(report)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
