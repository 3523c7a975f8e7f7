"""Holds a dataset to itself: keys, clock, counts, and that pieces, messages and history agree.

It reads the files alone, and knows neither the mock nor the bindings of the document.

Keys. A member names something by its id where its name ends in `id` or `ids`: `agent_id`,
`agentId`, `agent_ids`, and where it is an object with an `id`: `agent: {id}`. What it names is its
noun, or the end of that: `default_agent_id` names an agent. Where the dataset has things of this
noun the id must be that of one; it always has messages, events, turns, runs and sessions (or
threads, conversations, chats). In the folder of a session, its key is that session, and
messages are its own. `parent_id` of a message is a message or the session, of another thing one of
its kind. Where users are no things that are made, all sessions of one say the same user.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sparring.fixtures.script import Script
from sparring.fixtures.script.expressions import lookup
from sparring.fixtures.script.expressions import shown as _plain
from sparring.fixtures.script.slots import drawn
from sparring.fixtures.script.templates import uses_of

_SESSIONS = ("session", "thread", "conversation", "chat")
_CREATED = ("createdat", "created", "creationtime", "createtime", "timestamp", "date")
_UPDATED = ("updatedat", "updated", "modifiedat", "lastmodifiedat")
_FINISHED = ("finishedat", "completedat", "endedat", "closedat")
_CHAINS = ((_CREATED[:4], ("startedat",), _FINISHED), (_CREATED[:4], _UPDATED))
_SECOND = timedelta(seconds=1)  # some documents want whole ones
_ABOUT = ("title", "summary", "name", "topic", "subject", "session_name")
_FACT = re.compile(r"\w*\d[\w.,:-]*\w|\d", re.ASCII)  # numbers, codes and times
_NONE: Mapping[str, Script] = {}
BEGIN = datetime(2025, 3, 3, 9, tzinfo=UTC)
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_-]")


def violations(files: Mapping[str, str], scripts: Mapping[str, Script] = _NONE) -> list[str]:
    """What does not agree in the files of one dataset; `scripts` by their names, to know which
    facts their titles, summaries and suggestions name."""
    dataset = _Dataset(files)
    return [*dataset.all(), *dataset.facts(scripts)]


class _Dataset:
    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.parsed = {n: json.loads(t) for n, t in files.items() if n.endswith(".json")}
        self.about = self.parsed["dataset.json"]
        self.world = self.parsed["world.json"]
        self.ids: dict[str, set[str]] = {}
        for stored in self.world["records"]:
            noun = _singular(stored["collection"].rstrip("/").rpartition("/")[2])
            self.ids.setdefault(noun, set()).add(str(stored["id"]))
        for log in self.world["logs"].values():
            self._add("event", (entry[3] for entry in log))
            self._add("message", (entry[3] for entry in log if entry[2] == "message"))
            self._add("turn", (entry[4] for entry in log))
            self._add("run", (entry[4] for entry in log))
        for each in _SESSIONS:
            self.ids[each] = self.ids.get("session", set())

    def _add(self, noun: str, ids: Iterable[Any]) -> None:
        self.ids.setdefault(noun, set()).update(map(str, ids))

    def all(self) -> Iterator[str]:
        yield from (f"refused: {each}" for each in self.about["refused"])
        yield from self._keys()
        yield from self._clock()
        yield from self._counts()
        yield from self._talk()

    def facts(self, scripts: Mapping[str, Script]) -> Iterator[str]:
        """What titles, summaries and suggestions name that is not said in the dialogue."""
        records = {r["id"]: r["record"] for r in self.world["records"]}
        for each in self.about["sessions"]:
            log = self.world["logs"].get(each["id"], [])
            said = "\n".join(entry[7] for entry in log if entry[2] == "message").casefold()
            offered = [text for e in log if e[2] == "suggestions" for text in e[8]["texts"]]
            mine = [s for s in self.parsed.get("sessions.json", []) if each["id"] in s.values()]
            shown = [s[n] for s in mine for n in _ABOUT if isinstance(s.get(n), str)]
            for text in (*shown, *offered):
                for fact in _FACT.findall(text.casefold()):
                    if fact not in said:
                        yield f"{each['id']}: {text!r} names {fact!r}, which nobody says"
            script = scripts.get(each["script"])
            if script is None or each["id"] not in records:
                continue
            seed = f"{self.about['seed']}/{records[each['id']][-1]}"
            slots = {"slots": drawn(script.slots, seed)}
            for use in (*uses_of(script.title), *uses_of(script.summary)):
                if shown and _plain(lookup(slots, use.name)).casefold() not in said:
                    yield f"{each['id']}: {'.'.join(use.name)} of its title is not in its dialogue"
            title = next((s["title"] for s in mine if s.get("title")), None)
            if title is not None and script.title and title != script.titled(seed)[0]:
                yield f"{each['id']}: its title is {title!r}"

    def _shown(self) -> Iterator[tuple[str, Any]]:
        """The JSON of every file, of streams that of their events."""
        for name, text in self.files.items():
            if name.endswith((".sse", ".jsonl")):
                lines = (line.removeprefix("data:").strip() for line in text.splitlines())
                yield name, [found for line in lines if (found := _object(line)) is not None]
            elif name not in ("dataset.json", "world.json"):
                yield name, self.parsed[name]

    def _keys(self) -> Iterator[str]:
        owners = {user["name"] for user in self.about["users"]}
        sessions = {each["id"] for each in self.about["sessions"]}
        if sessions != self.ids.get("session", set()):
            yield "the sessions are not those of the world"
        if self.world["logs"].keys() - sessions:
            yield "a log of no session"
        for stored in self.world["records"]:
            if stored["owner"] not in owners:
                yield f"{stored['id']} has an unknown owner"
        for name in self.files:
            if name.startswith("sessions/") and name.split("/")[1] not in {
                each["folder"].split("/")[1] for each in self.about["sessions"]
            }:
                yield f"{name} is of no session"
        listed = self.parsed.get("sessions.json", [])
        if "sessions.json" in self.files and len(listed) != len(sessions):
            yield f"sessions.json has {len(listed)} of {len(sessions)}"
        for name, value in self._shown():
            known = self.ids
            if name.startswith("sessions/"):
                known = known | self._of_session(name.split("/")[1])
            own = _singular(name.rpartition("/")[2].partition(".")[0])
            for at, found in _members(value):
                key = at.rpartition("/")[2]
                if isinstance(found, dict) and isinstance(found.get("id"), str):
                    yield from self._named(
                        f"{name}{at}", f"{_singular(key)}_id", found["id"], known
                    )
                for id in found if isinstance(found, list) else [found]:
                    if isinstance(id, (str, int)) and not isinstance(id, bool):
                        yield from self._named(f"{name}{at}", key, id, known, own)
        yield from self._users()

    def _of_session(self, folder: str) -> dict[str, set[str]]:
        """The ids of the session of a folder, and of the messages in it."""
        session = next(
            s["id"] for s in self.about["sessions"] if s["folder"].endswith(f"/{folder}")
        )
        log = self.world["logs"].get(session, ())
        said = {entry[3] for entry in log if entry[2] == "message"}
        names = {key: {session} for key in _SESSIONS}
        return names | {"message": said, "parent": said | {session}}

    def _named(
        self, at: str, key: str, id: Any, known: Mapping[str, set[str]], own: str = ""
    ) -> Iterator[str]:
        words = [word.lower() for word in _WORDS.split(key) if word]
        if len(words) < 2 or words[-1] not in ("id", "ids"):
            return
        nouns = ["_".join(words[start:-1]) for start in range(len(words) - 1)]
        if nouns[0] == "parent":
            nouns.append(own)
        ids = next((known[noun] for noun in nouns if noun in known), None)
        if ids is not None and str(id) not in ids:
            yield f"{at}: there is no {nouns[0]} {id}"

    def _users(self) -> Iterator[str]:
        """Whether the sessions of one user say one user, and those of another another."""
        owners = {each["id"]: each["user"] for each in self.about["sessions"]}
        said: set[tuple[str, str]] = set()
        for session in self.parsed.get("sessions.json", []):
            owner = next((owners[v] for v in map(str, session.values()) if v in owners), None)
            user = session.get("user_id", session.get("userId"))
            if owner is not None and isinstance(user, str) and "user" not in self.ids:
                said.add((owner, user))
        if len(said) > len({owner for owner, _ in said}) or len(said) > len({u for _, u in said}):
            yield f"sessions.json: its users are {sorted(said)}"

    def _clock(self) -> Iterator[str]:
        for name, value in self._shown():
            for at, found in _members(value):
                if not isinstance(found, dict):
                    continue
                times = {_folded(k): _time(v) for k, v in found.items()}
                for chain in _CHAINS:
                    known = (
                        next((t for n in names if (t := times.get(n))), None) for names in chain
                    )
                    real = [t for t in known if t is not None]
                    if real != sorted(real):
                        yield f"{name}{at}: its times do not rise"
                    if any(t < BEGIN for t in real):
                        yield f"{name}{at}: it is older than the world"
        for session, log in self.world["logs"].items():
            created = [entry[6] for entry in log]
            positions = [entry[0] for entry in log]
            if created != sorted(created) or positions != sorted(set(positions)):
                yield f"{session}: its log does not rise"
        for each in self.about["sessions"]:
            yield from self._order(each["id"], each["folder"])

    def _order(self, session: str, folder: str) -> Iterator[str]:
        """Whether messages come one after the other, and the session is as old as they are."""
        mine = [s for s in self.parsed.get("sessions.json", []) if session in map(str, s.values())]
        for name in ("messages", "events"):
            rows = self.parsed.get(f"{folder}/{name}.json", [])
            times = [_made(row) for row in rows]
            known = [t for t in times if t is not None]
            if known not in (sorted(known), sorted(known, reverse=True)):
                yield f"{folder}/{name}.json: its times do not rise"
            began = [t for t in map(_made, mine) if t is not None]
            if known and began and began[0] > min(known) + _SECOND:
                yield f"{folder}/{name}.json: it is older than its session"

    def _counts(self) -> Iterator[str]:
        histories = {
            each["id"]: sum(
                entry[2] == "message" for entry in self.world["logs"].get(each["id"], ())
            )
            for each in self.about["sessions"]
        }
        for session in self.parsed.get("sessions.json", []):
            for name, value in session.items() if isinstance(session, dict) else ():
                if _folded(name) in ("messagecount", "nummessages", "messagescount"):
                    found = next((h for i, h in histories.items() if i in session.values()), value)
                    if value != found:
                        yield f"sessions.json: {name} is {value}, and there are {found} messages"

    def _talk(self) -> Iterator[str]:
        for each in self.about["sessions"]:
            log = self.world["logs"].get(each["id"], [])
            history = ""
            for name in ("messages", "events"):
                history += self.files.get(f"{each['folder']}/{name}.json", "")
            turns = [t for n, t in self.files.items() if n.startswith(f"{each['folder']}/turn-")]
            heard = False
            for entry in log:
                kind, role, text, pieces = entry[2], entry[5], entry[7], entry[9]
                if kind != "message":
                    continue
                heard = heard or role == "user"
                if pieces and sum(pieces) != len(text):
                    yield f"{each['id']}: the pieces of a message are not its text"
                written = json.dumps(text, ensure_ascii=False)[1:-1]
                if history and written not in history:
                    yield f"{each['id']}: {text[:40]!r} is not in its history"
                streams = [t for t in turns if not t.startswith(("{", "[")) or "\n{" in t]
                if role == "agent" and heard and pieces and streams and text:
                    cut, start = [], 0
                    for length in pieces:
                        cut.append(text[start : start + length])
                        start += length
                    if not any(_in_order(cut, stream) for stream in streams):
                        yield f"{each['id']}: {text[:40]!r} was not streamed in its pieces"


def _made(row: Any) -> datetime | None:
    """When something was made, as it says itself."""
    for at, found in _members(row):
        if at.count("/") <= 3 and _folded(at.rpartition("/")[2]) in _CREATED and _time(found):
            return _time(found)
    return None


def _object(line: str) -> Any:
    """The JSON object of an event; None for text that only begins like one."""
    try:
        return json.loads(line) if line.startswith("{") else None
    except json.JSONDecodeError:
        return None


def _in_order(pieces: list[str], stream: str) -> bool:
    at = 0
    for piece in pieces:
        forms = [json.dumps(piece)[1:-1], json.dumps(piece, ensure_ascii=False)[1:-1]]
        forms.append(piece.replace("\n", "\ndata: "))
        places = [stream.find(form, at) for form in forms]
        at = min((place for place in places if place >= 0), default=-1)
        if at < 0:
            return False
    return True


def _members(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    yield at, value
    inner = value.items() if isinstance(value, dict) else ()
    for key, item in inner or (enumerate(value) if isinstance(value, list) else ()):
        yield from _members(item, f"{at}/{key}")


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _time(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        return datetime.fromtimestamp(value / (1000 if value > 1e11 else 1), UTC)
    except (ValueError, OverflowError):
        return None


def _singular(noun: str) -> str:
    words = "_".join(w.lower() for w in _WORDS.split(noun) if w)
    return words.removesuffix("ies") + "y" if words.endswith("ies") else words.removesuffix("s")
