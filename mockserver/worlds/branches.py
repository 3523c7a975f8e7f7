"""Takes sessions back to an earlier turn, and makes new ones that go on from there."""

from __future__ import annotations

import msgspec

from sparring.spec import model
from sparring.spec.model import Entry, Session
from sparring.spec.turn import Kind

from .turns import SESSIONS, decode_session, read_log, write
from .world import World

_encode = msgspec.json.encode


async def fork(world: World, session: str, id: str, turn: int | None = None) -> Session:
    """A new session `id`, like this one when its turn number `turn` was over: 0 is before the first
    turn, -1 behind the last, None as it is now. It goes on as this one did or would.

    Raises LookupError when there is no such session or turn, ValueError when the id is taken.
    """
    original = await _read(world, session)
    log = await read_log(world, session)
    now = world.clock.now()
    if turn is None:
        copied: Session = msgspec.structs.replace(original, id=id, created=now, updated=now)
    else:
        point = model.rewind(log, turn)
        copied = model.copy(original, log, id, now, point)
    copied.seed = original.seed or original.id
    await _create(world, copied, log)
    return copied


async def branch(world: World, original: Session, id: str, question: Entry) -> Session:
    """A new session `id` that ends with a question of the user, which is not yet answered."""
    log = await read_log(world, original.id)
    point = model.before(log, question.position)._replace(position=question.position)
    copied = model.copy(original, log, id, world.clock.now(), point)
    await _create(world, copied, log)
    return copied


async def rewind(world: World, session: str, turn: int) -> Session:
    """The session as it was when its turn number `turn` was over, see `fork`; waits for a running
    turn to end. Raises LookupError when there is no such session or turn."""
    await world.take(session)
    try:
        record = await _read(world, session)
        log = await read_log(world, session)
        point = model.rewind(log, turn)
        entries = []
        if model.take_back(record, log, point, point.position):
            now, data = world.clock.now(), {"behind": point.position}
            entries = [Entry(0, None, Kind.DELETION, "", "", "user", now, data=data)]
            model.append(record, entries[0], stored=False)
        await write(world, record, entries)
    finally:
        world.free(session)
    return record


async def _read(world: World, session: str) -> Session:
    data = await world.store.read(SESSIONS, session)
    if data is None:
        raise LookupError(f"there is no session {session}")
    return decode_session(data)


async def _create(world: World, copied: Session, log: list[Entry]) -> None:
    if not await world.store.create(SESSIONS, copied.owner, copied.id, _encode(copied)):
        raise ValueError(f"the id {copied.id} is taken")
    kept = []
    for entry in log:
        if entry.position < copied.position:
            kept.append(_encode(msgspec.structs.replace(entry, session=copied.id)))
    await world.store.append(copied.id, kept)
