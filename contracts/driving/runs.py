"""Runs: turns of the agent with an id of their own, which are asked for how far they are."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from posixpath import commonpath
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation
from sparring.spec.openapi.drafts import Draft, put, scalar

from ..world import World
from .driver import User

MOVING = frozenset({"queued", "running"})
PATIENCE = 10.0


@dataclass
class Run:
    """One run as its caller saw it: its id, and every state that it was seen in, in our words."""

    id: str
    shown: Any = None
    states: list[str | None] = field(default_factory=list)

    @property
    def state(self) -> str | None:
        """How far it was when it was seen last; None where the document has no word for that."""
        return self.states[-1] if self.states else None

    @property
    def is_over(self) -> bool:
        """Whether nothing moves in it any more, unless somebody answers it."""
        return self.state is not None and self.state not in MOVING


def nearest(world: World, role: Role, to: Operation) -> Operation | None:
    """The operation with a role whose path has most in common with that of another."""
    found = world.document.with_role(role)

    def common(other: Operation) -> tuple[int, int]:
        return len(commonpath([other.template, to.template])), -len(other.template)

    return max(found, key=common, default=None)


def run_draft(user: User, operation: Operation, session: str, run: str) -> Draft:
    """A request that speaks of one run, with what its body must have."""
    draft = user.draft(operation, session)
    if operation.body:
        draft.body = user.world.bodies.least(operation)
        user.aim(draft, session)
    binding = operation.binding
    if binding is not None and binding.target is not None:
        put(user.world.document, draft, (binding.target.part, binding.target.name), run)
    return draft


def id_of(operation: Operation, exchange: Exchange) -> str | None:
    """The id of the run in an answer."""
    binding = operation.binding
    found = pointers.first(exchange.response.json(), binding.id) if binding else None
    return scalar(found) if isinstance(found, (str, int)) else None


def state_of(operation: Operation, shown: Any) -> str | None:
    """How far a run is, in our words; None where the document has no word for that."""
    binding = operation.binding
    if binding is None or binding.run.status is None:
        return None
    theirs = pointers.first(shown, binding.run.status)
    return next((ours for ours, word in binding.run.states.items() if word == theirs), None)


def tells_states(operation: Operation | None) -> bool:
    """Whether reading a run tells whether it is done."""
    binding = operation.binding if operation else None
    return binding is not None and binding.run.status is not None and "done" in binding.run.states


def look(user: User, operation: Operation, session: str, run: Run) -> Run:
    """Reads a run once more. Raises Blocked."""
    exchange = user.expect(run_draft(user, operation, session, run.id))
    run.shown = exchange.response.json()
    state = state_of(operation, run.shown)
    if not run.states or run.states[-1] != state:
        run.states.append(state)
    return run


def follow(user: User, operation: Operation, session: str, id: str) -> Run:
    """Reads a run until it is over, or for as long as one may wait for a reply. Raises Blocked."""
    run, pause = Run(id), 0.005
    until = time.monotonic() + (user.world.given.wait or PATIENCE)
    while not look(user, operation, session, run).is_over and time.monotonic() < until:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    return run


def latest(user: User, session: str, to: Operation) -> str | None:
    """The id of a run that a session lists: of the unfinished one, else of the first; None where
    runs are not listed. Raises Blocked."""
    operation = nearest(user.world, Role.RUN_LIST, to)
    if operation is None or operation.binding is None:
        return None
    items = user.page(operation, session).items
    moving = [item for item in items if state_of(operation, item) in {*MOVING, "waiting"}]
    id = pointers.first((moving or items)[0], operation.binding.id) if items else None
    return scalar(id) if isinstance(id, (str, int)) else None
