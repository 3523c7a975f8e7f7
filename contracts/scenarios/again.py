"""What acts on a talk promise: a reply that is given anew, a question that is edited."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import put
from sparring.spec.streams.framing import is_json

from ..checks import Context, Needs, NotChecked, first_reason, says, scenario, show
from ..driving.comparing import at
from ..driving.parts import part_of
from ..driving.together import together
from ..driving.turns import answers_json, say, streams, talk_of
from ..world import Blocked, Line, succeeded
from .talk import talkable, texts_of

ACT = Role.SESSION_ACT
PATIENCE = 2.0


def does(effect: str) -> Needs:
    """Needs an act with this effect, in place."""

    def reason(document: Document, operation: Operation) -> str:
        binding = operation.binding
        if binding is None or binding.effect != effect:
            return f"its effect is not {effect}"
        if not operation.annotated:
            return "the document does not say what the act does"
        return "the old talk stays, the new one is another session" if binding.branches else ""

    return says(f"The document says `effect: {effect}`, and keeps no other branch.", reason)


def act(
    context: Context,
    session: str,
    *,
    target: str | None = None,
    text: str = "",
    call: str = "",
    approved: bool | None = None,
) -> None:
    """Performs the check's act and waits for its whole answer. Raises Blocked."""
    operation, alice = context.operation, context.alice
    assert operation.binding is not None
    draft = alice.draft(operation, session)
    if operation.body:
        draft.body = context.world.bodies.least(operation)
    alice.aim(draft, session)
    for place, value in ((operation.binding.target, target), (operation.binding.input, text)):
        if place is not None and value:
            put(context.document, draft, (place.part, place.name), value)
    if call and operation.binding.tool_call and isinstance(draft.body, dict):
        pointers.put(draft.body, operation.binding.tool_call, call)
    decision = operation.binding.decision
    if approved is not None and decision.place is not None:
        words = decision.approved if approved else decision.denied
        where = (decision.place.part, decision.place.name)
        put(context.document, draft, where, words[0] if words else approved)
    if streams(operation) and not answers_json(operation):
        with alice.open(draft) as stream:
            stream.drain()
        if not succeeded(stream.exchange):
            raise Blocked(operation, stream.exchange)
        return
    if streams(operation) and operation.success:
        draft.accept = next(filter(is_json, operation.success[1].content))
    alice.expect(draft)


def regenerate(context: Context, session: str) -> None:
    """Has the last reply given anew. Raises Blocked; NotChecked where it can't be named."""
    reply = part_of(context.alice, session, context.operation)
    try:
        act(context, session, target=reply)
    except Blocked as error:
        if reply is None:
            raise
        raise NotChecked("the target takes no reply for the one to give anew") from error


def settled(context: Context, session: str, done: Callable[[list[Line]], bool]) -> list[Line]:
    """The history, once it is as it should be or has had its time."""
    end = time.monotonic() + PATIENCE
    while not done(lines := context.alice.history(session)) and time.monotonic() < end:
        time.sleep(0.1)
    return lines


def told(context: Context, *texts: str) -> tuple[str, list[Line]]:
    """A session in which this was said, and its history."""
    session = context.alice.create()
    for text in texts:
        say(context.alice, talk_of(context.world), session.id, text)
    lines = context.alice.history(session.id)
    if [line.text for line in lines if line.role == "user"] != [*texts]:
        raise NotChecked("the history is without the talk")  # talk.recorded
    return session.id, lines


@scenario("act.regenerate", ACT, needs=first_reason(does("regenerate"), talkable))
def new_replies_replace_old_ones(context: Context) -> None:
    """After regenerating, the history has one reply to the last question, and all before it."""
    session, before = told(context, "The first question.", "The second question.")
    last = max(n for n, line in enumerate(before) if line.role == "user")
    wanted = texts_of(before[: last + 1])
    regenerate(context, session)
    after = settled(context, session, lambda lines: len(lines) > last + 1)
    found = texts_of(after)
    if found[: last + 1] != wanted:
        seen = f"{show(found)} after {show(texts_of(before))}"
        context.fail("what stood before a reply that is given anew, as it was", seen)
    elif (
        any(role != "agent" for role, _ in found[last + 1 :])
        or len(found) == last + 1
        or (len(found) > len(before) and _known(before[last + 1 :], after[last + 1 :]))
    ):
        seen = f"{show(found[last + 1 :])} behind the question"
        context.fail("one reply, the new one, in place of the old one", seen)
    check_count(context, session, after)


