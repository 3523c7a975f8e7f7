"""Schema resources inside a document: what `$id` and anchors name becomes a pointer.

JSON Schema 2020-12, sections 8.2 and 9.2: an `$id` begins a resource of its own, in which `#/…`
starts. Authors often write it, or paste a schema with `$defs`, and still point into the document or
into the pasted schema, so whatever leads somewhere is taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from .. import pointers

Path = tuple[str | int, ...]
Scope = Mapping[str, Path]
"""Where each `$dynamicAnchor` leads, from one way into a schema."""

FILES = "x-sparring-files"
_SCOPES = "x-sparring-dynamic"
_DYNAMIC = ("$dynamicRef", "$recursiveRef")
_NAMES = ("$id", "$anchor", "$dynamicAnchor", *_DYNAMIC)
_DATA = frozenset(("example", "examples", "default", "enum", "const"))
_BASE = "file:///"  # `urljoin` joins nothing to an unknown scheme


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a mapping stands: the URI and the path of its resource, and where its anchors count."""

    node: dict[str, Any]
    path: Path
    base: str
    resource: Path
    home: Path


@dataclass
class _Index:
    tree: dict[str, Any]
    resources: dict[str, Path] = field(default_factory=dict)
    anchors: dict[tuple[Path, str], Path] = field(default_factory=dict)
    dynamic: dict[Path, dict[str, Path]] = field(default_factory=dict)
    """The dynamic anchors of each resource."""

    def home(self, path: Path) -> Path:
        """The resource that a path is in."""
        known = {*self.resources.values()}
        above = (path[:end] for end in range(len(path), 0, -1))
        return next((each for each in above if each in known), _pasted(path) or ())

    def target(self, place: _Place, reference: str) -> Path | None:
        """Where a reference leads if a resource or an anchor decides it."""
        url, fragment = urldefrag(urljoin(place.base, reference))
        resource = place.resource if url == place.base else self.resources.get(url)
        if resource is None:
            return None
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            return self.anchors.get((resource or place.home, fragment))
        target = (*resource, *pointers.split(fragment))
        return target if resource and _leads(self.tree, target) else None


def names_resources(node: dict[str, Any]) -> bool:
    """Whether a mapping may begin a resource, or have an anchor."""
    return any(isinstance(node.get(name), str) for name in _NAMES)


def may_name_resources(text: str) -> bool:
    """Whether a document with this text may; most say at once that they do not."""
    return not text or any(name in text for name in _NAMES)


def localise(tree: dict[str, Any]) -> None:
    """Makes every reference that an `$id` or an anchor decides a pointer into the document.

    Where a `$dynamicRef` leads hangs on the way to it: each way has a schema of its own.
    """
    index = _Index(tree)
    places = list(_places(tree, index))
    has_scopes = False
    for place in places:
        for keyword in ("$ref", *_DYNAMIC):
            reference = place.node.get(keyword)
            if not isinstance(reference, str):
                continue
            found = index.target(place, reference)
            if keyword == "$ref" and found is not None:
                place.node["$ref"] = f"#{pointers.join(found)}"
            elif keyword in _DYNAMIC:
                if found is None and reference[:1] == "#":
                    pasted = within(tree, place.path, reference)
                    found = pointers.split(pasted[1:]) if pasted else None
                del place.node[keyword]
                if found is not None:
                    place.node[_SCOPES] = [found, reference.partition("#")[2]]
                    has_scopes = True
    if has_scopes:
        _Scopes(index).fill([place for place in places if place.path == _pasted(place.path)])


