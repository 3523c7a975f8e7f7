"""What talking promises: all of it recorded, unchanged, in order, in its own session."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import histories

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.attributes import item_properties
from ..driving.bodies import HOSTILE, HUGE, LONG
from ..driving.comparing import at, differences, has
from ..driving.lists import history_operation
from ..driving.made import TALKING
from ..driving.parts import part_of
from ..driving.together import together
from ..driving.turns import (
    Turn,
    answers_json,
    as_json,
    can_talk,
    choose_form,
    message_draft,
    say,
    speaks,
    talk_of,
    ways,
)
from ..world import Blocked, Line, succeeded
from .deletion import answer, talked
from .sorting import in_order, sort_key


def tells_speakers(document: Document, operation: Operation) -> str:
    """The history tells what users said from what agents did."""
    found = [o for o in histories(document) if o.binding is not None]
    rows = [o.binding.row or document.model.message for o in found if o.binding is not None]
    told = any(row.role is not None and "user" in row.role.words for row in rows)
    return "" if told else "the history does not tell who spoke"


talkable = first_reason(can_talk, has(Role.SESSION_CREATE, Role.MESSAGE_LIST), tells_speakers)
speakable = first_reason(speaks, talkable)


def texts_of(lines: list[Line]) -> list[tuple[str | None, str | None]]:
    """Who said what; lines without a text, such as calls of tools, are none of it."""
    return [(line.role, line.text) for line in lines if line.text is not None]


def expected_lines(sent: list[str], turn: Turn) -> list[tuple[str | None, str | None]]:
    """What a turn leaves in the history."""
    return [*(("user", text) for text in sent), *(("agent", text) for text in turn.texts if text)]


@scenario("talk.recorded", *TALKING, needs=speakable)
def turns_are_recorded(context: Context) -> None:
    """The history has every turn: what the user said, then what the agent answered."""
    for stream in ways(context.operation):
        start = len(context.world.journal)
        session = context.alice.create()
        wanted = texts_of(context.alice.history(session.id))
        for n, text in enumerate(("Good morning!", "What can you do?", "What can you do?")):
            turn = say(context.alice, context.operation, session.id, text, stream=stream)
            if turn.run is not None and turn.run.state == "done" and not turn.reply:
                context.fail("the reply of a finished run in the history", "no reply")
                return
            wanted += expected_lines([text], turn)
            for operation in histories(context.document):
                found = texts_of(context.alice.history(session.id, operation))
                if not turn.heard:
                    found = [pair for pair in found if pair[0] == "user"]
                if found != wanted:
                    context.fail(
                        f"what was said and what was answered, in {operation.label}",
                        f"{show(found)} instead of {show(wanted)} after {n + 1} turns",
                        exchanges=context.world.exchanges(start),
                    )
                    return
        again = context.alice.history(session.id)
        if turn.heard and texts_of(again) != wanted:
            context.fail("the same history when it is read again", show(texts_of(again)))


@scenario("talk.recorded", *TALKING, needs=speakable)
def every_message_is_recorded(context: Context) -> None:
    """Of several messages in one request every one is recorded, in order."""
    if context.operation.binding is None or context.operation.binding.messages is None:
        return
    alice, operation, session = context.alice, context.operation, context.alice.create()
    for sent, roles in (
        (["First.", "Second.", "Second.", "Third?"], ["user"] * 4),
        (["Be short.", "Why?"], ["system", "user"]),
        (["One.", "Be kind.", "Two.", "Be brief.", "Three?"], ["user", "system"] * 2 + ["user"]),
    ):
        if context.world.bodies.message(operation, sent, roles) is None:
            continue
        for stream in ways(operation):
            before = len(alice.history(session.id))
            turn = say(alice, operation, session.id, *sent, roles=roles, stream=stream)
            found = texts_of(alice.history(session.id)[before:])
            if not turn.heard:
                found = [pair for pair in found if pair[0] != "agent"]
            wanted = [*zip(roles, sent, strict=True), *(("agent", text) for text in turn.texts)]
            if found != wanted:
                seen = f"{show(found)} instead of {show(wanted)}"
                context.fail("every message of a request in the history", seen)


@scenario("talk.recorded", *TALKING, needs=speakable)
def what_came_with_a_message_is_recorded(context: Context) -> None:
    """What a message has beside its text stands in the history, where that has room for it."""
    history = history_operation(context.world)
    shown = item_properties(context.document, history)
    found = dressed(context, context.operation, shown)
    if found is None:
        return
    body, added = found
    for stream in ways(context.operation):
        session = context.alice.create()
        say_dressed(context, context.operation, session.id, body, stream=stream)
        lines = [line for line in context.alice.history(session.id, history) if line.role == "user"]
        raw = lines[0].raw if lines and isinstance(lines[0].raw, dict) else {}
        if wrong := differences(context.document, shown, added, raw):
            context.fail("what a message was sent with, in the history", "; ".join(wrong))


def dressed(
    context: Context, operation: Operation, shown: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]] | None:
    """A message with all that it may have beside its text and the history shows; what that is."""
    bodies, binding = context.world.bodies, operation.binding
    body = bodies.message(operation, ["Who am I?"])
    if binding is None or binding.messages is None or body is None:
        return None
    container = pointers.first(body, (*binding.messages, "0"))
    added = {}
    for name, values in bodies.message_attributes(operation).items():
        for value in values if name in shown and name not in container else ():
            container[name] = value
            if bodies.is_valid(operation, body):
                added[name] = value
                break
            del container[name]
    return (body, added) if added else None


def say_dressed(
    context: Context, operation: Operation, session: str, body: Any, *, stream: bool = False
) -> None:
    """Says a message as it is in a body, and takes the reply."""
    draft = message_draft(context.alice, operation, session, ["Who am I?"])
    draft.body = copy.deepcopy(body)
    context.alice.aim(draft, session)
    if not stream:
        context.alice.expect(as_json(draft) if answers_json(operation) else draft)
        return
    with context.alice.open(choose_form(draft, stream=True)) as opened:
        opened.drain()
    if not succeeded(opened.exchange):
        raise Blocked(operation, opened.exchange)


@scenario("text.verbatim", *TALKING, needs=speakable)
def text_is_unchanged(context: Context) -> None:
    """Text that is hard to keep comes back as it was sent."""
    for stream in ways(context.operation):
        start = len(context.world.journal)
        session = context.alice.create()
        bodies, operation = context.world.bodies, context.operation
        sent = [text for text in (*HOSTILE, LONG) if bodies.message(operation, [text]) is not None]
        several = [HUGE, *sent]  # the agent answers the last one
        if not stream and bodies.message(operation, several, ["user"] * len(several)) is not None:
            sent = several
            say(context.alice, operation, session.id, *sent, roles=["user"] * len(sent))
        else:
            for text in sent:
                say(context.alice, operation, session.id, text, stream=stream)
        for operation in histories(context.document):
            lines = context.alice.history(session.id, operation)
            said = [line.text for line in lines if line.role == "user"]
            for wanted, found in zip(sent, said, strict=False):
                if wanted != found:
                    shown = context.world.exchanges(start)
                    context.fail(
                        "text as it was sent", f"{found!a} of {wanted!a}"[:600], exchanges=shown
                    )
                    return
            if len(said) != len(sent):
                context.fail("every text that was sent", f"{len(said)} of {len(sent)}")


@scenario("talk.isolation", *TALKING, needs=speakable)
def sessions_do_not_mix(context: Context) -> None:
    """Two talks at the same time leave each its own history."""
    alice = context.alice
    one, two = alice.create(), alice.create()
    wanted: dict[str, list[Any]] = {one.id: [], two.id: []}
    for n in range(3):
        for session, word in ((one, "ocean"), (two, "desert")):
            text = f"{word} {n} {context.world.bodies.fresh()}"
            turn = say(alice, context.operation, session.id, text)
            wanted[session.id] += expected_lines([text], turn)
    for operation in histories(context.document):
        for session in (one, two):
            found = texts_of(alice.history(session.id, operation))
            strange = [
                pair for pair in found if pair[0] == "user" and pair not in wanted[session.id]
            ]
            if strange:
                context.fail("in each session what was said in it", f"{show(strange)} of the other")
            elif len(found) < len(wanted[session.id]):
                context.fail("in each session all that was said in it", show(found))
    empty = alice.create()
    for operation in histories(context.document):
        if any(line.role == "user" for line in alice.history(empty.id, operation)):
            context.fail("in a new session nothing that was said in others", "another's message")


def counted(document: Document, operation: Operation) -> str:
    """The session counts its messages."""
    return "" if "count" in document.model.session else "the model has no count"


@scenario("talk.count", *TALKING, needs=first_reason(counted, speakable, has(Role.SESSION_GET)))
def messages_are_counted(context: Context) -> None:
    """The session's count is the length of its history, after every turn."""
    where = context.document.model.session["count"]
    history = history_operation(context.world)
    for stream in ways(context.operation):
        session = context.alice.create()
        for n in range(3):
            count = at(context.alice.read(session.id), where)
            length = len(context.alice.history(session.id, history))
            if count != length:
                context.fail(
                    "as many messages as the history has", f"{count} for {length} after {n} turns"
                )
                return
            say(
                context.alice,
                context.operation,
                session.id,
                context.world.words("Count this."),
                stream=stream,
            )


