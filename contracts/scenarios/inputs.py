"""What is refused and what is taken: bodies, parameters, media types, extremes."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Blame
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft, plain
from sparring.spec.openapi.schemas import View

from ..checks import Context, first_reason, scenario, show
from ..driving.attributes import names_another
from ..driving.bodies import RICH_OBJECT
from ..driving.comparing import has
from ..driving.driver import User
from ..driving.negatives import negatives
from ..driving.turns import streams
from ..target.target import Limits
from ..world import is_stream, succeeded
from .create import id_names, id_pointer
from .deletion import aim_part, takes_session, talked
from .keys import any_draft, settled, state

creatable = has(Role.SESSION_CREATE)
READ = 12  # of the sessions that must not be there
MOST = 200
"""Items above which a list is too long to be sent."""


def takes_json(document: Document, operation: Operation) -> str:
    """The operation takes a JSON body with a schema."""
    takes = any("json" in m.type and m.schema for m in operation.body.values())
    return "" if takes else "the operation takes no JSON body"


def names_no_part(document: Document, operation: Operation) -> str:
    """The operation is not about one message or run, of which there may be none."""
    named = operation.binding is not None and operation.binding.target is not None
    return "the operation is about one message or run" if named else ""


def shot(context: Context, draft: Draft) -> Exchange:
    """Sends a draft of the check's operation; of a stream only the beginning is read."""
    exchange = _shot(context, context.alice, draft)
    binding = context.operation.binding
    if binding is not None and binding.role is Role.SESSION_CREATE and succeeded(exchange):
        context.alice.made(draft, exchange)
    return exchange


def _shot(context: Context, user: User, draft: Draft) -> Exchange:
    if not streams(context.operation):
        return user.send(draft)
    accept = draft.accept
    with user.open(draft, Limits(seconds=4)) as stream:
        if is_stream(stream.exchange):
            stream.drain()
    draft.accept = accept
    return stream.exchange


def base(context: Context) -> tuple[Draft, str]:
    """A valid request with a full body, and the session that it is about."""
    session = ""
    if not takes_session(context.document, context.operation):
        session = talked(context, context.alice)
    draft = any_draft(context, context.alice, session)
    if context.operation.binding and context.operation.binding.role is Role.SESSION_CREATE:
        names = id_names(context.document, context.operation)
        body = context.world.bodies.rich(context.operation, without=names)
        draft.body = context.alice.owned(context.operation, body)
    return draft, session


def choose(context: Context, draft: Draft, *, but: Sequence[str] = ()) -> str:
    """Gives a new session an id of the client's choice, which is returned; empty where it can't."""
    at = id_pointer(context.document, context.operation)
    if not at or not isinstance(draft.body, dict) or tuple(but) == pointers.split(at):
        return ""
    least = context.world.bodies.least(context.operation)
    id = next(context.world.bodies.client_ids(context.operation, at, least), "")
    if id:
        draft.body = copy.deepcopy(draft.body)
        pointers.put(draft.body, pointers.split(at), id)
    return id


def nothing_is_made(context: Context, chosen: Sequence[str]) -> None:
    """Fails where a session has an id that only refused requests have named."""
    if context.findings or context.world.one(Role.SESSION_GET) is None:
        return
    known = context.world.sessions.ids()
    for id in [id for id in chosen if id and id not in known][-READ:]:
        start = len(context.world.journal)
        exchange = context.alice.get(id)
        if succeeded(exchange):
            context.alice.note(id)
            shown = context.world.exchanges(start)
            seen = f"{exchange.response.status} for the session that was not to be made"
            context.fail("nothing made by a request that was refused", seen, exchanges=shown)
            return


def refused(exchange: Exchange) -> bool:
    """Whether the answer blames the request."""
    return 400 <= exchange.response.status < 500 and exchange.response.status not in (401, 403)


@scenario("input.refused", needs=first_reason(takes_json, creatable))
def broken_bodies_are_refused(context: Context) -> None:
    """Bodies that break their schema in one way each are refused, and change nothing."""
    draft, session = base(context)
    media = context.world.bodies.media(context.operation)
    assert media is not None
    assert media.schema is not None
    before = settled(context, session) if session else ""
    body, chosen = draft.body, []
    for negative in negatives(context.document, media.schema, body):
        draft.body = negative.value
        chosen.append(choose(context, draft, but=negative.at))
        start = len(context.world.journal)
        exchange = shot(context, draft)
        if not refused(exchange) and exchange.response.status < 500:
            seen = f"{exchange.response.status} for {negative.kind} at {negative.where}"
            shown = context.world.exchanges(start)
            context.fail(f"a 4xx for {negative.kind}", seen, exchanges=shown)
    if session and state(context, session) != before and not context.findings:
        context.fail("no change by a body that was refused", "the session changed")
    nothing_is_made(context, chosen)
    if context.operation.body_required:
        draft.raw = b""
        exchange = shot(context, draft)
        if not refused(exchange) and exchange.response.status < 500:
            context.fail("a 4xx for a missing body", str(exchange.response.status))


def explains(document: Document, operation: Operation) -> str:
    """The document says where a refusal names the place."""
    stated = operation.promises.get("error.explained", {})
    return "" if {"status", "at"} <= set(stated) else "the document does not say how"


