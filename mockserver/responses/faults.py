"""What goes wrong with the delivery of a response, at exact places; what is stored stays whole."""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from starlette.types import Receive, Scope

from sparring.spec.streams.framing import Framing
from sparring.spec.turn import Fault

from ..worlds.clock import Clock
from .frames import Block, blocks, broken
from .problems import Problem, phrase

CONNECTION = "sparring.connection"
"""The ASGI extension by which a server lets the application end a connection."""

_INSIDE = {
    "utf8": re.compile(
        rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
    ),
    "data": re.compile(rb"^data:", re.MULTILINE),
}
_AT_PLACES = frozenset({"drop", "duplicate", "reorder", "malform", "rename", "split_bytes"})


def refuse(faults: Sequence[Fault]) -> None:
    """Raises the Problem that the first `http` fault is, with Retry-After in whole seconds."""
    for fault in faults:
        if fault.kind != "http":
            continue
        words = phrase(fault.status)
        headers = list(fault.headers.items())
        if fault.seconds is not None:
            headers.append(("retry-after", str(math.ceil(fault.seconds))))
        code = fault.code or re.sub(r"\W+", "_", words.lower())
        raise Problem(fault.status, code, fault.message or f"{words}.", (), headers, exact=True)


class Severed(Exception):
    """A stream ends with the reset of its connection."""


async def hang_up(scope: Scope, receive: Receive, *, reset: bool) -> None:
    """Ends the connection of a response that is not whole, once what was sent has left.

    Raises ConnectionAbortedError on servers without the extension, which then hang up.
    """
    connection = (scope.get("extensions") or {}).get(CONNECTION)
    if connection is None:
        raise ConnectionAbortedError("a fault ends this response before it is whole")
    await connection.end(reset=reset)
    while (await receive())["type"] != "http.disconnect":
        pass


