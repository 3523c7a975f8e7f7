"""Lets Hypothesis choose the steps of walks, until nothing new is found."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from sparring.spec.errors import SparringError
from sparring.spec.finding import Finding
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation

from ..checks import NotChecked
from ..target.budget import Refused, Stopped
from ..target.target import NoAnswer
from ..world import Blocked, succeeded
from .hunt import SECONDS, Hunt, Over
from .walk import Broken, Facts

if TYPE_CHECKING:
    from ..runner import Runner

STEPS = 20
ROUNDS = 10
WALKS = 3  # for each of the examples that are asked for
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
OFTEN = {
    "rest": 1,
    "create": 3,
    "look": 3,
    "update": 4,
    "delete": 2,
    "list": 4,
    "speak": 4,
    "recall": 2,
    "clear": 1,
    "suggest": 1,
    "stop": 1,
}
"""How often the kinds of steps are taken; of the first is the simplest walk, with which Hypothesis
begins."""
NAMES = st.sampled_from([name for name, times in OFTEN.items() for _ in range(times)])
OWNER = st.integers(0, 1)
FEW = st.integers(0, 7)
MANY = st.integers(0, 255)
GUARD = st.integers(0, 3)


class Machine(RuleBasedStateMachine):
    """One walk: Hypothesis chooses the steps, and the numbers that pick from the model."""

    hunt: ClassVar[Hunt]

    def __init__(self) -> None:
        super().__init__()
        self.attempt = self.hunt.begin()

    @initialize(made=st.lists(st.tuples(OWNER, FEW, MANY), min_size=2, max_size=4))
    def begin(self, made: list[tuple[int, int, int]]) -> None:
        """Makes some sessions: most of what can go wrong needs two."""
        for owner, kind, n in made:
            self.attempt.take("create", owner, 0, kind, n, 0)

    @rule(name=NAMES, owner=OWNER, which=FEW, how=FEW, n=MANY, guard=GUARD)
    def step(self, name: str, owner: int, which: int, how: int, n: int, guard: int) -> None:
        """Takes one step. All are one rule, so that no kind of step is left out of a walk."""
        self.attempt.take(name, owner, which, how, n, guard)

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
    return [o for o in document.operations if o.binding and o.binding.role in CALLED]


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
    taken = 0
    for _ in range(ROUNDS):
        hunt.found, hunt.end = None, end
        taken += _round(hunt, runner.seed * 1000 + taken, walks - taken)
        if hunt.found is None:
            break
        failure, seen, tried = hunt.shrink(hunt.found)
        facts.known.add(failure.key)
        error = failure.error
        if seen > 1 or not runner.retries:
            shown = list(failure.exchanges)
            found = runner.judge.finding(
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


def _round(hunt: Hunt, first: int, walks: int) -> int:
    """Takes walks until one fails, and tells how many; each hangs on a seed of its own.

    Within one seed Hypothesis varies what it has tried, which costs many walks that are alike. To
    cut down a failure is ours too: Hypothesis would take hundreds of walks.
    """
    chosen = settings(
        max_examples=2,  # the simplest, and one by the seed
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
    )
    for number in range(first, first + walks):
        machine = seed(number)(type("Machine", (Machine,), {"hunt": hunt}))
        try:
            run_state_machine_as_test(machine, settings=chosen)
        except Over:
            break
        except (Broken, HypothesisException):
            pass  # the first failure is kept
        if hunt.found is not None:
            break
    return number - first + 1
