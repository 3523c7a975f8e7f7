"""Text to tree, with the position of every node, under limits that no input can widen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import yaml

from .errors import Defect, Position, SparringError

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 200
MAX_NODES = 5_000_000  # with every alias written out

Key = str | int
Path_ = tuple[Key, ...]
_Marks = dict[int, dict[Key, tuple[int, int]]]

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {w: w.lower() == "true" for w in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class Source:
    """A parsed text: its `tree` of plain JSON values, and where each of them stands.

    `warnings` holds what is wrong with the text but does not keep it from being read.
    """

    def __init__(self, name: str, text: str, tree: Any, marks: _Marks | None) -> None:
        self.name = name
        self.text = text
        self.tree = tree
        self.warnings: list[Defect] = []
        self._marks = marks
        self._grafts: dict[tuple[int, Key], tuple[Source, Path_]] = {}
        # Of lists that have lost items: the index that each item left had in the text.
        self._moved: dict[int, list[int]] = {}

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
        if source._marks is None:
            line, column = _locate_json(source.text, path)
        else:
            line, column = 1, 1
            for node, key in zip(nodes, path, strict=True):
                line, column = source._marks.get(id(node), {}).get(key, (line, column))
        return Position(source.name, line, column)

    def defect(self, code: str, message: str, path: Path_, remedy: str = "") -> Defect:
        """A defect of the node at `path`."""
        position = self.position(path)
        text = self._origin(path)[0].text
        return Defect(code, message, position, remedy, _line(text, position.line))

    def _origin(self, path: Path_) -> tuple[Source, Path_, list[Any]]:
        """The text that a node comes from, its path there with numbers for array items, and the
        nodes on the way."""
        node, typed, nodes = self.tree, [], []
        for index, token in enumerate(path):
            key: Key = int(token) if isinstance(node, list) and str(token).isdigit() else str(token)
            written = self._key(node, key)
            if graft := self._grafts.get((id(node), written)):
                origin, at = graft
                return origin._origin((*at, *path[index + 1 :]))
            typed.append(written)
            nodes.append(node)
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                break
        return self, tuple(typed), nodes


def load(path: Path) -> Source:
    """Reads and parses one file. Raises SparringError (D101 to D105)."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SparringError(
            Defect("D101", f"{path}: {error.strerror or error}", remedy="Check the path.")
        ) from None
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
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _parse_json(text, name)
        except json.JSONDecodeError as error:
            if name.endswith(".json"):
                raise SparringError(
                    Defect("D102", error.msg, Position(name, error.lineno, error.colno))
                ) from None
    return _parse_yaml(text, name)


