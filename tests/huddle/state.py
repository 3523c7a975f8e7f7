"""What the server remembers: people, their huddles, and what was said in them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .faults import FAULTS

if TYPE_CHECKING:
    from .takes import Take

AMBER, BIRCH = "hk_amber_7Qm2", "hk_birch_9Zt4"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def dumps(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def stamp(ms: int | None) -> str | None:
    """A time of the API, which is counted in milliseconds."""
    if ms is None:
        return None
    whole = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def _now() -> int:
    return time.time_ns() // 1_000_000


def new_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(20))


@dataclass
class Repeat:
    """What an idempotency key stands for: the body it came with, and its answer or its take."""

    fingerprint: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    take: Take | None = None


class Person:
    """Who has a key, with all that is theirs."""

    def __init__(self, id: str, name: str) -> None:
        self.id = id
        self.name = name
        self.huddles: dict[str, Huddle] = {}
        self.repeats: dict[tuple[str, str], Repeat] = {}
        self.running: set[Take] = set()


class Store:
    """All state of a server, with the faults that it has."""

    def __init__(self, faults: Iterable[str] = (), pace: float = 0.01) -> None:
        self.faults = frozenset(faults)
        if unknown := self.faults - FAULTS.keys():
            raise ValueError(f"there is no fault {', '.join(sorted(unknown))}")
        self.pace = pace
        self.people = {AMBER: Person("per_amber", "Amber"), BIRCH: Person("per_birch", "Birch")}
        self.deleted: dict[str, Huddle] = {}
        self.secret = secrets.token_bytes(16)
        if self.bad("keys_of_everyone"):
            for person in self.people.values():
                person.repeats = self.people[AMBER].repeats

    def bad(self, fault: str) -> bool:
        return fault in self.faults

    def of_anybody(self, id: str) -> Huddle | None:
        for person in self.people.values():
            if id in person.huddles:
                return person.huddles[id]
        return None


class Huddle:
    """One conversation."""

    def __init__(self, store: Store, owner: Person) -> None:
        self.store = store
        self.owner = owner
        self.id = new_id("hud_")
        self.title: str | None = None
        self.source = "none"
        self.persona = "plain"
        self.metadata: dict[str, str] = {}
        self.archived: int | None = None
        self.deleted = False
        self.revision = 1
        self.created = self.updated = _now()
        self.utterances: list[Utterance] = []
        self.take: Take | None = None
        """The take that is running."""

    def touch(self) -> None:
        self.revision += 1
        self.updated = max(_now(), self.updated)

    def name(self, title: str | None, source: str) -> None:
        self.title = title
        self.source = "none" if title is None else source

    def etag(self) -> str:
        missed = self.store.bad("etag_misses_changes")
        return f'"{self.id[4:10]}-{len(self.utterances) if missed else self.revision}"'

    def view(self) -> dict[str, Any]:
        return {
            "huddleId": self.id,
            "title": self.title,
            "titleSource": self.source,
            "persona": self.persona,
            "metadata": dict(self.metadata),
            "status": "open" if self.archived is None else "archived",
            "archivedAt": stamp(self.archived),
            "utteranceCount": len(self.utterances),
            "revision": self.revision,
            "createdAt": stamp(self.created),
            "updatedAt": stamp(self.updated),
        }

    def add(self, speaker: str, text: str) -> Utterance:
        said = Utterance(self.id, len(self.utterances) + 1, speaker, text)
        self.utterances.append(said)
        return said


class Utterance:
    """What one of the two said, or is saying."""

    def __init__(self, huddle_id: str, position: int, speaker: str, text: str) -> None:
        self.id = new_id("utt_")
        self.huddle_id = huddle_id
        self.position = position
        self.speaker = speaker
        self.created = _now()
        self.takes: list[Take] = []
        if speaker == "person":
            self._say(text, "complete", self.created)
        else:
            self._say(text, "running", None)

    def _say(self, text: str, state: str, finished: int | None) -> None:
        self.text = text
        self.state = state
        self.finished = finished

    def begin(self, take: Take) -> None:
        self.takes.append(take)
        self._say("", "running", None)

    def end(self, state: str) -> None:
        self._say(self.text, state, _now())

    def view(self) -> dict[str, Any]:
        failed = {"code": "assistant_error", "message": "The assistant gave up."}
        return {
            "utteranceId": self.id,
            "huddleId": self.huddle_id,
            "position": self.position,
            "speaker": self.speaker,
            "text": self.text,
            "state": self.state,
            "take": max(1, len(self.takes)),
            "failure": failed if self.state == "failed" else None,
            "createdAt": stamp(self.created),
            "finishedAt": stamp(self.finished),
        }
