"""Shows a report: each kind is a function from a `Report` to text, in a module of its name."""

from __future__ import annotations

from importlib import import_module

from ..findings.report import Report

KINDS = ("junit", "sarif", "html", "ndjson", "github", "arazzo")


def render(kind: str, report: Report) -> bytes:
    """The report as one of KINDS; what UTF-8 can't say (a lone surrogate) becomes "?"."""
    text: str = import_module(f"{__name__}.{kind}").render(report)
    return text.encode("utf-8", "replace")
