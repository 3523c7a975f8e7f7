"""What entity tags promise: they follow changes, and guard them."""

from __future__ import annotations

from typing import Any

from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import expression, parameter, put
from sparring.spec.openapi.schemas import View

from ..checks import Context, NotChecked, first_reason, same, scenario
from ..driving.driver import User
from ..driving.turns import say, talking
from ..world import Session, entity, succeeded
from .updates import UPDATE, apply, both, differing_bodies, marked


def tag_of(exchange: Exchange) -> str | None:
    """The entity tag of an answer."""
    return exchange.response.headers.get("etag")


def tags(document: Document, operation: Operation) -> str:
    """Reading a session gives a tag."""
    for get in document.with_role(Role.SESSION_GET):
        found = get.success
        if found and not (get.binding and get.binding.active):
            return (
                "" if any(n.lower() == "etag" for n in found[1].headers) else "no ETag is declared"
            )
    return "the document has no session.get"


@scenario("etag.changes", UPDATE, needs=first_reason(tags, both))
def tags_follow_changes(context: Context) -> None:
    """The tag is new after each change, the same as long as there is none."""
    alice, create = context.alice, context.world.need(Role.SESSION_CREATE)
    greeting = expression(context.document, create, "greeting")
    for allowed in (True, False) if greeting else (False,):
        draft = alice.create_draft(operation=create)
        if greeting and allowed:
            put(context.document, draft, greeting, allowed)
        session = alice.made(draft, alice.expect(draft))
        seen = [tag_of(alice.get(session.id))]
        if tag_of(session.exchange) not in (None, seen[0]):
            context.fail("the tag that create gave, when the session is read", f"{seen[0]}")
    if tag_of(alice.get(session.id)) != seen[0]:
        context.fail("the same tag as long as nothing changes", "another one")
    _tags_follow_turns(context, session, seen)  # first: a change may close the session
    get = context.world.need(Role.SESSION_GET)
    before = alice.read(session.id)
    for body in differing_bodies(context):
        exchange = apply(context, alice, session.id, body | marked(context, 0))
        shown = alice.get(session.id)
        now, after = tag_of(shown), entity(get, shown)
        if exchange and tag_of(exchange) not in (None, now):
            context.fail("the tag that the update gave, when the session is read", f"{now}")
        if now is None or (now in seen and not same(before, after)):
            context.fail("a new tag after a change", f"{now} again")
            return
        seen.append(now)
        before = after


def _tags_follow_turns(context: Context, session: Session, seen: list[str | None]) -> None:
    talk = next(iter(talking(context.document)), None)
    if talk is None or "count" not in context.document.model.session:
        return
    before = context.alice.read(session.id)
    say(context.alice, talk, session.id, context.world.words("Hello."))
    exchange = context.alice.get(session.id)
    after = entity(context.world.need(Role.SESSION_GET), exchange)
    if not same(before, after) and tag_of(exchange) in seen:
        context.fail("a new tag after a turn that changed the session", f"{tag_of(exchange)} again")
    seen.append(tag_of(exchange))


def guarded(document: Document, operation: Operation) -> str:
    """The operation takes `If-Match`."""
    found = parameter(operation, "header", "If-Match")
    return "" if found is not None else "If-Match is not declared"


def change(context: Context, session: str, tag: str, n: int = 0) -> Exchange:
    """Sends the change of the check's operation under a condition."""
    assert context.operation.binding is not None
    if context.operation.binding.role is Role.SESSION_DELETE:
        draft = context.alice.draft(context.operation, session)
    else:
        draft = context.alice.draft(context.operation, session)
        draft.body = context.world.bodies.rich(context.operation, n=n) | marked(context, n)
    draft.headers["If-Match"] = tag
    return context.alice.send(draft)


@scenario("etag.guards", UPDATE, Role.SESSION_DELETE, needs=first_reason(guarded, tags, both))
def stale_tags_are_refused(context: Context) -> None:
    """A change under a stale tag is a 412 and changes nothing; under the current one it is made."""
    alice, get = context.alice, context.world.need(Role.SESSION_GET)
    session = alice.create()
    first = tag_of(alice.get(session.id))
    updates = context.document.with_role(UPDATE)
    if updates:
        body = context.world.bodies.rich(updates[0], n=2)
        alice.expect(_update_draft(alice, updates[0], session.id, body))
    before = alice.get(session.id)
    current = tag_of(before)
    if first is None or current is None:
        raise NotChecked("reading gave no tag")
    stale = [tag for tag in (first, '"never-given"', f'{current[:-1]}x"') if tag != current]
    for tag in [*stale, ", ".join(stale[:2])]:
        start = len(context.world.journal)
        refused = change(context, session.id, tag)
        after = alice.get(session.id)
        shown = [before, *context.world.exchanges(start)]
        if refused.response.status != 412:
            seen = f"{refused.response.status} for If-Match: {tag} where the tag is {current}"
            context.fail("a 412 for a tag that the session does not have", seen, exchanges=shown)
        if not same(entity(get, before), entity(get, after)):
            context.fail("no change under a stale tag", "the session changed", exchanges=shown)
            return
    accepted = change(context, session.id, current, 1)
    if not succeeded(accepted):
        context.fail("a change under the current tag", f"{accepted.response.status}")
    elif context.operation.binding and context.operation.binding.role is UPDATE:
        again = change(context, session.id, current, 2)
        if again.response.status != 412:
            context.fail("a 412 for a tag that was current once", f"{again.response.status}")
    for form in ("*", f'"other", {current}'):
        other = alice.create()
        tag = form.replace(current, tag_of(alice.get(other.id)) or "")
        found = parameter(context.operation, "header", "If-Match")
        if found and found.schema:
            validator = context.document.schemas.at(found.schema, View.REQUEST)
            if not validator.is_valid(tag):
                continue
        answer = change(context, other.id, tag)
        if not succeeded(answer):
            kind = "`*`" if form == "*" else "a list with the current tag"
            context.fail(f"a change under {kind}", f"{answer.response.status}")


@scenario("etag.strong", UPDATE, Role.SESSION_DELETE, needs=first_reason(guarded, tags, both))
def weak_tags_match_nothing(context: Context) -> None:
    """The current tag, marked as weak, is a 412."""
    session = context.alice.create()
    current = tag_of(context.alice.get(session.id))
    found = parameter(context.operation, "header", "If-Match")
    if current is None or current.startswith("W/") or found is None or found.schema is None:
        raise NotChecked("the tag is weak already")
    weak = f"W/{current}"
    if not context.document.schemas.at(found.schema, View.REQUEST).is_valid(weak):
        raise NotChecked("the document takes no weak tag")
    status = change(context, session.id, weak).response.status
    if status != 412:
        context.fail("a 412 for a weak tag", f"{status} for If-Match: {weak}")


def _update_draft(user: User, operation: Operation, session: str, body: Any) -> Any:
    draft = user.draft(operation, session)
    draft.body = body
    return user.aim(draft, session)
