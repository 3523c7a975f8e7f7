"""Sessions: create, list, get, update, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from sparring.fixtures.playing.player import greet
from sparring.fixtures.shaping.recording import Recorder
from sparring.fixtures.shaping.records import RecordShape, folded
from sparring.fixtures.shaping.wire import Wire
from sparring.spec import model, pointers
from sparring.spec.meaning.binding import Binding, Role
from sparring.spec.model import Session
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import View

from ..requests.requests import Request, SentHeaders
from ..responses.answers import Answer, Headers, Responder
from ..responses.problems import Problem
from ..worlds.turns import SESSIONS, decode_entry, decode_session
from ..worlds.world import World
from . import records
from .paging import Pager
from .sorting import Sorting, by_value

_encode = msgspec.json.encode


class SessionHandler:
    """What the handlers of sessions share: where the id is, and how a session is shown."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        self.wire = wire
        self.operation = operation
        self.binding = binding
        self.responder = Responder(wire.shaper, operation)
        self.maker = Maker(wire, operation, binding)
        self._id_parameter = "" if binding.session else id_parameter(wire, operation, binding)
        self._read_id = binding.session.read if binding.session else self._from_path
        named = {self._id_parameter}
        for place in (binding.session, binding.target):
            if place is not None and place.part == "path":
                named.add(place.name)
        paths = [p.name for p in operation.parameters if p.place == "path"]
        self._parents = [name for name in paths if name not in named]
        # Where a body names the session, an agent in the path is whom one talks to, not above it.
        in_path = binding.session is None or binding.session.part == "path"
        self._scope = self._parents if in_path else []
        self._above = _above(wire.document) if binding.implicit else frozenset()

    def _from_path(self, request: Request) -> Any:
        return request.path.get(self._id_parameter)

    def given_id(self, request: Request) -> str | None:
        """The id of the session that a request names, None when it names none."""
        id = self._read_id(request)
        if isinstance(id, dict):
            id = id.get("id")
        return None if id is None else str(id)

    def id_of(self, request: Request) -> str:
        """The id of the session that a request speaks of. Raises Problem 404."""
        id = self.given_id(request)
        if id is None:
            raise Problem(404, "H404", "The request names no session.")
        return id

    async def find(self, request: Request) -> Session:
        """The session that a request speaks of. Raises Problem 404."""
        return await self.find_by(request, self.id_of(request))

    async def find_by(self, request: Request, id: str) -> Session:
        """The caller's session with this id. Raises Problem 404."""
        session: Session = await records.find(request, SESSIONS, id, decode_session)
        if self._scope:
            said = {folded(name): str(value) for name, value in session.attributes.items()}
            for name in self._scope:
                wanted = str(request.path[name])
                if said.get(folded(name), wanted) != wanted:
                    raise Problem(404, "H404", f"There is no session {id} here.")
        return session

    async def enter(self, request: Request) -> str:
        """The id of the session that a request speaks of; where the first use of an id makes its
        session, and where none is named, it is made."""
        id = self.given_id(request)
        if id is not None and not self.binding.implicit:
            return id
        if id is None and not self.binding.implicit:
            return self.id_of(request)
        store = request.world.store
        if id is not None and await store.read(SESSIONS, id) is not None:
            return id
        try:
            made = await self.maker.make(request, id, self.named(request), greeting=False)
        except Problem:  # another request has just made it
            if id is None or await store.read(SESSIONS, id) is None:
                raise
            return id
        return made.id

    def scope(self, request: Request) -> dict[str, Any]:
        """What the path says above the session, such as whose it is."""
        names = self.wire.attributes
        return {names.get(folded(n), n): request.path[n] for n in self._parents}

    def named(self, request: Request) -> dict[str, Any]:
        """What path and body say of whose the session is: what other paths have above it."""
        body = request.body if isinstance(request.body, dict) else {}
        names = self.wire.attributes
        above = {k: v for k, v in body.items() if folded(k) in self._above and v is not None}
        return {names.get(folded(k), k): v for k, v in above.items()} | self.scope(request)

    async def show(self, shape: RecordShape, request: Request, session: Session) -> Any:
        """The session as the response has it, with its history where that is a part of it."""
        if self.binding.history is None:
            return shape(session)
        log = [decode_entry(data) for data in await request.world.store.log(session.id)]
        entries = model.stored(log) if self.binding.shape == "event" else model.history(log)
        return shape(session, (session, entries))

    def tag(self, session: Session) -> Headers:
        """The ETag header, where the document declares it."""
        return [(b"etag", records.etag(session).encode())] if self.responder.has_etag else ()


