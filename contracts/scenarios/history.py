"""What the history and the event list promise: order, offsets, kinds, and that they agree."""

from __future__ import annotations

from itertools import chain
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import expression, put

from ..checks import Context, NotChecked, first_reason, same, scenario, show
from ..driving.comparing import at, instant
from ..driving.lists import is_newest_first
from ..driving.prompts import talk_on
from ..driving.turns import say, talk_of, talking, ways
from ..world import Line
from .listing import filter_words
from .sorting import in_order, sort_key
from .talk import talkable


@scenario("history.order", Role.MESSAGE_LIST, needs=talkable)
def history_is_in_order(context: Context) -> None:
    """The history is in the order of what was said, and its times rise."""
    talk = talk_of(context.world)
    session = context.alice.create()
    sent = [f"Message number {n}." for n in range(4)]
    for text in sent:
        say(context.alice, talk, session.id, text)
    items = context.alice.all(context.operation, session.id)
    lines = context.alice.lines(context.operation, items)
    said = [line.text for line in lines if line.role == "user" and line.kind == "message"]
    stated = context.operation.promises.get("history.order", {})
    backwards = is_newest_first(context.document, context.operation)
    wanted = sent[::-1] if backwards else sent
    if said != wanted:
        context.fail("messages in the order in which they were said", show(said))
    if "by" in stated and not in_order(
        items, sort_key(pointers.split(stated["by"])), str(stated.get("dir", "asc"))
    ):
        values = [pointers.first(item, pointers.split(stated["by"])) for item in items]
        context.fail(f"{stated['by']} in the stated order", show(values))
    start = context.document.model.session.get("created")
    if start and context.world.one(Role.SESSION_GET):
        first = instant(at(context.alice.read(session.id), start))
        for line in lines:
            moment = instant(line.created)
            if first is not None and moment is not None and moment < first:  # type: ignore[operator]  # of one kind
                context.fail("no message older than its session", f"{moment} before {first}")
                break


def lists_events(document: Document, operation: Operation) -> str:
    """The list has events."""
    is_events = operation.binding is not None and operation.binding.shape == "event"
    return "" if is_events else "the list has no events"


@scenario("event.offsets", Role.MESSAGE_LIST, needs=first_reason(lists_events, talkable))
def offsets_have_no_gap(context: Context) -> None:
    """Offsets count from the first event on, each once, and stay."""
    if context.document.model.event.offset is None:
        raise NotChecked("events have no offsets")
    session = context.alice.create()
    before: list[Line] = []
    text = context.world.words("What is next?")
    for talk in talking(context.document):
        said = (talk_on(context.alice, talk, session.id, text, stream=way) for way in ways(talk))
        for _ in chain.from_iterable(said):
            lines = context.alice.lines(
                context.operation, context.alice.all(context.operation, session.id)
            )
            offsets = [line.offset for line in lines]
            if offsets != list(range(len(offsets))):
                context.fail("offsets 0, 1, 2 and so on", show(offsets))
                return
            if [line.raw for line in lines[: len(before)]] != [line.raw for line in before]:
                context.fail("stored events that stay as they are", "one changed")
            before = lines
    ids = [line.id for line in before]
    if len(set(map(str, ids))) < len(ids):
        context.fail("an id of its own for every event", show(ids))


@scenario("event.agrees", Role.MESSAGE_LIST, needs=first_reason(lists_events, talkable))
def events_tell_the_history(context: Context) -> None:
    """The messages among the events are those of the history, with the same turns and states."""
    others = [
        o
        for o in context.document.with_role(Role.MESSAGE_LIST)
        if lists_events(context.document, o)
    ]
    if not others:
        raise NotChecked("there is no history beside the events")
    draft = context.alice.create_draft()
    if place := expression(context.document, draft.operation, "greeting"):
        put(context.document, draft, place, True)
    session = context.alice.made(draft, context.alice.expect(draft))
    for talk in talking(context.document):
        for stream in ways(talk):
            say(context.alice, talk, session.id, f"{talk.id} {stream}", stream=stream)
    events = context.alice.history(session.id, context.operation)
    messages = context.alice.history(session.id, others[0])

    def tell(lines: list[Line]) -> list[Any]:
        return [(line.role, line.text, line.turn, line.state) for line in lines]

    if tell(events) != tell(messages):
        context.fail("the messages of the history among the events", f"{show(tell(events))}")


