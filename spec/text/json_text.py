"""JSON under limits: what comes over a wire, and whole documents with the places of their nodes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from ..errors import Defect, Position, SparringError

MAX_DEPTH = 200
MAX_WARNINGS = 100

Key = str | int
Path = tuple[Key, ...]

Mark = Any  # of a YAML parser: line and column count from 0
Marks = dict[int, dict[Key, Mark]]
"""Where the members of each mapping and list stand, by the id of the collection."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(rb"(?i)\\ud[89ab]..\\ud[c-f]..|(?P<half>\\ud[89a-f]..)|\\.")


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


def decode_answer(text: bytes | str) -> Any:
    """A JSON value that a server sent. Half of a surrogate pair, which the grammar allows (RFC 8259
    section 8.2), is read as U+FFFD. Raises msgspec.DecodeError, UnicodeError or RecursionError."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        raw = text.encode(errors="replace") if isinstance(text, str) else text
        whole = _ESCAPE.sub(lambda m: rb"\ufffd" if m["half"] else m[0], raw)
        if whole == raw:
            raise
        return msgspec.json.decode(whole)


def line_column(text: str, offset: int) -> tuple[int, int]:
    """The line and the column of a character, both from 1 on."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def place(mark: Mark) -> tuple[int, int]:
    """The line and the column that a mark stands for, both from 1 on."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def read_json(text: str, name: str) -> tuple[Any, list[Defect]]:
    """The tree of a JSON text, and warnings. Raises JSONDecodeError, or SparringError D103."""
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(items)
        if len(mapping) != len(items):
            count = Counter(key for key, _ in items)
            repeated.extend(key for key in mapping if count[key] > 1)
        return mapping

    def refuse(word: str) -> Any:
        found = (t.start() for t in _TOKEN.finditer(text) if t.group() == word)
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
    for token in _TOKEN.finditer(text) if _ESCAPED_HALF.search(text) else ():
        if token.group()[0] == '"' and _HALF.search(json.loads(token.group())):
            message = "half of a surrogate pair is no character"
            raise json.JSONDecodeError(message, text, token.start())
    if _depth(tree) > MAX_DEPTH:
        message = f"nested deeper than {MAX_DEPTH} levels"
        raise SparringError(Defect("D103", message, Position(name, 1, 1)))
    warnings = []
    for key in repeated[:MAX_WARNINGS]:
        at = list(re.finditer(re.escape(json.dumps(key)) + r"\s*:", text))
        position = Position(name, *line_column(text, at[-1].start() if at else 0))
        warnings.append(Defect("D104", f'"{key}" stands twice; the last one counts', position))
    return tree, warnings


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


class JsonPlaces:
    """Where the nodes of a text stand that is known to be JSON; each collection is read once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[int, dict[Key, tuple[int, int]]] = {}

    def __call__(self, path: Path) -> tuple[int, int]:
        """The line and the column where the member or item at `path` begins."""
        value = _after_space(self._text, 0)
        offset = value
        for wanted in path:
            found = self._below(value).get(wanted)
            if found is None:
                break
            offset, value = found
        return line_column(self._text, offset)

    def _below(self, at: int) -> dict[Key, tuple[int, int]]:
        known = self._known.get(at)
        if known is None:
            is_collection = self._text[at : at + 1] in ("{", "[")
            found = entries(self._text, at) if is_collection else iter(())
            known = self._known[at] = {key: (begin, value) for key, begin, value in found}
        return known


def entries(text: str, at: int) -> Iterator[tuple[Key, int, int]]:
    """The members or items of the collection at `at`: key, where it begins, where its value does.

    The parser itself skips the values, so that a large text takes no longer than to be read.
    """
    is_object = text[at] == "{"
    at = _after_space(text, at + 1)
    for index in range(len(text)):
        if text[at] in "}]":
            return
        key, value = index, at
        if is_object:
            key, value = _DECODER.raw_decode(text, at)
            value = _after_space(text, _after_space(text, value) + 1)
        yield key, at, value
        at = _after_space(text, _DECODER.raw_decode(text, value)[1])
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches anywhere


_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
