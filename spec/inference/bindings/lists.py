"""Finds where a list stands in a response, how it is paged, ordered and filtered."""

from __future__ import annotations

import re
from typing import Any

from sparring.spec import pointers

from ...meaning.binding import descends, sorted_by
from .names import flat, pick, ranked, singular, words
from .schemas import Location, Schema
from .subjects import Api, Subject

Block = dict[str, Any]

_LISTS = ranked(
    "data items results result records rows list entries objects content contents elements "
    "values value collection edges nodes page hits documents response output body"
)
_TALK = ranked(
    "messages history events items turns chathistory transcript entries conversationhistory "
    "threaditems activities data log logs chatmessages utterances interactions msgs results"
)
_OFFSETS = ranked("offset skip start startindex from firstresult begin")
_WATERMARKS = ranked(
    "minoffset sinceoffset since sinceid watermark fromoffset afteroffset startoffset afterseq "
    "sinceseq fromseq aftersequence minsequence"
)
_PAGES = ranked("page pagenumber pageno pagenum pageindex currentpage p")
_CURSORS = ranked(
    "after cursor pagetoken nexttoken startingafter nextpagetoken continuationtoken pageid afterid "
    "aftercursor startafter paginationtoken exclusivestartkey lastid nextcursor pagekey marker "
    "next lastevaluatedkey startcursor continuation bookmark pageafter"
)
_BEFORE = ranked("before firstid pagebefore endingbefore beforeid beforecursor endbefore")
_LIMITS = ranked(
    "limit pagesize perpage size maxresults count take first top maxpagesize itemsperpage "
    "pagelimit resultsperpage numresults max maxitems n"
)
_SHOWN = {
    "out": ranked(
        "nextcursor nextpagetoken nexttoken nextpage nextpageid next cursor endcursor after "
        "continuationtoken nextkey pagetoken pagekey nextcursortoken nextid watermark "
        "aftercursor nextlink afterid paginationtoken"
    ),
    "more": ranked("hasmore hasnext hasnextpage more ismore morepages hasadditional"),
    "first": ranked("firstid firstmessageid startid"),
    "last": ranked("lastid lastmessageid endid"),
    "total": ranked(
        "total totalcount totalitems totalresults totalrecords totalelements count totalrows "
        "totalhits totalnumber totalsize"
    ),
    "pages": ranked("totalpages pagecount pages numpages lastpage"),
    "start": ranked("offset skip page pagenumber currentpage start pageno pageindex number"),
    "size": ranked("limit pagesize perpage size itemsperpage take"),
}
_TYPES = {
    "out": {"string", "integer"},
    "more": {"boolean"},
    "first": {"string", "integer"},
    "last": {"string", "integer"},
}
_IDENTITY = words("id uuid createdat timestamp checkpoint checkpointid values role content text")
_HOLDERS = words(
    "meta pagination paging page pages responsemetadata pageinfo metadata cursor data result "
    "response"
)
_LOOSE = re.compile(r"(?i)partial|contain|substring|fuzzy|prefix|starts? with|search|like")
_BY = ranked("sortby orderby sortfield orderfield sortkey ordering")
_SORTS = (*_BY, "sort", "order", "orderby")
_DIRECTION = ranked(
    "order sortorder direction orderdirection sortdirection sort orderdir dir sortdir"
)
_NEVER = (
    words("select fields include exclude expand stream sse wait timeout format sort order sortby")
    | set(_LIMITS)
    | set(_CURSORS)
    | set(_BEFORE)
    | set(_PAGES)
    | set(_OFFSETS)
    | set(_WATERMARKS)
    | set(_BY)
    | set(_DIRECTION)
)


def items_place(api: Api, subject: Subject) -> Location | None:
    """Where the array of a list response stands; None where there is none."""
    if subject.response is None:
        return None
    reader = api.responses
    plural = {
        "session": [*api.nouns, "session"],
        "message": ["message", "event", "history", "item", "turn", "memory"],
        "run": ["run", "response", "task"],
    }.get(subject.resource, [subject.resource])
    names = [f"{noun}s" for noun in (api.noun(subject), *plural)]
    names += ["history", "transcript", "activities", "chathistory"]
    wanted = list(dict.fromkeys([*names, *_LISTS]))
    shapes = [b for b in reader.branches(subject.response) if "array" not in reader.types(b)]
    for shape in shapes:
        words_too = subject.resource == "suggestion"
        if (found := _array_in(api, shape, wanted, 0, words_too)) is not None:
            return found
    root = reader.items(subject.response)
    if root is None:
        return None
    if reader.items(root) is not None and not reader.members(root):
        return ("0",)
    inner = reader.members(root)  # an array whose only item wraps the list
    talk = pick(inner, [name for name in wanted if name not in _LISTS])
    own = {flat(name) for name in inner} & _IDENTITY
    if talk and subject.resource == "message" and not own and _rows(api, inner[talk]):
        return ("0", talk)
    return ()


