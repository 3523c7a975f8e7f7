"""What `sparring test` does: loads the document, runs the suites, prints, and says how it ended."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparring.fixtures.script import load_scripts
from sparring.spec.errors import Defect, SparringError
from sparring.spec.openapi.document import Document, load_document

if TYPE_CHECKING:
    from rich.console import Console

    from .findings.baseline import Baseline
    from .findings.report import Report
    from .terms import Terms

CLEAN, FINDINGS, USAGE, UNREACHABLE, INTERNAL = range(5)
INSTALL = "pip install 'sparring[test]'"
EXTRA = ("httpcore2", "hypothesis", "schemathesis")


def run_tests(
    url: str,
    *,
    spec: str = "sessions",
    overlays: Sequence[str] = (),
    key: str | None = None,
    other_key: str | None = None,
    headers: Sequence[str] = (),
    suites: Sequence[str] = (),
    reports: Sequence[str] = (),
    baseline: Path | None = None,
    written: Path | None = None,
    seed: int = 0,
    max_examples: int = 20,
    console: Console | None = None,
    target: Path | None = None,
    write_target: Path | None = None,
    write_arazzo: Path | None = None,
    include: Sequence[str] = (),
    profile: str = "own",
    max_requests: int | None = None,
    max_time: str = "30m",
    rate: str | None = None,
    max_messages: int | None = None,
    journal: Path | None = None,
    clean: Path | None = None,
    scripts: Sequence[Path] = (),
) -> int:
    """Holds the implementation at `url` to a document and returns the exit code.

    `headers` read `Name: value`, `reports` read `KIND=FILE`. `baseline` has the findings that are
    accepted; `written` gets them all. Errors are printed to the console.
    """
    from rich.console import Console

    from .findings.baseline import Baseline, read_baseline

    out = console or Console(stderr=any(text.endswith("=-") for text in reports))
    errors = console or Console(stderr=True)
    try:
        files = _report_files(reports)
        known = read_baseline(baseline) if baseline else Baseline()
        extra = dict(read_header(text) for text in headers)
        if write_target is not None:
            return _write_target(write_target, spec, overlays, out)
        document = load_document(spec, [Path(overlay) for overlay in overlays])
        keys = keys_of(key, other_key)
        played = load_scripts(scripts)
        try:
            from .terms import terms_of

            terms = terms_of(
                document,
                target=target,
                include=include,
                profile=profile,
                max_requests=max_requests,
                max_time=max_time,
                rate=rate,
                max_messages=max_messages,
                journal=journal,
            )
            if write_arazzo is not None:
                return _write_life(document, write_arazzo, terms, out)
            if clean is not None:
                return _clean(url, document, keys, extra, terms, clean, out)
            options = {"suites": suites, "seed": seed, "max_examples": max_examples}
            options |= {"terms": terms, "scripts": played}
            try:
                with _terminable():
                    report = _run(url, document, keys, extra, options, out)
            except SparringError as error:
                if error.defects[0].code == "C103":
                    _write_files(_nothing(document, url, seed, error), files)
                raise
        except ImportError as error:
            raise missing(error) from None
        _accept(report, known, written)
        _write(report, out, files)
    except KeyboardInterrupt:
        errors.print("interrupted", style="red")
        return UNREACHABLE
    except SparringError as error:
        errors.print(str(error), markup=False, highlight=False, soft_wrap=True, style="red")
        return UNREACHABLE if error.defects[0].code == "C103" else USAGE
    except Exception:
        errors.print(traceback.format_exc(), markup=False, highlight=False)
        errors.print(
            "sparring failed: this is a defect of sparring, please report it.", style="red"
        )
        return INTERNAL
    return report.exit_code


def explanation(id: str, spec: str, overlays: Sequence[str | Path]) -> str:
    """What a promise or a finding means. Raises SparringError (C101, C102, or the document's)."""
    from sparring.spec.openapi.document import load_document

    try:
        from .findings.explain import explain
    except ImportError as error:
        raise missing(error) from None
    return explain(id, load_document(spec, [Path(overlay) for overlay in overlays]))


def _nothing(document: Document, url: str, seed: int, error: SparringError) -> Report:
    """The report of a run that never began."""
    from .checks import checks
    from .findings.report import Outcome, Report, State

    why = error.defects[0].message
    outcomes = [
        Outcome(check.promise, check.operation.label, State.SKIPPED, f"not checked: {why}")
        for check in checks(document)
    ]
    notes = [f"{why}: nothing was checked"]
    return Report(document, url, seed, outcomes, notes=notes, stopped=why)


@contextmanager
def _terminable() -> Iterator[None]:
    """A SIGTERM, as CI sends to what takes too long, ends the run as Ctrl-C does: it is cleared
    away and reported."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(
    url: str,
    document: Document,
    keys: tuple[str, str],
    headers: dict[str, str],
    options: Mapping[str, Any],
    out: Console,
) -> Report:
    from .choice import print_choice
    from .suites import run

    return run(
        url,
        document,
        keys=keys,
        headers=headers,
        **options,
        announce=lambda choice, root: print_choice(choice, root, out),
    )


def _clean(
    url: str,
    document: Document,
    keys: tuple[str, str],
    headers: dict[str, str],
    terms: Terms,
    journal: Path,
    out: Console,
) -> int:
    """Deletes what a run that was killed has left behind."""
    from .runner import Runner
    from .target.journal import read_journal

    found = read_journal(journal)
    count = len(found.left)
    runner = Runner(url, document, keys=keys, headers=headers, terms=terms)
    try:
        runner.target.probe()
        left = runner.clean(found)
    finally:
        runner.target.close()
    text = f"deleted {count - len(left)} of {count} sessions"
    text += f"; left: {', '.join(made.id for made in left)}" if left else ""
    out.print(text, markup=False, highlight=False, soft_wrap=True)
    return UNREACHABLE if left else CLEAN


def _write_target(file: Path, spec: str, overlays: Sequence[str], out: Console) -> int:
    from .target.starter import write_target

    write_target(load_document(spec, [Path(overlay) for overlay in overlays]), file)
    out.print(f"wrote {file}", markup=False, highlight=False)
    return CLEAN


def _write_life(document: Document, file: Path, terms: Terms, out: Console) -> int:
    from .choice import choose
    from .reports.arazzo import write_life

    chosen = choose(document, terms.operations, terms.profile).document
    with _writing(str(file)):
        write_life(chosen, file, terms.given)
    out.print(f"wrote {file}", markup=False, highlight=False)
    return CLEAN


def missing(error: ImportError) -> SparringError:
    """What to say when a package of the extra `test` is not there; other errors stay themselves."""
    name = (error.name or "").partition(".")[0]
    if name not in EXTRA:
        raise error
    message = f"the contract suites need {name}, which is not installed"
    return SparringError(Defect("C102", message, None, f"Run {INSTALL}"))


def keys_of(key: str | None, other_key: str | None) -> tuple[str, str]:
    """The keys of the two users: as given, else from the environment, else the usual ones."""
    first = key or os.environ.get("SPARRING_KEY") or "alice-key"
    second = other_key or os.environ.get("SPARRING_OTHER_KEY") or "bob-key"
    return first, second


def read_header(text: str) -> tuple[str, str]:
    """A header written as `Name: value`. Raises SparringError (C101)."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        remedy = "Write it as 'Name: value'."
        raise SparringError(Defect("C101", f'"{text}" is not a header', None, remedy))
    return name.strip(), value.strip()


def _report_files(texts: Sequence[str]) -> list[tuple[str, str]]:
    """The kinds of the reports and where each goes; refuses what could not be written later."""
    from .reports import KINDS

    found = []
    for text in texts:
        kind, _, file = text.partition("=")
        if kind not in KINDS or not file:
            remedy = f"Write it as KIND=FILE; the kinds are {', '.join(KINDS)}."
            raise SparringError(Defect("C101", f'"{text}" is not a kind of report', None, remedy))
        if file != "-" and not Path(file).parent.is_dir():
            message = f"{file} can't be written: its folder does not exist"
            raise SparringError(Defect("C101", message, None, "Make the folder first."))
        found.append((kind, file))
    if sum(file == "-" for _, file in found) > 1:
        raise SparringError(Defect("C101", "only one report can go to the standard output"))
    return found


def _accept(report: Report, known: Baseline, written: Path | None) -> None:
    from datetime import date

    from .findings.baseline import accepting, write_baseline

    today = date.today()
    if written is not None:
        known = accepting(report.findings, known, today)
        with _writing(str(written)):
            write_baseline(known, written)
        report.notes.append(f"{len(known.entries)} entries written to {written}")
    report.accept(known, today)


def _write(report: Report, out: Console, files: Sequence[tuple[str, str]]) -> None:
    from .reports.console import print_report

    print_report(report, out)
    _write_files(report, files)


def _write_files(report: Report, files: Sequence[tuple[str, str]]) -> None:
    from .reports import render

    for kind, file in files:
        data = render(kind, report)
        if file == "-":
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            continue
        with _writing(file):
            Path(file).write_bytes(data)


@contextmanager
def _writing(file: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SparringError(Defect("C101", f"{file} can't be written: {error.strerror}")) from None
