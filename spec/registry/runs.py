"""What runs promise: turns with an id of their own, which say how far they are."""

from __future__ import annotations

from sparring.spec.meaning.binding import Role

from .promise import LOSS, promise

CREATE, ACT, LIST = Role.RUN_CREATE, Role.RUN_ACT, Role.RUN_LIST

PROMISES = (
    promise(
        "run.states",
        "A run comes to an end, which stays, and is told alike wherever it is shown.",
        "A run that is done is listed as queued.",
        CREATE,
    ),
    promise(
        "run.single",
        "A session has one unfinished run at most.",
        "Two runs that are asked for at one instant both start.",
        CREATE,
        severity=LOSS,
        stated=True,
    ),
    promise(
        "run.answered",
        "A run that waits for a tool goes on with its result, once.",
        "The result of a tool is taken again when the run is over.",
        ACT,
    ),
)
