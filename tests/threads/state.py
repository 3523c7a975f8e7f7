"""What the server keeps, and how it is shown. `bad(name)` says whether a fault is switched on."""

from __future__ import annotations

import asyncio
import json
import secrets
import string
import struct
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .wire import Reply

LETTERS = string.digits + string.ascii_letters
USERS = {"alice-key": "alice", "bob-key": "bob"}
WORKSPACES = {"ws_main": "Main"}


def now() -> int:
    return int(time.time())


@dataclass
class Message:
    id: str
    thread: str
    run: str | None
    role: str
    content: str
    sequence: int
    status: str = "completed"
    feedback: dict[str, Any] | None = None
    created: int = field(default_factory=now)


@dataclass
class Run:
    id: str
    thread: str
    input: str
    ordinal: int
    status: str = "queued"
    reply: str | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    usage: dict[str, int] | None = None
    created: int = field(default_factory=now)
    ended: int | None = None
    said: list[str] = field(default_factory=list)
    begun: str = ""
    events: list[tuple[int, str, Any]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def unfinished(self) -> bool:
        return self.status in ("queued", "running", "requiresAction")


@dataclass
class Thread:
    id: str
    owner: str
    workspace: str
    ordinal: int
    title: str | None
    metadata: dict[str, str]
    settings: dict[str, Any]
    context: dict[str, Any]
    status: str = "active"
    revision: int = 1
    messages: list[Message] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    active: str | None = None
    created: int = field(default_factory=now)
    updated: int = field(default_factory=now)
    touched: int = 0
    skipped: int = 0


class State:
    """The data of one server."""

    def __init__(self, faults: frozenset[str] = frozenset()) -> None:
        self.faults = faults
        self.threads: dict[str, Thread] = {}
        self.deleted: dict[str, Thread] = {}
        self.answers: dict[tuple[str, ...], tuple[bytes, Callable[[], Reply]]] = {}
        self.stale: dict[str, Any] = {}
        self.refused: dict[tuple[str, ...], tuple[int, str, str]] = {}
        self.shared: dict[str, str] = {}
        self.secret = secrets.token_bytes(16)
        self.count = 0
        self.last_thread: Thread | None = None

    def bad(self, fault: str) -> bool:
        return fault in self.faults

    def next(self) -> int:
        self.count += 1
        return self.count

    def id(self, prefix: str) -> str:
        if prefix == "thr" and self.bad("race.ids-by-clock"):
            return f"thr_{int(time.time() * 10):016d}"
        return f"{prefix}_" + "".join(secrets.choice(LETTERS) for _ in range(16))

    def stored(self, value: Any) -> Any:
        """A title, text or context as it is stored: as it was sent."""
        if isinstance(value, str):
            if self.bad("state.text-normalised"):
                value = unicodedata.normalize("NFC", value)
            if self.bad("talk.html-escaped"):
                value = value.replace("&", "&amp;").replace("<", "&lt;")
            if self.bad("talk.line-ends"):
                value = value.replace("\r\n", "\n")
            if self.bad("talk.nul-cut"):
                value = value.split("\0")[0]
            if self.bad("talk.astral-lost"):
                value = "".join(c if ord(c) < 0x10000 else "\ufffd" for c in value)
        if isinstance(value, dict):
            text = json.dumps(value)
            if self.bad("state.big-integers-drift"):
                return json.loads(text, parse_int=lambda digits: _whole(float(digits)))
            if self.bad("state.nulls-dropped"):
                return {key: item for key, item in value.items() if item is not None}
            if self.bad("state.keys-snaked"):
                return {_snake(key): item for key, item in value.items()}
        return value

    def settings(self, said: dict[str, Any]) -> dict[str, Any]:
        merged = {"temperature": 1, "language": "en"} | said
        if self.bad("state.temperature-float32"):
            merged["temperature"] = struct.unpack("f", struct.pack("f", merged["temperature"]))[0]
        if self.bad("state.zero-is-default"):
            merged["temperature"] = merged["temperature"] or 1
        return merged

    def say(
        self, thread: Thread, role: str, content: str, run: str | None, id: str = ""
    ) -> Message:
        sequence = len(thread.messages) + thread.skipped + 1
        content = self.stored(content)
        if self.bad("talk.trimmed"):
            content = content.strip()
        message = Message(id or self.id("msg"), thread.id, run, role, content, sequence)
        thread.messages.append(message)
        return message

    # -- how things are shown ------------------------------------------------------------------

    def thread(self, thread: Thread) -> dict[str, Any]:
        bad = self.bad
        shown: dict[str, Any] = {
            "id": thread.id,
            "workspaceId": thread.workspace,
            "title": thread.title,
            "status": thread.status,
            "metadata": thread.metadata,
            "settings": thread.settings,
            "context": thread.context,
            "revision": thread.revision,
            "messageCount": len(thread.messages),
            "lastMessageAt": thread.messages[-1].created if thread.messages else None,
            "activeRunId": thread.active,
            "createdAt": thread.created,
            "updatedAt": thread.updated,
        }
        if bad("schema.milliseconds"):
            shown["lastMessageAt"] = thread.messages[-1].created * 1000 if thread.messages else None
        if bad("schema.null-left-out") and thread.title is None:
            del shown["title"]
        if bad("schema.count-as-text"):
            shown["messageCount"] = str(shown["messageCount"])
        if bad("schema.word-of-status") and thread.status == "archived":
            shown["status"] = "Archived"
        if bad("talk.count-without-replies"):
            shown["messageCount"] = sum(m.role == "user" for m in thread.messages)
        if bad("talk.last-time-null"):
            shown["lastMessageAt"] = None
        return shown

    def run(self, run: Run) -> dict[str, Any]:
        calls = run.calls if run.status == "requiresAction" else []
        shown: dict[str, Any] = {
            "id": run.id,
            "threadId": run.thread,
            "status": run.status,
            "input": run.input,
            "replyId": run.reply,
            "requiredAction": {"toolCalls": calls} if calls else None,
            "usage": run.usage,
            "createdAt": run.created,
            "endedAt": run.ended,
        }
        if self.bad("schema.action-stays") and run.calls:
            shown["requiredAction"] = {"toolCalls": run.calls}
        if self.bad("schema.arguments-as-text") and calls:
            text = [call | {"arguments": json.dumps(call["arguments"])} for call in calls]
            shown["requiredAction"] = {"toolCalls": text}
        if self.bad("schema.usage-sum") and run.usage:
            shown["usage"] = run.usage | {"totalTokens": run.usage["outputTokens"]}
        if self.bad("run.end-time-missing"):
            shown["endedAt"] = None
        return shown

    def message(self, message: Message) -> dict[str, Any]:
        return {
            "id": message.id,
            "threadId": message.thread,
            "runId": message.run,
            "role": message.role,
            "content": message.content,
            "status": message.status,
            "sequence": message.sequence,
            "feedback": message.feedback,
            "createdAt": message.created,
        }


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _snake(key: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in key)
