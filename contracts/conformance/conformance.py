"""Runs Schemathesis (pinned to 4.32, through its engine, which is not public).

It sends valid and broken requests that no one thought of; what it finds becomes our findings. No
other folder knows it.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sparring.spec.finding import Finding
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.security import credentials

from ..driving.driver import User
from ..world import World
from .bounded import bounded
from .cases import Cases
from .failures import SEQUENCES, Failures

LAST = "fuzzing"  # of the phases of one operation
UNTRIED = frozenset({Role.MESSAGE_SUBSCRIBE})


@dataclass
class Conformance:
    """What a run of Schemathesis came to."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    requests: int = 0
    unfinished: set[str] = field(default_factory=set)
    """The labels of the operations for which there was not time enough."""


def tried(document: Document) -> list[Operation]:
    """The operations of the sessions API that Schemathesis is let at: those that do not hang."""
    return [o for o in document.operations if o.binding and o.binding.role not in UNTRIED]


def conform(
    world: World,
    user: User,
    *,
    operations: Sequence[Operation] | None = None,
    seed: int = 0,
    max_examples: int = 20,
    retries: int = 2,
    own: bool = True,
    seconds: float = math.inf,
) -> Conformance:
    """Runs Schemathesis on some operations, and again on those where it failed.

    With `own` it changes only sessions that this run has made. It begins nothing new after
    `seconds`; what it has found then may take half of that again to be confirmed.
    """
    chosen = tried(world.document) if operations is None else list(operations)
    engine = _Engine(world, user, seed, max_examples, own)
    try:
        result = engine.run(chosen, time.monotonic() + seconds)
        until = time.monotonic() + seconds / 2
        left = {finding.key: finding for finding in result.findings}
        confirmed: list[Finding] = []
        for attempt in range(2, retries + 2):
            if not left:
                break
            again = [o for o in chosen if any(f.operation == o.label for f in left.values())]
            if any(f.promise in SEQUENCES for f in left.values()):
                again = chosen
            repeated = engine.run(again, until)
            result.requests += repeated.requests
            for finding in repeated.findings:
                if first := left.pop(finding.key, None):
                    confirmed.append(replace(first, reproduced=2, tried=attempt))
        result.findings = confirmed if retries else list(left.values())
        result.notes += [
            f"Schemathesis saw this once only: {f.promise} {f.operation}: {f.seen}"[:300]
            for f in (left.values() if retries else ())
        ]
        return result
    except Exception as error:  # a document that it dislikes is no finding of ours
        return Conformance(
            notes=[f"Schemathesis can't be run: {type(error).__name__}: {error}"[:500]]
        )


class _Engine:
    def __init__(self, world: World, user: User, seed: int, max_examples: int, own: bool) -> None:
        self.document = world.document
        self.world = world
        self.user = user
        self.seed = seed
        self.max_examples = max_examples
        labels = {self._label(o): o for o in self.document.operations}
        self.cases = Cases(world, user, labels, own=own)
        self.failures = Failures(world, labels, seed)

    def _label(self, operation: Operation) -> str:
        """How Schemathesis calls an operation: its path has no base path."""
        return f"{operation.method} {operation.path.removeprefix(self.document.base_path)}"

    def run(self, operations: Sequence[Operation], until: float) -> Conformance:
        import warnings

        import schemathesis.openapi
        from schemathesis.engine import events, from_schema

        result = Conformance()
        wanted = [self._label(o) for o in operations]
        finished: set[str | None] = set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = copy.deepcopy(self.document.source.tree)
            schema: Any = schemathesis.openapi.from_dict(tree, config=self._config(operations))
            schema = schema.include(name=wanted)
            stream = from_schema(schema).execute()

            def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
                if time.monotonic() > until:
                    stream.stop()
                self.cases.prepare(case)

            with _hooked(before_call), bounded(self.world.target, self.cases.note):
                for event in stream:
                    if isinstance(event, events.Interrupted) and not stream.stop_event.is_set():
                        self.world.target.meter.stop("interrupted")
                    if self.world.target.meter.over():
                        break
                    if isinstance(event, events.ScenarioFinished):
                        result.requests += len(event.recorder.interactions)
                        result.findings += self.failures.of(event)
                        if not stream.stop_event.is_set() and event.phase == LAST:
                            finished.add(event.label)
                    elif isinstance(event, (events.NonFatalError, events.FatalError)):
                        result.notes.append(f"Schemathesis: {_problem(event)}"[:500])
        result.findings = list({f.id: f for f in reversed(result.findings)}.values())[::-1]
        result.notes = list(dict.fromkeys(result.notes))
        if not result.requests and not result.notes:
            result.notes.append("Schemathesis has sent nothing")
        if stream.stop_event.is_set():
            left = [o for o in operations if self._label(o) not in finished]
            result.unfinished = {o.label for o in left}
            what = f"{len(left)} of {len(operations)} operations" if left else "no operation"
            result.notes.append(
                f"Schemathesis had no time left for sequences of requests and the rest of {what}: "
                "--max-time gives it more"
            )
        return result

    def _config(self, operations: Sequence[Operation]) -> Any:
        import schemathesis

        statuses = {
            "positive": ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"],
            "negative": [
                *("400", "401", "403", "404", "405", "406", "409", "410", "412", "413", "415"),
                *("422", "428", "429", "5xx"),
            ],
        }
        headers = {**self.world.target.headers, **self.user.person.headers}
        keys: dict[str, Any] = {}
        for operation in operations:
            if ways := self.user.ways(operation):
                headers |= credentials(ways[0], self.user.key)[0]
                in_query = (s.name for s in ways[0] if s.place == "query")
                keys = {name: {"api_key": self.user.key} for name in in_query}
                break
        return schemathesis.Config.from_dict(
            {
                "seed": self.seed,
                "base-url": self.world.target.root + self.document.base_path,
                "headers": headers,
                **({"auth": {"openapi": keys}} if keys else {}),
                "cache": {"enabled": False},  # it would send again what another run has sent
                "workers": 1,
                "continue-on-failure": True,
                "request-timeout": self.world.target.timeout,
                "max-stream-events": 20,
                "warnings": False,
                "checks": {
                    "positive_data_acceptance": {"expected-statuses": statuses["positive"]},
                    "negative_data_rejection": {"expected-statuses": statuses["negative"]},
                },
                "generation": {
                    "max-examples": self.max_examples,
                    "deterministic": True,
                    "database": "none",
                    "no-shrink": True,
                    "with-security-parameters": False,
                },
                "phases": {"stateful": {"enabled": len(operations) > 1, "max-steps": 6}},
            }
        )


@contextmanager
def _hooked(before_call: Callable[[Any, Any, dict[str, Any]], None]) -> Iterator[None]:
    """Lets a function see every case before it is sent; this hook is global in Schemathesis."""
    from schemathesis import hooks

    def hook(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        before_call(context, case, kwargs)

    hooks.GLOBAL_HOOK_DISPATCHER.register_hook_with_name(hook, "before_call")
    try:
        yield
    finally:
        hooks.unregister(hook)


def _problem(event: Any) -> str:
    info = getattr(event, "info", None)
    error = getattr(event, "exception", None) or getattr(info, "_error", None) or info
    return " ".join(str(error).split())
