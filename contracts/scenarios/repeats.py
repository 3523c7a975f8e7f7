"""What a request that is sent again promises: under its key it is done once."""

from __future__ import annotations

from functools import partial

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import parameter

from ..checks import Context, first_reason, scenario
from ..driving.comparing import has
from ..driving.driver import User
from ..driving.made import id_in
from ..driving.together import together
from ..driving.turns import answers_json, as_json, message_draft
from ..world import Blocked, Line, succeeded
from .talk import talkable

CREATE = Role.SESSION_CREATE
HEADER = "Idempotency-Key"


def takes_keys(document: Document, operation: Operation) -> str:
    """`Idempotency-Key` is declared."""
    found = parameter(operation, "header", HEADER)
    return "" if found else f"{HEADER} is not declared"


def created(context: Context, user: User, key: str) -> str:
    """The id of the session that a create under a key makes; empty if it is refused."""
    draft = user.create_draft(operation=context.operation)
    draft.headers[HEADER] = key
    exchange = user.send(draft)
    if not succeeded(exchange):
        if not context.world.made:
            raise Blocked(context.operation, exchange)
        return ""
    return user.made(draft, exchange).id if id_in(context.operation, exchange) else ""


@scenario("idempotency.key", CREATE, needs=first_reason(takes_keys, has(CREATE)))
def creates_under_a_key_are_done_once(context: Context) -> None:
    """A create that is sent again gives the first session, under another key or of another user
    another one."""
    key, other = (f"sparring-{context.world.bodies.fresh()}" for _ in range(2))
    first = created(context, context.alice, key)
    again = created(context, context.alice, key)
    if again and again != first:
        context.fail("one session for one key", "a second one")
    if created(context, context.alice, other) == first:
        context.fail("another session for another key", "the first one")
    if context.bob.key != context.alice.key and created(context, context.bob, key) == first:
        context.fail("a session of their own for another user's key", "that of the first user")


@scenario("idempotency.key", CREATE, needs=first_reason(takes_keys, has(CREATE)))
def creates_at_one_instant_are_done_once(context: Context) -> None:
    """Of creates at one instant under one key one is done; the others give its session, or are
    refused."""
    for _ in range(3):
        key = f"sparring-{context.world.bodies.fresh()}"
        results = together([partial(created, context, context.alice, key) for _ in range(4)])
        made = {id for id in results if isinstance(id, str) and id}
        if len(made) > 1:
            context.fail("one session for one key at one instant", f"{len(made)} sessions")
            return


@scenario("idempotency.key", Role.MESSAGE_CREATE, needs=first_reason(takes_keys, talkable))
def messages_under_a_key_are_said_once(context: Context) -> None:
    """A message that is sent again under its key stands in the history once; under another key it
    is said again."""
    alice, text = context.alice, "Say this just once."
    session = alice.create().id
    key, other = (f"sparring-{context.world.bodies.fresh()}" for _ in range(2))
    heard: list[Line] = []
    for name, times in ((key, 1), (key, 1), (other, 2)):
        draft = message_draft(alice, context.operation, session, [text])
        draft = as_json(draft) if answers_json(context.operation) else draft
        draft.headers[HEADER] = name
        exchange = alice.send(draft)
        if not succeeded(exchange) and name == other:
            return
        if not succeeded(exchange) and not heard:
            raise Blocked(context.operation, exchange)
        heard = [line for line in alice.history(session) if line.role == "user"]
        if len(heard) != times:
            context.fail("one message for each key", f"{len(heard)} for {times}")
            return
