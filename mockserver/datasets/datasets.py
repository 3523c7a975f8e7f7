"""Datasets: a small world each, of which everything is read back as a client would."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.fixtures.script import Script
from sparring.fixtures.script.cast import Cast
from sparring.fixtures.writers.folder import file_name
from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import View
from sparring.spec.streams.framing import EVENT_STREAM

from ..handlers.resources import resource_binding
from ..worlds.saved import WORLD, save
from ..worlds.store import MemoryStore
from ..worlds.turns import SESSIONS
from .related import Collection, collections, noun_of
from .telling import LINES, Talk, Teller, best_talks

_MOST = 16
"""So many kinds of resources are made beside sessions."""
_LISTS = {
    # the role: the file of a session that has its items
    Role.MESSAGE_LIST: "messages",
    Role.RUN_LIST: "runs",
    Role.SUGGESTION_LIST: "suggestions",
}


@dataclass
class _Known:
    """What one dataset has made so far: the ids of each user, by what they are of: `agent`."""

    seed: str
    chance: random.Random
    ids: dict[str, dict[str, list[Any]]]
    created: dict[str, Any] = field(default_factory=dict)
    """What was answered where a session was made."""
    refused: list[str] = field(default_factory=list)
    played: dict[str, str] = field(default_factory=dict)
    """The script of each session."""
    user: str = ""

    def first(self, name: str) -> Any:
        """The first id that a member or a parameter of this name may have."""
        found = self.ids[self.user].get(noun_of(name) or "", ()) if self.user else ()
        return found[0] if found else None

    def id(self, name: str) -> Any:
        """An id that a member or a parameter of this name may have, None where there is none."""
        found = self.ids[self.user].get(noun_of(name) or "", ())
        return found[int(self.chance.random() * len(found))] if found else None


class Datasets:
    """Makes datasets of one document; each conversation plays one of the scripts."""

    def __init__(
        self, document: Document, scripts: Sequence[Script], *, seed: str, url: str
    ) -> None:
        self._document, self._scripts, self._seed = document, scripts, seed
        self._teller = Teller(document, Cast(scripts[:1]), seed=seed, url=url)
        self._collections = collections(document, _MOST)
        self._talks = best_talks(document)
        works = [talk for talk in self._talks if self._is_answered(talk)]
        self._talks = works or self._talks[:1]

    def _is_answered(self, talk: Talk) -> bool:
        """Whether the mock takes part in this way to speak."""
        self._teller.begin_again(f"{self._seed}/datasets")
        asyncio.run(self._teller.speak(talk, LINES[:1], {}))
        return all(told.exchange.response.status < 400 for told in self._teller.told)

    def files(self, number: int) -> dict[str, str]:
        """The files of a dataset by their names in its folder; the same for the same number."""
        seed = f"{self._seed}/datasets/{number}"
        self._teller.begin_again(seed)
        users = self._teller.world.keys.values()
        known = _Known(seed, random.Random(seed), {user: {} for user in users})
        self._teller.requests.known = known.first
        files: dict[str, str] = asyncio.run(self._files(known))
        return files

    async def _files(self, known: _Known) -> dict[str, str]:
        teller = self._teller
        keys = dict(teller.world.keys)
        files: dict[str, str] = {}
        sessions: list[tuple[str, str, Talk]] = []
        for key, user in keys.items():
            self._be(key, known, user)
            for collection in self._collections:
                await self._make(collection, known)
            for _ in range(1 + int(known.chance.random() * 2)) if self._talks else ():
                found = await self._talk(known, files)
                sessions += [(session, user, talk) for session, talk in found]
        await teller.clock.advance(60)
        shown: dict[str, list[Any]] = {}
        for key, user in keys.items():
            self._be(key, known, user)
            for collection in self._collections:
                rows = await self._items(collection, known)
                shown.setdefault(f"{file_name(collection.name)}.json", []).extend(rows)
            for session, _, talk in (s for s in sessions if s[1] == user):
                shown.setdefault("sessions.json", []).extend(
                    await self._read_session(session, talk, known, files)
                )
        files |= {name: _text(rows) for name, rows in shown.items() if rows}
        store = teller.world.store
        assert isinstance(store, MemoryStore)
        files[WORLD] = save(self._document, store)
        files["dataset.json"] = _text(
            {
                "document": self._document.title,
                "seed": known.seed,
                "users": [{"name": user, "key": key} for key, user in keys.items()],
                "sessions": [
                    {
                        "id": session,
                        "user": user,
                        "folder": _folder(session),
                        "script": known.played.get(session),
                    }
                    for session, user in self._sessions().items()
                ],
                "ids": known.ids,
                "refused": known.refused,
            }
        )
        return files

    def _be(self, key: str, known: _Known, user: str) -> None:
        """Asks as this user from now on."""
        requests = self._teller.requests
        requests.key, requests.caller, known.user = key, user, user

    async def _ask(self, operation: Operation, known: _Known, **said: Any) -> Any:
        """What an operation answers, None where it refuses."""
        response = (await self._teller.ask(operation, **said)).exchange.response
        if response.status >= 400:
            known.refused.append(f"{operation.label}: {response.status}")
            return None
        return response.json()

    # Making

    async def _make(self, collection: Collection, known: _Known) -> None:
        """One or two items of a collection, the first as full as the document allows."""
        named = [noun for noun in collection.above if not known.ids[known.user].get(noun)]
        if named:
            return  # what it lies below can't be made
        operation = collection.create
        for number in range(1 + int(known.chance.random() * 2)):
            await self._teller.clock.advance(1)
            seed = f"{known.user}/{collection.name}/{number}"
            members = self._body(operation, known, seed, collection.noun)
            made = await self._ask(operation, known, body=members or None)
            if made is None and members:
                known.refused.pop()
                made = await self._ask(operation, known)  # with as little as is demanded
            found = pointers.first(made, collection.binding.id) if made is not None else None
            if found is None:
                return
            known.ids[known.user].setdefault(collection.noun, []).append(found)

    def _body(self, operation: Operation, known: _Known, seed: str, own: str) -> dict[str, Any]:
        """A full body whose keys exist; of what there is nothing, and of its `own`, it names
        nothing."""
        body = self._teller.requests.body(operation, f"{known.seed}/{seed}")
        if not isinstance(body, dict):
            return {}
        body = {name: inner for name, inner in body.items() if noun_of(name) != own}
        path = next(media.schema for media in operation.body.values() if media.schema is not None)
        is_valid = self._document.schemas.at(path, View.REQUEST).is_valid
        linked = _linked(body, known)
        if is_valid(linked):
            return linked
        needed = {name for name in body if not is_valid({k: body[k] for k in body if k != name})}
        kept = {k: linked.get(k, v) for k, v in body.items() if k in linked or k in needed}
        return kept if is_valid(kept) else {}

    async def _talk(self, known: _Known, files: dict[str, str]) -> list[tuple[str, Talk]]:
        """A conversation, and its sessions: some documents make one for each thing that is said.
        What answered the user is in the folder of its session."""
        teller, start = self._teller, len(self._teller.told)
        talk = self._talks[int(known.chance.random() * len(self._talks))]
        create = teller.requests.nearest(Role.SESSION_CREATE, talk.operation)
        seed = f"{known.user}/session/{start}"
        members = self._body(create, known, seed, "session") if create else {}
        before = self._sessions()
        script = self._scripts[int(known.chance.random() * len(self._scripts))]
        lines = teller.stage(script, f"{known.chance.random()}")
        await teller.speak(talk, lines, {"body": members or None})
        new = [each for each in self._sessions() if each not in before]
        known.played |= dict.fromkeys(new, script.name)
        turns: Counter[str] = Counter()
        answers = []
        for told in teller.told[start:]:
            response = told.exchange.response
            if response.status >= 400:
                known.refused.append(f"{told.operation.label}: {response.status}")
            elif told.operation is create and create.binding is not None:
                known.created |= dict.fromkeys(
                    new, pointers.first(response.json(), create.binding.entity)
                )
            elif told.operation is talk.operation:
                answers.append(told)
        for number, told in enumerate(answers if new else ()):
            session = new[number if len(new) == len(answers) else 0]
            turns[session] += 1
            response = told.exchange.response
            kind = "sse" if response.media_type == EVENT_STREAM else "jsonl"
            kind = kind if told.is_stream else "json"
            text = response.body.decode()
            if kind == "json" and text:
                text = _text(response.json())
            files[f"{_folder(session)}/turn-{turns[session]}.{kind}"] = text
        return [(session, talk) for session in new]

    def _sessions(self) -> dict[str, str]:
        """Whose each session is, by its id, in the order of their creation."""
        store = self._teller.world.store
        assert isinstance(store, MemoryStore)
        return {id: owner for in_, owner, id, _ in store.records() if in_ == SESSIONS}

    # Reading back

    async def _items(self, collection: Collection, known: _Known) -> list[Any]:
        """The items of a collection as they are shown."""
        found = []
        if collection.read is not None and collection.place is not None:
            for id in known.ids[known.user].get(collection.noun, ()):
                answer = await self._ask(collection.read, known, also=[(collection.place, id)])
                found += [answer] if answer is not None else []
        if not found and collection.list and known.ids[known.user].get(collection.noun):
            binding = resource_binding(self._document, collection.list)
            rows = pointers.first(await self._ask(collection.list, known), binding.items)
            found += rows if isinstance(rows, list) else []
        return found

    async def _read_session(
        self, session: str, talk: Talk, known: _Known, files: dict[str, str]
    ) -> list[Any]:
        """The session as it is shown; its lists become files of its folder."""
        requests = self._teller.requests
        for role, name in _LISTS.items():
            for shape, operation in self._lists(role, talk).items():
                binding = operation.binding
                assert binding is not None
                limit = [(binding.page.limit, 100)] if binding.page.limit is not None else []
                answer = await self._ask(operation, known, session=session, also=limit)
                rows = pointers.first(answer, binding.items) if answer is not None else None
                if isinstance(rows, list):
                    called = "events" if shape == "event" else name
                    files[f"{_folder(session)}/{called}.json"] = _text(rows)
        for role in (Role.SESSION_GET, Role.SESSION_LIST):
            found = requests.nearest(role, talk.operation)
            if found is None or (binding := found.binding) is None:
                continue
            answer = await self._ask(found, known, session=session)
            if role is Role.SESSION_GET and answer is not None:
                return [pointers.first(answer, binding.entity)]
            rows = pointers.first(answer, binding.items) if answer is not None else None
            return [r for r in rows or () if str(pointers.first(r, binding.id)) == session]
        return [known.created[session]] if session in known.created else []

    def _lists(self, role: Role, talk: Talk) -> dict[str, Operation]:
        """The list of a session with a role, and the one beside it that shows another shape."""
        first = self._teller.requests.nearest(role, talk.operation)
        if first is None or first.binding is None:
            return {}
        above = first.template.rstrip("/").rpartition("/")[0]
        found = {first.binding.shape: first}
        for other in self._document.with_role(role):
            if other.binding is not None and other.template.rpartition("/")[0] == above:
                found.setdefault(other.binding.shape, other)
        return found


def _linked(value: dict[str, Any], known: _Known) -> dict[str, Any]:
    """A value whose keys exist; what would name something else is left out."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if noun_of(name) is None:
            found[name] = _inner(inner, known)
        elif (id := known.id(name)) is not None and inner is not None:
            found[name] = [id] if isinstance(inner, list) else id
    found.pop("id", None)
    return found


def _inner(value: Any, known: _Known) -> Any:
    if isinstance(value, list):
        return [_inner(item, known) for item in value]
    return _linked(value, known) if isinstance(value, dict) else value


def _folder(session: str) -> str:
    return f"sessions/{file_name(session)}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
