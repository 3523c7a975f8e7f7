"""What each operation of a document means: declared, said by an overlay, or inferred."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import pointers
from .annotations import read_binding, read_model
from .binding import Binding, Model, Role
from .document import Document, Operation
from .errors import Defect, SparringError
from .inference.bindings import infer_bindings, infer_model
from .inference.roles import infer_roles

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


def interpret(document: Document, overlays: Collection[str] = ()) -> Document:
    """The document with a binding for every operation that has a role.

    What the document says wins over what is inferred, key by key; `overlays` are the names of the
    files whose annotations count as an overlay's. Raises SparringError for annotations that can't
    hold.
    """
    said = {operation.label: _declared(document, operation) for operation in document.operations}
    guesses = {}
    if any("role" not in block for block in said.values()):
        guesses = {guess.operation.label: guess for guess in infer_roles(document)}
    roles: dict[str, Role] = {}
    for operation in document.operations:
        role = _role(said[operation.label])
        if "role" not in said[operation.label]:
            role = guesses[operation.label].role
        if role is not None:
            roles[operation.label] = role
    blocks = infer_bindings(document, roles)
    defects: list[Defect] = []
    meanings, operations = [], []
    rows = document.source.tree.get("x-session-model", {})
    for operation in document.operations:
        declared = said[operation.label]
        block = dict(blocks.get(operation.label, {}))
        if rows.keys() & {"message", block.get("shape")}:
            block.pop("row", None)  # the author has said what a row looks like, of events too
        block |= declared
        meaning = _meaning(
            document, operation, roles.get(operation.label), block, guesses, overlays
        )
        binding, found = _bind(document, operation, meaning, declared)
        defects += found
        operations.append(replace(operation, binding=binding))
        meanings.append(replace(meaning, operation=operations[-1]))
    model, found = _model(document, {m.operation.label: m.block for m in meanings if m.role})
    defects += found
    if defects:
        raise SparringError(defects)
    return document.meaning(tuple(operations), tuple(meanings), model)


def _model(
    document: Document, blocks: Mapping[str, Mapping[str, Any]]
) -> tuple[Model, list[Defect]]:
    """What a session, a message and an event look like: as written, the rest inferred."""
    at = ("x-session-model",)
    declared = document.source.tree.get(at[0], {})
    inferred = infer_model(document, blocks) if blocks else {}
    model, defects = read_model({**inferred, **declared}, document.source, at)
    return read_model(declared, document.source, at) if defects else (model, [])


def _declared(document: Document, operation: Operation) -> Mapping[str, Any]:
    """The `x-session` block of an operation, as written."""
    block = pointers.first(document.source.tree, (*map(str, operation.pointer), "x-session"), {})
    return block if isinstance(block, dict) else {}


def _role(block: Mapping[str, Any]) -> Role | None:
    word = block.get("role", "none")
    return None if word == "none" else Role(word)


def _meaning(
    document: Document,
    operation: Operation,
    role: Role | None,
    block: Mapping[str, Any],
    guesses: Mapping[str, Any],
    overlays: Collection[str],
) -> Meaning:
    if (guess := guesses.get(operation.label)) is not None and "role" not in _declared(
        document, operation
    ):
        return Meaning(operation, role, INFERRED, guess.confidence, guess.reason, block)
    at = document.source.position((*operation.pointer, "x-session", "role"))
    source = OVERLAY if at.file in overlays else DECLARED
    return Meaning(operation, role, source, 1.0, f"said at {at}", block)


def _bind(
    document: Document, operation: Operation, meaning: Meaning, declared: Mapping[str, Any]
) -> tuple[Binding | None, list[Defect]]:
    """The binding of an operation; an inferred key that does not hold is left out."""
    at = (*operation.pointer, "x-session")
    if meaning.role is None:
        if declared.keys() - {"role"}:
            message = "x-session has no role, and none can be inferred"
            remedy = "Add `role: ...`, or `role: none`."
            if "role" not in declared:
                return None, [document.source.defect("D142", message, at, remedy)]
        return None, []
    whole = {**meaning.block, "role": meaning.role.value}
    binding, defects = read_binding(whole, document.source, at)
    if defects and declared.keys() != whole.keys():
        binding, defects = read_binding(
            {**declared, "role": meaning.role.value}, document.source, at
        )
    return binding, defects
