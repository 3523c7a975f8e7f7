"""Steps that talk: turns, the history that they leave, clearing it, suggestions, a stop."""

from __future__ import annotations

from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation

from ..checks import NotChecked, show
from ..driving.bodies import HOSTILE, LONG
from ..driving.comparing import at
from ..driving.lists import bounds, history_operation
from ..driving.turns import Turn, say, ways
from ..scenarios.history import lists_events
from ..scenarios.stopping import cancels, stop
from ..scenarios.talk import texts_of
from ..world import Blocked, Line
from .model import Kept, Said, pick
from .walk import Ended, Walk

SYSTEM = ["system", "user"]
TEXTS = ("Hello.", "And again!", LONG, *HOSTILE)


def speaking(walk: Walk) -> list[Operation]:
    """The operations that say a text of the walk's choosing."""
    operations = walk.facts.by(Role.MESSAGE_CREATE)
    return [o for o in operations if walk.world.bodies.message(o, [TEXTS[0]]) is not None]


def speak(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Says something in a session, one message or several, answered whole or as a stream."""
    mine, operations = walk.model.alive(owner), speaking(walk)
    if not mine or not operations:
        return
    kept, user = pick(mine, which), walk.users[owner]
    taken = [(o, stream) for o in operations for stream in ways(o)]
    operation, stream = pick(taken, how)
    begin(walk, kept)
    texts = [walk.world.words(pick(TEXTS, n))]
    several = [*texts, pick(TEXTS, n // 3 + 1)]
    if n % 4 == 3 and walk.world.bodies.message(operation, several) is not None:
        texts = several
    roles = ["user"] * len(texts)
    if n % 4 == 1 and walk.world.bodies.message(operation, several, SYSTEM) is not None:
        texts, roles = several, SYSTEM
    if walk.world.bodies.message(operation, texts, roles) is None:
        texts, roles = [TEXTS[0]], ["user"]
    try:
        turn = say(user, operation, kept.id, *texts, roles=roles, stream=stream)
    except Blocked as error:
        walk.accepted(operation, error.exchange)
        raise Ended from None
    if stream and not turn.finished and not turn.ended:
        raise Ended
    kept.talked = True
    kept.loose = kept.loose or not turn.reply
    assert kept.said is not None
    kept.said += zip(roles, texts, strict=True)
    kept.said += [("agent", text) for text in turn.texts]
    _turn(walk, operation, kept, turn)
    _others(walk, operation, kept)


def begin(walk: Walk, kept: Kept) -> None:
    """Learns what stands in a session before its first turn: nothing that a user said."""
    if kept.said is not None:
        return
    lines = lines_of(walk, kept)
    heard = [line.text for line in lines if line.role == "user"]
    if any(other.id == kept.id and other is not kept for other in walk.model.kept):
        operation = walk.facts.one(Role.SESSION_DELETE)
        expected = "an empty session after a delete and a create with its id"
        walk.hold("delete.gone", operation, not heard, expected, show(heard))
    operation = next(iter(speaking(walk)), None)
    expected = "in a new session nothing that was said in others"
    walk.hold("talk.isolation", operation, not heard, expected, show(heard))
    kept.said = _spoken(lines)
    kept.ids = [line.id for line in lines]


def lines_of(walk: Walk, kept: Kept, operation: Operation | None = None) -> list[Line]:
    """The messages of a session in the order in which they were said."""
    try:
        operation = operation or history_operation(walk.world)
        lines = walk.owner_of(kept).history(kept.id, operation)
    except NotChecked:
        return []
    except Blocked as error:
        assert operation is not None
        walk.accepted(operation, error.exchange)
        raise Ended from None
    stated = operation.promises.get("history.order", {})
    backwards = str(stated.get("dir", "asc")).lower().startswith("desc")
    return lines[::-1] if backwards else lines


def _spoken(lines: list[Line]) -> list[Said]:
    return [said for said in texts_of(lines) if said[0] in ("user", "system", "agent")]


def _turn(walk: Walk, operation: Operation, kept: Kept, turn: Turn) -> None:
    """Holds what is recorded to what a turn said."""
    for history in walk.facts.by(Role.MESSAGE_LIST):
        lines = heard(walk, kept, operation, history)
        if lists_events(walk.facts.document, history):
            _turn_ids(walk, operation, kept, turn, lines)
    _count(walk, kept, operation)


def heard(walk: Walk, kept: Kept, operation: Operation, history: Operation) -> list[Line]:
    """Holds the history of a session to what was said in it."""
    lines = lines_of(walk, kept, history)
    found, wanted = _spoken(lines), kept.said or []
    found = [s for s in found if s[0] != "system" or s in wanted]  # others are the server's own
    if kept.loose:
        found, wanted = ([s for s in part if s[0] == "user"] for part in (found, wanted))
    seen = f"{show(found)} instead of {show(wanted)} in {history.label}"
    if found != wanted:
        _differ(walk, kept, operation, history, found, wanted, seen)
    return lines


def _differ(
    walk: Walk,
    kept: Kept,
    operation: Operation,
    history: Operation,
    found: list[Said],
    wanted: list[Said],
    seen: str,
) -> None:
    """Says which promise a history breaks that is not as it should be."""
    mine, others = (
        {text for _, text in wanted},
        {text for k in walk.model.kept if k is not kept for _, text in k.said or ()},
    )
    strange = [text for _, text in found if text not in mine and text in others]
    said = [[text for role, text in part if role == "user"] for part in (found, wanted)]
    if strange or len(said[0]) > len(said[1]):
        expected = "in each session what was said in it, once"
        walk.hold("talk.isolation", operation, False, expected, seen)
    if sorted(map(str, found)) == sorted(map(str, wanted)):
        expected = "messages in the order in which they were said"
        walk.hold("history.order", history, False, expected, seen)
    if len(said[0]) == len(said[1]) and said[0] != said[1]:
        walk.hold("text.verbatim", operation, False, "text as it was sent", seen)
    walk.hold("talk.recorded", operation, False, "what was said and what was answered", seen)


def _turn_ids(walk: Walk, operation: Operation, kept: Kept, turn: Turn, lines: list[Line]) -> None:
    """Holds ids to be unique and to stay, and those of one turn to be one."""
    ids = [line.id for line in lines]
    if walk.facts.document.model.message.id is not None:
        fine = len(set(map(str, ids))) == len(ids) and ids[: len(kept.ids)] == kept.ids
        expected = "an id of its own for every message, the same when it is read again"
        walk.hold("talk.ids", operation, fine, expected, f"{show(ids)} after {show(kept.ids)}")
        known = {line.id: line.text for line in lines}
        for reply in turn.reply:
            fine = reply.id is None or known.get(reply.id) == reply.text
            expected = "the answered message in the history under its id"
            walk.hold("talk.ids", operation, fine, expected, show(reply.id))
    turns = {line.turn for line in lines[len(kept.ids) :]}
    turns |= {turn.id} if turn.id is not None and turns != {None} else set()
    old = {line.turn for line in lines[: len(kept.ids)] if line.turn is not None}
    if walk.facts.document.model.message.turn is not None and not kept.loose:
        fine = len(turns) <= 1 and not turns & old
        expected = "one turn id on all messages of a turn, and on no other"
        walk.hold("talk.turn", operation, fine, expected, f"{show(sorted(map(str, turns)))}")
    kept.ids = ids


def _count(walk: Walk, kept: Kept, operation: Operation) -> None:
    """Holds the session's count to the length of its history."""
    where, get = walk.facts.document.model.session.get("count"), walk.facts.one(Role.SESSION_GET)
    if get is None:
        return
    kept.view = walk.read(kept, "talk.recorded", operation, changed=True)
    if where is None or kept.loose or not walk.facts.by(Role.MESSAGE_LIST):
        return
    count, length = at(kept.view, where), len(lines_of(walk, kept))
    expected = "as many messages as the history has"
    walk.hold("talk.count", operation, count == length, expected, f"{count} for {length}")


def _others(walk: Walk, operation: Operation, kept: Kept) -> None:
    """Holds another session to what was said there."""
    other = walk.model.neighbour(kept)
    if other is None or not walk.facts.by(Role.MESSAGE_LIST):
        return
    if other.said is None:
        begin(walk, other)
    else:
        heard(walk, other, operation, history_operation(walk.world))


def recall(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Reads a page of a history and holds it to the whole."""
    mine, operations = walk.model.alive(owner), walk.facts.by(Role.MESSAGE_LIST)
    talks = speaking(walk)
    if not mine or not talks:
        return
    kept, operation = pick(mine, which), pick(operations, n)
    begin(walk, kept)
    heard(walk, kept, talks[0], operation)
    if not kept.loose:
        _part(walk, operation, kept, n)
        _kinds(walk, operation, kept, n)


def _part(walk: Walk, operation: Operation, kept: Kept, n: int) -> None:
    """One page that begins at an item of the history, or behind its end; and what it counts."""
    assert operation.binding is not None
    page, user = operation.binding.page, walk.owner_of(kept)
    if page.start is None or page.limit is None or page.style not in ("offset", "watermark"):
        return
    whole = user.all(operation, kept.id)
    place, size = n % (len(whole) + 1), 1 + n // 7 % 3
    size = min(size, bounds(walk.facts.document, operation, page.limit) or size)
    start: Any = place
    if page.style == "watermark":
        offsets = [line.offset for line in user.lines(operation, whole)]
        if place == len(whole) or not isinstance(offsets[place], int):
            return
        start = offsets[place]
    asked = {str(page.start): start, str(page.limit): size}
    shown = user.page(operation, kept.id, asked)
    seen = f"{len(shown.items)} of {len(whole)} for {show(asked)}"
    fine = shown.items == whole[place : place + size]
    expected = "the part of the history that was asked for"
    walk.hold("list.pages", operation, fine, expected, seen)
    if page.total is not None:
        fine, seen = shown.total == len(whole), f"{shown.total} where all pages have {len(whole)}"
        walk.hold("list.total", operation, fine, "the number of items on all pages", seen)


def _kinds(walk: Walk, operation: Operation, kept: Kept, n: int) -> None:
    """A filter that keeps the events of some kinds, and a page of what it keeps."""
    assert operation.binding is not None
    rules = [rule for rule in operation.binding.filters if rule.how == "any-of"]
    if not rules:
        return
    rule, user = pick(rules, n), walk.owner_of(kept)
    whole = user.all(operation, kept.id)
    words = sorted({str(pointers.first(item, rule.at)) for item in whole})
    if not words:
        return
    chosen = [pick(words, n), *([pick(words, n + 1)] if len(words) > 1 and n % 2 else [])]
    wanted = [item for item in whole if pointers.first(item, rule.at) in chosen]
    query: dict[str, Any] = {str(rule.place): chosen}
    if operation.binding.page.limit and n % 4 > 1:
        query[str(operation.binding.page.limit)] = 1
        wanted = wanted[:1]
    got = user.page(operation, kept.id, query).items
    seen = f"{len(got)} events instead of {len(wanted)} for {show(query)}"
    expected = "exactly the events of the kinds that were asked for"
    walk.hold("list.filter", operation, got == wanted or len(whole) > 50, expected, seen)


def clear(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Clears the history of a session: nothing is left, and the others are as they were."""
    operation, mine = walk.facts.one(Role.MESSAGE_CLEAR), walk.model.alive(owner)
    if operation is None or not mine:
        return
    kept, user = pick(mine, which), walk.users[owner]
    talks = speaking(walk)
    draft = user.draft(operation, kept.id)
    walk.accepted(operation, user.send(draft))
    kept.said, kept.ids = [], []
    kept.talked = True
    for listing in walk.facts.by(Role.MESSAGE_LIST, Role.SUGGESTION_LIST):
        left = _items(walk, listing, kept)
        expected, seen = "nothing left after a clear", f"{len(left)} items in {listing.label}"
        walk.hold("history.clear", operation, not left, expected, seen)
    if walk.facts.one(Role.SESSION_GET) is not None:
        kept.view = walk.read(kept, "history.clear", operation, changed=True)
        count = at(kept.view, walk.facts.document.model.session.get("count"))
        expected = "a count of 0 after a clear"
        walk.hold("history.clear", operation, count in (None, 0), expected, f"{count}")
    other = walk.model.neighbour(kept)
    if other is not None and other.said and talks:
        lines = _spoken(lines_of(walk, other))
        fine = other.loose or lines == other.said
        expected = "what was said in other sessions after a clear"
        walk.hold("history.clear", operation, fine, expected, show(lines))


def _items(walk: Walk, operation: Operation, kept: Kept) -> list[Any]:
    try:
        return walk.owner_of(kept).all(operation, kept.id)
    except Blocked as error:
        walk.accepted(operation, error.exchange)
        raise Ended from None


def suggest(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Lists suggestions: each of its session, none where nothing was said."""
    operation, mine = walk.facts.one(Role.SUGGESTION_LIST), walk.model.alive(owner)
    talks = speaking(walk)
    if operation is None or not mine or not talks or not walk.facts.by(Role.MESSAGE_LIST):
        return
    kept, model = pick(mine, which), walk.facts.document.model.suggestion
    begin(walk, kept)
    items, lines = _items(walk, operation, kept), lines_of(walk, kept)
    strange = [i for i in items if at(i, model.get("session")) not in (None, kept.id)]
    expected = "suggestions that name their session"
    walk.hold("suggestion.session", operation, not strange, expected, lambda: show(strange[0]))
    ids = {line.id for line in lines if line.role == "agent"}
    strange = [i for i in items if "message" in model and at(i, model["message"]) not in ids]
    expected = "suggestions that name a message of the agent"
    walk.hold("suggestion.session", operation, not strange, expected, lambda: show(strange[0]))
    fine, expected = bool(lines) or not items, "no suggestion where nothing was said"
    walk.hold("suggestion.session", operation, fine, expected, f"{len(items)} of them")


def stop_idle(walk: Walk, owner: int, which: int, how: int, n: int, guard: int) -> None:
    """Stops where no turn runs: nothing is stopped, and nothing changes."""
    mine = walk.model.alive(owner)
    stops = [o for o in walk.facts.by(Role.SESSION_ACT) if not cancels(walk.facts.document, o)]
    if not mine or not stops:
        return
    kept = pick(mine, which)
    if kept.loose:
        return
    try:
        _, stopped = stop(walk.context(stops[0], owner=owner), kept.id)
    except Blocked as error:
        walk.accepted(stops[0], error.exchange)
        raise Ended from None
    fine, expected = stopped is not True, "an answer that nothing was stopped"
    walk.hold("stop.idle", stops[0], fine, expected, "it says that a turn was")
    if kept.said is not None and walk.facts.by(Role.MESSAGE_LIST):
        lines = _spoken(lines_of(walk, kept))
        walk.hold("stop.idle", stops[0], lines == kept.said, "the history as it was", show(lines))
