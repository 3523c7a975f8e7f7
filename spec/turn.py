"""One turn as a timeline: what the agent does, step by step, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec


class Kind(StrEnum):
    """What can happen in a session; all but `chunk`, a piece of a message, and `tool_chunk`, a
    piece of a tool call's arguments, are entries of its log.

    `event` is one of the document's own, written as the script says it; its `data` has its name,
    its data, and whether it wants an id. `approval` is what the user decided on a tool call. `edit`
    and `deletion` change earlier entries; streams do not show them.
    """

    MESSAGE = "message"
    STATUS = "status"
    CHUNK = "chunk"
    TOOL_CALL = "tool_call"
    TOOL_CHUNK = "tool_chunk"
    TOOL_RESULT = "tool_result"
    APPROVAL = "approval"
    EVENT = "event"
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

    A message has its whole `text` and the `pieces` in which it is streamed before it is stored; a
    tool call may have the pieces of its arguments, written as JSON. `gaps` are the seconds before
    each piece. Other kinds have `data`.
    """

    kind: Kind
    after: float = 0.0
    text: str = ""
    pieces: Sequence[str] = ()
    data: Mapping[str, Any] = {}
    gaps: Iterable[float] = ()


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that goes wrong with the delivery of a turn.

    `kind` says what: `http` (an error of `status` instead of the turn), `cut`, `stall`, `drop`,
    `duplicate`, `reorder` (with the next event), `malform`, `rename`, `split_bytes` or `ttft`.
    Where: behind `after_events` events or `after_bytes` bytes; at the event number `at`, counted
    from 1 (-1 is the last), or at the `at`th event that is called `event`; for `split_bytes`,
    `inside` each place of a kind (`utf8`, `data`), or everywhere (`at` 0).
    """

    kind: str
    at: int = 1
    event: str | None = None
    inside: str | None = None
    after_events: int | None = None
    after_bytes: int | None = None
    size: int = 1
    """How many bytes are written at a time."""
    seconds: float | None = None
    """How long it takes; None for `stall` is for ever. For `http`, Retry-After."""
    close: str = "clean"
    """How a cut ends: `clean` as a whole response ends, `reset` as a broken connection."""
    name: str = ""
    status: int = 500
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = {}


class RateLimit(msgspec.Struct, frozen=True):
    """How many turns a caller may ask for in so many seconds."""

    requests: int
    seconds: float


class Pause(msgspec.Struct, frozen=True):
    """What a turn leaves open: the tool call whose result, or whose approval, it waits for, and for
    how many seconds (None: for ever)."""

    call: str
    seconds: float | None = None
    approval: bool = False


class Turn(msgspec.Struct, frozen=True):
    """What the agent answers to one event of the user; its last step is a terminal one.

    `cursor` is where the session's script stands afterwards, and `reason` says why this was
    chosen. `faults` spoil the delivery, never the log. After `keepalive` seconds of silence a
    stream says that it lives.
    """

    steps: Sequence[Step]
    cursor: Mapping[str, Any]
    reason: str = ""
    faults: Sequence[Fault] = ()
    keepalive: float | None = None
    pause: Pause | None = None
    matched: bool = True
    """False where the script has nothing to say to what it was told."""

    @property
    def finish(self) -> str:
        """Why the turn ends: `stop`, `tool_calls` or `error`."""
        return str(self.steps[-1].data["finish"])

    @property
    def text(self) -> str:
        """All that the agent says in this turn."""
        return "".join(step.text for step in self.steps if step.kind is Kind.MESSAGE)