def has_turns(document: Document, operation: Operation) -> str:
    """Messages carry the id of their turn."""
    row = document.model.message
    return "" if row.turn is not None else "the model has no turn"


@scenario("talk.turn", *TALKING, needs=first_reason(has_turns, speakable))
def turns_are_told_apart(context: Context) -> None:
    """All messages of a turn carry one id, that of the answer, and each turn another.

    What is only put in belongs to no turn.
    """
    binding = context.operation.binding
    if binding is None or binding.via == "none":
        raise NotChecked("nobody answers what is put in")
    for stream in ways(context.operation):
        session, ids = context.alice.create(), []
        known = {line.id for line in context.alice.history(session.id)}
        for _ in range(3):
            turn = say(
                context.alice,
                context.operation,
                session.id,
                context.world.words("Which turn?"),
                stream=stream,
            )
            lines = [line for line in context.alice.history(session.id) if line.id not in known]
            known |= {line.id for line in lines}
            if binding.input is None:
                lines = [line for line in lines if line.role == "agent"]
            mine = {line.turn for line in lines}
            if len(mine) > 1:
                context.fail("one turn id on all messages of a turn", show(sorted(map(str, mine))))
                return
            said = {line.turn for line in turn.reply if line.turn is not None}
            said |= {turn.id} if turn.id is not None else set()
            said |= {seen.turn for seen in turn.events if seen.turn is not None}
            if mine and said - mine:
                context.fail("the turn id of the answer in the history", f"{said} and {mine}")
            ids += list(mine)
        if len(set(ids)) < len(ids):
            context.fail("another turn id for every turn", show(ids))


