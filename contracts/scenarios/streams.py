"""What a stream promises: valid events, in order, complete, stored, as they are said."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from email.message import Message
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.streams.event_schema import Form
from sparring.spec.streams.events import Seen
from sparring.spec.streams.sse import ServerEvent
from sparring.spec.turn import TERMINAL, Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import at, has, instant, rises
from ..driving.made import TALKING
from ..driving.prompts import prompts, talk_on
from ..driving.runs import MOVING
from ..driving.turns import (
    Turn,
    answers_json,
    as_json,
    joined,
    message_draft,
    say,
    speaks,
    streamed_events,
    streams,
)
from ..findings.answers import generalised
from ..target.target import Stream
from ..world import Blocked, Line, is_stream, stream_type, succeeded

_BEGINS = re.compile(r"(?i)start|begin|created|accepted")
BREAKS = "one\u2028two\u2029three\u0085four\x0bfive\x0csix\x1cseven\neight\r\nnine\rten"
"""Ends of lines: to some libraries only, then to readers of streams, which JSON has to escape."""
WIDE = "灯台と嵐とクジラ — 🐳🌊⛵👩‍🚀 " * 4
"""Hardly a character that is one byte: whoever cuts bytes cuts one."""
LONG_QUESTION = (
    "Please tell me a long story about a lighthouse, a storm and a friendly whale. 🐳 Ünï"
)


def is_streamed(document: Document, operation: Operation) -> str:
    """The answer may be a stream."""
    return "" if streams(operation) else "the operation does not stream"


streaming = first_reason(has(Role.SESSION_CREATE), speaks, is_streamed)


def modelled(document: Document, operation: Operation) -> str:
    """The document says what its events look like."""
    return "" if streamed_events(document, operation) else "the document says nothing of events"


talks = first_reason(streaming, modelled)


def streamed(context: Context, text: str = LONG_QUESTION) -> tuple[str, Turn]:
    """A new session and one turn in it, streamed."""
    session = context.alice.create()
    return session.id, say(context.alice, context.operation, session.id, text, stream=True)


@scenario("stream.media_type", *TALKING, needs=streaming)
def streams_have_their_media_type(context: Context) -> None:
    """A stream is a stream, and JSON is JSON, as `Accept` asks."""
    session = context.alice.create()
    draft = message_draft(
        context.alice, context.operation, session.id, [context.world.words("Hello.")]
    )
    with context.alice.open(draft) as stream:
        stream.drain()
    exchange = stream.exchange
    if not succeeded(exchange):
        raise Blocked(context.operation, exchange)
    wanted = stream_type(context.operation)
    if exchange.response.media_type != wanted:
        context.fail(f"Content-Type: {wanted}", exchange.response.media_type or "none")
    elif stream.broken:
        context.fail("a stream that ends as HTTP wants it", stream.broken)
    elif stream.parser.pending:
        context.fail("a stream that ends after a whole event", "an unfinished event at the end")
    elif stream.parser.flaw:
        context.fail("a stream of which a reader takes every line", stream.parser.flaw)
    elif (charset := charset_of(exchange)) not in ("", "utf-8", "utf8"):
        context.fail("a stream in UTF-8", f"charset={charset}")
    if answers_json(context.operation):
        draft = message_draft(
            context.alice, context.operation, session.id, [context.world.words("Hello.")]
        )
        answer = context.alice.send(as_json(draft))
        if succeeded(answer) and is_stream(answer):
            context.fail("JSON where `Accept` asks for it", answer.response.media_type)


def charset_of(exchange: Exchange) -> str:
    """The charset that an answer names, in lower case."""
    message = Message()
    message["Content-Type"] = exchange.response.headers.get("content-type", "")
    return str(message.get_content_charset("")).lower()


@scenario("stream.schema", *TALKING, needs=streaming)
def events_fit_their_schema(context: Context) -> None:
    """Every event, and the JSON in its data, fits the declared schema, whatever was said."""
    known = prompts(context.alice, context.operation)
    for text in (LONG_QUESTION, "Hi", BREAKS, *known.telling, *known.failing):
        _, turn = streamed(context, text)
        check_events(context, turn)


def check_events(context: Context, turn: Turn) -> None:
    """Fails for events that break the schema of the stream."""
    schema = context.world.stream(context.operation).schema
    if schema is None or schema.form in (Form.NONE, Form.TEXT):
        raise NotChecked("the schema of the events is not declared")
    if not turn.arrivals:
        context.fail("events in the stream", "none")
    for arrival in turn.arrivals:
        for violation in schema.violations(arrival.event, 1):
            where = generalised(violation.pointer)
            kind = arrival.event.event
            context.fail(
                f"{kind} events that fit their schema ({violation.keyword} at {where})",
                f"{violation.message[:300]}: {show(arrival.event.data)}",
            )
    shapes, kinds = (
        context.world.stream(context.operation).events,
        context.document.model.event.kind,
    )
    for arrival, seen in zip(turn.arrivals, turn.events, strict=False):
        word = pointers.first(seen.data, kinds.at) if kinds is not None else None
        shape = shapes.get(kinds.ours(word) or "") if kinds is not None else None
        if shape and shape.data is None and shape.name not in (None, arrival.event.event):
            given = show(arrival.event.event)
            context.fail(
                f"{shape.name} as the name of such an event", f"{given}: {show(seen.data)}"
            )
    named = bool(context.world.stream(context.operation).events) and bool(turn.events)
    if named and all(seen.kind is None for seen in turn.events):
        context.fail("events that the document names", show(turn.arrivals[0].event.event))


@scenario("stream.ids", *TALKING, needs=talks)
def ids_rise(context: Context) -> None:
    """Every event that has an id has one of its own, and numbers rise; ids over turns too, where
    these have no streams of their own."""
    session = context.alice.create().id
    texts = (LONG_QUESTION, context.world.words("And then?"))
    said = talk_on(context.alice, context.operation, session, *texts, stream=True)
    turns = [turn.events for turn in said]
    binding = context.operation.binding
    followed = context.document.with_role(Role.MESSAGE_SUBSCRIBE)
    alone = bool(followed) and all(o.binding and o.binding.target for o in followed)
    if alone or (binding is not None and binding.role is Role.RUN_CREATE):
        for events in turns:
            check_ids(context, events)
    else:
        check_ids(context, [seen for events in turns for seen in events])
    for events in turns:
        check_numbers(context, events)


def check_ids(context: Context, events: list[Any]) -> None:
    """Fails for ids that are missing, repeated or falling."""
    ids, shapes = [], context.world.stream(context.operation).events
    for seen in events:
        shape = shapes.get(seen.kind) if seen.kind is not None else None
        if shape is None or not shape.has_id:
            continue
        if "id" not in seen.raw.fields or not seen.id:
            context.fail(
                "an id on every event that the document gives one", f"{seen.kind} has none"
            )
            return
        ids.append(seen.id)
    if len(set(ids)) < len(ids):
        context.fail("an id of its own for every event", show(ids))
    elif all(id.isascii() and id.isdigit() for id in ids) and not rises(
        map(int, ids), strictly=True
    ):
        context.fail("ids that rise", show(ids))


def check_numbers(context: Context, events: list[Any]) -> None:
    """Fails where the events of a turn have numbers of their own that do not rise."""
    shapes = context.world.stream(context.operation).events.values()
    places = {
        shape.places["event.position"] for shape in shapes if "event.position" in shape.places
    }
    if len(places) != 1:
        return
    (place,) = places  # that of events which the model does not know, too
    found = [at(seen.data, place) for seen in events if isinstance(seen.data, dict)]
    numbers = [number for number in found if number is not None]
    if not all(isinstance(n, int) for n in numbers) or not rises(numbers, strictly=True):
        context.fail("numbers that rise from event to event", show(numbers))


def ends(document: Document, operation: Operation) -> str:
    """The document has an event that ends a turn."""
    done = Kind.DONE.value in streamed_events(document, operation)
    return "" if done else "no event ends a turn"


@scenario("stream.terminal", *TALKING, needs=first_reason(talks, ends))
def one_terminal_event(context: Context) -> None:
    """The last event of a turn, and no other, ends it; then the stream ends."""
    for text in (LONG_QUESTION, "Hi"):
        _, turn = streamed(context, text)
        kinds = [seen.kind for seen in without_sentinel(turn) if seen.kind is not None]
        found = [kind for kind in kinds if kind in TERMINAL]
        names = [arrival.event.event for arrival in turn.arrivals]
        if len(found) != 1:
            context.fail("one terminal event", f"{len(found)} of them in {show(names[-5:])}")
        elif kinds[-1] not in TERMINAL:
            context.fail("the terminal event as the last one", show(names[-3:]))
        elif not turn.ended:
            context.fail("the end of the stream after the terminal event", "it stays open")
        if found and found[0] is not Kind.DONE:
            context.fail("a turn that is done", show(names[-1]))


def without_sentinel(turn: Turn) -> list[Seen]:
    """The events of a turn without the mark that some put behind the event that ends it."""
    events = turn.events
    marked = len(events) > 1 and not isinstance(events[-1].data, dict)
    if marked and events[-1].kind is Kind.DONE and events[-2].kind in TERMINAL:
        return events[:-1]
    return events


@scenario("stream.adds_up", *TALKING, needs=first_reason(talks, has(Role.MESSAGE_LIST)))
def pieces_add_up(context: Context) -> None:
    """The pieces are numbered, and together they are the message as it is sent and stored."""
    telling = prompts(context.alice, context.operation).telling
    events = context.world.stream(context.operation).events.values()
    lines_stay = not any(shape.is_text for shape in events)  # SSE takes every end for LF
    for text in (LONG_QUESTION, "Hi", WIDE, *telling, *[BREAKS] * lines_stay):
        session, turn = streamed(context, text)
        lines = context.alice.history(session)
        stored = {line.id: line.text for line in lines if line.role == "agent" and line.text}
        sums = joined(turn)
        whole = "".join(filter(None, stored.values()))
        if len(stored) > 1 and sums == {None: whole}:
            continue  # several messages, in pieces that do not name theirs
        texts = list(sums.values())
        for message, found in sums.items():
            known = message in stored if message is not None else found in stored.values()
            wanted = stored.get(message, found) if known else None
            if found != wanted:
                seen = f"{show(found)} and {show(wanted if known else list(stored.values()))}"
                context.fail("pieces that add up to the stored message", seen)
        if isinstance(index_place(context), tuple):
            check_indexes(context, turn)
        for reply in filter(lambda reply: reply.text, turn.reply):
            if reply.text not in stored.values():
                context.fail("the streamed message in the history", show(reply.text))
            if sums and reply.text not in texts:
                context.fail("pieces of every streamed message", show(reply.text))
        said: list[str | None] = [*texts] or [reply.text for reply in turn.reply]
        missing = [words for words in stored.values() if words not in said]
        if missing and (text not in telling or context.document.model.events):
            context.fail(
                "in the stream everything that the agent said", f"{show(missing)} is missing"
            )
        if text != BREAKS:  # text.verbatim speaks of what becomes of them
            check_echo(context, turn, text)


@scenario("talk.outlives", *TALKING, needs=first_reason(talks, has(Role.MESSAGE_LIST)))
def turns_outlive_their_callers(context: Context) -> None:
    """A turn whose caller hangs up after the first piece is finished and stored all the same."""
    session = context.alice.create()
    draft = message_draft(context.alice, context.operation, session.id, [LONG_QUESTION])
    with context.alice.open(draft) as stream:
        for seen in map(context.world.stream(context.operation).read, _events(stream)):
            if seen.kind in (Kind.CHUNK, Kind.MESSAGE) and seen.role != "user":
                break
    said: list[Line] = []
    for _ in range(30):
        said = [line for line in context.alice.history(session.id) if line.role == "agent"]
        if said and said[-1].state not in MOVING:
            break
        time.sleep(0.1)
    if not said:
        context.fail("the whole turn in the history, though its caller hung up", "no reply")
    elif said[-1].state == "stopped":
        context.fail("a whole message, though its caller hung up", show(said[-1].raw))


def _events(stream: Stream) -> Iterator[ServerEvent]:
    return (arrival.event for arrival in stream.events())


def index_place(context: Context) -> tuple[str, ...] | None:
    """Where a piece has its number."""
    shape = context.world.stream(context.operation).events.get(Kind.CHUNK.value)
    return shape.places.get("chunk.index") if shape else None


def check_indexes(context: Context, turn: Turn) -> None:
    """Fails unless the pieces of each message are numbered from 0."""
    numbers: dict[Any, list[Any]] = {}
    for seen in turn.events:
        if seen.kind is Kind.CHUNK:
            numbers.setdefault(seen.message, []).append(at(seen.data, index_place(context)))
    for found in numbers.values():
        if found != list(range(len(found))):
            context.fail("pieces numbered 0, 1, 2 and so on", show(found))


def check_echo(context: Context, turn: Turn, text: str) -> None:
    """Fails when the user's own message is streamed otherwise than it was sent."""
    echoes = [
        seen.text for seen in turn.events if seen.kind is Kind.MESSAGE and seen.role == "user"
    ]
    if echoes and echoes != [text]:
        context.fail("the user's message in the stream as it was sent", show(echoes))


