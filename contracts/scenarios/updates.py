"""What changing a session promises: PUT, PATCH, times and tags."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft, plain, properties
from sparring.spec.openapi.schemas import View, types_of

from ..checks import Context, NotChecked, first_reason, same, says, scenario, show
from ..driving.attributes import entity_properties
from ..driving.comparing import at, compare_attributes, differences, has, instant, readable
from ..driving.driver import User
from ..driving.turns import say, talking
from ..world import entity
from .create import rich_session

UPDATE = Role.SESSION_UPDATE
MERGE_PATCH = "application/merge-patch+json"
MOST_MEMBERS = 100
both = has(Role.SESSION_CREATE, Role.SESSION_GET)


def by(method: str) -> Callable[[Document, Operation], str]:
    """Needs an update that is made with this method."""

    def reason(document: Document, operation: Operation) -> str:
        if operation.method != method:
            return f"only for {method}"
        media = any("json" in m.type for m in operation.body.values())
        return "" if media else "the body is not JSON"

    return says(f"The update is a {method} with a JSON body.", reason)


def changeable(context: Context) -> list[str]:
    """The attributes that the update can change and reading shows."""
    shown = readable(context.world)
    names = context.world.bodies.attributes(context.operation)
    return [name for name in names if name in shown]


def fixed(context: Context, session: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a session that the update can't change, and nothing else changes."""
    model = context.document.model.session
    moving = {model[key][0] for key in ("updated", "count") if key in model}
    create = context.world.bodies.attributes(context.world.need(Role.SESSION_CREATE))
    names = {model[key][0] for key in ("id", "user", "created") if key in model} | set(create)
    can = set(context.world.bodies.attributes(context.operation))
    return {n: v for n, v in session.items() if n in names and n not in moving | can}


def media_types(context: Context) -> list[str]:
    """The JSON media types in which the update can be sent."""
    return [m.type for m in context.operation.body.values() if "json" in m.type and m.schema]


def apply(
    context: Context, user: User, session: str, body: Any, media_type: str = ""
) -> Exchange | None:
    """Sends a valid update; None, and a block, when it is not taken."""
    draft = user.draft(context.operation, session)
    draft.body, draft.media_type = body, media_type
    user.aim(draft, session)
    return user.expect(draft)


@scenario("update.read_back", UPDATE, needs=both)
def updates_are_read_back(context: Context) -> None:
    """What an update was given stands in its answer and in what is read."""
    for n, media_type in enumerate(media_types(context) * 2):
        session = context.alice.create()
        body = context.world.bodies.rich(context.operation, n=n)
        start = len(context.world.journal)
        exchange = apply(context, context.alice, session.id, body, media_type)
        stored = context.alice.read(session.id)
        expected = "every attribute that the update was given, read back"
        merged = body if context.operation.method == "PUT" else merge({}, body)
        if found := differences(context.document, readable(context.world), merged, stored):
            context.fail(expected, "; ".join(found), exchanges=context.world.exchanges(start))
        answered = entity(context.operation, exchange) if exchange else None
        if isinstance(answered, dict):
            shared = {name: value for name, value in answered.items() if name in stored}
            compare_attributes(
                context, shared, stored, "the session that the update answered, read back"
            )


def merge(target: Any, patch: Any) -> Any:
    """What a merge patch makes of a value (RFC 7396)."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


@scenario("put.replaces", UPDATE, needs=first_reason(by("PUT"), both))
def put_resets_the_rest(context: Context) -> None:
    """After a PUT, what its body left out is as in a new session; what it can't say stays."""
    bodies, alice = context.world.bodies, context.alice
    fresh = alice.read(alice.create().id)
    least = bodies.least(context.operation)
    names = changeable(context)
    full = bodies.rich(context.operation, n=1)
    for kept in (None, *names):
        session = rich_session(context)
        before = alice.read(session.id)
        body = least | ({kept: full[kept]} if kept in full else {})
        if not bodies.is_valid(context.operation, body):
            continue
        apply(context, alice, session.id, body)
        after = alice.read(session.id)
        for name in names:
            if name in body:
                continue
            standard = default_of(context, name)
            if not any(same(after.get(name), value) for value in (fresh.get(name), standard)):
                seen = f"{name}: {show(after.get(name))} instead of {show(fresh.get(name))}"
                context.fail("what the body of a PUT leaves out, back to its default", seen)
        for name, value in fixed(context, before).items():
            if not same(value, after.get(name)):
                seen = f"{name}: {show(after.get(name))} instead of {show(value)}"
                context.fail("what a PUT can't say, as it was", seen)


