"""Shows a report as workflow commands, which GitHub Actions turns into annotations."""

from __future__ import annotations

from sparring.spec.finding import Severity

from ..findings.report import Cause, Report
from .console import one_line
from .places import local_path


def render(report: Report) -> str:
    """One `::error` or `::warning` a cause, at the place in the document that promises it, and one
    `::warning` when the run ended early."""
    early = [note for note in report.notes if report.stopped and note.startswith(report.stopped)]
    lines = [f"::warning title=sparring ended early::{_data(note)}" for note in early]
    return "".join(f"{line}\n" for line in [*lines, *map(_command, report.causes)])


def _command(cause: Cause) -> str:
    finding = cause.finding
    command = "warning" if finding.severity is Severity.MINOR else "error"
    properties = {"title": f"{finding.severity.value}: {finding.promise}"}
    if position := finding.position:
        properties |= {"file": local_path(position), "line": str(position.line)}
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    lines = [
        one_line(finding.message),
        ", ".join(cause.operations),
        f"expected {one_line(finding.expected)}",
        f"seen {one_line(finding.seen)}",
        f"id {finding.id}, seed {finding.seed}",
    ]
    text = "\n".join(lines)
    return f"::{command} {said}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
