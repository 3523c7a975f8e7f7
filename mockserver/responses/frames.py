"""Frames of a stream taken apart into the events that a client will see, to be spoiled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from sparring.spec.streams.framing import SSE, Framing

_END = re.compile(rb"(?:\r\n|\r(?!\n)|\n){2}")
_LINES = re.compile(rb"\r\n|\r|\n")
_WORDS = ("type", "kind", "event")  # where the data of an event may say what it is
_DEFAULT = "message"


class Block(msgspec.Struct, frozen=True, gc=False):
    """What stands between two ends of a stream: an event or, if no `event`, a comment or a rest."""

    data: bytes
    framing: Framing
    is_event: bool

    @property
    def name(self) -> str:
        """The name of an event: that of the SSE field, else the word in its data."""
        if self.framing is SSE:
            named = [value for field, value in _fields(self.data) if field == b"event"]
            if named:
                return named[-1].decode("utf-8", "replace")
        _, word = _word(self._payload())
        return word or (_DEFAULT if self.framing is SSE else "")

    def renamed(self, name: str) -> bytes:
        """The event under another name."""
        payload = self._payload()
        key, _ = _word(payload)
        if self.framing is SSE:
            fields = _fields(self.data)
            if key is None or any(field == b"event" for field, _ in fields):
                kept = [pair for pair in fields if pair[0] != b"event"]
                return _block([(b"event", name.encode()), *kept])
        if key is None:
            return self.data
        changed = msgspec.json.encode(msgspec.json.decode(payload) | {key: name})
        return self._with(changed, [])

    def malformed(self) -> bytes:
        """The event with broken data: half of what it had, which is no JSON."""
        return self._with(broken(self._payload()), [(b"dat", b"")])

    def _payload(self) -> bytes:
        if self.framing is SSE:
            return b"\n".join(value for field, value in _fields(self.data) if field == b"data")
        return self.data.strip(b"\x1e\r\n ")

    def _with(self, payload: bytes, more: list[tuple[bytes, bytes]]) -> bytes:
        """The event with other data; in SSE, with `more` fields too, which must be ignored."""
        if self.framing is SSE:
            kept = [pair for pair in _fields(self.data) if pair[0] != b"data"]
            lines = [(b"data", line) for line in payload.split(b"\n")]
            return _block([*kept, *more, *lines])
        sign = b"\x1e" if self.data.startswith(b"\x1e") else b""
        return sign + payload + b"\n"


def blocks(frame: bytes, framing: Framing) -> Iterator[Block]:
    """The blocks of a frame, which is whole."""
    if framing is SSE:
        start = 0
        for end in [match.end() for match in _END.finditer(frame)]:
            data = frame[start:end]
            yield Block(data, framing, any(field == b"data" for field, _ in _fields(data)))
            start = end
        if start < len(frame):  # an event without an end is none
            yield Block(frame[start:], framing, False)
    else:
        for line in frame.splitlines(keepends=True):
            yield Block(line, framing, bool(line.strip(b"\x1e\r\n ")))


def broken(data: bytes) -> bytes:
    """Half of a text, and the begin of an object behind it: never JSON."""
    return data[: len(data) // 2] + b"{"


def _fields(block: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of an SSE block, comments among them under an empty name."""
    found = []
    for line in _LINES.split(block):
        if line:
            field, _, value = line.partition(b":")
            found.append((field, value.removeprefix(b" ")))
    return found


def _block(fields: list[tuple[bytes, bytes]]) -> bytes:
    lines = [b"%b: %b\n" % pair if pair[0] != b"dat" else b"dat\n" for pair in fields]
    return b"".join(lines) + b"\n"


def _word(payload: bytes) -> tuple[str | None, str]:
    """The member of an event's data that says what it is, and the word there."""
    try:
        data: Any = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, ""
    if isinstance(data, dict):
        for key in _WORDS:
            if isinstance(data.get(key), str):
                return key, data[key]
    return None, ""
