"""What requests and answers promise, whatever they are about; keys, owners, many at once."""

from __future__ import annotations

from sparring.spec.meaning.binding import Role

from .promise import LOSS, SMALL, promise

CREATE, UPDATE, DELETE = Role.SESSION_CREATE, Role.SESSION_UPDATE, Role.SESSION_DELETE
GET, TALK = Role.SESSION_GET, Role.MESSAGE_CREATE

PROMISES = (
    promise(
        "auth.required",
        "A request without a key, or with a wrong one, is refused.",
        "A key with one letter less than the right one is taken.",
        severity=LOSS,
    ),
    promise(
        "auth.schemes",
        "The key is taken in the declared ways, and in no other.",
        "The key in the declared header is refused.",
    ),
    promise(
        "auth.owner",
        "Nobody reads or changes another user's session.",
        "With Bob's key Alice's session can be read.",
        severity=LOSS,
    ),
    promise(
        "input.accepted",
        "A request that fits its schema is taken.",
        "A title of the declared greatest length is refused.",
    ),
    promise(
        "input.refused",
        "A body that breaks its schema is refused.",
        "A session is made without a field that is required.",
    ),
    promise(
        "input.parameters",
        "A parameter outside its bounds is refused.",
        "`limit=0` is taken though the least is 1.",
    ),
    promise(
        "input.spelling",
        "A number or a boolean in a parameter is taken in the spelling of JSON alone.",
        "`limit=1_0` is taken for 10, `allow_greeting=1` for true.",
        severity=SMALL,
        stated=True,
    ),
    promise(
        "path.spelling",
        "A path means the same when its letters are percent-encoded (RFC 3986, 6.2.2.2).",
        "`/sessions/%61bc` is a 404 where `/sessions/abc` is a session.",
        GET,
        severity=SMALL,
    ),
    promise(
        "input.media_type",
        "A media type that is not declared is refused.",
        "A form is taken where only JSON is declared.",
    ),
    promise(
        "input.malformed",
        "Text that is not JSON is refused with a 4xx.",
        'The body `{"a":` is a 500.',
    ),
    promise(
        "input.extremes",
        "Extreme but legal JSON never makes the server fail.",
        "An integer of 300 digits is a 500, or makes the list unreadable.",
    ),
    promise(
        "input.accept",
        "An `Accept` that nothing satisfies is refused.",
        "`Accept: image/png` is answered with JSON.",
        severity=SMALL,
    ),
    promise(
        "method.allow",
        "An undeclared method is a 405 with `Allow`.",
        "An undeclared method is a 405 without `Allow`.",
        severity=SMALL,
    ),
    promise(
        "error.status",
        "The status in an error body is that of the response.",
        'A 422 has the body {"status": 400}.',
    ),
    promise(
        "error.explained",
        "A body that breaks its schema is told where.",
        "A 422 does not say which member is wrong.",
        parameters={
            "status": "the status that such a refusal has",
            "at": "a JSON Pointer to what tells the places, in the body of the error",
            "part": "a JSON Pointer to what tells the part of the request: `body`, `query`, …",
        },
        severity=SMALL,
        stated=True,
    ),
    promise(
        "response.answered",
        "Every request is answered, in time and whole.",
        "The connection closes in the middle of the body.",
    ),
    promise(
        "response.status",
        "Every status is declared.",
        "A 500, or a 404 that the operation does not declare.",
    ),
    promise(
        "response.media_type",
        "Every media type is declared.",
        "A problem is sent as application/json where problem+json is declared.",
        severity=SMALL,
    ),
    promise(
        "response.schema",
        "Every response fits what the document declares for it.",
        "A required property is missing from the answer.",
    ),
    promise(
        "response.headers",
        "Required headers are there, and headers fit their schema.",
        "A 201 lacks the `Location` that is required.",
    ),
    promise(
        "race.create",
        "Of many creates with one id one succeeds.",
        "Of ten creates with one id two succeed.",
        CREATE,
        severity=LOSS,
    ),
    promise(
        "race.update",
        "Of many updates with one If-Match one succeeds, and none is lost.",
        "Of ten updates under one tag two succeed, and one is lost.",
        UPDATE,
        severity=LOSS,
    ),
    promise(
        "race.order",
        "What callers see at one instant fits one order of what they did.",
        "A read that begins after a change was answered shows what was there before.",
        UPDATE,
        severity=LOSS,
    ),
    promise(
        "race.delete",
        "Deletes at one instant do no harm.",
        "Of ten deletes at one instant one is a 500.",
        DELETE,
    ),
    promise(
        "race.talk",
        "Turns at one instant are all recorded.",
        "Of ten turns at one instant one is not in the history.",
        TALK,
        severity=LOSS,
    ),
    promise(
        "auth.alike",
        "A session of another user and one that does not exist are answered alike.",
        "A foreign id is a 404 that says `not yours`: ids can be tried out.",
    ),
    promise(
        "method.head",
        "HEAD answers as GET does, without a body.",
        "HEAD of a session that does not exist is a 200.",
        parameters={"answered": "`true` where HEAD is answered wherever GET is"},
        severity=SMALL,
    ),
    promise(
        "method.options",
        "What OPTIONS allow has the methods of the path.",
        "`Allow` on OPTIONS leaves out PATCH.",
        severity=SMALL,
    ),
)
