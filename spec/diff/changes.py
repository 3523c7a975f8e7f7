"""Collects changes: one cause is one, however many operations it is met in."""

from __future__ import annotations

from functools import lru_cache

from sparring.spec.openapi.document import Document
from sparring.spec.openapi.schemas import Path
from sparring.spec.text.source import Source

from .change import Change, Place, Severity, Site
from .kinds import KINDS

_CONTAINERS = ("properties", "$defs", "definitions", "schemas", "patternProperties")
_Key = tuple[str, str, Path | None, Path | None]


class Changes:
    """The changes between two documents, as far as they are found."""

    def __init__(self, old: Document, new: Document) -> None:
        self._sources = (old.source, new.source)
        self._found: dict[_Key, dict[Site, None]] = {}

    @property
    def sites(self) -> int:
        """How often changes have been met."""
        return sum(map(len, self._found.values()))

    def add(
        self,
        kind: str,
        message: str,
        old: Path | None,
        new: Path | None,
        *,
        operation: str = "",
        part: str = "",
        severity: Severity | None = None,
    ) -> None:
        """Notes that a change is met in a part of an operation; without a severity it is that of
        its kind."""
        site = Site(operation, part, severity or KINDS[kind].sent)
        self._found.setdefault((kind, message, old, new), {})[site] = None

    def all(self) -> tuple[Change, ...]:
        """Every change, those that hurt most first, then in the order of the documents."""
        changes = [self._change(*key, tuple(sites)) for key, sites in self._found.items()]
        return tuple(sorted(changes, key=lambda change: change.severity.rank))

    def _change(
        self,
        kind: str,
        message: str,
        old: Path | None,
        new: Path | None,
        sites: tuple[Site, ...],
    ) -> Change:
        severity = min((site.severity for site in sites), key=lambda s: s.rank)
        before = None if old is None else _place(self._sources[0], old)
        after = None if new is None else _place(self._sources[1], new)
        return Change(KINDS[kind], severity, message, before, after, sites)


@lru_cache(maxsize=4096)
def _place(source: Source, path: Path) -> Place:
    return Place(source.pointer(path), source.position(path))


def name_of(path: Path | None) -> str:
    """How a person calls a schema: its component, and the members that lead to it."""
    if path is None:
        return ""
    tokens = list(map(str, path))
    starts = [i for i, token in enumerate(tokens) if token in ("schema", "itemSchema", "schemas")]
    start = starts[-1] if starts else 0
    name = ""
    index = start
    while index < len(tokens):
        if tokens[index] in _CONTAINERS and index + 1 < len(tokens):
            name += ("." if name else "") + tokens[index + 1]
            index += 2
        else:
            name += "[]" if tokens[index] in ("items", "prefixItems") else ""
            index += 1
    return name
