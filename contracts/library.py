"""The contract suites as one function, for a team's own tests and tools."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from pathlib import Path

from sparring.fixtures.script import Script, load_script
from sparring.spec.openapi.document import Document, load_document

from .command import keys_of
from .findings.baseline import read_baseline
from .findings.report import Outcome, Report
from .suites import run as run_suites
from .terms import terms_of


def run(
    url: str,
    document: Document | str | Path = "sessions",
    *,
    overlays: Sequence[str | Path] = (),
    keys: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    suites: Collection[str] = (),
    promises: Collection[str] = (),
    scripts: Sequence[Script | str | Path] = (),
    target: str | Path | None = None,
    include: Sequence[str] = (),
    profile: str = "own",
    baseline: str | Path | None = None,
    seed: int = 0,
    max_examples: int = 20,
    max_requests: int | None = None,
    max_time: str = "30m",
    rate: str | None = None,
    max_messages: int | None = None,
    journal: str | Path | None = None,
    watch: Callable[[Outcome], None] | None = None,
) -> Report:
    """Holds the implementation at `url` to a document: a path, a bundled name, or one that is
    loaded. The arguments are the options of `sparring test`.

    `promises` narrows a suite further; `keys` are those of two users; `watch` sees every outcome.
    Raises SparringError: C103 when nobody answers, others for what is wrong with the arguments.
    """
    if not isinstance(document, Document):
        document = load_document(document, list(map(Path, overlays)))
    elif overlays:
        raise TypeError("overlays are for a document that is not loaded yet")
    known = read_baseline(Path(baseline)) if baseline is not None else None
    report = run_suites(
        url,
        document,
        keys=keys or keys_of(None, None),
        headers=headers,
        suites=suites,
        promises=promises,
        scripts=[s if isinstance(s, Script) else load_script(Path(s)) for s in scripts],
        seed=seed,
        max_examples=max_examples,
        terms=terms_of(
            document,
            target=Path(target) if target is not None else None,
            include=include,
            profile=profile,
            max_requests=max_requests,
            max_time=max_time,
            rate=rate,
            max_messages=max_messages,
            journal=Path(journal) if journal is not None else None,
        ),
        watch=watch,
    )
    if known is not None:
        report.accept(known, date.today())
    return report
