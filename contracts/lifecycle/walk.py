"""One walk: the target beside the model, and what happens when they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation

from ..checks import Context, has_security, same
from ..driving.comparing import at, differences, instant, readable
from ..driving.driver import User
from ..scenarios.tags import tag_of, tags
from ..world import World, entity, succeeded
from .model import Kept, Sessions

MISSING = frozenset({404, 410})
REFUSED = frozenset({401, 403})
BUSY = frozenset({409, 423, 425, 429})


class Ended(Exception):
    """The walk goes no further: what comes now says nothing new."""


class Broken(Exception):
    """The target is not what the model says. Each promise and operation is a class of its own, so
    that Hypothesis tells them apart."""

    promise: str

    def __init__(self, operation: Operation, expected: str, seen: str) -> None:
        super().__init__(f"{self.promise}: {expected}; seen {seen}")
        self.operation = operation
        self.expected = expected
        self.seen = seen


@cache
def broken(promise: str, label: str) -> type[Broken]:
    """The class for one promise and operation."""
    return type(f"Broken {promise} {label}", (Broken,), {"promise": promise})


@dataclass
class Facts:
    """What all walks of a run know: the words of the document, and what was learned on the way.

    `known` are the promises by operation that are found broken already.
    """

    document: Document
    known: set[tuple[str, str]]
    two_users: bool = False
    blank: Mapping[str, Any] = field(default_factory=dict)
    """A session that was made with what is required alone, as it is read."""
    coarse: bool = False
    """The clock of the target moves, in steps that are longer than those of a walk."""
    long: bool = False
    """The list without a filter is too long to be read again and again."""

    def by(self, *roles: Role) -> list[Operation]:
        """The operations of some roles, those for the active session left out."""
        found = (o for role in roles for o in self.document.with_role(role))
        return [o for o in found if o.binding and not o.binding.active]

    def one(self, role: Role) -> Operation | None:
        """The first operation with a role."""
        return next(iter(self.by(role)), None)


@dataclass
class Walk:
    """One walk from an empty model on; `word` marks its sessions where a filter can find them."""

    facts: Facts
    world: World
    users: list[User]
    model: Sessions = field(default_factory=Sessions)
    word: str = ""

    def context(self, operation: Operation, promise: str = "", owner: int = 0) -> Context:
        """What the helpers of the scenarios ask for."""
        alice, bob = self.users[owner], self.users[1 - owner]
        return Context(self.world, operation, promise, alice, bob)

    def hold(
        self,
        promise: str,
        operation: Operation | None,
        fine: bool,
        expected: str,
        seen: str | Callable[[], str],
    ) -> None:
        """Raises Broken unless it is fine; Ended where nobody promises it or all know of it."""
        if fine:
            return
        if operation is None or not operation.promises.holds(promise):
            raise Ended
        if (promise, operation.label) in self.facts.known:
            raise Ended
        said = seen if isinstance(seen, str) else seen()
        raise broken(promise, operation.label)(operation, expected, said)

    def accepted(self, operation: Operation, exchange: Exchange) -> None:
        """A request that fits its schema is taken; what fails or is busy ends the walk."""
        status = exchange.response.status
        if status >= 500 or status in BUSY:
            raise Ended
        text = exchange.response.body[:200].decode("utf-8", "replace")
        expected = "a success for a request that fits its schema"
        self.hold("input.accepted", operation, succeeded(exchange), expected, f"{status}: {text}")

    def owner_of(self, kept: Kept) -> User:
        """The user whose session it is."""
        return self.users[kept.owner]

    def read(
        self, kept: Kept, promise: str, operation: Operation | None, *, changed: bool = False
    ) -> dict[str, Any]:
        """The session as its owner reads it now; `changed` says that it may just have moved."""
        get = self.facts.one(Role.SESSION_GET)
        assert get is not None
        exchange = self.owner_of(kept).get(kept.id, get)
        status = exchange.response.status
        lost = status in MISSING | REFUSED or exchange.response.body == b"null"
        self.hold(promise, operation, not lost, "the session, when its owner reads it", f"{status}")
        self.accepted(get, exchange)
        stored = entity(get, exchange)
        if not isinstance(stored, dict):
            raise Ended
        self._times(kept, stored, changed)
        self._tag(kept, stored, tag_of(exchange), changed)
        return stored

    def stays(self, kept: Kept, promise: str, operation: Operation | None) -> None:
        """Holds a session to be as it was; of one with a talk only what clients have set."""
        if self.facts.one(Role.SESSION_GET) is None:
            return
        stored = self.read(kept, promise, operation)
        if kept.talked:
            wanted = {name: kept.view.get(name) for name in kept.given}
        else:
            wanted = {**kept.view, **dict.fromkeys(stored.keys() - kept.view.keys())}
        wrong = differences(self.facts.document, readable(self.world), wanted, stored)
        self.hold(promise, operation, not wrong, "the session as it was", "; ".join(wrong))
        kept.view = stored

    def neighbour_stays(self, of: Kept, promise: str, operation: Operation) -> None:
        """Holds another session to be as it was."""
        other = self.model.neighbour(of)
        if other is not None:
            self.stays(other, promise, operation)

    def changing(self, promise: str) -> Operation | None:
        """The operation at which a promise about times or tags stands."""
        updates = self.facts.by(Role.SESSION_UPDATE)
        known = [o for o in updates if (promise, o.label) in self.facts.known]
        return next(iter(known or updates), None)

    def _times(self, kept: Kept, stored: Mapping[str, Any], changed: bool) -> None:
        model, operation = self.facts.document.model.session, self.changing("time.created")
        if not kept.view or operation is None:
            return
        before, after = (instant(at(v, model.get("created"))) for v in (kept.view, stored))
        expected = "the creation time as it was"
        self.hold("time.created", operation, before == after, expected, f"{after}, not {before}")
        before, after = (instant(at(v, model.get("updated"))) for v in (kept.view, stored))
        if type(before) is not type(after) or before is None or after is None:
            return
        operation = self.changing("time.updated")
        fine = after >= before  # type: ignore[operator]  # of one kind
        expected = "an update time that does not fall"
        self.hold("time.updated", operation, fine, expected, f"{after} after {before}")
        moved = {name for name in stored if not same(stored[name], kept.view.get(name))}
        fine = changed or kept.talked or moved != {model["updated"][0]}
        expected = "the update time as it was where nothing else changed"
        self.hold("time.updated", operation, fine, expected, f"{after}, not {before}")

    def _tag(self, kept: Kept, stored: Mapping[str, Any], tag: str | None, changed: bool) -> None:
        operation = self.changing("etag.changes")
        if operation is None or tags(self.facts.document, operation) or tag is None:
            return
        if kept.tags and not same(dict(stored), kept.view):
            fine = tag not in kept.tags
            self.hold("etag.changes", operation, fine, "a new tag after a change", f"{tag} again")
        elif kept.tags and not (kept.talked or changed):
            fine, seen = tag == kept.tags[-1], f"{tag}, not {kept.tags[-1]}"
            expected = "the same tag as long as nothing changes"
            self.hold("etag.changes", operation, fine, expected, seen)
        if tag not in kept.tags[-1:]:
            kept.tags.append(tag)

    def strangers(self, operation: Operation) -> bool:
        """Whether the two users are kept apart by their keys."""
        return self.facts.two_users and not has_security(self.facts.document, operation)
