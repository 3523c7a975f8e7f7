"""JSON under limits: what comes over a wire, and whole documents with the places of their nodes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from .errors import Defect, Position, SparringError

MAX_DEPTH = 200
MAX_WARNINGS = 100

Key = str | int
Path = tuple[Key, ...]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


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


def line_column(text: str, offset: int) -> tuple[int, int]:
    """The line and the column of a character, both from 1 on."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


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


def locate_json(text: str, path: Path) -> tuple[int, int]:
    """Walks the tokens of a JSON text down to `path`; the text is known to be JSON."""
    tokens = _TOKEN.finditer(text)
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
    return line_column(text, offset)


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
