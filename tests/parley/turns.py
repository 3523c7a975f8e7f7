"""One turn: a question, what the assistant does, and its answer."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from .state import Message, Store, Thread
from .wire import Refusal, missing

Event = dict[str, Any]
FAILED = {"code": "assistant_failed", "message": "The assistant failed."}


def _plan(
    thread: Thread, text: str, earlier: list[Message]
) -> tuple[str, list[dict[str, Any]]] | None:
    """The text and the tool calls of the reply, or nothing where the assistant fails."""
    if re.search("malfunction", text, re.IGNORECASE):
        return None
    if re.search("weather", text, re.IGNORECASE):
        named = re.search(r"\bin\s+([^\W\d_]+)", text, re.IGNORECASE)
        city = named.group(1) if named else "Berlin"
        call = {
            "id": "call_" + secrets.token_hex(6),
            "name": "get_weather",
            "arguments": {"city": city},
            "result": {"sky": "sunny", "celsius": 21},
        }
        return f"The weather in {city} is sunny, 21 degrees.", [call]
    if re.search("recap", text, re.IGNORECASE):
        said = _said(earlier)
        if thread.store.bad("recap_of_other_threads"):
            others = [other for other in thread.store.of(thread.owner) if other is not thread]
            said = [one for other in others for one in _said(other.messages)] + said
        return ("Earlier you said: " + " | ".join(said) if said else "Nothing so far."), []
    return (text if thread.assistant_id == "asst_terse" else "You said: " + text), []


def _said(messages: list[Message]) -> list[str]:
    return [message["text"] for message in messages if message["role"] == "user"]


def _pieces(text: str) -> list[str]:
    size = max(3, -(-len(text) // 6))
    return [text[at : at + size] for at in range(0, len(text), size)]


class Turn:
    """A turn that is under way; `emit` takes its events, and without it nothing is streamed."""

    def __init__(self, thread: Thread, text: str, emit: Callable[[Event], None] | None) -> None:
        self.thread = thread
        self.store: Store = thread.store
        self.text = text
        self.emit = emit
        self.seq = 0

    async def run(self) -> tuple[Message, Message]:
        """The question and its answer, which are stored then. Raises Refusal."""
        bad, thread = self.store.bad, self.thread
        loses = bad("concurrent_posts_lose_messages")
        free = loses or bad("concurrent_posts_interleave")
        turn: AbstractAsyncContextManager[Any] = nullcontext() if free else thread.lock
        async with turn:
            if thread.deleted:
                raise missing("thread")
            if thread.archived and not (bad("archived_takes_streams") and self.emit):
                raise Refusal(409, "thread_archived", "The thread is archived.")
            earlier = list(thread.messages)
            text = self.text.strip() if bad("text_trimmed") else self.text
            question = thread.message("user", text)
            thread.add(question)
            reply_id = thread.message_id()
            await self._send("reply.started", reply_id=reply_id, user_message=question)
            planned = _plan(thread, self.text, earlier)
            if not self.emit:
                await asyncio.sleep(self.store.pace / 2)
            if planned is None:
                await self._fail(reply_id)
            else:
                body, calls = planned
                await self._speak(body, calls)
                usage = {"input_chars": len(self.text), "output_chars": len(body)}
                reply = thread.message("assistant", body, reply_id, calls, usage)
                stored = self._stored(reply)
                if loses:
                    position = len(earlier) + 1
                    stored["position"] = reply["position"] = position + 1
                    thread.messages = [*earlier, {**question, "position": position}, stored]
                    thread.count = position + 1
                    thread.touch()
                else:
                    thread.add(stored, not (bad("count_misses_streamed_reply") and self.emit))
                if self.emit and not (bad("no_done_after_tool") and calls):
                    self.emit({"type": "reply.done", "seq": self.seq, "message": reply})
                return question, reply
        raise Refusal(502, FAILED["code"], FAILED["message"])

    async def _send(self, type: str, step: int = 1, **data: Any) -> None:
        if self.emit:
            self.emit({"type": type, "seq": self.seq, **data})
            await asyncio.sleep(self.store.pace)
        self.seq += step

    async def _speak(self, body: str, calls: list[dict[str, Any]]) -> None:
        bad = self.store.bad
        for call in calls:
            shown = {"call_id": call["id"], "name": call["name"], "arguments": call["arguments"]}
            await self._send("tool.called", 0 if bad("seq_repeats_at_tool") else 1, **shown)
            await self._send("tool.finished", call_id=call["id"], result=call["result"])
        pieces = _pieces(body)
        if bad("last_delta_missing") and len(pieces) > 1:
            pieces.pop()
        for piece in pieces:
            await self._send("reply.delta", 0 if bad("seq_repeats_at_text") else 1, text=piece)

    async def _fail(self, reply_id: str) -> None:
        await self._send("reply.delta", text="Let me ")
        await self._send("reply.error", error=FAILED)
        if self.store.bad("done_after_error"):
            usage = {"input_chars": len(self.text), "output_chars": 7}
            reply = self.thread.message("assistant", "Let me ", reply_id, usage=usage)
            await self._send("reply.done", message=reply)

    def _stored(self, reply: Message) -> Message:
        stored, pieces = dict(reply), _pieces(reply["text"])
        if self.store.bad("tool_calls_not_stored"):
            stored["tool_calls"] = []
        if self.store.bad("streamed_reply_stored_cut") and self.emit and len(pieces) > 1:
            stored["text"] = "".join(pieces[:-1])
        return stored
