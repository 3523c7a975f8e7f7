"""What `sparring test` does: loads the document, runs the suites, prints, and says how it ended."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sparring.spec.errors import Defect, SparringError

if TYPE_CHECKING:
    from rich.console import Console

    from .report import Report

CLEAN, FINDINGS, USAGE, UNREACHABLE, INTERNAL = range(5)
INSTALL = "pip install 'sparring[test]'"
EXTRA = ("httpx2", "hypothesis", "schemathesis")


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
    seed: int = 0,
    max_examples: int = 20,
    console: Console | None = None,
) -> int:
    """Holds the implementation at `url` to a document and returns the exit code.

    `headers` read `Name: value`, `reports` read `junit=FILE`. Errors are printed to the console.
    """
    from rich.console import Console

    out = console or Console()
    errors = console or Console(stderr=True)
    try:
        files = [_report_file(text) for text in reports]
        extra = dict(_header(text) for text in headers)
        report = _run(url, spec, overlays, _keys(key, other_key), extra, suites, seed, max_examples)
        _write(report, out, files)
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


def _run(
    url: str,
    spec: str,
    overlays: Sequence[str],
    keys: tuple[str, str],
    headers: dict[str, str],
    suites: Sequence[str],
    seed: int,
    max_examples: int,
) -> Report:
    from sparring.spec.document import load_document

    document = load_document(spec, [Path(overlay) for overlay in overlays])
    try:
        from .runner import run
    except ImportError as error:
        raise missing(error) from None
    return run(
        url,
        document,
        keys=keys,
        headers=headers,
        suites=suites,
        seed=seed,
        max_examples=max_examples,
    )


def missing(error: ImportError) -> SparringError:
    """What to say when a package of the extra `test` is not there; other errors stay themselves."""
    name = (error.name or "").partition(".")[0]
    if name not in EXTRA:
        raise error
    message = f"the contract suites need {name}, which is not installed"
    return SparringError(Defect("C102", message, None, f"Run {INSTALL}"))


def _keys(key: str | None, other_key: str | None) -> tuple[str, str]:
    first = key or os.environ.get("SPARRING_KEY") or "alice-key"
    second = other_key or os.environ.get("SPARRING_OTHER_KEY") or "bob-key"
    return first, second


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        remedy = "Write it as 'Name: value'."
        raise SparringError(Defect("C101", f'"{text}" is not a header', None, remedy))
    return name.strip(), value.strip()


def _report_file(text: str) -> Path:
    kind, _, file = text.partition("=")
    if kind != "junit" or not file:
        remedy = "Write it as junit=FILE."
        raise SparringError(Defect("C101", f'"{text}" is not a kind of report', None, remedy))
    return Path(file)


def _write(report: Report, out: Console, files: Sequence[Path]) -> None:
    from .reports import print_report, write_junit

    for file in files:
        try:
            write_junit(report, file)
        except OSError as error:
            raise SparringError(
                Defect("C101", f"{file} can't be written: {error.strerror}")
            ) from None
    print_report(report, out)
