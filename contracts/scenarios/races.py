"""What holds when many ask at one instant."""

from __future__ import annotations

import time
from functools import partial
from itertools import combinations, groupby
from typing import Any

from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import histories
from sparring.spec.turn import Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import at, differences, has, readable
from ..driving.together import together
from ..driving.turns import (
    Turn,
    message_draft,
    say,
    streamed_events,
    streams,
    talking,
    ways,
)
from ..target.target import Limits
from ..world import Blocked, succeeded
from .create import chooses_ids, fresh_id
from .streams import LONG_QUESTION
from .tags import guarded, tag_of, tags
from .talk import has_turns, talkable
from .updates import both, by, changeable, free_objects, merge, merges

MANY = 8
LONGER = LONG_QUESTION * 20
OVERLAP = 0.1  # seconds for which two turns have to be under way at once
UPDATE = Role.SESSION_UPDATE


def answered(results: list[Any]) -> list[Exchange]:
    """The answers of a burst. Raises what went wrong in it."""
    for result in results:
        if isinstance(result, Exception):
            raise result
    return list(results)


@scenario(
    "race.create", Role.SESSION_CREATE, needs=first_reason(chooses_ids, has(Role.SESSION_GET))
)
def one_create_wins(context: Context) -> None:
    """Of many creates with one id exactly one makes the session."""
    for _ in range(3):
        id = fresh_id(context)
        draft = context.alice.create_draft(client_id=id, operation=context.operation)
        burst = [partial(context.alice.send, draft)] * MANY
        statuses = [exchange.response.status for exchange in answered(together(burst))]
        context.world.made.append((context.alice, id))
        won = sum(200 <= status < 300 for status in statuses)
        if won != 1:
            context.fail("one success of many creates with one id", f"{won} in {statuses}")
            return


@scenario("race.create", Role.SESSION_CREATE, needs=has(Role.SESSION_GET))
def creates_do_not_collide(context: Context) -> None:
    """Creates at one instant make as many sessions, each with an id of its own."""
    drafts = [context.alice.create_draft(operation=context.operation) for _ in range(MANY)]
    results = answered(together([partial(context.alice.send, d) for d in drafts]))
    pairs = [pair for pair in zip(drafts, results, strict=True) if succeeded(pair[1])]
    ids = [context.alice.made(draft, exchange).id for draft, exchange in pairs]
    if len(set(ids)) < len(ids):
        context.fail("an id of its own for each of many creates", show(ids))
    if lost := [id for id in ids if not succeeded(context.alice.get(id))]:
        context.fail("all sessions of many creates", f"{show(lost)} can't be read")


@scenario("race.update", UPDATE, needs=first_reason(by("PUT"), both))
def one_of_many_puts_stands(context: Context) -> None:
    """After many PUTs at one instant the session is as one of them says, not a mixture."""
    names = changeable(context)
    for _ in range(3):
        session = context.alice.create()
        bodies = [context.world.bodies.rich(context.operation, n=n) for n in range(MANY)]
        drafts = []
        for body in bodies:
            draft = context.alice.draft(context.operation, session.id)
            draft.body = dict(body)
            drafts.append(context.alice.aim(draft, session.id))
        results = answered(together([partial(context.alice.send, d) for d in drafts]))
        stored = context.alice.read(session.id)
        schemas = readable(context.world)
        made = [b for b, r in zip(bodies, results, strict=True) if succeeded(r)]
        shown = [{n: b[n] for n in names if n in b} for b in made]
        if made and all(differences(context.document, schemas, b, stored) for b in shown):
            context.fail("the whole of one of many PUTs", show({n: stored.get(n) for n in names}))
            return


