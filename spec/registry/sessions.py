"""What sessions promise: that they are made, found, changed and deleted as asked."""

from __future__ import annotations

from sparring.spec.meaning.binding import Role

from .promise import LOSS, SMALL, promise

CREATE, GET, LIST = Role.SESSION_CREATE, Role.SESSION_GET, Role.SESSION_LIST
UPDATE, DELETE = Role.SESSION_UPDATE, Role.SESSION_DELETE
TALK, HISTORY, SUGGESTIONS = Role.MESSAGE_CREATE, Role.MESSAGE_LIST, Role.SUGGESTION_LIST

PROMISES = (
    promise(
        "create.read_back",
        "What create returned can be read back.",
        'A session made with the title " a " is read with the title "a".',
        CREATE,
    ),
    promise(
        "create.unique",
        "Every created session has an id of its own.",
        "Two creates within one millisecond answer the same id.",
        CREATE,
        severity=LOSS,
    ),
    promise(
        "create.client_id",
        "An id that the client chose is honoured.",
        'The id "abc" is asked for, and the server chooses another.',
        CREATE,
    ),
    promise(
        "create.conflict",
        "An id that is taken is refused.",
        "A second create with a taken id empties the session that has it.",
        CREATE,
        severity=LOSS,
    ),
    promise(
        "create.location",
        "`Location` names the created session.",
        "`Location` leads to a 404.",
        CREATE,
    ),
    promise(
        "session.missing",
        "A session that does not exist is a 404.",
        "Reading an id that nobody has is a 200 with an empty session.",
    ),
    promise(
        "session.active",
        "The active session is a session of the caller, the same until that changes.",
        "The active session is another user's, or a new one at each call.",
        GET,
        parameters={"is": "which session that is: `newest`"},
    ),
    promise(
        "list.contains",
        "A created session is in the list, as it is.",
        "A session is made, and the list is without it.",
        LIST,
    ),
    promise(
        "list.order",
        "The list is in the stated order.",
        "The newest session stands at the end of a list that begins with the newest.",
        LIST,
        SUGGESTIONS,
        parameters={
            "by": "a JSON Pointer to what the list is ordered by",
            "dir": "`asc` or `desc`",
            "ties": "`made` where items of one instant stand as they were made, in both directions",
        },
    ),
    promise(
        "list.pages",
        "Pages cut the list without a gap or an overlap, and never hold more than asked for.",
        "The last item of one page is the first of the next.",
        LIST,
        HISTORY,
        SUGGESTIONS,
        Role.RUN_LIST,
        parameters={
            "stable": "`true` where what is made or deleted in between shifts no page",
            "bound": "the status that a cursor gets under another order or filter than its own",
        },
    ),
    promise(
        "list.total",
        "The total counts all pages.",
        "Of seven sessions in pages of three, the total is 3.",
        LIST,
        HISTORY,
        SUGGESTIONS,
    ),
    promise(
        "list.filter",
        "A filter keeps exactly what agrees with it.",
        "A filter for the number 1 also keeps a session that has the text 1.",
        LIST,
        HISTORY,
    ),
    promise(
        "put.replaces",
        "PUT resets what the body leaves out.",
        "A PUT without a title leaves the old title.",
        UPDATE,
    ),
    promise(
        "patch.merges",
        "PATCH leaves the rest as it was.",
        "A PATCH of the title empties the metadata.",
        UPDATE,
        parameters={"json": "`true` where a merge patch may come as application/json, too"},
        severity=LOSS,
    ),
    promise(
        "patch.null",
        "A null in a merge patch removes.",
        "A null in a merge patch is stored as null.",
        UPDATE,
    ),
    promise(
        "update.read_back",
        "What update stored can be read back.",
        "An update answers the new title, and reading gives the old one.",
        UPDATE,
    ),
    promise(
        "update.only",
        "An update changes no other session.",
        "Renaming one session renames its neighbour.",
        UPDATE,
        severity=LOSS,
    ),
    promise(
        "time.created",
        "The creation time never changes.",
        "The creation time is that of the last update.",
        UPDATE,
    ),
    promise(
        "time.updated",
        "The update time rises with a change, and only then.",
        "The update time moves when the session is only read.",
        UPDATE,
    ),
    promise(
        "etag.changes",
        "The tag changes with the session, and only then.",
        "The tag is the same before and after a change.",
        UPDATE,
    ),
    promise(
        "update.unchanged",
        "An update that changes nothing leaves the session as it was, its tag and its times too.",
        "A title that is sent again as it is moves the update time.",
        UPDATE,
        stated=True,
    ),
    promise(
        "etag.guards",
        "A stale If-Match is refused.",
        "An update under a tag of yesterday overwrites what was changed since.",
        UPDATE,
        DELETE,
        severity=LOSS,
    ),
    promise(
        "etag.strong",
        "If-Match compares strongly: a weak tag matches nothing (RFC 9110).",
        'If-Match: W/"1" is taken for "1".',
        UPDATE,
        DELETE,
        severity=SMALL,
    ),
    promise(
        "delete.gone",
        "What was deleted is gone everywhere.",
        "A session is deleted, and its history can still be read.",
    ),
    promise(
        "delete.idempotent",
        "A second delete is a 404 or a success.",
        "A second delete is a 500.",
        DELETE,
        parameters={"again": "the status of a second delete, where there is only one"},
    ),
    promise(
        "delete.only",
        "A delete leaves all other sessions.",
        "Deleting one session empties the history of another.",
        DELETE,
        severity=LOSS,
    ),
    promise(
        "list.walk",
        "Who walks through the pages sees all that was there before and stays.",
        "An item that is deleted between two pages takes its neighbour with it.",
        LIST,
    ),
    promise(
        "input.read_only",
        "What only the server sets is not taken from a request.",
        "A create with a `created_at` of last year makes a session of last year.",
        CREATE,
        UPDATE,
        severity=LOSS,
    ),
    promise(
        "number.exact",
        "Numbers in free JSON come back as they were sent.",
        "9007199254740993 comes back as 9007199254740992.",
        CREATE,
        UPDATE,
        parameters={
            "integers": "how many bits integers may have, such as `64`; by default those below 2^53"
        },
    ),
    promise(
        "time.zone",
        "Times mean the instant at which it happened, whatever their zone.",
        "A session that is made at noon in Zurich says `12:00:00Z`.",
        CREATE,
        TALK,
    ),
    promise(
        "read.fresh",
        "What was written is read at once, in every view and every time.",
        "The list comes from a cache and has the old title for a second.",
        CREATE,
        UPDATE,
        DELETE,
        TALK,
    ),
    promise(
        "etag.not_modified",
        "A read under a tag that still holds is a 304, and under an old one it is not.",
        "`If-None-Match` with the tag of yesterday is a 304 after a change.",
        GET,
    ),
    promise(
        "idempotency.key",
        "A request that is sent again under its key is done once.",
        "A create that is sent again with its `Idempotency-Key` makes a second session.",
        CREATE,
        TALK,
        severity=LOSS,
    ),
    promise(
        "response.time",
        "Reading takes no longer than stated, however many sessions there are.",
        "Reading one session takes ten times as long when there are a hundred.",
        GET,
        LIST,
        parameters={
            "median": "the most seconds that half of the reads may take",
            "growth": "how many times as long a read may take among many sessions as among few",
        },
        severity=SMALL,
        stated=True,
    ),
)
