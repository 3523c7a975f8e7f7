"""Sends responses: whole ones, streams, and those whose delivery a fault spoils."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import anyio
from starlette.types import Message, Receive, Scope, Send

from sparring.spec.streams.framing import framing_of
from sparring.spec.turn import Fault

from ..worlds.clock import Clock
from .answers import Answer, Stream
from .faults import Delivery, Severed, hang_up


async def send_answer(answer: Answer, method: str, send: Send) -> None:
    """Sends a whole response."""
    await send(_start_of_answer(answer, len(answer.body)))
    body = b"" if method == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})


async def send_stream(
    stream: Stream, method: str, scope: Scope, receive: Receive, send: Send
) -> None:
    """Sends frames as they come; stops when the client goes, which the turn does not notice."""
    await send(_start_of_stream(stream))
    if method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        return
    severed = False
    async with anyio.create_task_group() as group:
        group.start_soon(_watch, receive, group.cancel_scope)
        try:
            async for frame in stream.frames:
                await send({"type": "http.response.body", "body": frame, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except Severed:
            severed = True
        group.cancel_scope.cancel()
    if severed:
        await hang_up(scope, receive, reset=True)


async def send_spoiled(
    answer: Answer | Stream,
    faults: Sequence[Fault],
    clock: Clock,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Sends a response with faults in its delivery."""
    framing = framing_of(answer.media_type.decode("latin-1"))
    if isinstance(answer, Answer) and framing is not None and answer.body:
        frames = _all(answer.body)  # a stream that is there already
        answer = Stream(answer.status, answer.media_type, frames, answer.headers)
    delivery = Delivery(faults, framing, clock)
    is_whole = True
    async with anyio.create_task_group() as group:
        group.start_soon(_watch, receive, group.cancel_scope)
        if isinstance(answer, Stream):
            await send(_start_of_stream(answer))
            writes = delivery.stream(answer.frames)
        else:
            await delivery.begin()
            body = delivery.malformed(answer.body)
            await send(_start_of_answer(answer, len(body)))
            writes = delivery.body(body)
        async for data in writes:
            await send({"type": "http.response.body", "body": data, "more_body": True})
        # A body whose length was promised can't be cut and end like a whole one.
        is_cut = delivery.close is not None
        is_whole = not is_cut or (isinstance(answer, Stream) and delivery.close == "clean")
        if is_whole:
            await send({"type": "http.response.body", "body": b""})
        group.cancel_scope.cancel()
    if not is_whole:
        await hang_up(scope, receive, reset=delivery.close == "reset")


async def _watch(receive: Receive, scope: anyio.CancelScope) -> None:
    """Ends what is being sent when the client goes."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _all(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _start_of_answer(answer: Answer, length: int) -> Message:
    headers = [(b"content-length", b"%d" % length)]
    if answer.media_type:
        headers.append((b"content-type", answer.media_type))
    elif answer.status in (204, 304):
        headers = []
    headers += answer.headers
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


def _start_of_stream(stream: Stream) -> Message:
    headers = [
        (b"content-type", stream.media_type),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        *stream.headers,
    ]
    return {"type": "http.response.start", "status": stream.status, "headers": headers}
