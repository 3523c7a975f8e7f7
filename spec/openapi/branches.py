"""Schemas whose branches meet again and again: their number doubles with every link of a chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

MOST = 10_000
"""How often checking one value may come to schemas for that very value."""

IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
_BELOW = (
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "prefixItems",
    "items",
    "unevaluatedItems",
    "contains",
)

Schema = dict[str, Any]


class Branches:
    """Counts the branches of schemas; each schema once, as many others may refer to it."""

    def __init__(self, follow: Callable[[str], Any]) -> None:
        self._follow = follow
        self._counts: dict[int, int] = {}
        self._counted: list[Schema] = []  # held, so that no other gets the id of one of them

    def too_many(self, root: Schema) -> Iterator[Schema]:
        """Every schema that `root` leads to and that has more than MOST branches. What holds one of
        them in place is one of them: a `oneOf` must not judge by branches that are cut."""
        stack: list[tuple[Schema, list[Schema] | None]] = [(root, None)]
        while stack:
            node, in_place = stack.pop()
            if in_place is not None:
                count = 1 + sum(self._counts.get(id(part), 0) for part in in_place)
                self._counts[id(node)] = min(count, MOST + 1)
                if count > MOST:
                    yield node
            elif id(node) not in self._counts:
                self._counted.append(node)
                if _KEYWORDS.isdisjoint(node):  # most schemas are like this
                    self._counts[id(node)] = 1
                    continue
                self._counts[id(node)] = 0  # what comes back to itself counts once
                in_place = self._in_place(node)
                stack.append((node, in_place))
                stack += [(part, None) for part in in_place]
                stack += [(part, None) for part in _parts(node, _BELOW)]

    def _in_place(self, node: Schema) -> list[Schema]:
        found = _parts(node, IN_PLACE)
        if isinstance(reference := node.get("$ref"), str):
            target = self._follow(reference)
            if isinstance(target, dict):
                found.append(target)
        return found


def _parts(node: Schema, keywords: tuple[str, ...]) -> list[Schema]:
    """The schemas that stand below some keywords."""
    parts: list[Any] = []
    for keyword in keywords:
        if keyword in node:
            found = node[keyword]
            if isinstance(found, dict):
                parts += found.values() if keyword in _MAPS else (found,)
            elif isinstance(found, list):
                parts += found
    return [part for part in parts if isinstance(part, dict)]


_MAPS = frozenset(("properties", "patternProperties", "dependentSchemas"))
_KEYWORDS = frozenset((*IN_PLACE, *_BELOW, "$ref"))
