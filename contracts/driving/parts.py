"""Parts of a session: the messages and runs of which an operation may want one by its id."""

from __future__ import annotations

import re

from sparring.spec.openapi.document import Operation
from sparring.spec.openapi.drafts import Draft, put, scalar

from ..world import Blocked, NotChecked
from .driver import User
from .runs import latest

_RUN = re.compile(r"(?:^|[_-])run(?![a-z])|Run(?![a-z])")
_QUESTION = re.compile(r"(?i)parent|user|question|prompt|input")


def part_of(user: User, session: str, operation: Operation) -> str | None:
    """The id of a message or of a run of the session, whichever the operation wants; None where it
    wants none, or there is none."""
    binding = operation.binding
    if binding is None or binding.target is None:
        return None
    try:
        if wants_run(operation):
            return latest(user, session, operation)
        is_question = binding.effect == "edit" or _QUESTION.search(binding.target.name)
        return _message(user, session, "user" if is_question else "agent")
    except (Blocked, NotChecked):
        return None


def wants_run(operation: Operation) -> bool:
    """Whether the part that an operation is about is a run."""
    binding = operation.binding
    if binding is None or binding.target is None:
        return False
    return binding.role.value.startswith("run.") or _RUN.search(binding.target.name) is not None


def aim_at(draft: Draft, user: User, part: str | None) -> Draft:
    """Writes the id of a part where the operation wants it."""
    target = draft.operation.binding.target if draft.operation.binding else None
    if target is not None and part is not None:
        put(user.world.document, draft, (target.part, target.name), part)
    return draft


def _message(user: User, session: str, role: str) -> str | None:
    """The last message of a role, else of anyone."""
    said = [line for line in user.history(session) if line.id is not None]
    best = [line for line in said if line.role == role]
    return scalar((best or said)[-1].id) if said else None
