"""Server-sent events: how they are written and read (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One dispatched event. `id` is the last event id as it stood at its end, None if never set."""

    data: str
    event: str = "message"
    id: str | None = None
    fields: tuple[str, ...] = field(default=(), compare=False)


def encode(data: bytes, event: str | None = None, id: str | None = None) -> bytes:
    """The bytes of one event whose data is one line, such as compact JSON."""
    head = b"" if id is None else b"id: %b\n" % id.encode()
    if event is not None:
        head += b"event: %b\n" % event.encode()
    return b"%bdata: %b\n\n" % (head, data)


def encode_text(data: str, event: str | None = None, id: str | None = None) -> bytes:
    """The bytes of one event whose data is any text; a carriage return ends a line like the rest.

    (SSE can't tell the three ends of a line from each other.)
    """
    lines = data.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
    return encode(lines.encode(), event, id)


COMMENT = b":\n\n"
_FIELDS = frozenset({"data", "event", "id", "retry"})
_NAME = re.compile(r"[A-Za-z][\w.-]*")


class Overflow(Exception):
    """One event is larger than the parser was told to hold."""


class Parser:
    """Reads a stream incrementally, however its bytes are cut.

    `fields` of an event names the fields that its block had, which tells an event without an id
    from one that repeats it. An unfinished event at the end of the stream is not dispatched, as
    the standard demands; `pending` says that there is one. `flaw` is the first thing that the
    standard passes over in silence and no server means, such as a line of JSON without its `data:`.
    """

    def __init__(self, max_event: int = 4 * 1024 * 1024) -> None:
        self.last_id: str | None = None
        self.retry: int | None = None
        self.comments = 0
        self.flaw = ""
        self._max = max_event
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._replaced = 0
        self._tail = b""
        self._text: list[str] = []
        self._length = 0
        self._start = True
        self._after_cr = False
        self._reset()

    @property
    def pending(self) -> bool:
        """Whether the stream stopped inside an event."""
        return bool(self._fields or self._length)

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that `data` completes. Raises Overflow."""
        text = self._decode(data)
        self._look_for_bad_bytes(data, text)
        if self._start and text:
            text = text.removeprefix("\ufeff")
            self._start = False
        if self._after_cr and text:
            text = text.removeprefix("\n")
            self._after_cr = False
        if text.endswith("\r"):
            self._after_cr = True
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if lines:
            lines[0] = "".join([*self._text, lines[0]])
            self._text, self._length = [], 0
        self._text.append(rest)
        self._length += len(rest)
        events = [event for line in lines if (event := self._line(line))]
        if self._size + self._length > self._max:
            self._reset()
            self._text.clear()
            raise Overflow(f"an event has more than {self._max} characters")
        return events

    def _look_for_bad_bytes(self, data: bytes, text: str) -> None:
        """Notes replacement characters that were not sent as such."""
        seen = self._tail + data
        self._tail = seen[-2:]
        self._replaced += text.count("\ufffd") - seen.count(b"\xef\xbf\xbd")
        if self._replaced > 0:
            self.flaw = self.flaw or "bytes that are no UTF-8"

    def _reset(self) -> None:
        self._data: list[str] = []
        self._event = ""
        self._size = 0
        self._fields: list[str] = []

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            self.comments += 1
            return None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        self._fields.append(name)
        self._size += len(line)
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self.last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)
        elif name in _FIELDS or name.lower() in _FIELDS or not _NAME.fullmatch(name):
            self.flaw = self.flaw or f"a line that says nothing: {line[:80]!r}"
        return None

    def _dispatch(self) -> ServerEvent | None:
        event = None
        if self._data:
            data = "\n".join(self._data)
            event = ServerEvent(data, self._event or "message", self.last_id, tuple(self._fields))
        self._reset()
        return event