def default_of(context: Context, name: str) -> Any:
    """The declared default of an attribute."""
    schema = context.world.bodies.attributes(context.operation).get(name, {})
    declared = context.document.follow(schema, View.REQUEST)
    return declared.get("default", schema.get("default") if isinstance(schema, dict) else None)


@scenario("patch.merges", UPDATE, needs=first_reason(by("PATCH"), both))
def patch_leaves_the_rest(context: Context) -> None:
    """A PATCH of one attribute changes that and no other; an empty one changes nothing."""
    bodies, alice = context.world.bodies, context.alice
    full = bodies.rich(context.operation, n=1)
    for media_type in media_types(context):
        for name in (None, *changeable(context)):
            body = {name: full[name]} if name in full else {}
            if not bodies.is_valid(context.operation, body):
                continue
            session = rich_session(context)
            before = alice.read(session.id)
            apply(context, alice, session.id, body, media_type)
            after = alice.read(session.id)
            rest = fixed(context, before) | {
                n: before.get(n) for n in changeable(context) if n != name
            }
            wrong = differences(context.document, readable(context.world), rest, after)
            if wrong:
                context.fail("all that a PATCH does not name, as it was", "; ".join(wrong))


def merges(document: Document, operation: Operation) -> str:
    """The update takes a merge patch (RFC 7396)."""
    return "" if MERGE_PATCH in operation.body else f"{MERGE_PATCH} is not declared"


def maps(context: Context) -> list[str]:
    """The attributes that are objects whose members have no names of their own."""
    found = []
    for name in changeable(context):
        schema = context.document.follow(
            context.world.bodies.attributes(context.operation)[name], View.REQUEST
        )
        if schema.get("type") == "object" and not schema.get("properties"):
            found.append(name)
    return found


def free_objects(context: Context) -> list[str]:
    """The attributes that may hold any object."""
    bodies, anything = context.world.bodies, {"text": "x", "n": 1, "list": [{}], "a.b": {"c": None}}
    least = bodies.least(context.operation)
    is_valid = bodies.is_valid
    return [n for n in maps(context) if is_valid(context.operation, least | {n: anything})]


@scenario("patch.merges", UPDATE, needs=first_reason(merges, both))
def merge_patches_reach_inside(context: Context) -> None:
    """A merge patch changes the members that it names, at every depth; arrays are replaced."""
    steps: list[Any] = [
        {"a": 1, "b": {"c": 2, "d": {"e": 3, "f": 4}}, "list": [1, {"x": 1}, 3]},
        {"b": {"d": {"e": 9}}},
        {"list": [{"y": 2}]},
        {"new": {"deep": {"er": "x"}}},
        {"a": {"now": "an object"}},
        {"b": "now a string"},
        {"empty": {}, "none": [], "text": "", "no": False, "zero": 0},
        {"list": [None, {"x": None}, [], {}, 1.5]},
        {"empty": {"filled": {}}, "no": True, "zero": 0.5},
        {},
    ]
    _merge_steps(context, steps, "the members of a merge patch, and the rest as it was")


@scenario("patch.null", UPDATE, needs=first_reason(merges, both))
def nulls_remove_members(context: Context) -> None:
    """A null in a merge patch removes that member and no other, at every depth."""
    steps: list[Any] = [
        {"a": 1, "b": {"c": 2, "d": {"e": 3, "f": 4}}, "z": "stays"},
        {"a": None},
        {"b": {"d": {"e": None}}},
        {"b": {"absent": None}},
        {"b": {"d": None}},
        {"g": {"h": None, "i": 1}},
    ]
    _merge_steps(context, steps, "what a null names removed, and the rest as it was")


def _merge_steps(context: Context, steps: list[Any], expected: str) -> None:
    names = free_objects(context)
    if not names:
        raise NotChecked("no attribute holds free JSON")
    for media_type in _merged(context):
        session = context.alice.create()
        apply(context, context.alice, session.id, {names[0]: steps[0]}, media_type)
        value = context.alice.read(session.id).get(names[0])
        for step in steps[1:]:
            start = len(context.world.journal)
            apply(context, context.alice, session.id, {names[0]: step}, media_type)
            after = context.alice.read(session.id).get(names[0])
            wanted = merge(value, step)
            if not same(after, wanted):
                seen = f"{show(step)} made {show(after)} of {show(value)}, not {show(wanted)}"
                context.fail(expected, seen, exchanges=context.world.exchanges(start))
            value = after


def _merged(context: Context) -> list[str]:
    """The media types that are a merge patch: by their name, or because the document says so."""
    stated = context.operation.promises.get("patch.merges", {}).get("json") == "true"
    others = [name for name in media_types(context) if name != MERGE_PATCH]
    return [MERGE_PATCH, *(others if stated else [])]