def decode_json(text: bytes | str) -> Any:
    """A JSON value that came over a wire. Raises ValueError, with the reason, for what is not JSON
    or is nested deeper than MAX_DEPTH."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels") from None
    opened = text.count(b"[") + text.count(b"{") if isinstance(text, bytes) else len(text)
    if opened > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
    return value


# JSON


def _parse_json(text: str, name: str) -> Source:
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(items)
        if len(mapping) != len(items):
            keys = [key for key, _ in items]
            repeated.extend(key for key in mapping if keys.count(key) > 1)
        return mapping

    def refuse(word: str) -> Any:
        found = (t.start() for t in _JSON_TOKEN.finditer(text) if t.group() == word)
        raise json.JSONDecodeError(f"{word} is not JSON", text, next(found, 0))

    def number(word: str) -> float:
        value = float(word)
        return refuse(word) if value in (float("inf"), -float("inf")) else value

    try:
        tree = json.loads(text, object_pairs_hook=pairs, parse_constant=refuse, parse_float=number)
    except (RecursionError, ValueError) as error:
        if isinstance(error, json.JSONDecodeError):
            raise
        reason = (
            f"nested deeper than {MAX_DEPTH} levels" if isinstance(error, RecursionError) else error
        )
        raise SparringError(Defect("D103", str(reason), Position(name, 1, 1))) from None
    for token in _JSON_TOKEN.finditer(text) if _ESCAPED_HALF.search(text) else ():
        if token.group()[0] == '"' and _HALF.search(json.loads(token.group())):
            message = "half of a surrogate pair is no character"
            raise json.JSONDecodeError(message, text, token.start())
    if _depth(tree) > MAX_DEPTH:
        message = f"nested deeper than {MAX_DEPTH} levels"
        raise SparringError(Defect("D103", message, Position(name, 1, 1)))
    source = Source(name, text, tree, None)
    for key in repeated:
        at = list(re.finditer(re.escape(json.dumps(key)) + r"\s*:", text))
        offset = at[-1].start() if at else 0
        line, column = _line_column(text, offset)
        source.warnings.append(
            Defect(
                "D104", f'"{key}" stands twice; the last one counts', Position(name, line, column)
            )
        )
    return source


def _depth(tree: Any) -> int:
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return depth


def _line(text: str, number: int) -> str:
    lines = text.split("\n", number)
    line = lines[number - 1].rstrip("\r") if number <= len(lines) else ""
    return line if len(line) <= 200 else ""


def _line_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _locate_json(text: str, path: Path_) -> tuple[int, int]:
    """Walks the tokens of a JSON text down to `path`; the text is known to be JSON."""
    tokens = _JSON_TOKEN.finditer(text)
    found = next(tokens, None)
    offset = found.start() if found else 0
    for wanted in path:
        token = found.group() if found else ""
        if token not in ("{", "["):
            break
        entry = _json_member(tokens, wanted) if token == "{" else _json_item(tokens, wanted)
        if entry is None:
            break
        offset, found = entry
    return _line_column(text, offset)


_Match = re.Match[str]


def _json_member(tokens: Iterator[_Match], wanted: Key) -> tuple[int, _Match] | None:
    for token in tokens:
        if token.group() == "}":
            return None
        if token.group() == ",":
            continue
        key = json.loads(token.group())
        next(tokens)
        value = next(tokens)
        if key == wanted:
            return token.start(), value
        _json_skip(tokens, value)
    return None


def _json_item(tokens: Iterator[_Match], wanted: Key) -> tuple[int, _Match] | None:
    index = 0
    for token in tokens:
        if token.group() == "]":
            return None
        if token.group() == ",":
            index += 1
            continue
        if index == wanted:
            return token.start(), token
        _json_skip(tokens, token)
    return None


def _json_skip(tokens: Iterator[_Match], value: _Match) -> None:
    depth = value.group() in ("{", "[")
    level = int(depth)
    while level:
        token = next(tokens).group()
        level += (token in ("{", "[")) - (token in ("}", "]"))


# YAML


def _parse_yaml(text: str, name: str) -> Source:
    try:
        tree, marks, repeated = _YamlBuilder(name).build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(name, mark.line + 1, mark.column + 1) if mark else None
        message = error.problem or str(error)
        excerpt = _line(text, position.line) if position else ""
        tab = position is not None and excerpt[position.column - 1 : position.column] == "\t"
        remedy = "Indent with spaces, not with tabs." if tab else ""
        raise SparringError(Defect("D102", message, position, remedy, excerpt)) from None
    except yaml.reader.ReaderError as error:
        line, column = _line_column(text, int(error.position))
        raise SparringError(
            Defect("D102", f"a control character: {error.reason}", Position(name, line, column))
        ) from None
    source = Source(name, text, tree, marks)
    for key, (line, column), (first, _) in repeated:
        position = Position(name, line, column)
        message = f'"{key}" stands twice (first in line {first}); the last one counts'
        source.warnings.append(Defect("D104", message, position, "Remove one.", _line(text, line)))
    return source


class _YamlBuilder:
    """Builds the tree from parser events, without recursion.

    The types are those of the YAML 1.2 core schema: `no` and `12:30` are strings, and so is every
    key. An alias is the very object of its anchor; MAX_NODES counts it as if it were written out.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.marks: _Marks = {}
        self.repeated: list[tuple[str, tuple[int, int], tuple[int, int]]] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.merged: dict[int, set[str]] = {}  # keys of a mapping that `<<` brought
        self.nodes = 0

    def build(self, text: str) -> tuple[Any, _Marks, Any]:
        # One frame an open collection: [collection, key to fill, its anchor, nodes before it,
        # whether it is what `<<` merges].
        frames: list[list[Any]] = []
        root: list[Any] = []
        self._frame_root = root
        for event in yaml.parse(text, Loader=_Loader):
            mark = event.start_mark
            at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                if len(frames) >= MAX_DEPTH:
                    raise self._refuse("D103", f"nested deeper than {MAX_DEPTH} levels", at)
                new: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                self._tag(event.tag, ("map", "seq"), at)
                self.marks[id(new)] = {}
                before = self.nodes
                merged = bool(frames) and frames[-1][1] is not None and frames[-1][1][0] is _MERGE
                if not merged:
                    self._add(frames, new, at)
                frames.append([new, None, event.anchor, before, merged])
                if event.anchor:
                    self.anchors.pop(event.anchor, None)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                done, _, anchor, before, merged = frames.pop()
                if anchor:
                    self.anchors[anchor] = (done, self.nodes - before)
                if merged:
                    self._add(frames, done, at)
            elif isinstance(event, yaml.ScalarEvent):
                if frames and isinstance(frames[-1][0], dict) and frames[-1][1] is None:
                    self._key(frames[-1], event, at)
                    continue
                value = self._scalar(event, at)
                if event.anchor:
                    self.anchors[event.anchor] = (value, 1)
                self._add(frames, value, at)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(frames, str(event.anchor), at)
            elif isinstance(event, yaml.DocumentStartEvent) and root:
                raise self._refuse("D105", "a second document in one file", at)
        if not root:
            root.append(None)
        return root[0], self.marks, self.repeated

    def _key(self, frame: list[Any], event: yaml.ScalarEvent, at: tuple[int, int]) -> None:
        mapping, marks = frame[0], self.marks[id(frame[0])]
        key = event.value
        if key == "<<" and event.implicit[0]:
            frame[1] = (_MERGE, at)
            return
        if key in marks and key in mapping and key not in self.merged.get(id(mapping), ()):
            self.repeated.append((key, at, marks[key]))
        marks[key] = at
        self.merged.get(id(mapping), set()).discard(key)
        frame[1] = (key, at)

    def _add(self, frames: list[list[Any]], value: Any, at: tuple[int, int]) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._refuse("D103", f"more than {MAX_NODES} nodes, aliases written out", at)
        if not frames:
            self._frame_root.append(value)
            return
        collection, key = frames[-1][0], frames[-1][1]
        if isinstance(collection, list):
            self.marks[id(collection)][len(collection)] = at
            collection.append(value)
            return
        if key is None:
            raise self._refuse("D105", "a key that is not a scalar", at)
        frames[-1][1] = None
        if key[0] is _MERGE:
            self._merge(collection, value, at)
        else:
            collection[key[0]] = value

    def _merge(self, mapping: dict[str, Any], value: Any, at: tuple[int, int]) -> None:
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, dict):
                raise self._refuse("D105", "`<<` takes a mapping, or a list of mappings", at)
            self.nodes += len(part)
            for key, item in part.items():
                if key not in mapping:
                    mapping[key] = item
                    self.merged.setdefault(id(mapping), set()).add(key)
                    self.marks[id(mapping)][key] = self.marks[id(part)].get(key, at)

    def _alias(self, frames: list[list[Any]], anchor: str, at: tuple[int, int]) -> None:
        if frames and isinstance(frames[-1][0], dict) and frames[-1][1] is None:
            raise self._refuse("D105", "an alias as a key", at)
        if anchor not in self.anchors:
            raise self._refuse("D105", f"*{anchor} stands for itself or for nothing", at)
        value, size = self.anchors[anchor]
        self.nodes += size - 1
        self._add(frames, value, at)

    def _scalar(self, event: yaml.ScalarEvent, at: tuple[int, int]) -> Any:
        text: str = event.value
        if event.tag is not None and event.tag != "!":
            kind = self._tag(event.tag, ("str", "int", "float", "bool", "null"), at)
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

    def _tag(self, tag: str | None, allowed: tuple[str, ...], at: tuple[int, int]) -> str:
        if tag is None or tag == "!":
            return ""
        kind = tag.removeprefix("tag:yaml.org,2002:")
        if kind not in allowed:
            raise self._refuse("D105", f"the tag {tag} says nothing that JSON can", at)
        return kind

    def _refuse(self, code: str, message: str, at: tuple[int, int]) -> SparringError:
        return SparringError(Defect(code, message, Position(self.name, *at)))


_MERGE = object()
_Loader = cast(Any, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
