"""Steps that make, change and delete sessions, and that ask for those which are not there."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from typing import Any

from sparring.spec.binding import Role
from sparring.spec.document import Document, Operation
from sparring.spec.exchange import Exchange
from sparring.spec.schemas import View

from ..checks import same, show
from ..comparing import at, differences, readable
from ..driver import id_in
from ..places import parameter
from ..scenarios.create import chooses_ids, fresh_id, id_names
from ..scenarios.deletion import answer, neighbours, takes_session
from ..scenarios.listing import filters as filtered
from ..scenarios.listing import rule_of
from ..scenarios.tags import guarded
from ..scenarios.updates import (
    MERGE_PATCH,
    changeable,
    default_of,
    fixed,
    free_objects,
    media_types,
    merge,
    removes,
)
from ..turns import streams
from ..world import entity, succeeded
from . import talk
from .model import Kept, has_null, pick
from .walk import MISSING, Ended, Walk

TICK = 1.1
"""Seconds after which every clock has moved on."""
ASKED = 3
"""Operations that one step asks for a session that is not there."""
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"k": "1", "n": {"a": 1, "b": {"c": 2}}},
    {"k": 1, "m": "Abc"},
    {"k": True, "n": {"a": 1, "b": 1}},
    {"k": None, "n": {"a": 1, "b": 2}},
    {"k": "Abc def", "Big": 1.5},
    {"n": {"a": 1}, "list": [1, {"x": None}]},
)


def tag_name(document: Document, listing: Operation | None) -> str:
    """The attribute whose members a filter of the list compares; empty where none does."""
    if listing is None or filtered("exact-json")(document, listing):
        return ""
    return rule_of(listing, "exact-json").at[0]


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
    if name and bodies.is_valid(operation, tagged := body | {name: _value(walk, n)}):
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


def _value(walk: Walk, n: int) -> dict[str, Any]:
    return {"tag": walk.word, **copy.deepcopy(pick(VARIANTS, n))}


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
            walk.stays(pick(mine, which), *_unlooked(walk))
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


def _unlooked(walk: Walk) -> tuple[str, Operation | None]:
    """What a difference breaks that no step was looking for."""
    updates = walk.facts.one(Role.SESSION_UPDATE)
    if updates is not None:
        return "update.only", updates
    return "create.read_back", walk.facts.one(Role.SESSION_CREATE)


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


def update(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Changes a session of a user: one attribute, all, none, a null, or members inside one."""
    mine = walk.model.alive(owner)
    operations = walk.facts.by(Role.SESSION_UPDATE)
    if not mine:
        return
    kept, operation = pick(mine, which), pick(operations, n)
    n //= len(operations)
    context = walk.context(operation, owner=owner)
    types = media_types(context)
    if not types:
        return
    if not kept.view:
        kept.view = walk.read(kept, "create.read_back", walk.facts.one(Role.SESSION_CREATE))
    media_type = pick(types, n)
    body = pick(list(_bodies(walk, operation, kept, n, media_type)), how)
    if guard == 0 and n % 4 == 3:
        _refused(walk, operation, kept, body, media_type)
        return
    draft = walk.users[owner].draft(operation, kept.id)
    draft.body, draft.media_type = body, media_type
    walk.users[owner].aim(draft, kept.id)
    tag, promise = _guard(walk, operation, kept, guard, n)
    if tag:
        draft.headers["If-Match"] = tag
    exchange = walk.users[owner].send(draft)
    if not _guarded(walk, operation, kept, tag, promise, exchange):
        return
    _updated(walk, operation, kept, body, media_type, entity(operation, exchange))
    walk.neighbour_stays(kept, "update.only", operation)


def _refused(
    walk: Walk, operation: Operation, kept: Kept, body: dict[str, Any], media_type: str
) -> None:
    """An update of which one attribute breaks its schema; what is refused changes nothing."""
    bodies = walk.world.bodies
    wrong = [body | {name: [{}]} for name in bodies.attributes(operation)]
    wrong = [other for other in wrong if len(other) > 1 and not bodies.is_valid(operation, other)]
    if not wrong:
        return
    draft = walk.owner_of(kept).draft(operation, kept.id)
    draft.body, draft.media_type = wrong[-1], media_type
    exchange = walk.owner_of(kept).send(walk.owner_of(kept).aim(draft, kept.id))
    if not 400 <= exchange.response.status < 500:
        raise Ended
    walk.stays(kept, "input.refused", operation)


