"""What stopping a turn promises: the turn ends, and what was said so far is kept and marked."""

from __future__ import annotations

from sparring.spec import pointers
from sparring.spec.binding import Role
from sparring.spec.document import Document, Operation
from sparring.spec.drafts import histories, template_place
from sparring.spec.exchange import Exchange
from sparring.spec.turn import Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..comparing import has
from ..target import Limits
from ..turns import Turn, joined, message_draft, read_events, say, streamed_events, streams
from ..world import Session
from .streams import LONG_QUESTION, modelled

ACT = Role.SESSION_ACT


def cancels(document: Document, operation: Operation) -> str:
    """The operation stops a turn."""
    is_stop = operation.binding is not None and operation.binding.effect == "cancel"
    return "" if is_stop else "the operation does not stop a turn"


def stop(context: Context, session: str) -> tuple[Exchange, bool | None]:
    """Stops the turn of a session; whether the answer says that one was stopped."""
    draft = context.alice.draft(context.operation, session)
    if context.operation.body:
        draft.body = context.world.bodies.least(context.operation)
    exchange = context.alice.expect(context.alice.aim(draft, session))
    place = template_place(context.document, context.operation, "turn.stopped")
    said = pointers.first(exchange.response.json(), place) if place else None
    return exchange, said if isinstance(said, bool) else None


def interrupted(context: Context, session: Session) -> tuple[Turn, bool | None, Exchange]:
    """A streamed turn that is stopped after its first piece."""
    operation = next(
        (o for o in context.document.with_role(Role.MESSAGE_CREATE) if streams(o)), None
    )
    if operation is None:
        raise NotChecked("no operation streams a turn")
    draft = message_draft(context.alice, operation, session.id, [LONG_QUESTION * 20])
    stopped: bool | None = None
    answer: Exchange | None = None
    with context.alice.open(draft, Limits(seconds=15)) as stream:
        reader = context.world.stream(operation)
        for arrival in stream.events():
            if answer is None and reader.read(arrival.event).kind is Kind.CHUNK:
                answer, stopped = stop(context, session.id)
    if answer is None:
        raise NotChecked("the turn has no pieces")
    turn = Turn(stream.exchange, arrivals=stream.arrivals, ended=stream.ended)
    return read_events(context.alice, operation, turn), stopped, answer


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
        has(Role.SESSION_CREATE, Role.MESSAGE_CREATE, Role.MESSAGE_LIST),
    ),
)
def partial_text_is_kept(context: Context) -> None:
    """A stopped turn ends with `stopped`; its pieces are in the history, marked as stopped."""
    for _ in range(3):
        session = context.alice.create()
        turn, stopped, _ = interrupted(context, session)
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
    state = context.document.model.message.state
    if said and state and "stopped" in state.words and said[-1].state != "stopped":
        context.fail("a stopped message that is marked", show(said[-1].raw))
    if not any(line.role == "user" for line in lines):
        context.fail("the user's message after a stop", show([line.role for line in lines]))
    talk = context.world.need(Role.MESSAGE_CREATE)
    after = say(context.alice, talk, session.id, "Go on.")
    texts = [line.text for line in context.alice.history(session.id)[len(lines) :]]
    if texts != ["Go on.", *after.texts]:
        context.fail("a whole turn after a stopped one", show(texts))


@scenario("stop.idle", ACT, needs=first_reason(cancels, has(Role.SESSION_CREATE)))
def nothing_to_stop(context: Context) -> None:
    """Stopping where no turn runs says so and changes nothing."""
    session = context.alice.create()
    talk = context.world.one(Role.MESSAGE_CREATE)
    history = histories(context.document)
    if talk is not None:
        say(context.alice, talk, session.id, context.world.words("This turn is over."))
    before = [line.raw for line in context.alice.history(session.id)] if history else []
    exchange, stopped = stop(context, session.id)
    if stopped is True:
        context.fail("an answer that nothing was stopped", "it says that a turn was")
    place = template_place(context.document, context.operation, "turn.id")
    turn = pointers.first(exchange.response.json(), place) if place else None
    if stopped is False and turn is not None:
        context.fail("no turn id where none was stopped", show(turn))
    if history and [line.raw for line in context.alice.history(session.id)] != before:
        context.fail("the history as it was", "it changed")
