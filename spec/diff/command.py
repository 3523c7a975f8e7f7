"""What `sparring diff` does: loads two documents, compares them, prints, and says how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sparring.spec.openapi.document import load_document

from .change import Severity
from .compare import compare
from .reports import FORMATS

SAME, CHANGED = range(2)


def run_diff(
    old: str, new: str, *, overlays: Sequence[Path] = (), format: str, fail_on: str
) -> tuple[str, int]:
    """The report on two documents, and the exit code: 1 when a change is at `fail_on` or worse.

    Overlays are applied to both. Raises SparringError for a document that can't be used.
    """
    changes = compare(load_document(old, overlays), load_document(new, overlays))
    report = FORMATS[format](changes)
    if fail_on == "never":
        return report, SAME
    least = Severity(fail_on).rank
    return report, CHANGED if any(c.severity.rank <= least for c in changes) else SAME
