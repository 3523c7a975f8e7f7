"""Reads the schemas of a document as shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from sparring.spec import pointers
from sparring.spec.openapi.document import Document
from sparring.spec.openapi.references import local_tokens
from sparring.spec.openapi.schemas import Path, View, items_of, types_of

from .shapes import KEYWORDS, TYPES, Part, Shape, Shapes, Term, key_of, type_of

MAX_ALTERNATIVES = 400

_UNIONS = ("oneOf", "anyOf")


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
        return pointers.first(self.tree, tuple(map(str, path)), True)

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
        exclusive: dict[Path, tuple[Path, ...]] = {}
        alternatives, whole = self._multiplied(parts, unions, frozenset(term), exclusive)
        by_type: dict[str, list[Shape]] = {}
        for alternative in alternatives:
            for shape in _typed(alternative):
                by_type.setdefault(shape.type, []).append(shape)
        merged = {type: _merged(found) for type, found in by_type.items()}
        lossy = any(len(merged[type]) < len(by_type[type]) for type in merged)
        return Shapes(merged, exclusive, whole, lossy, tuple(parts), tuple(alternatives))

    def _multiplied(
        self,
        parts: list[Part],
        unions: list[_Union],
        seen: frozenset[Path],
        exclusive: dict[Path, tuple[Path, ...]],
    ) -> tuple[list[tuple[Part, ...]], bool]:
        """The conjunctions without unions that a conjunction with unions comes to."""
        if not unions:
            return [tuple(parts)], True
        choices, whole = [], True
        for path, kind, branches in unions:
            if kind == "oneOf":
                exclusive[path] = branches
            found: list[tuple[Part, ...]] = []
            for branch in branches:
                target = self.target(branch)
                if target in seen:
                    continue  # a union that is one of its own alternatives
                below, below_whole = self._multiplied(
                    *self._flat((branch,)), seen | {branch, target}, exclusive
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
        hints = {type for type, words in KEYWORDS.items() if not used.isdisjoint(words)}
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


def _is_free(shape: Shape) -> bool:
    """Whether it allows every value of its type."""
    return not shape.integer and shape.is_plain