class _Scopes:
    """Puts what they lead to in place of dynamic references."""

    def __init__(self, index: _Index) -> None:
        self._index = index
        self._before = deepcopy(index.tree)
        self._made: dict[tuple[Path, tuple[tuple[str, Path], ...]], str] = {}

    def fill(self, roots: list[_Place]) -> None:
        """Fills the schemas that are entered first."""
        scopes = [self._entered({}, self._index.home(root.path)) for root in roots]
        for root, scope in zip(roots, scopes, strict=True):
            self._made[_key(root.path, scope)] = f"#{pointers.join(root.path)}"
        for root, scope in zip(roots, scopes, strict=True):
            self._fill(root.node, root.path, scope)

    def _entered(self, scope: Scope, resource: Path) -> Scope:
        """The scope inside a resource: what is outside of it comes first."""
        return {**self._index.dynamic.get(resource, {}), **scope}

    def _fill(self, node: Any, path: Path, scope: Scope) -> None:
        if isinstance(node, list):
            for number, item in enumerate(node):
                self._fill(item, (*path, number), scope)
        if not isinstance(node, dict):
            return
        if isinstance(node.get("$id"), str):
            scope = self._entered(scope, path)
        for key, value in list(node.items()):
            if key not in _DATA and key != _SCOPES and not key.startswith("x-"):
                self._fill(value, (*path, key), scope)
        reference, dynamic = node.get("$ref"), node.pop(_SCOPES, None)
        if isinstance(reference, str) and reference.startswith("#/"):
            node["$ref"] = self._pointer(pointers.split(unquote(reference[1:])), scope)
        if isinstance(dynamic, list):
            found, anchor = dynamic
            schema = next(pointers.find(self._before, tuple(map(str, found))), None)
            if isinstance(schema, dict) and _dynamic_anchor(schema) == anchor:
                found = scope.get(anchor, found)
            target = {"$ref": self._pointer(found, scope)}
            if "$ref" in node:
                node["allOf"] = [*node.get("allOf", ()), target]
            else:
                node |= target

    def _pointer(self, target: Path, scope: Scope) -> str:
        """The schema at a path as it is from this scope."""
        scope = self._entered(scope, self._index.home(target))
        if not scope:
            return f"#{pointers.join(target)}"
        key = _key(target, scope)
        if key not in self._made:
            shelf = self._index.tree.setdefault(FILES, {}).setdefault(_SCOPES, {})
            name = str(len(shelf))
            self._made[key] = f"#/{FILES}/{_SCOPES}/{name}"
            shelf[name] = deepcopy(next(pointers.find(self._before, tuple(map(str, target))), {}))
            self._fill(shelf[name], target, scope)
        return self._made[key]


def _key(path: Path, scope: Scope) -> tuple[Path, tuple[tuple[str, Path], ...]]:
    return tuple(map(str, path)), tuple(sorted(scope.items()))


def within(tree: Any, path: Path, reference: str) -> str | None:
    """The pointer that `#/…` is meant to be in a schema that was pasted into a document; `path` is
    where it stands."""
    root = _pasted(path)
    if root is None or reference[1:2] not in ("", "/"):
        return None
    target = (*root, *pointers.split(unquote(reference[1:])))
    return f"#{pointers.join(target)}" if _leads(tree, target) else None


def _pasted(path: Path) -> Path | None:
    """The outermost schema around a place."""
    for index, key in enumerate(path):
        if key in ("schema", "itemSchema"):
            return path[: index + 1]
        if key == "schemas" and index == 1 and len(path) > 2:
            return path[:3]
    return None


def _places(tree: Any, index: _Index) -> Iterator[_Place]:
    """Every mapping that is no data, outer ones first."""
    left: deque[tuple[Any, Path, str, Path]] = deque([(tree, (), _BASE, ())])
    while left:
        node, path, base, resource = left.popleft()
        if isinstance(node, list):
            left += [(item, (*path, n), base, resource) for n, item in enumerate(node)]
        if not isinstance(node, dict):
            continue
        own = node.get("$id")
        if isinstance(own, str) and not own.startswith("#"):
            base, resource = urldefrag(urljoin(base, own))[0], path
            index.resources.setdefault(base, path)
        home = resource or _pasted(path) or ()
        anchors = [node.get("$anchor"), node.get("$dynamicAnchor")]
        anchors += [own[1:]] if isinstance(own, str) and own.startswith("#") else []
        for anchor in anchors:
            if isinstance(anchor, str):
                index.anchors.setdefault((home, anchor), path)
        if (name := _dynamic_anchor(node)) is not None:
            index.dynamic.setdefault(home, {}).setdefault(name, path)
        yield _Place(node, path, base, resource, home)
        for key, value in node.items():
            if isinstance(value, (dict, list)) and key not in _DATA and not key.startswith("x-"):
                left.append((value, (*path, key), base, resource))


def _dynamic_anchor(schema: dict[str, Any]) -> str | None:
    """The name to which a `$dynamicRef` may lead; in 2019-09 there is one, which has no name."""
    name = schema.get("$dynamicAnchor", "" if schema.get("$recursiveAnchor") is True else None)
    return name if isinstance(name, str) else None


def _leads(tree: Any, target: Path) -> bool:
    nothing = object()
    return next(pointers.find(tree, tuple(map(str, target))), nothing) is not nothing
