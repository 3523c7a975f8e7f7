"""The keys that operations ask for: each alternative by how its keys travel, with their scopes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparring.spec import pointers
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.references import local_tokens
from sparring.spec.openapi.schemas import Path
from sparring.spec.openapi.security import read_scheme

from .changes import Changes

Key = tuple[str, str, str]
Needs = Mapping[Key, frozenset[str]]


class Security:
    """Compares what operations ask for."""

    def __init__(self, old: Document, new: Document, changes: Changes) -> None:
        self._documents = (old, new)
        self._schemes = (_schemes(old), _schemes(new))
        self._changes = changes

    def compare(self, old: Operation, new: Operation) -> None:
        """Notes how the keys of two operations differ."""
        before, place = _needs(self._documents[0], old, self._schemes[0])
        after, here = _needs(self._documents[1], new, self._schemes[1])

        def say(kind: str, message: str) -> None:
            self._changes.add(kind, message, place, here, operation=new.label, part="security")

        was_open, is_open = ({} in alternatives for alternatives in (before, after))
        if was_open and not is_open:
            say("security-added", f"a key is asked for: {' or '.join(map(_shown, after))}")
            return
        if is_open and not was_open:
            say("security-removed", "no key is asked for")
            return
        for needs in before:
            best = [other for other in after if other.keys() <= needs.keys()]
            if not best:
                say("security-scheme-removed", f"{_shown(needs)} is no longer taken")
            elif not any(_suffices(needs, other) for other in best):
                scopes = sorted({s for k, mine in best[0].items() for s in mine - needs[k]})
                say("scope-added", f"{_shown(needs)} needs the scope {', '.join(scopes)}")
            elif all(needs != other for other in best):
                same = [other for other in best if other.keys() == needs.keys()]
                if same:
                    gone = sorted({s for k, mine in needs.items() for s in mine - same[0][k]})
                    say("scope-removed", f"{_shown(needs)} no longer needs {', '.join(gone)}")
        for needs in after:
            if all(needs.keys() != other.keys() for other in before):
                say("security-scheme-added", f"{_shown(needs)} is taken too")


def _suffices(held: Needs, asked: Needs) -> bool:
    return all(scopes <= held[key] for key, scopes in asked.items())


def _shown(needs: Needs) -> str:
    words = [f"{kind} {name} in {place}" if place else kind for kind, place, name in needs]
    return " and ".join(words) or "no key"


def _node(document: Document, path: Path) -> Any:
    node: Any = pointers.first(document.source.tree, tuple(map(str, path)))
    for _ in range(64):
        ref = node.get("$ref") if isinstance(node, dict) else None
        tokens = local_tokens(ref) if isinstance(ref, str) else None
        if tokens is None:
            break
        node = pointers.first(document.source.tree, tokens)
    return node


def _schemes(document: Document) -> dict[str, Key]:
    path = ("components", "securitySchemes")
    found = {}
    nodes = _node(document, path)
    for name in nodes if isinstance(nodes, dict) else ():
        node = _node(document, (*path, name))
        if isinstance(node, dict):
            scheme = read_scheme(name, node)
            place = scheme.place if scheme.kind == "apiKey" else ""
            found[name] = (scheme.kind, place, scheme.parameter if place else "")
    return found


def _needs(
    document: Document, operation: Operation, schemes: Mapping[str, Key]
) -> tuple[list[Needs], Path]:
    """The alternatives of an operation, and where they are said; without any it is open."""
    own = _node(document, operation.pointer)
    local = isinstance(own, dict) and "security" in own
    path: Path = (*operation.pointer, "security") if local else ("security",)
    nodes = _node(document, path)
    found: list[Needs] = []
    for node in nodes if isinstance(nodes, list) else ():
        if not isinstance(node, dict):
            continue
        needs = {
            schemes[name]: frozenset(map(str, scopes if isinstance(scopes, list) else ()))
            for name, scopes in node.items()
            if name in schemes
        }
        if needs or not node:
            found.append(needs)
    return found or [{}], path
