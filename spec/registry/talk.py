"""What talking promises: all of it kept, unchanged, in order, in its own session."""

from __future__ import annotations

from sparring.spec.meaning.binding import Role

from .promise import LOSS, promise

CREATE, UPDATE = Role.SESSION_CREATE, Role.SESSION_UPDATE
TALK = (Role.MESSAGE_CREATE, Role.RUN_CREATE)
PARTS = (Role.MESSAGE_GET, Role.RUN_GET, Role.RUN_ACT, Role.RUN_SUBSCRIBE)
HISTORY, CLEAR = Role.MESSAGE_LIST, Role.MESSAGE_CLEAR
SUBSCRIBE, SUGGESTIONS, ACT = Role.MESSAGE_SUBSCRIBE, Role.SUGGESTION_LIST, Role.SESSION_ACT

PROMISES = (
    promise(
        "talk.recorded",
        "A turn is in the history: what was sent, then the reply.",
        "The reply is answered, and missing from the history.",
        *TALK,
        severity=LOSS,
    ),
    promise(
        "text.verbatim",
        "Text comes back unchanged.",
        "`<b>` comes back as `&lt;b&gt;`.",
        *TALK,
        severity=LOSS,
    ),
    promise(
        "history.order",
        "The history is in the order in which it was said.",
        "The reply stands before the message that it answers.",
        HISTORY,
        parameters={
            "by": "a JSON Pointer to what the list is ordered by",
            "dir": "`asc` or `desc`",
        },
    ),
    promise(
        "talk.isolation",
        "What is said in one session stays there.",
        "What one session says is in the history of another.",
        *TALK,
        SUBSCRIBE,
        *PARTS,
        severity=LOSS,
    ),
    promise(
        "talk.count",
        "The session counts its messages.",
        "After two turns, with four messages, the session counts two.",
        *TALK,
    ),
    promise(
        "tool.recorded",
        "A tool's result is recorded as it was sent.",
        "The result 1.0 of a tool is stored as the text 1.0.",
        *TALK,
        Role.RUN_ACT,
    ),
    promise(
        "talk.serial",
        "The turns of a session do not interleave.",
        "Of two turns at one instant both messages stand before both replies.",
        *TALK,
        stated=True,
    ),
    promise(
        "talk.single",
        "A session has one turn under way at most: what else is said is refused.",
        "Two messages at one instant are both answered.",
        Role.MESSAGE_CREATE,
        severity=LOSS,
        stated=True,
    ),
    promise(
        "talk.outlives",
        "A turn goes on when its caller hangs up.",
        "A client hangs up in the middle, and its reply is never stored.",
        *TALK,
        stated=True,
    ),
    promise(
        "talk.turn",
        "All of one turn carries its id, and nothing else does.",
        "The message has another turn id than its reply.",
        *TALK,
    ),
    promise(
        "talk.ids",
        "Every message has an id of its own, the same everywhere.",
        "The id of a streamed message is not that in the history.",
        *TALK,
    ),
    promise(
        "talk.greeting",
        "The agent greets only when it may, and where `always` is stated it does.",
        "The agent greets though `allow_greeting` is false.",
        CREATE,
        parameters={"always": "`true` where the agent greets in every session that allows it"},
    ),
    promise(
        "history.clear",
        "A cleared history is empty, the session stays.",
        "After a clear the events are still listed.",
        CLEAR,
    ),
    promise(
        "event.offsets",
        "Offsets count the stored events without a gap.",
        "The offsets are 0, 1, 3.",
        HISTORY,
    ),
    promise(
        "event.agrees",
        "The event list tells what the history tells.",
        "A message of the history is missing from the event list.",
        HISTORY,
    ),
    promise(
        "suggestion.session",
        "Suggestions belong to their session.",
        "A new session lists the suggestions of another.",
        SUGGESTIONS,
    ),
    promise(
        "script.expectation",
        "A turn is as the script expects it.",
        "The script expects “Thanks” in the reply, which says “Thank you”.",
        *TALK,
    ),
    promise(
        "talk.whole",
        "A turn whose caller hangs up leaves a session that can be read and goes on.",
        "A client hangs up, and of the words that it has seen half are in the history.",
        *TALK,
        severity=LOSS,
    ),
    promise(
        "act.regenerate",
        "A reply that is asked for again replaces the old one, and nothing else.",
        "After regenerating, both replies are in the history.",
        ACT,
        severity=LOSS,
    ),
    promise(
        "act.edit",
        "An edited message has its new text; what came before it stays, what came behind goes.",
        "An edit keeps the old answer behind the new question.",
        ACT,
        parameters={"of": "`user` where only what users said can be edited"},
        severity=LOSS,
    ),
    promise(
        "act.again",
        "An act on a session that is done again changes nothing more.",
        "Archiving a session again gives it a new time of archiving.",
        ACT,
        stated=True,
    ),
    promise(
        "act.approve",
        "Where no call waits for a decision, a decision changes nothing.",
        "An approval of a call that nobody made lets the agent speak.",
        ACT,
        stated=True,
    ),
)
