"""Shows changes: as text with lines, as Markdown for a pull request, as JSON for tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .change import Change, Place, Severity

SHOWN_OPERATIONS = 5
_TITLES = {
    Severity.BREAKING: "Breaking: clients of the old document may fail",
    Severity.UNKNOWN: "Unknown: a person must look",
    Severity.ADDITIVE: "Additive: nobody should notice",
}
_MOST_ROWS = 100  # hosts of pull requests cut comments at 65,536 characters


def verdict(changes: Sequence[Change]) -> str:
    """One line: how many changes of which severity."""
    if not changes:
        return "No change that a client could notice."
    counts = [f"{sum(c.severity is s for c in changes)} {s.value}" for s in Severity]
    noun = "change" if len(changes) == 1 else "changes"
    return f"{len(changes)} {noun}: {', '.join(counts)}."


def as_text(changes: Sequence[Change]) -> str:
    """Grouped by severity, each with its places in both documents."""
    lines = [verdict(changes)]
    for severity, mine in _grouped(changes):
        lines += ["", f"{_TITLES[severity]} ({len(mine)})"]
        for change in mine:
            lines += ["", f"  {change.kind.id}: {change.message}"]
            for word, place in (("old", change.old), ("new", change.new)):
                if place is not None:
                    lines.append(f"    {word} {place.position} {place.pointer}")
            if used := _used(change):
                lines.append(f"    in  {used}")
            if change.remedy:
                lines.append(f"    do  {change.remedy}")
    return "\n".join(lines)


def as_markdown(changes: Sequence[Change]) -> str:
    """A comment: the verdict, a table of what breaks, the rest folded."""
    sign = _worst(changes)
    head = {
        Severity.BREAKING: "This breaks clients.",
        Severity.UNKNOWN: "This may break clients.",
        Severity.ADDITIVE: "This breaks no client.",
        None: "",
    }[sign]
    lines = [f"**{head}** {verdict(changes)}" if head else f"**{verdict(changes)}**"]
    for severity, mine in _grouped(changes):
        is_open = severity is Severity.BREAKING
        lines.append("")
        if not is_open:
            lines += ["<details>", f"<summary>{severity.value} ({len(mine)})</summary>", ""]
        lines += ["| change | where | operations |", "|---|---|---|"]
        lines += map(_row, mine[:_MOST_ROWS])
        if len(mine) > _MOST_ROWS:
            lines += ["", f"and {len(mine) - _MOST_ROWS} more"]
        if not is_open:
            lines += ["", "</details>"]
    return "\n".join(lines)


def as_json(changes: Sequence[Change]) -> str:
    """Everything, in one object."""
    counts = {s.value: sum(c.severity is s for c in changes) for s in Severity}
    found = [
        {
            "kind": change.kind.id,
            "severity": change.severity.value,
            "message": change.message,
            "remedy": change.remedy,
            "operations": list(change.operations),
            "sites": [
                {"operation": s.operation, "part": s.part, "severity": s.severity.value}
                for s in change.sites
            ],
            "old": _placed(change.old),
            "new": _placed(change.new),
        }
        for change in changes
    ]
    return json.dumps({"summary": counts, "changes": found}, indent=2, ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Sequence[Change]], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "json": as_json,
}


def _grouped(changes: Sequence[Change]) -> Iterable[tuple[Severity, Sequence[Change]]]:
    groups = ((s, [change for change in changes if change.severity is s]) for s in Severity)
    return [(severity, mine) for severity, mine in groups if mine]


def _worst(changes: Sequence[Change]) -> Severity | None:
    return min((c.severity for c in changes), key=lambda s: s.rank, default=None)


def _used(change: Change) -> str:
    """The first operations in which a change is met, and how many there are more."""
    names = change.operations
    parts = {s.part for s in change.sites if s.part and s.severity is change.severity}
    part = f" ({parts.pop()})" if len(parts) == 1 and len(names) == 1 else ""
    more = len(names) - SHOWN_OPERATIONS
    rest = f" and {more} more, {len(names)} in all" if more > 0 else ""
    return ", ".join(names[:SHOWN_OPERATIONS]) + part + rest


def _row(change: Change) -> str:
    places = [
        f"{word} {_code(f'{p.position.file}:{p.position.line}')}"
        for word, p in (("old", change.old), ("new", change.new))
        if p is not None
    ]
    message = f"{_escaped(change.message)}<br><sub>{change.kind.id}</sub>"
    used = ", ".join(map(_code, change.operations[:SHOWN_OPERATIONS]))
    more = len(change.operations) - SHOWN_OPERATIONS
    rest = f" and {more} more" if more > 0 else ""
    return f"| {message} | {'<br>'.join(places)} | {used}{rest} |"


def _code(text: str) -> str:
    return f"`{text.replace('`', ' ').replace('|', chr(92) + '|')}`"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one cell of a table."""
    for sign in "\\|*_[]#~":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("<", "&lt;").replace("@", "@&#8203;").replace("\n", " ")


def _placed(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    at = place.position
    return {"pointer": place.pointer, "file": at.file, "line": at.line, "column": at.column}
