"""What only the server sets: no request can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import View

from ..checks import Context, first_reason, scenario, show
from ..driving.attributes import entity_properties, request_properties
from ..driving.comparing import alike
from ..world import entity, succeeded
from .inputs import takes_json
from .updates import both

CREATE, UPDATE = Role.SESSION_CREATE, Role.SESSION_UPDATE
_OWN = ("id", "user", "created", "updated", "count")


def own_attributes(document: Document, operation: Operation) -> list[str]:
    """The attributes of a session that reading shows and a body of the operation can't say."""
    get = next((o for o in document.with_role(Role.SESSION_GET) if not _active(o)), None)
    shown = entity_properties(document, get) if get else {}
    told = request_properties(document, operation)
    model = document.model.session
    own = {model[key][0] for key in _OWN if len(model.get(key, ())) == 1}
    if operation.binding is not None and operation.binding.role is CREATE:
        own -= {model.get("id", ("id",))[0]}  # create.client_id
    own |= {name for name, schema in shown.items() if _read_only(schema)}
    return [name for name in shown if name in own and (name not in told or _read_only(told[name]))]


def _active(operation: Operation) -> bool:
    return operation.binding is not None and operation.binding.active


def _read_only(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("readOnly") is True


def has_own(document: Document, operation: Operation) -> str:
    """Reading shows attributes that the body, which names others, does not."""
    media = next((m for m in operation.body.values() if "json" in m.type and m.schema), None)
    schema = document.schema(media.schema, View.REQUEST) if media and media.schema else {}
    if schema.get("additionalProperties") not in (None, False):
        return "the body takes whatever it is given"
    if not request_properties(document, operation):
        return "the body names nothing"
    found = own_attributes(document, operation)
    return "" if found else "a request can say all that reading shows"


def forged(context: Context, session: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Another value for each attribute that only the server sets."""
    model = context.document.model.session
    names = {model[key][0]: key for key in _OWN if len(model.get(key, ())) == 1}
    for name in own_attributes(context.document, context.operation):
        kind, now = names.get(name), session.get(name)
        if kind in ("created", "updated"):
            yield name, "2001-02-03T04:05:06Z" if isinstance(now, str) else 981173106
        elif kind == "id":
            yield name, context.alice.unused_id(context.world.need(Role.SESSION_GET))
        elif kind == "user":
            yield name, _other_user(context, name)
        elif isinstance(now, int) and not isinstance(now, bool):
            yield name, 777
        elif isinstance(now, str):
            yield name, f"sparring {context.world.bodies.fresh()}"


def _other_user(context: Context, name: str) -> Any:
    if context.bob.key == context.alice.key:
        return "sparring-other-user"
    found = context.bob.read(context.bob.create().id).get(name)
    return found if found is not None else "sparring-other-user"


needs_own = first_reason(takes_json, both, has_own)


@scenario("input.read_only", CREATE, needs=needs_own)
def create_sets_nothing_of_the_servers(context: Context) -> None:
    """A create that says what only the server sets is refused, or makes a session without it."""
    alice, bodies = context.alice, context.world.bodies
    first = alice.read(alice.create(operation=context.operation).id)
    for name, value in forged(context, first):
        start = len(context.world.journal)
        body = bodies.least(context.operation) | {name: value}
        draft = alice.create_draft(body=body, operation=context.operation)
        exchange = alice.send(draft)
        if succeeded(exchange):
            stored = alice.read(alice.made(draft, exchange).id)
            _not_taken(context, name, value, first, stored, start)


@scenario("input.read_only", UPDATE, needs=needs_own)
def updates_set_nothing_of_the_servers(context: Context) -> None:
    """An update that says what only the server sets is refused, or leaves it as it was."""
    alice, bodies = context.alice, context.world.bodies
    get = context.world.need(Role.SESSION_GET)
    session = alice.create()
    before = alice.read(session.id)
    for name, value in forged(context, before):
        start = len(context.world.journal)
        body = bodies.least(context.operation) | {name: value}
        if not succeeded(alice.update(context.operation, session.id, body)):
            continue
        exchange = alice.get(session.id)
        stored = entity(get, exchange)
        if not succeeded(exchange) or not isinstance(stored, dict):
            shown = context.world.exchanges(start)
            seen = f"{exchange.response.status} after {name} was sent"
            context.fail("the session, where it was before", seen, exchanges=shown)
            return
        _not_taken(context, name, value, before, stored, start)


def _not_taken(
    context: Context, name: str, value: Any, before: dict[str, Any], stored: dict[str, Any], n: int
) -> None:
    get = context.world.need(Role.SESSION_GET)
    schema = entity_properties(context.document, get).get(name, {})
    schema = context.document.follow(schema)
    if alike(schema, stored.get(name), value) and not alike(schema, before.get(name), value):
        context.fail(
            f"a {name} that the server has set",
            f"{show(stored.get(name))}, as the request said",
            exchanges=context.world.exchanges(n),
        )
