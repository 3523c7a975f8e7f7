"""What deleting promises: gone everywhere, and nothing else gone."""

from __future__ import annotations

import copy
import re
import time
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Blame
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import (
    Draft,
    expression,
    histories,
    missing_statuses,
    put,
    session_parameter,
)

from ..checks import Context, NotChecked, first_reason, same, scenario, show
from ..driving.comparing import has
from ..driving.driver import User
from ..driving.parts import aim_at, part_of
from ..driving.turns import message_draft, say, streams, talking
from ..target.target import Limits
from ..world import entity, stream_type, succeeded
from .create import chooses_ids, fresh_id, id_names, id_pointer
from .listing import session_id

_COUNTED = re.compile(r"\D*\d{1,12}")
DELETE = Role.SESSION_DELETE
GONE = frozenset({404, 410})
WITHOUT_SESSION = frozenset({Role.SESSION_CREATE, Role.SESSION_LIST})


def chosen_ids(document: Document, operation: Operation) -> str:
    """Clients may choose the ids of sessions."""
    creates = document.with_role(Role.SESSION_CREATE)
    found = any(not chooses_ids(document, create) for create in creates)
    return "" if found else "clients can't choose the id of a session"


def with_id(body: dict[str, Any], pointer: str, id: str) -> dict[str, Any]:
    """A body that carries an id."""
    copied = copy.deepcopy(body)
    pointers.put(copied, pointers.split(pointer), id)
    return copied


def takes_session(document: Document, operation: Operation) -> str:
    """The operation is about one session."""
    binding = operation.binding
    if binding is None or binding.role in WITHOUT_SESSION or binding.active:
        return "the operation is not about one session"
    if binding.implicit:
        return "the first use of an id makes its session"
    place = session_parameter(document, operation)
    return "" if place else "the operation does not name its session"


def valid_draft(
    context: Context, user: User, operation: Operation, session: str, part: str | None = None
) -> Draft:
    """A request about a session that fits the document and, where it is about a part of the
    session, about that part, or about one that the owner sees."""
    binding = operation.binding
    if binding is not None and binding.role is Role.MESSAGE_CREATE:
        draft = message_draft(user, operation, session, ["Is anybody there?"])
        draft.accept = stream_type(operation) if streams(operation) and binding.via == "sse" else ""
        return draft
    draft = user.draft(operation, session)
    if operation.body:
        draft.body = user.owned(operation, context.world.bodies.rich(operation))
        user.aim(draft, session)
    aim_at(draft, user, part or part_of(context.alice, session, operation))
    place = expression(context.document, operation, "reply", "wait")
    if place is not None:
        put(context.document, draft, place, 0)
    return draft


def aim_part(context: Context, draft: Draft, session: str) -> bool:
    """Aims a request that is about a part of a session at one; whether there is one."""
    binding = draft.operation.binding
    if binding is None or binding.target is None:
        return True
    part = part_of(context.alice, session, draft.operation)
    aim_at(draft, context.alice, part)
    return part is not None


def answer(
    context: Context, user: User, operation: Operation, session: str, part: str | None = None
) -> Exchange:
    """What a valid request about a session gets; of a stream only the beginning."""
    draft = valid_draft(context, user, operation, session, part)
    if not streams(operation):
        return user.send(draft)
    with user.open(draft) as stream:
        if not succeeded(stream.exchange):
            stream.drain()
    return stream.exchange


def talked(context: Context, user: User) -> str:
    """A session in which something was said, where the document lets one say something."""
    session = user.create()
    talk = next(iter(talking(context.document)), None)
    if talk is not None:
        say(user, talk, session.id, "Remember the word heliotrope.")
    return session.id


@scenario("delete.gone", needs=first_reason(takes_session, has(Role.SESSION_CREATE, DELETE)))
def deleted_is_gone(context: Context) -> None:
    """No operation finds a session that was deleted."""
    session = talked(context, context.alice)
    part = part_of(context.alice, session, context.operation)
    context.alice.expect(context.alice.draft(context.world.need(DELETE), session))
    if context.operation.binding and context.operation.binding.role is DELETE:
        return  # delete.idempotent
    exchange = answer(context, context.alice, context.operation, session, part)
    if exchange.response.status in missing_statuses(context.document, context.operation):
        return
    if names_no_run(context.operation) and 400 <= exchange.response.status < 500:
        return
    marked = context.document.model.session.get("deleted")
    shown = entity(context.operation, exchange)
    if marked and isinstance(shown, dict) and pointers.first(shown, marked):
        return
    context.fail("a 404 for a session that was deleted", str(exchange.response.status))


