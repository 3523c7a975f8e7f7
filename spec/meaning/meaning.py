"""What each operation of a document means: declared, said by an overlay, or inferred."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Defect, SparringError
from ..openapi.document import Document, Operation
from .annotations import read_binding, read_model
from .binding import Binding, Model, Role
from .inferred import Inferred, declared

DECLARED, OVERLAY, INFERRED = "declared", "overlay", "inferred"
DOUBTFUL = 0.7
"""A role below this confidence is one that a person should look at."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The role of one operation, None where it has none: where that comes from (`declared`,
    `overlay` or `inferred`), how sure it is (0 to 1) and why, and its whole `x-session` block."""

    operation: Operation
    role: Role | None
    source: str
    confidence: float
    reason: str
    block: Mapping[str, Any]


def interpret(document: Document, inferred: Inferred, overlays: Collection[str] = ()) -> Document:
    """The document with a binding for every operation that has a role.

    What the document says wins over what is inferred, key by key; `overlays` are the names of the
    files whose annotations count as an overlay's. Raises SparringError for annotations that can't
    hold.
    """
    defects: list[Defect] = []
    meanings, operations = [], []
    for operation in document.operations:
        meaning = _meaning(document, operation, inferred, overlays)
        binding, found = _bind(document, operation, meaning, declared(document, operation))
        defects += found
        operations.append(replace(operation, binding=binding))
        meanings.append(replace(meaning, operation=operations[-1]))
    model, found = _model(document, inferred)
    defects += found
    if defects:
        raise SparringError(defects)
    return document.meaning(tuple(operations), tuple(meanings), model)


def _model(document: Document, inferred: Inferred) -> tuple[Model, list[Defect]]:
    """What a session, a message and an event look like: as written, the rest inferred."""
    at = ("x-session-model",)
    written = document.source.tree.get(at[0], {})
    model, defects = read_model({**inferred.model, **written}, document.source, at)
    return read_model(written, document.source, at) if defects else (model, [])


def _meaning(
    document: Document, operation: Operation, inferred: Inferred, overlays: Collection[str]
) -> Meaning:
    role = inferred.role(document, operation)
    block = inferred.block(document, operation)
    if "role" not in declared(document, operation):
        guess = inferred.guesses[operation.label]
        return Meaning(operation, role, INFERRED, guess.confidence, guess.reason, block)
    at = document.source.position((*operation.pointer, "x-session", "role"))
    source = OVERLAY if at.file in overlays else DECLARED
    return Meaning(operation, role, source, 1.0, f"said at {at}", block)


def _bind(
    document: Document, operation: Operation, meaning: Meaning, written: Mapping[str, Any]
) -> tuple[Binding | None, list[Defect]]:
    """The binding of an operation; an inferred key that does not hold is left out."""
    at = (*operation.pointer, "x-session")
    if meaning.role is None:
        if written.keys() - {"role"}:
            message = "x-session has no role, and none can be inferred"
            remedy = "Add `role: ...`, or `role: none`."
            if "role" not in written:
                return None, [document.source.defect("D142", message, at, remedy)]
        return None, []
    whole = {**meaning.block, "role": meaning.role.value}
    binding, defects = read_binding(whole, document.source, at)
    if defects and written.keys() != whole.keys():
        binding, defects = read_binding(
            {**written, "role": meaning.role.value}, document.source, at
        )
    return binding, defects
