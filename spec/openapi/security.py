"""The credentials that a document asks for."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .document import Operation

_PLACEABLE = frozenset({"bearer", "basic", "apikey"})


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


Credentials = tuple[dict[str, str], list[tuple[str, str]]]


def credentials(schemes: Sequence[SecurityScheme], key: str) -> Credentials:
    """The headers and query parameters that give `key` in the way of these schemes."""
    headers: dict[str, str] = {}
    query: list[tuple[str, str]] = []
    for scheme in schemes:
        if scheme.kind == "bearer":
            headers["Authorization"] = f"Bearer {key}"
        elif scheme.kind == "basic":
            pair = key if ":" in key else f"{key}:"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif scheme.place == "query":
            query.append((scheme.parameter, key))
        elif scheme.place == "cookie":
            headers["Cookie"] = f"{scheme.parameter}={key}"
        elif scheme.kind.lower() == "apikey":
            headers[scheme.parameter] = key
    return headers, query


def usable_security(operation: Operation) -> tuple[tuple[SecurityScheme, ...], ...]:
    """The ways in which a key can be given to an operation; empty when it needs none."""
    if not all(operation.security):
        return ()
    return tuple(
        way for way in operation.security if way and all(s.kind.lower() in _PLACEABLE for s in way)
    )
