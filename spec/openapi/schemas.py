"""The JSON Schemas of a document: brought to the 2020-12 dialect, compiled once, shared by all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jsonschema_rs

from .. import pointers
from ..errors import Defect, SparringError
from . import branches
from .branches import Branches
from .references import local_tokens, nodes
from .resources import FILES

if TYPE_CHECKING:  # few schemas are broken, and only these need to know where they stand
    from ..text.source import Source

Path = tuple[str | int, ...]

_URI = "urn:sparring:document"
_ONE = frozenset(
    (
        "additionalItems",
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
)
_LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_OF_OLDER_DIALECTS = frozenset(
    ("$schema", "$id", "id", "nullable", "exclusiveMinimum", "exclusiveMaximum", "dependencies")
)
_OF_SCHEMAS = frozenset(("type", "nullable", "enum", "properties", *_LISTS))
_REPAIRS = 200  # broken parts of one schema
_LONGEST = 2000  # characters of a message, which may quote the value
_MOST_PARTS = 5000  # of a value of which every error is told
_MOST_CHARACTERS = 256 * 1024
_MAPS = frozenset(
    ("$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties")
)


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
        """What is wrong with `value`: nothing, or at most `limit` violations; of a large value
        only the first."""
        found: list[Violation] = []
        for error in self._errors(value):
            for path in _where(error):
                message = error.message[:_LONGEST]
                found.append(Violation(pointers.join(path), error.kind.name, message))
            if len(found) >= limit:
                break
        return found[:limit]

    def _errors(self, value: Any) -> Iterable[jsonschema_rs.ValidationError]:
        """The errors, all of which exist at once, each with a copy of what it speaks of."""
        if self.is_valid(value):
            return ()
        if not _is_large(value):
            return self._validator.iter_errors(value)  # type: ignore[no-any-return]
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return (error.with_traceback(None),)  # whose frames hold the value
        return ()


def _is_large(value: Any) -> bool:
    """Whether a value has so many parts, or such long texts, that its errors could fill the
    memory."""
    parts = characters = 0
    left: list[Any] = [[value]]
    while left:
        part = left.pop()
        parts += len(part)
        if parts > _MOST_PARTS or characters > _MOST_CHARACTERS:
            return True
        if isinstance(part, dict):
            characters += sum(map(len, part))
            part = part.values()
        for inner in part:
            if isinstance(inner, str):
                characters += len(inner)
            elif isinstance(inner, (list, dict)):
                left.append(inner)
    return characters > _MOST_CHARACTERS


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
        self._source = source
        self._tree = tree
        self._modern = modern
        self._trees: dict[View, dict[str, Any]] = {}
        self._registries: dict[int, jsonschema_rs.Registry] = {}  # by the id of the tree
        self._compiled: dict[tuple[View, Path], Validator] = {}
        self._targets: dict[tuple[View, str], Any] = {}
        self._branches: dict[View, Branches] = {}

    def tree(self, view: View) -> dict[str, Any]:
        """The document with its schemas in the 2020-12 dialect, as they hold for this view."""
        if view not in self._trees:
            tree, differs = _normalise(self._tree, view, self._modern)
            for same in (view,) if differs else View:
                self._trees[same] = tree
        return self._trees[view]

    def target(self, reference: str, view: View) -> Any:
        """What a local reference leads to in the tree of this view; {} when to nothing."""
        key = (view, reference)
        if key not in self._targets:
            tokens = local_tokens(reference) or ()
            self._targets[key] = pointers.first(self.tree(view), tokens, {})
        return self._targets[key]

    def at(self, path: Path, view: View) -> Validator:
        """The validator of the schema at `path`; what can't be compiled takes any value, which is
        a warning."""
        key = (view, path)
        if key not in self._compiled:
            try:
                self._compiled[key] = self.compile({"$ref": reference(path)}, view)
            except BadSchema as error:
                message = f"{error.defects[0].message}; anything is valid there"
                self._warn(message, path)
                self._compiled[key] = Validator(jsonschema_rs.Draft202012Validator(True))
        return self._compiled[key]

    def compile(self, schema: dict[str, Any], view: View) -> Validator:
        """A validator of a schema that may use `reference`.

        Parts of the document that can't be compiled are taken out of it, each with a warning.
        Raises BadSchema when it is the schema itself that can't.
        """
        self._cut_branches(schema, view)
        for _ in range(_REPAIRS):
            tree = self.tree(view)
            if id(tree) not in self._registries:
                self._registries[id(tree)] = jsonschema_rs.Registry([(_URI, tree)])
            try:
                return Validator(
                    jsonschema_rs.Draft202012Validator(
                        schema,
                        registry=self._registries[id(tree)],
                        validate_formats=True,
                        offline=True,
                    )
                )
            except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
                failed = error
            reason = f"a schema can't be compiled: {str(failed).split(chr(10), 1)[0]}"
            where = tuple(getattr(failed, "instance_path", ()))  # the broken part of the document
            if not self._take_out(where, view, reason):
                break
        raise BadSchema(Defect("D130", reason))

    def _cut_branches(self, schema: dict[str, Any], view: View) -> None:
        """Takes the branches from every schema that has too many to check a value in time."""
        if view not in self._branches:
            self._branches[view] = Branches(lambda ref: self.target(ref.removeprefix(_URI), view))
        for found in self._branches[view].too_many(schema):
            where = next((path for node, path in nodes(self.tree(view)) if node is found), ())
            message = f"a value would be checked more than {branches.MOST} times by this schema"
            self._warn(f"{message}; its branches are ignored", where)
            for keyword in ("$ref", *branches.IN_PLACE):
                found.pop(keyword, None)
            self._registries.clear()

    def _warn(self, message: str, where: Path) -> None:
        if self._source is not None:
            self._source.warnings.append(self._source.defect("D130", message, where))

    def _take_out(self, where: Path, view: View, reason: str) -> bool:
        """Takes the broken part at `where` out of the document: the keyword, or what it holds."""
        if len(where) > 1 and isinstance(where[-1], int) and where[-2] not in (*_LISTS, "items"):
            where = where[:-1]  # a list of which one item is broken: all of it
        node: Any = self.tree(view)
        for key in where[:-1]:
            node = node[key] if _has(node, key) else None
        if not where or not _has(node, where[-1]):
            return False
        self._warn(f"{reason}; it is ignored", where)
        named = isinstance(node, list) or (len(where) > 1 and where[-2] in (*_MAPS, "schemas"))
        if named or where[-1] in ("schema", "itemSchema"):
            node[where[-1]] = {}
        else:
            del node[where[-1]]
        self._registries.clear()  # both views may share the part
        self._targets.clear()
        return True


def _has(node: Any, key: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(key, int) and key < len(node)
    return isinstance(node, dict) and key in node


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


def _normalise(tree: dict[str, Any], view: View, modern: bool) -> tuple[dict[str, Any], bool]:
    """The document with its schemas rewritten, and whether another view of it would differ; what
    needs no change is shared, not copied."""
    one_way = frozenset(v.value for v in View)
    followed: dict[str, Any] = {}
    differs = False

    def deref(schema: Any) -> Any:
        ref = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(ref, str):
            return schema if isinstance(schema, dict) else {}
        if ref not in followed:
            followed[ref] = {}  # where it leads in a circle
            tokens = local_tokens(ref)
            followed[ref] = deref(pointers.first(tree, tokens)) if tokens is not None else {}
        return followed[ref]

    def demanded(schema: dict[str, Any]) -> list[str]:
        """What `required` demands in this view, each once: some validators count."""
        nonlocal differs
        properties = schema.get("properties")
        names = list(dict.fromkeys(n for n in schema["required"] if isinstance(n, str)))
        if not isinstance(properties, dict):
            return names
        left = []
        for name in names:
            found = deref(properties.get(name))
            if one_way.isdisjoint(found):
                left.append(name)
                continue
            differs = True
            if not found.get(view.value):
                left.append(name)
        return left

    def rewrite_all(nodes: dict[str, Any]) -> dict[str, Any]:
        new = {name: rewrite_schema(node) for name, node in nodes.items()}
        return new if any(new[name] is not nodes[name] for name in new) else nodes

    def rewrite_list(nodes: list[Any]) -> list[Any]:
        new = [rewrite_schema(node) for node in nodes]
        return new if any(a is not b for a, b in zip(new, nodes, strict=True)) else nodes

    def rewrite_schema(schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        if not modern and "$ref" in schema:  # its siblings do not count in OpenAPI 3.0
            return {"$ref": schema["$ref"]} if len(schema) > 1 else schema
        new: dict[str, Any] = {}  # the members that change
        for key, value in schema.items():
            part = value
            if isinstance(value, dict):
                if key in _ONE:
                    part = rewrite_schema(value)
                elif key in _MAPS:
                    part = rewrite_all(value)
            elif isinstance(value, list):
                if key in _LISTS or key == "items":
                    part = rewrite_list(value)
                elif key == "required":
                    part = demanded(schema)
                    part = value if part == value else part
            if part is not value:
                new[key] = part
        older = not _OF_OLDER_DIALECTS.isdisjoint(schema) or schema.get("type") == "file"
        older = older or isinstance(schema.get("required"), bool)
        if older or isinstance(schema.get("items"), list):
            new = {**schema, **new}
            _modernise(new)
            return new
        return {**schema, **new} if new else schema

    def rewrite(node: Any, schemas: bool = False) -> Any:
        if isinstance(node, list):
            items = [rewrite(i) if isinstance(i, (dict, list)) else i for i in node]
            return items if any(a is not b for a, b in zip(items, node, strict=True)) else node
        if not isinstance(node, dict):
            return node
        new = {}
        for key, value in node.items():
            if not isinstance(value, (dict, list)):
                new[key] = value
            elif schemas or (key in ("schema", "itemSchema") and isinstance(value, dict)):
                new[key] = rewrite_schema(value)
            elif key == FILES:
                new[key] = rewrite_part(value)
            elif key in ("example", "examples") or key.startswith("x-"):
                new[key] = value
            else:
                new[key] = rewrite(value, key == "schemas")
        return new if any(new[k] is not node[k] for k in node) else node

    def rewrite_part(node: Any) -> Any:
        """Any node of a file beside the document, which may be a schema where it looks like one."""
        if isinstance(node, list):
            return [rewrite_part(item) for item in node]
        if not isinstance(node, dict):
            return node
        if _OF_SCHEMAS.isdisjoint(node):
            return {key: rewrite_part(value) for key, value in node.items()}
        return rewrite_schema(node)

    rewritten: dict[str, Any] = rewrite(tree)
    return rewritten, differs


def _modernise(schema: dict[str, Any]) -> None:
    """Brings one schema to 2020-12, in place. Documents of every version say things as older
    dialects did, so each is taken for what it means."""
    for identity in ("$schema", "$id", "id"):  # references here are pointers into the document
        if isinstance(schema.get(identity), str):
            del schema[identity]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        flag = schema.get(exclusive)
        if isinstance(flag, bool):
            del schema[exclusive]
            if flag and bound in schema:
                schema[exclusive] = schema.pop(bound)
    if isinstance(schema.get("items"), list):
        schema["prefixItems"] = schema.pop("items")
        if "additionalItems" in schema:
            schema["items"] = schema.pop("additionalItems")
    if isinstance(schema.get("dependencies"), dict):
        for name, needed in schema.pop("dependencies").items():
            keyword = "dependentRequired" if isinstance(needed, list) else "dependentSchemas"
            schema[keyword] = {**members_of(schema, keyword), name: needed}
    if isinstance(schema.get("required"), bool):
        del schema["required"]
    if schema.get("type") == "file":
        schema["type"] = "string"
    if schema.pop("nullable", False) is True:
        _allow_null(schema)


def _allow_null(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    branches: Iterable[str] = ("$ref", "allOf", "oneOf", "anyOf")
    if any(key in schema for key in branches):
        inner = {key: schema.pop(key) for key in branches if key in schema}
        schema["anyOf"] = [inner, {"type": "null"}]