@scenario("list.filter", Role.MESSAGE_LIST, needs=first_reason(lists_events, talkable))
def kinds_are_filtered_exactly(context: Context) -> None:
    """A filter of kinds keeps the events of these kinds and no others."""
    binding, operation = context.operation.binding, context.operation
    assert binding is not None
    rules = [rule for rule in binding.filters if rule.how == "any-of"]
    if not rules:
        raise NotChecked("the list has no filter")
    session = context.alice.create()
    talk = talk_of(context.world)
    for _ in range(2):
        say(context.alice, talk, session.id, context.world.words("Say something."))
    whole = context.alice.all(operation, session.id)
    for rule in rules:
        words = sorted({str(pointers.first(item, rule.at)) for item in whole})
        declared = context.alice.words(operation, str(rule.place))
        for chosen in ([word] for word in declared or words):
            _kinds(context, session.id, whole, rule, chosen)
        _kinds(context, session.id, whole, rule, words)
        _kinds(context, session.id, whole, rule, declared[:2])


def _kinds(context: Context, session: str, whole: list[Any], rule: Any, chosen: list[str]) -> None:
    if not chosen:
        return
    got = context.alice.all(context.operation, session, {str(rule.place): chosen})
    wanted = [item for item in whole if pointers.first(item, rule.at) in chosen]
    if got != wanted:
        seen = f"{len(got)} events instead of {len(wanted)} for {show(chosen)}"
        context.fail("exactly the events of the kinds that were asked for", seen)
    limit = context.operation.binding.page.limit if context.operation.binding else None
    if limit and wanted:
        query = {str(rule.place): chosen, str(limit): 1}
        page = context.alice.page(context.operation, session, query).items
        if page != wanted[:1]:
            seen = f"{show(page)} for {show(query)}"
            context.fail("as many of the chosen events as were asked for", seen)
    start = context.operation.binding.page.start if context.operation.binding else None
    offsets = [line.offset for line in context.alice.lines(context.operation, wanted)]
    if start and len(offsets) > 1 and isinstance(offsets[1], int):
        query = {str(rule.place): chosen, str(start): offsets[1]}
        if context.alice.page(context.operation, session, query).items != wanted[1:]:
            context.fail("the chosen events from an offset on", f"others for {show(query)}")


def filters_words(document: Document, operation: Operation) -> str:
    """The list has a filter by words, or by yes and no."""
    rules = operation.binding.filters if operation.binding else ()
    found = any(filter_words(document, operation, rule) for rule in rules)
    return "" if found else "no filter is by words, or by yes and no"


@scenario("list.filter", Role.MESSAGE_LIST, needs=first_reason(filters_words, talkable))
def filters_leave_the_order(context: Context) -> None:
    """A filter by words keeps the rows that have them, page by page, in the order of the whole."""
    operation, alice = context.operation, context.alice
    assert operation.binding is not None
    session = alice.create()
    talk = talk_of(context.world)
    for text in ("What is first?", "And then?", "And last?"):
        say(alice, talk, session.id, context.world.words(text))
    whole = alice.all(operation, session.id)
    for rule in operation.binding.filters:
        for word in filter_words(context.document, operation, rule):
            start = len(context.world.journal)
            wanted = [item for item in whole if pointers.first(item, rule.at) == word]
            asked = {str(rule.place): word}
            kept = [alice.all(operation, session.id, asked)]
            if limit := operation.binding.page.limit:
                kept.append(alice.all(operation, session.id, asked | {str(limit): 2}))
            for found in kept:
                if not same(found, wanted):
                    expected = f"the rows with {show(word)}, in the order of the whole list"
                    shown = context.world.exchanges(start)
                    context.fail(expected, show(found), exchanges=shown)
                    return
