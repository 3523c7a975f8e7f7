"""What the sessions of a walk should be: values alone, no target and no document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.spec.openapi.drafts import ABSENT

from ..checks import same

Said = tuple[str | None, str | None]
"""Who said a message, and its text."""


@dataclass
class Kept:
    """One session as it should be; `view` is what reading it showed last."""

    id: str
    owner: int
    view: dict[str, Any]
    chosen: bool = False
    alive: bool = True
    given: set[str] = field(default_factory=set)
    tags: list[str] = field(default_factory=list)
    said: list[Said] | None = None
    ids: list[Any] = field(default_factory=list)
    talked: bool = False
    loose: bool = False
    """Its agent answers when it likes, so that only the user's messages are known."""


@dataclass
class Sessions:
    """All sessions of a walk, those that were deleted too."""

    kept: list[Kept] = field(default_factory=list)

    def alive(self, owner: int) -> list[Kept]:
        """The sessions of a user that are there."""
        return [kept for kept in self.kept if kept.alive and kept.owner == owner]

    def deleted(self) -> list[Kept]:
        """The sessions that are gone for good: no later one has their id."""
        ids = {kept.id for kept in self.kept if kept.alive}
        return [kept for kept in self.kept if not kept.alive and kept.id not in ids]

    def foreign(self, owner: int) -> list[Kept]:
        """The sessions of the other user."""
        return [kept for kept in self.kept if kept.alive and kept.owner != owner]

    def by_id(self, id: Any) -> Kept | None:
        """The session that has an id now, else the one that had it last."""
        found = [kept for kept in self.kept if kept.id == id]
        return next((kept for kept in found if kept.alive), found[-1] if found else None)

    def neighbour(self, of: Kept) -> Kept | None:
        """Another session that is there, of the same user before one of another."""
        others = [kept for kept in reversed(self.kept) if kept.alive and kept is not of]
        return min(others, key=lambda kept: kept.owner != of.owner, default=None)


def pick(items: Sequence[Any], n: int) -> Any:
    """The `n`th item, counted round and round."""
    return items[n % len(items)]


def agrees(value: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether a JSON object has each of these members with that very value."""
    found = value if isinstance(value, dict) else {}
    return all(same(found.get(key, ABSENT), asked) for key, asked in wanted.items())


def resembling(value: Mapping[str, Any], n: int) -> dict[str, Any]:
    """A filter that is made of an object: a part of it, or something that only looks like it."""
    key = pick(list(value), n // 8)
    known = value[key]
    text = known if isinstance(known, str) else ""
    number = known if isinstance(known, (int, float)) and not isinstance(known, bool) else None
    forms: list[Any] = [
        {key: known},
        {key: text[:-1] or "absent"},
        {key: text.swapcase() or [known]},
        {key: None},
        {key: str(known) if number is not None else 1 if text == "1" or known is True else 0},
        {key: known, "absent": known},
        {key: dict(list(known.items())[:1]) if isinstance(known, dict) else {"in": known}},
        {key.swapcase(): known},
    ]
    return dict(pick(forms, n))


def has_null(value: Any) -> bool:
    """Whether a null stands anywhere in the objects of a value."""
    return value is None or (isinstance(value, dict) and any(map(has_null, value.values())))