def _guard(walk: Walk, operation: Operation, kept: Kept, guard: int, n: int) -> tuple[str, str]:
    """An If-Match, and the promise that it is refused by: none for one that the session has."""
    if guarded(walk.facts.document, operation) or not kept.tags or guard == 0:
        return "", ""
    if kept.talked:  # the tag may have moved since it was read
        walk.stays(kept, *_unlooked(walk))
    current = kept.tags[-1]
    stale = kept.tags[0] if kept.tags[0] != current else f'{current[:-1]}x"'
    forms = {
        1: [(current, ""), ("*", ""), (f'"other", {current}', "")],
        2: [(stale, "etag.guards"), (f'{stale}, "never-given"', "etag.guards")],
        3: [(f'{current[:-1]}x"', "etag.guards"), (f"W/{current}", "etag.strong")],
    }
    tag, promise = pick(forms[guard], n)
    found = parameter(operation, "header", "If-Match")
    schema = found.schema if found else None
    fits = schema is None or walk.facts.document.schemas.at(schema, View.REQUEST).is_valid(tag)
    if not fits or (promise == "etag.strong" and current.startswith("W/")):
        return current, ""
    return tag, promise


def _guarded(
    walk: Walk, operation: Operation, kept: Kept, tag: str, promise: str, exchange: Exchange
) -> bool:
    """Holds an answer to what its If-Match asked for, and tells whether the change was made."""
    status, seen = exchange.response.status, f"If-Match: {tag} where the tag is {kept.tags[-1:]}"
    if promise:
        expected = "a 412 for a tag that the session does not have"
        walk.hold(promise, operation, status == 412, expected, f"{status} for {seen}")
        walk.stays(kept, "etag.guards", operation)
        return False
    if tag:
        expected = "a change under a tag that the session has"
        walk.hold("etag.guards", operation, status != 412, expected, f"{status} for {seen}")
    walk.accepted(operation, exchange)
    return True


def _bodies(
    walk: Walk, operation: Operation, kept: Kept, n: int, media_type: str
) -> Iterator[dict[str, Any]]:
    """Bodies of an update that fit its schema."""
    bodies, context = walk.world.bodies, walk.context(operation)
    full, least, names = bodies.rich(operation, n=n), bodies.least(operation), changeable(context)
    free = tag_name(walk.facts.document, walk.facts.one(Role.SESSION_LIST))
    free = free if free in names else next(iter(free_objects(context)), "")
    single = pick(names, n) if names else ""
    choices: list[dict[str, Any]] = [
        least | ({single: full[single]} if single in full else {}),
        full,
        least,
        least | {single: None},
        least | ({free: _value(walk, n)} if free else {}),
    ]
    before = kept.view.get(free)
    if free and media_type == MERGE_PATCH and isinstance(before, dict):
        inner = [key for key, value in before.items() if isinstance(value, dict) and value]
        key, nested = pick([*before, "absent"], n), pick(inner or ["n"], n)
        member = next(iter(before.get(nested) or ()), "a")
        choices += [
            {free: {key: None}},
            {free: {nested: {member: None, "new": n}}},
            {free: {nested: {"new": {"deep": n}}}},
            {free: {key: "now a text"}},
        ]
    yield from (copy.deepcopy(body) for body in choices if bodies.is_valid(operation, body))


