"""Finds in the payload of an event what stands where, and the agent's text above all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.spec.openapi.schema_reader import SchemaReader
from sparring.spec.openapi.schemas import Path, types_of

Location = tuple[str, ...]

_DEPTH, _LIMIT = 6, 250
_TEXT = {
    "delta": 10,
    "token": 9,
    "text": 9,
    "content": 8,
    "chunk": 8,
    "piece": 8,
    "reply": 7,
    "answer": 7,
    "value": 6,
    "completion": 6,
    "output_text": 6,
    "generated_text": 6,
    "message": 5,
    "output": 5,
    "response": 5,
    "body": 3,
    "result": 3,
    "data": 2,
}
_NOT_TEXT = {"reasoning", "reasoning_content", "refusal", "tool_calls", "function_call", "usage"}
_NOT_TEXT |= {"arguments", "logprobs", "annotations", "metadata", "error", "citations", "audio"}
_NOT_TEXT |= {"image", "input", "tool", "tools", "thinking", "config", "settings", "tool_call"}
_NOT_SPOKEN = {"reasoning", "thinking", "tool", "function", "image", "file", "audio", "user"}
_NOT_SPOKEN |= {"system", "refusal", "data", "step", "url", "snapshot", "patch", "agent_call"}


@dataclass(frozen=True, slots=True)
class Field:
    """One place of a payload: its types, and what must stand elsewhere for it to be there."""

    location: Location
    types: frozenset[str]
    constants: tuple[Any, ...] = ()
    required: bool = False
    given: Mapping[Location, Any] = field(default_factory=dict)
    special: bool = False
    description: str = ""

    @property
    def name(self) -> str:
        """The member's name, in lower case."""
        return self.location[-1].lower() if self.location else ""

    @property
    def may_lack(self) -> bool:
        """Whether an event may do without it."""
        return not self.required or "null" in self.types

    def may(self, *types: str) -> bool:
        """Whether its schema allows one of these types, or names none."""
        return not self.types or bool(self.types & set(types))


def fields_of(reader: SchemaReader, payload: Path) -> list[Field]:
    """The places that the schema of a payload declares, the nearest first."""
    found: list[Field] = []
    queue: list[tuple[Path, Location, Mapping[Location, Any], tuple[Path, ...], bool]] = [
        (payload, (), {}, (), True)
    ]
    while queue and len(found) < _LIMIT:
        path, at, given, seen, required = queue.pop(0)
        for branch in reader.leaves(path) if reader.branches(path) else [None]:
            inner = branch.path if branch is not None else path
            resolved, node = reader.resolve(inner)
            node = _merged(reader, resolved)
            members = reader.members(resolved)
            if branch is not None:
                for base in branch.bases:
                    members = reader.members(base) | members
            demanded = reader.required(resolved)
            constants = tuple(reader.constants_of(node))
            special = "format" in node or "pattern" in node
            types = frozenset(types_of(node) or ({"object"} if members else ()))
            if not types and constants and all(isinstance(value, str) for value in constants):
                types = frozenset({"string"})
            if types and reader.may_be_null(resolved):
                types |= {"null"}
            here = dict(given)
            if branch is not None:
                for name, member in members.items():
                    values = reader.constants_of(_merged(reader, member))
                    if len(values) == 1:
                        here[*at, name] = values[0]
            if at:
                said = str(node.get("description", ""))
                found.append(Field(at, types, constants, required, here, special, said))
            if resolved in seen or len(at) >= _DEPTH:
                continue
            below = (*seen, resolved)
            for name, member in members.items():
                queue.append((member, (*at, name), here, below, name in demanded))
            items = next(
                (
                    (*p, "items")
                    for p, n in reader.parts(resolved)
                    if isinstance(n.get("items"), dict)
                ),
                None,
            )
            if items is not None:
                queue.append((items, (*at, "0"), here, below, required))
    return found


def _merged(reader: SchemaReader, path: Path) -> dict[str, Any]:
    """What a schema and those that it is made of say of a value itself."""
    merged: dict[str, Any] = {}
    for _, node in reader.parts(path):
        merged = {**node, **merged}
    return merged


def sample_fields(sample: Any, at: Location = ()) -> list[Field]:
    """The places of an example, as if a schema declared them."""
    if isinstance(sample, dict):
        inner = [(key, value) for key, value in sample.items()]
    elif isinstance(sample, list):
        inner = [("0", sample[0])] if sample else []
    else:
        names = {str: "string", bool: "boolean", int: "integer", float: "number"}
        kind = names.get(type(sample))
        return [Field(at, frozenset({kind}), required=True)] if kind else []
    return [found for key, value in inner for found in sample_fields(value, (*at, key))]


def text_of(fields: Iterable[Field]) -> Field | None:
    """Where the agent's text stands."""
    scored = [
        (points, -index, found) for index, found in enumerate(fields) if (points := score(found))
    ]
    return max(scored, key=lambda s: s[:2])[2] if scored else None


def only_string(fields: Sequence[Field]) -> Field | None:
    """The one free string of a payload, whatever its name."""
    found = [
        f
        for f in fields
        if len(f.location) == 1 and f.types == {"string"} and not f.constants and not f.special
    ]
    is_id = len(found) == 1 and re.search(r"(^|_)(id|at|time|date|url)$", found[0].name)
    return found[0] if len(found) == 1 and not is_id else None


def score(found: Field) -> float:
    """How likely a field is to hold what the agent says: 0 where it can't."""
    path = [token.lower() for token in found.location]
    named = [token for token in path if not token.isdigit()]
    if not named or not found.may("string") or found.constants or found.special:
        return 0
    if set(named) & _NOT_TEXT or named[-1] not in _TEXT:
        return 0
    spoken = [str(value).lower() for at, value in found.given.items() if isinstance(value, str)]
    if any(word in _NOT_SPOKEN for value in spoken for word in re.split(r"[^a-z]+", value)):
        return 0
    if not found.types and not (named[-1] == "value" or len(named) == 1):
        return 0
    points = _TEXT[named[-1]] + sum(_TEXT.get(token, 0) > 6 for token in named[:-1])
    return points - 1.1 * len(path) + (0.5 if found.required else 0)
