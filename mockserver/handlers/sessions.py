"""Sessions: create, list, get, update, delete."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from sparring.fixtures.player import greet
from sparring.fixtures.recording import Recorder
from sparring.fixtures.wire import ListShape, RecordShape, Wire
from sparring.spec.binding import Binding, Role
from sparring.spec.document import Operation
from sparring.spec.model import Session

from ..answers import Answer, Headers, Responder
from ..problems import Problem
from ..requests import Request
from ..turns import SESSIONS, decode_session
from ..world import World
from . import records

_encode = msgspec.json.encode


class SessionHandler:
    """What the handlers of sessions share: where the id is, and how a session is shown."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        self.wire = wire
        self.binding = binding
        self.responder = Responder(wire.document, operation)
        self._read_id = binding.session.read if binding.session else None
        self._id_parameter = id_parameter(wire, operation)

    def shape(self) -> RecordShape:
        """The shape of one session in the response."""
        model = self.wire.model.session
        shaper, schema = self.wire.shaper, self.responder.schema
        return RecordShape(shaper, schema, self.binding.entity, model)

    def id_of(self, request: Request) -> str:
        """The id of the session that a request speaks of."""
        if self._read_id is not None:
            return str(self._read_id(request))
        return str(request.path[self._id_parameter])

    async def find(self, request: Request) -> Session:
        """The session that a request speaks of. Raises Problem 404."""
        session: Session = await records.find(
            request, SESSIONS, self.id_of(request), decode_session
        )
        return session

    def tag(self, session: Session) -> Headers:
        """The ETag header, where the document declares it."""
        return [(b"etag", records.etag(session).encode())] if self.responder.has_etag else ()


class Maker:
    """Makes new sessions, with a guest where the document has a user and the client names none."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        at = wire.model.session.get("user", ())
        self._user_name = at[0] if len(at) == 1 else None

    async def make(
        self, request: Request, id: str | None, attributes: dict[str, Any], *, greeting: bool
    ) -> Session:
        """Stores a new session. Raises Problem 409 when the id is taken."""
        world, wire = request.world, self._wire
        name = self._user_name
        if name is not None and wire.new_user is not None and attributes.get(name) is None:
            attributes[name] = wire.new_user(world.chance)
        now = world.clock.now()
        new_id = await self._unused(world) if id is None else id
        session = Session(new_id, request.user, now, now, attributes)
        entries = []
        if greeting and (turn := greet(world.script, seen(session), f"{world.seed}/{new_id}")):
            entries = Recorder(wire, world.chance, world.clock.now).play(session, turn.steps)
        if not await world.store.create(SESSIONS, request.user, new_id, _encode(session)):
            raise Problem(409, "H409", f"The id {new_id} is taken.")
        if entries:
            await world.store.append(new_id, [_encode(entry) for entry in entries])
        return session

    async def _unused(self, world: World) -> str:
        """An id of the server's own choice; an earlier server of the same store may have had it."""
        while await world.store.read(SESSIONS, id := str(self._wire.new_session(world.chance))):
            pass
        return id


def seen(session: Session) -> dict[str, Any]:
    """What a script can name of a session."""
    return {**session.attributes, "id": session.id}


class Create(SessionHandler):
    """session.create"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = self.shape()
        self._maker = Maker(wire)
        self._location = _location(wire)
        at = wire.model.session["id"]
        self._id_name = at[0] if len(at) == 1 else "id"
        self._attributes = records.Attributes(wire.request_shaper, operation)

    async def __call__(self, request: Request) -> Answer:
        """Answers with the new session."""
        binding = self.binding
        attributes = self._attributes(request.body)
        attributes.pop(self._id_name, None)
        chosen = binding.client_id.read(request) if binding.client_id else None
        greeting = bool(binding.greeting.read(request)) if binding.greeting else False
        session = await self._maker.make(
            request, None if chosen is None else str(chosen), attributes, greeting=greeting
        )
        headers = list(self.tag(session))
        if self.responder.has_location and self._location is not None:
            headers.append(
                (
                    b"location",
                    (request.root + self._path(self._location, request, session)).encode(),
                )
            )
        return self.responder.json(self._shape(session), headers)

    def _path(self, template: tuple[str, str], request: Request, session: Session) -> str:
        """The path of the new session, below what the request's own path names."""
        path, id_name = template
        for name, value in {**request.path, id_name: session.id}.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        return path


