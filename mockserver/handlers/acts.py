"""What can be done to a session beside talking: stop its turn, let it go on, copy it, all else."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from sparring.fixtures.shaping.shapes import Location, Slot
from sparring.fixtures.shaping.wire import Wire
from sparring.spec import model
from sparring.spec.meaning.binding import Binding
from sparring.spec.model import Entry, Session
from sparring.spec.openapi.document import Operation

from ..requests.requests import Request
from ..responses.answers import Answer
from ..responses.problems import Problem
from ..worlds import branches
from ..worlds.turns import SESSIONS, Journal, RunningTurn, decode_session, read_log
from . import Handler
from .again import compile_read, form_of, last_question
from .incoming import Said
from .messages import Update
from .sessions import SessionHandler
from .talk import Reply, Talk


def compile_act(wire: Wire, operation: Operation, binding: Binding) -> Handler:
    """The handler of a session.act, by its effect."""
    if binding.effect == "cancel":
        return Stop(wire, operation, binding)
    if binding.effect == "fork":
        return Fork(wire, operation, binding)
    if binding.effect in ("regenerate", "edit", "approve", "answer"):
        return GoOn(wire, operation, binding)
    return Other(wire, operation, binding)


def compile_update(wire: Wire, operation: Operation, binding: Binding) -> Handler:
    """The handler of a message.update: with the effect `edit` the agent answers anew."""
    handler = GoOn if binding.effect == "edit" else Update
    return handler(wire, operation, binding)


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
            if running.was_stopped:
                turn |= {"id": running.id, "stopped": True}
        values = self.binding.body({"turn": turn}) if self.binding.body else {}
        return self.responder.json(self._build(values))


class GoOn(Talk):
    """An act after which the agent speaks: `regenerate`, `edit`, `approve` or `answer`.

    What is regenerated or edited is answered in place of the old answer, or in a new session.
    """

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self.via = form_of(self)
        self._read = compile_read(binding, self.incoming, self._question)
        self._branches = binding.branches and binding.effect in ("regenerate", "edit")
        self._shows_reply = binding.reply_at is not None or bool(binding.body_template)
        self._reply = wire.reply(operation, binding)
        self._shape = wire.record(operation, binding)
        self._row = wire.row(binding, wire.shaper.at(self.responder.schema, binding.entity))

    async def enter(self, request: Request) -> str:
        """The id of the session, or of the branch that goes on from the question."""
        id = self.given_id(request) or await self._session_of(request)
        if not self._branches:
            return id
        world = request.world
        session = await self.find_by(request, id)
        question = self._question(request, await read_log(world, id))
        new_id = str(self.wire.new_session(world.chance))
        return (await branches.branch(world, session, new_id, question)).id

    async def read(self, request: Request, journal: Journal, session: Session) -> Said:
        """What the agent is told."""
        assert self._read is not None
        return await self._read(request, journal, session)

    def _target(self, request: Request) -> str | None:
        """The id of the message that a request names, None when it names none."""
        target = self.binding.target
        id = target.read(request) if target is not None else None
        return None if id is None else str(id)

    def _question(self, request: Request, log: list[Entry]) -> Entry:
        """The user's message that is answered again. Raises Problem 404 or 409."""
        spoken, id = model.history(log), self._target(request)
        if id is None:
            return last_question(spoken)
        at = next((index for index, entry in enumerate(spoken) if entry.id == id), None)
        if at is None:
            raise Problem(404, "H404", f"There is no message {id}.")
        if self.binding.effect == "edit" and spoken[at].role == "agent":
            raise Problem(409, "H409", f"Message {id} is the agent's own.")
        return last_question(spoken[: at + 1])

    async def _session_of(self, request: Request) -> str:
        """The caller's session that has the message which a request names. Raises Problem 404."""
        if (id := self._target(request)) is None:
            return self.id_of(request)
        store = request.world.store
        for data in await store.page(SESSIONS, request.user, 0, None, newest_first=True):
            session = decode_session(data)
            log = await read_log(request.world, session.id)
            if any(entry.id == id for entry in model.history(log)):
                return session.id
        raise Problem(404, "H404", f"There is no message {id}.")

    async def answer(self, request: Request, session: Session, reply: Reply) -> Answer:
        """The agent's reply or, where there is no place for it, what it belongs to."""
        if not self._shows_reply:
            return await self._other(request, session, reply.messages)
        turn, finish, prompt, messages, _ = reply
        return self.responder.json(self._reply(session.id, turn, finish, prompt, messages))

    async def recorded(
        self, request: Request, session: Session, said: Said, running: RunningTurn | None
    ) -> Answer:
        """The session as it is when the agent begins, or the question."""
        if self._shows_reply:
            turn = running.id if running is not None else ""
            return self.responder.json(self._reply(session.id, turn, "stop", said.text or "", []))
        asked = model.history(await read_log(request.world, session.id))
        return await self._other(request, session, [e for e in asked if e.role != "agent"])

    async def _other(self, request: Request, session: Session, entries: list[Entry]) -> Answer:
        if self.binding.row is not None and entries:
            body: Any = self._row(entries[-1])
            for token in reversed(self.binding.entity):
                body = {token: body}
            return self.responder.json(body)
        return self.responder.json(await self.show(self._shape, request, session))


class Fork(SessionHandler):
    """session.act with the effect `fork`: a new session with the same history."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        super().__init__(wire, operation, binding)
        self._shape = wire.record(operation, binding)

    async def __call__(self, request: Request) -> Answer:
        """Answers with the copy."""
        session = await self.find(request)
        id = str(self.wire.new_session(request.world.chance))
        copied = await branches.fork(request.world, session.id, id)
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