@scenario("race.update", UPDATE, needs=first_reason(guarded, tags, both))
def one_guarded_update_wins(context: Context) -> None:
    """Of many updates under one tag exactly one is made."""
    alice = context.alice
    for _ in range(3):
        session = alice.create()
        tag = tag_of(alice.get(session.id))
        if tag is None:
            raise NotChecked("reading gave no tag")
        drafts = []
        for n in range(MANY):
            draft = alice.draft(context.operation, session.id)
            names = free_objects(context)
            draft.body = context.world.bodies.rich(context.operation, n=n)
            draft.body |= {names[0]: {"n": n}} if names else {}
            draft.headers["If-Match"] = tag
            drafts.append(alice.aim(draft, session.id))
        results = answered(together([partial(alice.send, d) for d in drafts]))
        won = sum(map(succeeded, results))
        if won != 1:
            seen = f"{won} in {[r.response.status for r in results]}"
            context.fail("one success of many updates under one tag", seen)
            return


@scenario("race.update", UPDATE, needs=first_reason(merges, both))
def no_patch_is_lost(context: Context) -> None:
    """Patches of different members at one instant are all kept."""
    names = free_objects(context)
    if not names:
        raise NotChecked("no attribute holds free JSON")
    for _ in range(3):
        session = context.alice.create()
        drafts = []
        for n in range(MANY):
            draft = context.alice.draft(context.operation, session.id)
            draft.body = {names[0]: {f"key{n}": n}}
            draft.media_type = "application/merge-patch+json"
            drafts.append(draft)
        results = answered(together([partial(context.alice.send, d) for d in drafts]))
        kept = context.alice.read(session.id).get(names[0])
        made = {f"key{n}": n for n in range(MANY) if succeeded(results[n])}
        missing = [key for key in made if key not in (kept or {})]
        if missing:
            context.fail("every patch that was answered with a success", f"{show(missing)} is lost")
            return


def _voices(context: Context, session: str, *, stream: bool) -> dict[str, Turn]:
    """What is said at one instant, by text, and the turns of those that were taken to their end."""
    texts = [f"Voice {n}." for n in range(MANY)]
    speak = partial(say, context.alice, context.operation, session, stream=stream)
    results = together([partial(speak, text) for text in texts])
    answered([result for result in results if not isinstance(result, Blocked)])
    turns = {text: r for text, r in zip(texts, results, strict=True) if isinstance(r, Turn)}
    failed = {Kind.ERROR, Kind.STOPPED}
    return {x: t for x, t in turns.items() if not any(seen.kind in failed for seen in t.events)}


def speaks_in_pieces(document: Document, operation: Operation) -> str:
    """An operation streams what the agent says, piece by piece."""
    found = any(
        Kind.CHUNK.value in streamed_events(document, o) for o in filter(streams, talking(document))
    )
    return "" if found else "no operation streams pieces"


@scenario("race.update", UPDATE, needs=first_reason(speaks_in_pieces, both))
def changes_outlive_the_turn(context: Context) -> None:
    """What is changed while the agent speaks is as it was changed when the turn is over."""
    alice, bodies = context.alice, context.world.bodies
    talk = next(filter(streams, talking(context.document)))
    schemas, change = readable(context.world), bodies.rich(context.operation)
    names = [name for name, value in change.items() if name in schemas and value is True]
    change = {name: value for name, value in change.items() if name not in names}  # it may close
    session = alice.create()
    draft = message_draft(alice, talk, session.id, [LONG_QUESTION])
    kinds, changed = [], None
    with alice.open(draft, Limits(seconds=15)) as stream:
        reader = context.world.stream(talk)
        for arrival in stream.events():
            kinds.append(reader.read(arrival.event).kind)
            if changed is None and kinds[-1] is Kind.CHUNK:
                changed = alice.update(context.operation, session.id, change)
    if changed is None or not succeeded(changed) or kinds.count(Kind.CHUNK) < 2:
        raise NotChecked("nothing could be changed while the agent spoke")
    merged = change if context.operation.method == "PUT" else merge({}, change)
    if found := differences(context.document, schemas, merged, alice.read(session.id)):
        context.fail("what was changed while the agent spoke, after its turn", "; ".join(found))


@scenario("race.talk", Role.MESSAGE_CREATE, needs=talkable)
def no_turn_is_lost(context: Context) -> None:
    """Of turns at one instant each is recorded once, with its reply, and counted; streamed, too."""
    for stream in ways(context.operation):
        _voices_are_kept(context, stream=stream)