@scenario("error.explained", needs=first_reason(explains, takes_json, creatable))
def refusals_name_the_place(context: Context) -> None:
    """A refusal names at least one place, and for one wrong member that member."""
    stated = context.operation.promises["error.explained"]
    draft, _ = base(context)
    media = context.world.bodies.media(context.operation)
    assert media is not None
    assert media.schema is not None
    plain = not {"oneOf", "anyOf"} & set(context.document.schema(media.schema, View.REQUEST))
    for negative in negatives(context.document, media.schema, draft.body):
        draft.body = negative.value
        start = len(context.world.journal)
        exchange = shot(context, draft)
        if str(exchange.response.status) != stated["status"]:
            continue
        shown = context.world.exchanges(start)
        told = list(pointers.find(exchange.response.json(), pointers.split(stated["at"])))
        what = f"{negative.kind} at {negative.where}"
        if not told:
            context.fail("the place of what is wrong", f"none for {what}", exchanges=shown)
            continue
        astray = [place for place in told if not leads_into(draft.body, place)]
        if astray and plain:
            seen = f"{show(astray[0])} for {what}"
            context.fail("a JSON Pointer into the body that was sent", seen, exchanges=shown)
        named = any(str(place).startswith(pointers.join(negative.at)) for place in told)
        if plain and negative.kind == "a wrong type" and not named:
            seen = f"{show(told)} for {what}"
            context.fail("the place of what is wrong, itself", seen, exchanges=shown)


def leads_into(body: Any, place: Any) -> bool:
    """Whether a place is in a body, or is that of a member which one of its objects could have."""
    if not isinstance(place, str):
        return True
    if place and not place.startswith("/"):
        return False
    at = pointers.split(place)
    return not at or any(True for _ in pointers.find(body, at[:-1]))


@scenario("input.accepted", needs=first_reason(takes_json, creatable))
def extremes_of_the_schema_are_taken(context: Context) -> None:
    """Values on the bounds of the schema are taken: longest, shortest, every word of an enum."""
    draft, session = base(context)
    body = draft.body
    names = id_names(context.document, context.operation)
    attributes = context.world.bodies.attributes(context.operation)
    found = [*edges(context.document, attributes), *full_lists(context.document, attributes, body)]
    for where, value in found:
        if context.world.bodies.is_given(context.operation, where):
            continue
        trial = dict(body) | {where: value}
        if context.world.bodies.is_valid(context.operation, trial):
            draft.body = trial
            if aim_part(context, draft, session):
                what = f"{where}: {show(value)}"
                accepted(context, draft, what, name=where, chosen=where in names)
    for media_type in context.operation.body:
        for spelling in (f"{media_type}; charset=utf-8", media_type.title()):
            if "json" in media_type and aim_part(context, draft, session):
                draft.body, draft.media_type = body, spelling
                accepted(context, draft, f"Content-Type: {spelling}", chosen=True)
    if aim_part(context, draft, session):
        draft.media_type = ""
        draft.headers["Transfer-Encoding"] = "chunked"
        accepted(context, draft, "a body that comes in chunks (RFC 9112, section 7.1)", chosen=True)


def accepted(
    context: Context, draft: Draft, what: str, *, name: str = "", chosen: bool = False
) -> None:
    """Fails when a valid request is refused for what a member or parameter of a `name` says.

    An id that the client has `chosen`, or sends again, may be taken; what is declared to be a
    conflict depends on more than the request, and whether there is an agent, on the target.
    """
    start = len(context.world.journal)
    exchange = shot(context, draft)
    status = exchange.response.status
    is_declared = str(status) in context.operation.responses
    taken = status in (404, 411) or (status == 409 and chosen)  # 411 wants a Content-Length
    taken = taken or (is_declared and (status in (409, 412) or names_another(name)))
    failed = status >= 500 and is_declared
    if failed or (refused(exchange) and not taken):
        context.fail(
            "a success for a request that fits its schema",
            f"{status} for {what}",
            exchanges=context.world.exchanges(start),
            blame=Blame.IMPLEMENTATION if failed else Blame.EITHER,
            cause=f"{status} for {re.split('[:=]', what)[0]}" if failed else "",
        )


def edges(document: Document, attributes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Valid values that stand on a bound of their schema."""
    for name, inner in attributes.items():
        schema = plain(document, inner, View.REQUEST)
        if isinstance(most := schema.get("maxLength"), int):
            if most <= 200_000:
                yield name, "x" * most
            if most <= 5000:
                yield name, "👍" * most
        if isinstance(least := schema.get("minLength"), int):
            yield name, "x" * least
        if "string" in str(schema.get("type")):
            yield name, " " * schema.get("minLength", 0)
        for key in ("minimum", "maximum"):
            if isinstance(schema.get(key), (int, float)):
                yield name, schema[key]
        for word in schema.get("enum", ()):
            yield name, word
        yield name, None
        yield name, {}
        yield name, dict(RICH_OBJECT)


def full_lists(
    document: Document, attributes: dict[str, Any], body: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Lists of as many items as their schema allows."""
    for name, inner in attributes.items():
        most = document.follow(inner, View.REQUEST).get("maxItems")
        items = body.get(name)
        if isinstance(most, int) and most <= MOST and isinstance(items, list) and items:
            yield name, [copy.deepcopy(items[0]) for _ in range(most)]
