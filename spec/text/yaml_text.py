"""YAML under limits: trees of plain JSON values, by the types of YAML 1.2."""

from __future__ import annotations

import re
from typing import Any, cast

import yaml

from ..errors import Defect, Position, SparringError, line_of
from .json_text import MAX_DEPTH, MAX_WARNINGS, Key, Mark, Marks, line_column, place

MAX_NODES = 5_000_000  # with every alias written out

_UNCLOSED = "found unexpected end of stream"
_COLON = "mapping values are not allowed in this context"
_FIRST_KEY = re.compile(r"[\s-]*[^\s:'\"{\[][^:]*")
_REMEDIES = {
    _COLON: "Put a text with a colon in quotes.",
    "could not find expected ':'": "Put a text of several lines in quotes, or indent it.",
    "found invalid Unicode character escape code": "Write the character itself.",
    "found character that cannot start any token": "Put the text in quotes.",
    "did not find expected '-' indicator": "Indent the items of a list alike.",
    "did not find expected key": "Indent the keys of a mapping alike, or put the text in quotes.",
    "did not find expected ',' or ']'": "Close the list, or put the text in quotes.",
    "did not find expected ',' or '}'": "Close the mapping, or put the text in quotes.",
    _UNCLOSED: "Close the quotes that begin here.",
}
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {w: w.lower() == "true" for w in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def read_yaml(text: str, name: str) -> tuple[Any, Marks, list[Defect]]:
    """The tree of a YAML text, where its nodes stand, and warnings. Raises SparringError (D102,
    D103, D105)."""
    try:
        tree, marks, repeated = _YamlBuilder(name).build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.problem == _UNCLOSED and error.context_mark:
            mark = error.context_mark
        position = Position(name, mark.line + 1, mark.column + 1) if mark else None
        message = error.problem or str(error)
        excerpt = line_of(text, position.line) if position else ""
        tab = position is not None and excerpt[position.column - 1 : position.column] == "\t"
        remedy = "Indent with spaces, not with tabs." if tab else _REMEDIES.get(message, "")
        if message == _COLON and mark and _FIRST_KEY.fullmatch(excerpt[: mark.column]):
            remedy = "Indent this key like those above it, or put the text above it in quotes."
        raise SparringError(Defect("D102", message, position, remedy, excerpt)) from None
    except yaml.reader.ReaderError as error:
        line, column = line_column(text, int(error.position))
        raise SparringError(
            Defect("D102", f"a control character: {error.reason}", Position(name, line, column))
        ) from None
    warnings = []
    for key, mark, first in repeated[:MAX_WARNINGS]:
        line, column = place(mark)
        position = Position(name, line, column)
        message = f'"{key}" stands twice (first in line {place(first)[0]}); the last one counts'
        warnings.append(Defect("D104", message, position, "Remove one.", line_of(text, line)))
    return tree, marks, warnings


class _YamlBuilder:
    """Builds the tree from parser events, without recursion.

    The types are those of the YAML 1.2 core schema: `no` and `12:30` are strings, and so is every
    key. An alias is the very object of its anchor; MAX_NODES counts it as if it were written out.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.marks: Marks = {}
        self.repeated: list[tuple[str, Mark, Mark]] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.merged: dict[int, set[str]] = {}  # keys of a mapping that `<<` brought
        self.nodes = 0

    def build(self, text: str) -> tuple[Any, Marks, Any]:
        # One frame an open collection: [collection, key to fill, its anchor, nodes before it,
        # whether it is what `<<` merges, marks of its members].
        self.text = text
        frames: list[list[Any]] = []
        root: list[Any] = []
        self._frame_root = root
        event: Any
        for event in yaml.parse(text, Loader=_Loader):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                if frames and frames[-1][1] is None and type(frames[-1][0]) is dict:
                    self._key(frames[-1], event)
                    continue
                value = self._scalar(event)
                if event.anchor:
                    self.anchors[event.anchor] = (value, 1)
                self._add(frames, value, event.start_mark)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                mark = event.start_mark
                if len(frames) >= MAX_DEPTH:
                    raise self._refuse("D103", f"nested deeper than {MAX_DEPTH} levels", mark)
                new: Any = {} if kind is yaml.MappingStartEvent else []
                self._tag(event.tag, ("map", "seq"), mark)
                marks: dict[Key, Mark] = {}
                self.marks[id(new)] = marks
                before = self.nodes
                merged = bool(frames) and frames[-1][1] is _MERGE
                if not merged:
                    self._add(frames, new, mark)
                frames.append([new, None, event.anchor, before, merged, marks])
                if event.anchor:
                    self.anchors.pop(event.anchor, None)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                done, _, anchor, before, merged, _ = frames.pop()
                if anchor:
                    self.anchors[anchor] = (done, self.nodes - before)
                if merged:
                    self._add(frames, done, event.start_mark)
            elif kind is yaml.AliasEvent:
                self._alias(frames, str(event.anchor), event.start_mark)
            elif kind is yaml.DocumentStartEvent and root:
                raise self._refuse("D105", "a second document in one file", event.start_mark)
        if not root:
            root.append(None)
        return root[0], self.marks, self.repeated

    def _key(self, frame: list[Any], event: yaml.ScalarEvent) -> None:
        mapping, marks, key = frame[0], frame[5], event.value
        if key == "<<" and event.implicit[0]:
            frame[1] = _MERGE
            return
        if key in marks:
            merged = self.merged.get(id(mapping), set())
            if key in mapping and key not in merged:
                self.repeated.append((key, event.start_mark, marks[key]))
            merged.discard(key)
        marks[key] = event.start_mark
        frame[1] = key

    def _add(self, frames: list[list[Any]], value: Any, mark: Mark) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._refuse("D103", f"more than {MAX_NODES} nodes, aliases written out", mark)
        if not frames:
            self._frame_root.append(value)
            return
        frame = frames[-1]
        collection, key = frame[0], frame[1]
        if type(collection) is list:
            frame[5][len(collection)] = mark
            collection.append(value)
            return
        if key is None:
            remedy = 'Put a text that begins with "{{" in quotes.'
            raise self._refuse("D105", "a key that is not a scalar", mark, remedy)
        frame[1] = None
        if key is _MERGE:
            self._merge(collection, value, mark)
        else:
            collection[key] = value

    def _merge(self, mapping: dict[str, Any], value: Any, mark: Mark) -> None:
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, dict):
                raise self._refuse("D105", "`<<` takes a mapping, or a list of mappings", mark)
            self.nodes += len(part)
            for key, item in part.items():
                if key not in mapping:
                    mapping[key] = item
                    self.merged.setdefault(id(mapping), set()).add(key)
                    self.marks[id(mapping)][key] = self.marks[id(part)].get(key, mark)

    def _alias(self, frames: list[list[Any]], anchor: str, mark: Mark) -> None:
        if frames and isinstance(frames[-1][0], dict) and frames[-1][1] is None:
            raise self._refuse("D105", "an alias as a key", mark)
        if anchor not in self.anchors:
            raise self._refuse("D105", f"*{anchor} stands for itself or for nothing", mark)
        value, size = self.anchors[anchor]
        self.nodes += size - 1
        self._add(frames, value, mark)

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        text: str = event.value
        if event.tag is not None and event.tag != "!":
            kind = self._tag(event.tag, ("str", "int", "float", "bool", "null"), event.start_mark)
            if kind == "str":
                return text
        elif not event.implicit[0]:  # quoted, or a block
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if text[:1] in "+-.0123456789":
            if _INT.fullmatch(text) and len(text) <= 400:
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            if _FLOAT.fullmatch(text):
                number = float(text)
                return number if abs(number) != float("inf") else text
        return text

    def _tag(self, tag: str | None, allowed: tuple[str, ...], mark: Mark) -> str:
        if tag is None or tag == "!":
            return ""
        kind = tag.removeprefix("tag:yaml.org,2002:")
        if kind not in allowed:
            raise self._refuse("D105", f"the tag {tag} says nothing that JSON can", mark)
        return kind

    def _refuse(self, code: str, message: str, mark: Mark, remedy: str = "") -> SparringError:
        position = Position(self.name, *place(mark))
        return SparringError(
            Defect(code, message, position, remedy, line_of(self.text, position.line))
        )


_MERGE = object()
_Loader = cast(Any, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
