"""What streams promise: whole, in order, as it is said, and that a turn can be stopped."""

from __future__ import annotations

from sparring.spec.meaning.binding import Role

from .promise import LOSS, promise

TALK = (Role.MESSAGE_CREATE, Role.RUN_CREATE)
SUBSCRIBE, ACT = Role.MESSAGE_SUBSCRIBE, (Role.SESSION_ACT, Role.RUN_ACT)

PROMISES = (
    promise(
        "stream.media_type",
        "A stream is a text/event-stream.",
        "A stream is sent as text/plain.",
        *TALK,
        SUBSCRIBE,
        *ACT,
        Role.RUN_SUBSCRIBE,
    ),
    promise(
        "stream.schema",
        "Every event of a stream fits its schema.",
        "An event lacks the name that its schema requires.",
        *TALK,
        SUBSCRIBE,
        Role.RUN_SUBSCRIBE,
    ),
    promise(
        "stream.ids",
        "Event ids are unique and rise.",
        "The ids begin at 1 again with every turn.",
        *TALK,
        SUBSCRIBE,
        Role.RUN_SUBSCRIBE,
    ),
    promise(
        "stream.terminal",
        "A turn ends with one terminal event.",
        "The stream ends without the event that ends a turn.",
        *TALK,
        SUBSCRIBE,
        Role.RUN_SUBSCRIBE,
    ),
    promise(
        "stream.adds_up",
        "The streamed pieces add up to the stored message.",
        "The last piece is lost: the stored message is longer.",
        *TALK,
        SUBSCRIBE,
        Role.RUN_SUBSCRIBE,
    ),
    promise(
        "stream.stored",
        "The stored events of a stream are those of the list.",
        "The list of events lacks one that was streamed and is stored.",
        *TALK,
        SUBSCRIBE,
        Role.RUN_SUBSCRIBE,
        parameters={"first": "`sent` where a stream begins with what was sent, as it is stored"},
    ),
    promise(
        "stream.incremental",
        "Pieces arrive as they are said.",
        "All pieces arrive at once when the turn is over.",
        *TALK,
        SUBSCRIBE,
        Role.RUN_SUBSCRIBE,
    ),
    promise(
        "stream.resume",
        "Resuming after an id gives exactly the rest.",
        "Resuming after event 5 sends event 5 again.",
        *TALK,
        SUBSCRIBE,
        Role.RUN_SUBSCRIBE,
        parameters={
            "start": "the id that means the beginning, such as `0`",
            "over": "the status of resuming after the last event of what is over",
        },
    ),
    promise(
        "stream.fresh",
        "A subscription that names no last id begins now.",
        "A new subscription begins with what was said yesterday.",
        SUBSCRIBE,
        stated=True,
    ),
    promise(
        "stream.deleted",
        "A subscription ends when its session is deleted.",
        "The subscription of a deleted session stays open.",
        SUBSCRIBE,
        stated=True,
    ),
    promise(
        "stream.wait",
        "A stream ends after the silence asked for.",
        "A stream that is to wait one second for news never ends.",
        SUBSCRIBE,
    ),
    promise(
        "stop.partial",
        "A stopped turn keeps and marks what was said.",
        "A turn is stopped, and the words that were said are lost.",
        *ACT,
        parameters={"stored": "`at once` where that is in the history when the stop is answered"},
    ),
    promise(
        "stop.idle",
        "Where no turn runs, nothing is stopped.",
        "Stopping an idle session names a turn that it has stopped.",
        *ACT,
    ),
    promise(
        "stream.slow",
        "A slow reader gets every event, in order.",
        "A reader that pauses for a second misses what was said in it.",
        SUBSCRIBE,
        parameters={"bytes": "how much may wait for a reader that is behind, such as `2000000`"},
        severity=LOSS,
        stated=True,
    ),
)
