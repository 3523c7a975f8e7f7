"""What is refused and what is taken: bodies, parameters, media types, extremes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sparring.spec import pointers
from sparring.spec.binding import Role
from sparring.spec.document import Document, Operation
from sparring.spec.drafts import Draft, plain, put, scalar
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Blame
from sparring.spec.parameters import Parameter
from sparring.spec.schemas import View

from ..bodies import RICH_OBJECT
from ..checks import Context, first_reason, scenario, show
from ..comparing import has
from ..driver import User
from ..negatives import negatives
from ..target import Limits
from ..turns import streams
from ..world import is_stream, succeeded
from .create import id_names
from .deletion import takes_session, talked
from .keys import any_draft, settled, state

creatable = has(Role.SESSION_CREATE)


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
    body = draft.body
    for negative in negatives(context.document, media.schema, body):
        draft.body = negative.value
        start = len(context.world.journal)
        exchange = shot(context, draft)
        if not refused(exchange) and exchange.response.status < 500:
            seen = f"{exchange.response.status} for {negative.kind} at {negative.where}"
            shown = context.world.exchanges(start)
            context.fail(f"a 4xx for {negative.kind}", seen, exchanges=shown)
    if session and state(context, session) != before and not context.findings:
        context.fail("no change by a body that was refused", "the session changed")
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
        named = any(str(place).startswith(pointers.join(negative.at)) for place in told)
        if plain and negative.kind == "a wrong type" and not named:
            seen = f"{show(told)} for {what}"
            context.fail("the place of what is wrong, itself", seen, exchanges=shown)


@scenario("input.accepted", needs=first_reason(takes_json, names_no_part, creatable))
def extremes_of_the_schema_are_taken(context: Context) -> None:
    """Values on the bounds of the schema are taken: longest, shortest, every word of an enum."""
    draft, _ = base(context)
    body = draft.body
    names = id_names(context.document, context.operation)
    for where, value in edges(context.document, context.world.bodies.attributes(context.operation)):
        if context.world.bodies.is_given(context.operation, where):
            continue
        trial = dict(body) | {where: value}
        if not context.world.bodies.is_valid(context.operation, trial):
            continue
        draft.body = trial
        accepted(context, draft, f"{where}: {show(value)}", chosen=where in names)
    for media_type in context.operation.body:
        if "json" in media_type:
            draft.body, draft.media_type = body, f"{media_type}; charset=utf-8"
            accepted(context, draft, f"Content-Type: {draft.media_type}")


def accepted(context: Context, draft: Draft, what: str, *, chosen: bool = False) -> None:
    """Fails when a valid request is refused; an id that the client has `chosen` may be taken."""
    start = len(context.world.journal)
    exchange = shot(context, draft)
    status = exchange.response.status
    taken = (chosen and status == 409) or status == 404  # there is no such agent, or model
    failed = status >= 500 and str(status) in context.operation.responses
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
        if isinstance(most := schema.get("maxLength"), int) and "pattern" not in schema:
            if most <= 200_000:
                yield name, "x" * most
            if most <= 2000:
                yield name, "👍" * most
        if isinstance(least := schema.get("minLength"), int) and "pattern" not in schema:
            yield name, "x" * least
        if schema.get("minLength", 0) == 0 and "string" in str(schema.get("type")):
            yield name, ""
        for key in ("minimum", "maximum"):
            if isinstance(schema.get(key), (int, float)):
                yield name, schema[key]
        for word in schema.get("enum", ()):
            yield name, word
        yield name, None
        yield name, {}
        yield name, dict(RICH_OBJECT)


def has_parameters(document: Document, operation: Operation) -> str:
    """The operation has parameters with a schema."""
    return "" if any(p.schema for p in operation.parameters) else "the operation has no parameters"


@scenario("input.parameters", needs=first_reason(has_parameters, creatable))
def broken_parameters_are_refused(context: Context) -> None:
    """A parameter that breaks its schema is refused."""
    draft, session = base(context)
    before = settled(context, session) if session else ""
    for found in context.operation.parameters:
        accepted_kinds: set[str] = set()
        for kind, text in broken_texts(context.document, found):
            if kind in accepted_kinds:
                continue
            trial = draft.copied()
            trial.query = [pair for pair in trial.query if pair[0] != found.name]
            put(context.document, trial, (found.place, found.name), "")
            write(trial, found, text)
            start = len(context.world.journal)
            exchange = shot(context, trial)
            if not refused(exchange) and exchange.response.status < 500:
                accepted_kinds.add(kind)
                context.fail(
                    f"a 4xx for {kind} in {found.name}",
                    f"{exchange.response.status} for {found.name}={text[:80]}",
                    exchanges=context.world.exchanges(start),
                )
    if session and not context.findings and state(context, session) != before:
        context.fail("no change by a request that was refused", "the session changed")


def write(draft: Draft, found: Parameter, text: str) -> None:
    """Puts raw text in place of a parameter's value."""
    if found.place == "query":
        draft.query = [pair for pair in draft.query if pair[0] != found.name] + [(found.name, text)]
    elif found.place == "header":
        draft.headers[found.name] = text
    elif found.place == "path":
        draft.path[found.name] = text


