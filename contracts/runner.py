"""Runs single checks against a target, and confirms what they find."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock

from sparring.spec.errors import SparringError
from sparring.spec.finding import Finding
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import Path
from sparring.spec.streams.events import EventStream

from .checks import Check, Context, Run
from .choice import Profile, choose
from .conformance.conformance import conform, tried
from .conformance.storage import kept_apart
from .driving.bodies import Bodies
from .driving.caller import Caller
from .driving.driver import User
from .driving.learning import learn
from .findings.judge import Judge
from .findings.report import Outcome, State, merged
from .target.budget import Budget, Meter, Refused, Stopped
from .target.file import Person
from .target.journal import Journal, Made
from .target.redaction import redaction
from .target.target import NoAnswer, Target
from .terms import Terms
from .turnstile import Turnstile
from .world import Blocked, NotChecked, Prompts, World

DEFAULT_KEYS = ("alice-key", "bob-key")
RETRIES = 5
SHARE = 45.0  # seconds for conformance with so many examples
EXAMPLES = 20
CROWDED = 3  # times that a check is run where the target is asked too much at once
PATIENCE = 5  # unanswered requests before the target is asked whether it is still there


class Runner:
    """Runs the checks of one document against one target, each on its own."""

    def __init__(
        self,
        url: str,
        document: Document,
        *,
        keys: tuple[str, str] = DEFAULT_KEYS,
        headers: Mapping[str, str] | None = None,
        seed: int = 0,
        retries: int = RETRIES,
        timeout: float = 10.0,
        terms: Terms | None = None,
    ) -> None:
        self.terms = terms = terms or Terms()
        self.choice = choose(document, terms.operations, terms.profile)
        self.document = document = self.choice.document
        self.people = terms.given.users
        self.keys = tuple(map(_key, self.people, keys))
        self.redaction = redaction(self.keys, headers or {}, self.people)
        self.seed = seed
        self.retries = retries
        self.meter = Meter(terms.budget, read_only=terms.profile is Profile.READ_ONLY)
        self.target = Target(
            url,
            base_path=document.base_path,
            headers=headers,
            timeout=timeout,
            meter=self.meter,
        )
        self._turnstile = Turnstile(self.meter)
        self.reported: set[tuple[str, str]] = set()
        self.sessions = Journal(terms.journal)
        self._streams: dict[Path, EventStream] = {}
        self._prompts: dict[str, Prompts] = {}
        self._learning = Lock()
        self._silent = 0
        self.broken: set[tuple[str, str]] = set()
        """The promises found broken, by operation: what breaks them again is the same cause."""
        self._bodies = Bodies(document, seed, terms.given)
        self.judge = Judge(document, seed)

    def world(self) -> World:
        """What one check works in."""
        return World(
            self.document,
            self.target,
            self._bodies,
            given=self.terms.given,
            sessions=self.sessions,
            streams=self._streams,
            prompts=self._prompts,
            learning=self._learning,
        )

    def users(self, world: World) -> list[User]:
        """The two users."""
        pairs = zip(self.keys, self.people, strict=True)
        return [User(world, key, person, n) for n, (key, person) in enumerate(pairs)]

    def learn(self) -> list[str]:
        """Learns what the target does not take; nothing where it may only be read."""
        world = self.world()
        user = self.users(world)[0]
        if self.terms.profile is Profile.READ_ONLY:
            return []
        try:
            return learn(user)
        except Stopped:
            return []
        except SparringError as error:
            if error.defects[0].code != "C103":
                raise
            return []
        finally:
            self._clean(list(world.created))

    def check(self, check: Check) -> Outcome:
        """Runs one check; what it finds is run again until it shows again, or is dropped."""
        with self._turnstile:
            return self._shown(self._checked(check))

    def _shown(self, outcome: Outcome) -> Outcome:
        findings = tuple(map(self.redaction.finding, outcome.findings))
        return replace(outcome, findings=findings, reason=self.redaction.text(outcome.reason))

    def _checked(self, check: Check) -> Outcome:
        start = time.perf_counter()
        if self.meter.stopped and check.runs:
            return Outcome(check.promise, check.operation.label, State.SKIPPED, self._over())
        if not check.runs:
            return Outcome(check.promise, check.operation.label, State.SKIPPED, check.reason)
        findings: list[Finding] = []
        reasons: list[tuple[State, str]] = []
        for run in check.runs:
            found, state, reason = self._confirmed(check, run)
            findings += found
            reasons.append((state, reason))
        findings = merged(findings)
        state, reason = self._verdict(check, findings, reasons)
        return Outcome(
            check.promise,
            check.operation.label,
            state,
            reason,
            tuple(findings),
            time.perf_counter() - start,
        )

    def conformance(
        self, operations: Sequence[Operation] | None = None, max_examples: int = 20
    ) -> tuple[list[Outcome], list[str]]:
        """Lets Schemathesis at some operations: an outcome for each, and notes.

        What breaks a promise that the scenarios have found broken there is the same cause.
        """
        start = time.perf_counter()
        chosen = [*tried(self.document), *self.choice.named] if operations is None else operations
        if self.meter.over():
            why = self._over()
            return [Outcome("conformance", o.label, State.SKIPPED, why) for o in chosen], []
        world = self.world()
        with kept_apart():
            found = conform(
                world,
                self.users(world)[0],
                operations=chosen,
                own=self.terms.profile is not Profile.FULL,
                seed=self.seed,
                max_examples=max_examples,
                retries=min(self.retries, 2),
                seconds=self._share(max_examples),
            )
        new = [f for f in found.findings if (f.promise, f.operation) not in self.broken]
        self.broken |= {(f.promise, f.operation) for f in new}
        seconds = (time.perf_counter() - start) / max(len(chosen), 1)
        state = State.PASSED if found.requests else State.BLOCKED
        reason = "" if found.requests else "; ".join(found.notes) or "nothing was sent"
        if self.meter.over():
            state, reason = State.SKIPPED, self._over()
        outcomes = []
        for operation in chosen:
            mine = tuple(f for f in new if f.operation == operation.label)
            result, why = State.FAILED if mine else state, reason
            if not mine and operation.label in found.unfinished:
                result, why = State.SKIPPED, "there was no time left for all of its requests"
            outcomes.append(Outcome("conformance", operation.label, result, why, mine, seconds))
        return list(map(self._shown, outcomes)), found.notes

    def _share(self, max_examples: int) -> float:
        """The seconds for conformance, which else takes most of a run; all there are where a user
        has said how long a run may take."""
        if self.terms.budget.seconds != Budget().seconds:
            return math.inf
        return SHARE * max(max_examples / EXAMPLES, 1)

    def lifecycle(self, max_examples: int = 20) -> list[Outcome]:
        """Walks through the sessions API beside a model: an outcome for each operation.

        What breaks a promise that the scenarios have found broken there is the same cause.
        """
        from .lifecycle.machine import walk, walked  # brings Hypothesis in

        start = time.perf_counter()
        if self.meter.over():
            why = self._over()
            operations = walked(self.document)
            return [Outcome("lifecycle", o.label, State.SKIPPED, why) for o in operations]
        with kept_apart():
            found = walk(self, max_examples)
        self.broken |= {(f.promise, f.operation) for f in found.findings}
        state, reason = (State.PASSED, found.note) if found.steps else (State.SKIPPED, found.note)
        if self.meter.over():
            state, reason = State.SKIPPED, self._over()
        elif found.error:
            state, reason = State.ERROR, found.error
        outcomes = []
        for operation in found.operations:
            mine = tuple(f for f in found.findings if f.operation == operation.label)
            seconds = (time.perf_counter() - start) / len(found.operations)
            result = State.FAILED if mine else state
            outcomes.append(Outcome("lifecycle", operation.label, result, reason, mine, seconds))
        return list(map(self._shown, outcomes))

    def clear(self, world: World) -> None:
        """Deletes all that was made in a world."""
        self._clean(list(world.created))

    def _over(self) -> str:
        return f"not checked: {self.meter.stopped}"

    def _verdict(
        self, check: Check, findings: list[Finding], reasons: list[tuple[State, str]]
    ) -> tuple[State, str]:
        if any(f.promise == check.promise for f in findings):
            return State.FAILED, ""
        for state in (State.ERROR, State.BLOCKED):
            for found, reason in reasons:
                if found is state:
                    return state, reason
        if all(found is State.SKIPPED for found, _ in reasons):
            return State.SKIPPED, reasons[0][1]
        return State.PASSED, "; ".join(reason for _, reason in reasons if reason)

    def _confirmed(self, check: Check, run: Run) -> tuple[list[Finding], State, str]:
        findings, state, reason = self._attempt(check, run)
        new = [f for f in findings if f.key not in self.reported]
        open_ = {f.key: f for f in new}
        confirmed: list[Finding] = []
        tried = 1
        while open_ and tried <= self.retries:
            tried += 1
            again = {f.key for f in self._attempt(check, run)[0]}
            for key in [key for key in open_ if key in again]:
                confirmed.append(replace(open_.pop(key), reproduced=2, tried=tried))
        if self.retries == 0:
            confirmed = list(open_.values())
        elif open_:
            dropped = "; ".join(f"{f.promise}: {f.seen}"[:200] for f in open_.values())
            reason = f"seen once and not again in {self.retries} runs: {dropped}"
            if self.meter.stopped:
                state, reason = State.SKIPPED, f"{self._over()}; seen once: {dropped}"
        self.reported |= {f.key for f in confirmed}
        self.broken |= {(f.promise, f.operation) for f in confirmed}
        return confirmed, state, reason

    def _attempt(self, check: Check, run: Run) -> tuple[list[Finding], State, str]:
        """Runs a check once; again where the target was asked too much at once."""
        for _ in range(CROWDED):
            world = self.world()
            result = self._run(world, check, run)
            if not any(entry.exchange.response.status == 429 for entry in world.journal):
                break
            self._turnstile.step_aside()
        return result

    def _run(self, world: World, check: Check, run: Run) -> tuple[list[Finding], State, str]:
        alice, bob = self.users(world)
        context = Context(world, check.operation, check.promise, alice, bob, self.seed)
        state, reason = State.PASSED, ""
        extra: list[Finding] = []
        try:
            run(context)
        except (NotChecked, Refused) as error:
            state, reason = State.SKIPPED, str(error)
        except Stopped:
            pass
        except Blocked as error:
            state, reason = State.BLOCKED, str(error)
            extra = self.judge.blocked(context, error)
        except NoAnswer as error:
            state, reason = State.BLOCKED, error.reason
            extra = [self.judge.no_answer(context, error)]
            self._silent += 1
            if self._silent >= PATIENCE:
                self._probe()
        except SparringError as error:
            if error.defects[0].code != "C103":
                raise
            self.meter.stop(error.defects[0].message)
        except Exception as error:  # the target's answers are of any shape
            state, reason = State.ERROR, f"{type(error).__name__}: {error}"
        findings = context.findings + extra
        shown = (e.response.status for f in findings for e in f.exchanges)
        failed = any(status >= 500 for status in shown)
        taken = any(f.promise.startswith("input.") for f in context.findings)
        findings += self.judge.deviations(world, failed=failed, taken=taken)
        if self.meter.over():  # what was cut short is no evidence
            findings, state, reason = [], State.SKIPPED, self._over()
        self.clear(world)
        return findings, state, reason

    def _probe(self) -> None:
        """Ends the run when the target does not answer at all any more."""
        try:
            self.target.probe()
        except SparringError as error:
            self.meter.stop(error.defects[0].message)
        except Stopped:
            pass

    def _clean(self, made: Sequence[tuple[Caller, str]]) -> bool:
        """Deletes sessions, whatever the budget says; a run that may only read has made none.

        Whether there is a way to delete them, and the target answers.
        """
        if not made:
            return True
        operation = made[0][0].world.one(Role.SESSION_DELETE)
        if operation is None:
            return False
        with self.meter.cleaning():
            for user, session in made:
                try:
                    draft = user.draft(operation, session)
                    answer = self.target.send(user.request(draft)).response
                except (NoAnswer, Refused, SparringError):
                    return False
                if answer.status < 300 or answer.status in (404, 410):
                    self.sessions.gone(Made(user.number, session, {}))
        return True

    def clean(self, journal: Journal | None = None) -> list[Made]:
        """Deletes what is left of a journal, by default of this run, and returns what remains."""
        if journal is not None:
            self.sessions = journal
        with self.meter.cleaning():
            for made in self.sessions.left:
                world = self.world()
                world.above.update(made.above)
                if not self._clean([(self.users(world)[made.user % 2], made.id)]):
                    break
        return self.sessions.left


def _key(person: Person, key: str) -> str:
    """The key of a user: their own, else the usual one; none beside headers that serve as one."""
    return person.key or ("" if person.headers else key)
