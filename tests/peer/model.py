"""Sessions and the one log that each of them keeps."""

import asyncio
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .wire import Json

TICK = 25_000
"""How fine the clock of this server is, in microseconds: what is made at once bears one time."""

_ROLES = {"user": "user", "agent": "assistant", "system": "system"}


def now() -> datetime:
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // TICK * TICK)


def written(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def fresh_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(10)}"


@dataclass(eq=False)
class Turn:
    """One run of the agent; an answer that is given again is another run of the same turn."""

    id: str
    halt: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    finish: str = "stop"
    quiet: bool = False
    said: list["Entry"] = field(default_factory=list)
    words: tuple[int, int] = (0, 0)


@dataclass(eq=False)
class Entry:
    """A stored event. That of a message is the message as well, with the same id."""

    id: str
    offset: int
    turn: str
    kind: str
    source: str
    data: Json
    created: datetime = field(default_factory=now)
    past: bool = False
    """Whether the message has left the history; its event stays in the log."""
    first: Json | None = None

    def event(self) -> Json:
        return {
            "type": self.kind,
            "id": self.id,
            "data": self.first or self.data,
            "offset": self.offset,
            "source": self.source,
            "turn_id": self.turn,
            "created_at": written(self.created),
        }

    def message(self) -> Json:
        return {
            "role": _ROLES[self.source],
            "id": self.id,
            "created_at": written(self.created),
            **self.data,
            "turn_id": self.turn,
        }


@dataclass(eq=False)
class Frame:
    """What a stream carries."""

    position: int
    event: str
    run: Turn | None
    data: Json | Entry

    def payload(self) -> Json:
        return self.data.event() if isinstance(self.data, Entry) else self.data


Queue = asyncio.Queue[Frame | None]


@dataclass(eq=False)
class Session:
    id: str
    owner: str
    serial: int
    agent_id: str
    user_id: str
    faults: Collection[str]
    title: str | None = None
    situation: str | None = None
    metadata: Json = field(default_factory=dict)
    render_templates: bool = False
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    version: int = 1
    entries: list[Entry] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    suggestions: list[Json] = field(default_factory=list)
    position: int = 0
    followers: list[Queue] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    running: Turn | None = None
    deleted: bool = False
    once_said: str | None = None
    recalled: str | None = None
    forgotten: int = 0

    def touch(self) -> None:
        self.version += 1
        self.updated = now()

    @property
    def etag(self) -> str:
        if "etag-ignores-metadata" in self.faults:
            return f'"t{abs(hash((self.title, self.situation, self.render_templates)))}"'
        return f'"{self.serial}.{self.version}"'

    def history(self) -> list[Entry]:
        said = [one for one in self.entries if one.kind == "message" and not one.past]
        if "history-ties-by-role" in self.faults:
            said.sort(key=lambda one: (one.created, one.source))
        return said

    def shown(self) -> Json:
        topic = [one.data["content"] for one in self.history() if one.source == "user"]
        count = len(self.history()) + self.forgotten
        updated = written(self.updated)
        if "zone-lost-after-update" in self.faults and self.version > 1:
            updated = updated.removesuffix("+00:00")
        return {
            "created_at": written(self.created),
            "updated_at": updated,
            "metadata": self.metadata,
            "id": self.id,
            "user_id": self.user_id,
            "agent_id": self.agent_id,
            "message_count": count,
            "title": self.title,
            "summary": f"Last asked: {topic[-1][:60]}" if topic else self.recalled,
            "situation": self.situation,
            "render_templates": self.render_templates,
        }

    def store(self, run: Turn | None, kind: str, source: str, data: Json, id: str = "") -> Entry:
        """Puts an event into the log, and shows it to all who follow."""
        offset = len(self.entries) + ("offsets-from-one" in self.faults)
        turn = run.id if run else fresh_id("trn")
        if source == "user" and "user-message-own-turn" in self.faults:
            turn = fresh_id("trn")
        entry = Entry(id or fresh_id("evt"), offset, turn, kind, source, data)
        if not (kind == "status" and "statuses-not-stored" in self.faults):
            self.entries.append(entry)
        self.touch()
        self.show(run, kind, entry)
        return entry

    def show(self, run: Turn | None, event: str, data: Json | Entry) -> None:
        """Puts a frame into the log, and shows it to all who follow."""
        self.position += 1
        frame = Frame(self.position, event, run, data)
        self.frames.append(frame)
        for queue in self.followers:
            queue.put_nowait(frame)

    def follow(self) -> Queue:
        queue: Queue = asyncio.Queue()
        self.followers.append(queue)
        return queue

    def unfollow(self, queue: Queue) -> None:
        self.followers = [one for one in self.followers if one is not queue]

    def close(self) -> None:
        self.deleted = True
        for queue in self.followers:
            queue.put_nowait(None)

    def clear(self) -> None:
        """Forgets all that was said. Positions in the log are not used again."""
        if "regenerate-recalls-cleared" in self.faults:
            self.once_said = next(
                (one.data["content"] for one in self.history() if one.source == "user"), None
            )
        if "count-survives-clear" in self.faults:
            self.forgotten += len(self.history())
        if "clear-keeps-summary" in self.faults:
            self.recalled = self.shown()["summary"]
        self.entries = []
        if "clear-keeps-replay" not in self.faults:
            self.frames = []
        if "clear-keeps-suggestions" not in self.faults:
            self.suggestions = []
        if "clear-resets-title" in self.faults:
            self.title = None
        self.touch()


def same(one: Any, other: Any, faults: Collection[str]) -> bool:
    """Whether two JSON values are equal; true is not 1, but 1.0 is."""
    if "filter-text-equals-number" in faults and not isinstance(one, dict | list):
        return str(one) == str(other)
    if isinstance(one, dict) and isinstance(other, dict):
        if "filter-nested-subset" in faults:
            return all(key in one and same(one[key], other[key], faults) for key in other)
        return one.keys() == other.keys() and all(same(one[key], other[key], faults) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            same(left, right, faults) for left, right in zip(one, other, strict=True)
        )
    if isinstance(one, bool) is not isinstance(other, bool) and (
        "filter-true-equals-one" not in faults
    ):
        return False
    return bool(one == other)


def merge(target: Any, patch: Any, faults: Collection[str]) -> Any:
    """A JSON Merge Patch (RFC 7396)."""
    if not isinstance(patch, dict):
        if isinstance(patch, list) and "patch-joins-arrays" in faults and isinstance(target, list):
            return target + patch
        if isinstance(patch, list) and "patch-drops-array-nulls" in faults:
            return [one for one in patch if one is not None]
        if isinstance(patch, float) and "patch-rounds-floats" in faults:
            return round(patch, 2)
        return patch
    if "patch-keeps-new-nulls" in faults and not isinstance(target, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value == {} and "patch-drops-empty-objects" in faults:
            continue
        if value is None:
            result.pop(key, None)
        elif "patch-shallow" in faults:
            result[key] = value
        else:
            result[key] = merge(result.get(key), value, faults)
    return result
