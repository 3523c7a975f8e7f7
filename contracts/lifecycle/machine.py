"""Lets Hypothesis choose the steps of walks, until nothing new is found."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from sparring.spec.binding import Role
from sparring.spec.document import Document, Operation
from sparring.spec.errors import SparringError
from sparring.spec.finding import Finding

from ..budget import Refused, Stopped
from ..checks import NotChecked
from ..target import NoAnswer
from ..world import Blocked, succeeded
from .hunt import SECONDS, Hunt, Over
from .walk import Broken, Facts

if TYPE_CHECKING:
    from ..runner import Runner

STEPS = 20
ROUNDS = 10
WALKS = 4  # for each of the examples that are asked for
CALLED = frozenset(
    {
        Role.SESSION_CREATE,
        Role.SESSION_GET,
        Role.SESSION_LIST,
        Role.SESSION_UPDATE,
        Role.SESSION_DELETE,
        Role.SESSION_ACT,
        Role.MESSAGE_CREATE,
        Role.MESSAGE_LIST,
        Role.MESSAGE_CLEAR,
        Role.SUGGESTION_LIST,
    }
)
OWNER = st.integers(0, 1)
FEW = st.integers(0, 7)
MANY = st.integers(0, 255)


class Machine(RuleBasedStateMachine):
    """One walk: Hypothesis chooses the steps, and the numbers that pick from the model."""

    hunt: ClassVar[Hunt]

    def __init__(self) -> None:
        super().__init__()
        self.attempt = self.hunt.begin()

    def can(self, *roles: Role) -> bool:
        """Whether there is a session, and the document has these roles."""
        return bool(self.attempt.walk.model.kept) and all(map(self.hunt.facts.one, roles))

    @rule(owner=OWNER, kind=FEW, n=MANY)
    def create(self, owner: int, kind: int, n: int) -> None:
        """Makes a session."""
        self.attempt.take("create", owner, kind, n)

    @precondition(lambda self: self.can(Role.SESSION_GET))
    @rule(owner=OWNER, kind=st.integers(0, 3), n=MANY)
    def look(self, owner: int, kind: int, n: int) -> None:
        """Asks for a session that is there, was, never was, or is another's."""
        self.attempt.take("look", owner, kind, n)

    @precondition(lambda self: self.can(Role.SESSION_GET, Role.SESSION_UPDATE))
    @rule(owner=OWNER, which=FEW, how=FEW, n=MANY, guard=st.integers(0, 3))
    def update(self, owner: int, which: int, how: int, n: int, guard: int) -> None:
        """Changes a session."""
        self.attempt.take("update", owner, which, how, n, guard)

    @precondition(lambda self: self.can(Role.SESSION_DELETE))
    @rule(owner=OWNER, which=FEW, guard=st.integers(0, 3))
    def delete(self, owner: int, which: int, guard: int) -> None:
        """Deletes a session."""
        self.attempt.take("delete", owner, which, guard)

    @precondition(lambda self: self.can(Role.SESSION_LIST))
    @rule(owner=OWNER, how=FEW, n=MANY)
    def listed(self, owner: int, how: int, n: int) -> None:
        """Lists sessions."""
        self.attempt.take("list", owner, how, n)

    @precondition(lambda self: self.can(Role.MESSAGE_CREATE, Role.MESSAGE_LIST))
    @rule(owner=OWNER, which=FEW, way=FEW, n=MANY)
    def speak(self, owner: int, which: int, way: int, n: int) -> None:
        """Says something."""
        self.attempt.take("speak", owner, which, way, n)

    @precondition(lambda self: self.can(Role.MESSAGE_CREATE, Role.MESSAGE_LIST))
    @rule(owner=OWNER, which=FEW, n=MANY)
    def recall(self, owner: int, which: int, n: int) -> None:
        """Reads what was said."""
        self.attempt.take("recall", owner, which, n)

    @precondition(lambda self: self.can(Role.MESSAGE_CLEAR))
    @rule(owner=OWNER, which=FEW)
    def clear(self, owner: int, which: int) -> None:
        """Clears a history."""
        self.attempt.take("clear", owner, which)

    @precondition(lambda self: self.can(Role.SUGGESTION_LIST))
    @rule(owner=OWNER, which=FEW)
    def suggest(self, owner: int, which: int) -> None:
        """Lists suggestions."""
        self.attempt.take("suggest", owner, which)

    @precondition(lambda self: self.can(Role.SESSION_ACT))
    @rule(owner=OWNER, which=FEW)
    def stop(self, owner: int, which: int) -> None:
        """Stops where nothing runs."""
        self.attempt.take("stop", owner, which)

    def teardown(self) -> None:
        """Whatever the walk came to, it leaves nothing behind."""
        self.attempt.finish()


