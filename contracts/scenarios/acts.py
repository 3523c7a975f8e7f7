"""What acts on a talk promise beside their own change: again and again, and to nothing else."""

from __future__ import annotations

from typing import Any

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation

from ..checks import Context, NotChecked, first_reason, same, scenario, show
from ..driving.attributes import item_properties
from ..driving.comparing import differences, has
from ..driving.lists import history_operation
from ..driving.turns import ways
from ..world import Blocked
from .again import ACT, act, does, regenerate, settled, told
from .history import lists_events
from .talk import dressed, say_dressed, talkable, texts_of

REGENERATE, EDIT = does("regenerate"), does("edit")


@scenario("act.again", ACT, needs=has(Role.SESSION_CREATE, Role.SESSION_GET))
def acts_are_done_once(context: Context) -> None:
    """A session is read as before after an act that was done already, which may be refused."""
    if context.operation.binding is None or context.operation.binding.target is not None:
        raise NotChecked("it is not the session on which it acts")
    alice, session = context.alice, context.alice.create().id
    act(context, session)
    before = alice.read(session)
    try:
        act(context, session)
    except Blocked as error:
        if error.exchange.response.status >= 500:
            raise
    after = alice.read(session)
    if not same(before, after):
        seen = f"{show(after)} instead of {show(before)}"
        context.fail("no change by an act that was done already", seen)


@scenario("act.regenerate", ACT, needs=first_reason(REGENERATE, talkable))
def replies_are_replaced_every_time(context: Context) -> None:
    """However often the last reply is asked for anew, the history has one."""
    session, before = told(context, "The only question.")
    first = len([line for line in before if line.role == "agent"])
    for n in range(3):
        regenerate(context, session)
        lines = settled(context, session, lambda found: texts_of(found)[:1] != [])
        asked = [line for line in lines if line.role == "user"]
        replies = [line for line in lines if line.role == "agent"]
        if len(asked) != 1 or len(replies) > max(first, 1):
            seen = f"{show(texts_of(lines))} the {n + 1}. time"
            context.fail("one question and one reply, however often it is given anew", seen)
            return


def targeted(document: Document, operation: Operation) -> str:
    """The act names the message that it changes."""
    binding = operation.binding
    named = binding is not None and binding.target is not None and binding.input is not None
    return "" if named else "the document does not say what is edited, or how"


@scenario("act.edit", ACT, needs=first_reason(EDIT, targeted, talkable))
def edits_reach_no_other_session(context: Context) -> None:
    """A message can't be edited by way of a session that it does not stand in."""
    session, lines = told(context, "The message of one session.")
    other, others = told(context, "The message of another session.")
    target = next(line.id for line in lines if line.role == "user")
    if not isinstance(target, str):
        raise NotChecked("messages have no ids")
    try:
        act(context, other, target=target, text="Edited from elsewhere.")
    except Blocked:
        pass
    else:
        context.fail("a 404 for a message of another session", "a success")
    for id, wanted in ((session, lines), (other, others)):
        if texts_of(context.alice.history(id)) != texts_of(wanted):
            context.fail("no change by an edit in the wrong session", "a history changed")


def of_users(document: Document, operation: Operation) -> str:
    """The document states that only what users said can be edited."""
    stated = operation.promises.get("act.edit", {}).get("of") == "user"
    return "" if stated else "the document does not say whose messages can be edited"


@scenario("act.edit", ACT, needs=first_reason(EDIT, targeted, of_users, talkable))
def replies_are_not_edited(context: Context) -> None:
    """Where only the user's messages can be edited, the agent's are left as they are."""
    session, lines = told(context, "A question.")
    replies = [line.id for line in lines if line.role == "agent" and isinstance(line.id, str)]
    if not replies:
        raise NotChecked("the agent said nothing that has an id")
    try:
        act(context, session, target=replies[-1], text="Words in its mouth.")
    except Blocked:
        pass
    else:
        context.fail("a 4xx for the edit of what the agent said", "a success")
    if texts_of(context.alice.history(session)) != texts_of(lines):
        context.fail("no change by an edit that was refused", "the history changed")


@scenario("act.edit", ACT, needs=first_reason(EDIT, targeted, talkable))
def edits_change_the_text_alone(context: Context) -> None:
    """What a message has beside its text is kept by an edit."""
    talk = context.world.need(Role.MESSAGE_CREATE)
    shown = item_properties(context.document, history_operation(context.world))
    found = dressed(context, talk, shown)
    if found is None:
        raise NotChecked("a message has nothing beside its text")
    body, added = found
    session = context.alice.create()
    say_dressed(context, talk, session.id, body, stream=ways(talk)[0])
    target = next(line.id for line in context.alice.history(session.id) if line.role == "user")
    if not isinstance(target, str):
        raise NotChecked("messages have no ids")
    act(context, session.id, target=target, text="An edited question.")
    lines = settled(context, session.id, lambda lines: len(lines) > 1)
    raw: Any = next((line.raw for line in lines if line.role == "user"), {})
    if wrong := differences(context.document, shown, added, raw):
        context.fail("what a message has beside its text, after an edit", "; ".join(wrong))


@scenario("event.agrees", Role.MESSAGE_LIST, needs=first_reason(lists_events, talkable))
def events_follow_what_acts_change(context: Context) -> None:
    """After an edit or a new reply, the messages among the events are those of the history."""
    acts = [
        operation
        for operation in context.document.with_role(ACT)
        if not (REGENERATE(context.document, operation) and EDIT(context.document, operation))
    ]
    lists = context.document.with_role(Role.MESSAGE_LIST)
    if not acts or all(not lists_events(context.document, o) for o in lists):
        raise NotChecked("nothing changes the history, or there is none beside the events")
    for operation in acts:
        session, lines = told(context, "The first question.", "The second question.")
        target = next(line.id for line in lines if line.role == "user")
        inner = Context(context.world, operation, context.promise, context.alice, context.bob)
        act(inner, session, target=target, text="An edited question.")
        wanted = settled(context, session, lambda lines: lines[-1:] != [])
        listed = context.alice.history(session, context.operation)
        for line in wanted:
            found = [other.text for other in listed if other.id == line.id]
            if found != [line.text]:
                seen = f"{show(found)} instead of {show(line.text)} after {operation.label}"
                context.fail("the messages of the changed history among the events", seen)
                break
