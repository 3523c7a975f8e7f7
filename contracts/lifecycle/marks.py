"""What marks the sessions of a walk, so that a filter of the list finds them and no others."""

from __future__ import annotations

import copy
from typing import Any

from sparring.spec.openapi.document import Document, Operation

from ..scenarios.listing import filters as filtered
from ..scenarios.listing import rule_of
from .model import pick
from .walk import Walk

VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"k": "1", "n": {"a": 1, "b": {"c": 2}}},
    {"k": 1, "m": "Abc"},
    {"k": True, "n": {"a": 1, "b": 1}},
    {"k": None, "n": {"a": 1, "b": 2}},
    {"k": "Abc def", "Big": 1.5},
    {"n": {"a": 1}, "list": [1, {"x": None}]},
)


def tag_name(document: Document, listing: Operation | None) -> str:
    """The attribute whose members a filter of the list compares; empty where none does."""
    if listing is None or filtered("exact-json")(document, listing):
        return ""
    return rule_of(listing, "exact-json").at[0]


def value(walk: Walk, n: int) -> dict[str, Any]:
    """An object with the word of the walk, and with members that filters can mistake."""
    return {"tag": walk.word, **copy.deepcopy(pick(VARIANTS, n))}