def _array_in(
    api: Api, schema: Schema, wanted: list[str], depth: int, words_too: bool = False
) -> Location | None:
    reader = api.responses
    members = reader.members(schema)
    arrays = {n: m for n, m in members.items() if _rows(api, m, words_too)}
    if (key := pick(arrays, wanted)) is not None:
        return (key,)
    if len(arrays) == 1:
        return (next(iter(arrays)),)
    for name in (*wanted, "payload", "meta", "embedded", "conversation", "session", "thread"):
        key = pick(members, (name,))
        if key is None or depth > 1 or "object" not in reader.types(members[key]):
            continue
        if (below := _array_in(api, members[key], wanted, depth + 1, words_too)) is not None:
            return (key, *below)
    return (next(iter(arrays)),) if arrays else None


def _rows(api: Api, schema: Schema, wants_words: bool = False) -> bool:
    """Whether a member is an array of things, not of words."""
    items = api.responses.items(schema)
    if items is None or "array" not in api.responses.types(schema):
        return False
    types = api.responses.types(items)
    return not types or "object" in types or (wants_words and "string" in types)


def page_block(api: Api, subject: Subject, items: Location) -> Block:
    """How the list is paged, as far as the request can say it; else no block."""
    places = _places(api, subject)
    page: Block = {}
    for style, names in (
        ("watermark", _WATERMARKS),
        ("offset", _OFFSETS),
        ("page", _PAGES),
        ("cursor", _CURSORS),
    ):
        key = pick(places, names)
        if key is None:
            continue
        types = places[key][1]
        if (style == "page" and types and "integer" not in types) or (
            style in ("offset", "watermark") and types and not types & {"integer", "number"}
        ):
            style = "cursor"
        elif style == "watermark" and subject.resource != "message":
            style = "offset"
        page = {"style": style, "in": places[key][0]}
        if style == "page" and _starts_at_zero(api, places[key][2]):
            page["first_page"] = 0
        break
    key = pick(places, _BEFORE)
    if key is not None and page.get("style") in (None, "cursor") and _is_id_like(places[key][1]):
        page = {"style": "cursor", **page, "before": places[key][0]}
    if (key := pick(places, _LIMITS)) is not None:
        types = places[key][1]
        if not types or types & {"integer", "number", "string"}:
            page = {"style": "none", **page, "limit": places[key][0]}
    if page:
        page |= _shown(api, subject, items, page["style"])
    return page


def _is_id_like(types: set[str]) -> bool:
    return not types or bool(types & {"string", "integer"})


def _starts_at_zero(api: Api, schema: Schema) -> bool:
    node = api.requests.resolve(schema)
    return node.get("default") == 0 or node.get("minimum") == 0


def _places(api: Api, subject: Subject) -> dict[str, tuple[str, set[str], Schema]]:
    """What a request can say beside its path: name to place, types and schema."""
    found: dict[str, tuple[str, set[str], Schema]] = {}
    document = api.document
    for name, parameter in subject.parameters("query").items():
        schema = document.schema(parameter.schema, api.requests.view)
        place = f"$request.query.{name}" if name.startswith("$") else name
        found[name] = (place, api.requests.types(schema), schema)
    if subject.request is not None:
        members = api.requests.members(subject.request)
        for name, member in members.items():
            place = f"$request.body#{pointers.join((name,))}"
            found.setdefault(name, (place, api.requests.types(member), member))
        for name in members:
            if flat(name) in ("pagination", "paging", "page"):
                for inner, member in api.requests.members(members[name]).items():
                    place = f"$request.body#{pointers.join((name, inner))}"
                    found.setdefault(inner, (place, api.requests.types(member), member))
    return found


def _shown(api: Api, subject: Subject, items: Location, style: str) -> Block:
    """Where the response tells of its pages: beside the array, or in what holds such things."""
    reader = api.responses
    if subject.response is None or not items or items[0] == "0":
        return {}
    shown: Block = {}
    bases: list[Location] = [items[:-1]] + ([()] if len(items) > 1 else [])
    for base in list(bases):
        node = reader.at(subject.response, base)
        for name, member in reader.members(node or {}).items():
            if flat(name) in _HOLDERS and "object" in reader.types(member):
                bases.append((*base, name))
    for base in bases:
        members = reader.members(reader.at(subject.response, base) or {})
        for part, names in _SHOWN.items():
            if part in shown or (
                part == "out" and style not in ("cursor", "none", "page", "offset")
            ):
                continue
            fitting = {
                name: member
                for name, member in members.items()
                if reader.types(member) & _TYPES.get(part, {"integer", "number"})
                and not (part == "out" and style in ("page", "offset") and flat(name) not in _NEXT)
            }
            if (key := pick(fitting, names)) is not None:
                shown[part] = pointers.join((*base, key))
    if style == "none" and "out" in shown:
        del shown["out"]
    return shown