def _voices_are_kept(context: Context, *, stream: bool) -> None:
    session = context.alice.create()
    turns = _voices(context, session.id, stream=stream)
    sent = sorted(turns)
    for operation in histories(context.document):
        lines = context.alice.history(session.id, operation)
        said = sorted(line.text or "" for line in lines if line.role == "user")
        if stream:  # of one that failed the text may be kept or not
            said = [text for text in said if text in sent]
        if said != sent:
            context.fail("every turn of many at one instant, once", f"{show(said)} of {show(sent)}")
            return
        kept = {line.id for line in lines} | {line.text for line in lines}
        replies = [reply for turn in turns.values() for reply in turn.reply]
        if lost := [r for r in replies if (r.text if r.id is None else r.id) not in kept]:
            seen = f"{len(lost)} of {len(replies)} are not in the history"
            context.fail("the reply of every turn of many at one instant", seen)
            return
        for turn in {line.turn for line in lines if line.turn is not None}:
            roles = [line.role for line in lines if line.turn == turn]
            if roles[0] != "user" or "user" in roles[1:]:
                context.fail("in each of many turns one message of the user, first", show(roles))
        ids = [line.id for line in lines if line.id is not None]
        if len(set(ids)) < len(ids):
            context.fail("an id of its own for every message of many turns", show(ids))
        offsets = [line.offset for line in lines if isinstance(line.offset, int)]
        if len(set(offsets)) < len(offsets):
            context.fail("an offset of its own for every message of many turns", show(offsets))
    where = context.document.model.session.get("count")
    if where and context.world.one(Role.SESSION_GET):
        count = at(context.alice.read(session.id), where)
        length = len(context.alice.history(session.id))
        if count != length:
            context.fail("a count of all messages of many turns", f"{count} of {length}")


@scenario("talk.serial", Role.MESSAGE_CREATE, needs=first_reason(has_turns, talkable))
def turns_do_not_interleave(context: Context) -> None:
    """Of turns at one instant the messages of each stand together."""
    for stream in ways(context.operation):
        session = context.alice.create()
        _voices(context, session.id, stream=stream)
        for operation in histories(context.document):
            turns = [line.turn for line in context.alice.history(session.id, operation)]
            blocks = [turn for turn, _ in groupby(turns)]
            if len(set(blocks)) < len(blocks):
                context.fail("the messages of each turn together", show(turns))
                return


@scenario("talk.single", Role.MESSAGE_CREATE, needs=talkable)
def one_turn_at_a_time(context: Context) -> None:
    """Of several messages at one instant, whose answers take their time, one is taken."""
    alice, unclear = context.alice, False
    for stream in ways(context.operation):
        session = alice.create().id
        start = time.perf_counter()
        together([partial(alice.history, session)] * 4)
        way = time.perf_counter() - start  # what a turn takes beside its agent

        def spoken(session: str = session, stream: bool = stream) -> tuple[float, float]:
            turn = say(alice, context.operation, session, LONGER, stream=stream)
            end = time.perf_counter()
            return end - turn.exchange.seconds, end  # of the last try, where one is asked to wait

        taken = [span for span in together([spoken] * 4) if isinstance(span, tuple)]
        met = [min(a[1], b[1]) - max(a[0], b[0]) for a, b in combinations(taken, 2)]
        if any(seconds > OVERLAP + way for seconds in met):
            context.fail("one message of several at one instant", f"{len(taken)} were taken")
            return
        unclear = unclear or len(taken) != 1
    if unclear:
        raise NotChecked("turns are over before there can be another")


@scenario("race.delete", Role.SESSION_DELETE, needs=has(Role.SESSION_CREATE))
def deletes_at_one_instant(context: Context) -> None:
    """Many deletes of one session succeed or find nothing, and the session is gone."""
    session = context.alice.create()
    results = answered(together([lambda: context.alice.delete(session.id)] * MANY))
    statuses = [exchange.response.status for exchange in results]
    if not any(map(succeeded, results)):
        context.fail("a success of many deletes", show(statuses))
    if any(not 200 <= status < 300 and status not in (404, 410) for status in statuses):
        context.fail("a success or a 404 for each of many deletes", show(statuses))
