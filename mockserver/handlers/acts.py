"""What can be done to a session beside talking: stop its turn, copy it, and all else."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import msgspec

from sparring.fixtures.shapes import Location, Slot
from sparring.fixtures.wire import Wire
from sparring.spec.binding import Binding
from sparring.spec.document import Operation
from sparring.spec.model import Session

from ..answers import Answer
from ..requests import Request
from ..turns import SESSIONS
from . import Handler
from .sessions import SessionHandler


def compile_act(wire: Wire, operation: Operation, binding: Binding) -> Handler:
    """The handler of a session.act, by its effect."""
    handlers: dict[str, Callable[..., Handler]] = {"cancel": Stop, "fork": Fork}
    return handlers.get(binding.effect, Other)(wire, operation, binding)


class Stop(SessionHandler):
    """session.act with the effect `cancel`."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        places: dict[Location, Any] = {
            (name,): Slot(itemgetter(name)) for name in binding.body_template
        }
        self._build = wire.shaper.compile(self.responder.schema, places)

    async def __call__(self, request: Request) -> Answer:
        """Stops the running turn and waits until it has ended."""
        session = await self.find_by(request, await self.enter(request))
        running = request.world.running.get(session.id)
        turn: dict[str, Any] = {"id": None, "stopped": False, "finish": "stopped", "usage": None}
        if running is not None:
            running.stop()
            await running.ended()
            turn |= {"id": running.id, "stopped": True}
        values = self.binding.body({"turn": turn}) if self.binding.body else {}
        return self.responder.json(self._build(values))


class Fork(SessionHandler):
    """session.act with the effect `fork`: a new session with the same history."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.record(operation, binding)

    async def __call__(self, request: Request) -> Answer:
        """Answers with the copy."""
        session = await self.find(request)
        store, id = request.world.store, str(self.wire.new_session(request.world.chance))
        now = request.world.clock.now()
        copied: Session = msgspec.structs.replace(session, id=id, created=now, updated=now)
        await store.create(SESSIONS, request.user, id, msgspec.json.encode(copied))
        await store.append(id, await store.log(session.id))
        return self.responder.json(await self.show(self._shape, request, copied))


class Other(SessionHandler):
    """Any other session.act: the session must be there; the answer is the session where it looks
    like one, else a valid sample."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.record(operation, binding)

    async def __call__(self, request: Request) -> Answer:
        """Answers that it is done."""
        if self.given_id(request) is None:
            return self.responder.json({})
        session = await self.find_by(request, await self.enter(request))
        return self.responder.json(await self.show(self._shape, request, session))
