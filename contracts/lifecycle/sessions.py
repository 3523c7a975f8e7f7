"""Steps that make, change and delete sessions, and that ask for those which are not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation

from ..checks import same
from ..driving.comparing import at, differences, readable
from ..driving.made import id_in
from ..driving.turns import streams
from ..scenarios.create import chooses_ids, fresh_id, id_names
from ..scenarios.deletion import answer, neighbours, takes_session
from ..world import entity, succeeded
from . import talk
from .marks import tag_name, value
from .model import Kept, pick
from .updates import guard_of, held, unlooked
from .walk import MISSING, Ended, Walk

ASKED = 3
"""Operations that one step asks for a session that is not there."""


def create(walk: Walk, owner: int, which: int, kind: int, n: int, guard: int) -> None:
    """Makes a session: a plain one, a full one, one with an id that is new, taken or was."""
    operation = walk.facts.one(Role.SESSION_CREATE)
    assert operation is not None
    context = walk.context(operation, owner=owner)
    bodies, user = walk.world.bodies, walk.users[owner]
    body = bodies.least(operation)
    if kind % 2:
        body = bodies.rich(operation, without=id_names(context.document, operation), n=n)
    name = tag_name(context.document, walk.facts.one(Role.SESSION_LIST))
    if name and bodies.is_valid(operation, tagged := body | {name: value(walk, n)}):
        body = tagged
    if chooses_ids(context.document, operation):
        kind %= 2
    elif kind == 1 and walk.model.deleted():
        kind = 7
    id = None
    if kind in (2, 3):
        id = fresh_id(context)
    elif kind in (4, 5) and (taken := walk.model.alive(owner) + walk.model.foreign(owner)):
        _taken(walk, operation, owner, pick(taken, n), body)
        return
    elif kind in (6, 7) and (gone := walk.model.deleted()):
        id = pick(sorted(gone, key=lambda kept: not kept.talked), n // 128).id
    again = id is not None and walk.model.by_id(id) is not None
    draft = user.create_draft(body=body, client_id=id, operation=operation)
    exchange = user.send(draft)
    if again and not succeeded(exchange):
        return  # an id may stay taken
    walk.accepted(operation, exchange)
    made = id_in(operation, exchange)
    if not made:
        raise Ended
    user.made(draft, exchange)
    if id is not None:
        expected = "a session with the id that the client chose"
        walk.hold("create.client_id", operation, made == id, expected, f"{made}, not {id}")
    other = None if again else walk.model.by_id(made)
    expected = "a new id for every session"
    walk.hold("create.unique", operation, other is None, expected, f"{made} again")
    sent = draft.body if isinstance(draft.body, dict) else {}
    kept = Kept(
        made, owner, {}, id is not None, given={k for k, v in sent.items() if v is not None}
    )
    walk.model.kept.append(kept)
    _first_reading(walk, operation, kept, sent, entity(operation, exchange))
    if again:
        talk.begin(walk, kept)
    walk.neighbour_stays(kept, "create.unique", operation)


def _first_reading(
    walk: Walk, operation: Operation, kept: Kept, sent: Mapping[str, Any], answered: Any
) -> None:
    if walk.facts.one(Role.SESSION_GET) is None:
        return
    promise = "create.client_id" if kept.chosen else "create.read_back"
    kept.view = walk.read(kept, promise, operation, changed=True)
    schemas, changing = readable(walk.world), walk.changing("time.updated")
    updated = walk.facts.document.model.session.get("updated", ())[:1]
    if isinstance(answered, dict) and changing is not None:
        moved = {n for n in answered if not same(answered[n], kept.view.get(n, answered[n]))}
        expected, seen = "the update time as it was after reading", "it moved"
        walk.hold("time.updated", changing, not moved or moved != {*updated}, expected, seen)
    for wanted, expected in (
        (sent, "every attribute that create was given, read back"),
        (answered, "the session that create answered, read back"),
    ):
        if isinstance(wanted, dict):
            wrong = differences(walk.facts.document, schemas, wanted, kept.view)
            walk.hold("create.read_back", operation, not wrong, expected, "; ".join(wrong))


def _taken(
    walk: Walk, operation: Operation, owner: int, there: Kept, body: Mapping[str, Any]
) -> None:
    """A create with an id that is taken; another user's may be free for this one."""
    user = walk.users[owner]
    draft = user.create_draft(body=body, client_id=there.id, operation=operation)
    exchange = user.send(draft)
    status = exchange.response.status
    if there.owner == owner:
        wanted = (409,) if "409" in operation.responses else range(400, 500)
        expected = "a refusal of an id that is taken"
        walk.hold("create.conflict", operation, status in wanted, expected, f"{status}")
    elif succeeded(exchange):
        user.made(draft, exchange)
    walk.stays(there, "create.conflict", operation)
    if succeeded(exchange):
        raise Ended