def event_list(document: Document, operation: Operation) -> str:
    """The document lists its events."""
    lists = [
        o for o in document.with_role(Role.MESSAGE_LIST) if o.binding and o.binding.shape == "event"
    ]
    return "" if lists else "the document does not list its events"


@scenario("stream.stored", *TALKING, needs=first_reason(talks, event_list))
def streamed_events_are_stored(context: Context) -> None:
    """Events that are stored stand in the list as they were streamed, in that order, no others."""
    shapes = context.world.stream(context.operation).events
    whole = {kind for kind, shape in shapes.items() if shape.data is None}
    if not whole:
        raise NotChecked("no event is streamed as the list shows it")
    operation = next(
        o
        for o in context.document.with_role(Role.MESSAGE_LIST)
        if o.binding and o.binding.shape == "event"
    )
    session = context.alice.create()

    def events() -> list[Any]:
        lines = context.alice.lines(operation, context.alice.all(operation, session.id))
        return [found.raw for found in lines if found.kind in whole]

    before = len(events())
    texts = (LONG_QUESTION, "Hi")
    for turn in talk_on(context.alice, context.operation, session.id, *texts, stream=True):
        listed = events()[before:]
        before += len(listed)
        sent = [seen.data for seen in turn.events if seen.kind and seen.kind.value in whole]
        if sent != listed:
            seen = f"{len(sent)} streamed, {len(listed)} listed"
            wrong = next(
                (pair for pair in zip(sent, listed, strict=False) if pair[0] != pair[1]), None
            )
            seen += f"; {show(wrong[0])} and {show(wrong[1])}" if wrong else ""
            context.fail("the streamed events in the event list", seen)
    if suggestions := context.document.with_role(Role.SUGGESTION_LIST):
        _suggestions(context, session.id, turn, suggestions[0])


