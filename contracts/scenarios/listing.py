"""What listing sessions promises: all of them, in order, filtered exactly."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Filter, Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import ABSENT, flat, listed_at, parameter, plain
from sparring.spec.openapi.schemas import View, types_of

from ..checks import Context, NotChecked, first_reason, same, says, scenario, show
from ..driving.attributes import names_another
from ..driving.bodies import Bodies
from ..driving.comparing import at, differences, has, readable
from ..world import Session, succeeded
from .create import id_names

LIST = Role.SESSION_LIST
_SEARCHES = frozenset({"q", "query", "search", "searchtext", "text", "keyword", "keywords", "term"})
_NO_TAG: tuple[dict[str, Any], dict[str, Any]] = ({}, {})


def tagged(context: Context, operation: Operation) -> tuple[dict[str, Any], dict[str, Any]]:
    """A query that keeps only the sessions made with a body, and that body's attribute.

    Both are empty where the document has no filter for it.
    """
    create = context.world.one(Role.SESSION_CREATE)
    if create is None or operation.binding is None:
        return _NO_TAG
    for rule in operation.binding.filters:
        if rule.how == "exact-json" and len(rule.at) == 1:
            value = {"tag": context.world.bodies.fresh()}
            body = context.world.bodies.least(create) | {rule.at[0]: value}
            if context.world.bodies.is_valid(create, body):
                return {str(rule.place): value}, {rule.at[0]: value}
    return _NO_TAG


def create_tagged(context: Context, attribute: dict[str, Any], **more: Any) -> Session:
    """A session that the tag's query keeps."""
    create = context.world.need(Role.SESSION_CREATE)
    return context.alice.create(context.world.bodies.least(create) | attribute | more)


