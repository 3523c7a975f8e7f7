"""Makes findings: of what a check has seen, and of every answer that the document forbids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.finding import Blame, Finding, Severity
from sparring.spec.meaning.binding import Role
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import Document, Operation

from ..checks import Context, position, promised_at
from ..driving.made import id_in
from ..target.target import NoAnswer
from ..world import Blocked, Entry, World, succeeded
from .answers import Deviation, deviations
from .report import suite_of


class Judge:
    """Holds what one target answers to one document."""

    def __init__(self, document: Document, seed: int) -> None:
        self.document = document
        self.seed = seed

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

    def blocked(self, context: Context, error: Blocked) -> list[Finding]:
        """What a refusal breaks that kept a check from being made."""
        answer = error.exchange.response
        if answer.status >= 500 and str(answer.status) not in error.operation.responses:
            return []  # response.status speaks of it
        if answer.status == 429 or not error.operation.promises.holds("input.accepted"):
            return []
        if answer.status == 404 and context.alice.makes_up(error.operation):
            return []  # whether there is such an agent only the target knows
        is_conflict = answer.status in (409, 412, 423)
        if is_conflict and str(answer.status) in error.operation.responses and _changed(context):
            return []  # a session may be closed by what was changed before
        seen = f"{answer.status}: {answer.body[:200].decode('utf-8', 'replace')}"
        expected = "a success for a request that fits its schema"
        if 200 <= answer.status < 300:
            if not error.operation.annotated:
                return []  # what was inferred may be wrong; response.schema speaks of the rest
            expected = "what the annotations of the document say, in the answer"
        shown = context.world.exchanges()[-6:]
        return [self.finding("input.accepted", error.operation, expected, seen, shown)]

    def no_answer(self, context: Context, error: NoAnswer) -> Finding:
        """That a request was not answered, or not whole."""
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

    def _judged(self, entry: Entry) -> Iterable[Deviation]:
        """What is wrong with an answer."""
        if entry.deviations is not None:
            return entry.deviations
        return deviations(self.document, entry.operation, entry.exchange)


def _changed(context: Context) -> bool:
    """Whether a session was changed otherwise than by what was said."""
    roles = (Role.SESSION_UPDATE, Role.SESSION_ACT)
    bound = ((entry, entry.operation.binding) for entry in context.world.journal)
    return any(b is not None and b.role in roles and succeeded(e.exchange) for e, b in bound)


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