def look(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Reads a session that is there, or asks in any role for one that is not, or is another's."""
    mine = walk.model.alive(owner)
    kind = how % 4
    if kind == 0:
        if mine:
            walk.stays(pick(mine, which), *unlooked(walk))
            _active(walk, owner)
        return
    operations = [
        o
        for o in walk.facts.document.operations
        if not takes_session(walk.facts.document, o)
        and o.binding
        and o.binding.role not in (Role.MESSAGE_SUBSCRIBE, Role.SESSION_ACT)
    ]
    if not operations:
        return
    for place in range(n, n + ASKED):
        operation, which = pick(operations, place), n // len(operations)
        if kind == 1:
            gone = [kept for kept in walk.model.deleted() if kept.owner == owner]
            if gone:
                _deleted(walk, operation, pick(gone, which))
        elif kind == 2:
            _unknown(walk, owner, operation, which)
        else:
            _foreign(walk, owner, operation, which)


def _active(walk: Walk, owner: int) -> None:
    """Asks for the active session of a user who has one: it is that user's, and stays the same."""
    found = walk.facts.document.with_role(Role.SESSION_GET)
    operation = next((o for o in found if o.binding and o.binding.active), None)
    if operation is None:
        return
    where = walk.facts.document.model.session.get("id", ("id",))
    ids = [at(walk.users[owner].read_active(operation), where) for _ in range(2)]
    seen = " and ".join(map(str, ids))
    walk.hold("session.active", operation, ids[0] == ids[1], "the same active session twice", seen)
    kept, mine = walk.model.by_id(ids[0]), walk.model.alive(owner)
    fine = kept is None or (kept.alive and (kept.owner == owner or not walk.strangers(operation)))
    expected = "an active session that is there and the caller's"
    walk.hold("session.active", operation, fine, expected, seen)
    newest = operation.promises.get("session.active", {}).get("is") == "newest"
    fine = not newest or kept is None or kept is mine[-1]
    walk.hold("session.active", operation, fine, "the session that was made last", seen)


def _deleted(walk: Walk, operation: Operation, kept: Kept) -> None:
    context = walk.context(operation, owner=kept.owner)
    exchange = answer(context, walk.owner_of(kept), operation, kept.id)
    status = exchange.response.status
    if operation.binding and operation.binding.role is Role.SESSION_DELETE:
        fine = succeeded(exchange) or status in MISSING
        expected = "a 404 or a success for a second delete"
        walk.hold("delete.idempotent", operation, fine, expected, f"{status}")
        return
    marked = at(entity(operation, exchange), walk.facts.document.model.session.get("deleted"))
    fine = status in MISSING or bool(marked)
    expected = "a 404 for a session that was deleted"
    walk.hold("delete.gone", operation, fine, expected, f"{status}")


def _unknown(walk: Walk, owner: int, operation: Operation, n: int) -> None:
    if not operation.promises.holds("delete.gone"):
        return
    user = walk.users[owner]
    like = [id for kept in walk.model.kept[:1] for id in neighbours(kept.id)]
    ids = [user.unused_id(operation), *filter(lambda id: user.is_id(operation, id), like)]
    id = pick([id for id in ids if walk.model.by_id(id) is None], n)
    exchange = answer(walk.context(operation, owner=owner), user, operation, id)
    status = exchange.response.status
    is_delete = operation.binding and operation.binding.role is Role.SESSION_DELETE
    if is_delete and succeeded(exchange) and not {"404", "410"} & set(operation.responses):
        return
    expected = "a 404 for a session that does not exist"
    walk.hold("session.missing", operation, status in MISSING, expected, f"{status} for {id}")


def _foreign(walk: Walk, owner: int, operation: Operation, n: int) -> None:
    foreign = walk.model.foreign(owner)
    if not foreign or not walk.strangers(operation):
        return
    kept = pick(foreign, n)
    exchange = answer(walk.context(operation, owner=owner), walk.users[owner], operation, kept.id)
    status = exchange.response.status
    expected = "a 404 for a session of another user"
    walk.hold("auth.owner", operation, 400 <= status < 500, expected, f"{status}")
    walk.stays(kept, "auth.owner", operation)


def delete(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Deletes a session of a user, perhaps under a tag."""
    operation, mine = walk.facts.one(Role.SESSION_DELETE), walk.model.alive(owner)
    assert operation is not None
    if not mine:
        return
    kept, user = pick(mine, which), walk.users[owner]
    tag, promise = guard_of(walk, operation, kept, guard, n)
    draft = user.draft(operation, kept.id)
    if tag:
        draft.headers["If-Match"] = tag
    exchange = user.send(draft)
    if not held(walk, operation, kept, tag, promise, exchange):
        return
    kept.alive = False
    for reading in walk.facts.document.operations:
        quiet = reading.method == "GET" and not streams(reading)
        if quiet and not takes_session(walk.facts.document, reading):
            _deleted(walk, reading, kept)
    walk.neighbour_stays(kept, "delete.only", operation)
