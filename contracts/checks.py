"""What a check is: one promise held to one operation by the scenarios registered for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import getdoc
from typing import Any

from sparring.spec import pointers
from sparring.spec.errors import Position
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Blame, Finding
from sparring.spec.meaning.binding import Role
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import Path
from sparring.spec.openapi.security import usable_security

from .driving.driver import User
from .findings.report import suite_of
from .world import NotChecked, World

__all__ = ["Check", "Context", "NotChecked", "Scenario", "checks", "scenario"]

Needs = Callable[[Document, Operation], str]
"""Why a scenario has nothing to go by for an operation; empty when it has."""


@dataclass
class Context:
    """What one run of a check works with, and where it leaves what it finds."""

    world: World
    operation: Operation
    promise: str
    alice: User
    bob: User
    seed: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def document(self) -> Document:
        """The document that the target is held to."""
        return self.world.document

    def fail(
        self,
        expected: str,
        seen: str,
        *,
        exchanges: Sequence[Exchange] | None = None,
        operation: Operation | None = None,
        cause: str = "",
        blame: Blame = Blame.IMPLEMENTATION,
        concurrent: bool = False,
    ) -> None:
        """Notes that the promise is broken; by default all exchanges of the check show it.

        What is expected is the `cause`, unless that is given.
        """
        operation = operation or self.operation
        mine = [f for f in self.findings if f.promise == self.promise]
        if any((f.expected, f.cause) == (expected, cause) for f in mine):
            return
        self.findings.append(
            Finding(
                promise=self.promise,
                operation=operation.label,
                message=REGISTRY[self.promise].sentence,
                expected=expected,
                seen=seen,
                suite=suite_of(self.promise),
                exchanges=self._shown(exchanges),
                severity=REGISTRY[self.promise].severity,
                position=position(self.document, operation, self.promise),
                seed=self.seed,
                cause=cause,
                blame=blame,
                concurrent=concurrent or suite_of(self.promise) == "races",
                pointer=pointers.join(promised_at(self.document, operation, self.promise)),
            )
        )

    def _shown(self, exchanges: Sequence[Exchange] | None) -> tuple[Exchange, ...]:
        """What shows the failure: all of the check, or a part after what made its sessions."""
        if exchanges is None:
            return tuple(self.world.exchanges())
        exchanges = [exchange.kept() for exchange in exchanges]
        said = [e.request.url.encode(errors="replace") + e.request.body for e in exchanges]
        origins = [
            next((e for e in self.world.exchanges() if id.encode() in e.response.body), None)
            for _, id in dict.fromkeys(self.world.made)
            if any(id.encode(errors="replace") in text for text in said)
        ]
        return (*(e for e in origins if e is not None and e not in exchanges), *exchanges)


Run = Callable[[Context], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way of holding operations to a promise."""

    promise: str
    roles: frozenset[Role] | None
    needs: Needs
    run: Run


_SCENARIOS: list[Scenario] = []


def _nothing(document: Document, operation: Operation) -> str:
    return ""


def scenario(promise: str, *roles: Role, needs: Needs = _nothing) -> Callable[[Run], Run]:
    """Registers a function for a promise, and for these roles; without roles for all."""
    if promise not in REGISTRY:
        raise KeyError(f"there is no promise {promise}")

    def register(function: Run) -> Run:
        _SCENARIOS.append(Scenario(promise, frozenset(roles) or None, needs, function))
        return function

    return register


@dataclass(frozen=True, slots=True)
class Check:
    """All scenarios of one promise for one operation."""

    promise: str
    operation: Operation
    runs: tuple[Run, ...]
    reason: str = ""

    @property
    def id(self) -> str:
        """`create.read_back[POST /sessions]`, the same in every run."""
        return f"{self.promise}[{self.operation.label}]"


def scenarios_of(promise: str) -> list[Scenario]:
    """The ways in which a promise is checked."""
    from . import scenarios  # noqa: F401  # registers them

    return [s for s in _SCENARIOS if s.promise == promise]


def checks(document: Document) -> list[Check]:
    """Every promise for every operation that it speaks of, those that can't be checked too."""
    from . import scenarios  # noqa: F401  # registers them

    found: list[Check] = []
    for promise in REGISTRY:
        for operation in document.operations:
            if operation.binding is None:
                continue
            mine = [
                s
                for s in _SCENARIOS
                if s.promise == promise and (s.roles is None or operation.binding.role in s.roles)
            ]
            if not mine:
                continue
            if not operation.promises.holds(promise):
                said = operation.promises.get(promise, {})
                why = f"withdrawn: {said['withdrawn']}" if said else "the document does not say so"
                found.append(Check(promise, operation, (), why))
                continue
            reasons = [s.needs(document, operation) for s in mine]
            runs = tuple(s.run for s, reason in zip(mine, reasons, strict=True) if not reason)
            found.append(Check(promise, operation, runs, "" if runs else reasons[0]))
    return found


def position(document: Document, operation: Operation, promise: str) -> Position:
    """Where the text of the document makes a promise."""
    return document.source.position(promised_at(document, operation, promise))


def promised_at(document: Document, operation: Operation, promise: str) -> Path:
    """Where the document makes a promise: where it says so, else at the operation."""
    return operation.promises.place(promise) or operation.pointer


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal; true is not 1, and 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return (type(left) is type(right) and left == right) or (
        isinstance(left, (int, float)) and isinstance(right, (int, float)) and left == right
    )


def show(value: Any) -> str:
    """A value as short JSON."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 160 else f"{text[:120]} … {text[-30:]} ({len(text)} characters)"


def has_security(document: Document, operation: Operation) -> str:
    """The operation needs a key that can be given."""
    return "" if usable_security(operation) else "the operation needs no key that can be given"


def first_reason(*needs: Needs) -> Needs:
    """Needs all of these."""

    def reason(document: Document, operation: Operation) -> str:
        return next((r for need in needs if (r := need(document, operation))), "")

    return says(" ".join(filter(None, map(getdoc, needs))), reason)


def says(evidence: str, need: Needs) -> Needs:
    """Gives a need the sentence that tells which evidence it looks for."""
    need.__doc__ = evidence
    return need
