"""What stopping a turn promises: the turn ends, and what was said so far is kept and marked."""

from __future__ import annotations

import threading
import time

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import histories, template_place
from sparring.spec.turn import Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import has
from ..driving.together import together
from ..driving.turns import (
    Turn,
    answers_json,
    can_talk,
    joined,
    message_draft,
    read_events,
    say,
    streamed_events,
    streams,
    talking,
)
from ..target.target import Limits
from ..world import Blocked, Line, Session, succeeded
from .streams import LONG_QUESTION, modelled
from .talk import texts_of

GHOST = 1.5  # seconds after which an agent that was not told of a stop has said something
ACT = Role.SESSION_ACT  # what stops a run is in `running`


def cancels(document: Document, operation: Operation) -> str:
    """The operation stops a turn."""
    is_stop = operation.binding is not None and operation.binding.effect == "cancel"
    return "" if is_stop else "the operation does not stop a turn"


def stop(context: Context, session: str) -> tuple[Exchange, bool | None]:
    """Stops the turn of a session; whether the answer says that one was stopped."""
    draft = context.alice.draft(context.operation, session)
    if context.operation.body:
        draft.body = context.world.bodies.least(context.operation)
    exchange = context.alice.send(context.alice.aim(draft, session))
    if exchange.response.status == 409 and "409" in context.operation.responses:
        return exchange, False  # there is nothing to stop
    if not succeeded(exchange):
        raise Blocked(context.operation, exchange)
    place = template_place(context.document, context.operation, "turn.stopped")
    said = pointers.first(exchange.response.json(), place) if place else None
    return exchange, said if isinstance(said, bool) else None


def interrupted(context: Context, session: Session) -> tuple[Turn, bool | None, list[Line]]:
    """A streamed turn that is stopped after its first piece, and the history right after that."""
    operation = next(filter(streams, talking(context.document)), None)
    if operation is None:
        raise NotChecked("no operation streams a turn")
    draft = message_draft(context.alice, operation, session.id, [LONG_QUESTION * 20])
    stopped: bool | None = None
    lines: list[Line] | None = None
    with context.alice.open(draft, Limits(seconds=15)) as stream:
        reader = context.world.stream(operation)
        for arrival in stream.events():
            if lines is None and reader.read(arrival.event).kind is Kind.CHUNK:
                stopped = stop(context, session.id)[1]
                lines = context.alice.history(session.id)
    if lines is None:
        raise NotChecked("the turn has no pieces")
    turn = Turn(stream.exchange, arrivals=stream.arrivals, ended=stream.ended)
    return read_events(context.alice, operation, turn), stopped, lines


def has_pieces(document: Document, operation: Operation) -> str:
    """The document streams pieces, and an event that says that the turn was stopped."""
    kinds = set(streamed_events(document, operation))
    wanted = {Kind.CHUNK.value, Kind.STOPPED.value}
    return "" if wanted <= kinds else "no event says that a turn was stopped"


@scenario(
    "stop.partial",
    ACT,
    needs=first_reason(
        cancels,
        modelled,
        has_pieces,
        can_talk,
        has(Role.SESSION_CREATE, Role.MESSAGE_LIST),
    ),
)
def partial_text_is_kept(context: Context) -> None:
    """A stopped turn ends with `stopped`; its pieces are in the history, marked as stopped."""
    for _ in range(3):
        session = context.alice.create()
        turn, stopped, at_once = interrupted(context, session)
        kinds = [seen.kind for seen in turn.events]
        if stopped is not False and Kind.DONE not in kinds:
            break
        if stopped is True and Kind.DONE in kinds:
            context.fail(
                "`stopped` as the end of a stopped turn", show([str(k) for k in kinds[-3:]])
            )
            return
    else:
        raise NotChecked("turns are over before they can be stopped")
    if kinds.count(Kind.STOPPED) != 1 or kinds[-1] is not Kind.STOPPED:
        context.fail("`stopped` as the end of a stopped turn", show([str(k) for k in kinds[-3:]]))
    lines = context.alice.history(session.id)
    said = [line for line in lines if line.role == "agent"]
    pieces = "".join(joined(turn).values())
    if pieces and (not said or (said[-1].text or "") != pieces):
        seen = show(said[-1].text if said else None)
        context.fail(
            "what was streamed before the stop in the history", f"{seen} of {show(pieces)}"
        )
    stated = context.operation.promises.get("stop.partial", {}).get("stored") == "at once"
    if stated and said and not any(line.id == said[-1].id for line in at_once):
        seen = show(texts_of(at_once))
        context.fail("what was said, in the history when the stop is answered", seen)
    state = context.document.model.message.state
    if said and state and "stopped" in state.words and said[-1].state != "stopped":
        context.fail("a stopped message that is marked", show(said[-1].raw))
    if not any(line.role == "user" for line in lines):
        context.fail("the user's message after a stop", show([line.role for line in lines]))
    context.world.target.meter.pause(GHOST)
    if [line.text for line in context.alice.history(session.id)] != [line.text for line in lines]:
        context.fail(
            "nothing more of a stopped turn, whatever goes on behind it", "more came later"
        )
        return
    talk = next(filter(streams, talking(context.document)))
    after = say(context.alice, talk, session.id, "Go on.", stream=True)
    texts = [line.text for line in context.alice.history(session.id)[len(lines) :]]
    if texts != ["Go on.", *after.texts]:
        context.fail("a whole turn after a stopped one", show(texts))
    if any(seen.kind is Kind.STOPPED for seen in after.events):
        context.fail("a turn after a stopped one that nothing stops", "it was stopped too")


