"""Text to tree, with the position of every node, under limits that no input can widen."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import pointers
from ..errors import Defect, Position, SparringError, line_of
from . import cache
from .json_text import JsonPlaces, Key, Marks, place, read_json

MAX_BYTES = 64 * 1024 * 1024

Path_ = tuple[Key, ...]


class Source:
    """A parsed text: its `tree` of plain JSON values, and where each of them stands.

    `warnings` holds what is wrong with the text but does not keep it from being read; `marks` knows
    the places, by collection and key, or by path; `key` is that of the text in the cache.
    """

    def __init__(
        self,
        name: str,
        text: str,
        tree: Any,
        marks: Marks | Callable[[Path_], tuple[int, int]],
        warnings: Sequence[Defect] = (),
        key: str = "",
    ) -> None:
        self.name = name
        self.text = text
        self.tree = tree
        self.key = key
        self.warnings = list(warnings)
        self._marks = marks
        self._grafts: dict[tuple[int, Key], tuple[Source, Path_]] = {}
        # Of lists that have lost items: the index that each item left had in the text.
        self._moved: dict[int, list[int]] = {}

    def derived(self, tree: Any) -> Source:
        """A tree made anew from the same text; `graft` says where its members come from."""
        return Source(self.name, self.text, tree, {}, self.warnings)

    def graft(self, node: Any, key: Key, value: Any, origin: Source, path: Path_) -> None:
        """Sets a member, or appends an item, that comes from `path` in another text."""
        if isinstance(node, list) and key == len(node):
            node.append(value)
            if moved := self._moved.get(id(node)):
                moved.append(max(moved) + 1)
        else:
            node[key] = value
        self._grafts[id(node), self._key(node, key)] = (origin, path)

    def remove(self, node: Any, key: Key) -> None:
        """Takes a member or an item out."""
        if isinstance(node, list):
            del self._moved.setdefault(id(node), list(range(len(node))))[int(key)]
        del node[key]

    def _key(self, node: Any, key: Key) -> Key:
        """The key of a member as it was in the text."""
        moved = self._moved.get(id(node), ())
        return moved[key] if isinstance(key, int) and key < len(moved) else key

    def position(self, path: Path_) -> Position:
        """Where the node at `path` stands; for a missing node, where its nearest parent does."""
        source, path, nodes = self._origin(path)
        if callable(source._marks):
            line, column = source._marks(path)
        else:
            line, column = 1, 1
            for node, key in zip(nodes, path, strict=True):
                mark = source._marks.get(id(node), {}).get(key)
                line, column = place(mark) if mark else (line, column)
        return Position(source.name, line, column)

    def pointer(self, path: Path_) -> str:
        """The JSON Pointer of a node in the text that it is written in."""
        return pointers.join(self._origin(path)[1])

    def defect(self, code: str, message: str, path: Path_, remedy: str = "") -> Defect:
        """A defect of the node at `path`."""
        position = self.position(path)
        text = self._origin(path)[0].text
        return Defect(code, message, position, remedy, line_of(text, position.line))

    def _origin(self, path: Path_) -> tuple[Source, Path_, list[Any]]:
        """The text that a node comes from, its path there with numbers for array items, and the
        nodes on the way."""
        node, typed, nodes = self.tree, [], []
        graft: tuple[Source, Path_] | None = None
        for index, token in enumerate(path):
            is_index = isinstance(node, list) and str(token).isdecimal()
            key: Key = int(token) if is_index else str(token)
            written = self._key(node, key)
            if found := self._grafts.get((id(node), written)):  # the innermost is the latest
                graft = found[0], (*found[1], *path[index + 1 :])
            typed.append(written)
            nodes.append(node)
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                break
        return graft[0]._origin(graft[1]) if graft else (self, tuple(typed), nodes)


def load(path: Path) -> Source:
    """Reads and parses one file. Raises SparringError (D101 to D105)."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SparringError(Defect("D101", f"{path}: {reason}", remedy="Check the path.")) from None
    return parse(data, str(path))


def parse(data: bytes, name: str) -> Source:
    """Parses YAML or JSON. Raises SparringError (D101 to D105)."""
    if len(data) > MAX_BYTES:
        raise SparringError(Defect("D103", f"{name} has more than {MAX_BYTES} bytes"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise SparringError(
            Defect(
                "D102", "this is not UTF-8", Position(name, line, column), "Save the file as UTF-8."
            )
        ) from None
    key = cache.key_of(data)
    if text.lstrip()[:1] in ("{", "["):
        try:
            tree, warnings = read_json(text, name)
            return Source(name, text, tree, JsonPlaces(text), warnings, key)
        except json.JSONDecodeError as error:
            if name.endswith(".json"):
                raise SparringError(
                    Defect("D102", error.msg, Position(name, error.lineno, error.colno))
                ) from None
    if kept := cache.read_text(key, name):
        return Source(name, text, kept.tree, kept.locate, kept.warnings, key)

    from .yaml_text import read_yaml  # late: a kept text is read before its parser is imported

    tree, marks, warnings = read_yaml(text, name)
    cache.write_text(key, len(data), tree, marks, warnings)
    return Source(name, text, tree, marks, warnings, key)
