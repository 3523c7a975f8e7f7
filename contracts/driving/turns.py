"""Turns: what a user says, and everything that comes back for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role, StreamedEvent
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import (
    Draft,
    is_of_first_kind,
    scalar,
    session_parameter,
    template_place,
)
from sparring.spec.streams.events import Seen, events_of
from sparring.spec.streams.framing import framing_of, is_json
from sparring.spec.turn import TERMINAL, Kind

from ..target.target import Arrival, Limits
from ..world import Blocked, Line, NotChecked, World, is_stream, line, succeeded
from .driver import User
from .made import TALKING
from .runs import PATIENCE, Run, follow, id_of, nearest, tells_states

LATER = ("poll", "subscribe")


@dataclass
class Turn:
    """One turn as its caller saw it."""

    exchange: Exchange
    reply: list[Line] = field(default_factory=list)
    id: Any = None
    events: list[Seen] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    ended: bool = True
    broken: str = ""
    heard: bool = True
    """Whether the document says where the reply is in the answer."""
    run: Run | None = None
    """The run that was asked for until it was over."""

    @property
    def texts(self) -> list[str]:
        """What the agent said."""
        return [found.text or "" for found in self.reply]

    @property
    def finished(self) -> bool:
        """Whether a terminal event was seen."""
        return any(seen.kind in TERMINAL for seen in self.events)


def answers_json(operation: Operation) -> bool:
    """Whether the answer to a message may be a JSON body."""
    if operation.binding and operation.binding.via == "sse" and not streams_declared(operation):
        return False  # what is declared is then what a framework writes for any answer
    return any(map(is_json, operation.answers))


def streams(operation: Operation) -> bool:
    """Whether the answer may be an event stream: declared, or said to be one."""
    said = operation.binding is not None and operation.binding.via == "sse"
    return said or streams_declared(operation)


def streams_declared(operation: Operation) -> bool:
    """Whether the media type of an event stream is declared."""
    return any(map(framing_of, operation.answers))


def ways(operation: Operation) -> list[bool]:
    """The ways of taking the reply: False for a JSON body, or none at all, True for a stream."""
    is_stream = streams(operation)
    return [False] * (answers_json(operation) or not is_stream) + [True] * is_stream


def speaks(document: Document, operation: Operation) -> str:
    """Something can be said with the operation: it takes a text, or has the last one answered."""
    binding = operation.binding
    if binding is None or session_parameter(document, operation) is None:
        return "the operation does not name its session"
    if binding.role is Role.RUN_CREATE and not is_of_first_kind(document, operation):
        return "its sessions are not those that session.create makes"
    if binding.input is None and binding.role is Role.RUN_CREATE and not _putting(document):
        return "there is no operation that says what the run answers"
    return ""


def talking(document: Document) -> list[Operation]:
    """The operations with which a user can speak, those that the agent answers first."""
    found = [o for role in TALKING for o in document.with_role(role) if not speaks(document, o)]
    return sorted(found, key=lambda o: o.binding is not None and o.binding.via == "none")


def can_talk(document: Document, operation: Operation) -> str:
    """There is a way to speak."""
    return "" if talking(document) else "the document has no message.create"


def talk_of(world: World) -> Operation:
    """The operation with which a user speaks best. Raises NotChecked when there is none."""
    found = talking(world.document)
    if not found:
        raise NotChecked("the document has no message.create")
    return found[0]


def _putting(document: Document) -> Operation | None:
    """The operation that puts a message into a session, if possible without an answer."""
    found = document.with_role(Role.MESSAGE_CREATE)
    return min(found, key=lambda o: o.binding is None or o.binding.via != "none", default=None)


def as_json(draft: Draft) -> Draft:
    """Asks for a JSON body where the operation can stream, too."""
    draft.accept = next(filter(is_json, draft.operation.answers), "application/json")
    return choose_form(draft, stream=False)


def choose_form(draft: Draft, *, stream: bool) -> Draft:
    """Says in the request whether to stream, or that there shall be an answer at all where nothing
    can be streamed; nothing where the operation has no place for that."""
    when = draft.operation.binding.when if draft.operation.binding else None
    if when is None:
        return draft
    stream = stream or not streams(draft.operation)
    for value in (*when.values, stream, not stream):
        holds = (value in when.values if when.values else bool(value)) is not when.negated
        if holds is stream:
            part, name = when.place.part, when.place.name
            if part == "body" and isinstance(draft.body, dict):
                pointers.put(draft.body, pointers.split(name), value)
            elif part == "query":
                draft.query = [pair for pair in draft.query if pair[0] != name]
                draft.query.append((name, scalar(value)))
            return draft
    return draft


def streamed_events(document: Document, operation: Operation) -> Mapping[str, StreamedEvent]:
    """The events of an operation's stream, or of the turns that are streamed in the document."""
    if not streams(operation):
        operation = next(filter(streams, talking(document)), operation)
    return events_of(document, operation)


def message_draft(
    user: User, operation: Operation, session: str, texts: Sequence[str], roles: Sequence[str] = ()
) -> Draft:
    """A request that says `texts`. Raises NotChecked where the operation can't say them.

    Before a run that only answers, it puts the texts into the session. Raises Blocked.
    """
    binding = operation.binding
    if binding is not None and binding.input is None and binding.role is Role.RUN_CREATE:
        return _answering_draft(user, operation, session, texts, roles)
    body = user.world.bodies.message(operation, texts, roles)
    if body is None:
        raise NotChecked("the operation does not take this text")
    draft = user.draft(operation, session)
    draft.body = user.owned(operation, body)
    return choose_form(user.aim(draft, session), stream=True)


