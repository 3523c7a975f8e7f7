"""Findings that a team has accepted for a time: the file, and which of its entries fits what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sparring.spec.errors import Defect, Position, SparringError, nearest
from sparring.spec.finding import Finding
from sparring.spec.text.source import Path_, Source, load

GRANTED = timedelta(days=90)
REASON = "accepted when the baseline was written"
_KEYS = ("id", "operation", "reason", "expires")
_HEAD = """\
# Findings that do not fail `sparring test --baseline` until they expire.
# Without `operation` an entry stands for all operations that show the finding.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding; `operation` is empty where it stands for all of them."""

    id: str
    reason: str
    expires: date
    operation: str = ""
    position: Position | None = None

    @property
    def why(self) -> str:
        """Why a finding does not count."""
        return f"accepted until {self.expires}: {self.reason}"

    def __str__(self) -> str:
        return f"{self.id} of {self.operation}" if self.operation else self.id


@dataclass(frozen=True, slots=True)
class Baseline:
    """All entries of a file."""

    entries: tuple[Entry, ...] = ()

    def find(self, finding: Finding, today: date) -> Entry | None:
        """The entry that speaks of a finding: one in force, else one that has expired."""
        fit = [e for e in self.entries if e.id == finding.id]
        fit = [e for e in fit if e.operation in ("", finding.operation)]
        return max(fit, key=lambda e: (e.expires >= today, e.expires), default=None)


def read_baseline(file: Path) -> Baseline:
    """Reads a baseline. Raises SparringError: D101 to D105, C101 for each entry that is wrong."""
    source = load(file)
    tree = source.tree
    if tree is None:
        return Baseline()
    defects: list[Defect] = []
    if not isinstance(tree, dict) or not isinstance(tree.get("accepted"), list):
        remedy = "Write `accepted:` and below it a list; --write-baseline makes such a file."
        raise SparringError(source.defect("C101", "this is not a baseline", (), remedy))
    entries = [
        _entry(source, node, ("accepted", index), defects)
        for index, node in enumerate(tree["accepted"])
    ]
    if defects:
        raise SparringError(defects)
    return Baseline(tuple(entry for entry in entries if entry))


def _entry(source: Source, node: Any, path: Path_, defects: list[Defect]) -> Entry | None:
    before = len(defects)

    def wrong(message: str, *key: str, remedy: str = "") -> None:
        defects.append(source.defect("C101", message, (*path, *key), remedy))

    if not isinstance(node, dict):
        wrong("an entry is a mapping", remedy=f"Its keys are {', '.join(_KEYS)}.")
        return None
    for key in node:
        if key not in _KEYS:
            wrong(f'an entry has no "{key}"', key, remedy=nearest(key, _KEYS))
    texts: dict[str, str] = {}
    for key in _KEYS:
        value = node.get(key, "" if key == "operation" else None)
        if isinstance(value, str) and (value.strip() or key == "operation"):
            texts[key] = value.strip()
        elif key in node:
            wrong(f"`{key}` must be a text that is not empty", key)
        else:
            wrong(f"an entry needs `{key}`", remedy=_NEEDED[key])
    expires = date.max
    if "expires" in texts:
        try:
            expires = date.fromisoformat(texts["expires"])
        except ValueError:
            wrong(f'"{texts["expires"]}" is no date', "expires", remedy="Write it as 2030-12-31.")
    if len(defects) > before:
        return None
    position = source.position((*path, "id"))
    return Entry(texts["id"], texts["reason"], expires, texts["operation"], position)


_NEEDED = {
    "id": "It is the id of the finding in the report.",
    "reason": "Say why the finding is accepted.",
    "expires": "Say the last day on which it is accepted, as 2030-12-31.",
}


def accepting(findings: Iterable[Finding], old: Baseline, today: date) -> Baseline:
    """A baseline of these findings; what the old one says of them in force stays as it is."""
    entries: dict[Entry, None] = {}
    for finding in findings:
        entry = old.find(finding, today)
        if entry is None or entry.expires < today:
            entry = Entry(finding.id, REASON, today + GRANTED, finding.operation)
        entries[entry] = None
    return Baseline(tuple(entries))


def write_baseline(baseline: Baseline, file: Path) -> None:
    """Writes a baseline as YAML."""
    import yaml

    nodes = [
        {"id": e.id}
        | ({"operation": e.operation} if e.operation else {})
        | {"reason": e.reason, "expires": e.expires.isoformat()}
        for e in baseline.entries
    ]
    text = yaml.safe_dump({"accepted": nodes}, sort_keys=False, allow_unicode=True, width=100)
    file.write_text(_HEAD + text, encoding="utf-8")