def replies_whole(document: Document, operation: Operation) -> str:
    """A reply can be taken as JSON, as it is stored."""
    talks = document.with_role(Role.MESSAGE_CREATE)
    return "" if any(map(answers_json, talks)) else "no reply is JSON"


@scenario(
    "stop.partial",
    ACT,
    needs=first_reason(
        cancels, replies_whole, has(Role.SESSION_CREATE, Role.MESSAGE_CREATE, Role.MESSAGE_LIST)
    ),
)
def whole_replies_are_stopped(context: Context) -> None:
    """A turn that is answered as JSON and stopped answers with what it said, as it is stored."""
    alice = context.alice
    talk = next(o for o in context.document.with_role(Role.MESSAGE_CREATE) if answers_json(o))
    session = alice.create()
    over = threading.Event()

    def speak() -> Turn:
        try:
            return say(alice, talk, session.id, LONG_QUESTION * 20)
        finally:
            over.set()

    def interrupt() -> bool:
        while not over.is_set():
            if stop(context, session.id)[1]:
                return True
            time.sleep(0.02)
        return False

    turn, stopped = together([speak, interrupt])
    if not isinstance(turn, Turn) or stopped is not True:
        raise NotChecked("the turn is over before it can be stopped")
    lines = [line for line in alice.history(session.id) if line.role == "agent"]
    if turn.texts and [line.text for line in lines] != turn.texts:
        seen = f"{show([line.text for line in lines])} instead of {show(turn.texts)}"
        context.fail("the answer of a stopped turn in the history", seen)
    state = context.document.model.message.state
    if lines and state and "stopped" in state.words and lines[-1].state != "stopped":
        context.fail("a stopped message that is marked", show(lines[-1].raw))


@scenario(
    "stop.idle",
    ACT,
    needs=first_reason(cancels, modelled, has(Role.SESSION_CREATE, Role.MESSAGE_CREATE)),
)
def other_turns_go_on(context: Context) -> None:
    """Stopping in one session stops no turn of another."""
    alice, talks = context.alice, context.document.with_role(Role.MESSAGE_CREATE)
    talk = next((o for o in talks if streams(o)), None)
    if talk is None:
        raise NotChecked("no operation streams a turn")
    session, other = alice.create(), alice.create()
    draft = message_draft(alice, talk, session.id, [LONG_QUESTION * 20])
    reader, kinds = context.world.stream(talk), []
    with alice.open(draft, Limits(seconds=15)) as stream:
        for arrival in stream.events():
            kinds.append(reader.read(arrival.event).kind)
            if kinds.count(Kind.CHUNK) == 1 and kinds[-1] is Kind.CHUNK:
                stop(context, other.id)
    if Kind.STOPPED in kinds:
        context.fail("a turn that goes on when another session is stopped", "it was stopped")


@scenario("stop.idle", ACT, needs=first_reason(cancels, has(Role.SESSION_CREATE)))
def nothing_to_stop(context: Context) -> None:
    """Stopping where no turn runs says so, and changes neither what was said nor the next turn."""
    session = context.alice.create()
    talk = next(iter(talking(context.document)), None)
    history = histories(context.document)
    if talk is not None:
        say(context.alice, talk, session.id, context.world.words("This turn is over."))
    before = [line.raw for line in context.alice.history(session.id)] if history else []
    exchange, stopped = stop(context, session.id)
    if stopped is True:
        context.fail("an answer that nothing was stopped", "it says that a turn was")
    place = template_place(context.document, context.operation, "turn.id")
    id = pointers.first(exchange.response.json(), place) if place else None
    if stopped is False and id is not None:
        context.fail("no turn id where none was stopped", show(id))
    if history and [line.raw for line in context.alice.history(session.id)] != before:
        context.fail("the history as it was", "it changed")
    if talk is not None:
        stream = streams(talk)
        wanted = say(context.alice, talk, context.alice.create().id, LONG_QUESTION, stream=stream)
        turn = say(context.alice, talk, session.id, LONG_QUESTION, stream=stream)
        stops = [seen for seen in turn.events if seen.kind is Kind.STOPPED]
        if stops or (wanted.reply and not turn.reply):
            seen = "the next turn was stopped" if stops else "the next turn had no reply"
            context.fail("a next turn that runs to its end", seen)