@dataclass(frozen=True)
class Walked:
    """What the walks of a run came to; `note` says what was not checked, `error` what we did."""

    findings: list[Finding]
    operations: list[Operation]
    steps: int = 0
    note: str = ""
    error: str = ""


def walked(document: Document) -> list[Operation]:
    """The operations that walks call."""
    found = (o for o in document.operations if o.binding and not o.binding.active)
    return [o for o in found if o.binding and o.binding.role in CALLED]


def walk(runner: Runner, max_examples: int) -> Walked:
    """Walks until nothing new is found; each finding has the shortest walk that shows it."""
    document = runner.document
    facts = Facts(document, set(runner.broken))
    create = facts.one(Role.SESSION_CREATE)
    if create is None:
        return Walked([], walked(document), note="the document has no session.create")
    end = time.monotonic() + SECONDS
    hunt = Hunt(runner, facts, end)
    try:
        _learn(hunt, create)
    except (Refused, Blocked, NotChecked, NoAnswer, Stopped, SparringError) as problem:
        return Walked([], walked(document), note=str(problem))
    # Where nothing can be deleted, each walk leaves its sessions behind.
    walks = max_examples * (WALKS if facts.one(Role.SESSION_DELETE) else 1)
    findings: list[Finding] = []
    note = ""
    for number in range(ROUNDS):
        hunt.found, hunt.end = None, end
        _round(hunt, runner.seed * ROUNDS + number, walks)
        if hunt.found is None:
            break
        failure, seen, tried = hunt.shrink(hunt.found)
        facts.known.add(failure.key)
        error = failure.error
        if seen > 1 or not runner.retries:
            shown = list(failure.exchanges)
            found = runner.finding(
                error.promise, error.operation, error.expected, error.seen, shown
            )
            findings.append(replace(found, suite="lifecycle", reproduced=seen, tried=tried))
        else:
            note = f"seen once and not again in {tried - 1} walks: {error}"[:300]
    findings += [
        finding
        for key, finding in hunt.deviations.items()
        if hunt.times[key] > 1 and (finding.promise, finding.operation) not in runner.broken
    ]
    return Walked(findings, walked(document), hunt.steps, note, hunt.error)


def _learn(hunt: Hunt, create: Operation) -> None:
    """Looks at a plain session, and whether the target knows a second user."""
    walk = hunt.begin().walk
    alice, bob = walk.users
    try:
        made = alice.create(operation=create)
        if hunt.facts.one(Role.SESSION_GET) is not None:
            hunt.facts.blank = alice.read(made.id)
        if (alice.key, alice.person) != (bob.key, bob.person):
            draft = bob.create_draft(operation=create)
            hunt.facts.two_users = succeeded(bob.send(draft))
    finally:
        hunt.runner.clear(walk.world)


def _round(hunt: Hunt, number: int, walks: int) -> None:
    """Walks until one fails. Cutting it down is ours: Hypothesis would take hundreds of walks."""
    chosen = settings(
        max_examples=walks,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
    )
    machine = seed(number)(type("Machine", (Machine,), {"hunt": hunt}))
    with suppress(Broken, Over, HypothesisException):  # the first failure is kept
        run_state_machine_as_test(machine, settings=chosen)
