"""Every other resource of a document: stateful where its paths and verbs say so, else a sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import quote

import msgspec

from sparring.fixtures.ids import compile_ids
from sparring.fixtures.records import ListShape, RecordShape, usual_parts
from sparring.fixtures.wire import Wire
from sparring.spec.binding import Filter, Place
from sparring.spec.document import Document, Operation
from sparring.spec.model import Record

from ..answers import Answer, Responder
from ..problems import Problem
from ..requests import Request
from . import Handler, records
from .samples import Sample

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Record).decode


def compile_resource(wire: Wire, operation: Operation) -> Handler:
    """The handler of an operation that speaks of no session."""
    collection, item = _split(operation.path)
    makes = _has(wire.document, collection, "POST") and _shows(wire.document, collection)
    if makes and item is None and operation.method == "POST":
        return _Create(wire, operation, collection)
    if makes and item is None and operation.method == "GET":
        return _List(wire, operation, collection)
    if makes and item is not None:
        handlers: dict[str, type[_Resource]] = {
            "GET": _Get,
            "PUT": _Update,
            "PATCH": _Update,
            "DELETE": _Delete,
        }
        if operation.method in handlers:
            return handlers[operation.method](wire, operation, collection)
    return Sample(wire, operation)


def _split(path: str) -> tuple[str, str | None]:
    """The path of the collection, and the parameter of one item where there is one."""
    parent, _, last = path.rstrip("/").rpartition("/")
    if last.startswith("{") and last.endswith("}"):
        return parent, last[1:-1]
    return path.rstrip("/"), None


def _has(document: Document, path: str, method: str) -> bool:
    return any(o.path.rstrip("/") == path and o.method == method for o in document.operations)


def _shows(document: Document, collection: str) -> bool:
    """Whether what is made in a collection can be looked at."""
    return any(o.method == "GET" and _split(o.path)[0] == collection for o in document.operations)


class _Resource(ABC):
    """What the handlers of a collection share."""

    def __init__(self, wire: Wire, operation: Operation, collection: str) -> None:
        self.responder = Responder(wire.document, operation)
        self._collection = collection
        _, self._item = _split(operation.path)
        schema = self.responder.schema
        members = wire.shaper.members(schema) if schema is not None else {}
        self.show = RecordShape(wire.shaper, schema, (), {})
        self.new_id = compile_ids(wire.document, members.get("id"))
        self.attributes = records.Attributes(wire.request_shaper, operation)

    def collection(self, request: Request) -> str:
        """The collection of this request: a child collection of each parent is its own."""
        path = self._collection
        for name, value in request.path.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        return path

    @abstractmethod
    async def __call__(self, request: Request) -> Answer:
        """Answers a request."""

    async def find(self, request: Request) -> Record:
        """The record that the request speaks of. Raises Problem 404."""
        id = str(request.path[self._item]) if self._item else ""
        record: Record = await records.find(request, self.collection(request), id, _decode)
        return record


class _Create(_Resource):
    async def __call__(self, request: Request) -> Answer:
        world = request.world
        attributes = self.attributes(request.body)
        now = world.clock.now()
        id = str(attributes.pop("id", None) or self.new_id(world.chance))
        record = Record(id, request.user, now, now, attributes)
        collection = self.collection(request)
        if not await world.store.create(collection, request.user, id, _encode(record)):
            raise Problem(409, "H409", f"The id {id} is taken.")
        return self.responder.json(self.show(record))


class _List(_Resource):
    def __init__(self, wire: Wire, operation: Operation, collection: str) -> None:
        super().__init__(wire, operation, collection)
        shaper, schema = wire.shaper, self.responder.schema
        members = shaper.members(schema) if schema is not None else {}
        arrays = [name for name, path in members.items() if "array" in shaper.types(path)]
        self._items = (arrays[0],) if arrays else ()
        row = shaper.at(schema, (*self._items, "*"))
        names = shaper.members(row) if row is not None else {}
        self.show = RecordShape(shaper, row, (), {})
        self._updated = usual_parts(names).get("updated", ("",))[0]
        self._list = ListShape(shaper, schema, self._items)
        self._names = {p.name for p in operation.parameters if p.place == "query"}

    async def __call__(self, request: Request) -> Answer:
        query = request.query
        newest_first = query.get("order", "desc" if "order" in self._names else "asc") == "desc"
        data = await request.world.store.page(
            self.collection(request), request.user, 0, None, newest_first=newest_first
        )
        found = [_decode(item) for item in data]
        if self._updated and query.get("sort_by") == self._updated:
            found.sort(key=lambda record: record.updated, reverse=newest_first)
        rows = [self.show(record) for record in found]
        wanted = query.get("metadata_filter")
        if wanted is not None:
            rule = Filter(Place.of("metadata_filter"), ("metadata",), "exact-json")
            tests = records.Filters([rule]).active(request)
            rows = [row for row in rows if all(test(row) for test in tests)]
        start, limit = int(query.get("offset", 0)), query.get("limit")
        page: Any = rows[start : None if limit is None else start + int(limit)]
        return self.responder.json(self._list(page, {"total": len(rows)}))


class _Get(_Resource):
    async def __call__(self, request: Request) -> Answer:
        return self.responder.json(self.show(await self.find(request)))


class _Update(_Resource):
    def __init__(self, wire: Wire, operation: Operation, collection: str) -> None:
        super().__init__(wire, operation, collection)
        self._replaces = operation.method == "PUT"

    async def __call__(self, request: Request) -> Answer:
        record = await self.find(request)
        body = self.attributes(request.body)
        attributes = {} if self._replaces else dict(record.attributes)
        if self._replaces:
            attributes |= body
        else:
            records.merge(attributes, body)
        if records.change(record, attributes, request.world.clock.now()):
            await records.save(request, self.collection(request), record)
        return self.responder.json(self.show(record))


class _Delete(_Resource):
    async def __call__(self, request: Request) -> Answer:
        record = await self.find(request)
        await request.world.store.remove(self.collection(request), record.owner, record.id)
        record.updated = request.world.clock.now()
        return self.responder.json(self.show(record))
