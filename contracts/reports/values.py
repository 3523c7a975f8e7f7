"""A finding as plain JSON, the same for every report that machines read."""

from __future__ import annotations

from typing import Any

from ..findings.report import Cause
from .places import local_path


def plain(cause: Cause) -> dict[str, Any]:
    """All that is known of a cause, but for the exchanges: those are in the script `curl`."""
    finding = cause.finding
    position = finding.position
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "blame": finding.blame.value,
        "promise": finding.promise,
        "message": finding.message,
        "operation": finding.operation,
        "operations": list(cause.operations),
        "file": local_path(position) if position else None,
        "line": position.line if position else None,
        "pointer": finding.pointer,
        "expected": finding.expected,
        "seen": finding.seen,
        "seed": finding.seed,
        "reproduced": finding.reproduced,
        "tried": finding.tried,
        "curl": finding.curl(),
    }
