"""Foreign keys: members that name other things by their ids get the ids of things that exist."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.fixtures.providers.providers import snake

from .related import noun_of, singular

_OF_ITS_KIND = {"parent", "previous", "next", "original", "root", "duplicate_of", "replaces"}
"""What names something of the same kind: `parent_id` of a folder is that of a folder."""
_PEOPLE = {"user", "owner", "author", "creator", "created_by", "updated_by", "last_updated_by"}
_NEWEST = {"last", "latest", "newest", "current", "active"}
_OLDEST = {"first", "root", "oldest"}


@dataclass
class Keys:
    """The ids that one dataset has so far: of each user, by what they are of: `agent`."""

    chance: random.Random
    made: dict[str, dict[str, list[Any]]]
    user: str = ""
    of_session: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """The ids of the session that is looked at, and of what is in it."""
    called: dict[str, Sequence[Any]] = field(default_factory=dict)
    """How the document names each user, where it takes no name for that."""

    def add(self, noun: str, id: Any) -> None:
        """Something new of the user exists."""
        self.made[self.user].setdefault(noun, []).append(id)

    def of(self, noun: str) -> Sequence[Any]:
        """The ids of the user's things with this noun."""
        return self.made[self.user].get(noun, ()) if self.user else ()

    def first(self, name: str) -> Any:
        """The first id that a parameter or a required member of this name may have."""
        return next(iter(self.fitting(name)), None)

    def one(self, name: str, own: str = "") -> Any:
        """An id that a member of this name may have in something of the kind `own`; None where
        there is none."""
        found = self.fitting(name, own)
        heads = set(snake(name)[:1])
        if not found:
            return None
        if heads & _NEWEST:
            return found[-1]
        return found[0] if heads & _OLDEST else found[int(self.chance.random() * len(found))]

    def fitting(self, name: str, own: str = "") -> Sequence[Any]:
        """The ids that a member of this name may have: those of its noun or, as in
        `default_agent_id`, of the end of its noun."""
        noun = noun_of(name)
        for candidate in _ends(noun) if noun and self.user else ():
            within = self.of_session.get(candidate.replace("_", ""))
            if found := within or self.of(candidate):
                return found
        if noun in _PEOPLE and self.user:
            return self.of("user") or self.called.get(self.user) or [self.user]
        return self.of(own) if noun in _OF_ITS_KIND else ()

    def refuse(self, name: str, old: Any) -> None:
        """Notes that a member keeps what it had: what it got is not of the document's form."""
        if noun_of(name) in _PEOPLE:
            self.called[self.user] = [old]

    # Whole values

    def linked(self, value: dict[str, Any], own: str = "") -> dict[str, Any]:
        """A value to send, of the kind `own`, whose keys exist; what would name something else is
        left out."""
        found: dict[str, Any] = {}
        for name, inner in value.items():
            if noun_of(name) is None:
                found[name] = self._inner(name, inner)
            elif noun_of(name) != own and inner is not None:
                id = self.one(name, own)
                if id is not None:
                    found[name] = [id] if isinstance(inner, list) else id
        found.pop("id", None)
        return found

    def _inner(self, name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._inner(name, item) for item in value]
        if not isinstance(value, dict):
            return value
        linked, ids = self.linked(value), self._of_object(name)
        return {"id": self._any(ids)} | linked if "id" in value and ids else linked

    def mended(self, value: Any, own: str = "", name: str = "") -> Any:
        """A value that was shown, of the kind `own`, whose keys exist; the rest stays."""
        if isinstance(value, list):
            return [self.mended(item, own, name) for item in value]
        if not isinstance(value, dict):
            return value
        found = {}
        for key, inner in value.items():
            ids = self.fitting(key, own)
            if key == "id" and name and not isinstance(inner, (dict, list)):
                ids = self._of_object(name)
            if ids and isinstance(inner, list):
                found[key] = _without_twins(self._kept(key, each, ids, own) for each in inner)
            elif ids:
                found[key] = self._kept(key, inner, ids, own)
            else:
                found[key] = self.mended(inner, "", key)
        return found

    def _kept(self, name: str, value: Any, ids: Collection[Any], own: str) -> Any:
        """A key as it is where that exists."""
        is_key = isinstance(value, (str, int)) and not isinstance(value, bool)
        if not is_key or value in ids or str(value) in map(str, ids):
            return value
        new = self._any(ids) if name == "id" else self.one(name, own)
        return new if isinstance(new, type(value)) else value

    def _of_object(self, name: str) -> Sequence[Any]:
        """The ids of an object that stands in a member of this name: `agent`, or each `agents`."""
        return self.fitting(f"{singular('_'.join(snake(name)))}_id")

    def _any(self, ids: Collection[Any]) -> Any:
        return list(ids)[int(self.chance.random() * len(ids))]


def _ends(noun: str) -> Iterator[str]:
    words = noun.split("_")
    return ("_".join(words[start:]) for start in range(len(words)))


def _without_twins(values: Iterator[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
