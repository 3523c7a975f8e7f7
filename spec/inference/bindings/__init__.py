"""Where the parts of an operation's meaning stand, once its role is known.

The modules of this package are imported when something is to be inferred: mostly that is known from
the cache, and a server starts the sooner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...meaning.binding import Role
    from ...openapi.document import Document

__all__ = ["infer_bindings", "infer_model"]


def infer_bindings(document: Document, roles: Mapping[str, Role]) -> dict[str, dict[str, Any]]:
    """An `x-session` block for each operation that has a role; both by the operation's label."""
    from .blocks import infer_bindings

    return infer_bindings(document, roles)


def infer_model(document: Document, blocks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An `x-session-model` of the document's main kind of session, from its operations' blocks."""
    from .models import infer_model

    return infer_model(document, blocks)
