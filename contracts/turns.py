"""Turns: what a user says, and everything that comes back for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.spec import pointers
from sparring.spec.binding import Role, StreamedEvent
from sparring.spec.document import Document, Operation
from sparring.spec.drafts import Draft, scalar, template_place
from sparring.spec.events import Seen, events_of
from sparring.spec.exchange import Exchange
from sparring.spec.framing import framing_of, is_json
from sparring.spec.turn import TERMINAL, Kind

from .driver import User
from .target import Arrival, Limits
from .world import Blocked, Line, NotChecked, is_stream, line, succeeded


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
    found = operation.success
    if operation.binding and operation.binding.via == "sse" and not streams_declared(operation):
        return False  # what is declared is then what a framework writes for any answer
    return bool(found and any(map(is_json, found[1].content)))


def streams(operation: Operation) -> bool:
    """Whether the answer may be an event stream: declared, or said to be one."""
    said = operation.binding is not None and operation.binding.via == "sse"
    return said or streams_declared(operation)


def streams_declared(operation: Operation) -> bool:
    """Whether the media type of an event stream is declared."""
    found = operation.success
    return bool(found and any(framing_of(name) for name in found[1].content))


def as_json(draft: Draft) -> Draft:
    """Asks for a JSON body where the operation can stream, too."""
    found = draft.operation.success
    types = found[1].content if found else ()
    draft.accept = next(filter(is_json, types), "application/json")
    return choose_form(draft, stream=False)


def choose_form(draft: Draft, *, stream: bool) -> Draft:
    """Says in the request whether to stream, where the operation has a place for that."""
    when = draft.operation.binding.when if draft.operation.binding else None
    if when is None or not streams(draft.operation):
        return draft
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
        talks = (o for o in document.with_role(Role.MESSAGE_CREATE) if streams(o))
        operation = next(talks, operation)
    return events_of(document, operation)


def message_draft(
    user: User, operation: Operation, session: str, texts: Sequence[str], roles: Sequence[str] = ()
) -> Draft:
    """A request that says `texts`. Raises NotChecked where the operation can't say them."""
    body = user.world.bodies.message(operation, texts, roles)
    if body is None:
        raise NotChecked("the operation does not take this text")
    draft = user.draft(operation, session)
    draft.body = user.owned(operation, body)
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
    draft = message_draft(user, operation, session, texts, roles)
    if streams(operation) and (stream or not answers_json(operation)):
        with user.open(draft, limits) as opened:
            opened.drain()
        if not succeeded(opened.exchange) or not is_stream(opened.exchange):
            raise Blocked(operation, opened.exchange)
        turn = Turn(opened.exchange, arrivals=opened.arrivals)
        turn.ended, turn.broken = opened.ended, opened.broken
        return read_events(user, operation, turn)
    exchange = user.expect(as_json(draft) if streams(operation) else draft)
    turn = Turn(exchange)
    body = exchange.response.json()
    binding = operation.binding
    turn.heard = binding is None or binding.via != "body" or binding.reply_at is not None
    if binding is not None and binding.reply_at is not None:
        row = user.world.document.model.message
        turn.reply = [
            Line(raw, text=raw, role="agent") if isinstance(raw, str) else line(row, raw)
            for raw in pointers.find(body, binding.reply_at)
        ]
    at = template_place(user.world.document, operation, "turn.id")
    turn.id = pointers.first(body, at) if at else None
    return turn


def read_events(user: User, operation: Operation, turn: Turn) -> Turn:
    """Reads what a turn streamed in the words of the model."""
    reader = user.world.stream(operation)
    turn.events = [reader.read(arrival.event) for arrival in turn.arrivals]
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
