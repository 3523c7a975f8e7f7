"""What a revision in a body promises: a change that expects another one is not made."""

from __future__ import annotations

from functools import partial
from typing import Any

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation

from ..checks import Context, NotChecked, first_reason, same, scenario, show
from ..driving.attributes import guard, is_required
from ..driving.together import together
from ..world import succeeded
from .updates import both

UPDATE = Role.SESSION_UPDATE
MANY = 6


def guards_by_body(document: Document, operation: Operation) -> str:
    """The body says which revision of the session is expected, and a conflict is declared."""
    if guard(document, operation) is None:
        return "the body names no revision"
    declared = {"409", "412"} & set(operation.responses)
    return "" if declared else "no conflict is declared"


def changing(context: Context, session: str, n: int, revision: Any) -> Any:
    """A request that changes a session and expects a revision of it."""
    guarding = guard(context.document, context.operation)
    assert guarding is not None
    draft = context.alice.draft(context.operation, session)
    body = context.world.bodies.rich(context.operation, n=n) | {guarding[0]: revision}
    if not context.world.bodies.is_valid(context.operation, body):
        raise NotChecked("no change that expects a revision fits the schema")
    context.alice.aim(draft, session)
    draft.body = body
    return draft


def _revision(context: Context, session: str) -> Any:
    guarding = guard(context.document, context.operation)
    assert guarding is not None
    return context.alice.read(session).get(guarding[1])


@scenario("etag.guards", UPDATE, needs=first_reason(guards_by_body, both))
def stale_revisions_are_refused(context: Context) -> None:
    """A change that expects the revision of now is made and raises it; one that expects an older
    one is refused and changes nothing, and reading raises nothing."""
    alice, session = context.alice, context.alice.create().id
    first = _revision(context, session)
    if _revision(context, session) != first:
        context.fail("the revision as it was after reading", show(_revision(context, session)))
        return
    alice.expect(changing(context, session, 1, first))
    second = _revision(context, session)
    if second == first:
        context.fail("another revision after a change", show(second))
        return
    before = alice.read(session)
    start = len(context.world.journal)
    exchange = alice.send(changing(context, session, 2, first))
    shown = context.world.exchanges(start)
    if succeeded(exchange):
        status = str(exchange.response.status)
        context.fail("a refusal of what expects an older revision", status, exchanges=shown)
    elif not same(alice.read(session), before):
        context.fail("no change by what was refused", "the session changed", exchanges=shown)


@scenario("race.update", UPDATE, needs=first_reason(guards_by_body, both))
def one_of_many_revisions_wins(context: Context) -> None:
    """Of many changes at one instant that expect one revision exactly one is made."""
    for _ in range(3):
        session = context.alice.create().id
        revision = _revision(context, session)
        drafts = [changing(context, session, n, revision) for n in range(1, MANY)]
        results = together([partial(context.alice.send, draft) for draft in drafts])
        answers = [r for r in results if not isinstance(r, Exception)]
        won = sum(map(succeeded, answers))
        if won != 1:
            seen = f"{won} in {[r.response.status for r in answers]}"
            context.fail("one success of many changes that expect one revision", seen)
            return


@scenario("input.refused", UPDATE, needs=first_reason(guards_by_body, both))
def revisions_are_asked_for(context: Context) -> None:
    """Where the body must say which revision it expects, one that does not is refused."""
    guarding = guard(context.document, context.operation)
    assert guarding is not None
    if not is_required(context.document, context.operation, guarding[0]):
        raise NotChecked("the revision may be left out")
    session = context.alice.create().id
    draft = changing(context, session, 1, _revision(context, session))
    draft.body = {name: value for name, value in draft.body.items() if name != guarding[0]}
    exchange = context.alice.send(draft)
    if succeeded(exchange):
        context.fail("a refusal of a change without its revision", str(exchange.response.status))
