"""What is refused and what is taken: bodies, parameters, media types, extremes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sparring.spec import pointers
from sparring.spec.binding import Role
from sparring.spec.document import Document, Operation
from sparring.spec.exchange import Exchange
from sparring.spec.parameters import Parameter
from sparring.spec.schemas import View

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..comparing import has
from ..driver import EVENT_STREAM, User, succeeded
from ..negatives import negatives
from ..places import Draft, put, scalar
from ..turns import streams
from .deletion import takes_session, talked
from .keys import any_draft, settled, state

creatable = has(Role.SESSION_CREATE)


def takes_json(document: Document, operation: Operation) -> str:
    """The operation takes a JSON body with a schema."""
    takes = any("json" in m.type and m.schema for m in operation.body.values())
    return "" if takes else "the operation takes no JSON body"


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
    with user.open(draft) as stream:
        if stream.exchange.response.media_type == EVENT_STREAM:
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
        from .create import id_names

        names = id_names(context.document, context.operation)
        draft.body = context.world.bodies.rich(context.operation, without=names)
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


@scenario("input.accepted", needs=first_reason(takes_json, creatable))
def extremes_of_the_schema_are_taken(context: Context) -> None:
    """Values on the bounds of the schema are taken: longest, shortest, every word of an enum."""
    draft, _ = base(context)
    body = draft.body
    for where, value in edges(context.document, context.world.bodies.attributes(context.operation)):
        trial = dict(body) | {where: value}
        if not context.world.bodies.is_valid(context.operation, trial):
            continue
        draft.body = trial
        accepted(context, draft, f"{where}: {show(value)}")
    for media_type in context.operation.body:
        if "json" in media_type:
            draft.body, draft.media_type = body, f"{media_type}; charset=utf-8"
            accepted(context, draft, f"Content-Type: {draft.media_type}")


def accepted(context: Context, draft: Draft, what: str) -> None:
    """Fails when a valid request is refused."""
    start = len(context.world.journal)
    exchange = shot(context, draft)
    if refused(exchange):
        context.fail(
            "a success for a request that fits its schema",
            f"{exchange.response.status} for {what}",
            exchanges=context.world.exchanges(start),
        )


def edges(document: Document, attributes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Valid values that stand on a bound of their schema."""
    for name, inner in attributes.items():
        schema = document.follow(inner, View.REQUEST)
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


def has_parameters(document: Document, operation: Operation) -> str:
    """The operation has parameters with a schema."""
    return "" if any(p.schema for p in operation.parameters) else "the operation has no parameters"


@scenario("input.parameters", needs=first_reason(has_parameters, creatable))
def broken_parameters_are_refused(context: Context) -> None:
    """A parameter that breaks its schema is refused."""
    draft, session = base(context)
    before = settled(context, session) if session else ""
    for found in context.operation.parameters:
        for kind, text in broken_texts(context.document, found):
            trial = Draft(
                draft.operation,
                dict(draft.path),
                list(draft.query),
                dict(draft.headers),
                draft.body,
            )
            trial.accept = draft.accept
            trial.query = [pair for pair in trial.query if pair[0] != found.name]
            put(context.document, trial, (found.place, found.name), "")
            write(trial, found, text)
            start = len(context.world.journal)
            exchange = shot(context, trial)
            if not refused(exchange) and exchange.response.status < 500:
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
    schema = document.schema(found.schema, View.REQUEST)
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


@scenario("input.accepted", needs=first_reason(has_parameters, creatable))
def extreme_parameters_are_taken(context: Context) -> None:
    """Query parameters on their bounds, and every word of an enum, are taken."""
    draft, _ = base(context)
    for found in context.operation.parameters:
        if found.place != "query" or found.schema is None:
            continue
        schema = context.document.schema(found.schema, View.REQUEST)
        values = [schema[key] for key in ("minimum", "maximum") if key in schema]
        values += list(schema.get("enum", ()))
        values += [True, False] if schema.get("type") == "boolean" else []
        role = context.operation.binding.role if context.operation.binding else None
        for value in values:
            if role is Role.MESSAGE_SUBSCRIBE:
                continue  # it may hold the stream open
            trial = Draft(
                draft.operation,
                dict(draft.path),
                list(draft.query),
                dict(draft.headers),
                draft.body,
            )
            trial.accept = draft.accept
            put(context.document, trial, ("query", found.name), value)
            accepted(context, trial, f"{found.name}={scalar(value)}")


@scenario("input.media_type", needs=first_reason(takes_json, creatable))
def other_media_types_are_refused(context: Context) -> None:
    """A body of an undeclared media type is refused, with a 415 where one is declared."""
    draft, session = base(context)
    before = settled(context, session) if session else ""
    for media_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        if any(media_type == t or t == "*/*" for t in context.operation.body):
            continue
        draft.media_type = media_type
        status = shot(context, draft).response.status
        if "415" in context.operation.responses and status != 415 and status < 500:
            context.fail("the declared 415 for another media type", f"{status} for {media_type}")
        elif not 400 <= status < 500 and status < 500:
            context.fail("a 4xx for another media type", f"{status} for {media_type}")
    if session and not context.findings and state(context, session) != before:
        context.fail("no change by a request that was refused", "the session changed")


