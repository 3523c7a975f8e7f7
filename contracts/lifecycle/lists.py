"""Steps that list sessions: all of a walk, some by a filter, a page of them."""

from __future__ import annotations

from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation

from ..checks import Context, show
from ..driving.comparing import differences, readable
from ..driving.lists import bounds
from ..scenarios.listing import rule_of, session_id
from ..scenarios.sorting import in_order, sort_key, sorts
from ..world import Blocked
from .marks import tag_name
from .model import Kept, agrees, pick, resembling
from .walk import Ended, Walk

FEWEST = 10
"""Items that a list without pages shows at least."""
FORMS = 8
LONGEST = 300
"""Items of a list without a filter that a walk is ready to read."""


def listing(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Lists sessions and holds the list to the model: who is in it, in which order, how cut.

    One step asks for several filters: what looks like a value and is not it has many forms.
    """
    for form in range(FORMS if how % 2 else 1):
        _listing(walk, owner, how, n + form, paged=form == 0)


def _listing(walk: Walk, owner: int, how: int, n: int, *, paged: bool) -> None:
    operation = pick(walk.facts.by(Role.SESSION_LIST), n)
    context = walk.context(operation, owner=owner)
    name = tag_name(context.document, operation)
    mine = walk.model.alive(owner)
    query: dict[str, Any] = {}
    wanted, promise = mine, "list.contains"
    if name:
        asked: dict[str, Any] = {"tag": walk.word}
        if how % 2 and mine:
            value = pick(mine, n).view.get(name)
            if isinstance(value, dict) and value:
                asked |= resembling(value, n)
                promise = "list.filter"
        query = {str(rule_of(operation, "exact-json").place): asked}
        wanted = [kept for kept in mine if agrees(kept.view.get(name), asked)]
    elif how % 2 and mine:
        query, wanted = _plain(operation, mine, n)
        promise = "list.filter" if query else promise
    if walk.facts.long and not name:
        return
    order = _order(context, operation, how // 2)
    start = len(walk.world.journal)
    items = _all(walk, operation, owner, query | order[0])
    ids = [session_id(context, item) for item in items]
    _members(walk, operation, owner, ids, wanted, promise, query)
    _views(walk, operation, context, items)
    if order[1]:
        values = [sort_key(pointers.split(order[1]))(item) for item in items]
        fine = in_order(values, lambda value: value, order[2])
        expected = f"{order[1]} {order[2]}"
        walk.hold("list.order", operation, fine, expected, lambda: show(list(map(str, values))))
    if paged and (name or len(walk.world.journal) == start + 1):
        _page(walk, operation, owner, query | order[0], ids, n, exact=bool(name))


def _all(walk: Walk, operation: Operation, owner: int, query: dict[str, Any]) -> list[Any]:
    """Every item; of a list that is long none."""
    try:
        items = walk.users[owner].all(operation, None, query)
    except Blocked as error:
        walk.accepted(operation, error.exchange)
        raise Ended from None
    if len(items) > LONGEST:
        walk.facts.long = True
        raise Ended
    return items


def _plain(operation: Operation, mine: list[Kept], n: int) -> tuple[dict[str, Any], list[Kept]]:
    """A filter by an attribute that is a text, and the sessions that it should keep."""
    assert operation.binding is not None
    rules = [rule for rule in operation.binding.filters if rule.how == "exact"]
    if not rules:
        return {}, mine
    rule = pick(rules, n)
    value = pointers.first(pick(mine, n).view, rule.at)
    if not isinstance(value, str) or not value:
        return {}, mine
    found = [kept for kept in mine if pointers.first(kept.view, rule.at) == value]
    return {str(rule.place): value}, found


def _order(context: Context, operation: Operation, n: int) -> tuple[dict[str, Any], str, str]:
    """What to ask for, and by what and in which direction the list is ordered then."""
    stated = operation.promises.get("list.order", {})
    found: list[tuple[dict[str, Any], str, str]] = [({}, "", "")]
    if "by" in stated:
        found = [({}, str(stated["by"]), str(stated.get("dir", "asc")))]
    chosen: tuple[dict[str, Any], str, str] = pick(
        found + sorts(context.document, operation, stated), n
    )
    return chosen


def _members(
    walk: Walk,
    operation: Operation,
    owner: int,
    ids: list[Any],
    wanted: list[Kept],
    promise: str,
    query: dict[str, Any],
) -> None:
    ours = [id for id in ids if walk.model.by_id(id) is not None]
    twice = sorted({id for id in ours if ours.count(id) > 1})
    walk.hold("list.contains", operation, not twice, "every session once", show(twice))
    right = {kept.id for kept in wanted}
    found = {id: walk.model.by_id(id) for id in ours}
    gone = [id for id, kept in found.items() if kept and not kept.alive]
    walk.hold("delete.gone", operation, not gone, "a list without what was deleted", show(gone))
    if walk.strangers(operation):
        foreign = [id for id, kept in found.items() if kept and kept.owner != owner]
        expected = "a list without the sessions of other users"
        walk.hold("auth.owner", operation, not foreign, expected, show(foreign))
        ours = [id for id in ours if id not in foreign]
    else:
        ours = [id for id, kept in found.items() if kept and kept.owner == owner]
    missing, extra = right - set(ours), set(ours) - right
    expected = "every session of the caller in the list"
    if promise == "list.filter":
        expected = "exactly what agrees with the filter"
    assert operation.binding is not None
    if operation.binding.page.start is None and len(ids) >= FEWEST:
        missing = set()  # a list that has no pages may show the beginning only
    seen = f"{show(query)} left out {show(sorted(missing))}, kept {show(sorted(extra))} too"
    walk.hold(promise, operation, not missing and not extra, expected, seen)


def _views(walk: Walk, operation: Operation, context: Context, items: list[Any]) -> None:
    """Holds listed sessions to what reading them shows; those with a talk may move."""
    if walk.facts.one(Role.SESSION_GET) is None:
        return
    for item in items:
        kept = walk.model.by_id(session_id(context, item))
        if kept is None or kept.talked or not kept.view or not isinstance(item, dict):
            continue
        shared = {name: value for name, value in kept.view.items() if name in item}
        wrong = differences(context.document, readable(walk.world), shared, item)
        expected = "the session in the list as reading it shows it"
        walk.hold("list.contains", operation, not wrong, expected, "; ".join(wrong))


def _page(
    walk: Walk,
    operation: Operation,
    owner: int,
    query: dict[str, Any],
    ids: list[Any],
    n: int,
    *,
    exact: bool,
) -> None:
    """One page that begins near an item of the list, or behind its end; and what it counts."""
    assert operation.binding is not None
    page, context = operation.binding.page, walk.context(operation, owner=owner)
    if page.start is None or page.limit is None or page.style != "offset":
        return
    start, size = n % (len(ids) + 2), 1 + n // 7 % 3
    most = bounds(context.document, operation, page.limit)
    size = min(size, most or size)
    asked = {str(page.start): start, str(page.limit): size}
    try:
        shown = walk.users[owner].page(operation, None, query | asked)
    except Blocked as error:
        walk.accepted(operation, error.exchange)
        raise Ended from None
    got = [session_id(context, item) for item in shown.items]
    if not exact and ids != [session_id(context, i) for i in _all(walk, operation, owner, query)]:
        return  # others change the list
    fine = got == ids[start : start + size]
    expected = "the part of the list that was asked for"
    seen = f"{show(got)} for {show(asked)} of {show(ids)}"
    walk.hold("list.pages", operation, fine, expected, seen)
    if page.total is not None and exact:
        fine, expected = shown.total == len(ids), "the number of items on all pages"
        seen = f"{shown.total} where all pages have {len(ids)}"
        walk.hold("list.total", operation, fine, expected, seen)
