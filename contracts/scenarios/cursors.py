"""What pages that begin at a cursor promise: each item once, in one order, and an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import parameter
from sparring.spec.openapi.schemas import View

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import has
from ..driving.turns import can_talk
from ..world import Blocked, Page
from .listing import create_tagged, session_id, tagged
from .pages import filled, identity

LISTS = (Role.SESSION_LIST, Role.MESSAGE_LIST, Role.RUN_LIST, Role.SUGGESTION_LIST)
MOST = 120


def by_cursor(document: Document, operation: Operation) -> str:
    """A page tells where the next one begins."""
    page = operation.binding.page if operation.binding else None
    if page is None or page.style != "cursor" or page.start is None:
        return "its pages do not begin at a cursor"
    if page.limit is None:
        return "the size of a page can't be asked for"
    return "" if {"out", "last"} & set(page.shown) else "no page tells where the next one begins"


def walk(
    context: Context, session: str | None, query: Mapping[str, Any], size: int
) -> Iterator[tuple[Page, bool]]:
    """Page after page of a list, and whether each says that there are more."""
    assert context.operation.binding is not None
    page = context.operation.binding.page
    asked = {**query, str(page.limit): size}
    for _ in range(MOST):
        shown = context.alice.page(context.operation, session, asked)
        body = shown.exchange.response.json()
        at = page.shown.get("out") or page.shown["last"]
        cursor = pointers.first(body, at)
        more = pointers.first(body, page.shown["more"]) if "more" in page.shown else None
        goes_on = cursor not in (None, "") and more is not False
        yield shown, goes_on
        if not goes_on or not shown.items:
            return
        asked[str(page.start)] = cursor


needs = first_reason(by_cursor, has(Role.SESSION_CREATE))


@scenario("list.pages", *LISTS, needs=needs)
def cursors_lead_through_the_list(context: Context) -> None:
    """Page after page, of any size and in any order that can be asked for, every item comes once;
    where a flag says that there are more, there are."""
    session, query, mine = _filled(context)
    for order in orders(context):
        whole = [
            identity(context, item)
            for item in context.alice.all(context.operation, session, query | order)
        ]
        wanted = [id for id in whole if mine is None or id in mine]
        if len(set(map(str, wanted))) < len(wanted):
            context.fail("every item once", show(wanted))
            return
        if len(wanted) < 3:
            raise NotChecked(f"the list has only {len(wanted)} items")
        for size in (1, 2, len(wanted)):
            if not _walked(context, session, query | order, size, wanted, mine, kept=bool(query)):
                return


def _walked(
    context: Context,
    session: str | None,
    query: Mapping[str, Any],
    size: int,
    wanted: list[Any],
    mine: set[Any] | None,
    *,
    kept: bool,
) -> bool:
    start, got, before = len(context.world.journal), list[Any](), False
    is_quiet = mine is None or kept
    pages = walk(context, session, query, size)
    if not is_quiet:
        pages = _as_far_as_possible(pages)
    for page, more in pages:
        shown = context.world.exchanges(start)
        found = [identity(context, item) for item in page.items]
        if len(found) > size:
            seen = f"{len(found)} items for {show(dict(query))} and a limit of {size}"
            context.fail("at most as many items as asked for", seen, exchanges=shown)
            return False
        if before and not found and is_quiet and _flagged(context):
            context.fail("more items where a page says so", "an empty page", exchanges=shown)
            return False
        got += [id for id in found if mine is None or id in mine]
        if (
            mine is not None
            and kept
            and len(got) < len(wanted)
            and any(i not in mine for i in found)
        ):
            context.fail("on every page only what the filter keeps", show(found), exchanges=shown)
            return False
        before = more
        if not kept and len(got) >= len(wanted) and mine is not None:
            break
    if got != wanted:
        seen = f"{show(got)} instead of {show(wanted)} in pages of {size}"
        context.fail("every item of the list once, in its order", seen, exchanges=shown)
        return False
    return True


def _as_far_as_possible(pages: Iterator[tuple[Page, bool]]) -> Iterator[tuple[Page, bool]]:
    """Pages of a list in which others delete sessions: a cursor may lead nowhere. Raises
    NotChecked then."""
    try:
        yield from pages
    except Blocked as error:
        raise NotChecked("the list changes while it is read") from error


def _flagged(context: Context) -> bool:
    binding = context.operation.binding
    return binding is not None and "more" in binding.page.shown


def _filled(context: Context) -> tuple[str | None, dict[str, Any], set[Any] | None]:
    """A list with items: its session, its query, and which of its items are ours (None: all)."""
    binding = context.operation.binding
    assert binding is not None
    if binding.role is not Role.SESSION_LIST:
        if reason := can_talk(context.document, context.operation):
            raise NotChecked(reason)
        session, query = filled(context)
        return session, query, None
    query, attribute = tagged(context, context.operation)
    made = set()
    for _ in range(4):
        if query:
            context.alice.create()  # the filter has something to leave out, on every page
        made.add(create_tagged(context, attribute).id)
    return None, query, made


def orders(context: Context) -> list[dict[str, Any]]:
    """The queries that ask for a direction; one that asks for none is among them."""
    place = context.operation.binding.order_direction if context.operation.binding else None
    found = parameter(context.operation, place.part, place.name) if place else None
    if place is None or found is None or found.schema is None:
        return [{}]
    schema = context.document.schema(found.schema, View.REQUEST)
    return [{}, *({str(place): word} for word in schema.get("enum", ()) if isinstance(word, str))]


def states_stable(document: Document, operation: Operation) -> str:
    """The document says that pages stay right while the list changes."""
    is_stable = operation.promises.get("list.pages", {}).get("stable") == "true"
    return "" if is_stable else "the document does not say that pages are stable"


@scenario("list.pages", Role.SESSION_LIST, needs=first_reason(states_stable, needs))
def changes_do_not_shift_pages(context: Context) -> None:
    """A session that is made or deleted between two pages neither repeats nor hides another."""
    for change in ("made", "deleted"):
        query, attribute = tagged(context, context.operation)
        made = [create_tagged(context, attribute).id for _ in range(5)]
        got: list[Any] = []
        for page, _ in walk(context, None, query, 2):
            ids = [session_id(context, item) for item in page.items]
            last = [id for id in ids if id in made][-1:]
            got += [id for id in ids if id in made]
            if len(got) == 2 and change == "made":
                create_tagged(context, attribute)
            elif len(got) == 2 and last and context.world.one(Role.SESSION_DELETE):
                context.alice.delete(last[0])
            if len(got) >= len(made) and not query:
                break
        if sorted(got) != sorted(made):
            seen = f"{show(got)} of {show(made)}"
            context.fail(f"each item once though a session was {change} between pages", seen)


def states_bound(document: Document, operation: Operation) -> str:
    """The document says what a cursor gets under another order or filter."""
    stated = "bound" in operation.promises.get("list.pages", {})
    return "" if stated else "the document does not say to what cursors are bound"


@scenario("list.pages", *LISTS, needs=first_reason(states_bound, needs))
def cursors_are_bound(context: Context) -> None:
    """A cursor is refused under any other order or filter than those that have given it."""
    assert context.operation.binding is not None
    page, wanted = context.operation.binding.page, context.operation.promises["list.pages"]["bound"]
    session, query, _ = _filled(context)
    tried = False
    for own, other in [*_alternatives(context), *([({}, {})] if query else [])]:
        kept = query if own else {}  # else it is the filter that is left out
        first, goes_on = next(walk(context, session, query | own, 1))
        if not goes_on:
            continue
        at = page.shown.get("out") or page.shown["last"]
        cursor = {str(page.start): pointers.first(first.exchange.response.json(), at)}
        size = {str(page.limit): 1}
        with suppress(Blocked):  # what others delete may take the cursor with it
            context.alice.page(context.operation, session, query | own | size | cursor)
            tried = True
        draft = context.alice.list_draft(context.operation, session, kept | other | size | cursor)
        status = str(context.alice.send(draft).response.status)
        if status != wanted:
            seen = f"{status} for {show(kept | other)} with the cursor of {show(query | own)}"
            context.fail(f"a {wanted} for a cursor of another order or filter", seen)
            return
    if not tried:
        raise NotChecked("no list that can be asked for in two ways has two pages")


def _alternatives(context: Context) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Queries that ask for one word and for another, for each order or filter that has words."""
    binding = context.operation.binding
    assert binding is not None
    rules = [rule.place for rule in binding.filters]
    for place in (binding.order_by, binding.order_direction, *rules):
        found = parameter(context.operation, "query", place.name) if place else None
        schema = found.schema if found else None
        node = context.document.schema(schema, View.REQUEST) if schema else {}
        words = [word for word in node.get("enum", ()) if isinstance(word, str)]
        if found is not None and len(words) > 1:
            yield {found.name: words[0]}, {found.name: words[1]}
            yield {found.name: words[-1]}, {found.name: words[0]}


