"""What comes back as it was sent: numbers, odd characters, times."""

from __future__ import annotations

import json
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.schemas import View

from ..checks import Context, NotChecked, first_reason, same, scenario, show
from ..driving.bodies import HOSTILE
from ..driving.comparing import at, differences, has, instant, readable
from ..driving.made import TALKING
from ..driving.turns import message_draft, say, streams
from ..world import Session, entity, succeeded
from .inputs import takes_json
from .talk import speakable
from .updates import both, changeable, free_objects, timed

CREATE, UPDATE = Role.SESSION_CREATE, Role.SESSION_UPDATE
NUMBERS: tuple[int | float, ...] = (
    0, -1, 1.0, -0.0, 0.1 + 0.2, 1e21, 1e-7, 3.141592653589793, 16777217, 1234567.891,
    2**53 - 1, 1 - 2**53, 1e100, 100.0, 5e-10,
)  # fmt: skip
LARGE = (2**53 + 1, 2**63 - 1, -(2**63))
ODD = ("nul \0 inside", "bell \a escape \x1b[31m", "\x7f delete \x85", "\ufffe \uffff \U0010ffff")
QUARTER, SKEW, FARTHEST = 900.0, 120.0, 14 * 3600.0
"""Seconds: zones differ by quarters of an hour, up to 14 hours; a clock may be a little wrong."""


def stored(context: Context, body: dict[str, Any]) -> tuple[Session, Exchange] | None:
    """A session with these attributes, by the check's operation, read; None if it is refused."""
    alice, operation = context.alice, context.operation
    assert operation.binding is not None
    if operation.binding.role is CREATE:
        draft = alice.create_draft(body=body, operation=operation)
        exchange = alice.send(draft)
        if not succeeded(exchange):
            return None
        session = alice.made(draft, exchange)
    else:
        session = alice.create()
        if not succeeded(alice.update(operation, session.id, body)):
            return None
    return session, alice.get(session.id)


@scenario("number.exact", CREATE, UPDATE, needs=first_reason(takes_json, both))
def numbers_stay_exact(context: Context) -> None:
    """Large, small and fractional numbers in free JSON are equal numbers when they are read."""
    names = free_objects(context)
    if not names:
        raise NotChecked("no attribute holds free JSON")
    wide = context.operation.promises.get("number.exact", {}).get("integers") == "64"
    numbers = (*NUMBERS, *LARGE) if wide else NUMBERS
    value = {f"n{index}": number for index, number in enumerate(numbers)}
    body = context.world.bodies.least(context.operation) | {names[0]: {**value, "list": [*numbers]}}
    if (found := stored(context, body)) is None:
        raise NotChecked("the numbers are refused")
    get = context.world.need(Role.SESSION_GET)
    whole = json.loads(found[1].response.body or b"null")
    read = pointers.first(whole, (*get.binding.entity, names[0])) if get.binding else None
    if not isinstance(read, dict):
        context.fail("numbers as they were sent", show(read))
        return
    listed = read.get("list")
    pairs = [(number, read.get(key)) for key, number in value.items()]
    pairs += zip(numbers, listed if isinstance(listed, list) else [None], strict=False)
    if wrong := [f"{show(got)} of {show(sent)}" for sent, got in pairs if not equal(sent, got)]:
        context.fail("numbers as they were sent", "; ".join(dict.fromkeys(wrong)))


def equal(sent: int | float, got: Any) -> bool:
    """Whether a number has come back; one with a fraction or an exponent as the nearest double."""
    if isinstance(sent, float) and isinstance(got, int) and not isinstance(got, bool):
        return len(str(got)) < 300 and float(got) == sent
    return same(sent, got)


def free_texts(context: Context) -> list[str]:
    """The attributes that hold any text, and name nothing."""
    model = context.document.model.session
    taken = {location[0] for key, location in model.items() if key != "title" and location}
    least = context.world.bodies.least(context.operation)
    found = []
    for name, schema in context.world.bodies.attributes(context.operation).items():
        schema = context.document.follow(schema, View.REQUEST)
        bounds = {"pattern", "enum", "const", "format"} & set(schema)
        is_text = "string" in str(schema.get("type")) and not bounds
        if is_text and name not in least and name not in taken and not name.endswith(("id", "Id")):
            found.append(name)
    return [name for name in found if name in changeable(context)]