@scenario("patch.merges", UPDATE, needs=first_reason(by("PATCH"), both))
def maps_grow_no_further_than_they_may(context: Context) -> None:
    """However many patches it takes, an object has no more members than its schema allows."""
    least, shown = context.world.bodies.least(context.operation), readable(context.world)
    for name in maps(context):
        most = plain(context.document, shown.get(name, {})).get("maxProperties")
        if not isinstance(most, int) or not 0 < most <= MOST_MEMBERS:
            continue
        session, half = context.alice.create().id, most // 2 + 1
        for part in range(2):
            value = {f"key{n}": "x" for n in range(part * half, part * half + half)}
            body = least | {name: value}
            if context.world.bodies.is_valid(context.operation, body):
                context.alice.update(context.operation, session, body)
        found = context.alice.read(session).get(name)
        if isinstance(found, dict) and len(found) > most:
            context.fail(f"at most {most} members of {name}", f"{len(found)} after two patches")


def gives_way(document: Document, operation: Operation) -> str:
    """The members of a map may be null in the update, and only there: null takes them away."""
    read = next(iter(document.with_role(Role.SESSION_GET)), None)
    names = _maps_with_null(document, operation, read) if read else []
    return "" if names else "no map has members that may be null in the update alone"


def _maps_with_null(document: Document, update: Operation, read: Operation) -> list[str]:
    shown = entity_properties(document, read)
    media = next((m for m in update.body.values() if "json" in m.type and m.schema), None)
    tree = document.schema(media.schema, View.REQUEST) if media and media.schema else {}
    found = []
    for name, schema in properties(document, tree, View.REQUEST).items():
        asked = _member_types(document, schema, View.REQUEST)
        told = _member_types(document, shown.get(name, {}), View.RESPONSE)
        if "null" in asked and "string" in asked & told and "null" not in told:
            found.append(name)
    return found


def _member_types(document: Document, schema: Any, view: View) -> set[str]:
    """The types that the members of a map are said to have, where none has a name of its own."""
    node = plain(document, schema, view)
    members = node.get("additionalProperties")
    if node.get("properties") or not isinstance(members, dict):
        return set()
    member = document.follow(members, view)
    branches = [*member.get("anyOf", ()), *member.get("oneOf", ())]
    return types_of(member).union(*(types_of(document.follow(b, view)) for b in branches))


@scenario("patch.merges", UPDATE, needs=first_reason(gives_way, both))
def members_give_way_to_null(context: Context) -> None:
    """A member of a map that may be null in the update alone is removed by it; others stay."""
    read = context.world.need(Role.SESSION_GET)
    for name in _maps_with_null(context.document, context.operation, read):
        steps = ({"a": "one", "b": "two"}, {"b": None, "c": "three"})
        least = context.world.bodies.least(context.operation)
        bodies = [least | {name: step} for step in steps]
        if not all(context.world.bodies.is_valid(context.operation, body) for body in bodies):
            continue
        session = context.alice.create()
        for body in bodies:
            apply(context, context.alice, session.id, body)
        after = context.alice.read(session.id).get(name)
        kept = {key: (after or {}).get(key) for key in "abc"}
        if kept != {"a": "one", "b": None, "c": "three"}:
            seen = f"{show(steps[1])} made {show(after)} of {show(steps[0])}"
            context.fail(
                "the members that were not named as they were, without those of null", seen
            )


def removes(document: Document, operation: Operation) -> str:
    """A null at the top of the patch removes."""
    keeps = operation.binding is not None and operation.binding.keep_null
    return "nulls keep what is there" if keeps else ""


def takes_nulls(document: Document, operation: Operation) -> str:
    """The update takes a merge patch (RFC 7396), or the document says `merge: {null: remove}`."""
    said = pointers.first(document.block(operation), ("merge", "null")) == "remove"
    return "" if said else merges(document, operation)


@scenario("patch.null", UPDATE, needs=first_reason(takes_nulls, removes, both))
def nulls_remove_attributes(context: Context) -> None:
    """A null for an attribute takes its value away."""
    for media_type in media_types(context):
        for name in changeable(context):
            if not context.world.bodies.is_valid(context.operation, {name: None}):
                continue
            session = rich_session(context)
            before = context.alice.read(session.id)
            apply(context, context.alice, session.id, {name: None}, media_type)
            after = context.alice.read(session.id)
            if same(after.get(name), before.get(name)) and before.get(name) is not None:
                context.fail(
                    "an attribute without its value after a null",
                    f"{name}: {show(after.get(name))}",
                )


