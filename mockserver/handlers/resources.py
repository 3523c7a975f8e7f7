"""Every other resource of a document: stateful where its paths and verbs say so, else a sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import quote

import msgspec

from sparring.fixtures.shaping.records import RecordShape, usual_parts
from sparring.fixtures.shaping.wire import Wire
from sparring.spec.inference.bindings import infer_bindings
from sparring.spec.meaning.annotations import read_binding
from sparring.spec.meaning.binding import Binding, Role, descends
from sparring.spec.model import Record
from sparring.spec.openapi.document import Document, Operation

from ..requests.requests import Request
from ..responses.answers import Answer, Responder
from ..responses.problems import Problem
from ..worlds.world import World
from . import Handler, records
from .paging import Pager
from .samples import Sample

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Record).decode


def compile_resource(wire: Wire, operation: Operation) -> Handler:
    """The handler of an operation that speaks of no session."""
    collection, item = _split(operation.template)
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
    return any(o.template.rstrip("/") == path and o.method == method for o in document.operations)


def _shows(document: Document, collection: str) -> bool:
    """Whether what is made in a collection can be looked at."""
    return any(
        o.method == "GET" and _split(o.template)[0] == collection for o in document.operations
    )


class _Resource(ABC):
    """What the handlers of a collection share."""

    def __init__(self, wire: Wire, operation: Operation, collection: str) -> None:
        self.responder = Responder(wire.shaper, operation)
        self.binding = resource_binding(wire.document, operation)
        self._collection = collection
        _, self._item = _split(operation.template)
        schema, at = self.responder.schema, self.binding.id
        known = {"id": at[len(self.binding.entity) :]} if wire.shaper.declares(schema, at) else {}
        self.show = RecordShape(wire.shaper, schema, self.binding.entity, known)
        self.new_id = wire.ids(operation, self.binding)
        self.attributes = records.Attributes(wire.request_shaper, operation)
        shown = wire.shaper.at(schema, self.binding.entity)
        self._declared = wire.shaper.members(shown) if shown is not None else {}

    def above(self, request: Request) -> dict[str, Any]:
        """What the path names above the item, where the item has it too."""
        return {
            name: value
            for name, value in request.path.items()
            if name in self._declared and name != self._item
        }

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


def resource_binding(document: Document, operation: Operation) -> Binding:
    """Where ids, entities, rows and pages stand: a resource is to its collection what a session is
    to its own, so it is read in the same way."""
    item = _split(operation.template)[1] is not None
    roles = {"POST": Role.SESSION_CREATE, "GET": Role.SESSION_GET if item else Role.SESSION_LIST}
    role = roles.get(operation.method, Role.SESSION_UPDATE)
    block = infer_bindings(document, {operation.label: role}).get(operation.label, {})
    binding, _ = read_binding({**block, "role": role.value}, document.source, operation.pointer)
    return binding or Binding(role)


class _Create(_Resource):
    async def __call__(self, request: Request) -> Answer:
        world, place = request.world, self.binding.client_id
        attributes = self.above(request) | self.attributes.of_new(request.body)
        now = world.clock.now()
        chosen = place.read(request) if place is not None else attributes.pop("id", None)
        collection = self.collection(request)
        id = str(chosen or await self._unused(world, collection))
        record = Record(id, request.user, now, now, attributes)
        if not await world.store.create(collection, request.user, id, _encode(record)):
            raise Problem(409, "H409", f"The id {id} is taken.")
        return self.responder.json(self.show(record))

    async def _unused(self, world: World, collection: str) -> str:
        """An id that nothing has, though it was there when the server began."""
        while await world.store.read(collection, id := str(self.new_id(world.chance))):
            pass
        return id


class _List(_Resource):
    def __init__(self, wire: Wire, operation: Operation, collection: str) -> None:
        super().__init__(wire, operation, collection)
        binding = self.binding
        row = wire.shaper.at(self.responder.schema, (*binding.items, "*"))
        self.show = RecordShape(wire.shaper, row, (), {"id": binding.id})
        names = wire.shaper.members(row) if row is not None else {}
        self._updated = usual_parts(names).get("updated", ("",))[0]
        self._list = wire.list(operation, binding)
        self._pager, self._filters = Pager(binding), records.Filters(binding.filters)

    async def __call__(self, request: Request) -> Answer:
        by, direction = self.binding.order_by, self.binding.order_direction
        newest_first = direction is not None and descends(direction.read(request) or "desc") is True
        data = await request.world.store.page(
            self.collection(request), request.user, 0, None, newest_first=newest_first
        )
        found = [_decode(item) for item in data]
        if self._updated and by is not None and by.read(request) == self._updated:
            found.sort(key=lambda record: record.updated, reverse=newest_first)
        rows = [(record, self.show(record)) for record in found]
        for test in self._filters.active(request):
            rows = [pair for pair in rows if test(pair[1])]
        part = self._pager.cut(request, rows, lambda pair: pair[0].id)
        return self.responder.json(self._list([row for _, row in part.items], part.told))


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
        attributes = self.above(request) if self._replaces else dict(record.attributes)
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
