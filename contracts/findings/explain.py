"""Says what a promise means, how it is checked, what breaks it and how to withdraw it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from inspect import getdoc

from sparring.spec.errors import Defect, SparringError, nearest
from sparring.spec.meaning.binding import Role
from sparring.spec.meaning.promises import REGISTRY, Promise
from sparring.spec.openapi.document import Document

from ..checks import Scenario, checks, position, scenarios_of
from ..lifecycle import WALKED
from ..replaying.replay import PROMISE as EXPECTATION
from ..reports.places import local_path
from .report import suite_of

_SCRIPTS = "What the scripts of --script expect is said, and what comes back is compared."
_ANSWERS = "Every answer that any check gets is held to this."
_WALKS = "The suite lifecycle holds random walks to it too."
_WALKS = "The suite lifecycle holds random walks to it too."
_SCHEMATHESIS = "https://schemathesis.readthedocs.io"


def facts(promise: Promise) -> dict[str, list[str]]:
    """All that can be said of a promise without a document, by what it is."""
    every = len(promise.roles) == len(Role)
    roles = "all" if every else ", ".join(sorted(role.value for role in promise.roles))
    scenarios = scenarios_of(promise.id)
    how = [f"{_words(s.run)}{_needs(s)}" for s in scenarios]
    how += [_SCRIPTS] if promise.id == EXPECTATION else []
    how = how or [_ANSWERS]
    how += [_WALKS] if promise.id in WALKED else []
    return {
        "severity": [promise.severity.value],
        "suite": [suite_of(promise.id)],
        "roles": [roles],
        "parameters": [f"{name}: {meaning}" for name, meaning in promise.parameters.items()],
        "holds": ["where the document says so" if promise.stated else "by the role"],
        "checked": list(dict.fromkeys(how)),
        "violation": [promise.violation],
    }


def _words(documented: object) -> str:
    return " ".join((getdoc(documented) or "").partition("\n\n")[0].split())


def _needs(scenario: Scenario) -> str:
    """The evidence without which a check is not made, each piece once."""
    pieces = (getdoc(scenario.needs) or "").removesuffix(".").split(". ")
    return f" Needs: {'; '.join(dict.fromkeys(pieces))}." if any(pieces) else ""


def explain(id: str, document: Document) -> str:
    """What a promise, or the promise of a finding, means. Raises SparringError (C101)."""
    name, _, finding = id.partition("-")
    if name.startswith("conformance.") and finding:
        return _conformance(name)
    if name not in REGISTRY:
        remedy = nearest(name, REGISTRY) or "A report has the ids; the first part is the promise."
        raise SparringError(Defect("C101", f'there is no promise "{name}"', None, remedy))
    return "\n".join(_lines(REGISTRY[name], document, id if finding else "")) + "\n"


def _lines(promise: Promise, document: Document, finding: str) -> Iterator[str]:
    yield f"{promise.id}: {promise.sentence}"
    if finding:
        yield f"{finding} is one way of breaking it; all operations that do so have that id."
    yield ""
    for name, texts in facts(promise).items():
        yield from _block(name, texts)
    yield from _block(
        "in this", list(_said(promise, document)) or ["no operation that it speaks of"]
    )
    yield ""
    yield "To withdraw it, on an operation or on the whole document (an overlay will do):"
    yield "    x-session-promises:"
    yield f'      {promise.id}: {{withdrawn: "say why"}}'
    if finding:
        yield "To accept this finding for a time, in the file of --baseline:"
        yield f'    - {{id: {finding}, reason: "say why", expires: 2030-12-31}}'


def _said(promise: Promise, document: Document) -> Iterator[str]:
    """Which operations are held to a promise, where that is said, with which parameters."""
    found = {c.operation.label: c.reason for c in checks(document) if c.promise == promise.id}
    for operation in document.operations:
        if operation.binding is None or operation.binding.role not in promise.roles:
            continue
        if found and operation.label not in found:
            continue
        place = position(document, operation, promise.id)
        text = f"{operation.label} ({local_path(place)}:{place.line})"
        if said := operation.promises.get(promise.id):
            text += f" {json.dumps(said, ensure_ascii=False)}"
        reason = found.get(operation.label)
        yield f"{text}: not checked, {reason}" if reason else text


def _block(name: str, texts: Sequence[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        head = f"{name if number == 0 else '':<12}"
        yield from textwrap.wrap(
            text, 100, initial_indent=head, subsequent_indent=" " * 12, break_on_hyphens=False
        )


def _conformance(name: str) -> str:
    check = name.partition(".")[2]
    return (
        f"{name}: a check of Schemathesis, {check}, failed. It is none of the promises, so no\n"
        f"document withdraws it; a baseline accepts it. What it checks: {_SCHEMATHESIS}\n"
    )