def searched(context: Context) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Queries that search for a word, and attributes of a new session in which it stands."""
    create, bodies = context.world.need(Role.SESSION_CREATE), context.world.bodies
    word, said = bodies.fresh(), {}
    for name, schema in bodies.attributes(create).items():
        text = plain(context.document, schema, View.REQUEST)
        is_free = "string" in types_of(text) and not {"format", "enum", "pattern"} & set(text)
        is_own = names_another(name) or name in id_names(context.document, create)
        if is_free and not is_own and bodies.is_valid(create, bodies.least(create) | {name: word}):
            said[name] = word
    found = [p for p in context.operation.parameters if p.place == "query" and p.schema]
    names = [found.name for found in found if flat(found.name) in _SEARCHES]
    return [{name: word} for name in names] if said else [], said


def session_id(context: Context, item: Any) -> Any:
    """The id of a session in a list."""
    return at(item, context.document.model.session.get("id", ("id",)))


@scenario("list.contains", LIST, needs=has(Role.SESSION_CREATE))
def created_sessions_are_listed(context: Context) -> None:
    """A new session is in the list once, and looks there as it does when it is read."""
    create = context.world.need(Role.SESSION_CREATE)
    names = id_names(context.document, create)
    body = context.world.bodies.rich(create, without=names)
    sessions = [context.alice.create(body), context.alice.create()]
    items = context.alice.all(context.operation)
    _listed(context, sessions, items)
    if touch(context, sessions[1].id):
        _listed(context, sessions, context.alice.all(context.operation))


def _listed(context: Context, sessions: Sequence[Session], items: Sequence[Any]) -> None:
    for session in sessions:
        found = [item for item in items if session_id(context, item) == session.id]
        if len(found) != 1:
            context.fail("every created session in the list, once", f"{len(found)} times")
            return
        get = context.world.one(Role.SESSION_GET)
        if get is None or not isinstance(found[0], dict):
            continue
        stored = context.alice.read(session.id, get)
        inside = set(listed_at(get)[:1])  # a list need not repeat what was said
        shared = {n: stored[n] for n in stored if n in found[0] and n not in inside}
        if wrong := differences(context.document, readable(context.world), shared, found[0]):
            context.fail("the session in the list as reading it shows it", "; ".join(wrong))


def touch_later(context: Context, session: str, others: Sequence[str]) -> None:
    """Changes a session at another instant than those of the others; a clock may be coarse."""
    where = context.document.model.session.get("updated")
    if where is None or context.world.one(Role.SESSION_GET) is None:
        touch(context, session)
        return
    known = [at(context.alice.read(other), where) for other in others]
    for n, pause in enumerate((0, 0.05, 0.5, 1.1)):
        time.sleep(pause)
        if not touch(context, session, n) or at(context.alice.read(session), where) not in known:
            return


def touch(context: Context, session: str, n: int = 0) -> bool:
    """Changes something in a session, where the document has a way."""
    change = simple_change(context, n)
    if change is None:
        return False
    operation, body = change
    return context.alice.update(operation, session, body).response.status < 300


def simple_change(context: Context, n: int = 0) -> tuple[Operation, dict[str, Any]] | None:
    """An update and a body for it that changes one attribute; a PATCH before a PUT."""
    found = sorted(
        context.document.with_role(Role.SESSION_UPDATE), key=lambda o: o.method != "PATCH"
    )
    for operation in found:
        body = context.world.bodies.rich(operation, n=n)
        least = context.world.bodies.least(operation)
        for name, value in body.items():
            if not isinstance(value, bool) and context.world.bodies.is_valid(
                operation, least | {name: value}
            ):
                return operation, least | {name: value}
    return None


def filters(how: str) -> Callable[[Document, Operation], str]:
    """Needs a filter of this kind."""

    def reason(document: Document, operation: Operation) -> str:
        binding = operation.binding
        if binding and any(rule.how == how and len(rule.at) == 1 for rule in binding.filters):
            return ""
        return f"no filter is {how}"

    return says(f"The list has a filter that is `{how}`.", reason)


VARIANTS: tuple[dict[str, Any], ...] = (
    {"k": "1"},
    {"k": 1},
    {"k": "11"},
    {"k": "1 "},
    {"k": True},
    {"k": "true"},
    {"k": None},
    {"k": "null"},
    {},
    {"k": ["1"]},
    {"k": ["1", "2"]},
    {"k": {"a": 1}},
    {"k": {"a": 1, "b": 2}},
    {"k": {"a": "1"}},
    {"k": "Abc"},
    {"k": "abc"},
    {"k": "a%"},
    {"K": "Abc"},
    {"k": "x", "m": "y"},
    {"k": "x", "m": "z"},
    {"k": "x", "m": "y", "n": [1, {"o": None}]},
    {"a.b": 1},
    {"a": {"b": 1}},
    {"k": "é"},
    {"k": "e\u0301"},
    {"k": ""},
    {"k": 0},
    {"k": False},
    {"k": 1.5},
    {"k": "q\"uo'te"},
)
QUERIES: tuple[dict[str, Any], ...] = (
    *VARIANTS,
    {"m": "y"},
    {"k": "absent"},
    {"K": "x"},
    {"k": {"b": 2, "a": 1}},  # members have no order
)


@scenario("list.filter", LIST, needs=first_reason(filters("exact-json"), has(Role.SESSION_CREATE)))
def json_filters_are_exact(context: Context) -> None:
    """A JSON filter keeps the sessions that have each of its keys with that very value."""
    operation = context.operation
    rule = rule_of(operation, "exact-json")
    tag = {"tag": context.world.bodies.fresh()}
    made: dict[str, dict[str, Any]] = {}
    create = context.world.need(Role.SESSION_CREATE)
    least = context.world.bodies.least(create)
    for variant in VARIANTS:
        value = tag | variant
        if not context.world.bodies.is_valid(create, least | {rule.at[0]: value}):
            continue
        made[create_tagged(context, {rule.at[0]: value}).id] = value
    whole = {
        session_id(context, i) for i in context.alice.all(operation, None, {str(rule.place): {}})
    }
    if left_out := made.keys() - whole:
        seen = f"{len(left_out)} of {len(made)} sessions are left out"
        context.fail("all sessions for a filter without keys", seen)
    for query in QUERIES:
        start = len(context.world.journal)
        wanted = tag | query
        if not can_ask(context, rule.place.name, wanted):
            continue
        items = context.alice.all(operation, None, {str(rule.place): wanted})
        listed = {session_id(context, item) for item in items}
        expected = {
            id
            for id, value in made.items()
            if all(same(value.get(key, ABSENT), asked) for key, asked in wanted.items())
        }
        if listed != expected:
            extra = [made.get(id, "a session of another kind") for id in listed - expected]
            missing = [made[id] for id in expected - listed]
            seen = f"{show(query)} kept {show(extra)} too" if extra else ""
            seen += f"{show(query)} left out {show(missing)}" if missing else ""
            what = "too much" if extra else "too little"
            context.fail(
                f"exactly the sessions that have each key with that value, not {what}",
                seen,
                exchanges=context.world.exchanges(start),
            )


def can_ask(context: Context, name: str, value: Any) -> bool:
    """Whether a query parameter can say a value; under several names it says nothing but texts."""
    found = parameter(context.operation, "query", name)
    if found is None or found.schema is None or not found.spreads:
        return True
    texts = all(isinstance(inner, str) for inner in value.values())
    return texts and context.document.schemas.at(found.schema, View.REQUEST).is_valid(value)


def rule_of(operation: Operation, how: str, bodies: Bodies | None = None) -> Filter:
    """The filter of this kind; with `bodies` not one of an attribute that the target's file says.

    Raises NotChecked when there is none.
    """
    for rule in operation.binding.filters if operation.binding else ():
        at = rule.at[0] if len(rule.at) == 1 else ""
        if rule.how == how and at and not (bodies and bodies.is_given(operation, at)):
            return rule
    raise NotChecked(f"no filter is {how}, but for what the target's file says")


@scenario("list.filter", LIST, needs=first_reason(filters("exact"), has(Role.SESSION_CREATE)))
def plain_filters_are_exact(context: Context) -> None:
    """A plain filter keeps the sessions whose attribute is that very string."""
    operation, bodies = context.operation, context.world.bodies
    create = context.world.need(Role.SESSION_CREATE)
    rule = rule_of(operation, "exact", bodies)
    word = bodies.fresh()
    made: dict[str, str] = {}
    for value in (f"a{word}", f"a{word}x", f"xa{word}", f"A{word}"):
        if bodies.is_valid(create, bodies.least(create) | {rule.at[0]: value}):
            made[create_tagged(context, {rule.at[0]: value}).id] = value
    if not made:
        raise NotChecked(f"create does not take {rule.at[0]}")
    for value in made.values():
        items = context.alice.all(operation, None, {str(rule.place): value})
        listed = {session_id(context, item) for item in items}
        if listed != {id for id, other in made.items() if other == value}:
            found = [made.get(id, "another") for id in listed]
            context.fail("exactly the sessions with that value", f"{show(found)} for {value}")


@scenario("list.filter", LIST, needs=first_reason(filters("exact"), has(Role.SESSION_CREATE)))
def filters_by_words_keep_what_has_them(context: Context) -> None:
    """A filter by yes and no, or by one of several words, keeps just the sessions that have it, on
    every page of its list."""
    assert context.operation.binding is not None
    tried = 0
    for rule in context.operation.binding.filters:
        words = filter_words(context.document, context.operation, rule)
        made = {word: ids for word in words if (ids := _with_word(context, rule.at[0], word))}
        tried += bool(made)
        for word in made if len(words) > 1 else ():
            if not _keeps(context, rule, word, made):
                return
    if not tried:
        raise NotChecked("no filter is by yes and no, or by words that a session can be given")


def filter_words(document: Document, operation: Operation, rule: Filter) -> list[Any]:
    """The first values that a filter can ask for, where these are words, or yes and no."""
    asked = parameter(operation, rule.place.part, rule.place.name)
    if rule.how != "exact" or len(rule.at) != 1 or asked is None or asked.schema is None:
        return []
    schema = plain(document, document.schema(asked.schema, View.REQUEST), View.REQUEST)
    if schema.get("type") == "boolean":
        return [True, False]
    found = [word for word in schema.get("enum", ()) if isinstance(word, str)]
    return [word for word in found if "delete" not in word.lower()][:3]  # it may be in no list


def _with_word(context: Context, name: str, word: Any) -> list[str]:
    """Two new sessions with this word in an attribute, made or changed so; none if there is no
    way."""
    create, bodies = context.world.need(Role.SESSION_CREATE), context.world.bodies
    body = bodies.least(create) | {name: word}
    if name in bodies.attributes(create) and bodies.is_valid(create, body):
        return [context.alice.create(body).id for _ in range(2)]
    for update in context.document.with_role(Role.SESSION_UPDATE):
        change = bodies.least(update) | {name: word}
        if name in bodies.attributes(update) and bodies.is_valid(update, change):
            ids = [context.alice.create().id for _ in range(2)]
            if all(succeeded(context.alice.update(update, id, change)) for id in ids):
                return ids
    return []


def _keeps(context: Context, rule: Filter, word: Any, made: dict[Any, list[str]]) -> bool:
    """Whether a list by a word is right; fails where it is not."""
    operation, start = context.operation, len(context.world.journal)
    assert operation.binding is not None
    asked = {str(rule.place): word}
    listed = {session_id(context, item) for item in context.alice.all(operation, None, asked)}
    missing = [id for id in made[word] if id not in listed]
    extra = [id for other in made if other != word for id in made[other] if id in listed]
    if not missing and not extra and (limit := operation.binding.page.limit):
        small = asked | {str(limit): 1}
        for page in islice(context.alice.pages(operation, None, small), 4):
            extra += [i for i in page.items if pointers.first(i, rule.at, word) != word]
    if missing or extra:
        seen = f"{len(missing)} of them are left out" if missing else f"{show(extra[0])} is kept"
        expected = f"the sessions with {rule.at[0]}: {show(word)}, and no other, on every page"
        context.fail(expected, seen, exchanges=context.world.exchanges(start))
    return not missing and not extra
