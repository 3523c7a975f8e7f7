"""How a stream is cut into events: server-sent events, or lines of JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from . import sse
from .sse import Overflow, ServerEvent

_RECORD = b"\x1e"


class Parser(Protocol):
    """Reads a stream however its bytes are cut; `pending`: it stopped inside an event; `flaw`:
    what a reader passes over and no server means."""

    flaw: str

    @property
    def pending(self) -> bool: ...  # noqa: D102

    def feed(self, data: bytes) -> list[ServerEvent]: ...  # noqa: D102


class LineParser:
    """Reads JSON lines, and JSON text sequences (RFC 7464), which have a sign before each."""

    def __init__(self, max_event: int = 4 * 1024 * 1024) -> None:
        self._max = max_event
        self._rest = b""
        self.flaw = ""

    @property
    def pending(self) -> bool:
        """Whether the stream stopped inside a line."""
        return bool(self._rest.strip(_RECORD))

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that `data` completes. Raises Overflow."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self._max:
            raise Overflow(f"a line has more than {self._max} bytes")
        for line in lines:
            try:
                line.decode()
            except UnicodeDecodeError:
                self.flaw = self.flaw or "bytes that are no UTF-8"
        texts = (line.strip(_RECORD + b"\r ").decode("utf-8", "replace") for line in lines)
        return [ServerEvent(text, fields=("data",)) for text in texts if text]


@dataclass(frozen=True, slots=True)
class Framing:
    """One way to cut a stream; `encode` gets the data, a name and an id, which only SSE can say."""

    encode: Callable[[bytes, str | None, str | None], bytes]
    parser: Callable[[], Parser]
    names: bool = False


def _line(data: bytes, name: str | None = None, id: str | None = None) -> bytes:
    return data + b"\n"


def _record(data: bytes, name: str | None = None, id: str | None = None) -> bytes:
    return _RECORD + data + b"\n"


SSE = Framing(sse.encode, sse.Parser, names=True)
LINES = Framing(_line, LineParser)
SEQUENCE = Framing(_record, LineParser)

EVENT_STREAM = "text/event-stream"
FRAMINGS = {
    EVENT_STREAM: SSE,
    "application/x-ndjson": LINES,
    "application/ndjson": LINES,
    "application/x-ndjsonlines": LINES,
    "application/jsonl": LINES,
    "application/x-jsonl": LINES,
    "application/jsonlines": LINES,
    "application/x-jsonlines": LINES,
    "application/json-lines": LINES,
    "application/stream+json": LINES,
    "application/x-json-stream": LINES,
    "application/json-seq": SEQUENCE,
}


def is_json(media_type: str) -> bool:
    """Whether a body of this media type is one JSON value, and no stream of them."""
    return "json" in media_type.lower() and framing_of(media_type) is None


def framing_of(media_type: str) -> Framing | None:
    """How a body of this media type is cut into events; None where it is no stream."""
    return FRAMINGS.get(media_type.partition(";")[0].strip().lower())
