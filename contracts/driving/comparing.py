"""Compares what was sent with what is read: attributes, times, sets of ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Location, Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import histories, plain

from ..checks import Context, Needs, same, says, show
from ..world import World
from .attributes import entity_properties


def has(*roles: Role) -> Needs:
    """Needs at least one operation of each role; for reading, one that takes an id."""

    def reason(document: Document, operation: Operation) -> str:
        for role in roles:
            if role is Role.MESSAGE_LIST and histories(document):
                continue
            if not any(o.binding and not o.binding.active for o in document.with_role(role)):
                return f"the document has no {role.value}"
        return ""

    return says(f"The document has {', '.join(role.value for role in roles)}.", reason)


def readable(world: World) -> dict[str, Any]:
    """The properties that reading a session gives."""
    return entity_properties(world.document, world.need(Role.SESSION_GET))


def differences(
    document: Document, schemas: Mapping[str, Any], sent: Mapping[str, Any], got: Mapping[str, Any]
) -> list[str]:
    """The attributes of `sent` that `got` does not have as they were sent."""
    found = []
    for name, value in sent.items():
        if name not in schemas and name not in got:
            continue
        if name not in got and value is None:
            continue
        if not alike(plain(document, schemas.get(name, {})), value, got.get(name)):
            found.append(f"{name}: {show(got.get(name))} instead of {show(value)}")
    return found


def alike(schema: Mapping[str, Any], left: Any, right: Any) -> bool:
    """Whether two values of a schema mean the same; times are compared as instants."""
    if same(left, right):
        return True
    if schema.get("format") == "date-time":
        one, other = instant(left), instant(right)
        return one is not None and one == other
    return False


def allows_null(document: Document, schema: Any) -> bool:
    """Whether a value of this schema may be null, as far as its types say."""
    schema = document.follow(schema)
    types = schema.get("type", ())
    branches = [part for key in ("anyOf", "oneOf") for part in schema.get(key, ())]
    if types:
        return "null" in ([types] if isinstance(types, str) else types)
    if "enum" in schema or "const" in schema:
        return None in schema.get("enum", (schema.get("const", 0),))
    return not branches or any(allows_null(document, part) for part in branches)


def instant(value: Any) -> datetime | float | None:
    """The instant that a wire value stands for, None when it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # the schema speaks of zones


def rises(values: Iterable[Any], *, strictly: bool = False) -> bool:
    """Whether values stand in rising order; values that can't be compared do."""
    items = list(values)
    for left, right in pairwise(items):
        try:
            if left > right or (strictly and left == right):
                return False
        except TypeError:
            continue
    return True


def at(row: Any, location: Location | None) -> Any:
    """The value at a location, None where there is no location."""
    return pointers.first(row, location) if location is not None else None


def compare_attributes(
    context: Context, sent: Mapping[str, Any], got: Mapping[str, Any], expected: str
) -> bool:
    """Fails when `got` lacks an attribute of `sent` that the document can show."""
    found = differences(context.document, readable(context.world), sent, got)
    if found:
        context.fail(expected, "; ".join(found))
    return not found
