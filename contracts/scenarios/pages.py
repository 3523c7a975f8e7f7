"""What pages promise, whatever they list."""

from __future__ import annotations

from typing import Any

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import parameter
from sparring.spec.openapi.schemas import View

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import at, has
from ..driving.lists import bounds
from ..driving.turns import say, talk_of
from ..world import Blocked, succeeded
from .listing import create_tagged, session_id, tagged

MOST = 60
"""Items above which a list is not gone through one by one."""
LISTS = (Role.SESSION_LIST, Role.MESSAGE_LIST, Role.SUGGESTION_LIST)
STILL = 3
"""How often a list that others change has to hold still around a wrong total."""


def paged(document: Document, operation: Operation) -> str:
    """The list has pages, and what it lists can be made."""
    binding = operation.binding
    if binding is None or binding.page.start is None:
        return "the list has no pages"
    if binding.page.style not in ("offset", "watermark"):
        return "its pages do not begin at a number of items"
    return ""


def totalled(document: Document, operation: Operation) -> str:
    """The list tells how many there are."""
    has_total = operation.binding is not None and operation.binding.page.total is not None
    return "" if has_total else "the list has no total"


def filled(context: Context, sessions: int = 5) -> tuple[str | None, dict[str, Any]]:
    """Fills the list of the check's operation: the session it belongs to, and its query."""
    assert context.operation.binding is not None
    if context.operation.binding.role is Role.SESSION_LIST:
        query, attribute = tagged(context, context.operation)
        for _ in range(sessions):
            create_tagged(context, attribute)
            if query and sessions < 10:
                context.alice.create()  # the filter has something to leave out
        return None, query
    session = context.alice.create()
    talk = talk_of(context.world)
    for index in range(3):
        say(context.alice, talk, session.id, f"Tell me number {index}.")
    return session.id, {}


def identity(context: Context, item: Any) -> Any:
    """What tells one item of the list from another."""
    binding, model = context.operation.binding, context.document.model
    assert binding is not None
    if binding.role is Role.SESSION_LIST:
        return session_id(context, item)
    if binding.role is Role.SUGGESTION_LIST:
        return at(item, model.suggestion.get("id")) or show(item)
    row = model.event if binding.shape == "event" else model.message
    return at(item, row.id) or show(item)


needs_sessions = has(Role.SESSION_CREATE)


@scenario("list.pages", *LISTS, needs=first_reason(paged, needs_sessions))
def pages_partition_the_list(context: Context) -> None:
    """Pages of any size, put together, are the list."""
    operation = context.operation
    assert operation.binding is not None
    page = operation.binding.page
    session, query = filled(context)
    whole = context.alice.all(operation, session, query)
    ids = [identity(context, item) for item in whole]
    if len(set(map(str, ids))) < len(ids):
        context.fail("every item once", f"{len(ids)} items with {len(set(map(str, ids)))} ids")
        return
    if len(ids) < 3:
        raise NotChecked(f"the list has only {len(ids)} items")
    if not query and operation.binding.role is Role.SESSION_LIST:
        ids, whole = ids[:50], whole[:50]
    starts = starts_of(context, whole)
    sizes = (1, 2, len(ids) - 1, len(ids), len(ids) + 1) if page.limit else (None,)
    for size in sizes:
        for index in range(0, len(ids) + 1, 2 if size != 2 else 1):
            asked = query | {str(page.start): starts[index]}
            if size:
                asked[str(page.limit)] = size
            most = bounds(context.document, operation, page.limit)
            if size and most is not None and size > most:
                continue
            first = len(context.world.journal)
            got = [
                identity(context, i) for i in context.alice.page(operation, session, asked).items
            ]
            shown = context.world.exchanges(first)
            if size and len(got) > size:
                seen = f"{len(got)} items for {show(asked)}"
                context.fail("at most as many items as asked for", seen, exchanges=shown)
            wanted = ids[index : index + size] if size else ids[index:]
            if got[: len(wanted)] != wanted or (
                size and len(got) != len(wanted) and index + size <= len(ids)
            ):
                seen = f"{show(got)} for {show(asked)} of {show(ids)}"
                context.fail("the part of the list that was asked for", seen, exchanges=shown)
            if index == len(ids) and (session is not None or query) and got:
                context.fail("nothing beyond the end", show(got), exchanges=shown)