MALFORMED: tuple[tuple[str, bytes], ...] = (
    ("JSON that is cut short", b'{"a": '),
    ("text", b"not json"),
    ("single quotes", b"{'a': 'b'}"),
    ("a trailing comma", b'{"a": 1,}'),
    ("JSON and more", b"{} {}"),
    ("bytes that are not UTF-8", b'{"a": "\xff\xfe"}'),
    ("too many brackets", b"[" * 100_000),
    ("a bare word", b"{a: 1}"),
)


@scenario("input.malformed", needs=first_reason(takes_json, creatable))
def malformed_json_is_refused(context: Context) -> None:
    """What is not JSON is a 4xx, never taken and never a failure of the server."""
    draft, _ = base(context)
    bodies = list(MALFORMED)
    valid = draft.encoded_body()
    if isinstance(draft.body, dict) and draft.body:
        name = next(iter(draft.body))
        value = json.dumps(draft.body[name], ensure_ascii=False, separators=(",", ":")).encode()
        for word in (b"NaN", b"Infinity"):
            bodies.append((word.decode(), valid.replace(value, word, 1)))
        bodies.append(("a valid body that is cut short", valid[:-1]))
        bodies.append(("a valid body and more", valid + b"x"))
    for kind, raw in bodies:
        draft.raw = raw
        start = len(context.world.journal)
        status = shot(context, draft).response.status
        if not 400 <= status < 500:
            shown = context.world.exchanges(start)
            context.fail("a 4xx for text that is not JSON", f"{status} for {kind}", exchanges=shown)


DEEP = 3000


def extremes() -> list[tuple[str, str]]:
    """JSON texts that are legal and hard."""
    return [
        ("an integer of 4,000 digits", "9" * 4000),
        ("a number of 1e400", "1e400"),
        ("a lone surrogate", '"\\ud800"'),
        ("a null character", '"a\\u0000b"'),
        ("arrays that are nested deeply", "[" * DEEP + "]" * DEEP),
        ("objects that are nested deeply", '{"a":' * DEEP + "1" + "}" * DEEP),
        ("a key that names a prototype", '{"__proto__": {"x": 1}}'),
        ("a key that stands twice", '{"a": 1, "a": 2}'),
    ]


@scenario("input.extremes", needs=first_reason(takes_json, creatable))
def extremes_never_break_the_server(context: Context) -> None:
    """Extreme JSON is taken or refused, but neither it nor what reads it afterwards fails."""
    draft, session = base(context)
    if not isinstance(draft.body, dict):
        raise NotChecked("the body is no object")
    places = list(_string_places(draft.body))
    objects = [n for n, v in draft.body.items() if isinstance(v, dict)]
    marker = '"sparring-marker"'
    for kind, text in extremes():
        for where in [(name, "x") for name in objects] + places[:2]:
            body = json.loads(json.dumps(draft.body))
            pointers.put(body, where, "sparring-marker")
            draft.raw = json.dumps(body).replace(marker, text, 1).encode()
            start = len(context.world.journal)
            exchange = shot(context, draft)
            made = context.world.made[-1][1] if context.world.made else session
            worst = max(
                [exchange, *reads(context, session or made)], key=lambda e: e.response.status
            )
            if worst.response.status >= 500:
                seen = f"{worst.response.status} for {kind} in {pointers.join(where)}"
                shown = context.world.exchanges(start)
                context.fail("no failure for extreme but legal JSON", seen, exchanges=shown)
                return


def _string_places(body: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    items = (
        body.items()
        if isinstance(body, dict)
        else enumerate(body)
        if isinstance(body, list)
        else ()
    )
    for key, value in items:
        if isinstance(value, str):
            yield (*at, str(key))
        else:
            yield from _string_places(value, (*at, str(key)))


def reads(context: Context, session: str) -> Iterator[Exchange]:
    """Reads all that shows a session."""
    for role in (Role.SESSION_GET, Role.SESSION_LIST, Role.MESSAGE_LIST):
        for operation in context.document.with_role(role):
            if operation.binding and not operation.binding.active and session:
                yield context.alice.send(context.alice.draft(operation, session))


def refuses_accept(document: Document, operation: Operation) -> str:
    """The operation declares a 406."""
    return "" if "406" in operation.responses else "no 406 is declared"


@scenario("input.accept", needs=first_reason(refuses_accept, creatable))
def accept_is_honoured(context: Context) -> None:
    """An `Accept` that no declared media type satisfies is a 406; one that any does is not."""
    draft, _ = base(context)
    draft.accept = "application/x-sparring"
    status = context.alice.send(draft).response.status
    if status != 406:
        context.fail("a 406 for an Accept that nothing satisfies", str(status))
    found = context.operation.success
    for media_type in found[1].content if found else ():
        if media_type == EVENT_STREAM:
            continue
        for accept in (
            f"text/x-nothing, {media_type};q=0.5",
            "*/*",
            f"{media_type.split('/')[0]}/*",
        ):
            draft.accept = accept
            status = context.alice.send(draft).response.status
            if status == 406:
                context.fail("no 406 for an Accept that is satisfied", f"406 for {accept}")
