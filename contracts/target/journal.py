"""The sessions that a run has made and not yet deleted, on disk too, so that a killed run can be
cleared away later."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.spec.errors import Defect, Position, SparringError


@dataclass(frozen=True, slots=True)
class Made:
    """A session: the number of its user, its id, and what stands in paths above it."""

    user: int
    id: str
    above: Mapping[str, Any]


class Journal:
    """Sessions by user and id; with a file each is written down when it is made and when gone."""

    def __init__(self, file: Path | None = None) -> None:
        self._made: dict[tuple[int, str], Made] = {}
        self._lock = threading.Lock()
        try:
            self._out = file.open("a", encoding="utf-8") if file else None
        except OSError as error:
            message = f"{file} can't be written: {error.strerror}"
            raise SparringError(Defect("C101", message)) from None

    @property
    def left(self) -> list[Made]:
        """The sessions that are still there."""
        with self._lock:
            return list(self._made.values())

    def ids(self) -> set[str]:
        """The ids of the sessions that are still there."""
        return {made.id for made in self.left}

    def made(self, user: int, id: str, above: Mapping[str, Any]) -> None:
        """Notes a new session."""
        with self._lock:
            if (user, id) not in self._made:
                self._made[user, id] = Made(user, id, dict(above))
                self._write({"made": id, "user": user, "above": dict(above)})

    def gone(self, made: Made) -> None:
        """Notes that a session is no longer there."""
        with self._lock:
            if self._made.pop((made.user, made.id), None):
                self._write({"gone": made.id, "user": made.user})

    def close(self) -> None:
        """Closes the file."""
        if self._out:
            self._out.close()

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self._out:
            self._out.write(json.dumps(entry) + "\n")
            self._out.flush()


def read_journal(file: Path) -> Journal:
    """Reads a journal. Raises SparringError (C101); a last line that was cut short is left out."""
    journal = Journal()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SparringError(Defect("C101", f"{file} can't be read: {error}")) from None
    for number, text in enumerate(lines, 1):
        try:
            entry = json.loads(text)
            user = int(entry["user"])
            if "made" in entry:
                journal.made(user, str(entry["made"]), dict(entry["above"]))
            else:
                journal.gone(Made(user, str(entry["gone"]), {}))
        except (ValueError, KeyError, TypeError):
            if number == len(lines):
                break
            remedy = "It is written by `sparring test --journal`."
            position = Position(str(file), number, 1)
            defect = Defect("C101", "this is no line of a journal", position, remedy, text[:200])
            raise SparringError(defect) from None
    journal.close()
    return journal
