"""Finds the operation of a request: one dictionary look-up a segment, concrete before templated."""

from __future__ import annotations

import re
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")
_TEMPLATE = re.compile(r"\{([^{}]+)\}")


class _Node(Generic[T]):
    __slots__ = ("fixed", "methods", "mixed", "names", "variable")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node[T]] = {}
        self.mixed: list[tuple[re.Pattern[str], _Node[T]]] = []
        self.variable: _Node[T] | None = None
        self.methods: dict[str, T] = {}
        self.names: dict[str, tuple[str, ...]] = {}


class Router(Generic[T]):
    """A tree over path templates such as `/sessions/{id}` or `/files/{name}:copy`."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, method: str, path: str, target: T) -> None:
        """Adds a target; of two templates that match the same paths the first one wins."""
        node, names = self._root, []
        for segment in path.strip("/").split("/"):
            found = _TEMPLATE.findall(segment)
            names += found
            if not found:
                node = node.fixed.setdefault(unquote(segment), _Node())
            elif segment == f"{{{found[0]}}}":
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                parts = [re.escape(part) for part in _TEMPLATE.split(segment)[::2]]
                pattern = re.compile("([^/]+)".join(parts))
                known = [n for p, n in node.mixed if p == pattern]
                if not known:
                    known = [_Node()]
                    node.mixed.append((pattern, known[0]))
                node = known[0]
        node.methods.setdefault(method, target)
        node.names.setdefault(method, tuple(names))

    def find(self, path: str) -> tuple[dict[str, T], dict[str, tuple[str, ...]], tuple[str, ...]]:
        """The targets of a path by method, their parameter names by method, and the raw values.

        The first mapping is empty when no template matches. `path` is still percent-encoded.
        """
        segments = path[1:].split("/") if path != "/" else [""]
        if len(segments) > 1 and not segments[-1]:
            segments.pop()
        found = self._walk(self._root, segments, 0, ())
        return (found[0].methods, found[0].names, found[1]) if found else ({}, {}, ())

    def _walk(
        self, node: _Node[T], segments: list[str], index: int, values: tuple[str, ...]
    ) -> tuple[_Node[T], tuple[str, ...]] | None:
        if index == len(segments):
            return (node, values) if node.methods else None
        segment = segments[index]
        if "%" in segment:
            segment = unquote(segment)
        below = node.fixed.get(segment)
        if below is not None and (found := self._walk(below, segments, index + 1, values)):
            return found
        if not segment:
            return None
        for pattern, below in node.mixed:
            match = pattern.fullmatch(segment)
            if match and (
                found := self._walk(below, segments, index + 1, (*values, *match.groups()))
            ):
                return found
        if node.variable is not None:
            return self._walk(node.variable, segments, index + 1, (*values, segment))
        return None
