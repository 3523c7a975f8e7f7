"""The credentials that a document asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """How a credential travels; `kind` is bearer, basic, apiKey or another word of OpenAPI."""

    name: str
    kind: str
    place: str = ""
    parameter: str = ""


def read_scheme(name: str, node: Mapping[str, Any]) -> SecurityScheme:
    """A scheme of `components.securitySchemes`."""
    kind = str(node.get("type", ""))
    if kind == "http":
        kind = str(node.get("scheme", "bearer")).lower()
    elif kind in ("oauth2", "openIdConnect"):
        kind = "bearer"
    return SecurityScheme(name, kind, str(node.get("in", "")), str(node.get("name", "")))


def read_requirements(
    nodes: Iterable[Any], schemes: Mapping[str, SecurityScheme]
) -> tuple[tuple[tuple[SecurityScheme, ...], ...], set[str]]:
    """The alternatives of a `security`, and the schemes they name that there are not.

    An alternative is left out when nothing of it is known; when none is left, no key is asked for.
    """
    alternatives = []
    missing: set[str] = set()
    for node in nodes:
        names = list(node) if isinstance(node, dict) else []
        known = tuple(schemes[name] for name in names if name in schemes)
        missing |= set(names) - set(schemes)
        if known or not names:
            alternatives.append(known)
    return tuple(alternatives), missing