def _suggestions(context: Context, session: str, turn: Turn, operation: Operation) -> None:
    shape = context.world.stream(context.operation).events.get(Kind.SUGGESTIONS.value)
    place = shape.places.get("suggestion.texts") if shape else None
    if place is None:
        return
    sent = [t for s in turn.events if s.kind is Kind.SUGGESTIONS for t in at(s.data, place) or ()]
    where = context.document.model.suggestion.get("text")
    stored = [at(item, where) for item in context.alice.all(operation, session)]
    missing = [text for text in sent if text not in stored]
    if missing:
        context.fail("the streamed suggestions in their list", f"{show(missing)} is missing")


@scenario("stream.incremental", *TALKING, needs=talks)
def pieces_arrive_one_by_one(context: Context) -> None:
    """A turn that takes time is not held back to its end; an instant one proves nothing."""
    verdicts = [burst(context, streamed(context)[1]) for _ in range(2)]
    if all(verdicts):
        verdicts.append(burst(context, streamed(context)[1]))
        if all(verdicts):
            context.fail("events that arrive while the turn goes on", verdicts[0])
            return
    if all(_held_back(context) for _ in range(3)):
        seen = "more pieces come later, and all at once"
        context.fail("pieces that arrive while the turn goes on", seen)


def _held_back(context: Context) -> bool:
    """Whether many pieces come at one instant, the later the more there are: an agent that only
    thinks before it speaks takes as long for a few."""
    many, few = (_pieces(streamed(context, text)[1]) for text in (LONG_QUESTION, "Hi"))
    if len(many) < 12 or not few or len(few) > len(many) / 2:
        return False
    return many[0] - few[0] >= 0.08 and many[0] > 1.5 * few[0] and many[-1] - many[0] < many[0] / 40


