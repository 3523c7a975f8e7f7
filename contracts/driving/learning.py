"""What a target refuses although its document allows it, learnt before anything is checked."""

from __future__ import annotations

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation

from ..scenarios.create import id_names
from ..target.target import NoAnswer
from ..world import Blocked, succeeded
from .driver import User

REFUSED = frozenset({400, 413, 415, 422, 500, 501, 503})


def learn(user: User) -> list[str]:
    """Finds the attributes without which full bodies are taken, and leaves these out from now on.

    A server may be set up without what its document speaks of: one check tells of that, and no
    other has to fail for it. Returns what a report should say.
    """
    document = user.world.document
    notes = [n for o in document.with_role(Role.SESSION_CREATE) for n in _learn(user, o)]
    if user.world.one(Role.SESSION_CREATE) is not None:
        notes += [n for o in document.with_role(Role.SESSION_UPDATE) for n in _learn(user, o)]
    return notes


def _learn(user: User, operation: Operation) -> list[str]:
    bodies = user.world.bodies
    full = bodies.rich(operation, without=id_names(user.world.document, operation))
    least = bodies.least(operation)
    if full.keys() <= least.keys() or _taken(user, operation, full):
        return []
    more = [name for name in full if name not in least]
    found = [name for name in more if not _taken(user, operation, least | {name: full[name]})]
    if len(found) == len(more):
        return []  # it is not one attribute that is refused
    bodies.leave_out(operation, found)
    return [f"{operation.label} refuses {name}: left out of other checks" for name in found]


def _taken(user: User, operation: Operation, body: dict[str, object]) -> bool:
    """Whether a session can be made with a body; what is no answer about it counts as that."""
    try:
        if operation.binding and operation.binding.role is Role.SESSION_UPDATE:
            exchange = user.update(operation, user.create().id, body)
        else:
            exchange = user.send(user.create_draft(body=body, operation=operation))
    except Blocked:
        return True
    except NoAnswer:
        return True
    return succeeded(exchange) or exchange.response.status not in REFUSED
