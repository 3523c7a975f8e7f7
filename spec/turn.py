"""One turn as a timeline: what the agent does, step by step, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec


class Kind(StrEnum):
    """What can happen in a session; all but `chunk` are entries of its log.

    `edit` and `deletion` change an earlier entry; streams do not show them.
    """

    MESSAGE = "message"
    STATUS = "status"
    CHUNK = "chunk"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    SUGGESTIONS = "suggestions"
    ERROR = "error"
    STOPPED = "stopped"
    DONE = "done"
    EDIT = "edit"
    DELETION = "deletion"

    __hash__ = str.__hash__  # Enum's own is written in Python, and kinds are looked up all the time


TERMINAL = frozenset({Kind.ERROR, Kind.STOPPED, Kind.DONE})


class Step(msgspec.Struct, frozen=True):
    """One thing that the agent does, `after` seconds since the step before it.

    A message has its whole `text` and the `pieces` in which it is streamed before it is stored.
    Other kinds have `data`.
    """

    kind: Kind
    after: float = 0.0
    text: str = ""
    pieces: Sequence[str] = ()
    data: Mapping[str, Any] = {}


class Turn(msgspec.Struct, frozen=True):
    """What the agent answers to one event of the user; its last step is a terminal one.

    `cursor` is where the session's script stands afterwards, `gaps` are the seconds before each
    piece of its messages, and `reason` says why this was chosen.
    """

    steps: Sequence[Step]
    cursor: Mapping[str, Any]
    gaps: Iterator[float]
    reason: str = ""

    @property
    def finish(self) -> str:
        """Why the turn ends: `stop`, `tool_calls` or `error`."""
        return str(self.steps[-1].data["finish"])

    @property
    def text(self) -> str:
        """All that the agent says in this turn."""
        return "".join(step.text for step in self.steps if step.kind is Kind.MESSAGE)