class Maker:
    """Makes new sessions, with a guest where the document has a user and the client names none."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        self._wire = wire
        at = wire.model.session.get("user", ())
        self._user_name = at[0] if len(at) == 1 else None
        is_create = binding.role is Role.SESSION_CREATE
        self._new_id = wire.ids(operation, binding) if is_create else wire.new_session

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
        seed = world.play_seed
        session = Session(new_id, request.user, now, now, attributes, seed=seed)
        entries = []
        script = world.cast.script(seen(session), SentHeaders(request.sent))
        seed = f"{world.seed}/{seed or new_id}"
        if script.title is not None or script.summary is not None:
            self._entitle(session, script.titled(seed))
        if greeting and (turn := greet(script, seen(session), seed)):
            entries = Recorder(wire, world.chance, world.clock.now).play(session, turn)
        if not await world.store.create(SESSIONS, request.user, new_id, _encode(session)):
            raise Problem(409, "H409", f"The id {new_id} is taken.")
        if entries:
            await world.store.append(new_id, [_encode(entry) for entry in entries])
        return session

    def _entitle(self, session: Session, titled: tuple[str | None, str | None]) -> None:
        """Says what the session is about, where the client has not and the document can."""
        schemas = self._wire.document.schemas
        for part, text in zip(("title", "summary"), titled, strict=True):
            name, path = self._wire.about.get(part, ("", ()))
            if not name or text is None or session.attributes.get(name) is not None:
                continue
            if schemas.at(path, View.RESPONSE).is_valid(text):
                session.attributes[name] = text

    async def _unused(self, world: World) -> str:
        """An id of the server's own choice; an earlier server of the same store may have had it."""
        while await world.store.read(SESSIONS, id := str(self._new_id(world.chance))):
            pass
        return id


def seen(session: Session) -> dict[str, Any]:
    """What a script can name of a session."""
    return {**session.attributes, "id": session.id}


class Create(SessionHandler):
    """session.create"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.record(operation, binding)
        self._location = _location(wire)
        at = wire.model.session["id"]
        self._id_name = at[0] if len(at) == 1 else "id"
        self._attributes = records.Attributes(wire.request_shaper, operation)
        paths = [p.name for p in operation.parameters if p.place == "path"]
        self._parents = [n for n in paths if (p := binding.client_id) is None or n != p.name]

    async def __call__(self, request: Request) -> Answer:
        """Answers with the new session."""
        binding = self.binding
        attributes = self._attributes.of_new(request.body)
        attributes.pop(self._id_name, None)
        attributes |= self.scope(request)
        chosen = binding.client_id.read(request) if binding.client_id else None
        greeting = bool(binding.greeting.read(request)) if binding.greeting else False
        session = await self.maker.make(
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
        return self.responder.json(await self.show(self._shape, request, session), headers)

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
        self._row = wire.records(operation, binding)
        self._list = wire.list(operation, binding)
        self._pager = Pager(binding)
        self._filters = records.Filters(binding.filters)
        self._scope = [p.name for p in operation.parameters if p.place == "path"]
        self._sorting = Sorting(wire.shaper.document, operation, binding)
        self._created = wire.model.session.get("created", ("created_at",))[-1]
        self._updated = wire.model.session.get("updated", ("updated_at",))[-1]

    async def __call__(self, request: Request) -> Answer:
        """Answers with one page of the caller's sessions."""
        store, user = request.world.store, request.user
        by, descending = self._sorting(request)
        tests = self._filters.active(request)
        as_made = by in ("", self._created)
        if self._pager.by_number and as_made and not (tests or self._scope):
            start, limit = self._pager.bounds(request)
            total = await store.count(SESSIONS, user)
            page = await store.page(SESSIONS, user, start, limit, newest_first=descending)
            rows = [self._row(decode_session(data)) for data in page]
            told = self._pager.tell(start, limit, len(rows), total)
            return self.responder.json(self._list(rows, told))
        everything = await store.page(SESSIONS, user, 0, None, newest_first=descending)
        sessions = [decode_session(data) for data in everything]
        if by == self._updated:
            sessions.sort(key=lambda session: session.updated, reverse=descending)
        found = [(s, self._row(s)) for s in sessions if is_below(request, self._scope, s)]
        if not as_made and by != self._updated:
            found = _sorted(found, by, descending=descending)
        if tests:
            found = [pair for pair in found if all(test(pair[1]) for test in tests)]
        part = self._pager.cut(request, found, lambda pair: pair[0].id)
        return self.responder.json(self._list([row for _, row in part.items], part.told))


