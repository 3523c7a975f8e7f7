"""What sessions and every other stored resource have in common: find, list, change, delete."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from sparring.fixtures.shaping.shapes import Shaper
from sparring.spec import pointers
from sparring.spec.meaning.binding import Filter
from sparring.spec.model import Record, touch
from sparring.spec.openapi.document import Operation
from sparring.spec.text.json_text import decode_json

from ..requests.requests import Request
from ..responses.problems import Problem

_encode = msgspec.json.encode


async def find(request: Request, collection: str, id: str, decode: Callable[[bytes], Any]) -> Any:
    """The record with this id that belongs to the caller. Raises Problem 404."""
    data = await request.world.store.read(collection, id)
    record = decode(data) if data is not None else None
    if record is None or record.owner != request.user:
        noun = collection.rstrip("/").rpartition("/")[2].removesuffix("s")
        raise Problem(404, "H404", f"There is no {noun} {id}.")
    return record


async def save(request: Request, collection: str, record: Record) -> None:
    """Stores a changed record."""
    await request.world.store.write(collection, record.id, _encode(record))


def etag(record: Record) -> str:
    """The entity tag of a record: it hangs on the record's version and its time."""
    return f'"{record.version}-{record.updated:x}"'


def check_precondition(request: Request, record: Record) -> None:
    """Raises Problem 412 when If-Match is there and does not have the record's tag.

    The comparison is strong (RFC 9110, section 13.1.1).
    """
    wanted = request.headers.get("if-match")
    if wanted is None or wanted.strip() == "*":
        return
    if etag(record) not in [tag.strip() for tag in wanted.split(",")]:
        raise Problem(412, "H412", "If-Match does not have the current ETag.")


class Attributes:
    """What a body sets: the members that its schemas declare, any where they declare none."""

    def __init__(self, shaper: Shaper, operation: Operation) -> None:
        schemas = [media.schema for media in operation.body.values()]
        self.names = frozenset(name for schema in schemas for name in shaper.named(schema))
        self._defaults: dict[str, Any] = {}
        for schema in filter(None, schemas):
            for name, path in shaper.members(schema).items():
                default = shaper.document.schema(path, shaper.view).get("default")
                if default is None:
                    continue
                if shaper.document.schemas.at(path, shaper.view).is_valid(default):
                    self._defaults.setdefault(name, default)

    def of_new(self, body: Any) -> dict[str, Any]:
        """The attributes of what a body makes: those that it sets, and the defaults of others."""
        return copy.deepcopy(self._defaults) | self(body)

    def __call__(self, body: Any) -> dict[str, Any]:
        """The attributes that a body sets."""
        if not isinstance(body, dict):
            return {}
        if not self.names or body.keys() <= self.names:
            return dict(body)
        return {name: value for name, value in body.items() if name in self.names}


def merge(target: dict[str, Any], patch: Mapping[str, Any], *, keep_null: bool = False) -> None:
    """Applies a JSON Merge Patch (RFC 7396) in place; `keep_null` leaves a value that gets null."""
    for key, value in patch.items():
        if value is None:
            if not keep_null:
                target.pop(key, None)
        elif isinstance(value, dict):
            inner = target.get(key)
            inner = dict(inner) if isinstance(inner, dict) else {}
            merge(inner, value)
            target[key] = inner
        else:
            target[key] = value


def change(record: Record, attributes: dict[str, Any], now: int) -> bool:
    """Gives a record new attributes; its version and time rise only when that changes it."""
    if same(attributes, record.attributes):
        return False
    record.attributes = attributes
    touch(record, now)
    return True


def same(a: Any, b: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, but neither is true."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


class Filters:
    """The filters of a list operation."""

    def __init__(self, filters: Iterable[Filter]) -> None:
        self._filters = tuple(filters)

    def active(self, request: Request) -> list[Callable[[Any], bool]]:
        """Tests of a rendered row, one for each filter that the request uses."""
        tests = []
        for rule in self._filters:
            wanted = rule.place.read(request)
            if wanted is None:
                continue
            if rule.how == "exact-json" and isinstance(wanted, str):
                wanted = _json_object(wanted)
            if wanted != {}:
                tests.append(_test(rule, wanted))
        return tests


def _json_object(text: str) -> Any:
    try:
        value = decode_json(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Problem(400, "H400", "The filter is not a JSON object.")
    return value


def _test(rule: Filter, wanted: Any) -> Callable[[Any], bool]:
    def value(row: Any) -> Any:
        return pointers.first(row, rule.at, _NOTHING)

    if rule.how == "any-of":
        return lambda row: value(row) in wanted
    if rule.how == "exact":
        return lambda row: same(value(row), wanted)

    def has_all(row: Any) -> bool:
        found = value(row)
        return isinstance(found, dict) and all(
            key in found and same(found[key], item) for key, item in wanted.items()
        )

    return has_all


_NOTHING: Any = object()
