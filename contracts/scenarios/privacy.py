"""What nobody learns of others: not that they have a session, nor what they say in it."""

from __future__ import annotations

import re
import string
from typing import Any

from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import parameter

from ..checks import Context, NotChecked, first_reason, scenario
from ..driving.parts import aim_at, part_of
from ..driving.turns import say, talk_of
from ..target.target import Limits
from .deletion import takes_session, talked
from .keys import any_draft, needs_key, short_answer, two_users
from .resuming import subscription, talkable

_SETS = (string.digits, "abcdef", string.ascii_lowercase[6:], "ABCDEF", string.ascii_uppercase[6:])
_ANY_HEADER = frozenset({"content-length", "date", "keep-alive", "connection", "server"})


def look_alike(id: str, shift: int) -> str:
    """An id of the same form, with other letters and digits at its end."""
    changed = [
        next((s[(s.index(c) + shift) % len(s)] for s in _SETS if c in s), c) for c in id[-6:]
    ]
    return id[:-6] + "".join(changed)


def no_distinction(document: Document, operation: Operation) -> str:
    """The document tells a foreign session from a missing one nowhere."""
    both = {"403", "404"} <= set(operation.responses)
    return "the document declares a 403 beside the 404" if both else ""


@scenario("auth.alike", needs=first_reason(needs_key, takes_session, no_distinction))
def foreign_and_missing_are_alike(context: Context) -> None:
    """A session of another user is answered as one that does not exist, word for word."""
    two_users(context)
    session = talked(context, context.alice)
    if session.isdecimal():
        raise NotChecked("ids are numbers: what is next to one may exist")
    ids = (look_alike(session, 1), look_alike(session, 2), session)
    guarded = parameter(context.operation, "header", "If-Match") is not None
    for condition in (None, '"sparring"') if guarded else (None,):
        part = part_of(context.alice, session, context.operation)
        answers = [_asked(context, id, condition, part) for id in ids]
        one, two, foreign = (answer.response.status for answer in answers)
        if one != two or not 400 <= one < 500 or not 400 <= foreign < 500:
            continue  # session.missing, auth.owner
        first, second, seen = (_told(answer, id) for answer, id in zip(answers, ids, strict=True))
        shown = [answers[0], answers[2]]
        if foreign != one:
            said = f"{foreign} for another user's session, {one} for none"
            context.fail("one status for foreign and missing sessions", said, exchanges=shown)
        elif first == second and seen != first:
            said = f"{seen} for another user's session, {first} for none"
            context.fail("one answer for foreign and missing sessions", said, exchanges=shown)


def _asked(context: Context, id: str, condition: str | None, part: str | None) -> Exchange:
    draft = aim_at(any_draft(context, context.bob, id), context.bob, part)
    if condition:
        draft.headers["If-Match"] = condition
    return short_answer(context, context.bob.request(draft), draft)


def _told(exchange: Exchange, id: str) -> Any:
    """What an answer tells, apart from the id that was asked for."""
    text = exchange.response.body.decode("utf-8", "replace")
    text = re.sub(re.escape(id), "ID", text, flags=re.IGNORECASE)
    return text[:300], sorted(set(exchange.response.headers) - _ANY_HEADER)


LISTS = (Role.SESSION_LIST, Role.MESSAGE_LIST, Role.SUGGESTION_LIST)


@scenario("auth.owner", *LISTS, needs=first_reason(needs_key, talkable))
def words_of_others_are_not_listed(context: Context) -> None:
    """No list of one user, however it is asked for, has what another user has said."""
    two_users(context)
    secret = f"secret {context.world.bodies.fresh()}"
    theirs = context.bob.create()
    say(context.bob, talk_of(context.world), theirs.id, secret)
    own = talked(context, context.alice)
    binding = context.operation.binding
    is_sessions = binding is not None and binding.role is Role.SESSION_LIST
    page = context.alice.page(context.operation, None if is_sessions else own)
    if secret.encode() in page.exchange.response.body:
        context.fail("a list without the words of other users", "what another has said")


@scenario("auth.owner", Role.MESSAGE_SUBSCRIBE, needs=first_reason(needs_key, talkable))
def words_of_others_are_not_streamed(context: Context) -> None:
    """A subscription of one user does not tell what another user says in their session."""
    two_users(context)
    secret = f"secret {context.world.bodies.fresh()}"
    theirs, own = context.bob.create(), context.alice.create()
    draft = subscription(context, own.id, None, 1)
    with context.alice.open(draft, Limits(seconds=2)) as stream:
        say(context.bob, talk_of(context.world), theirs.id, secret)
        stream.drain()
    if secret.encode() in stream.exchange.response.body:
        context.fail("a stream without the words of other users", "what another has said")
