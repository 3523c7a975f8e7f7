"""Which operation of one document is which of the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation

_PARAMETER = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Matched:
    """The operations that belong together (`moved` ones under another path or method, `based` ones
    under another base path), and those that are gone or new."""

    same: Sequence[tuple[Operation, Operation]]
    based: Sequence[tuple[Operation, Operation]]
    moved: Sequence[tuple[Operation, Operation]]
    gone: Sequence[Operation]
    new: Sequence[Operation]


def match(old: Document, new: Document) -> Matched:
    """Matches by method and path, however its parameters are called; then without the base path;
    then by operationId; then by a role that one operation has lost and one other got."""
    before, after = list(old.operations), list(new.operations)

    def pairs(
        sign: Callable[[Document, Operation], str | Role | tuple[str, str] | None],
    ) -> list[tuple[Operation, Operation]]:
        first: dict[object, list[Operation]] = {}
        second: dict[object, list[Operation]] = {}
        for document, operations, by in ((old, before, first), (new, after, second)):
            for operation in operations:
                key = sign(document, operation)
                if key:
                    by.setdefault(key, []).append(operation)
        found = [
            (mine[0], second[key][0])
            for key, mine in first.items()
            if len(mine) == 1 and len(second.get(key, ())) == 1
        ]
        for a, b in found:
            before.remove(a)
            after.remove(b)
        return found

    same = pairs(lambda _, o: (o.method, anonymous(o.path)))
    based = pairs(lambda _, o: (o.method, anonymous(o.path.removeprefix(o.base_path))))
    moved = pairs(operation_id)
    moved += pairs(lambda _, o: _role(o))
    return Matched(same, based, moved, before, after)


def operation_id(document: Document, operation: Operation) -> str:
    """The operationId, empty where the document gives none."""
    at = tuple(map(str, operation.pointer))
    given = pointers.first(document.source.tree, (*at, "operationId"))
    return given if isinstance(given, str) else ""


def _role(operation: Operation) -> Role | None:
    return operation.binding.role if operation.binding is not None else None


def anonymous(path: str) -> str:
    """A path whose parameters have no names; the ones of a query keep theirs."""
    template, sign, rest = path.partition("?")
    return _PARAMETER.sub("{}", template).rstrip("/") + sign + rest
