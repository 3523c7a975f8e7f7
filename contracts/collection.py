"""One pytest session against one target: what is checked, by whom, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

from sparring.fixtures.script import load_scripts
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation, load_document

from .checks import Check, checks
from .choice import choose
from .command import keys_of, read_header
from .conformance.conformance import tried
from .findings.baseline import Baseline, read_baseline
from .findings.report import Outcome, Report, suite_of
from .replaying.replay import Replay
from .runner import Runner
from .suites import chosen_suites
from .terms import terms_of


class Contracts:
    """The checks of a document against a target; the arguments are the options of the plugin.

    Raises SparringError when one of them is wrong. Nothing is sent before `reach`.
    """

    def __init__(
        self,
        *,
        url: str,
        spec: str,
        overlay: Sequence[str],
        key: str | None,
        other_key: str | None,
        header: Sequence[str],
        suite: Sequence[str],
        script: Sequence[str],
        target: str | None,
        include: Sequence[str],
        profile: str,
        baseline: str | None,
        seed: int,
        max_examples: int,
        max_requests: int | None,
        max_time: str,
        rate: str | None,
        max_messages: int | None,
        journal: str | None,
    ) -> None:
        document = load_document(spec, list(map(Path, overlay)))
        scripts = load_scripts(list(map(Path, script)))
        self.url, self.seed, self.max_examples = url, seed, max_examples
        self.suites = chosen_suites(suite, scripts)
        self.baseline = read_baseline(Path(baseline)) if baseline else Baseline()
        self._whole, self._keys = document, keys_of(key, other_key)
        self._headers = dict(map(read_header, header))
        self._terms = terms_of(
            document,
            target=Path(target) if target else None,
            include=include,
            profile=profile,
            max_requests=max_requests,
            max_time=max_time,
            rate=rate,
            max_messages=max_messages,
            journal=_own(Path(journal)) if journal else None,
        )
        self.choice = choose(document, self._terms.operations, self._terms.profile)
        self.document = self.choice.document
        self._replay = Replay(scripts) if scripts else None
        self._reached = False

    def announcement(self) -> list[str]:
        """Which operations will be called, and which never, and why."""
        called = [o.label for o in self.document.operations if o.binding is not None]
        called += [operation.label for operation in self.choice.named]
        lines = [f"sparring: {self.document.title} at {self.url}, profile {self.choice.profile}"]
        lines.append(f"  called: {', '.join(called)}")
        for reason in dict.fromkeys(reason for _, reason in self.choice.never):
            labels = [operation.label for operation, why in self.choice.never if why == reason]
            lines.append(f"  never called ({reason}): {', '.join(labels)}")
        return lines

    def checks(self) -> list[Check]:
        """The checks of the chosen suites."""
        found = [c for c in checks(self.document) if suite_of(c.promise) in self.suites]
        return found if self._replay is None else [*found, self._replay.check(self.document)]

    def walks(self) -> bool:
        """Whether random walks through the sessions API are made."""
        return "lifecycle" in self.suites and bool(self.document.with_role(Role.SESSION_CREATE))

    def conforming(self) -> Iterator[Operation]:
        """The operations that Schemathesis is let at."""
        if "conformance" in self.suites:
            yield from (*tried(self.document), *self.choice.named)

    @cached_property
    def runner(self) -> Runner:
        """The runner of this process."""
        return Runner(
            self.url,
            self._whole,
            keys=self._keys,
            headers=self._headers,
            seed=self.seed,
            terms=self._terms,
        )

    def reach(self) -> None:
        """Raises SparringError (C103) when nobody answers."""
        if not self._reached:
            self.runner.target.probe()
            if set(self.suites) - {"script"}:
                self.runner.learn()
            self._reached = True

    def judged(self, outcome: Outcome) -> tuple[Outcome, list[str]]:
        """An outcome without what the baseline accepts, and what is to be told beside it."""
        report = Report(self.document, self.url, outcomes=[outcome], findings=[*outcome.findings])
        report.accept(self.baseline, date.today())
        scripted = outcome.suite == "script" and self._replay is not None
        return report.outcomes[0], self._replay.notes if scripted and self._replay else []

    def close(self) -> tuple[str, list[str]]:
        """Deletes the sessions that are left; tells why the run ended early, and what remains."""
        if "runner" not in self.__dict__:
            return "", []
        runner = self.runner
        left = runner.clean()
        runner.sessions.close()
        runner.target.close()
        ids = ", ".join(made.id for made in left[:20])
        notes = [f"{len(left)} sessions could not be deleted: {ids}"] if left else []
        return runner.meter.stopped, notes


def _own(journal: Path) -> Path:
    """The journal of this process: each worker of xdist has its own beside the others."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    return journal.with_name(f"{journal.stem}.{worker}{journal.suffix}") if worker else journal
