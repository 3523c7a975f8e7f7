"""Takes a whole turn in whichever way a document answers, and tells what can be seen of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from sparring.fixtures.script.expectations import Happened
from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import session_parameter
from sparring.spec.streams.events import Seen
from sparring.spec.turn import TERMINAL, Kind

from ..checks import Context
from ..driving.turns import Turn, joined, message_draft, read_events, say, streams
from ..scenarios.resuming import subscription
from ..target.target import Limits, NoAnswer
from ..world import Blocked, Line, NotChecked, is_stream, succeeded


@dataclass(frozen=True, slots=True)
class Told:
    """What a turn showed, and the `kinds` of events that could have been seen at all."""

    happened: tuple[Happened, ...]
    kinds: frozenset[str]

    @property
    def shows_text(self) -> bool:
        """Whether what the agent says can be seen."""
        return bool(self.kinds & {Kind.MESSAGE, Kind.CHUNK})


def talk_operation(document: Document) -> Operation | None:
    """The operation to talk with: the one that shows most of a turn."""
    found = document.with_role(Role.MESSAGE_CREATE)
    order = ("sse", "body", "subscribe", "poll", "none")

    def shown(operation: Operation) -> tuple[bool, int]:
        binding = operation.binding
        takes_text = binding is not None and binding.input is not None
        via = binding.via if binding is not None else "none"
        return not takes_text, 0 if streams(operation) else order.index(via)

    return min(found, key=shown, default=None)


@dataclass(frozen=True, slots=True)
class Ask:
    """A text to say in a session. `known` are the events of earlier turns, which a subscription may
    tell again; with `listed` suggestions that no event shows are read from their list; a reply that
    comes later is waited for up to `seconds`."""

    session: str
    text: str
    known: list[Seen]
    listed: bool
    seconds: float


def tell(context: Context, ask: Ask) -> Told:
    """Says a text and takes the whole reply. Raises Blocked, NoAnswer, NotChecked."""
    session, text = ask.session, ask.text
    operation = context.operation
    via = operation.binding.via if operation.binding is not None else "none"
    suggested = _suggestions(context, session) if ask.listed else None
    if streams(operation):
        turn = say(context.alice, operation, session, text, stream=True)
        told = _streamed(context, operation, turn.events, joined(turn))
    elif via == "body":
        told = _messages(say(context.alice, operation, session, text).reply)
    elif via in ("subscribe", "none") and (following := _subscription(context)) is not None:
        told = _subscribed(context, following, ask)
    else:
        told = _later(context, ask)
    if Kind.SUGGESTIONS in told.kinds or suggested is None:
        return told
    after = _suggestions(context, session) or []
    new = after[len(suggested) :] if after[: len(suggested)] == suggested else after
    event = Happened(Kind.SUGGESTIONS, texts=new or after)
    return Told((*told.happened, event) if after else told.happened, told.kinds | {"suggestions"})


def _streamed(
    context: Context, operation: Operation, events: Sequence[Seen], sums: dict[str | None, str]
) -> Told:
    stream = context.world.stream(operation)
    kinds = frozenset(map(str, stream.events)) | set(stream.names) | {Kind.EVENT}
    if not stream.events:
        raise NotChecked("the document says nothing of events")
    return Told(tuple(_happened(events, sums)), kinds)


def _happened(events: Sequence[Seen], sums: dict[str | None, str]) -> Iterator[Happened]:
    """The agent's events in the words of scripts; of what ends a turn only the first."""
    ended = False
    for seen in events:
        if seen.role == "user" or (ended and seen.kind in TERMINAL):
            continue
        if seen.kind is None:
            yield Happened(Kind.EVENT, name=seen.raw.event)
        elif seen.kind is Kind.MESSAGE:
            text = seen.text if seen.text is not None else sums.get(seen.message, "")
            yield Happened(Kind.MESSAGE, text=text)
        elif seen.kind is Kind.SUGGESTIONS:
            yield Happened(Kind.SUGGESTIONS, texts=_texts(seen))
        else:
            if seen.kind is Kind.DONE and seen.text:
                yield Happened(Kind.CHUNK, text=seen.text)
            yield Happened(seen.kind, text=seen.text or "")
        ended = ended or seen.kind in TERMINAL


