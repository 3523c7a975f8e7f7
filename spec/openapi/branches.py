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
        stack: list[tuple[Schema, bool]] = [(root, False)]
        while stack:
            node, is_done = stack.pop()
            if is_done:
                count = 1 + sum(self._counts.get(id(part), 0) for part in self._in_place(node))
                self._counts[id(node)] = min(count, MOST + 1)
                if count > MOST:
                    yield node
            elif id(node) not in self._counts:
                self._counts[id(node)] = 0  # what comes back to itself counts once
                self._counted.append(node)
                stack.append((node, True))
                stack += [(part, False) for part in (*self._in_place(node), *_parts(node, _BELOW))]

    def _in_place(self, node: Schema) -> Iterator[Schema]:
        yield from _parts(node, IN_PLACE)
        if isinstance(reference := node.get("$ref"), str):
            target = self._follow(reference)
            if isinstance(target, dict):
                yield target


def _parts(node: Schema, keywords: tuple[str, ...]) -> Iterator[Schema]:
    """The schemas that stand below some keywords."""
    for keyword in keywords:
        found = node.get(keyword)
        if isinstance(found, dict) and keyword in _MAPS:
            yield from (part for part in found.values() if isinstance(part, dict))
        elif isinstance(found, dict):
            yield found
        elif isinstance(found, list):
            yield from (part for part in found if isinstance(part, dict))


_MAPS = frozenset(("properties", "patternProperties", "dependentSchemas"))
