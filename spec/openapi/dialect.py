"""Which OpenAPI a document is written in, as far as it says so or lets it be guessed."""

from __future__ import annotations

import re
from typing import Any

from ..errors import SparringError
from ..text.source import Source
from . import swagger

_FULL = re.compile(r"3\.[0-2]\.[0-9]+(-.+)?")
_OF_2_0 = ("basePath", "consumes", "definitions", "host", "produces", "securityDefinitions")


def as_openapi_3(source: Source) -> tuple[Source, str]:
    """The document as OpenAPI 3 and its version; Swagger 2.0 is converted.

    A version that is odd or missing is a warning. Raises SparringError D110 for what is no
    OpenAPI document at all.
    """
    tree: Any = source.tree
    if not isinstance(tree, dict):
        raise SparringError(source.defect("D110", "a document is a mapping", ()))
    key = "openapi" if _said(tree.get("openapi")) else "swagger"
    said = _said(tree.get(key))
    version = said or _guess(tree)
    if version.startswith("2"):
        parts: tuple[str, ...] = ("paths", "definitions")
    else:
        parts = ("paths", "components", "webhooks")
    if not any(isinstance(tree.get(part), dict) for part in parts[: None if said else 1]):
        message = "this is not an OpenAPI document: it has no mapping `paths`"
        remedy = "An OpenAPI document begins with `openapi: 3.1.0` and has `paths`."
        if tree.keys() & {"script", "rules", "flow", "fallback"}:
            remedy = "It looks like a script: say --script before its name."
        raise SparringError(source.defect("D110", message, ("paths",), remedy))
    if key == "swagger" and version in ("2.0", "2.0.0") and isinstance(tree.get(key), str):
        return swagger.convert(source), "3.0.3"
    if key == "openapi" and isinstance(tree[key], str) and _FULL.fullmatch(version):
        return source, version
    found = f"`{key}: {said}` is no version that there is" if said else "no version is given"
    if version.startswith("2"):
        message = f"{found}; it is read as Swagger 2.0"
        source.warnings.append(source.defect("D110", message, (key,), "Write `swagger: '2.0'`."))
        return swagger.convert(source), "3.0.3"
    read = version if re.match(r"3\.[0-2]\b", version) else "3.1"
    message = f"{found}; it is read as OpenAPI {read}"
    source.warnings.append(source.defect("D110", message, (key,), f"Write `openapi: {read}.0`."))
    return source, read


def _said(version: Any) -> str:
    """The version as a text, empty when there is none."""
    return str(version) if isinstance(version, (str, int, float)) and version else ""


def _guess(tree: dict[str, Any]) -> str:
    old = "components" not in tree and any(key in tree for key in _OF_2_0)
    return "2.0" if old else "3.1"
