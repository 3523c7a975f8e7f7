"""What following one run promises: all that happens in it, from any point on, to its end."""

from __future__ import annotations

from typing import Any

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.streams.events import Seen
from sparring.spec.turn import Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import has
from ..driving.parts import part_of, wants_run
from ..driving.runs import run_draft
from ..driving.turns import Turn, joined, say, streams, talking
from ..target.target import Limits
from ..world import Blocked, is_stream, stream_type, succeeded
from .resuming import HEADER, resumes, told
from .streams import LONG_QUESTION, check_events, check_ids, modelled

FOLLOW = (Role.RUN_SUBSCRIBE, Role.MESSAGE_SUBSCRIBE)
LIMIT = 5.0  # seconds for a stream of what is over


def follows_one(document: Document, operation: Operation) -> str:
    """The operation follows one run, or one reply, and it can be made."""
    if operation.binding is None or operation.binding.target is None:
        return "it does not follow one run"
    return "" if starters(document, operation) else "no run can be started"


def starters(document: Document, operation: Operation) -> list[Operation]:
    """The operations that start what an operation follows, those that stream first."""
    if wants_run(operation):
        return starting(document)
    return sorted(talking(document), key=lambda o: not streams(o))


def starting(document: Document) -> list[Operation]:
    """The operations that start runs, those that stream first."""
    found = [o for o in talking(document) if o.binding and o.binding.role is Role.RUN_CREATE]
    return sorted(found, key=lambda o: not streams(o))


startable = first_reason(follows_one, has(Role.SESSION_CREATE))
following = first_reason(startable, modelled)


def ended_run(context: Context, text: str = LONG_QUESTION) -> tuple[str, str, Turn]:
    """A run, or a reply, that is over: its session, its id, and what its caller saw."""
    talk, session = starters(context.document, context.operation)[0], context.alice.create().id
    turn = say(context.alice, talk, session, text, stream=streams(talk))
    run = turn.run.id if turn.run else part_of(context.alice, session, context.operation)
    if run is None and isinstance(turn.id, str):
        run = turn.id
    if run is None:
        raise NotChecked("nothing tells the id of the run")
    return session, run, turn


def followed(
    context: Context, session: str, run: str, last: str | None = None, *, known: bool = False
) -> Turn:
    """What following a run that is over gives, after an event or from where the target begins.

    Raises NotChecked where it is not over, or not told again; Blocked where it is `known` to be.
    """
    draft = run_draft(context.alice, context.operation, session, run)
    if last is not None:
        draft.headers[HEADER] = last
    limits = Limits(seconds=max(LIMIT, context.world.given.wait or 0), events=2000)
    with context.alice.open(draft, limits) as stream:
        stream.drain()
    status = stream.exchange.response.status
    if not known and (status == 204 or 400 <= status < 500):
        raise NotChecked("the target does not tell what is over")
    if not is_stream(stream.exchange):
        raise Blocked(context.operation, stream.exchange)
    turn = Turn(stream.exchange, arrivals=stream.arrivals, ended=stream.ended)
    reader = context.world.stream(context.operation)
    turn.events = [reader.read(arrival.event) for arrival in turn.arrivals]
    if not turn.ended and not turn.finished:
        raise NotChecked("it is not over yet")
    return turn


@scenario("stream.resume", *FOLLOW, needs=first_reason(startable, resumes))
def following_after_an_event_gives_the_rest(context: Context) -> None:
    """After the id of any event of a run that is over come the events behind it, and the end."""
    session, run, turn = ended_run(context)
    events: list[Seen] = turn.events if wants_run(context.operation) else []
    is_told = not events
    if is_told:
        followed(context, session, run)  # to its end; from then on it is told as what is over
        events = followed(context, session, run).events
    numbered = [index for index, seen in enumerate(events) if seen.sent_id is not None]
    if len(numbered) < 3:
        raise NotChecked("the run has too few events with ids")
    chosen = {0, 1, len(numbered) // 2, len(numbered) - 2}
    for index in sorted(numbered[n] for n in chosen):
        start = len(context.world.journal)
        got, rest = (
            followed(context, session, run, events[index].id, known=is_told),
            events[index + 1 :],
        )
        is_told = True
        if told(got.events) == told(rest):
            continue
        seen = f"{show(_ids(got.events))} instead of {show(_ids(rest))} after {events[index].id}"
        if _ids(got.events) == _ids(rest):
            pairs = zip(told(got.events), told(rest), strict=False)
            seen = show(next((pair for pair in pairs if pair[0] != pair[1]), "more events"))
        shown = context.world.exchanges(start)
        context.fail("exactly the events after that id", seen, exchanges=shown)
        return


def states_over(document: Document, operation: Operation) -> str:
    """The document says what follows the last event of what is over."""
    stated = "over" in operation.promises.get("stream.resume", {})
    return "" if stated else "the document does not say what follows the last event"


@scenario("stream.resume", *FOLLOW, needs=first_reason(startable, resumes, states_over))
def nothing_follows_the_last_event(context: Context) -> None:
    """Who resumes after the last event of what is over is told so."""
    wanted = context.operation.promises["stream.resume"]["over"]
    session, run, _ = ended_run(context)
    events = followed(context, session, run).events
    if not events or events[-1].sent_id is None:
        raise NotChecked("the last event has no id")
    draft = run_draft(context.alice, context.operation, session, run)
    draft.headers[HEADER] = events[-1].sent_id
    with context.alice.open(draft, Limits(seconds=2)) as stream:
        stream.drain()
    status = str(stream.exchange.response.status)
    if status != wanted:
        context.fail(f"a {wanted} after the last event", status)


def _ids(events: list[Seen]) -> list[Any]:
    return [seen.sent_id for seen in events]


def replayed(context: Context) -> tuple[str, Turn]:
    """A run that is over and what following it gives. Raises NotChecked where that is nothing."""
    session, run, _ = ended_run(context)
    turn = followed(context, session, run)
    if len(turn.events) < 2:
        raise NotChecked("the target does not tell what is over")
    return session, turn


@scenario("stream.media_type", *FOLLOW, needs=following)
def followed_runs_are_streams(context: Context) -> None:
    """Following a run gives a stream of the declared media type."""
    session, run, _ = ended_run(context)
    draft = run_draft(context.alice, context.operation, session, run)
    with context.alice.open(draft, Limits(seconds=2)) as stream:
        stream.drain()
    wanted, given = stream_type(context.operation), stream.exchange.response.media_type
    is_told = succeeded(stream.exchange) and stream.exchange.response.status != 204
    if is_told and given != wanted:
        context.fail(f"Content-Type: {wanted}", given or "none")


@scenario("stream.schema", *FOLLOW, needs=following)
def followed_runs_fit_their_schema(context: Context) -> None:
    """The events of a followed run fit their schema."""
    check_events(context, replayed(context)[1])


@scenario("stream.ids", *FOLLOW, needs=following)
def ids_of_a_run_rise(context: Context) -> None:
    """The ids of the events of one run are unique and rise."""
    check_ids(context, replayed(context)[1].events)


@scenario("stream.adds_up", *FOLLOW, needs=first_reason(following, has(Role.MESSAGE_LIST)))
def pieces_of_a_run_add_up(context: Context) -> None:
    """The pieces that who follows a run gets are the message as it is stored."""
    session, turn = replayed(context)
    stored = {line.text for line in context.alice.history(session) if line.role == "agent"}
    if turn.events[0].kind is Kind.CHUNK:
        raise NotChecked("the target may begin in the middle")
    for text in joined(turn).values():
        if text not in stored:
            context.fail("pieces that add up to the stored message", f"{show(text)}")
