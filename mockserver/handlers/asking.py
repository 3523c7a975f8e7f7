"""Asks the script, and goes on without the user when what it waits for does not come in time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from sparring.fixtures.playing.player import Heard, play
from sparring.fixtures.shaping.recording import Surround
from sparring.fixtures.shaping.wire import Wire
from sparring.spec import model
from sparring.spec.errors import SparringError
from sparring.spec.model import Entry, Session
from sparring.spec.turn import TERMINAL, Pause, Turn

from ..responses.problems import Problem
from ..worlds.turns import Gone, Journal, RunningTurn, read_log, settle_run
from ..worlds.world import World
from .sessions import seen

logger = logging.getLogger("sparring.mockserver")


def ask(
    world: World,
    session: Session,
    heard: Heard,
    results: Mapping[str, Any] | None = None,
    attempt: int = 0,
) -> Turn:
    """What the agent answers; `results` of tools that came together go on through every call that
    waits for one, and each `attempt` at an answer has its own pace.

    Raises Problem 501 when the script has nothing to say to a text, and 500 when what it says grows
    too large.
    """
    known = seen(session)
    script = world.cast.script(known, heard.headers)
    seed = f"{world.seed}/{session.seed or session.id}" + (f"#{attempt}" if attempt else "")
    try:
        turn = play(script, session.cursor, heard, known, seed)
        left = {id: result for id, result in (results or {}).items() if id != heard.tool.get("id")}
        while turn.pause is not None and not turn.pause.approval and turn.pause.call in left:
            id = turn.pause.call
            told = Heard(kind="tool_result", tool={"id": id, "result": left.pop(id)})
            then = play(script, turn.cursor, told, known, seed)
            turn = msgspec.structs.replace(then, steps=[*turn.steps[:-1], *then.steps])
    except SparringError as error:
        raise Problem(500, "S202", str(error), of_mock=True) from None
    if not turn.matched:
        from sparring.fixtures.playing.explain import explain

        why = explain(script, session.cursor, heard, known, seed)
        logger.warning("%s", why)
        raise Problem(501, "S201", str(why), of_mock=True, more={"explanation": why.to_json()})
    return turn


def watch(world: World, wire: Wire, journal: Journal, pause: Pause | None, position: int) -> None:
    """Lets the agent go on when nothing has come in the time of a pause. `position` is that of the
    end of the turn that pauses."""
    if pause is not None and pause.seconds is not None:
        world.spawn(_wait(world, wire, journal, pause, pause.seconds, position))


def _still_waits(session: Session, log: list[Entry], call: str, position: int) -> bool:
    """Whether a call that was left open by the turn which ended at a position is open ever since;
    the user may have spoken meanwhile."""
    ends = [e for e in model.current(log) if e.kind in TERMINAL and e.position >= position]
    cursors = [end.data.get("cursor", {}) for end in ends] + [session.cursor]
    first, *others = [cursor.get("pauses", {}).get(call) for cursor in cursors]
    is_there = bool(ends) and ends[0].position == position and first is not None
    return is_there and all(pause == first for pause in others)


async def _wait(
    world: World, wire: Wire, journal: Journal, pause: Pause, seconds: float, position: int
) -> None:
    await world.clock.timer(seconds)
    await world.take(journal.session)
    is_playing = False
    try:
        session = await journal.read()
        if not _still_waits(session, await read_log(world, session.id), pause.call, position):
            return  # the session was cleared or taken back, or something has come
        turn = ask(world, session, Heard(kind="timeout", tool={"id": pause.call}))
        next_journal = Journal(world, wire, session)
        next_journal.turn = journal.turn
        running = RunningTurn(
            world, next_journal, session.position, faults=turn.faults, keepalive=turn.keepalive
        )
        running.settled = partial(settle_run, world, journal.turn)
        running.paused = partial(watch, world, wire, next_journal)
        world.start(running.perform(turn, Surround(wire)(turn.steps)), session.id)
        is_playing = True
    except Gone:
        pass
    except Exception:
        logger.exception("session %s can't go on without %s", journal.session, pause.call)
    finally:
        if not is_playing:
            world.free(journal.session)
