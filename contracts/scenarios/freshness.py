"""What is read after a write: what was written, in every view, however often it is read."""

from __future__ import annotations

from typing import Any

from sparring.spec.meaning.binding import Role

from ..checks import Context, first_reason, same, scenario, show
from ..driving.comparing import differences, has, readable
from ..driving.made import TALKING
from ..driving.turns import say
from ..world import entity, succeeded
from .deletion import GONE
from .listing import create_tagged, session_id, tagged
from .talk import speakable
from .updates import apply, both, changeable, merge

CREATE, LIST, GET = Role.SESSION_CREATE, Role.SESSION_LIST, Role.SESSION_GET
READS = 3
"""How often each view is read: replicas and caches take turns."""


def listed(context: Context, query: dict[str, Any]) -> dict[Any, Any]:
    """The first page of the sessions, by id; empty where there is no list."""
    operation = context.world.one(LIST)
    if operation is None:
        return {}
    items = context.alice.page(operation, None, query).items
    return {session_id(context, item): item for item in items}


@scenario("read.fresh", Role.SESSION_UPDATE, needs=both)
def updates_are_seen_at_once(context: Context) -> None:
    """After an update that follows a read, reading and listing give the new values at once."""
    session = context.alice.create()
    shown = {n: s for n, s in readable(context.world).items() if n in changeable(context)}
    for n in range(2):
        start = len(context.world.journal)
        before = context.alice.read(session.id)
        listed(context, {})
        body = context.world.bodies.rich(context.operation, n=n)
        apply(context, context.alice, session.id, body)
        wanted = body if context.operation.method == "PUT" else merge({}, body)
        merged = {name: merge(before.get(name), value) for name, value in wanted.items()}
        if context.operation.method == "PUT":
            merged = {}
        for _ in range(READS):
            views = [context.alice.read(session.id), listed(context, {}).get(session.id)]
            for view in filter(None, views):
                there = {name: s for name, s in shown.items() if name in view}
                left = {n: v for n, v in wanted.items() if not _same_in(merged, view, n)}
                if wrong := differences(context.document, there, left, view):
                    context.fail(
                        "the new values in every read after an update",
                        "; ".join(wrong),
                        exchanges=context.world.exchanges(start),
                    )
                    return


def _same_in(merged: dict[str, Any], view: dict[str, Any], name: str) -> bool:
    """Whether a PATCH has merged an object, as it may, where it has not replaced it."""
    return name in merged and name in view and same(merged[name], view[name])


@scenario("read.fresh", CREATE, needs=has(LIST))
def creates_are_listed_at_once(context: Context) -> None:
    """A session that is made after the list was read is in the list at once."""
    operation = context.world.need(LIST)
    query, attribute = tagged(context, operation)
    if not query:
        return  # list.contains reads the whole list
    create_tagged(context, attribute)
    for _ in range(2):
        listed(context, query)
        session = create_tagged(context, attribute)
        for _ in range(READS):
            if session.id not in listed(context, query):
                context.fail("a new session in every list after its create", "it is missing")
                return


@scenario("read.fresh", Role.SESSION_DELETE, needs=both)
def deletes_are_seen_at_once(context: Context) -> None:
    """A session that was read, and is deleted then, is found by no later read."""
    if not context.operation.promises.holds("delete.gone"):
        return
    marked = context.document.model.session.get("deleted")
    get = context.world.need(GET)
    session = context.alice.create()
    context.alice.read(session.id)
    listed(context, {})
    context.alice.expect(context.alice.draft(context.operation, session.id))
    for _ in range(READS):
        status = (answer := context.alice.get(session.id)).response.status
        if status not in GONE and not (marked and succeeded(answer) and entity(get, answer)):
            context.fail("a 404 in every read after a delete", str(status))
        if not marked and session.id in listed(context, {}):
            context.fail("no deleted session in any list after its delete", "it is listed")


@scenario("read.fresh", *TALKING, needs=first_reason(speakable))
def turns_are_seen_at_once(context: Context) -> None:
    """A turn that follows a read of the history is in every later read of it."""
    session = context.alice.create()
    lists = context.document.with_role(Role.MESSAGE_LIST)
    for n in range(2):
        for operation in lists:
            context.alice.history(session.id, operation)
        text = f"Message number {n}."
        say(context.alice, context.operation, session.id, text)
        for operation in lists:
            for _ in range(READS):
                texts = [line.text for line in context.alice.history(session.id, operation)]
                if text not in texts:
                    context.fail(f"the turn in every read of {operation.label}", show(texts))
                    return