@scenario("delete.gone", Role.SESSION_LIST, needs=has(Role.SESSION_CREATE, DELETE))
def deleted_is_not_listed(context: Context) -> None:
    """The list does not have a session that was deleted."""
    sessions = [context.alice.create() for _ in range(2)]
    context.alice.expect(context.alice.draft(context.world.need(DELETE), sessions[0].id))
    listed = [session_id(context, item) for item in context.alice.all(context.operation)]
    if sessions[0].id in listed:
        context.fail("a list without what was deleted", "the session is still there")
    if sessions[1].id not in listed:
        context.fail("a list with what was not deleted", "another session is gone")


@scenario("delete.gone", DELETE, needs=first_reason(has(Role.SESSION_CREATE)))
def nothing_comes_back(context: Context) -> None:
    """A new session with the id of a deleted one begins empty."""
    create = context.world.need(Role.SESSION_CREATE)
    if chooses_ids(context.document, create) or not histories(context.document):
        return
    alice = context.alice
    id = fresh_id(context)
    alice.create(client_id=id)
    talk = next(iter(talking(context.document)), None)
    if talk is None:
        return
    say(alice, talk, id, "This must be forgotten.")
    alice.expect(alice.draft(context.operation, id))
    exchange = alice.send(alice.create_draft(client_id=id))
    if not succeeded(exchange):
        return  # an id may stay taken
    alice.world.made.append((alice, id))
    lists = (Role.MESSAGE_LIST, Role.SUGGESTION_LIST)
    for operation in (o for role in lists for o in context.document.with_role(role)):
        if said := alice.all(operation, id):
            context.fail("an empty session after a delete and a create with its id", show(said))


@scenario("delete.idempotent", DELETE, needs=has(Role.SESSION_CREATE))
def second_deletes_are_harmless(context: Context) -> None:
    """A second delete is a 404, a 410 or a success."""
    session = context.alice.create()
    context.alice.expect(context.alice.draft(context.operation, session.id))
    again = context.alice.delete(session.id)
    stated = context.operation.promises.get("delete.idempotent", {}).get("again")
    if stated and str(again.response.status) != str(stated):
        context.fail(f"a {stated} for a second delete", str(again.response.status))
    elif not succeeded(again) and again.response.status not in GONE:
        context.fail("a 404 or a success for a second delete", str(again.response.status))


@scenario("delete.only", DELETE, needs=has(Role.SESSION_CREATE, Role.SESSION_GET))
def other_sessions_survive(context: Context) -> None:
    """Deleting one session leaves the others, and what was said in them."""
    alice = context.alice
    left, middle, right = (talked(context, alice) for _ in range(3))
    before = [(alice.read(id), said(context, id)) for id in (left, right)]
    alice.expect(alice.draft(context.operation, middle))
    for id, (session, lines) in zip((left, right), before, strict=True):
        exchange = alice.get(id)
        if not succeeded(exchange):
            context.fail("the other sessions after a delete", "one of them is gone")
            return
        if not same(session, entity(context.world.need(Role.SESSION_GET), exchange)):
            context.fail("the other sessions as they were after a delete", "one of them changed")
        if said(context, id) != lines:
            context.fail("what was said in other sessions after a delete", "some of it is gone")


@scenario("delete.only", DELETE, needs=first_reason(chosen_ids, has(Role.SESSION_GET)))
def ids_that_begin_alike_survive(context: Context) -> None:
    """Deleting a session leaves those whose ids only begin or end like its own."""
    create, alice = context.world.need(Role.SESSION_CREATE), context.alice
    least, pointer = context.world.bodies.least(create), id_pointer(context.document, create)
    id, ids = fresh_id(context), []
    for other in (id, f"{id}x", f"{id}-1", f"x{id}", id[:-1]):
        if not pointer or context.world.bodies.is_valid(create, with_id(least, pointer, other)):
            draft = alice.create_draft(client_id=other)
            exchange = alice.send(draft)
            if succeeded(exchange):
                ids.append(alice.made(draft, exchange).id)
    alice.expect(alice.draft(context.operation, id))
    gone = [other for other in ids if other != id and not succeeded(alice.get(other))]
    if gone:
        context.fail("sessions whose ids are only alike, after a delete", f"{show(gone)} is gone")


