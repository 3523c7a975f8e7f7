"""Which parts of two documents are written alike: what is need not be compared."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from sparring.spec import pointers
from sparring.spec.openapi.references import local_tokens
from sparring.spec.openapi.schemas import Path

_REFERENCE = re.compile(rb'"\$ref":("(?:[^"\\]|\\.)*")')


class Unchanged:
    """Compares texts, which is cheap; that two parts differ here does not say that they do."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self._trees = (old, new)
        self._below: dict[str, tuple[str, ...] | None] = {}
        self._same: dict[str, bool] = {}

    def __call__(self, old: Path, new: Path) -> bool:
        """Whether what stands at two paths is the same, references followed."""
        references = self._references(old, new)
        return references is not None and all(map(self._is_same, references))

    def _references(self, old: Path, new: Path) -> tuple[str, ...] | None:
        """What is referred to at both places; None where they differ."""
        texts = [
            msgspec.json.encode(pointers.first(tree, tuple(map(str, path))))
            for tree, path in zip(self._trees, (old, new), strict=True)
        ]
        if texts[0] != texts[1]:
            return None
        return tuple({str(msgspec.json.decode(m)) for m in _REFERENCE.findall(texts[0])})

    def _is_same(self, reference: str) -> bool:
        if reference not in self._same:
            reached, stack = {reference}, [reference]
            while stack:
                known = stack.pop()
                if known not in self._below:
                    at = local_tokens(known) or ()
                    self._below[known] = self._references(at, at)
                below = self._below[known]
                if below is None or any(self._same.get(one) is False for one in below):
                    self._same[reference] = False
                    return False
                stack += [one for one in below if one not in reached]
                reached.update(below)
            self._same |= dict.fromkeys(reached, True)
        return self._same[reference]