@scenario("act.regenerate", ACT, needs=first_reason(does("regenerate"), talkable))
def replies_at_one_instant_replace_each_other(context: Context) -> None:
    """Of replies that are asked for anew at one instant, one is left."""
    session, before = told(context, "The only question.")
    reply = part_of(context.alice, session, context.operation)
    results = together([partial(act, context, session, target=reply)] * 4)
    for error in results:
        if isinstance(error, Exception) and not isinstance(error, Blocked):
            raise error
    if all(isinstance(error, Blocked) for error in results):
        if reply is not None:
            raise NotChecked("the target takes no reply for the one to give anew")
        raise results[0]
    after = settled(context, session, lambda lines: len(lines) <= len(before))
    if len(after) > len(before):
        seen = f"{show(texts_of(after))} where {show(texts_of(before))} was"
        context.fail("one reply, though it was asked for anew four times at once", seen)


def _known(old: list[Line], new: list[Line]) -> bool:
    """Whether a message that was there before still is."""
    ids = {line.id for line in old if line.id is not None}
    return any(line.id in ids for line in new)


@scenario("act.edit", ACT, needs=first_reason(does("edit"), talkable))
def edits_change_what_was_said(context: Context) -> None:
    """After an edit the history has the new text in its place, its reply, and nothing behind."""
    binding = context.operation.binding
    if binding is None or binding.target is None or binding.input is None:
        raise NotChecked("the document does not say what is edited, or how")
    texts = [f"Question number {n}." for n in range(3)]
    session, before = told(context, *texts)
    place = next(n for n, line in enumerate(before) if line.text == texts[1])
    later = next(n for n, line in enumerate(before) if line.text == texts[2])
    target, text = before[place].id, "An edited question."
    if not isinstance(target, str):
        raise NotChecked("messages have no ids")
    neighbour, untouched = told(context, "Another session.")
    act(context, session, target=target, text=text)
    after = settled(context, session, lambda lines: len(lines) > place + 1)
    found = texts_of(after)
    if found[:place] != texts_of(before[:place]):
        context.fail("what stood before an edited message, as it was", show(found))
    elif found[place : place + 1] != [("user", text)]:
        context.fail("the new text in the place of the old one", show(found))
    elif (
        any(role != "agent" for role, _ in found[place + 1 :])
        or len(found) == place + 1
        or _known(before[later:], after[place + 1 :])
    ):
        context.fail("behind an edited message its new reply alone", show(found[place + 1 :]))
    if texts_of(context.alice.history(neighbour)) != texts_of(untouched):
        context.fail("the history of other sessions, as it was", "it changed")
    check_count(context, session, after)
    _nothing_stays_behind(context)


def check_count(context: Context, session: str, lines: list[Line]) -> None:
    """Fails unless the session counts the messages that its history has."""
    where = context.document.model.session.get("count")
    if where is not None and context.world.one(Role.SESSION_GET):
        count = at(context.alice.read(session), where)
        if isinstance(count, int) and count != len(lines):
            context.fail("a count of what is left in the history", f"{count} of {len(lines)}")


def _nothing_stays_behind(context: Context) -> None:
    """Fails where an edit leaves messages of other roles that stood behind the edited one."""
    session, talk = context.alice.create().id, talk_of(context.world)
    sent, roles = ["A question.", "Be brief."], ["user", "system"]
    if context.world.bodies.message(talk, sent, roles) is None:
        return
    say(context.alice, talk, session, *sent, roles=roles)
    before = context.alice.history(session)
    found = [n for n, line in enumerate(before) if line.text == sent[0]]
    others = {line.id for line in before[found[0] + 1 :] if line.id} if found else set()
    target = before[found[0]].id if found else None
    if not others or not isinstance(target, str):
        return
    act(context, session, target=target, text="Another question.")
    after = settled(context, session, lambda lines: not others & {line.id for line in lines})
    if left := [line for line in after if line.id in others]:
        seen = f"{show(texts_of(left))} is still there"
        context.fail("nothing of what stood behind an edited message", seen)
