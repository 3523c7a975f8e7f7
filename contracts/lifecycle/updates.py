"""Steps that change sessions: one attribute, all, none, a null, or members inside one."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from typing import Any

from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation
from sparring.spec.openapi.drafts import parameter
from sparring.spec.openapi.schemas import View

from ..checks import same, show
from ..driving.comparing import at, differences, readable
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
from ..world import entity
from .marks import tag_name, value
from .model import Kept, has_null, pick
from .walk import Ended, Walk

TICK = 1.1
"""Seconds after which every clock has moved on."""


def unlooked(walk: Walk) -> tuple[str, Operation | None]:
    """What a difference breaks that no step was looking for."""
    updates = walk.facts.one(Role.SESSION_UPDATE)
    if updates is not None:
        return "update.only", updates
    return "create.read_back", walk.facts.one(Role.SESSION_CREATE)


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
    choices = list(_bodies(walk, operation, kept, n, media_type))
    if not choices:
        return
    body = pick(choices, how)
    if guard == 0 and n % 4 == 3:
        _refused(walk, operation, kept, body, media_type)
        return
    draft = walk.users[owner].draft(operation, kept.id)
    draft.body, draft.media_type = body, media_type
    walk.users[owner].aim(draft, kept.id)
    tag, promise = guard_of(walk, operation, kept, guard, n)
    if tag:
        draft.headers["If-Match"] = tag
    exchange = walk.users[owner].send(draft)
    if not held(walk, operation, kept, tag, promise, exchange):
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


def guard_of(walk: Walk, operation: Operation, kept: Kept, guard: int, n: int) -> tuple[str, str]:
    """An If-Match, and the promise that it is refused by: none for one that the session has."""
    if guarded(walk.facts.document, operation) or not kept.tags or guard == 0:
        return "", ""
    if kept.talked:  # the tag may have moved since it was read
        walk.stays(kept, *unlooked(walk))
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


def held(
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
        least | ({free: value(walk, n)} if free else {}),
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
            if body[name] is None:  # a PUT may take a null for what is left out
                values += [walk.facts.blank.get(name), default_of(context, name)]
            expected = "an attribute as the update says"
            walk.hold(promise, operation, as_one_of(name, values), expected, seen)
        elif replaces:
            values = [walk.facts.blank.get(name), default_of(context, name)]
            expected = "what the body of a PUT leaves out, back to its default"
            walk.hold(rest, operation, as_one_of(name, values), expected, seen)
        elif not kept.talked or name in kept.given:
            expected = "all that a PATCH does not name, as it was"
            walk.hold(rest, operation, as_one_of(name, [old]), expected, seen)
    for name, old in fixed(context, before).items():
        seen = f"{name}: {show(stored.get(name))} instead of {show(old)}"
        fine = kept.talked or same(old, stored.get(name))
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
