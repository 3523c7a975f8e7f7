"""Schemas in one form, however they are written: alternatives of one JSON type each.

`allOf` and references are taken apart, unions multiplied out, types split, constants collected. A
term is a conjunction of the schemas at some paths; the empty one allows anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from sparring.spec.openapi.schemas import Path, items_of, members_of, required_of

Term = tuple[Path, ...]
Part = tuple[Path, Any]

TYPES = ("null", "boolean", "number", "string", "array", "object")
KEYWORDS = {
    "object": ("properties", "required", "additionalProperties", "patternProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("pattern", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_MORE = {
    "object": (
        *("minProperties", "maxProperties", "propertyNames", "unevaluatedProperties"),
        *("dependentRequired", "dependentSchemas", "dependencies"),
    ),
    "array": ("uniqueItems", "contains", "unevaluatedItems"),
    "string": ("format", "contentEncoding", "contentMediaType", "contentSchema"),
    "number": ("format",),
}
_SAYING = {
    type: frozenset((*KEYWORDS.get(type, ()), *_MORE.get(type, ()), "not", "if")) for type in TYPES
}


def type_of(value: Any) -> str:
    """The JSON type of a value; an integer is a number."""
    if isinstance(value, bool):
        return "boolean"
    names = {int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def key_of(value: Any) -> str:
    """The same text for the same JSON value: 1.0 is 1, the order of members does not count."""
    return msgspec.json.encode(_plain(value), order="sorted").decode()


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value


@dataclass(frozen=True)
class Member:
    """What a schema says of one property: nothing, a term, or that there is none (`refused`)."""

    term: Term = ()
    named: bool = False
    refused: bool = False


@dataclass(frozen=True, eq=False)
class Shape:
    """One alternative: a conjunction of schemas without unions, for one JSON type.

    `values` are the only ones it allows, by their keys; None where it does not list them. `hinted`
    says that the type is not stated but follows from the keywords.
    """

    type: str
    parts: tuple[Part, ...]
    integer: bool = False
    values: Mapping[str, Any] | None = None
    hinted: bool = False

    @cached_property
    def path(self) -> Path:
        """Where the alternative stands: the part that says most of its type."""
        mine = KEYWORDS.get(self.type, ())
        said = [
            (sum(key in node for key in (*mine, "enum", "const")), -i)
            for i, (_, node) in enumerate(self.parts)
        ]
        return self.parts[-max(said)[1]][0] if said else ()

    @cached_property
    def name(self) -> str:
        """The component, or the title, of the alternative; empty where it has neither."""
        for path, _ in self.parts:
            if len(path) > 1 and path[-2] in ("schemas", "$defs", "definitions"):
                return str(path[-1])
        for _, node in self.parts:
            if isinstance(node.get("title"), str):
                return str(node["title"])
        return ""

    @cached_property
    def is_plain(self) -> bool:
        """Whether nothing but its type and its values restricts it."""
        return all(_SAYING[self.type].isdisjoint(node) for _, node in self.parts)

    def said(self, keyword: str) -> list[tuple[Path, Any]]:
        """What the parts say with a keyword, and where."""
        return [((*path, keyword), node[keyword]) for path, node in self.parts if keyword in node]

    @cached_property
    def required(self) -> Mapping[str, Path]:
        """The demanded members, to where that is said."""
        return {name: (*p, "required") for p, node in self.parts for name in required_of(node)}

    @cached_property
    def properties(self) -> tuple[str, ...]:
        """The named members, in the order in which they are written."""
        return tuple(dict.fromkeys(n for _, node in self.parts for n in members_of(node)))

    @cached_property
    def patterns(self) -> frozenset[str]:
        """The patterns of names that have a schema."""
        return frozenset(p for _, node in self.parts for p in members_of(node, "patternProperties"))

    def member(self, name: str | None) -> Member:
        """What it says of a property; None stands for any that it does not name."""
        found: list[Path] = []
        named = False
        for path, node in self.parts:
            properties = members_of(node)
            if name is not None and name in properties:
                named = True
                found.append((*path, "properties", name))
                if properties[name] is False:
                    return Member(refused=True)
                continue
            extra = node.get("additionalProperties")
            if extra is False and not members_of(node, "patternProperties"):
                return Member(refused=True)
            if isinstance(extra, dict) and extra:
                found.append((*path, "additionalProperties"))
            if node.get("unevaluatedProperties") is False and name not in self.properties:
                return Member(refused=True)
        return Member(tuple(found), named)

    def item(self, index: int | None) -> Term:
        """The term of an item; None stands for all behind the ones that have schemas of their
        own."""
        found: list[Path] = []
        for path, node in self.parts:
            first = items_of(node, "prefixItems")
            if index is not None and index < len(first):
                found.append((*path, "prefixItems", index))
            elif "items" in node and node["items"] is not True and node["items"] != {}:
                found.append((*path, "items"))
        return tuple(found)

    @cached_property
    def prefix(self) -> int:
        """How many items have schemas of their own."""
        return max((len(items_of(node, "prefixItems")) for _, node in self.parts), default=0)

    def bound(self, keyword: str) -> float | None:
        """The tightest value of a limit; that of an integer is inclusive."""
        lowest = keyword.startswith(("min", "exclusiveMin"))
        found = [v for _, v in self.said(keyword) if type_of(v) == "number"]
        return (max(found) if lowest else min(found)) if found else None

    def range(self) -> tuple[tuple[float, bool], tuple[float, bool]]:
        """The least and the greatest number, each with whether it is itself excluded."""
        low = max((self.bound("minimum"), 0), (self.bound("exclusiveMinimum"), 1), key=_least)
        high = min((self.bound("maximum"), 0), (self.bound("exclusiveMaximum"), -1), key=_most)
        least, most = _least(low), _most(high)
        if self.integer:
            if math.isfinite(least[0]):
                floor = math.floor(least[0]) + 1 if least[1] else math.ceil(least[0])
                least = (floor, 0)
            if math.isfinite(most[0]):
                ceiling = math.ceil(most[0]) - 1 if most[1] else math.floor(most[0])
                most = (ceiling, 0)
        return (least[0], bool(least[1])), (most[0], bool(most[1]))


def _least(bound: tuple[float | None, int]) -> tuple[float, int]:
    return (-math.inf, 0) if bound[0] is None else (bound[0], bound[1])


def _most(bound: tuple[float | None, int]) -> tuple[float, int]:
    return (math.inf, 0) if bound[0] is None else (bound[0], bound[1])


@dataclass(frozen=True, eq=False)
class Shapes:
    """The alternatives of a term by type.

    `parts` are what stands around its unions, `alternatives` all that these come to; `exclusive`
    are the branches of each union that demands exactly one of them; `whole` is False where unions
    were too large to be multiplied out, `lossy` says that an alternative made another needless.
    """

    by_type: Mapping[str, tuple[Shape, ...]]
    exclusive: Mapping[Path, tuple[Path, ...]]
    whole: bool
    lossy: bool
    parts: tuple[Part, ...]
    alternatives: tuple[tuple[Part, ...], ...]