def _pieces(turn: Turn) -> list[float]:
    """When the pieces of a turn arrived, in seconds since the request."""
    pairs = zip(turn.events, turn.arrivals, strict=True)
    return [arrival.seconds for seen, arrival in pairs if seen.kind is Kind.CHUNK]


def burst(context: Context, turn: Turn) -> str:
    """How all events of a turn came at once although it took time; empty when they did not."""
    if len(turn.arrivals) < 4:
        return ""
    arrivals = [arrival.seconds for arrival in turn.arrivals]
    span = arrivals[-1] - arrivals[0]
    row = context.document.model.event
    shapes = context.world.stream(context.operation).events
    whole = {kind for kind, shape in shapes.items() if shape.data is None}
    times = [
        moment.timestamp()
        for seen in turn.events
        if seen.kind and seen.kind.value in whole
        for moment in [instant(at(seen.data, row.created))]
        if moment is not None and not isinstance(moment, float)
    ]
    told = max(times) - min(times) if times else 0.0
    if told >= 0.04 and span < told / 5:
        return f"the events say that they took {told:.3f} s, but arrived within {span:.3f} s"
    first, patience = turn.events[0], 0.3
    early = first.kind in (Kind.MESSAGE, Kind.STATUS)
    if first.kind is None and _BEGINS.search(f"{first.raw.event} {show(first.data)[:200]}"):
        early, patience = span < 0.003, 0.2  # all in one piece
    if early and arrivals[-1] >= patience and span < arrivals[-1] / 20:
        return f"nothing for {arrivals[0]:.3f} s, then all within {span:.3f} s"
    return ""