@scenario(
    "delete.gone",
    DELETE,
    needs=has(Role.SESSION_CREATE, Role.SESSION_GET, Role.MESSAGE_CREATE),
)
def running_turns_bring_nothing_back(context: Context) -> None:
    """A session that is deleted while the agent speaks stays gone when it has finished."""
    alice, talks = context.alice, context.document.with_role(Role.MESSAGE_CREATE)
    talk = next((o for o in talks if streams(o)), None)
    if talk is None:
        raise NotChecked("no operation streams a turn")
    session = alice.create()
    draft = message_draft(alice, talk, session.id, ["Tell me a long story. " * 40])
    deleted = None
    with alice.open(draft, Limits(seconds=5)) as stream:
        for arrival in stream.events():
            if deleted is None and arrival.event.data:
                deleted = alice.delete(session.id)
    if deleted is None or not succeeded(deleted):
        raise NotChecked("the session can't be deleted while the agent speaks")
    for _ in range(5):
        status = alice.get(session.id).response.status
        if status not in GONE:
            seen = f"{status} after the turn was over"
            expected = "a 404 for a session that was deleted while the agent spoke"
            context.fail(expected, seen, concurrent=True)
            return
        time.sleep(0.1)


@scenario("delete.only", DELETE, needs=has(Role.SESSION_CREATE, Role.SESSION_GET))
def namesakes_survive(context: Context) -> None:
    """Deleting one session leaves those that were made with the same body."""
    alice, create = context.alice, context.world.need(Role.SESSION_CREATE)
    body = context.world.bodies.rich(create, without=id_names(context.document, create))
    left, middle, right = (alice.create(body).id for _ in range(3))
    alice.expect(alice.draft(context.operation, middle))
    for id in (left, right):
        if not succeeded(alice.get(id)):
            context.fail("sessions that look like the one that was deleted", "one is gone, too")
            return


def said(context: Context, session: str) -> list[str | None]:
    """The texts of a session; none where the document has no history."""
    if not histories(context.document):
        return []
    return [line.text for line in context.alice.history(session)]


def _number(status: str) -> int:
    return int(status) if status.isdecimal() else 0


@scenario("session.missing", needs=takes_session)
def unknown_sessions_are_missing(context: Context) -> None:
    """An id that nobody has is a 404."""
    operation = context.operation
    if not operation.promises.holds("delete.gone"):
        raise NotChecked("delete.gone is withdrawn here")
    _missing(context, operation, context.alice.unused_id(operation))
    if context.world.one(Role.SESSION_CREATE) is None:
        return
    session = context.alice.create()
    for id in neighbours(session.id):
        if context.alice.is_id(operation, id):
            _missing(context, operation, id)


def neighbours(id: str) -> list[str]:
    """Ids that resemble one and that nobody has; of ids that are counted, others exist."""
    found = [id.swapcase(), f"{id}x", f"x{id}"]
    if not _COUNTED.fullmatch(id):
        found += [id[:-1], id[1:], id[::-1]]
    return [other for other in dict.fromkeys(found) if other != id]


def names_no_run(operation: Operation) -> bool:
    """Whether the operation is about one message or run, of which there is none either."""
    return operation.binding is not None and operation.binding.target is not None


def _missing(context: Context, operation: Operation, id: str) -> None:
    exchange = answer(context, context.alice, operation, id)
    is_delete = operation.binding is not None and operation.binding.role is DELETE
    if is_delete and succeeded(exchange) and not GONE & set(map(_number, operation.responses)):
        return
    if exchange.response.status in missing_statuses(context.document, operation):
        return
    if names_no_run(operation) and 400 <= exchange.response.status < 500:
        return
    seen = f"{exchange.response.status} for {id}"
    blame = Blame.EITHER if is_delete and succeeded(exchange) else Blame.IMPLEMENTATION
    context.fail("a 404 for a session that does not exist", seen, blame=blame)