_NEXT = words("nextpage nextoffset nextcursor nextpagetoken nexttoken")


def order_block(api: Api, subject: Subject, row: Schema | None) -> Block:
    """Which parameters say by what to sort, and which way: two, or one whose words say both."""
    order: Block = {}
    members = api.responses.members(row or {})
    for key, (place, _, schema) in _places(api, subject).items():
        told = [sorted_by(word) for word in api.requests.words(schema) if isinstance(word, str)]
        both = [name for name, down in told if name in members and down is not None]
        if both and flat(key) in _SORTS:
            return {"by": place if place.startswith("$") else f"$request.query.{place}"}
    for part, names in (("by", _BY), ("dir", _DIRECTION)):
        for name in names:
            for key, (place, types, schema) in _places(api, subject).items():
                if flat(key) != name or part in order or (types and "string" not in types):
                    continue
                ways = any(descends(word) is not None for word in api.requests.words(schema))
                if part == "by" or ways:
                    order[part] = place if place.startswith("$") else f"$request.query.{place}"
    return order


def filter_block(
    api: Api, subject: Subject, row: Schema | None, id_at: Location, session: str
) -> Block:
    """Which parameters keep the rows that agree with them."""
    if row is None:
        return {}
    reader = api.responses
    members = reader.members(row)
    by_name: dict[str, Location] = {}
    for base in ((), ("attributes",)):
        for name in reader.members(reader.at(row, base) or {}):
            by_name.setdefault(flat(name), (*base, name))
    found: Block = {}
    for name, (place, types, schema) in _places(api, subject).items():
        plain = flat(name.removeprefix("filter[")) if "[" in name else flat(name)
        if f"$request.query.{name}" == session or place == session:
            continue
        if plain in _NEVER and plain != "status":
            continue
        many = "array" in types
        if plain in ("ids", *(f"{noun}ids" for noun in (api.noun(subject), subject.resource))):
            if many or "string" in types:
                found[place] = {"at": pointers.join(id_at), "how": "any-of"}
            continue
        at = by_name.get(plain) or by_name.get(plain.removesuffix("filter"))
        how = "exact"
        if at is None and (at := by_name.get(singular(plain))) is not None:
            how = "any-of"
        if at is None:
            at = _by_words(api, schema, members)
        if at is None:
            continue
        target = reader.types(reader.at(row, at) or {})
        if target == {"object"} or (not target and plain.startswith("metadata")):
            is_json = plain.startswith(("metadata", "values", "attributes", "properties", "custom"))
            how = "exact-json" if is_json else ""
        elif "array" in target:
            how = ""
        elif many:
            how = "any-of"
        elif "boolean" in types and "boolean" not in target:
            how = ""
        if how == "exact" and _LOOSE.search(_told(api, subject, name)):
            how = ""
        if how:
            found[place] = {"at": pointers.join(at), "how": how}
    return found


def _told(api: Api, subject: Subject, name: str) -> str:
    """What the document says of a query parameter, in words."""
    found = subject.parameters("query").get(name)
    at = tuple(map(str, found.path)) if found else ()
    node = pointers.first(api.document.source.tree, at, {}) if at else {}
    return str(node.get("description", "")) if isinstance(node, dict) else ""


def _by_words(api: Api, schema: Schema, members: dict[str, Schema]) -> Location | None:
    """The one member that lists the same words as a parameter."""
    listed = api.requests.words(schema)
    if len(listed) < 3:
        return None
    same = [n for n, m in members.items() if set(api.responses.words(m)) == set(listed)]
    return (same[0],) if len(same) == 1 else None


def history_place(api: Api, entity: Schema | None) -> tuple[Location, Schema] | None:
    """Where a session shows what was said in it, and the schema of one row of that."""
    if entity is None:
        return None
    reader = api.responses
    members = reader.members(entity)
    for name in _TALK:
        key = pick(members, (name,))
        items = reader.items(members[key]) if key is not None else None
        if key is None or items is None:
            continue
        is_free = reader.is_free(items) and name not in ("items", "data", "log", "logs", "results")
        if api.rows.is_talk(items) or (is_free and "string" not in reader.types(items)):
            return (key,), items
    for name, member in members.items():  # under a name of its own, or wrapped once
        for base, holder in ((), {name: member}), ((name,), reader.members(member)):
            for key, inner in holder.items():
                items = reader.items(inner) if "array" in reader.types(inner) else None
                if items is not None and api.rows.is_talk(items):
                    return (*base, key), items
    return None
