"""What is refused and what is taken in parameters: bounds, spellings, and that it is said where."""

from __future__ import annotations

from collections.abc import Iterator

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft, plain, put, scalar
from sparring.spec.openapi.parameters import Parameter
from sparring.spec.openapi.schemas import View

from ..checks import Context, first_reason, scenario, show
from ..world import succeeded
from .inputs import (
    accepted,
    base,
    choose,
    creatable,
    explains,
    names_no_part,
    nothing_is_made,
    refused,
    shot,
)
from .keys import settled, state


def has_parameters(document: Document, operation: Operation) -> str:
    """The operation has parameters with a schema."""
    return "" if any(p.schema for p in operation.parameters) else "the operation has no parameters"


@scenario("input.parameters", needs=first_reason(has_parameters, creatable))
def broken_parameters_are_refused(context: Context) -> None:
    """A parameter that breaks its schema is refused."""
    draft, session = base(context)
    before = settled(context, session) if session else ""
    chosen = []
    for found in context.operation.parameters:
        accepted_kinds: set[str] = set()
        for kind, text in broken_texts(context.document, found):
            if kind in accepted_kinds:
                continue
            trial = draft.copied()
            trial.query = [pair for pair in trial.query if pair[0] != found.name]
            put(context.document, trial, (found.place, found.name), "")
            write(trial, found, text)
            chosen.append(choose(context, trial))
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
    nothing_is_made(context, chosen)


@scenario("error.explained", needs=first_reason(explains, has_parameters, creatable))
def refused_parameters_are_named(context: Context) -> None:
    """The refusal of a parameter names a place too, and the part of the request where it is."""
    stated = context.operation.promises["error.explained"]
    draft, _ = base(context)
    for found in context.operation.parameters:
        kind, text = next(broken_texts(context.document, found), ("", ""))
        if not kind or found.place == "path":
            continue
        trial = draft.copied()
        write(trial, found, text)
        start = len(context.world.journal)
        exchange = shot(context, trial)
        if str(exchange.response.status) != stated["status"]:
            continue
        shown, body = context.world.exchanges(start), exchange.response.json()
        if not any(True for _ in pointers.find(body, pointers.split(stated["at"]))):
            seen = f"none for {kind} in {found.name}"
            context.fail("the place of what is wrong", seen, exchanges=shown)
        elif "part" in stated:
            parts = list(pointers.find(body, pointers.split(stated["part"])))
            if found.place not in parts:
                seen = f"{show(parts)} for {kind} in {found.name}"
                context.fail(f"{found.place} as the part that is wrong", seen, exchanges=shown)


SPELLINGS = {
    "integer": ("1_0", "\u0663", "0x10"),
    "number": ("1_0", "\u0663", "0x10"),
    "boolean": ("1", "0", "yes", "on", "True", "FALSE"),
}


@scenario("input.spelling", needs=first_reason(has_parameters, creatable))
def odd_spellings_are_refused(context: Context) -> None:
    """What is a number or a boolean to some programming language only is refused."""
    draft, _ = base(context)
    for found in context.operation.parameters:
        if found.schema is None or found.place != "query":
            continue
        schema = context.document.schema(found.schema, View.REQUEST)
        schema = plain(context.document, schema, View.REQUEST)
        validator = context.document.schemas.at(found.schema, View.REQUEST)
        for text in SPELLINGS.get(str(schema.get("type")), ()):
            if validator.is_valid(found.decode([text])):
                continue
            trial = draft.copied()
            write(trial, found, text)
            start = len(context.world.journal)
            exchange = shot(context, trial)
            if succeeded(exchange):
                seen = f"{exchange.response.status} for {found.name}={text}"
                shown = context.world.exchanges(start)
                context.fail(f"a 4xx for an odd spelling of {found.name}", seen, exchanges=shown)
                break


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
            accepted(context, trial, f"{found.name}={scalar(value)}", name=found.name)