@scenario("list.pages", *LISTS, needs=first_reason(paged, needs_sessions))
def nothing_is_far_beyond_the_end(context: Context) -> None:
    """A page that begins where no list has an item is empty, however large the number is."""
    operation = context.operation
    assert operation.binding is not None
    page = operation.binding.page
    session, query = filled(context)
    most = bounds(context.document, operation, page.start)
    for start in (2**31, 2**32, 2**53 - 1):
        if most is not None and start > most:
            break
        try:
            items = context.alice.page(operation, session, query | {str(page.start): start}).items
        except Blocked:
            continue  # a 4xx says as much
        if items:
            context.fail("nothing far beyond the end", f"{len(items)} items from {start} on")
            return


def starts_of(context: Context, whole: list[Any]) -> list[int]:
    """The start of a page that begins with each item, and one beyond the end."""
    operation = context.operation
    assert operation.binding is not None
    if operation.binding.page.style != "watermark":
        return list(range(len(whole) + 1))
    offsets = [line.offset for line in context.alice.lines(operation, whole)]
    if not all(isinstance(offset, int) for offset in offsets):
        raise NotChecked("the items have no offsets")
    return [*offsets, offsets[-1] + 1]


def linked(document: Document, operation: Operation) -> str:
    """The pages of the list have numbers, or each names the next one."""
    binding = operation.binding
    if binding is None or binding.page.start is None or binding.page.limit is None:
        return "the list has no pages of a size that can be chosen"
    return "" if binding.page.style in ("cursor", "page") else "its pages begin at an item"


@scenario("list.pages", *LISTS, needs=first_reason(linked, needs_sessions))
def linked_pages_join_to_the_list(context: Context) -> None:
    """Whoever goes from page to page sees every item once, and no page is too large."""
    operation = context.operation
    assert operation.binding is not None
    limit = str(operation.binding.page.limit)
    session, query = filled(context)
    ids = [identity(context, item) for item in context.alice.all(operation, session, query)]
    if len(ids) > MOST:
        raise NotChecked("others have too much in the list")
    is_shared = operation.binding.role is Role.SESSION_LIST and not query
    if is_shared and operation.binding.page.style == "page":
        raise NotChecked("what others add moves the pages")
    mine = {id for _, id in context.world.made} if is_shared else set(ids)
    ids = [id for id in ids if id in mine]
    for size in (1, 2, max(len(ids), 1)):
        start = len(context.world.journal)
        got: list[Any] = []
        for page in context.alice.pages(operation, session, query | {limit: size}):
            found = (identity(context, item) for item in page.items)
            got += [id for id in found if id in mine]
            shown = context.world.exchanges(start)
            if len(page.items) > size:
                seen = f"{len(page.items)} items on a page of {size}"
                context.fail("at most as many items as asked for", seen, exchanges=shown)
        if got != ids:
            seen = f"{show(got)} on pages of {size} where the list is {show(ids)}"
            context.fail("the list, page by page", seen, exchanges=shown)


def by_cursor(document: Document, operation: Operation) -> str:
    """Each page of the list names the next one, and sessions can be deleted."""
    binding = operation.binding
    is_cursor = binding is not None and binding.page.style == "cursor"
    return "" if is_cursor and binding and "out" in binding.page.shown else "it has no cursors"


@scenario(
    "list.walk",
    Role.SESSION_LIST,
    needs=first_reason(linked, by_cursor, has(Role.SESSION_CREATE, Role.SESSION_DELETE)),
)
def walks_survive_changes(context: Context) -> None:
    """While sessions are made and deleted between two pages, the others are seen once each."""
    operation, alice = context.operation, context.alice
    assert operation.binding is not None
    query, attribute = tagged(context, operation)
    made = [create_tagged(context, attribute).id for _ in range(7)]
    if not query and len(alice.all(operation)) > MOST:
        raise NotChecked("others have too much in the list")
    seen: list[Any] = []
    gone: list[str] = []
    try:
        pages = alice.pages(operation, None, query | {str(operation.binding.page.limit): 2})
        for number, page in enumerate(pages):
            seen += [session_id(context, item) for item in page.items]
            if number in (0, 1) and (mine := [id for id in seen[-2:] if id in made]):
                alice.delete(mine[-1])
                gone.append(mine[-1])
                create_tagged(context, attribute)
    except Blocked as error:
        status = error.exchange.response.status
        context.fail("the next page, though its neighbour is gone", str(status))
        return
    for id in made:
        if id not in gone and seen.count(id) != 1:
            said = f"one of them {seen.count(id)} times"
            context.fail("every session that stays, once", said)


