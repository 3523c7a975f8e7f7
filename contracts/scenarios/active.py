"""What the active session of a caller promises."""

from __future__ import annotations

from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation

from ..checks import Context, NotChecked, first_reason, scenario
from ..driving.comparing import at, has, instant, rises
from ..world import succeeded
from .listing import session_id, touch

CREATE, DELETE, LIST = Role.SESSION_CREATE, Role.SESSION_DELETE, Role.SESSION_LIST


def is_active(document: Document, operation: Operation) -> str:
    """The operation gets the active session."""
    active = operation.binding is not None and operation.binding.active
    return "" if active else "it does not get the active session"


needs_active = first_reason(is_active, has(Role.SESSION_GET))


@scenario("session.active", Role.SESSION_GET, needs=needs_active)
def active_session_is_ones_own(context: Context) -> None:
    """The active session is a session of the caller and stays while nothing happens."""
    operation, alice = context.operation, context.alice
    made = [alice.create() for _ in range(2)][-1] if context.world.one(CREATE) else None
    first, second = alice.read_active(operation), alice.read_active(operation)
    where = context.document.model.session.get("id", ("id",))
    id = pointers.first(first, where)
    if id != pointers.first(second, where):
        context.fail("the same active session twice", "two ids")
    if not succeeded(alice.get(str(id))):
        context.fail("an active session that can be read by its id", f"{id} can't")
    if is_newest(operation) and made is not None and id != made.id:
        created = context.document.model.session.get("created")
        times = [instant(at(found, created)) for found in (alice.read(made.id), first)]
        if not rises(times, strictly=True):  # else another caller made one in between
            context.fail("the session that was made last", f"{id} instead of {made.id}")
    if context.bob.key != alice.key and not operation_is_open(operation):
        theirs = context.bob.read_active(operation)
        if pointers.first(theirs, where) == id:
            context.fail("an active session for each user", "two users share one")
        else:
            context.world.made.append((context.bob, str(pointers.first(theirs, where))))
    if made is not None and context.world.one(DELETE) and id == made.id:
        alice.delete(made.id)
        left = pointers.first(alice.read_active(operation), where)
        if left == made.id:
            context.fail("another active session once that one is deleted", "the deleted one")
        elif isinstance(left, str) and not succeeded(alice.get(left)):
            context.fail("an active session that can be read by its id", f"{left} can't")


@scenario("session.active", Role.SESSION_GET, needs=first_reason(needs_active, has(LIST)))
def active_sessions_are_listed(context: Context) -> None:
    """The active session is in the list, one that was made because there was none too."""
    for user in (context.alice, context.bob):
        if operation_is_open(context.operation) and user is context.bob:
            return
        found = user.read_active(context.operation)
        id = pointers.first(found, context.document.model.session.get("id", ("id",)))
        user.world.created[user, str(id)] = None
        listed = [session_id(context, i) for i in user.all(context.world.need(LIST))]
        if id not in listed and succeeded(user.get(str(id))):
            context.fail("the active session in the list", f"{id} is missing")


def newest(document: Document, operation: Operation) -> str:
    """The document says that the active session is the newest."""
    return "" if is_newest(operation) else "the document does not say which one is active"


def is_newest(operation: Operation) -> bool:
    """Whether the active session is the one that was made last."""
    return operation.promises.get("session.active", {}).get("is") == "newest"


@scenario(
    "session.active",
    Role.SESSION_GET,
    needs=first_reason(needs_active, newest, has(CREATE, DELETE)),
)
def the_newest_is_active(context: Context) -> None:
    """An older session that changes does not become active; when the newest goes, the next does."""
    alice = context.alice
    made = [alice.create() for _ in range(3)]
    _expect(context, made[2].id, "the session that was made last")
    if touch(context, made[0].id):
        _expect(context, made[2].id, "the session that was made last, not that which changed last")
    alice.expect(alice.draft(context.world.need(DELETE), made[2].id))
    _expect(context, made[1].id, "the session that was made before the one that is deleted")


def _expect(context: Context, wanted: str, expected: str) -> None:
    model, alice = context.document.model.session, context.alice
    there = context.world.one(LIST)
    listed = [session_id(context, i) for i in alice.page(there).items] if there else []
    found: dict[str, Any] = alice.read_active(context.operation)
    id = at(found, model.get("id", ("id",)))
    if id == wanted:
        return
    known = [made for _, made in context.world.made]
    times = [instant(at(one, model.get("created"))) for one in (alice.read(wanted), found)]
    if id not in known and rises(times, strictly=True) and (id in listed or not there):
        raise NotChecked("another caller made a session in between")
    alice.world.created[alice, str(id)] = None
    context.fail(expected, f"{id} instead of {wanted}")


def operation_is_open(operation: Operation) -> bool:
    """Whether an operation asks for no key."""
    return not operation.security or not all(operation.security)