def _answering_draft(
    user: User, operation: Operation, session: str, texts: Sequence[str], roles: Sequence[str]
) -> Draft:
    put = _putting(user.world.document)
    if put is None:
        raise NotChecked("there is no operation that says what the run answers")
    for index, text in enumerate(texts):
        role = roles[index : index + 1]
        user.expect(message_draft(user, put, session, [text], role))
    draft = user.draft(operation, session)
    if operation.body:
        draft.body = user.world.bodies.least(operation)
    return choose_form(user.aim(draft, session), stream=True)


def say(
    user: User,
    operation: Operation,
    session: str,
    *texts: str,
    stream: bool = False,
    roles: Sequence[str] = (),
    limits: Limits | None = None,
) -> Turn:
    """Says `texts` and takes the whole reply. Raises Blocked."""
    if streams(operation) and (stream or not answers_json(operation)):
        draft = message_draft(user, operation, session, texts, roles)
        with user.open(draft, limits) as opened:
            opened.drain()
        if not succeeded(opened.exchange) or not is_stream(opened.exchange):
            raise Blocked(operation, opened.exchange)
        turn = Turn(opened.exchange, arrivals=opened.arrivals)
        turn.ended, turn.broken = opened.ended, opened.broken
        return read_events(user, operation, turn)
    binding = operation.binding
    later = binding is not None and binding.via in LATER
    known = _known(user, session) if later else set()
    draft = message_draft(user, operation, session, texts, roles)
    exchange = user.expect(as_json(draft) if streams(operation) else draft)
    turn = Turn(exchange)
    body = exchange.response.json()
    at = template_place(user.world.document, operation, "turn.id")
    turn.id = pointers.first(body, at) if at else None
    turn.heard = binding is None or binding.via != "body" or binding.reply_at is not None
    if later:
        return _awaited(user, operation, session, turn, known)
    if binding is not None and binding.reply_at is not None:
        row = binding.row or user.world.document.model.message
        turn.reply = [
            Line(raw, text=raw, role="agent") if isinstance(raw, str) else line(row, raw)
            for raw in pointers.find(body, binding.reply_at)
        ]
    return turn


def _known(user: User, session: str) -> set[str]:
    """The messages that a session has."""
    if not user.world.document.with_role(Role.MESSAGE_LIST):
        return set()
    return {repr(found.id or found.raw) for found in user.history(session)}


def _awaited(user: User, operation: Operation, session: str, turn: Turn, known: set[str]) -> Turn:
    """A turn whose reply comes into the history: when its run is over, else when it is there."""
    id = id_of(operation, turn.exchange)
    get = nearest(user.world, Role.RUN_GET, operation)
    is_run = operation.binding is not None and operation.binding.role is Role.RUN_CREATE
    if is_run and id is not None and get is not None and tells_states(get):
        turn.run = follow(user, get, session, id)
        if turn.id is None and names_runs(user.world.document):
            turn.id = id
        turn.reply = _new(user, session, known)
        return turn
    pause, until = 0.01, time.monotonic() + (user.world.given.wait or PATIENCE)
    while time.monotonic() < until:
        found = _new(user, session, known)
        if found and len(found) == len(turn.reply):
            break
        turn.reply = found
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    return turn


def _new(user: User, session: str, known: set[str]) -> list[Line]:
    """What the agent has said since."""
    if not user.world.document.with_role(Role.MESSAGE_LIST):
        return []
    lines = [found for found in user.history(session) if found.role == "agent"]
    return [found for found in lines if repr(found.id or found.raw) not in known]


def names_runs(document: Document) -> bool:
    """Whether what stands in a message for its turn is the id of its run."""
    at = document.model.message.turn
    return at is not None and "run" in at[-1].lower()


def read_events(user: User, operation: Operation, turn: Turn) -> Turn:
    """Reads what a turn streamed in the words of the model."""
    reader = user.world.stream(operation)
    turn.events = [reader.read(arrival.event) for arrival in turn.arrivals]
    turn.heard = bool({Kind.MESSAGE.value, Kind.CHUNK.value} & reader.events.keys())
    row = user.world.document.model.event
    for seen in turn.events:
        if seen.kind is Kind.MESSAGE and seen.role != "user":
            shape = reader.events.get(Kind.MESSAGE)
            is_row = shape is not None and shape.data is None
            found = line(row, seen.data) if is_row else _line_of(seen)
            if found.role in ("agent", None):
                turn.reply.append(found)
        if turn.id is None and seen.turn is not None:
            turn.id = seen.turn
    if Kind.MESSAGE.value not in reader.events:
        turn.reply = [
            Line(None, id=id, text=text, role="agent") for id, text in joined(turn).items()
        ]
    return turn


def _line_of(seen: Seen) -> Line:
    return Line(seen.data, id=seen.message, text=seen.text, role="agent", turn=seen.turn)


def joined(turn: Turn) -> dict[str | None, str]:
    """What the pieces of each message add up to, by message id."""
    sums: dict[str | None, str] = {}
    for seen in turn.events:
        last = seen.kind is Kind.DONE and seen.text
        if seen.text is not None and (seen.kind is Kind.CHUNK or last):
            sums[seen.message] = sums.get(seen.message, "") + seen.text
    return sums
