"""What a promise is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sparring.spec.finding import Severity
from sparring.spec.meaning.binding import Role

LOSS, SMALL = Severity.CRITICAL, Severity.MINOR


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: what holds, for which roles; `parameters` say what a document may add.

    A role implies its promises, all but the `stated` ones: those hold where the document says so.
    `violation` is an example of an implementation that breaks it.
    """

    id: str
    sentence: str
    violation: str
    roles: frozenset[Role]
    parameters: Mapping[str, str] = field(default_factory=dict)
    severity: Severity = Severity.MAJOR
    stated: bool = False


def promise(
    id: str,
    sentence: str,
    violation: str,
    *roles: Role,
    parameters: Mapping[str, str] | None = None,
    severity: Severity = Severity.MAJOR,
    stated: bool = False,
) -> Promise:
    """A promise for some roles; without roles for all."""
    which = frozenset(roles or Role)
    return Promise(id, sentence, violation, which, parameters or {}, severity, stated)
