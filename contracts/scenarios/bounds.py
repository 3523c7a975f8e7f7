"""What comes back of values that a schema only just allows: empty, longest, every word, null."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.schemas import View

from ..checks import Context, scenario
from ..driving.comparing import allows_null, differences, has, readable
from ..world import succeeded
from .create import id_names
from .inputs import edges
from .updates import MERGE_PATCH, both, media_types, merge

OBJECTS: tuple[Any, ...] = (
    {},
    {"nothing": None, "no": False, "zero": 0, "text": "", "none": [], "empty": {}},
    {"list": [None, {"nothing": None}, [], {}], "deep": {"deeper": {"nothing": None, "one": 1}}},
)


def values(context: Context, schema: Any) -> Iterator[Any]:
    """Values of an attribute that are easily taken for others, not all of them valid."""
    schema = context.document.follow(schema, View.REQUEST)
    if "boolean" in str(schema.get("type")):
        yield from (True, False)
    if "object" in str(schema.get("type")) and not schema.get("properties"):
        yield from OBJECTS
    else:
        yield from (value for _, value in edges(context.document, {"it": schema}) if value != {})


def rounds(context: Context, without: set[str]) -> Iterator[dict[str, Any]]:
    """Bodies that together have each of these values once, as many at a time as go together."""
    bodies, shown = context.world.bodies, readable(context.world)
    least = bodies.least(context.operation)

    def given(name: str) -> bool:
        return bodies.is_personal(name) or bodies.is_given(context.operation, name)

    columns = {
        name: [
            value
            for value in values(context, s)
            if bodies.is_valid(context.operation, {**least, name: value})
            and (value is not None or allows_null(context.document, shown[name]))
        ]
        for name, s in bodies.attributes(context.operation).items()
        if name in shown and name not in without and not given(name)
    }
    for n in range(max(map(len, columns.values()), default=0)):
        yield {name: found[n] for name, found in columns.items() if n < len(found)}


@scenario("create.read_back", Role.SESSION_CREATE, needs=has(Role.SESSION_GET))
def bounds_are_read(context: Context) -> None:
    """What only just fits the schema of create is read back as it was sent."""
    alice, operation = context.alice, context.operation
    guest = context.document.model.session.get("user", ())
    skipped = {*id_names(context.document, operation), *guest[:1]}
    for attributes in rounds(context, skipped):
        body = context.world.bodies.least(operation) | attributes
        start = len(context.world.journal)
        draft = alice.create_draft(body=body, operation=operation)
        exchange = alice.send(draft)
        if succeeded(exchange):  # else input.accepted speaks of it
            _compare(context, attributes, alice.made(draft, exchange).id, start)


@scenario("update.read_back", Role.SESSION_UPDATE, needs=both)
def bounds_are_updated(context: Context) -> None:
    """What only just fits the schema of an update is read back, whatever stood there before."""
    alice, operation = context.alice, context.operation
    least = context.world.bodies.least(operation)
    for media_type in media_types(context):
        before: dict[str, Any] = {}
        for attributes in rounds(context, set()):
            if operation.method != "PUT" and media_type != MERGE_PATCH:  # what it makes of objects
                attributes = {n: v for n, v in attributes.items() if not isinstance(v, dict)}
            session = alice.create()
            start = len(context.world.journal)
            alice.update(operation, session.id, least | before, media_type=media_type)
            body = least | attributes
            if succeeded(alice.update(operation, session.id, body, media_type=media_type)):
                wanted = {n: v for n, v in attributes.items() if v is not None}
                wanted = wanted if operation.method == "PUT" else merge({}, wanted)
                _compare(context, wanted, session.id, start)
            before = {n: v for n, v in attributes.items() if not isinstance(v, (dict, str))}


def _compare(context: Context, sent: dict[str, Any], session: str, start: int) -> None:
    stored = context.alice.read(session)
    if wrong := differences(context.document, readable(context.world), sent, stored):
        seen = "; ".join(wrong)
        shown = context.world.exchanges(start)
        context.fail("values that only just fit, as they were sent", seen, exchanges=shown)