class List(SessionHandler):
    """session.list"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        schema = wire.shaper.at(self.responder.schema, (*binding.items, "*"))
        self._row = RecordShape(wire.shaper, schema, (), wire.model.session)
        self._list = ListShape(
            wire.shaper, self.responder.schema, binding.items, binding.page.total
        )
        self._filters = records.Filters(binding.filters)
        stated = operation.promises.get("list.order", {})
        self._descending = stated.get("dir", "asc") == "desc"
        self._by = stated.get("by", "").removeprefix("/")
        updated = wire.model.session.get("updated", ("updated_at",))
        self._updated = updated[-1]

    async def __call__(self, request: Request) -> Answer:
        """Answers with one page of the caller's sessions."""
        store, binding, user = request.world.store, self.binding, request.user
        direction = binding.order_direction.read(request) if binding.order_direction else None
        by = binding.order_by.read(request) if binding.order_by else None
        descending = self._descending if direction is None else direction == "desc"
        tests = self._filters.active(request)
        by_update = (by or self._by) == self._updated
        start, limit = records.bounds(request, binding)
        if not tests and not by_update:
            total = await store.count(SESSIONS, user)
            page = await store.page(SESSIONS, user, start, limit, newest_first=descending)
            rows = [self._row(decode_session(data)) for data in page]
            return self.responder.json(self._list(rows, total))
        everything = await store.page(SESSIONS, user, 0, None, newest_first=descending)
        sessions = [decode_session(data) for data in everything]
        if by_update:
            sessions.sort(key=lambda session: session.updated, reverse=descending)
        rows = [self._row(session) for session in sessions]
        rows = [row for row in rows if all(test(row) for test in tests)]
        return self.responder.json(self._list(list(records.cut(request, binding, rows)), len(rows)))


class Get(SessionHandler):
    """session.get"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = self.shape()
        self._maker = Maker(wire)

    async def __call__(self, request: Request) -> Answer:
        """Answers with one session."""
        session = await (self._active(request) if self.binding.active else self.find(request))
        return self.responder.json(self._shape(session), self.tag(session))

    async def _active(self, request: Request) -> Session:
        store = request.world.store
        newest = await store.page(SESSIONS, request.user, 0, 1, newest_first=True)
        if newest:
            return decode_session(newest[0])
        return await self._maker.make(request, None, {}, greeting=False)


class Update(SessionHandler):
    """session.update: PUT replaces what its body can name, other methods merge."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = self.shape()
        self._replaces = operation.method == "PUT"
        self._attributes = records.Attributes(wire.request_shaper, operation)

    async def __call__(self, request: Request) -> Answer:
        """Answers with the session as it is now."""
        session = await self.find(request)
        records.check_precondition(request, session)
        body = self._attributes(request.body)
        attributes = dict(session.attributes)
        if self._replaces:
            for name in self._attributes.names:
                attributes.pop(name, None)
            attributes |= body
        else:
            records.merge(attributes, body, keep_null=self.binding.keep_null)
        if records.change(session, attributes, request.world.clock.now()):
            await records.save(request, SESSIONS, session)
        return self.responder.json(self._shape(session), self.tag(session))


class Delete(SessionHandler):
    """session.delete"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = self.shape()

    async def __call__(self, request: Request) -> Answer:
        """Removes the session with all that was said in it."""
        session = await self.find(request)
        records.check_precondition(request, session)
        world = request.world
        await world.store.remove(SESSIONS, session.owner, session.id)
        if (turn := world.running.get(session.id)) is not None:
            turn.stop()
        world.signals.fire(session.id)
        session.updated = world.clock.now()
        return self.responder.json(self._shape(session))


def id_parameter(wire: Wire, operation: Operation) -> str:
    """The path parameter that names the session: the one behind the path of the collection."""
    names = [p.name for p in operation.parameters if p.place == "path"]
    for role in (Role.SESSION_CREATE, Role.SESSION_LIST):
        for collection in wire.document.with_role(role):
            prefix = f"{collection.path.rstrip('/')}/{{"
            if operation.path.startswith(prefix):
                return operation.path[len(prefix) :].partition("}")[0]
    return names[-1] if names else ""


def _location(wire: Wire) -> tuple[str, str] | None:
    """The path template of one session, and the parameter of its id."""
    for operation in wire.document.with_role(Role.SESSION_GET):
        if operation.binding is not None and not operation.binding.active:
            name = id_parameter(wire, operation)
            return operation.path, name
    return None
