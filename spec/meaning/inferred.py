"""What is inferred of a document, and how that is kept between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from .. import pointers
from ..inference.bindings import infer_bindings, infer_model
from ..text import cache
from .binding import Role

if TYPE_CHECKING:
    from ..openapi.document import Document, Operation


class Guess(msgspec.Struct, frozen=True):
    """The role that an operation seems to have, how sure that is (0 to 1), and why."""

    role: Role | None
    confidence: float
    reason: str


class Inferred(msgspec.Struct, frozen=True):
    """Guesses and `x-session` blocks by the labels of the operations, and an `x-session-model`.

    An operation whose role is declared needs no guess.
    """

    guesses: dict[str, Guess]
    blocks: dict[str, dict[str, Any]]
    model: dict[str, Any]

    def role(self, document: Document, operation: Operation) -> Role | None:
        """The role of an operation, declared or guessed."""
        block = declared(document, operation)
        if "role" not in block:
            return self.guesses[operation.label].role
        return None if block["role"] == "none" else Role(block["role"])

    def block(self, document: Document, operation: Operation) -> dict[str, Any]:
        """The whole `x-session` block of an operation: what is declared wins, key by key."""
        block = dict(self.blocks.get(operation.label, {}))
        rows = document.source.tree.get("x-session-model", {})
        if rows.keys() & {"message", block.get("shape")}:
            block.pop("row", None)  # the author has said what a row looks like, of events too
        return block | declared(document, operation)


def declared(document: Document, operation: Operation) -> dict[str, Any]:
    """The `x-session` block of an operation, as written."""
    block = pointers.first(document.source.tree, (*map(str, operation.pointer), "x-session"), {})
    return block if isinstance(block, dict) else {}


def infer(document: Document) -> Inferred:
    """All that a document does not declare."""
    from ..inference.roles import infer_roles  # late: mostly the roles are known

    guesses = {}
    if any("role" not in declared(document, operation) for operation in document.operations):
        guesses = {
            guess.operation.label: Guess(guess.role, guess.confidence, guess.reason)
            for guess in infer_roles(document)
        }
    known = Inferred(guesses, {}, {})
    roles = {o.label: role for o in document.operations if (role := known.role(document, o))}
    known = Inferred(guesses, infer_bindings(document, roles), {})
    blocks = {o.label: known.block(document, o) for o in document.operations if o.label in roles}
    return Inferred(guesses, known.blocks, infer_model(document, blocks) if blocks else {})


def read(key: str) -> Inferred | None:
    """What was inferred of the document that has this key, None when that was not kept."""
    data = cache.read(key)
    return msgspec.json.decode(data, type=Inferred) if data else None


def write(key: str, inferred: Inferred) -> None:
    """Keeps what is inferred for the next run."""
    try:
        data = msgspec.json.encode(inferred)
    except (OverflowError, ValueError, TypeError):  # a number or a text that JSON can't have
        return
    cache.write(key, data)
