"""Runs the chosen suites against a target, one check after the other, and reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from sparring.fixtures.script import Script
from sparring.spec.errors import Defect, SparringError, nearest
from sparring.spec.openapi.document import Document

from .checks import Check, checks
from .choice import Choice
from .driving.turns import streams
from .findings.report import SUITES, Outcome, Report, State, merged, suite_of
from .replaying.replay import Replay
from .runner import DEFAULT_KEYS, RETRIES, Runner
from .target.budget import Stopped
from .target.journal import Made
from .terms import Terms

Watch = Callable[[Outcome], None]
ALONE = ("race.", "response.time", "session.active")
QUIET = ("stream.incremental", "stream.wait")
"""What measures time and is mostly waiting: beside each other, and nothing else."""
POISON = ("input.malformed", "input.extremes")
"""What may leave behind a session that no list survives."""


def _in_turn(runner: Runner, wanted: list[Check], workers: int) -> Iterator[Outcome]:
    """The outcomes in order: `workers` checks at a time, then, alone, those that measure time."""
    alone = [check for check in wanted if check.promise.startswith(ALONE)]
    alone += [check for check in wanted if check.promise in POISON]
    quiet = [check for check in wanted if check.promise in QUIET]
    busy = [check for check in wanted if check not in alone and check not in quiet]
    pool = ThreadPoolExecutor(max(workers, 1))
    try:
        slow = sorted(busy, key=lambda check: not streams(check.operation))  # these first
        begun = {check.id: pool.submit(runner.check, check) for check in slow}
        yield from (begun[check.id].result() for check in busy)
        yield from pool.map(runner.check, quiet)
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
    workers: int = 10,
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
        if set(report.suites) - {"script"}:
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
