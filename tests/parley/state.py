"""What the server remembers: threads with their messages, and what idempotency keys stand for."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from .faults import FAULTS

Message = dict[str, Any]
ASSISTANTS = [
    {
        "id": "asst_echo",
        "name": "Echo",
        "summary": "Says what you said.",
        "is_default": True,
    },
    {
        "id": "asst_terse",
        "name": "Terse",
        "summary": "Repeats your text and nothing else.",
        "is_default": False,
    },
]


def dumps(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def new_id(prefix: str) -> str:
    return prefix + secrets.token_hex(8)


def stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Clock:
    """The time of day, but never the same twice."""

    def __init__(self) -> None:
        self.last = datetime(2000, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.last = max(datetime.now(UTC), self.last + timedelta(microseconds=1))
        return self.last


class Slot:
    """What is known of one idempotency key: an answer, or the events of a stream."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.fingerprint = ""
        self.result: Any = None


class Store:
    """All state of a server, with the faults that it has."""

    def __init__(self, faults: Iterable[str] = (), pace: float = 0.04) -> None:
        self.faults = frozenset(faults)
        if unknown := self.faults - FAULTS.keys():
            raise ValueError(f"there is no fault {', '.join(sorted(unknown))}")
        self.pace = pace
        self.clock = Clock()
        self.threads: dict[str, Thread] = {}
        self.deleted: dict[str, Thread] = {}
        self.next_seq = 1
        self.slots: dict[tuple[str, str, str], Slot] = {}
        self.shared_labels: dict[str, str] = {}

    def bad(self, fault: str) -> bool:
        return fault in self.faults

    def of(self, owner: str) -> list[Thread]:
        return [thread for thread in self.threads.values() if thread.owner == owner]


class Thread:
    """One conversation."""

    def __init__(
        self,
        store: Store,
        seq: int,
        id: str,
        owner: str,
        subject: str | None,
        assistant_id: str,
        labels: dict[str, str],
    ) -> None:
        self.store = store
        self.seq = seq
        self.id = id
        self.owner = owner
        self.subject = subject
        self.assistant_id = assistant_id
        self.labels = labels
        self.archived = False
        self.messages: list[Message] = []
        self.count = 0
        self.created = self.updated = store.clock.now()
        self.lock = asyncio.Lock()
        self.deleted = False

    def touch(self) -> None:
        self.updated = self.store.clock.now()

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "owner": self.owner,
            "subject": self.subject,
            "assistant_id": self.assistant_id,
            "labels": dict(self.labels),
            "archived": self.archived,
            "message_count": self.count,
            "created_at": stamp(self.created),
            "updated_at": stamp(self.updated),
        }

    def etag(self) -> str:
        view = self.view()
        if self.store.bad("etag_stale_after_message"):
            del view["message_count"], view["updated_at"]
        return f'"{hashlib.sha256(dumps(view).encode()).hexdigest()[:20]}"'

    def message(
        self,
        role: str,
        text: str,
        id: str | None = None,
        tool_calls: Iterable[dict[str, Any]] = (),
        usage: dict[str, int] | None = None,
    ) -> Message:
        """A message that would be the next one; it is not stored yet."""
        return {
            "id": id or self.message_id(),
            "thread_id": self.id,
            "role": role,
            "position": len(self.messages) + 1,
            "text": text,
            "tool_calls": list(tool_calls),
            "usage": usage,
            "created_at": stamp(self.store.clock.now()),
        }

    def message_id(self) -> str:
        if self.store.bad("message_ids_per_thread"):
            return f"msg_{len(self.messages) + 1:016x}"
        return new_id("msg_")

    def add(self, message: Message, counted: bool = True) -> None:
        self.messages.append(message)
        self.count += counted
        if not self.store.bad("updated_at_ignores_messages"):
            self.touch()
