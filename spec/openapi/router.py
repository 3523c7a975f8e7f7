"""Finds the operation of a request: one dictionary look-up a segment, concrete before templated."""

from __future__ import annotations

import re
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")
_TEMPLATE = re.compile(r"\{([^{}]+)\}")
_REST = re.compile(r"\+.+|.+[*+]|.+:path")  # `{+name}`, `{name*}`: they go on over slashes

_GROUP = re.compile(r"\(\.\+\)|\(\[\^/\]\+\)")


class _Node(Generic[T]):
    __slots__ = ("fixed", "methods", "mixed", "rest", "variable")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node[T]] = {}
        self.mixed: list[tuple[re.Pattern[str], _Node[T]]] = []
        self.rest: list[tuple[re.Pattern[str], _Node[T]]] = []
        self.variable: _Node[T] | None = None
        self.methods: dict[str, T] = {}


class Router(Generic[T]):
    """A tree over path templates such as `/sessions/{id}` or `/files/{name}:copy`."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, method: str, path: str, target: T) -> T:
        """Adds a target; of two templates that match the same paths the first one wins, and its
        target is what this returns."""
        node = self._root
        segments = path.strip("/").split("/")
        for index, segment in enumerate(segments):
            found = _TEMPLATE.findall(segment)
            if not found:
                node = node.fixed.setdefault(unquote(segment), _Node())
            elif any(_REST.fullmatch(name) for name in found):
                node = _below(node.rest, "/".join(segments[index:]))
                break
            elif segment == f"{{{found[0]}}}":
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = _below(node.mixed, segment)
        return node.methods.setdefault(method, target)

    def find(self, path: str) -> tuple[dict[str, T], tuple[str, ...]]:
        """The targets of a path by method, and the values of its parameters in their order.

        There are no targets when no template matches. `path` is still percent-encoded.
        """
        segments = path[1:].split("/") if path != "/" else [""]
        if len(segments) > 1 and not segments[-1]:
            segments.pop()
        found = self._walk(self._root, segments, 0, ())
        return (found[0].methods, found[1]) if found else ({}, ())

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
        if segment:
            for pattern, below in node.mixed:
                match = pattern.fullmatch(segment)
                if match and (
                    found := self._walk(below, segments, index + 1, (*values, *match.groups()))
                ):
                    return found
            if node.variable is not None and (
                found := self._walk(node.variable, segments, index + 1, (*values, segment))
            ):
                return found
        for pattern, below in node.rest:
            if match := pattern.fullmatch(unquote("/".join(segments[index:]))):
                return below, (*values, *match.groups())
        return None


def parameter_names(path: str) -> tuple[str, ...]:
    """The names of the parameters of a path template, without the marks that some of them carry
    (`{+name}`, `{name*}`, `{name:path}`)."""
    return tuple(
        name.partition(":")[0].strip("+*#./;?& ") or name for name in _TEMPLATE.findall(path)
    )


def _below(known: list[tuple[re.Pattern[str], _Node[T]]], template: str) -> _Node[T]:
    """The node below a template that a pattern has to match."""
    pieces = _TEMPLATE.split(template)
    texts, names = pieces[::2], pieces[1::2]
    groups = ["(.+)" if _REST.fullmatch(name) else "([^/]+)" for name in names]
    text = "".join(re.escape(t) + g for t, g in zip(texts, [*groups, ""], strict=True))
    pattern = re.compile(text, re.DOTALL)
    for other, node in known:
        if other == pattern:
            return node
    made: _Node[T] = _Node()
    known.append((pattern, made))
    known.sort(key=lambda entry: -len(_GROUP.sub("", entry[0].pattern)))  # the most literal first
    return made