class Delivery:
    """Delivers one response with its faults: `stream` and `body` give what is to be written, each
    piece by itself.

    Places are those of the whole response: an event that is dropped has its number too. `cut` and
    `stall` count what was really delivered. What may turn out to be at a place counted from the end
    is held back until that is known. An answer that is no stream has one place: half of its body.
    """

    def __init__(self, faults: Sequence[Fault], framing: Framing | None, clock: Clock) -> None:
        self.close: str | None = None
        """How the response was cut, if it was: `clean` or `reset`."""
        self._framing = framing
        self._clock = clock
        self._late = [fault for fault in faults if fault.kind == "ttft"]
        self._placed = [fault for fault in faults if fault.kind in _AT_PLACES]
        stops = sorted((f for f in faults if f.kind in ("stall", "cut")), key=_cuts)
        self._behind_events = [f for f in stops if f.after_bytes is None]
        self._behind_bytes = [(f.after_bytes, f) for f in stops if f.after_bytes is not None]
        self._events = 0
        self._bytes = 0

    async def begin(self) -> None:
        """Waits for a slow first token."""
        for fault in self._late:
            await self._pause(fault.seconds)

    def malformed(self, body: bytes) -> bytes:
        """The body of an answer that is no stream, broken where a fault breaks it."""
        return broken(body) if body and any(f.kind == "malform" for f in self._placed) else body

    async def body(self, body: bytes) -> AsyncIterator[bytes]:
        """The writes of an answer that is no stream."""
        half = len(body) // 2
        self._behind_bytes += [(half if f.after_events else 0, f) for f in self._behind_events]
        self._behind_bytes.sort(key=lambda stop: (stop[0], stop[1].kind == "cut"))
        splits = [fault for fault in self._placed if fault.kind == "split_bytes"]
        async for data in self._written(body, splits):
            yield data

    async def stream(self, frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The writes of a stream."""
        try:
            await self.begin()
            async for data in self._written(b"", ()):  # stops behind no byte
                yield data
            await self._stop()
            if self.close is not None:
                return
            async for block, splits in self._edited(frames):
                async for data in self._written(block.data, splits):
                    yield data
                if block.is_event and self.close is None:
                    self._events += 1
                    await self._stop()
                if self.close is not None:
                    return
        except Severed:
            self.close = "reset"
        finally:
            if isinstance(frames, AsyncGenerator):
                await frames.aclose()

    async def _written(self, data: bytes, splits: Sequence[Fault]) -> AsyncIterator[bytes]:
        """Data as it is split and as far as it gets."""
        parts = _split(data, splits)
        for part in parts:
            while self._behind_bytes and self._bytes_to(0) <= len(part):
                part, rest = part[: self._bytes_to(0)], part[self._bytes_to(0) :]
                if part:
                    self._bytes += len(part)
                    yield part
                await self._halt(self._behind_bytes.pop(0)[1])
                if self.close is not None:
                    return
                part = rest
            if part:
                self._bytes += len(part)
                yield part
            if len(parts) > 1:
                await asyncio.sleep(0)  # else a server may write them together

    def _bytes_to(self, index: int) -> int:
        return self._behind_bytes[index][0] - self._bytes

    async def _stop(self) -> None:
        """What happens behind the event that was delivered just now."""
        for fault in self._behind_events:
            if (fault.after_events or 0) == self._events and self.close is None:
                await self._halt(fault)

    async def _halt(self, fault: Fault) -> None:
        if fault.kind == "cut":
            self.close = fault.close
        else:
            await self._pause(fault.seconds)

    async def _pause(self, seconds: float | None) -> None:
        """Waits; for ever until the client leaves."""
        if seconds is None:
            await asyncio.get_running_loop().create_future()
        else:
            await self._clock.timer(seconds)

    async def _edited(
        self, frames: AsyncIterator[bytes]
    ) -> AsyncIterator[tuple[Block, list[Fault]]]:
        """The blocks as they are to be delivered, with what splits them."""
        held: list[tuple[Block, list[Fault]]] = []  # until the next event is out
        async for block, faults in _Places(self._placed).of(self._blocks(frames)):
            kinds = {fault.kind for fault in faults}
            splits = [fault for fault in faults if fault.kind == "split_bytes"]
            for fault in faults:
                if fault.kind == "rename":
                    block = Block(block.renamed(fault.name), block.framing, True)
                elif fault.kind == "malform":
                    block = Block(block.malformed(), block.framing, True)
            copies = 0 if "drop" in kinds else 2 if "duplicate" in kinds else 1
            found = [(block, splits)] * copies
            if "reorder" in kinds and not held:
                held = found
                continue
            for pair in found:
                yield pair
            if held and found and block.is_event:
                for pair in held:
                    yield pair
                held = []
        for pair in held:
            yield pair

    async def _blocks(self, frames: AsyncIterator[bytes]) -> AsyncIterator[Block]:
        assert self._framing is not None, "this response is no stream"
        async for frame in frames:
            for block in blocks(frame, self._framing):
                yield block


class _Places:
    """Finds out which faults meet which event."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._everywhere = [f for f in faults if f.kind == "split_bytes" and _is_everywhere(f)]
        here = [fault for fault in faults if fault not in self._everywhere]
        self._named = any(fault.event is not None for fault in here)
        self._from_begin = [fault for fault in here if fault.at >= 0]
        self._from_end = [fault for fault in here if fault.at < 0]
        self._waiting: deque[tuple[Block, str, list[Fault]]] = deque()

    async def of(
        self, blocks: AsyncIterator[Block]
    ) -> AsyncIterator[tuple[Block, Sequence[Fault]]]:
        """Each block with its faults."""
        seen: Counter[str | None] = Counter()
        async for block in blocks:
            if not block.is_event:
                yield block, ()
                continue
            name = block.name if self._named else ""
            seen.update((None, name))
            met = [f for f in self._from_begin if f.event in (None, name)]
            met = [f for f in met if seen[f.event] == f.at]
            self._waiting.append((block, name, met + self._everywhere))
            while self._waiting and not any(map(self._may_meet, self._from_end)):
                first, _, met = self._waiting.popleft()
                yield first, met
        while self._waiting:
            more = [fault for fault in self._from_end if self._behind(fault) == -fault.at]
            first, name, met = self._waiting.popleft()
            yield first, met + [fault for fault in more if fault.event in (None, name)]

    def _may_meet(self, fault: Fault) -> bool:
        """Whether the first of those that wait may be the one that is counted from the end."""
        name = self._waiting[0][1]
        return fault.event in (None, name) and self._behind(fault) <= -fault.at

    def _behind(self, fault: Fault) -> int:
        """How many of those that wait are of the fault's kind of event."""
        return sum(fault.event in (None, name) for _, name, _ in self._waiting)


def _cuts(fault: Fault) -> tuple[int, bool]:
    """The order of stops: the longest delay at a place comes before its end."""
    return fault.after_bytes or 0, fault.kind == "cut"


def _is_everywhere(fault: Fault) -> bool:
    return fault.inside is not None or (not fault.at and fault.event is None)


def _split(data: bytes, splits: Sequence[Fault]) -> list[bytes]:
    """The parts in which data is written."""
    ends = {len(data)}
    for fault in splits:
        size = max(fault.size, 1)
        if fault.inside is None:
            ends.update(range(size, len(data), size))
            continue
        for match in _INSIDE[fault.inside].finditer(data):
            start, end = match.span()
            step = min(size, end - start - 1)
            ends.update(range(start + step, end, step))
    cuts = sorted(ends)
    return [data[start:end] for start, end in zip([0, *cuts], cuts, strict=False)]