@scenario("text.verbatim", CREATE, UPDATE, needs=first_reason(takes_json, both))
def attributes_are_unchanged(context: Context) -> None:
    """Text that is hard to keep stands in the attributes of a session as it was sent."""
    bodies, names = context.world.bodies, free_texts(context)
    least, shown = bodies.least(context.operation), readable(context.world)
    objects = free_objects(context)[:1]
    if not names and not objects:
        raise NotChecked("no attribute holds any text")
    if objects:
        _unchanged(context, least | {objects[0]: {text: text for text in HOSTILE}}, shown)
    for text in HOSTILE if names else ():
        fit = {name: text for name in names if _fits(context, name, text)}
        _unchanged(context, least | fit, shown)


def _fits(context: Context, name: str, text: str) -> bool:
    least = context.world.bodies.least(context.operation)
    return context.world.bodies.is_valid(context.operation, least | {name: text})


def _unchanged(context: Context, body: dict[str, Any], shown: dict[str, Any]) -> None:
    start = len(context.world.journal)
    if not context.world.bodies.is_valid(context.operation, body):
        return
    if (found := stored(context, body)) is None:
        return  # input.accepted
    read = entity(context.world.need(Role.SESSION_GET), found[1])
    if not isinstance(read, dict):
        return
    if wrong := differences(context.document, shown, body, read):
        seen = "; ".join(wrong)[:600].encode("unicode_escape").decode()
        context.fail("text as it was sent", seen, exchanges=context.world.exchanges(start))


@scenario("text.verbatim", *TALKING, needs=speakable)
def odd_characters_are_refused_or_kept(context: Context) -> None:
    """Control characters and the like, where they are taken at all, come back as they were sent."""
    alice, operation = context.alice, context.operation
    session = alice.create()
    for text in ODD:
        if context.world.bodies.message(operation, [text]) is None:
            continue
        start = len(context.world.journal)
        draft = message_draft(alice, operation, session.id, [text])
        if streams(operation):
            with alice.open(draft) as stream:
                stream.drain()
            exchange = stream.exchange
        else:
            exchange = alice.send(draft)
        if not succeeded(exchange):
            continue
        said = [line.text for line in alice.history(session.id) if line.role == "user"]
        if text not in said[-1:]:
            seen = f"{said[-1:]!a} of {text!a}"
            context.fail("text as it was sent", seen, exchanges=context.world.exchanges(start))
            return


def _now(exchange: Exchange) -> float:
    """What time it is for the target, or for us where it does not say."""
    try:
        return parsedate_to_datetime(exchange.response.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return time.time()


def in_other_zone(value: Any, now: float) -> bool:
    """Whether a time that names a zone would be now in another one; a clock may be any other."""
    moment = instant(value)
    if not isinstance(moment, datetime) or datetime.fromisoformat(value).tzinfo is None:
        return False
    by = moment.timestamp() - now
    quarters = round(by / QUARTER)
    return 0 < abs(quarters) * QUARTER <= FARTHEST and abs(by - quarters * QUARTER) <= SKEW


@scenario("time.zone", CREATE, needs=first_reason(timed("created"), has(Role.SESSION_GET)))
def creation_is_now(context: Context) -> None:
    """A session that is made now says so, whatever zone its times name."""
    session = context.alice.create(operation=context.operation)
    stored = context.alice.read(session.id)
    for key in ("created", "updated"):
        value = at(stored, context.document.model.session.get(key))
        if in_other_zone(value, _now(session.exchange)):
            context.fail(f"the {key} time of a session that was made now", show(value))


@scenario("time.zone", *TALKING, needs=speakable)
def messages_are_now(context: Context) -> None:
    """What is said now says so in the history, whatever zone its times name."""
    session = context.alice.create()
    turn = say(
        context.alice, context.operation, session.id, context.world.words("What time is it?")
    )
    for operation in context.document.with_role(Role.MESSAGE_LIST):
        for line in context.alice.history(session.id, operation):
            if in_other_zone(line.created, _now(turn.exchange)):
                context.fail("the time of what was said now", show(line.created))
                return