def broken_texts(document: Document, found: Parameter) -> Iterator[tuple[str, str]]:
    """Raw texts that a parameter can't be, by the kind of what is wrong."""
    if found.schema is None:
        return
    schema = plain(document, document.schema(found.schema, View.REQUEST), View.REQUEST)
    validator = document.schemas.at(found.schema, View.REQUEST)
    candidates: list[tuple[str, str]] = [
        ("a wrong type", "abc"),
        ("a wrong type", "1.5"),
        ("a wrong type", "[1]"),
        ("a wrong type", '"text"'),
        ("text that is not JSON", "{not json"),
        ("text that is not JSON", "{'a': 1}"),
        ("a value outside its enum", "sparring-unknown"),
        ("a value outside its pattern", "not ok!"),
        ("a value outside its pattern", "a" * 300),
        ("a value outside its pattern", "-1"),
    ]
    for key, step in (("minimum", -1), ("maximum", 1)):
        if isinstance(bound := schema.get(key), int):
            candidates.append(("a number out of bounds", scalar(bound + step)))
    words = schema.get("enum") or document.follow(schema.get("items", {}), View.REQUEST).get("enum")
    if words:
        candidates.append(("a value outside its enum", str(words[0]).upper() + "x"))
        candidates.append(("a value outside its enum", f"{words[0]},sparring-unknown"))
    for kind, text in candidates:
        if found.place == "path" and ("/" in text or text in (".", "..")):
            continue
        try:
            value = found.decode([text])
        except ValueError:
            yield kind, text
            continue
        if not validator.is_valid(value):
            yield kind, text


@scenario("input.accepted", needs=first_reason(has_parameters, names_no_part, creatable))
def extreme_parameters_are_taken(context: Context) -> None:
    """Query parameters on their bounds, and every word of an enum, are taken."""
    draft, _ = base(context)
    for found in context.operation.parameters:
        if found.place != "query" or found.schema is None:
            continue
        schema = context.document.schema(found.schema, View.REQUEST)
        schema = plain(context.document, schema, View.REQUEST)
        values = [schema[key] for key in ("minimum", "maximum") if key in schema]
        values += list(schema.get("enum", ()))
        values += [True, False] if schema.get("type") == "boolean" else []
        role = context.operation.binding.role if context.operation.binding else None
        for value in values:
            if role is Role.MESSAGE_SUBSCRIBE:
                continue  # it may hold the stream open
            trial = draft.copied()
            put(context.document, trial, ("query", found.name), value)
            accepted(context, trial, f"{found.name}={scalar(value)}")