def _sorted(
    found: list[tuple[Session, Any]], by: str, *, descending: bool
) -> list[tuple[Session, Any]]:
    """Sessions by a member of their rows; those without it come last, whichever the direction."""

    def lacks(pair: tuple[Session, Any]) -> bool:
        return not isinstance(pair[1], dict) or pair[1].get(by) is None

    with_it = [pair for pair in found if not lacks(pair)]
    with_it.sort(key=lambda pair: by_value(pair[1][by]), reverse=descending)
    return with_it + [pair for pair in found if lacks(pair)]


def is_below(request: Request, names: Sequence[str], session: Session) -> bool:
    """Whether the session belongs to what the path parameters of these names say."""
    if not names:
        return True
    attributes = {folded(name): str(value) for name, value in session.attributes.items()}
    return all(attributes.get(folded(name)) == str(request.path[name]) for name in names)


def _above(document: Document) -> frozenset[str]:
    """The names of the path parameters above sessions, folded."""
    found = set()
    for role in (Role.SESSION_GET, Role.SESSION_LIST):
        for operation in document.with_role(role):
            place = operation.binding.session if operation.binding else None
            names = (p.name for p in operation.parameters if p.place == "path")
            found |= {folded(n) for n in names if place is None or n != place.name}
    return frozenset(found)


class Get(SessionHandler):
    """session.get"""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.record(operation, binding)

    async def __call__(self, request: Request) -> Answer:
        """Answers with one session."""
        if self.binding.active:
            session = await self._active(request)
        elif self.binding.implicit:
            session = await self.find_by(request, await self.enter(request))
        else:
            session = await self.find(request)
        return self.responder.json(
            await self.show(self._shape, request, session), self.tag(session)
        )

    async def _active(self, request: Request) -> Session:
        store = request.world.store
        newest = await store.page(SESSIONS, request.user, 0, 1, newest_first=True)
        if newest:
            return decode_session(newest[0])
        return await self.maker.make(request, None, {}, greeting=False)


class Update(SessionHandler):
    """session.update: PUT replaces what its body can name, other methods merge."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.record(operation, binding)
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
        return self.responder.json(
            await self.show(self._shape, request, session), self.tag(session)
        )


class Delete(SessionHandler):
    """session.delete: one session, or all that the filters keep where the request names none."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.record(operation, binding)
        self._filters = records.Filters(binding.filters)
        self._is_single = bool(self._id_parameter or binding.session)

    async def __call__(self, request: Request) -> Answer:
        """Removes the session with all that was said in it."""
        if not self._is_single:
            return await self._all(request)
        session = await self.find(request)
        records.check_precondition(request, session)
        await self._remove(request, session)
        return self.responder.json(await self.show(self._shape, request, session))

    async def _all(self, request: Request) -> Answer:
        tests = self._filters.active(request)
        everything = await request.world.store.page(
            SESSIONS, request.user, 0, None, newest_first=False
        )
        for session in map(decode_session, everything):
            row = dict(session.attributes)
            pointers.put(row, self.wire.model.session["id"], session.id)
            if is_below(request, self._scope, session) and all(test(row) for test in tests):
                await self._remove(request, session)
        return self.responder.json({})

    async def _remove(self, request: Request, session: Session) -> None:
        world = request.world
        await world.store.remove(SESSIONS, session.owner, session.id)
        if (turn := world.running.get(session.id)) is not None:
            turn.stop()
        world.signals.fire(session.id)
        session.updated = world.clock.now()


def id_parameter(wire: Wire, operation: Operation, binding: Binding) -> str:
    """The path parameter that names the session: the one behind the path of the collection."""
    names = [p.name for p in operation.parameters if p.place == "path"]
    if binding.target is not None and binding.target.part == "path":
        names = [name for name in names if name != binding.target.name]
    for role in (Role.SESSION_CREATE, Role.SESSION_LIST):
        for collection in wire.document.with_role(role):
            prefix = f"{collection.path.rstrip('/')}/{{"
            if operation.path.startswith(prefix):
                return operation.path[len(prefix) :].partition("}")[0]
    return names[-1] if names else ""


def _location(wire: Wire) -> tuple[str, str] | None:
    """The path template of one session, and the parameter of its id."""
    for operation in wire.document.with_role(Role.SESSION_GET):
        binding = operation.binding
        if binding is not None and not binding.active:
            return operation.path, id_parameter(wire, operation, binding)
    return None
