"""Reads the schemas of a document by where they stand: members, alternatives, constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import pointers
from .schemas import Path, Validator, View, items_of, members_of, types_of

if TYPE_CHECKING:
    from .document import Document

_UNIONS = ("oneOf", "anyOf")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One alternative of a union: its schema, what its unions say besides, and the member and word
    by which a discriminator tells it from the others."""

    path: Path
    bases: tuple[Path, ...] = ()
    tag: tuple[str, str] | None = None


class SchemaReader:
    """The schemas of one document as they hold for one view."""

    def __init__(self, document: Document, view: View) -> None:
        self.document = document
        self.view = view
        self._resolved: dict[Path, tuple[Path, dict[str, Any]]] = {}
        self._members: dict[Path, dict[str, Path]] = {}
        self._parts: dict[Path, list[tuple[Path, dict[str, Any]]]] = {}

    def resolve(self, path: Path) -> tuple[Path, dict[str, Any]]:
        """The schema at `path` and where it stands when all references are followed."""
        found = self._resolved.get(path)
        if found is None:
            found = self._resolved[path] = self._resolve(path)
        return found

    def _resolve(self, path: Path) -> tuple[Path, dict[str, Any]]:
        tree = self.document.schemas.tree(self.view)
        for _ in range(64):
            node = pointers.first(tree, tuple(map(str, path)))
            target = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(target, str) or not target.startswith("#/"):
                break
            path = self.document.path_of(target)
        return path, node if isinstance(node, dict) else {}

    def title(self, path: Path) -> str:
        """What the document calls a schema: its title, else its name."""
        path, node = self.resolve(path)
        title = node.get("title")
        named = len(path) > 1 and path[-2] in ("schemas", "$defs", "definitions")
        return str(path[-1]) if named else title if isinstance(title, str) else ""

    def parts(self, path: Path) -> list[tuple[Path, dict[str, Any]]]:
        """A schema and all that it is made of by `allOf`; a nullable one is what it is if not."""
        found = self._parts.get(path)
        if found is None:
            found = self._parts[path] = list(self._parts_of(path, set()))
        return found

    def _parts_of(self, path: Path, seen: set[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
        path, node = self.resolve(path)
        if path in seen:
            return
        seen.add(path)
        yield path, node
        for index in range(len(items_of(node, "allOf"))):
            yield from self._parts_of((*path, "allOf", index), seen)
        branches = self._own_branches(path, node)
        if len(branches) == 1:
            yield from self._parts_of(branches[0], seen)

    def members(self, path: Path) -> dict[str, Path]:
        """The properties of a schema, to where their schemas stand."""
        known = self._members.get(path)
        if known is not None:
            return known
        found: dict[str, Path] = {}
        for part, node in self.parts(path):
            for name in members_of(node):
                found.setdefault(name, (*part, "properties", name))
        self._members[path] = found
        return found

    def required(self, path: Path) -> set[str]:
        """The members that a schema demands."""
        return {str(name) for _, node in self.parts(path) for name in items_of(node, "required")}

    def branches(self, path: Path) -> list[Path]:
        """The alternatives of a schema, null aside; none where there are not several."""
        for part, node in self.parts(path):
            found = self._own_branches(part, node)
            if len(found) > 1:
                return found
        return []

    def may_be_null(self, path: Path) -> bool:
        """Whether a schema or one of its alternatives is null."""
        node = self.resolve(path)[1]
        own = [
            self.resolve((*path, k, i))[1] for k in _UNIONS for i in range(len(items_of(node, k)))
        ]
        return any("null" in types_of(part) for part in (node, *own))

    def leaves(self, path: Path) -> list[Leaf]:
        """The alternatives of a schema and of these, down to those that have none."""
        return self._leaves(path, set())

    def _leaves(self, path: Path, seen: set[Path]) -> list[Leaf]:
        path = self.resolve(path)[0]
        seen.add(path)
        for part, inner in self.parts(path):
            branches = self._own_branches(part, inner)
            if len(branches) < 2:
                continue
            says_more = any(members_of(n) or items_of(n, "required") for _, n in self.parts(path))
            bases = (path,) if says_more else ()
            found = []
            for branch in branches:
                if self.branches(branch) and self.resolve(branch)[0] in seen:
                    continue  # a union that is one of its own alternatives
                tag = self._tag(inner, branch)
                for leaf in self._leaves(branch, seen):
                    found.append(Leaf(leaf.path, (*bases, *leaf.bases), leaf.tag or tag))
            return found
        return [Leaf(path)]

    def constants_of(self, schema: Mapping[str, Any]) -> list[Any]:
        """The only values that a schema allows; none where it allows any."""
        if "const" in schema:
            return [schema["const"]]
        return [value for value in items_of(schema, "enum") if value is not None]

    def validator(self, path: Path) -> Validator:
        """What validates the schema at `path`."""
        return self.document.schemas.at(path, self.view)

    def _own_branches(self, path: Path, node: Mapping[str, Any]) -> list[Path]:
        found = []
        for key in _UNIONS:
            for index in range(len(items_of(node, key))):
                at = (*path, key, index)
                if self.resolve(at)[1].get("type") != "null":
                    found.append(at)
        return found

    def _tag(self, union: Mapping[str, Any], branch: Path) -> tuple[str, str] | None:
        """The member and the word by which a discriminator knows a branch."""
        discriminator = members_of(union, "discriminator")
        name, target = discriminator.get("propertyName"), self.resolve(branch)[0]
        if not isinstance(name, str):
            return None
        for word, reference_ in members_of(discriminator, "mapping").items():
            if isinstance(reference_, str):
                known = reference_ if "#/" in reference_ else f"#/components/schemas/{reference_}"
                if self.resolve(self.document.path_of(known))[0] == target:
                    return name, word
        return None
