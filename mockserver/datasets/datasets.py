"""Datasets: a small world each, of which everything is read back as a client would."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.fixtures.script import Script
from sparring.fixtures.script.cast import Cast
from sparring.fixtures.shaping.records import about
from sparring.fixtures.writers.folder import file_name
from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import View
from sparring.spec.openapi.security import usable_security
from sparring.spec.streams.framing import EVENT_STREAM

from ..worlds.saved import WORLD, save
from ..worlds.store import MemoryStore
from ..worlds.turns import SESSIONS
from .keys import Keys
from .reading import Reader
from .related import Collection, collections
from .telling import LINES, Talk, Teller, best_talks

_MOST = 16
"""So many kinds of resources are made beside sessions."""


@dataclass
class _Known:
    """What one dataset has made so far."""

    seed: str
    chance: random.Random
    keys: Keys
    reader: Reader
    created: dict[str, Any] = field(default_factory=dict)
    """What was answered where a session was made."""
    refused: list[str] = field(default_factory=list)
    played: dict[str, str] = field(default_factory=dict)
    """The script of each session."""


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
        users = self._users().values()
        chance, refused = random.Random(seed), list[str]()
        keys = Keys(chance, {user: {} for user in users})
        self._teller.requests.known = keys.first
        reader = Reader(self._document, self._teller, keys, refused)
        known = _Known(seed, chance, keys, reader, refused=refused)
        files: dict[str, str] = asyncio.run(self._files(known))
        return files

    async def _files(self, known: _Known) -> dict[str, str]:
        teller = self._teller
        keys = self._users()
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
                rows = await known.reader.items(collection)
                shown.setdefault(f"{file_name(collection.name)}.json", []).extend(rows)
            for session, _, talk in (s for s in sessions if s[1] == user):
                made = known.created.get(session)
                rows, lists = await known.reader.session(session, talk, made)
                shown.setdefault("sessions.json", []).extend(rows)
                files |= {f"{_folder(session)}/{n}.json": _text(each) for n, each in lists.items()}
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
                "ids": known.keys.made,
                "refused": known.refused,
            }
        )
        return files

    def _users(self) -> dict[str, str]:
        """The users by their keys; one alone where nothing tells them apart."""
        everyone = self._teller.world.keys
        told = self._document.model.caller is not None
        if told or any(map(usable_security, self._document.operations)):
            return dict(everyone)
        return dict(list(everyone.items())[:1])

    def _be(self, key: str, known: _Known, user: str) -> None:
        """Asks as this user from now on."""
        requests = self._teller.requests
        requests.key, requests.caller, known.keys.user = key, user, user

    # Making

    async def _make(self, collection: Collection, known: _Known) -> None:
        """One or two items of a collection, the first as full as the document allows."""
        keys = known.keys
        if not all(map(keys.of, collection.above)):
            return  # what it lies below can't be made
        operation = collection.create
        for number in range(1 + int(known.chance.random() * 2) if not collection.joins else 1):
            await self._teller.clock.advance(1)
            seed = f"{keys.user}/{collection.name}/{number}"
            members = self._body(
                operation, known, seed, "" if collection.joins else collection.noun
            )
            made = await known.reader.ask(operation, body=members or None)
            if made is None and members:
                known.refused.pop()
                made = await known.reader.ask(operation)  # with as little as is demanded
            found = pointers.first(made, collection.binding.id) if made is not None else None
            if found is None:
                return
            keys.add(collection.noun, found)

    def _body(self, operation: Operation, known: _Known, seed: str, own: str) -> dict[str, Any]:
        """A full body whose keys exist; of what there is nothing, and of its `own`, it names
        nothing."""
        body = self._teller.requests.body(operation, f"{known.seed}/{seed}")
        if not isinstance(body, dict):
            return {}
        is_valid = self._body_check(operation)
        linked = known.keys.linked(body, own)
        if is_valid(linked):
            return linked
        needed = {name for name in body if not is_valid({k: body[k] for k in body if k != name})}
        kept = {k: linked.get(k, v) for k, v in body.items() if k in linked or k in needed}
        return kept if is_valid(kept) else {}

    def _body_check(self, operation: Operation) -> Callable[[Any], bool]:
        path = next(media.schema for media in operation.body.values() if media.schema is not None)
        return self._document.schemas.at(path, View.REQUEST).is_valid

    async def _talk(self, known: _Known, files: dict[str, str]) -> list[tuple[str, Talk]]:
        """A conversation, and its sessions: some documents make one for each thing that is said.
        What answered the user is in the folder of its session."""
        teller, start = self._teller, len(self._teller.told)
        talk = self._talks[int(known.chance.random() * len(self._talks))]
        create = teller.requests.nearest(Role.SESSION_CREATE, talk.operation)
        if create is not None and not self._is_heard(known.keys.user, create, talk):
            return []
        seed = f"{known.keys.user}/session/{start}"
        members = self._body(create, known, seed, "session") if create else {}
        before = self._sessions()
        place = teller.requests.session_place(talk.operation)
        things = known.keys.fitting(place.name) if create is None and place is not None else ()
        free = [str(id) for id in things if str(id) not in before]
        if things and not free:
            return []  # each thing that one talks to is one session
        script = self._scripts[int(known.chance.random() * len(self._scripts))]
        lines = teller.stage(script, f"{known.chance.random()}")
        if create is not None and members:
            members = self._entitled(create, members, script, lines)
        await teller.speak(talk, lines, {"body": members or None}, next(iter(free), None))
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

    def _entitled(
        self, create: Operation, members: dict[str, Any], script: Script, lines: Sequence[str]
    ) -> dict[str, Any]:
        """The body that makes a session, which says what will be said in it and nothing else."""
        world = self._teller.world
        title, summary = script.titled(f"{world.seed}/{world.play_seed}")
        texts = {"title": title or lines[0], "summary": summary}
        is_valid = self._body_check(create)
        for part, name in about(members).items():
            others = {key: value for key, value in members.items() if key != name}
            tries = [{**members, name: texts[part]}, others, members]
            members = next(filter(is_valid, tries[not texts[part] :]))
        return members

    def _is_heard(self, user: str, create: Operation, talk: Talk) -> bool:
        """Whether a user may talk in the sessions that this user makes: not where only one of the
        two operations asks who that is."""
        named = self._document.model.caller is not None or bool(usable_security(talk.operation))
        return named or not usable_security(create) or user == self._teller.world.somebody

    def _sessions(self) -> dict[str, str]:
        """Whose each session is, by its id, in the order of their creation."""
        store = self._teller.world.store
        assert isinstance(store, MemoryStore)
        return {id: owner for in_, owner, id, _ in store.records() if in_ == SESSIONS}


def _folder(session: str) -> str:
    return f"sessions/{file_name(session)}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