@scenario("talk.ids", *TALKING, needs=speakable)
def messages_have_ids(context: Context) -> None:
    """Ids of messages are unique, stay, and are those that the answer named."""
    if context.document.model.message.id is None:
        raise NotChecked("messages have no ids")
    for stream in ways(context.operation):
        session, other = context.alice.create(), context.alice.create()
        turns = [
            say(context.alice, context.operation, session.id, "Who are you?", stream=stream),
            say(context.alice, context.operation, session.id, "Who are you?", stream=stream),
        ]
        say(context.alice, context.operation, other.id, "Who are you?", stream=stream)
        lines = context.alice.history(session.id)
        ids = [line.id for line in lines + context.alice.history(other.id)]
        if not any(ids):
            raise NotChecked("messages have no ids")
        if len(set(ids)) < len(ids):
            context.fail("an id of its own for every message", show(ids))
        known = {line.id: line.text for line in lines}
        for turn in turns:
            for reply in turn.reply:
                if reply.id is not None and known.get(reply.id) != reply.text:
                    context.fail("the answered message in the history under its id", show(reply.id))
        if [line.id for line in context.alice.history(session.id)] != [line.id for line in lines]:
            context.fail("the same ids when the history is read again", "others")


@scenario(
    "suggestion.session",
    Role.SUGGESTION_LIST,
    needs=talkable,
)
def suggestions_belong_to_their_session(context: Context) -> None:
    """Each suggestion names its session and a message in it; another session has none of them."""
    alice, model = context.alice, context.document.model.suggestion
    one, two = alice.create(), alice.create()
    for _ in range(2):
        say(alice, talk_of(context.world), one.id, context.world.words("What could I ask you?"))
    items = alice.all(context.operation, one.id)
    ids = {line.id for line in alice.history(one.id) if line.role == "agent"}
    for item in items:
        if "session" in model and at(item, model["session"]) != one.id:
            context.fail("suggestions that name their session", show(at(item, model["session"])))
        if "message" in model and at(item, model["message"]) not in ids:
            context.fail(
                "suggestions that name a message of the agent", show(at(item, model["message"]))
            )
        if at(item, model.get("text")) in (None, ""):
            context.fail("suggestions with a text", show(item))
    keys = [at(item, model["id"]) for item in items] if "id" in model else []
    if len(set(keys)) < len(keys):
        context.fail("an id of its own for every suggestion", show(keys))
    if alice.all(context.operation, two.id):
        context.fail("no suggestion in a session without a turn", "the other's suggestions")
    if not items:
        raise NotChecked("the agent suggested nothing")


