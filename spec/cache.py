"""Large YAML texts, kept as JSON between runs: that is read ten times as fast.

They stand in the user's cache folder, or in that which SPARRING_CACHE names; `SPARRING_CACHE=off`
keeps nothing. What can't be written or read back is as if it had never been kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from sparring import __version__

from .errors import Defect, Position
from .json_text import Key
from .yaml_text import Marks, place

LEAST = 256 * 1024
_FORMAT = 1
_MOST_FILES = 16
_MOST_BYTES = 8  # for each byte of the text: aliases that are written out may have many


class Kept:
    """What was kept of one text."""

    def __init__(self, data: bytes, name: str) -> None:
        self._tree, self._marks, warnings = data.split(b"\n")
        self.tree: Any = json.loads(self._tree)
        self.warnings = [
            Defect(code, message, Position(name, line, column), remedy, excerpt)
            for code, message, (line, column), remedy, excerpt in json.loads(warnings)
        ]

    def locate(self, path: tuple[Key, ...]) -> tuple[int, int]:
        """Where the node at `path` stands in the text."""
        node, marks = json.loads(self._tree), json.loads(self._marks)
        line, column = 1, 1
        for key in path:
            members = _members(node)
            if key not in members:
                break
            line, column, marks = marks[list(members).index(key)]
            node = members[key]
        return line, column


def read(text: bytes, name: str) -> Kept | None:
    """What was kept of a text, None when nothing was."""
    file = _file(text)
    if file is None:
        return None
    try:
        return Kept(file.read_bytes(), name)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def write(text: bytes, tree: Any, marks: Marks, warnings: Sequence[Defect]) -> None:
    """Keeps a text for the next run."""
    file = _file(text)
    if file is None:
        return
    told = [
        (w.code, w.message, astuple(w.position)[1:] if w.position else (1, 1), w.remedy, w.excerpt)
        for w in warnings
    ]
    parts = (tree, _positions(tree, marks), told)
    data = b"\n".join(json.dumps(p, separators=(",", ":")).encode() for p in parts)
    if len(data) > _MOST_BYTES * len(text):
        return
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as new:
            new.write(data)
        os.replace(new.name, file)
        old = sorted(file.parent.glob("*.json"), key=lambda f: f.stat().st_mtime, reverse=True)
        for file in old[_MOST_FILES:]:
            file.unlink(missing_ok=True)
    except OSError:
        return


def _positions(node: Any, marks: Marks) -> Any:
    """Line, column and what is below, for each member or item of a collection."""
    known = marks.get(id(node))
    if known is None:
        return 0
    members = _members(node)
    return [(*place(known.get(key)), _positions(members[key], marks)) for key in members]


def _members(node: Any) -> dict[Key, Any]:
    if isinstance(node, list):
        return dict(enumerate(node))
    return node if isinstance(node, dict) else {}


def _file(text: bytes) -> Path | None:
    chosen = os.environ.get("SPARRING_CACHE", "")
    if chosen == "off":
        return None
    digest = hashlib.sha256(f"{__version__} {_FORMAT} ".encode() + text).hexdigest()
    try:
        return (Path(chosen) if chosen else _folder()) / f"{digest}.json"
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
