"""Schemas in one form, however they are written: alternatives of one JSON type each.

`allOf` and references are taken apart, unions multiplied out, types split, constants collected. A
term is a conjunction of the schemas at some paths; the empty one allows anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

import msgspec

from sparring.spec import pointers
from sparring.spec.document import Document
from sparring.spec.references import local_tokens
from sparring.spec.schemas import Path, View, items_of, members_of, required_of, types_of

Term = tuple[Path, ...]
Part = tuple[Path, Any]

TYPES = ("null", "boolean", "number", "string", "array", "object")
MAX_ALTERNATIVES = 400
NOTHING: Path = ("",)
"""The path of no schema: what stands there allows nothing."""

_UNIONS = ("oneOf", "anyOf")
_KEYWORDS = {
    "object": ("properties", "required", "additionalProperties", "patternProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("pattern", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
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
        mine = _KEYWORDS.get(self.type, ())
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
        return all(_SAYING.isdisjoint(node) for _, node in self.parts)

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
    """The alternatives of a term by type; `unions` are those of its unions that demand exactly one
    branch, `whole` is False where they were too many to be multiplied out."""

    by_type: Mapping[str, tuple[Shape, ...]]
    exclusive: tuple[tuple[Path, tuple[Path, ...]], ...]
    whole: bool
    parts: tuple[Part, ...]


class ShapeReader:
    """Reads the shapes of one document for one view."""

    def __init__(self, document: Document, view: View) -> None:
        self.document = document
        self.view = view
        self.tree = document.schemas.tree(view)
        self._shapes: dict[Term, Shapes] = {}
        self._flattened: dict[Term, tuple[list[Part], list[_Union]]] = {}

    def node(self, path: Path) -> Any:
        """What stands at a path."""
        return pointers.first(self.tree, tuple(map(str, path)), path != NOTHING)

    def is_hidden(self, term: Term) -> bool:
        """Whether a member with this term does not travel this way."""
        flag = self.view.value
        return any(node.get(flag) is True for _, node in self._flat(term)[0])

    def first_said(self, term: Term, keyword: str) -> tuple[Path, Any] | None:
        """What the nearest schema of a term says with a keyword, and where."""
        found = (((*p, keyword), n[keyword]) for p, n in self._flat(term)[0] if keyword in n)
        return next(found, None)

    def shapes(self, term: Term) -> Shapes:
        """The alternatives of a term."""
        found = self._shapes.get(term)
        if found is None:
            found = self._shapes[term] = self._read(term)
        return found

    def _read(self, term: Term) -> Shapes:
        parts, unions = self._flat(term)
        exclusive = tuple((p, branches) for p, kind, branches in unions if kind == "oneOf")
        alternatives, whole = self._multiplied(parts, unions, frozenset(term))
        by_type: dict[str, list[Shape]] = {}
        for alternative in alternatives:
            for shape in _typed(alternative):
                by_type.setdefault(shape.type, []).append(shape)
        merged = {type: _merged(found) for type, found in by_type.items()}
        return Shapes(merged, exclusive, whole, tuple(parts))

    def _multiplied(
        self, parts: list[Part], unions: list[_Union], seen: frozenset[Path]
    ) -> tuple[list[tuple[Part, ...]], bool]:
        """The conjunctions without unions that a conjunction with unions comes to."""
        if not unions:
            return [tuple(parts)], True
        choices, whole = [], True
        for _, _, branches in unions:
            found: list[tuple[Part, ...]] = []
            for branch in branches:
                target = self.target(branch)
                if target in seen:
                    continue  # a union that is one of its own alternatives
                below, below_whole = self._multiplied(
                    *self._flat((branch,)), seen | {branch, target}
                )
                found += below
                whole = whole and below_whole
            choices.append(found)
        if math.prod(map(len, choices)) > MAX_ALTERNATIVES:
            return [tuple(parts)], False
        return [_joined(parts, chosen) for chosen in product(*choices)], whole

    def target(self, path: Path) -> Path:
        """Where the references that a path leads to end."""
        for _ in range(64):
            node = self.node(path)
            ref = node.get("$ref") if isinstance(node, dict) and not _says_more(node) else None
            tokens = local_tokens(ref) if isinstance(ref, str) else None
            if tokens is None:
                break
            path = tokens
        return path

    def _flat(self, term: Term) -> tuple[list[Part], list[_Union]]:
        """The schemas that a term is made of by `allOf` and references, and their unions."""
        found = self._flattened.get(term)
        if found is None:
            found = self._flattened[term] = self._flatten(term)
        return found

    def _flatten(self, term: Term) -> tuple[list[Part], list[_Union]]:
        parts: list[Part] = []
        unions: list[_Union] = []
        seen: set[Path] = set()
        stack = list(reversed(term))
        while stack:
            path = stack.pop()
            if path in seen:
                continue
            seen.add(path)
            node = self.node(path)
            if node is False:
                parts.append((path, {"enum": []}))
            if not isinstance(node, dict):
                continue
            ref = node.get("$ref")
            tokens = local_tokens(ref) if isinstance(ref, str) else None
            below: list[Path] = [tokens] if tokens is not None else []
            below += [(*path, "allOf", i) for i in range(len(items_of(node, "allOf")))]
            for kind in _UNIONS:
                branches = tuple((*path, kind, i) for i in range(len(items_of(node, kind))))
                if len(branches) == 1:
                    below += branches
                elif branches:
                    unions.append((path, kind, branches))
            if tokens is None or _says_more(node):
                parts.append((path, node))
            stack += reversed(below)
        return parts, unions


_Union = tuple[Path, str, tuple[Path, ...]]
_NOTES = frozenset(("$ref", "title", "description", "summary", "example", "examples"))


def _says_more(node: Mapping[str, Any]) -> bool:
    """Whether beside a reference stands anything that counts."""
    return any(key not in _NOTES and not key.startswith("x-") for key in node)


def _joined(parts: list[Part], chosen: tuple[tuple[Part, ...], ...]) -> tuple[Part, ...]:
    """One conjunction: a branch before what stands around it, each part once."""
    both = [part for branch in chosen for part in branch] + parts
    return tuple({path: (path, node) for path, node in both}.values())


def _typed(parts: tuple[Part, ...]) -> Iterator[Shape]:
    """A conjunction, once for each JSON type that it allows."""
    types, integer, stated = set(TYPES), False, False
    values: dict[str, Any] | None = None
    for _, node in parts:
        if named := types_of(node):
            stated = True
            integer = integer or ("integer" in named and "number" not in named)
            types &= {"number" if name == "integer" else name for name in named}
        listed = [node["const"]] if "const" in node else None
        if isinstance(node.get("enum"), list):
            listed = [v for v in node["enum"] if listed is None or key_of(v) == key_of(listed[0])]
        if listed is not None:
            mine = {key_of(value): value for value in listed}
            values = mine if values is None else {k: v for k, v in values.items() if k in mine}
    hints: set[str] = set()
    if not stated and values is None:
        used = {keyword for _, node in parts for keyword in node}
        hints = {type for type, words in _KEYWORDS.items() if not used.isdisjoint(words)}
    for type in TYPES:
        if type not in types:
            continue
        own = None
        if values is not None:
            own = {k: v for k, v in values.items() if type_of(v) == type}
            if integer and type == "number":
                own = {k: v for k, v in own.items() if float(v).is_integer()}
            if not own:
                continue
        elif type == "boolean":
            own = {"true": True, "false": False}
        elif type == "null":
            own = {"null": None}
        hinted = bool(hints) and type not in hints
        yield Shape(type, parts, integer and type == "number", own, hinted)


def _merged(found: list[Shape]) -> tuple[Shape, ...]:
    """Alternatives that list their values are one; what another allows anyway is left out."""
    listed = [shape for shape in found if shape.values is not None]
    others = [shape for shape in found if shape.values is None]
    if any(_is_free(shape) for shape in others):
        return (next(shape for shape in others if _is_free(shape)),)
    if len(listed) > 1:
        values = {k: v for shape in listed for k, v in (shape.values or {}).items()}
        listed = [replace(listed[0], values=values)]
    return (*others, *listed)


_SAYING = (
    frozenset(
        (*_KEYWORDS["object"], *_KEYWORDS["array"], *_KEYWORDS["string"], *_KEYWORDS["number"])
    )
    | frozenset(
        ("format", "minProperties", "maxProperties", "uniqueItems", "propertyNames", "contains")
    )
    | frozenset(
        ("not", "if", "then", "else", "dependentRequired", "dependentSchemas", "contentSchema")
    )
    | frozenset(
        ("unevaluatedProperties", "unevaluatedItems", "contentEncoding", "contentMediaType")
    )
)


def _is_free(shape: Shape) -> bool:
    """Whether it allows every value of its type."""
    return not shape.integer and shape.is_plain
