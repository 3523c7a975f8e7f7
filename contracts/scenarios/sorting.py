"""What lists promise of their order: the stated one, and each that a caller may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role, descends, sorted_by
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import expression, parameter, plain
from sparring.spec.openapi.schemas import View

from ..checks import Context, NotChecked, scenario, show
from ..driving.attributes import entity_properties
from ..driving.comparing import has, instant, rises
from .listing import create_tagged, session_id, tagged, touch_later

LIST = Role.SESSION_LIST
MOST_WALKED = 150
Key = Callable[[Any], Any]


def sort_key(location: Sequence[str]) -> Key:
    """Reads what a list is sorted by; times as instants."""

    def key(item: Any) -> Any:
        value = pointers.first(item, tuple(location))
        moment = instant(value) if isinstance(value, str) else None
        return moment if moment is not None else value

    return key


def in_order(items: Sequence[Any], key: Key, direction: str) -> bool:
    """Whether items stand in the stated direction; those without a value may stand at either end,
    and texts be told apart by their case or not."""
    values = [value for item in items if (value := key(item)) is not None]
    if descends(direction):
        values.reverse()
    texts = [value.casefold() for value in values if isinstance(value, str)]
    return rises(values) or (len(texts) == len(values) and rises(texts))


@scenario("list.order", LIST, needs=has(Role.SESSION_CREATE))
def lists_are_in_order(context: Context) -> None:
    """The list is in the order that the document states, or that the caller asks for."""
    query, attribute = tagged(context, context.operation)
    sessions = [create_tagged(context, attribute) for _ in range(5)]
    for session in (sessions[1], sessions[3]):
        touch_later(context, session.id, [one.id for one in sessions])
    mine = {session.id for session in sessions}
    stated = context.operation.promises.get("list.order", {})
    asked: list[tuple[dict[str, Any], str, str]] = []
    if "by" in stated:
        asked.append(({}, stated["by"], stated.get("dir", "asc")))
    asked += sorts(context.document, context.operation, stated)
    if not asked:
        raise NotChecked("the document states no order")
    for extra, by, direction in asked:
        whole = context.alice.all(context.operation, None, query | extra)
        items = [item for item in whole if session_id(context, item) in mine]
        key = sort_key(pointers.split(by))
        if not in_order(items, key, direction) or len(items) < len(mine):
            values = [pointers.first(item, pointers.split(by)) for item in items]
            asking = f" when {show(extra)} asks for it" if extra else ""
            context.fail(f"{by} {direction}{asking}", show(values))
        elif by == stated.get("by") and stated.get("ties") == "made":
            _ties(context, items, key, [session.id for session in sessions])
        page = context.operation.binding.page if context.operation.binding else None
        if query and page and page.limit and page.start and page.style == "offset":
            part = {str(page.limit): 2, str(page.start): 1}
            got = context.alice.page(context.operation, None, query | extra | part).items
            ids = [session_id(context, item) for item in got]
            if ids != [session_id(context, item) for item in whole[1:3]]:
                asking = f"{show(part | extra)} gave {show(ids)}"
                context.fail("pages that cut the list in the order that was asked for", asking)
        if extra and page and page.limit and page.style == "cursor" and len(whole) <= MOST_WALKED:
            _walk(context, query | extra | {str(page.limit): 2}, items)


def _walk(context: Context, query: Mapping[str, Any], items: Sequence[Any]) -> None:
    """Fails unless whoever goes from page to page sees these items once each."""
    wanted = [session_id(context, item) for item in items]
    walked = [
        session_id(context, item) for item in context.alice.all(context.operation, None, query)
    ]
    found = [id for id in walked if id in wanted]
    if sorted(map(str, found)) != sorted(map(str, wanted)):
        seen = f"{show(found)} with {show(query)} where the list is {show(wanted)}"
        context.fail("every session once, page by page, in the order that was asked for", seen)


def _ties(context: Context, items: Sequence[Any], key: Key, made: list[str]) -> None:
    """Fails unless sessions of one instant stand as they were made."""
    for left, right in pairwise(items):
        ranks = [made.index(session_id(context, item)) for item in (left, right)]
        if key(left) == key(right) and ranks[0] > ranks[1]:
            seen = f"{show(session_id(context, left))} before an older one of one instant"
            context.fail("sessions of one instant in the order in which they were made", seen)


def sorts(
    document: Document, operation: Operation, stated: Any
) -> list[tuple[dict[str, Any], str, str]]:
    """Every order that the parameters of a list can ask for."""
    places = [expression(document, operation, "order", key) for key in ("by", "dir")]
    created = document.model.session.get("created", ())
    choices: list[list[tuple[dict[str, Any], str]]] = []
    declared = entity_list_properties(document, operation)
    for place, default in zip(
        places, (stated.get("by", ""), stated.get("dir", "asc")), strict=True
    ):
        found = parameter(operation, "query", place[1]) if place and place[0] == "query" else None
        schema = document.schema(found.schema, View.REQUEST) if found and found.schema else {}
        schema = plain(document, schema, View.REQUEST)
        words = [w for w in schema.get("enum", ()) if isinstance(w, str)]
        standard = schema.get("default", default.removeprefix("/"))
        options: list[tuple[dict[str, Any], str]] = [({}, standard)]
        options += [({found.name: word}, word) for word in words if found]
        choices.append(options)
    both = any(sorted_by(word)[1] is not None for query, word in choices[0] if query)
    result = []
    for by_query, word in choices[0]:
        name, down = sorted_by(word)
        if by_query and name in declared and both:
            result.append((by_query, f"/{name}", "desc" if down else "asc"))
    for by_query, by in choices[0] if not both else ():
        for dir_query, direction in choices[1]:
            tells_time = direction.lower().startswith(("newest", "oldest"))
            if not by and tells_time and len(created) == 1:
                by = created[0]
            if (by_query or dir_query) and by in declared and descends(direction) is not None:
                result.append((by_query | dir_query, f"/{by}", direction))
    return result


def entity_list_properties(document: Document, operation: Operation) -> dict[str, Any]:
    """The properties of one item of a list of sessions, as reading one declares them."""
    get = [o for o in document.with_role(Role.SESSION_GET) if o.binding and not o.binding.active]
    return entity_properties(document, get[0]) if get else {}
