"""What takes long to find out, kept between runs: parsed YAML, and what is inferred of a document.

It stands in the user's cache folder, or in that which SPARRING_CACHE names; `SPARRING_CACHE=off`
keeps nothing. What can't be written or read back is as if it had never been kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import msgspec

from sparring import __version__

from ..errors import Defect, Position
from .json_text import Key, Marks, place

_MOST_FILES = 64
_MOST_BYTES = 64 * 1024 * 1024

_SUM = hashlib.sha256


def key_of(*parts: bytes) -> str:
    """The key of what follows from `parts` alone, for as long as sparring stays as it is."""
    digest = hashlib.sha256(_own_code())
    for part in parts:
        digest.update(f"{len(part)}:".encode())
        digest.update(part)
    return digest.hexdigest()


@cache
def _own_code() -> bytes:
    """What tells this sparring from every other version, and from itself once it was edited."""
    stamps = []
    for folder, _, names in os.walk(os.path.dirname(os.path.dirname(__file__))):
        for name in names:
            if name.endswith((".py", ".yaml")):
                file = os.path.join(folder, name)
                with suppress(OSError):  # it is being replaced
                    now = os.stat(file)
                    stamps.append(f"{file} {now.st_size} {now.st_mtime_ns}")
    return "\n".join([__version__, *sorted(stamps)]).encode()


def read(key: str) -> bytes | None:
    """What was kept under a key, None when nothing was, or not all of it is there any more."""
    file = _file(key)
    try:
        whole = file.read_bytes() if file else b""
    except OSError:
        return None
    size = _SUM().digest_size
    data, seen = whole[:-size], whole[-size:]
    return data if data and _SUM(data).digest() == seen else None


def write(key: str, data: bytes) -> None:
    """Keeps `data` for the next run."""
    file = _file(key)
    if file is None:
        return
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as new:
            new.write(data + _SUM(data).digest())
        os.replace(new.name, file)
        _clean(file.parent)
    except OSError:
        return


def _clean(folder: Path) -> None:
    """Removes what is oldest where there is too much."""
    found = [(file, file.stat()) for file in folder.glob("*.json")]
    total = 0
    for count, (file, stat) in enumerate(sorted(found, key=lambda f: -f[1].st_mtime_ns), 1):
        total += stat.st_size
        if count > _MOST_FILES or total > _MOST_BYTES:
            file.unlink(missing_ok=True)


def _file(key: str) -> Path | None:
    chosen = os.environ.get("SPARRING_CACHE", "")
    if chosen == "off":
        return None
    try:
        return (Path(chosen) if chosen else _folder()) / f"{key}.json"
    except RuntimeError:  # the user has no home
        return None


def _folder() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sparring"


class KeptText:
    """What was kept of one YAML text: three lines of JSON, read ten times as fast."""

    def __init__(self, data: bytes, name: str) -> None:
        self._lines = warnings, tree, _ = _lines(data)
        self.tree: Any = msgspec.json.decode(tree)
        self.warnings = [
            Defect(code, message, Position(name, line, column), remedy, excerpt)
            for code, message, (line, column), remedy, excerpt in msgspec.json.decode(warnings)
        ]

    @cached_property
    def _places(self) -> tuple[Any, Any]:
        """The tree as it was in the text, and where its nodes stand."""
        _, tree, marks = self._lines
        return msgspec.json.decode(tree), msgspec.json.decode(marks)

    def locate(self, path: tuple[Key, ...]) -> tuple[int, int]:
        """Where the node at `path` stands in the text."""
        node, marks = self._places
        line, column = 1, 1
        for key in path:
            members = _members(node)
            if key not in members:
                break
            line, column, marks = marks[list(members).index(key)]
            node = members[key]
        return line, column


def read_text(key: str, name: str) -> KeptText | None:
    """What was kept of a text, None when nothing was."""
    data = read(key)
    return KeptText(data, name) if data else None


def write_text(key: str, size: int, tree: Any, marks: Marks, warnings: Sequence[Defect]) -> None:
    """Keeps a text of `size` bytes, unless its aliases stand for much more than that."""
    if _file(key) is None:
        return
    told = [
        (w.code, w.message, astuple(w.position)[1:] if w.position else (1, 1), w.remedy, w.excerpt)
        for w in warnings
    ]
    try:
        lines = [_encode(part) for part in (told, tree, _positions(tree, marks, iter(range(size))))]
    except (StopIteration, ValueError):  # too many nodes, or a text that is no Unicode
        return
    write(key, b"\n".join(lines))


def _encode(value: Any) -> bytes:
    # Not by msgspec, which has no integers of more than 64 bits, though it reads them.
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def _lines(data: bytes) -> tuple[memoryview, memoryview, memoryview]:
    """The three lines of a kept text, not copied: the second may be large."""
    first = data.index(b"\n")
    second = data.index(b"\n", first + 1)
    whole = memoryview(data)
    return whole[:first], whole[first + 1 : second], whole[second + 1 :]


def _positions(node: Any, marks: Marks, left: Iterator[int]) -> Any:
    """Line, column and what is below, for each member or item of a collection.

    Raises StopIteration when there are more of them than are `left`.
    """
    known = marks.get(id(node))
    if known is None:
        return 0
    found = []
    for key, member in _members(node).items():
        next(left)
        found.append((*place(known.get(key)), _positions(member, marks, left)))
    return found


def _members(node: Any) -> dict[Key, Any]:
    if isinstance(node, list):
        return dict(enumerate(node))
    return node if isinstance(node, dict) else {}