def _texts(seen: Seen) -> list[str]:
    """The texts of an event that suggests something: the longest list of texts in its data."""
    found: list[list[str]] = [[]]
    left = [seen.data]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            left += node.values()
        elif isinstance(node, list):
            if node and all(isinstance(item, str) for item in node):
                found.append(node)
            left += [item for item in node if isinstance(item, (dict, list))]
    return max(found, key=len)


def _messages(lines: Sequence[Line]) -> Told:
    said = (line for line in lines if line.role in ("agent", None) and line.text is not None)
    happened = tuple(Happened(Kind.MESSAGE, text=line.text or "") for line in said)
    return Told(happened, frozenset({"message"}))


def _subscription(context: Context) -> Operation | None:
    """What follows one session, and tells when a turn is over."""
    for operation in context.document.with_role(Role.MESSAGE_SUBSCRIBE):
        binding = operation.binding
        aimed = session_parameter(context.document, operation) is not None
        ends = streams(operation) and Kind.DONE in context.world.stream(operation).events
        if binding is not None and not binding.every_session and aimed and ends:
            return operation
    return None


def _subscribed(context: Context, operation: Operation, ask: Ask) -> Told:
    """What a subscription tells that is open before the text is said."""
    session, text, known = ask.session, ask.text, ask.known
    following = replace(context, operation=operation)
    draft = subscription(following, session, None, ceil(ask.seconds))
    reader = context.world.stream(operation)
    found: list[Seen] = []
    try:
        with context.alice.open(draft, Limits(seconds=ask.seconds)) as stream:
            if not succeeded(stream.exchange) or not is_stream(stream.exchange):
                raise Blocked(operation, stream.exchange)
            context.alice.expect(message_draft(context.alice, context.operation, session, [text]))
            for arrival in stream.events():
                found.append(reader.read(arrival.event))
                if found[-1].kind in TERMINAL and not _starts_with(known, found):
                    break
    except NoAnswer as error:
        if error.request.method != operation.method:
            raise
        return _later(context, ask)  # its head comes with the first event only
    new = found[len(known) :] if _starts_with(found, known) else found
    known += new
    return _streamed(context, operation, new, {})


def _starts_with(events: list[Seen], others: list[Seen]) -> bool:
    return [seen.raw for seen in events[: len(others)]] == [seen.raw for seen in others]


def _later(context: Context, ask: Ask) -> Told:
    """What stands in the history once the agent has answered."""
    session, text = ask.session, ask.text
    alice, before = context.alice, len(context.alice.history(session))
    alice.expect(message_draft(alice, context.operation, session, [text]))
    if runs := context.document.with_role(Role.RUN_CREATE):
        draft = alice.draft(runs[0])
        draft.body = context.world.bodies.least(runs[0])
        alice.aim(draft, session)
        if streams(runs[0]):
            with alice.open(draft) as stream:
                stream.drain()
            if not succeeded(stream.exchange) or not is_stream(stream.exchange):
                raise Blocked(runs[0], stream.exchange)
            turn = Turn(stream.exchange, arrivals=stream.arrivals)
            read_events(alice, runs[0], turn)
            return _streamed(context, runs[0], turn.events, joined(turn))
        alice.expect(draft)
    end = time.monotonic() + ask.seconds
    pause, last = 0.05, -1
    while True:
        said = [line for line in alice.history(session)[before:] if line.role == "agent"]
        if (said and len(said) == last) or time.monotonic() > end:
            return _messages(said)
        last, pause = len(said), min(pause * 1.5, 1.0)
        context.world.target.meter.pause(pause)


def _suggestions(context: Context, session: str) -> list[str] | None:
    """The texts that are suggested now, None where the document does not list them."""
    lists = context.document.with_role(Role.SUGGESTION_LIST)
    where = context.document.model.suggestion.get("text")
    if not lists or where is None:
        return None
    items = context.alice.all(lists[0], session)
    return [text for item in items if isinstance(text := pointers.first(item, where), str)]