@scenario("list.order", Role.SUGGESTION_LIST, needs=talkable)
def suggestions_are_in_order(context: Context) -> None:
    """Suggestions are in the stated order."""
    stated = context.operation.promises.get("list.order", {})
    if "by" not in stated:
        raise NotChecked("the document states no order")
    session = context.alice.create()
    for _ in range(3):
        say(context.alice, talk_of(context.world), session.id, context.world.words("And now?"))
    items = context.alice.all(context.operation, session.id)
    direction = str(stated.get("dir", "asc"))
    if not in_order(items, sort_key(pointers.split(stated["by"])), direction):
        values = [pointers.first(item, pointers.split(stated["by"])) for item in items]
        context.fail(f"{stated['by']} {direction}", show(values))
    message = context.document.model.suggestion.get("message")
    order = [line.id for line in context.alice.history(session.id)]
    ranks = [order.index(at(i, message)) for i in items if message and at(i, message) in order]
    if not in_order(ranks, lambda rank: rank, direction):
        context.fail("suggestions of later messages on the stated side", show(ranks))


PARTS = (Role.MESSAGE_GET, Role.RUN_GET, Role.RUN_ACT, Role.RUN_SUBSCRIBE)


def within_session(document: Document, operation: Operation) -> str:
    """The path names a session and a part of it."""
    binding = operation.binding
    if binding is None or binding.target is None or binding.session is None:
        return "the operation does not name a session and a part of it"
    in_path = binding.target.part == binding.session.part == "path"
    return "" if in_path else "the path does not name a session and a part of it"


@scenario("talk.isolation", *PARTS, needs=first_reason(within_session, talkable))
def parts_are_found_in_their_session_only(context: Context) -> None:
    """A message or a run is not found below another session."""
    session, other = talked(context, context.alice), talked(context, context.alice)
    part = part_of(context.alice, session, context.operation)
    if part is None:
        raise NotChecked("the session has no such part")
    exchange = answer(context, context.alice, context.operation, other, part)
    if succeeded(exchange):
        context.fail("a 404 below another session", str(exchange.response.status))


@scenario("talk.isolation", *TALKING, needs=speakable)
def turns_at_one_instant_do_not_mix(context: Context) -> None:
    """Of turns in several sessions at one instant each has its own history, with its own reply."""
    alice, operation = context.alice, context.operation
    sessions = [alice.create().id for _ in range(3)]
    texts = [f"island {n} {context.world.bodies.fresh()}" for n in range(3)]
    pairs = list(zip(sessions, texts, strict=True))
    turns = together([partial(say, alice, operation, session, text) for session, text in pairs])
    if not all(isinstance(turn, Turn) for turn in turns):
        raise NotChecked("turns at one instant are not all taken")
    replies = [len([x for x in alice.history(id) if x.role == "agent"]) for id in sessions]
    said = [[x.text for x in alice.history(id) if x.role == "user"] for id in sessions]
    if said != [[text] for text in texts]:
        context.fail("in each session what was said in it, of turns at one instant", show(said))
    elif 0 in replies and max(replies) > 1:
        context.fail("in each session the reply to what was said in it", show(replies))
