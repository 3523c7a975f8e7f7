"""The document: its operations, and what their requests must look like."""

import copy
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from .problem import Defect, Problem
from .relaxed import relax
from .values import parse

SPEC = Path(__file__).parents[2] / "spec" / "sessions.yaml"
METHODS = ("get", "put", "post", "delete", "patch")

Tree = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str
    schema: Tree
    is_json: bool
    validator: Draft202012Validator

    def read(self, raw: str) -> Any:
        """The value that the text stands for; what fits no type stays text, to be refused."""
        if self.is_json:
            try:
                return parse(raw.encode())
            except ValueError as error:
                raise Problem(400, f"{self.name} is not JSON: {error}") from None
        kind = self.schema.get("type")
        if kind == "integer" and re.fullmatch("-?[0-9]{1,20}", raw):
            return int(raw)
        if kind == "boolean" and raw in ("true", "false"):
            return raw == "true"
        if kind == "array":
            return raw.split(",") if raw else []
        return raw

    def defects(self, value: Any) -> list[Defect]:
        return defects(self.validator, value, self.place, "/" + _escape(self.name))


@dataclass(frozen=True)
class Operation:
    id: str
    path: str
    method: str
    parameters: tuple[Parameter, ...]
    bodies: Mapping[str, Draft202012Validator]
    """By media type; an operation without any takes no body."""
    offers: tuple[str, ...]
    """The media types that the client chooses from."""


def operations(faults: Collection[str]) -> list[Operation]:
    tree = copy.deepcopy(_tree())
    relax(tree, faults)
    return [
        _operation(tree, path, item, method)
        for path, item in tree["paths"].items()
        for method in METHODS
        if method in item
    ]


def defects(
    validator: Draft202012Validator, value: Any, place: str, base: str = ""
) -> list[Defect]:
    return [
        {"in": place, "pointer": base + pointer, "detail": detail}
        for error in validator.iter_errors(value)
        for pointer, detail in _places(error)
    ]


@cache
def _tree() -> Tree:
    tree: Tree = yaml.load(SPEC.read_bytes(), yaml.CSafeLoader)
    return tree


def _operation(tree: Tree, path: str, item: Tree, method: str) -> Operation:
    node = item[method]
    bodies = node.get("requestBody", {}).get("content", {})
    answers = node["responses"]
    offers = answers["200"]["content"] if "406" in answers else ()
    return Operation(
        id=node["operationId"],
        path=path,
        method=method.upper(),
        parameters=tuple(
            _parameter(tree, parameter)
            for parameter in item.get("parameters", []) + node.get("parameters", [])
        ),
        bodies={name: _validator(tree, body["schema"]) for name, body in bodies.items()},
        offers=tuple(offers),
    )


def _parameter(tree: Tree, node: Tree) -> Parameter:
    node = _resolve(tree, node)
    is_json = "content" in node
    schema = node["content"]["application/json"]["schema"] if is_json else node["schema"]
    schema = _resolve(tree, schema)
    return Parameter(node["name"], node["in"], schema, is_json, _validator(tree, schema))


def _resolve(tree: Tree, node: Tree) -> Tree:
    while "$ref" in node:
        target = tree
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        node = target
    return node


def _validator(tree: Tree, schema: Tree) -> Draft202012Validator:
    schemas = {"schemas": tree["components"]["schemas"]}
    return Draft202012Validator({**schema, "components": schemas}, validate_formats=True)


def _places(error: ValidationError) -> list[tuple[str, str]]:
    """Where the value is wrong, as precisely as the validator can tell."""
    pointer = "".join("/" + _escape(str(key)) for key in error.instance_path)
    match error.kind:
        case ValidationErrorKind.AdditionalProperties(unexpected=names):
            return [(f"{pointer}/{_escape(name)}", "This is not allowed here.") for name in names]
        case ValidationErrorKind.OneOfNotValid(context=branches):
            # Of several forms, what was meant is the one that the value comes closest to.
            nearest = min(branches, key=lambda errors: (_other_form(errors), len(errors)))
            return [place for inner in nearest for place in _places(inner)]
    return [(pointer, error.message)]


def _other_form(errors: list[ValidationError]) -> bool:
    return any(isinstance(error.kind, ValidationErrorKind.Constant) for error in errors)


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
