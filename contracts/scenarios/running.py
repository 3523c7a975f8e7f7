"""What runs promise: they come to an end, are told alike everywhere, and can be stopped."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.turn import Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import has
from ..driving.runs import (
    MOVING,
    Run,
    id_of,
    latest,
    look,
    nearest,
    run_draft,
    state_of,
    tells_states,
)
from ..driving.together import together
from ..driving.turns import answers_json, as_json, message_draft, say, speaks, streams
from ..target.target import Limits
from ..world import succeeded
from .run_following import starting
from .stopping import cancels
from .streams import LONG_QUESTION

CREATE, ACT = Role.RUN_CREATE, Role.RUN_ACT
LONGER = LONG_QUESTION * 20
ENDED = frozenset({"done", "stopped"})


def reading(document: Document, operation: Operation) -> Operation | None:
    """The operation that tells how far the runs of another are."""
    found = [o for o in document.with_role(Role.RUN_GET) if tells_states(o)]
    prefix = operation.template.partition("{")[0]
    return next((o for o in found if o.template.startswith(prefix)), None)


def told(document: Document, operation: Operation) -> str:
    """Reading a run tells whether it is done."""
    return "" if reading(document, operation) else "nothing tells how far a run is"


runnable = first_reason(told, has(Role.SESSION_CREATE))


@scenario("run.states", CREATE, needs=first_reason(speaks, runnable))
def ends_stay(context: Context) -> None:
    """A run comes to an end, stays there, and looks alike when it is read, listed and streamed."""
    get = reading(context.document, context.operation)
    assert get is not None
    session = context.alice.create().id
    for stream in [False] * answers_json(context.operation) + [True] * streams(context.operation):
        turn = say(context.alice, context.operation, session, LONG_QUESTION, stream=stream)
        id = turn.run.id if turn.run else latest(context.alice, session, context.operation)
        if id is None:
            raise NotChecked("nothing tells the id of the run")
        states = list(turn.run.states) if turn.run else []
        run = look(context.alice, get, session, Run(id))
        if run.state in MOVING and (turn.run or turn.finished):
            context.fail("a run that comes to an end", show([*states, run.state]))
            return
        _listed(context, session, run)
        _streamed(context, [seen.data for seen in turn.events], run)
        time.sleep(0.05)
        again = look(context.alice, get, session, Run(id))
        if again.state != run.state:
            context.fail("an end that stays", f"{again.state} after {run.state}")


def _listed(context: Context, session: str, run: Run) -> None:
    operation = nearest(context.world, Role.RUN_LIST, context.operation)
    if operation is None or operation.binding is None or operation.binding.run.status is None:
        return
    for item in context.alice.all(operation, session):
        if str(pointers.first(item, operation.binding.id)) == run.id:
            if (state := state_of(operation, item)) != run.state:
                context.fail(
                    "the state of the run in the list of runs", f"{state}, not {run.state}"
                )
            return
    context.fail("the run in the list of runs", "it is missing")


def _streamed(context: Context, events: list[Any], run: Run) -> None:
    """Fails when the last event that shows the run shows it in another state."""
    binding = context.operation.binding
    if binding is None or binding.run.status is None:
        return
    id, status = (at[len(binding.entity) :] for at in (binding.id, binding.run.status))
    shown = [e for e in events if isinstance(e, dict) and pointers.first(e, id) == run.id]
    words = [word for e in shown if isinstance(word := pointers.first(e, status), str)]
    if words and words[-1] in binding.run.states.values():
        state = next(ours for ours, word in binding.run.states.items() if word == words[-1])
        if state != run.state:
            context.fail("the end of the run in its last event", f"{state}, not {run.state}")


def unfinished(context: Context, session: str, operation: Operation) -> str:
    """Starts a run that takes its time, and gives its id. Raises NotChecked, Blocked."""
    draft = message_draft(context.alice, operation, session, [LONGER])
    exchange = context.alice.expect(as_json(draft) if streams(operation) else draft)
    id = id_of(operation, exchange)
    if id is None:
        raise NotChecked("nothing tells the id of the run")
    return id


@scenario("run.single", CREATE, needs=first_reason(speaks, runnable))
def one_run_at_a_time(context: Context) -> None:
    """While a run is unfinished another is refused; of several at one instant one starts."""
    get = reading(context.document, context.operation)
    assert get is not None
    if not answers_json(context.operation):
        raise NotChecked("runs are only streamed")
    session = context.alice.create().id
    id = unfinished(context, session, context.operation)
    draft = message_draft(context.alice, context.operation, session, ["Are you busy?"])
    second = context.alice.send(as_json(draft))
    state = look(context.alice, get, session, Run(id)).state
    if state not in MOVING:
        raise NotChecked("runs are over before there can be another")
    if succeeded(second):
        context.fail("a refusal while a run is unfinished", str(second.response.status))
    for _ in range(3):
        session = context.alice.create().id
        drafts = [
            message_draft(context.alice, context.operation, session, [LONGER]) for _ in range(4)
        ]
        results = together([partial(context.alice.send, as_json(draft)) for draft in drafts])
        started = [r for r in results if not isinstance(r, Exception) and succeeded(r)]
        if len(started) > 1:
            context.fail("one run of several at one instant", f"{len(started)} started")
            return


stoppable = first_reason(cancels, runnable)


def starts(document: Document, operation: Operation) -> str:
    """Runs can be started, and streamed."""
    return "" if any(map(streams, starting(document))) else "no run is streamed"


@scenario("stop.partial", ACT, needs=first_reason(stoppable, starts, has(Role.MESSAGE_LIST)))
def stopped_runs_stay_stopped(context: Context) -> None:
    """A run that is stopped after its first piece ends, stays stopped and keeps what was said; the
    session takes another run."""
    get, talk = reading(context.document, context.operation), starting(context.document)[0]
    assert get is not None
    for _ in range(4):
        session = context.alice.create().id
        answer, run = None, ""
        draft = message_draft(context.alice, talk, session, [LONGER])
        with context.alice.open(draft, Limits(seconds=15)) as stream:
            reader = context.world.stream(talk)
            for arrival in stream.events():
                seen = reader.read(arrival.event)
                run = run or latest(context.alice, session, context.operation) or seen.turn or ""
                if answer is None and seen.kind is Kind.CHUNK:
                    answer = context.alice.send(
                        run_draft(context.alice, context.operation, session, run)
                    )
        found = look(context.alice, get, session, Run(run)) if answer is not None else Run("")
        if answer is not None and succeeded(answer) and found.state != "done":
            break
    else:
        raise NotChecked("runs are over before they can be stopped")
    if not stream.ended:
        context.fail("the end of the stream of a stopped run", "it stays open")
    events = [reader.read(arrival.event) for arrival in stream.arrivals]
    for _ in range(10):
        look(context.alice, get, session, found)
        time.sleep(0.03)
    if found.state != "stopped" or "done" in found.states:
        context.fail("a stopped run that stays stopped", show(found.states))
        return
    lines = context.alice.history(session)
    if not any(line.role == "user" for line in lines):
        context.fail("the user's message after a stop", show([line.role for line in lines]))
    said = [line for line in lines if line.role == "agent"]
    pieces = "".join(seen.text or "" for seen in events if seen.kind is Kind.CHUNK)
    if not said or not (said[-1].text or "").startswith(pieces[: len(pieces) // 2]):
        context.fail("what was said before the stop in the history", show(said and said[-1].text))
    words = context.document.model.message.state
    if said and words and "stopped" in words.words and said[-1].state != "stopped":
        context.fail("a stopped message that is marked", show(said[-1].raw))
    after = message_draft(context.alice, talk, session, ["Go on."])
    exchange = context.alice.send(as_json(after) if answers_json(talk) else after)
    if not succeeded(exchange):
        context.fail("another run after a stopped one", str(exchange.response.status))
        return
    other = context.alice.create().id
    say(context.alice, talk, other, "This turn is whole.")
    if not _has_gap(context, other) and _has_gap(context, session):
        context.fail("numbers of messages without a gap behind a stop", "one is left out")


def _has_gap(context: Context, session: str) -> bool:
    numbers = [n for line in context.alice.history(session) if isinstance(n := line.offset, int)]
    return sorted(numbers) != list(range(min(numbers, default=0), max(numbers, default=-1) + 1))


@scenario("stop.idle", ACT, needs=first_reason(stoppable, has(Role.MESSAGE_LIST)))
def ended_runs_are_not_stopped(context: Context) -> None:
    """Stopping a run that is over changes nothing."""
    get, talks = reading(context.document, context.operation), starting(context.document)
    if get is None or not talks:
        raise NotChecked("no run can be started")
    session = context.alice.create().id
    turn = say(context.alice, talks[0], session, context.world.words("This run is over."))
    id = turn.run.id if turn.run else latest(context.alice, session, context.operation)
    if id is None:
        raise NotChecked("nothing tells the id of the run")
    run = look(context.alice, get, session, Run(id))
    before = [line.raw for line in context.alice.history(session)]
    context.alice.send(run_draft(context.alice, context.operation, session, id))
    if run.state in ENDED and look(context.alice, get, session, Run(id)).state != run.state:
        context.fail("a run that is over as it was", f"{run.state} became another state")
    if [line.raw for line in context.alice.history(session)] != before:
        context.fail("the history as it was", "it changed")
