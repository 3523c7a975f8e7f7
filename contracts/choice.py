"""Which operations a run calls, and in which role; what it never calls, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from sparring.spec.errors import Defect, SparringError, nearest
from sparring.spec.meaning.binding import Binding, Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import is_by_id, session_parameter

from .target.budget import SAFE_METHODS

if TYPE_CHECKING:
    from rich.console import Console

OUTSIDE = "outside the sessions API"
CHANGES = ("update", "delete", "clear", "act")
"""How the roles end that change what is there already."""


class Profile(StrEnum):
    """What a run may do: only read; change what it has made itself; or change everything."""

    READ_ONLY = "read-only"
    OWN = "own"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Choice:
    """The operations of a run: `document` gives a role to those that are called and have one,
    `named` lie outside the sessions API and were asked for, `never` says why not."""

    document: Document
    named: tuple[Operation, ...] = ()
    never: tuple[tuple[Operation, str], ...] = ()
    profile: Profile = Profile.OWN


def named_by(pattern: str, operation: Operation) -> bool:
    """Whether a pattern such as `GET /files/*`, `list*` or `session.*` names an operation."""
    template = operation.short_template
    role = operation.binding.role.value if operation.binding else ""
    names = (operation.id, role, operation.label, f"{operation.method} {template}")
    return any(name and fnmatchcase(name, pattern.strip()) for name in names)


def unmatched(document: Document, pattern: str) -> Defect | None:
    """What to say of a pattern that names no operation of the document."""
    bare = pattern.removeprefix("!").strip()
    if any(named_by(bare, operation) for operation in document.operations):
        return None
    known = [name for o in document.operations for name in (o.id, o.label) if name]
    remedy = nearest(bare, known) or "`sparring roles SPEC` lists the operations."
    return Defect("C104", f'no operation fits "{pattern}"', None, remedy)


def choose(
    document: Document, patterns: Sequence[str] = (), profile: Profile = Profile.OWN
) -> Choice:
    """Chooses by role. A pattern names what lies outside the sessions API too, one with `!` in
    front excludes; the last that fits wins. Raises SparringError (C104) when one fits nothing."""
    if defects := [d for pattern in patterns if (d := unmatched(document, pattern))]:
        raise SparringError(defects)
    document = _talking(document)
    collections = {
        o.template
        for o in _with(document, Role.SESSION_CREATE, Role.SESSION_LIST)
        if not is_by_id(o)
    }
    kept: list[Operation] = []
    named: list[Operation] = []
    never: list[tuple[Operation, str]] = []
    for operation in document.operations:
        said = _said(patterns, operation)
        reason = (
            "excluded" if said is False else _refused(document, operation, profile, collections)
        )
        if operation.binding is None:
            if said and not reason:
                named.append(operation)
            else:
                never.append((operation, reason if said is not None and reason else OUTSIDE))
            kept.append(operation)
        elif reason:
            never.append((operation, reason))
            kept.append(replace(operation, binding=None))
        else:
            kept.append(operation)
    if any(operation.binding for operation, _ in never):
        document = document.meaning(tuple(kept), document.meanings, document.model)
    return Choice(document, tuple(named), tuple(never), profile)


def _talking(document: Document) -> Document:
    """The document in which runs that take what the user says, and answer it, are its turns."""
    if document.with_role(Role.MESSAGE_CREATE):
        return document
    operations = tuple(
        replace(o, binding=msgspec.structs.replace(o.binding, role=Role.MESSAGE_CREATE))
        if o.binding and o.binding.role is Role.RUN_CREATE and _is_turn(o.binding)
        else o
        for o in document.operations
    )
    return document.meaning(operations, document.meanings, document.model)


def _is_turn(binding: Binding) -> bool:
    says_where = binding.session is not None
    return binding.input is not None and says_where and binding.via in ("body", "sse")


def _with(document: Document, *roles: Role) -> Iterable[Operation]:
    return (operation for role in roles for operation in document.with_role(role))


def _said(patterns: Sequence[str], operation: Operation) -> bool | None:
    """Whether the patterns include or exclude an operation; None when none names it."""
    for pattern in reversed(patterns):
        if named_by(pattern.removeprefix("!"), operation):
            return not pattern.startswith("!")
    return None


def _refused(
    document: Document, operation: Operation, profile: Profile, collections: set[str]
) -> str:
    """Why the profile keeps an operation from being called; empty when it does not."""
    if profile is Profile.READ_ONLY:
        safe = operation.method in SAFE_METHODS
        return "" if safe else "the profile read-only changes nothing"
    binding = operation.binding
    if profile is Profile.FULL or binding is None or operation.method in SAFE_METHODS:
        return ""
    if not binding.role.value.endswith(CHANGES) or binding.active:
        return ""
    aimless = session_parameter(document, operation) is None
    if aimless or binding.every_session or operation.template in collections:
        return "the profile own changes no session that it has not made"
    return ""


def print_choice(choice: Choice, url: str, console: Console) -> None:
    """Prints which operation plays which role, and what will never be called."""
    from rich.markup import escape
    from rich.table import Table

    title = f"{choice.document.title} at {url}, profile {choice.profile}"
    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False)
    table.add_column("role", style="cyan", no_wrap=True)
    table.add_column("operation", overflow="fold")
    for operation in choice.document.operations:
        if operation.binding is not None:
            table.add_row(operation.binding.role.value, escape(operation.label))
    for operation in choice.named:
        table.add_row("named", escape(operation.label))
    reasons = dict.fromkeys(reason for _, reason in choice.never)
    for reason in reasons:
        labels = [operation.label for operation, why in choice.never if why == reason]
        table.add_row("never called", escape(f"{reason}: {', '.join(labels)}"))
    console.print(table)