@scenario("update.only", UPDATE, needs=both)
def other_sessions_stay(context: Context) -> None:
    """An update of one session leaves its neighbours as they were."""
    sessions = [context.alice.create() for _ in range(3)]
    before = [context.alice.read(session.id) for session in sessions]
    body = context.world.bodies.rich(context.operation)
    apply(context, context.alice, sessions[1].id, body)
    for index in (0, 2):
        if not same(before[index], context.alice.read(sessions[index].id)):
            context.fail("the other sessions as they were", "one changed")


def timed(name: str) -> Callable[[Document, Operation], str]:
    """Needs this time in the model."""

    def reason(document: Document, operation: Operation) -> str:
        return "" if name in document.model.session else f"the model has no time called {name}"

    return says(f"`x-session-model` says where `session.{name}` is.", reason)


def differing_bodies(context: Context) -> list[dict[str, Any]]:
    """Bodies that each change the session."""
    return [context.world.bodies.rich(context.operation, n=n) for n in range(3)]


@scenario("update.unchanged", UPDATE, needs=both)
def updates_to_the_same_change_nothing(context: Context) -> None:
    """A change that is sent again as it is leaves what is read, and its tag, as they were."""
    alice, session = context.alice, context.alice.create().id
    body = context.world.bodies.rich(context.operation, n=1)
    for media_type in media_types(context):
        apply(context, alice, session, body, media_type)
        start, before = len(context.world.journal), alice.expect(_reading(context, session))
        apply(context, alice, session, body, media_type)
        after = alice.expect(_reading(context, session))
        views = [(e.response.json(), e.response.headers.get("etag")) for e in (before, after)]
        if not same(views[0], views[1]):
            seen = f"{show(views[1])} instead of {show(views[0])}"
            shown = context.world.exchanges(start)
            context.fail("the session as before what changed nothing", seen, exchanges=shown)


def _reading(context: Context, session: str) -> Draft:
    return context.alice.draft(context.world.need(Role.SESSION_GET), session)


@scenario("time.created", UPDATE, needs=first_reason(timed("created"), both))
def creation_times_stay(context: Context) -> None:
    """Neither an update nor a turn moves the creation time."""
    where = context.document.model.session["created"]
    session = context.alice.create()
    before = at(context.alice.read(session.id), where)
    moment = instant(before)
    is_whole = moment is not None and not (
        moment % 1 if isinstance(moment, float) else moment.microsecond
    )
    time.sleep(1.1 if is_whole else 0.0)  # the next second, where times have no fraction
    talk = next(iter(talking(context.document)), None)
    if talk is not None:  # first: a change may close the session
        say(context.alice, talk, session.id, context.world.words("Hello."))
        after = at(context.alice.read(session.id), where)
        if instant(before) != instant(after):
            context.fail(
                "the creation time as it was, after a turn", f"{after} instead of {before}"
            )
    apply(context, context.alice, session.id, differing_bodies(context)[0])
    after = at(context.alice.read(session.id), where)
    if instant(before) != instant(after):
        context.fail("the creation time as it was", f"{after} instead of {before}")


@scenario("time.updated", UPDATE, needs=first_reason(timed("updated"), both))
def update_times_rise(context: Context) -> None:
    """The update time rises with every change, within two seconds at the latest."""
    where = context.document.model.session["updated"]
    created = context.document.model.session.get("created")
    session = context.alice.create()
    first = context.alice.read(session.id)
    last = instant(at(first, where))
    start = instant(at(first, created))
    if start is not None and last is not None and last < start:  # type: ignore[operator]  # of one kind
        context.fail("an update time that is not before the creation time", f"{last} < {start}")
    for body in differing_bodies(context):
        now = last
        for pause in (0, 0.01, 1.1):  # a clock may be coarse
            time.sleep(pause)
            apply(context, context.alice, session.id, body | marked(context, pause))
            now = instant(at(context.alice.read(session.id), where))
            if now is not None and last is not None and now > last:  # type: ignore[operator]  # of one kind
                break
        else:
            context.fail("an update time that rises with a change", f"{now} after {last}")
            return
        last = now
    context.alice.read(session.id)
    if instant(at(context.alice.read(session.id), where)) != last:
        context.fail("the update time as it was after reading", "it moved")


def marked(context: Context, pause: float) -> dict[str, Any]:
    """A value that no update had yet, for an attribute that holds members of any name."""
    for name in maps(context):
        for made in ({"pause": pause, "n": context.world.bodies.fresh()}, {"pause": str(pause)}):
            if context.world.bodies.is_valid(context.operation, {name: made}):
                return {name: made}
    return {}
