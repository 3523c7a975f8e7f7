"""Runs the suites against a target, and confirms what they find."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sparring.spec import pointers
from sparring.spec.document import Document, Operation
from sparring.spec.errors import Defect, SparringError
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Blame, Finding, Severity
from sparring.spec.promises import REGISTRY

from .answers import deviations
from .bodies import Bodies
from .checks import Check, Context, Run, checks, position, promised_at
from .conformance import conform, tried
from .driver import User
from .report import SUITES, Outcome, Report, State, merged, suite_of
from .target import NoAnswer, Target
from .world import Blocked, Entry, NotChecked, World

DEFAULT_KEYS = ("alice-key", "bob-key")
RETRIES = 5
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
    ) -> None:
        self.document = document
        self.keys = keys
        self.seed = seed
        self.retries = retries
        self.target = Target(url, base_path=document.base_path, headers=headers, timeout=timeout)
        self.reported: set[tuple[str, str]] = set()
        self._silent = 0
        self._broken: set[tuple[str, str]] = set()
        self._bodies = Bodies(document, seed)

    def check(self, check: Check) -> Outcome:
        """Runs one check; what it finds is run again until it shows again, or is dropped."""
        start = time.perf_counter()
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
        chosen = tried(self.document) if operations is None else operations
        found = conform(
            self.document,
            self.target,
            self.keys[0],
            operations=chosen,
            seed=self.seed,
            max_examples=max_examples,
            retries=min(self.retries, 2),
        )
        self.target.sent += found.requests
        new = [f for f in found.findings if (f.promise, f.operation) not in self._broken]
        self._broken |= {(f.promise, f.operation) for f in new}
        seconds = (time.perf_counter() - start) / max(len(chosen), 1)
        state = State.PASSED if found.requests else State.BLOCKED
        reason = "" if found.requests else "; ".join(found.notes) or "nothing was sent"
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
        return outcomes, found.notes

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
        self.reported |= {f.key for f in confirmed}
        self._broken |= {(f.promise, f.operation) for f in confirmed}
        return confirmed, state, reason

    def _attempt(self, check: Check, run: Run) -> tuple[list[Finding], State, str]:
        world = World(self.document, self.target, self._bodies)
        alice, bob = (User(world, key) for key in self.keys)
        context = Context(world, check.operation, check.promise, alice, bob, self.seed)
        state, reason = State.PASSED, ""
        extra: list[Finding] = []
        try:
            run(context)
        except NotChecked as error:
            state, reason = State.SKIPPED, str(error)
        except Blocked as error:
            state, reason = State.BLOCKED, str(error)
            extra = self._blocked(context, error)
        except NoAnswer as error:
            state, reason = State.BLOCKED, error.reason
            extra = [self._no_answer(context, error)]
            self._silent += 1
            if self._silent >= PATIENCE:
                self.target.probe()
        except SparringError:
            raise
        except Exception as error:  # the target's answers are of any shape
            state, reason = State.ERROR, f"{type(error).__name__}: {error}"
        findings = context.findings + extra + self._deviations(world)
        self._clean(world)
        return findings, state, reason

    def _finding(
        self, promise: str, operation: Operation, expected: str, seen: str, shown: list[Exchange]
    ) -> Finding:
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
        seen = f"{answer.status}: {answer.body[:200].decode('utf-8', 'replace')}"
        expected = "a success for a request that fits its schema"
        if 200 <= answer.status < 300:
            expected = "what the annotations of the document say, in the answer"
        shown = context.world.exchanges()[-6:]
        return [self._finding("input.accepted", error.operation, expected, seen, shown)]

    def _no_answer(self, context: Context, error: NoAnswer) -> Finding:
        shown = context.world.exchanges()[-5:]
        seen = f"{error.reason} ({error.request.method} {error.request.url})"
        expected = "an answer, in time and whole"
        return self._finding("response.answered", context.operation, expected, seen, shown)

    def _deviations(self, world: World) -> list[Finding]:
        found: dict[tuple[str, str, str], Finding] = {}
        for index, entry in enumerate(world.journal):
            if entry.exchange.request.method != entry.operation.method:
                continue
            for deviation in deviations(self.document, entry.operation, entry.exchange):
                if not entry.operation.promises.holds(deviation.promise):
                    continue
                key = (deviation.promise, entry.operation.label, deviation.cause)
                if key in found:
                    continue
                shown = _before(world.journal, index)
                expected = deviation.expected
                if deviation.promise == "response.status":
                    expected += f", not {deviation.cause}"
                finding = self._finding(
                    deviation.promise, entry.operation, expected, deviation.seen, shown
                )
                finding = replace(finding, cause=deviation.cause)
                if deviation.promise == "response.status" and entry.exchange.response.status < 500:
                    finding = replace(finding, severity=Severity.MINOR, blame=Blame.EITHER)
                found[key] = finding
        return list(found.values())

    def _clean(self, world: World) -> None:
        from sparring.spec.binding import Role

        operation = world.one(Role.SESSION_DELETE)
        for user, session in dict.fromkeys(world.made) if operation else ():
            try:
                assert operation is not None
                self.target.send(user.request(user.draft(operation, session)))
            except NoAnswer:
                return


def _before(journal: list[Entry], index: int) -> list[Exchange]:
    """The exchange that shows something, after those that its session needs."""
    wanted = journal[index].exchange
    path = wanted.request.url
    made = [
        entry.exchange
        for entry in journal[:index]
        if 200 <= entry.exchange.response.status < 300
        and entry.exchange.request.method == "POST"
        and any(
            part in entry.exchange.response.body.decode("utf-8", "replace")
            for part in path.split("?")[0].split("/")[3:]
            if len(part) > 7
        )
    ]
    return [*made[:1], wanted]


Watch = Callable[[Outcome], None]
ALONE = ("race.", "stream.incremental", "stream.wait", "session.active")


def _in_turn(runner: Runner, wanted: list[Check], workers: int) -> Iterator[Outcome]:
    """The outcomes in order: `workers` checks at a time, then, alone, those that measure time."""
    alone = [check for check in wanted if check.promise.startswith(ALONE)]
    pool = ThreadPoolExecutor(max(workers, 1))
    try:
        yield from pool.map(runner.check, [check for check in wanted if check not in alone])
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
    watch: Watch | None = None,
    stop: Callable[[Outcome], bool] | None = None,
) -> Report:
    """Holds the implementation at `url` to a document.

    `suites` and `promises` narrow what is run; `watch` sees every outcome, `stop` may end the run.
    Raises SparringError: C101 for an unknown suite, C103 when nobody answers.
    """
    for name in suites:
        if name not in SUITES:
            raise SparringError(
                Defect("C101", f"there is no suite {name}", None, f"Known are {', '.join(SUITES)}.")
            )
    if not any(operation.binding for operation in document.operations):
        remedy = "Say them as x-session, in the document or in an overlay."
        defect = document.source.defect("C101", "no operation has a role", ("paths",), remedy)
        raise SparringError(defect)
    start = time.perf_counter()
    runner = Runner(
        url, document, keys=keys, headers=headers, seed=seed, retries=retries, timeout=timeout
    )
    report = Report(document, runner.target.root, seed, suites=tuple(suites or SUITES))
    try:
        runner.target.probe()
        wanted = [
            check
            for check in checks(document)
            if suite_of(check.promise) in report.suites
            and (not promises or check.promise in promises)
        ]
        for outcome in _in_turn(runner, wanted, workers):
            report.outcomes.append(outcome)
            report.findings += outcome.findings
            if watch:
                watch(outcome)
            if stop and stop(outcome):
                break
        else:
            if "conformance" in report.suites and not promises:
                outcomes, report.notes = runner.conformance(max_examples=max_examples)
                report.outcomes += outcomes
                report.findings += [f for o in outcomes for f in o.findings]
        report.requests = runner.target.sent
    finally:
        runner.target.close()
    report.findings = merged(report.findings)
    report.seconds = time.perf_counter() - start
    return report
