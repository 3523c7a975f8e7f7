"""Shows a report as lines of JSON: findings, accepted findings, checks, then the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..findings.report import Report, State
from .values import plain


def render(report: Report) -> str:
    """A line for each finding and check, each with its `type`; the last one is the `end`."""
    lines = (json.dumps(value, ensure_ascii=False) for value in _values(report))
    # A reader may take these for line ends; JSON can say them otherwise.
    return "".join(
        line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")
        + "\n"
        for line in lines
    )


def _values(report: Report) -> Iterator[dict[str, Any]]:
    for cause in report.causes:
        yield {"type": "finding"} | plain(cause)
    for cause, entry in report.accepted_causes:
        expires = entry.expires.isoformat()
        yield {"type": "accepted", "reason": entry.reason, "expires": expires} | plain(cause)
    for outcome in report.outcomes:
        yield {
            "type": "check",
            "promise": outcome.promise,
            "operation": outcome.operation,
            "suite": outcome.suite,
            "state": outcome.state.value,
            "reason": outcome.reason,
            "findings": [finding.id for finding in outcome.findings],
            "seconds": round(outcome.seconds, 3),
        }
    yield {
        "type": "end",
        "exit_code": report.exit_code,
        "url": report.url,
        "document": report.document.title,
        "seed": report.seed,
        "findings": len(report.causes),
        "accepted": len(report.accepted_causes),
        "checks": {state.value: report.count(state) for state in State},
        "requests": report.requests,
        "seconds": round(report.seconds, 3),
        "notes": report.notes,
    }
