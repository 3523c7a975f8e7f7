"""What no client should send: other media types, text that is not JSON, extremes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft
from sparring.spec.streams.framing import framing_of

from ..checks import Context, NotChecked, first_reason, scenario
from ..driving.made import TALKING
from ..driving.turns import answers_json, streams
from ..world import succeeded
from .deletion import aim_part
from .inputs import base, creatable, shot, takes_json
from .keys import settled, state


@scenario("input.media_type", needs=first_reason(takes_json, creatable))
def other_media_types_are_refused(context: Context) -> None:
    """A body of an undeclared media type is refused, with a 415 where one is declared."""
    draft, session = taken(context)
    before = settled(context, session) if session else ""
    for media_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        if any(media_type == t or t == "*/*" for t in context.operation.body):
            continue
        draft.raw, draft.media_type = draft.encoded_body(), media_type
        status = shot(context, draft).response.status
        if "415" in context.operation.responses and status != 415 and status < 500:
            context.fail("the declared 415 for another media type", f"{status} for {media_type}")
        elif not 400 <= status < 500 and status < 500:
            context.fail("a 4xx for another media type", f"{status} for {media_type}")
    if session and not context.findings and state(context, session) != before:
        context.fail("no change by a request that was refused", "the session changed")


def taken(context: Context) -> tuple[Draft, str]:
    """A request that is taken as it is, to be sent again with one thing changed."""
    draft, session = base(context)
    exchange = shot(context, draft)
    if not succeeded(exchange):
        raise NotChecked(f"the request itself is answered {exchange.response.status}")
    if session:
        aim_part(context, draft, session)
    return draft, session


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
        for name in (n for n, inner in draft.body.items() if isinstance(inner, dict)):
            marked = draft.body | {name: {"n": "sparring-marker"}}
            if context.world.bodies.is_valid(context.operation, marked):
                text = json.dumps(marked).replace('"sparring-marker"', "NaN").encode()
                bodies.append(("NaN among free JSON", text))
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
                failed = (n for n, e in enumerate(shown, 1) if e.response.status >= 500)
                shown = shown[: next(failed, len(shown))]
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


def negotiates(document: Document, operation: Operation) -> str:
    """The answer is JSON or a stream, as `Accept` says."""
    binding = operation.binding
    if not (streams(operation) and answers_json(operation)):
        return "the answer has one form"
    stated = binding is not None and binding.when is not None
    return "something else than `Accept` says which form the answer has" if stated else ""


@scenario(
    "stream.media_type", *TALKING, Role.SESSION_ACT, needs=first_reason(negotiates, creatable)
)
def the_better_form_is_sent(context: Context) -> None:
    """Of JSON and a stream the answer is what `Accept` wants more, or the only one it names."""
    draft, session = taken(context)
    types = context.operation.answers
    json_type = next(t for t in types if "json" in t)
    stream = next(t for t in types if framing_of(t))
    for wanted, other in ((json_type, stream), (stream, json_type)):
        for accept in (wanted, f"{other};q=0.1, {wanted}", f"{wanted}, {other};q=0"):
            aim_part(context, draft, session)
            draft.accept = accept
            start = len(context.world.journal)
            exchange = shot(context, draft)
            if succeeded(exchange) and exchange.response.media_type != wanted:
                seen = f"{exchange.response.media_type or 'none'} for Accept: {accept}"
                shown = context.world.exchanges(start)
                context.fail("the form that `Accept` wants more", seen, exchanges=shown)


def refuses_accept(document: Document, operation: Operation) -> str:
    """The operation declares a 406."""
    return "" if "406" in operation.responses else "no 406 is declared"


@scenario("input.accept", needs=first_reason(refuses_accept, creatable))
def accept_is_honoured(context: Context) -> None:
    """An `Accept` that no declared media type satisfies is a 406; one that any does is not."""
    draft, session = taken(context)
    before = settled(context, session) if session else ""
    draft.accept = "application/x-sparring"
    status = shot(context, draft).response.status
    if status != 406:
        context.fail("a 406 for an Accept that nothing satisfies", str(status))
    elif session and settled(context, session) != before:
        context.fail("no change by a request that was refused", "the session changed")
    found = context.operation.success
    for media_type in found[1].content if found else ():
        if framing_of(media_type):
            continue
        for accept in (
            f"text/x-nothing, {media_type};q=0.5",
            "*/*",
            f"{media_type.split('/')[0]}/*",
        ):
            draft.accept = accept
            status = shot(context, draft).response.status
            if status == 406:
                context.fail("no 406 for an Accept that is satisfied", f"406 for {accept}")