def sized(document: Document, operation: Operation) -> str:
    """The size of a page can be asked for, and has a default."""
    limit = operation.binding.page.limit if operation.binding else None
    found = parameter(operation, limit.part, limit.name) if limit else None
    schema = document.schema(found.schema, View.REQUEST) if found and found.schema else {}
    return "" if isinstance(schema.get("default"), int) else "no size of a page is the default one"


@scenario("list.pages", *LISTS, needs=first_reason(sized, needs_sessions))
def pages_have_their_default_size(context: Context) -> None:
    """Without a limit a page holds at most the declared default."""
    operation = context.operation
    assert operation.binding is not None
    limit = operation.binding.page.limit
    found = parameter(operation, limit.part, limit.name) if limit else None
    schema = context.document.schema(found.schema, View.REQUEST) if found and found.schema else {}
    default = schema.get("default")
    if not isinstance(default, int):
        return
    if operation.binding.role is not Role.MESSAGE_LIST:
        session, query = filled(context, 24)
        count = len(context.alice.page(operation, session, query).items)
        made = len(context.alice.all(operation, session, query)) if query or session else 24
        _default_page(context, default, count, made)
    elif default <= 100:
        _default_history_page(context, default)


def _default_history_page(context: Context, default: int) -> None:
    operation = context.operation
    talk = next(
        (
            o
            for o in context.document.with_role(Role.MESSAGE_CREATE)
            if o.binding and o.binding.messages
        ),
        None,
    )
    if talk is None:
        return
    session = context.alice.create()
    texts = [f"Message {n}." for n in range(default // 2 + 1)]
    for _ in range(2):
        if context.world.bodies.message(talk, texts) is None:
            return
        say(context.alice, talk, session.id, *texts)
    count = len(context.alice.page(operation, session.id).items)
    _default_page(context, default, count, len(context.alice.all(operation, session.id)))


def _default_page(context: Context, default: int, count: int, whole: int) -> None:
    if count > default:
        context.fail(f"at most {default} items where no limit is given", f"{count} items")
    elif count < min(default, whole):
        seen = f"{count} of {whole} items"
        context.fail(f"the first {default} items where no limit is given", seen)


@scenario("list.total", *LISTS, needs=first_reason(totalled, needs_sessions))
def totals_count_all_pages(context: Context) -> None:
    """The total is the number of items on all pages, whichever page tells it."""
    operation = context.operation
    assert operation.binding is not None
    page = operation.binding.page
    session, query = filled(context)
    if session is None and context.bob.key != context.alice.key:
        stranger = context.bob.create_draft()
        exchange = context.bob.send(stranger)
        if succeeded(exchange):
            context.bob.made(stranger, exchange)  # this one must not be counted
    known = _listed(context, session, query)
    asked: list[dict[str, Any]] = [{}]
    if page.limit:
        asked.append({str(page.limit): 1})
    if page.start and page.style == "offset":
        asked += [{str(page.start): 1}, {str(page.start): len(known) + 3}]
    needed = 1 if query or session else STILL
    for extra in asked:
        wrong: list[str] = []
        for _ in range(4 * needed):
            start = len(context.world.journal)
            total = context.alice.page(operation, session, query | extra).total
            before, known = known, _listed(context, session, query)
            if total == len(known):
                break
            if before == known:
                wrong.append(f"{total} for {show(query | extra)} where all pages have {len(known)}")
            if len(wrong) == needed:
                shown = context.world.exchanges(start)
                context.fail("the number of items on all pages", wrong[-1], exchanges=shown)
                return


def _listed(context: Context, session: str | None, query: dict[str, Any]) -> list[Any]:
    items = context.alice.all(context.operation, session, query)
    return [identity(context, item) for item in items]


@scenario("list.total", Role.SESSION_LIST, needs=first_reason(totalled, needs_sessions))
def totals_follow_deletes(context: Context) -> None:
    """A deleted session is not counted any more."""
    operation = context.operation
    query, attribute = tagged(context, operation)
    if not query or context.world.one(Role.SESSION_DELETE) is None:
        return
    sessions = [create_tagged(context, attribute) for _ in range(3)]
    context.alice.delete(sessions[1].id)
    found = context.alice.page(operation, None, query)
    if found.total != 2 and len(found.items) == 2:
        context.fail("a total without what was deleted", f"{found.total} instead of 2")