@scenario("list.pages", Role.MESSAGE_LIST, needs=first_reason(needs, can_talk))
def directions_are_opposite(context: Context) -> None:
    """What is asked for in one direction is what is asked for in the other, turned round."""
    session, query = filled(context)
    lists = [
        [identity(context, item) for item in context.alice.all(context.operation, session, asked)]
        for order in orders(context)
        if (asked := query | order) and order
    ]
    if len(lists) == 2 and lists[0] != lists[1][::-1]:
        context.fail("one order turned round for the other", f"{show(lists[0])}, {show(lists[1])}")


@scenario("input.parameters", *LISTS, needs=needs)
def unreadable_cursors_do_no_harm(context: Context) -> None:
    """A cursor that no page has given is refused, or begins somewhere; it never fails."""
    assert context.operation.binding is not None
    page = context.operation.binding.page
    session = (
        None if context.operation.binding.role is Role.SESSION_LIST else context.alice.create().id
    )
    for cursor in ("sparring-unknown", "%00", "e30=", "999999999999999999999"):
        draft = context.alice.draft(context.operation, session)
        assert page.start is not None
        draft.query.append((page.start.name, cursor))
        exchange = context.alice.send(draft)
        if exchange.response.status >= 500:
            context.fail("an answer to a cursor that can't be read", str(exchange.response.status))