def _updated(
    walk: Walk,
    operation: Operation,
    kept: Kept,
    body: Mapping[str, Any],
    media_type: str,
    told: Any,
) -> None:
    """Holds a session to what an update should have made of it."""
    context, before = walk.context(operation, owner=kept.owner), kept.view
    replaces = operation.method == "PUT"
    stored = walk.read(kept, "update.read_back", operation, changed=True)
    schemas = readable(walk.world)

    def as_one_of(name: str, values: list[Any]) -> bool:
        given = ({name: value} for value in values)
        return not all(differences(context.document, schemas, g, stored) for g in given)

    rest = "put.replaces" if replaces else "patch.merges"
    for name in changeable(context):
        old, seen = before.get(name), f"{name}: {show(stored.get(name))} after {show(body)}"
        if body.get(name, "") is None and not replaces:
            kept_null = removes(context.document, operation) or MERGE_PATCH not in operation.body
            fine = kept_null or old is None or not same(stored.get(name), old)
            expected = "an attribute without its value after a null"
            walk.hold("patch.null", operation, bool(fine), expected, seen)
        elif name in body:
            promise, values = _wanted(operation, body[name], old, media_type)
            expected = "an attribute as the update says"
            walk.hold(promise, operation, as_one_of(name, values), expected, seen)
        elif replaces:
            values = [walk.facts.blank.get(name), default_of(context, name)]
            expected = "what the body of a PUT leaves out, back to its default"
            walk.hold(rest, operation, as_one_of(name, values), expected, seen)
        elif not kept.talked or name in kept.given:
            expected = "all that a PATCH does not name, as it was"
            walk.hold(rest, operation, as_one_of(name, [old]), expected, seen)
    for name, value in fixed(context, before).items():
        seen = f"{name}: {show(stored.get(name))} instead of {show(value)}"
        fine = kept.talked or same(value, stored.get(name))
        walk.hold(rest, operation, fine, "what an update can't say, as it was", seen)
    if isinstance(told, dict) and not kept.talked:
        wrong = differences(
            context.document, schemas, {n: v for n, v in told.items() if n in stored}, stored
        )
        expected = "the session that the update answered, read back"
        walk.hold("update.read_back", operation, not wrong, expected, "; ".join(wrong))
    _rises(walk, operation, kept, before, stored)
    kept.given = {n for n in kept.given if not replaces or n in body} | set(body)


def _rises(
    walk: Walk, operation: Operation, kept: Kept, before: Mapping[str, Any], stored: dict[str, Any]
) -> None:
    """Holds the update time to rise with a change; a clock that is coarse is waited for, once."""
    where = walk.facts.document.model.session.get("updated")
    stands = where is not None and at(before, where) is not None
    stands = stands and same(at(before, where), at(stored, where))
    kept.view = stored
    if walk.facts.coarse or not stands or same(dict(before), stored):
        return
    time.sleep(TICK)
    last = kept.view
    for n in (2, 3):
        draft = walk.owner_of(kept).draft(operation, kept.id)
        draft.body = walk.world.bodies.rich(operation, n=n)
        exchange = walk.owner_of(kept).send(walk.owner_of(kept).aim(draft, kept.id))
        walk.accepted(operation, exchange)
        kept.view = walk.read(kept, "update.read_back", operation, changed=True)
    fine = same(kept.view, last) or not same(at(last, where), at(kept.view, where))
    expected, seen = "an update time that rises with a change", f"{at(last, where)} stays"
    walk.hold("time.updated", walk.changing("time.updated"), fine, expected, seen)
    walk.facts.coarse = True


def _wanted(operation: Operation, value: Any, old: Any, media_type: str) -> tuple[str, list[Any]]:
    """Which promise an attribute of an update stands under, and what it may be afterwards."""
    if operation.method == "PUT" or not isinstance(value, dict):
        return "update.read_back", [value]
    if media_type == MERGE_PATCH:
        promise = "patch.null" if has_null(value) else "patch.merges" if old else "update.read_back"
        return promise, [merge(old, value)]
    return "update.read_back", [value, merge({}, value), merge(old, value)]


def delete(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Deletes a session of a user, perhaps under a tag."""
    operation, mine = walk.facts.one(Role.SESSION_DELETE), walk.model.alive(owner)
    assert operation is not None
    if not mine:
        return
    kept, user = pick(mine, which), walk.users[owner]
    tag, promise = _guard(walk, operation, kept, guard, n)
    draft = user.draft(operation, kept.id)
    if tag:
        draft.headers["If-Match"] = tag
    exchange = user.send(draft)
    if not _guarded(walk, operation, kept, tag, promise, exchange):
        return
    kept.alive = False
    for reading in walk.facts.document.operations:
        quiet = reading.method == "GET" and not streams(reading)
        if quiet and not takes_session(walk.facts.document, reading):
            _deleted(walk, reading, kept)
    walk.neighbour_stays(kept, "delete.only", operation)
