"""Runs the suites against a target, and confirms what they find."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from urllib.parse import unquote

from sparring.fixtures.script import Script
from sparring.spec import pointers
from sparring.spec.binding import Role
from sparring.spec.document import Document, Operation
from sparring.spec.errors import Defect, SparringError, nearest
from sparring.spec.events import EventStream
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Blame, Finding, Severity
from sparring.spec.promises import REGISTRY
from sparring.spec.schemas import Path

from .answers import Deviation, deviations
from .bodies import Bodies
from .budget import Meter, Refused, Stopped
from .checks import Check, Context, Run, checks, position, promised_at
from .choice import Choice, Profile, choose
from .conformance import conform, tried
from .driver import User, id_in
from .journal import Journal, Made
from .learning import learn
from .redaction import redaction
from .replay import Replay
from .report import SUITES, Outcome, Report, State, merged, suite_of
from .target import NoAnswer, Target
from .target_file import Person
from .terms import Terms
from .world import Blocked, Entry, NotChecked, World, succeeded

DEFAULT_KEYS = ("alice-key", "bob-key")
RETRIES = 5
LONGEST_SHOWN = 1024 * 1024
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
        self.reported: set[tuple[str, str]] = set()
        self.sessions = Journal(terms.journal)
        self._streams: dict[Path, EventStream] = {}
        self._long = Lock()
        self._judged_long: Counter[tuple[str, int]] = Counter()
        self._silent = 0
        self.broken: set[tuple[str, str]] = set()
        """The promises found broken, by operation: what breaks them again is the same cause."""
        self._bodies = Bodies(document, seed, terms.given)

    def world(self) -> World:
        """What one check works in."""
        return World(
            self.document,
            self.target,
            self._bodies,
            given=self.terms.given,
            sessions=self.sessions,
            streams=self._streams,
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
        except SparringError as error:
            if error.defects[0].code != "C103":
                raise
            return []
        finally:
            self._clean(list(world.created))

    def check(self, check: Check) -> Outcome:
        """Runs one check; what it finds is run again until it shows again, or is dropped."""
        return self._shown(self._checked(check))

    def _shown(self, outcome: Outcome) -> Outcome:
        findings = (_shortened(f) for f in map(self.redaction.finding, outcome.findings))
        return replace(
            outcome, findings=tuple(findings), reason=self.redaction.text(outcome.reason)
        )

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
        found = conform(
            world,
            self.users(world)[0],
            operations=chosen,
            own=self.terms.profile is not Profile.FULL,
            seed=self.seed,
            max_examples=max_examples,
            retries=min(self.retries, 2),
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
            outcomes.append(
                Outcome(
                    "conformance",
                    operation.label,
                    State.FAILED if mine else state,
                    reason,
                    mine,
                    seconds,
                )
            )
        return list(map(self._shown, outcomes)), found.notes

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
        world = self.world()
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
            extra = self._blocked(context, error)
        except NoAnswer as error:
            state, reason = State.BLOCKED, error.reason
            extra = [self._no_answer(context, error)]
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
        findings += self.deviations(world, failed=failed, taken=taken)
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

    def finding(
        self, promise: str, operation: Operation, expected: str, seen: str, shown: list[Exchange]
    ) -> Finding:
        """A broken promise, with the exchanges that show it."""
        return Finding(
            promise=promise,
            operation=operation.label,
            message=REGISTRY[promise].sentence,
            expected=expected,
            seen=seen,
            suite=suite_of(promise),
            exchanges=tuple(shown),
            severity=REGISTRY[promise].severity,
            position=position(self.document, operation, promise),
            seed=self.seed,
            pointer=pointers.join(promised_at(self.document, operation, promise)),
        )

    def _blocked(self, context: Context, error: Blocked) -> list[Finding]:
        answer = error.exchange.response
        if answer.status >= 500 and str(answer.status) not in error.operation.responses:
            return []  # response.status speaks of it
        if not error.operation.promises.holds("input.accepted"):
            return []
        if answer.status == 404 and context.alice.makes_up(error.operation):
            return []  # whether there is such an agent only the target knows
        seen = f"{answer.status}: {answer.body[:200].decode('utf-8', 'replace')}"
        expected = "a success for a request that fits its schema"
        if 200 <= answer.status < 300:
            expected = "what the annotations of the document say, in the answer"
        shown = context.world.exchanges()[-6:]
        return [self.finding("input.accepted", error.operation, expected, seen, shown)]

    def _no_answer(self, context: Context, error: NoAnswer) -> Finding:
        shown = context.world.exchanges()[-5:]
        seen = f"{error.reason} ({error.request.method} {error.request.url})"
        expected = "an answer, in time and whole"
        return self.finding("response.answered", context.operation, expected, seen, shown)

    def deviations(
        self, world: World, *, failed: bool = False, taken: bool = False
    ) -> list[Finding]:
        """What the answers of a world have that the document forbids, without what a finding tells
        of already: that the server `failed`, or has `taken` what is wrong and so shows it now."""
        found: dict[tuple[str, str, str], Finding] = {}
        for index, entry in enumerate(world.journal):
            if entry.exchange.request.method != entry.operation.method:
                continue
            for deviation in self._judged(entry):
                if not entry.operation.promises.holds(deviation.promise):
                    continue
                is_failure = entry.exchange.response.status >= 500
                says_so = entry.exchange.response.status in (501, 503)
                if failed and is_failure and deviation.promise == "response.status":
                    continue
                if taken and deviation.promise == "response.schema":
                    continue
                key = (deviation.promise, entry.operation.label, deviation.cause)
                if key in found:
                    continue
                shown = _before(world.journal, index)
                expected = deviation.expected
                if deviation.promise == "response.status":
                    expected += f", not {deviation.cause}"
                finding = self.finding(
                    deviation.promise, entry.operation, expected, deviation.seen, shown
                )
                finding = replace(finding, cause=deviation.cause)
                undeclared = deviation.promise == "response.status" and (says_so or not is_failure)
                if undeclared or deviation.promise == "response.media_type":
                    finding = replace(finding, severity=Severity.MINOR, blame=Blame.EITHER)
                found[key] = finding
        return list(found.values())

    def _judged(self, entry: Entry) -> list[Deviation]:
        """What is wrong with an answer; of long ones only the first of each kind are judged, one
        after the other, as all that is wrong with one holds a copy of it."""
        if len(entry.exchange.response.body) <= LONGEST_SHOWN:
            return list(deviations(self.document, entry.operation, entry.exchange))
        kind = (entry.operation.label, entry.exchange.response.status)
        with self._long:
            self._judged_long[kind] += 1
            if self._judged_long[kind] > 3:
                return []
            return list(deviations(self.document, entry.operation, entry.exchange))

    def _clean(self, made: Sequence[tuple[User, str]]) -> bool:
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


def _shortened(finding: Finding) -> Finding:
    """A finding whose answers are of a length that a report can hold."""
    if all(len(e.response.body) <= LONGEST_SHOWN for e in finding.exchanges):
        return finding
    shown = [
        replace(e, response=replace(e.response, body=e.response.body[:LONGEST_SHOWN]))
        for e in finding.exchanges
    ]
    return replace(finding, exchanges=shown)


def _before(journal: list[Entry], index: int) -> list[Exchange]:
    """The exchange that shows something, after the one that made its session."""
    wanted = journal[index].exchange
    said = unquote(wanted.request.url).encode() + wanted.request.body
    for entry in journal[:index]:
        role = entry.operation.binding.role if entry.operation.binding else None
        if role is Role.SESSION_CREATE and succeeded(entry.exchange):
            id = id_in(entry.operation, entry.exchange)
            if id and id.encode() in said:
                return [entry.exchange, wanted]
    return [wanted]


Watch = Callable[[Outcome], None]
ALONE = ("race.", "response.time", "stream.incremental", "stream.wait", "session.active")
POISON = ("input.malformed", "input.extremes")
"""What may leave behind a session that no list survives."""


def _in_turn(runner: Runner, wanted: list[Check], workers: int) -> Iterator[Outcome]:
    """The outcomes in order: `workers` checks at a time, then, alone, those that measure time."""
    alone = [check for check in wanted if check.promise.startswith(ALONE)]
    alone += [check for check in wanted if check.promise in POISON]
    pool = ThreadPoolExecutor(max(workers, 1))
    try:
        yield from pool.map(runner.check, [check for check in wanted if check not in alone])
    except KeyboardInterrupt:
        runner.meter.stop("interrupted")  # so that the checks that are under way end soon
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    yield from map(runner.check, alone)


def run(
    url: str,
    document: Document,
    *,
    keys: tuple[str, str] = DEFAULT_KEYS,
    headers: Mapping[str, str] | None = None,
    suites: Collection[str] = (),
    promises: Collection[str] = (),
    seed: int = 0,
    max_examples: int = 20,
    retries: int = RETRIES,
    timeout: float = 10.0,
    workers: int = 6,
    terms: Terms | None = None,
    scripts: Sequence[Script] = (),
    announce: Callable[[Choice, str], None] | None = None,
    watch: Watch | None = None,
    stop: Callable[[Outcome], bool] | None = None,
) -> Report:
    """Holds the implementation at `url` to a document.

    `suites` and `promises` narrow what is run, and `scripts` to what these expect unless a suite is
    named; `terms` say what it may do; `announce` sees which
    operations will be called before the first is; `watch` sees every outcome, `stop` may end the
    run. Raises SparringError: C101 for an unknown suite, C103 when nobody answers, C104 for a
    pattern that fits no operation.
    """
    suites = chosen_suites(suites, scripts)
    if not any(operation.binding for operation in document.operations):
        remedy = "Say them as x-session, in the document or in an overlay."
        defect = document.source.defect("C101", "no operation has a role", ("paths",), remedy)
        raise SparringError(defect)
    start = time.perf_counter()
    runner = Runner(
        url,
        document,
        keys=keys,
        headers=headers,
        seed=seed,
        retries=retries,
        timeout=timeout,
        terms=terms,
    )
    document = runner.document
    report = Report(document, runner.target.root, seed, suites=suites)
    wanted = [
        check
        for check in checks(document)
        if suite_of(check.promise) in report.suites and (not promises or check.promise in promises)
    ]
    replay = Replay(scripts) if scripts else None
    if replay is not None:
        wanted.append(replay.check(document))
    if announce:
        announce(runner.choice, runner.target.root)
    conformance = "conformance" in report.suites and not promises
    try:
        runner.target.probe()
        report.notes += runner.learn()
        for outcome in _in_turn(runner, wanted, workers):
            report.outcomes.append(outcome)
            report.findings += outcome.findings
            if watch:
                watch(outcome)
            if stop and stop(outcome):
                break
        else:
            if "lifecycle" in report.suites and not promises:
                for outcome in runner.lifecycle(max_examples):
                    report.outcomes.append(outcome)
                    report.findings += outcome.findings
                    if watch:
                        watch(outcome)
            if conformance:
                outcomes, notes = runner.conformance(max_examples=max_examples)
                report.notes += notes
                report.outcomes += outcomes
                report.findings += [f for o in outcomes for f in o.findings]
    except KeyboardInterrupt:
        runner.meter.stop("interrupted")
    except Stopped:
        pass
    finally:
        left = runner.clean()
        runner.sessions.close()
        runner.target.close()
    if (
        conformance
        and runner.meter.stopped
        and not any(o.promise == "conformance" for o in report.outcomes)
    ):
        report.outcomes += runner.conformance()[0]
    report.notes += replay.notes if replay is not None else []
    _conclude(report, runner, left, wanted)
    report.findings = merged(report.findings)
    report.seconds = time.perf_counter() - start
    return report


def chosen_suites(names: Collection[str], scripts: Sequence[Script]) -> tuple[str, ...]:
    """The suites of a run. Raises SparringError (C101)."""
    for name in names:
        if name not in SUITES:
            remedy = nearest(name, SUITES) or f"Known are {', '.join(SUITES)}."
            raise SparringError(Defect("C101", f"there is no suite {name}", None, remedy))
    if not scripts:
        if "script" in names:
            remedy = "Name one: --script FILE."
            raise SparringError(Defect("C101", "the suite script needs a script", None, remedy))
        return tuple(names or (suite for suite in SUITES if suite != "script"))
    return (*(name for name in names if name != "script"), "script")


def _conclude(
    report: Report, runner: Runner, left: Sequence[Made], wanted: Sequence[Check]
) -> None:
    """Says what was not checked and why, what was left behind, and who wanted to lead away."""
    report.requests = runner.meter.sent
    report.stopped = runner.meter.stopped
    report.notes += runner.target.strays
    if report.stopped:
        told = {o.id for o in report.outcomes}
        why = f"not checked: {report.stopped}"
        report.outcomes += [
            Outcome(check.promise, check.operation.label, State.SKIPPED, why)
            for check in wanted
            if check.id not in told
        ]
        over = [o.id for o in report.outcomes if o.reason.startswith("not checked: ")]
        report.notes.append(
            f"{report.stopped}: the run ended early, {len(over)} checks were not made"
            + (f": {', '.join(over[:20])}" if over else "")
            + (f" and {len(over) - 20} more" if len(over) > 20 else "")
        )
    report.notes = list(map(runner.redaction.text, report.notes))
    if left:
        ids = ", ".join(made.id for made in left[:20])
        more = f" and {len(left) - 20} more" if len(left) > 20 else ""
        report.notes.append(f"{len(left)} sessions could not be deleted: {ids}{more}")
