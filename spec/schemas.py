"""The JSON Schemas of a document: brought to the 2020-12 dialect, compiled once, shared by all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from . import pointers
from .errors import SparringError
from .source import Source

Path = tuple[str | int, ...]

_URI = "urn:sparring:document"
_ONE = (
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")


class View(Enum):
    """Which way a value travels: requests need no `readOnly` member, responses no `writeOnly`."""

    REQUEST = "readOnly"
    RESPONSE = "writeOnly"


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a value breaks its schema; `pointer` is a JSON Pointer into the value."""

    pointer: str
    keyword: str
    message: str


class Validator:
    """One compiled schema."""

    __slots__ = ("_validator", "is_valid")

    def __init__(self, validator: Any) -> None:
        self._validator = validator
        self.is_valid: Callable[[Any], bool] = validator.is_valid

    def violations(self, value: Any, limit: int = 20) -> list[Violation]:
        """What is wrong with `value`: nothing, or at most `limit` violations."""
        found: list[Violation] = []
        for error in self._validator.iter_errors(value):
            for path in _where(error):
                found.append(Violation(pointers.join(path), error.kind.name, error.message))
            if len(found) >= limit:
                break
        return found[:limit]


def _where(error: jsonschema_rs.ValidationError) -> list[list[str | int]]:
    """The places of an error: of a member that is missing or too many, the member itself."""
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return [[*error.instance_path, kind.property]]
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return [[*error.instance_path, name] for name in kind.unexpected]
    return [error.instance_path]


class BadSchema(SparringError, ValueError):
    """A schema that can't be compiled."""


class Schemas:
    """Compiles the schemas of one document. Formats are asserted, nothing is ever fetched."""

    def __init__(self, tree: dict[str, Any], *, modern: bool, source: Source | None = None) -> None:
        """`modern` says that the schemas are written in 2020-12 already (OpenAPI 3.1 and later);
        `source` knows where they stand."""
        self._source = source or Source("", "", tree, {})
        self._trees = {view: _normalise(tree, view, modern) for view in View}
        self._registries: dict[View, jsonschema_rs.Registry] = {}
        self._compiled: dict[tuple[View, Path], Validator] = {}

    def tree(self, view: View) -> dict[str, Any]:
        """The document with its schemas in the 2020-12 dialect, as they hold for this view."""
        return self._trees[view]

    def at(self, path: Path, view: View) -> Validator:
        """The validator of the schema at `path`. Raises BadSchema."""
        key = (view, path)
        if key not in self._compiled:
            self._compiled[key] = self.compile({"$ref": reference(path)}, view)
        return self._compiled[key]

    def compile(self, schema: dict[str, Any], view: View) -> Validator:
        """A validator of a schema that may use `reference`. Raises BadSchema."""
        if view not in self._registries:
            self._registries[view] = jsonschema_rs.Registry([(_URI, self._trees[view])])
        try:
            return Validator(
                jsonschema_rs.Draft202012Validator(
                    schema, registry=self._registries[view], validate_formats=True, offline=True
                )
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            reason = str(error).split("\n", 1)[0]
            where = tuple(getattr(error, "instance_path", ()))  # the broken part of the document
            defect = self._source.defect("D130", f"a schema can't be compiled: {reason}", where)
            raise BadSchema(defect) from None


# What a schema says with a keyword. What has the wrong type counts as absent: compiling the schema
# tells of it.


def items_of(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    """The array that a keyword has."""
    found = schema.get(keyword)
    return found if isinstance(found, list) else []


def members_of(schema: Mapping[str, Any], keyword: str = "properties") -> dict[str, Any]:
    """The object that a keyword has."""
    found = schema.get(keyword)
    return found if isinstance(found, dict) else {}


def required_of(schema: Mapping[str, Any]) -> list[str]:
    """The members that a schema demands."""
    return [name for name in items_of(schema, "required") if isinstance(name, str)]


def types_of(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types that a schema names; none when it leaves that open."""
    stated = [schema.get("type"), *items_of(schema, "type")]
    return {name for name in stated if isinstance(name, str)}


def reference(path: Path) -> str:
    """The URI of the schema at `path`, for schemas handed to `Schemas.compile`."""
    return f"{_URI}#{quote(pointers.join(path), safe='/~')}"


def _normalise(tree: dict[str, Any], view: View, modern: bool) -> dict[str, Any]:
    """Rewrites the schemas of the document; what needs no change is shared, not copied."""

    def deref(schema: Any) -> Any:
        for _ in range(32):
            ref = schema.get("$ref") if isinstance(schema, dict) else None
            if not isinstance(ref, str) or not ref.startswith("#"):
                break
            schema = pointers.first(tree, pointers.split(ref[1:]))
        return schema if isinstance(schema, dict) else {}

    def rewrite_schema(schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        new = dict(schema)
        for key in _ONE:
            if key in new:
                value = new[key]
                new[key] = (
                    [rewrite_schema(v) for v in value]
                    if isinstance(value, list)
                    else rewrite_schema(value)
                )
        for key in _LISTS:
            if isinstance(new.get(key), list):
                new[key] = [rewrite_schema(item) for item in new[key]]
        for key in _MAPS:
            if isinstance(new.get(key), dict):
                new[key] = {name: rewrite_schema(item) for name, item in new[key].items()}
        required, properties = new.get("required"), new.get("properties")
        if isinstance(required, list) and isinstance(properties, dict):
            left = [
                name
                for name in required
                if not (isinstance(name, str) and deref(properties.get(name)).get(view.value))
            ]
            if len(left) < len(required):
                new["required"] = left
        _modernise_bounds(new)
        if not modern:
            _modernise(new)
        elif new.pop("nullable", False) is True:  # real 3.1 documents still say it that way
            _allow_null(new)
        return new if new != schema else schema

    def rewrite(node: Any, schemas: bool = False) -> Any:
        if isinstance(node, list):
            items = [rewrite(item) for item in node]
            return items if any(a is not b for a, b in zip(items, node, strict=True)) else node
        if not isinstance(node, dict):
            return node
        new = {}
        for key, value in node.items():
            if schemas or (key in ("schema", "itemSchema") and isinstance(value, dict)):
                new[key] = rewrite_schema(value)
            elif key in ("example", "examples") or key.startswith("x-"):
                new[key] = value
            else:
                new[key] = rewrite(value, key == "schemas")
        return new if any(new[k] is not node[k] for k in node) else node

    rewritten: dict[str, Any] = rewrite(tree)
    return rewritten


def _modernise_bounds(schema: dict[str, Any]) -> None:
    """Turns `exclusiveMinimum: true` into a bound; real 3.1 documents still say it that way."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        flag = schema.get(exclusive)
        if isinstance(flag, bool):
            del schema[exclusive]
            if flag and bound in schema:
                schema[exclusive] = schema.pop(bound)


def _modernise(schema: dict[str, Any]) -> None:
    """Brings one schema of OpenAPI 3.0 (a dialect of draft 5) to 2020-12, in place."""
    schema.pop("$schema", None)
    schema.pop("id", None)
    if "$ref" in schema:  # the siblings of a reference do not count in this dialect
        reference_only = schema["$ref"]
        schema.clear()
        schema["$ref"] = reference_only
        return
    if isinstance(schema.get("required"), bool):
        del schema["required"]
    if schema.pop("nullable", False) is True:
        _allow_null(schema)


def _allow_null(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    branches: Iterable[str] = ("allOf", "oneOf", "anyOf")
    if any(key in schema for key in branches):
        inner = {key: schema.pop(key) for key in branches if key in schema}
        schema["anyOf"] = [inner, {"type": "null"}]
