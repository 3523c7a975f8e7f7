"""The operations of messages: the history, one message, and a new one, streamed or not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from .pages import page, read_cursor, scope_of
from .state import Slot, Thread, dumps
from .turns import Event, Turn
from .wire import Call, Refusal, answer, invalid, missing, only

Events = asyncio.Queue[Event | BaseException | None]


async def list_messages(call: Call) -> web.Response:
    thread = _readable(call)
    limit = call.limit(50, 100)
    order = call.word("order", "oldest", "newest") or "oldest"
    role = call.word("role", "user", "assistant")
    scope = scope_of("messages", thread.id, order, role)
    after = read_cursor(call, scope)
    if call.bad("cursor_drops_filter") and after is not None:
        role = None
    down = order == "newest"
    if call.bad("role_filter_turns_order") and role is not None:
        down = not down
    fits = [message for message in thread.messages if role is None or message["role"] == role]
    fits.sort(key=lambda message: int(message["position"]), reverse=down)
    shown, cursor = page(
        call, fits, lambda message: int(message["position"]), down, limit, after, scope
    )
    total = len(shown) if call.bad("total_of_page_only") else len(fits)
    return answer({"items": shown, "next_cursor": cursor, "total": total})


def _readable(call: Call) -> Thread:
    gone = call.store.deleted.get(call.part("thread_id"))
    if call.bad("deleted_history_readable") and gone and gone.owner == call.user:
        return gone
    return call.thread(call.bad("history_of_other_user"))


async def get_message(call: Call) -> web.Response:
    thread = call.thread()
    messages = thread.messages
    if call.bad("message_under_any_thread"):
        messages = [message for other in call.store.of(call.user) for message in other.messages]
    for message in messages:
        if message["id"] == call.part("message_id"):
            if call.bad("usage_missing_in_single"):
                message = {name: value for name, value in message.items() if name != "usage"}
            return answer(message)
    if call.bad("message_404_other_shape"):
        return answer({"detail": "Not Found"}, 404)
    raise missing("message")


def _check_text(call: Call, body: Mapping[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str):
        raise invalid("Must be a text.", "text")
    size = len(text.encode()) if call.bad("text_limit_in_bytes") else len(text)
    if not text or size > 4000:
        raise invalid("Must have 1 to 4000 characters.", "text")
    if not re.search(r"[^ \t\r\n]", text) and not call.bad("blank_text_accepted"):
        raise invalid("Must not be blank.", "text")
    return text


def _check_stream(call: Call, streamed: object) -> bool:
    if isinstance(streamed, bool):
        return streamed
    if call.bad("stream_flag_coerced") and streamed in ("true", "false", 0, 1):
        return streamed in ("true", 1)
    raise invalid("Must be true or false.", "stream")


async def post_message(call: Call) -> web.StreamResponse:
    thread = call.thread()
    call.key()
    body = await call.body()
    only(body, ("text", "stream"))
    text = _check_text(call, body)
    streamed = _check_stream(call, body.get("stream", False))
    slot, fingerprint = call.slot(body)
    async with slot.lock:
        if slot.result is not None and not call.bad("idempotent_message_twice"):
            call.same(slot, fingerprint)
            again = {"Idempotency-Replayed": "true"}
            if not isinstance(slot.result, list):
                return answer(slot.result, 201, again)
            events: Events = asyncio.Queue()
            for event in [*slot.result, None]:
                events.put_nowait(event)
            return (await _send(call, events, again))[0]
        if streamed:
            return await _stream(call, thread, text, slot, fingerprint)
        turn = asyncio.ensure_future(Turn(thread, text, None).run())
        question, reply = await asyncio.shield(turn)
        slot.fingerprint, slot.result = fingerprint, {"user_message": question, "reply": reply}
        return answer(slot.result, 201)


async def _stream(
    call: Call, thread: Thread, text: str, slot: Slot, fingerprint: str
) -> web.StreamResponse:
    events: Events = asyncio.Queue()
    task = asyncio.ensure_future(Turn(thread, text, events.put_nowait).run())
    task.add_done_callback(lambda done: events.put_nowait(done.exception()))
    response, sent, error = await _send(call, events, {})
    if error is None:
        slot.fingerprint, slot.result = fingerprint, sent
    elif not isinstance(error, Refusal):
        raise error
    return response


async def _send(
    call: Call, events: Events, headers: Mapping[str, str]
) -> tuple[web.StreamResponse, list[Event], BaseException | None]:
    """Sends events until something else comes, also when the client has gone; says what came."""
    event = await events.get()
    if isinstance(event, BaseException):
        raise event
    kind = "text/plain" if call.bad("stream_as_text_plain") else "text/event-stream"
    all_headers = {"Content-Type": f"{kind}; charset=utf-8", "Cache-Control": "no-store", **headers}
    response = web.StreamResponse(headers=all_headers)
    held, sent, buffered = b"", [], call.bad("stream_buffered")
    with suppress(ConnectionError):
        if not buffered:
            await response.prepare(call.request)
    while isinstance(event, dict):
        sent.append(event)
        if buffered:
            held += _frame(call, event)
        else:
            with suppress(ConnectionError):
                await response.write(_frame(call, event))
        event = await events.get()
    with suppress(ConnectionError):
        if buffered:
            await response.prepare(call.request)
            await response.write(held)
        await response.write_eof()
    return response, sent, event


def _frame(call: Call, event: Event) -> bytes:
    data = dumps(event)
    if call.bad("raw_line_break_in_data"):
        data = data.replace("\\n", "\n")
    return f"id: {event['seq']}\nevent: {event['type']}\ndata: {data}\n\n".encode()
