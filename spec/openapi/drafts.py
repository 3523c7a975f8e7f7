"""Requests as values that are still being written: where a document puts things, and how."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from .. import pointers
from ..meaning.binding import Role
from .document import Document, Operation
from .expressions import names_in, request_part
from .form_encoding import encode_form, is_form
from .parameters import Parameter
from .schemas import View

ABSENT: Any = object()
Location = tuple[str, ...]


@dataclass
class Draft:
    """A request that is being written: values by part, before they are encoded."""

    operation: Operation
    path: dict[str, str] = field(default_factory=dict)
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = ABSENT
    raw: bytes | None = None
    media_type: str = ""
    accept: str = ""

    def copied(self) -> Draft:
        """A draft that can be changed without changing this one."""
        path, query, headers = dict(self.path), list(self.query), dict(self.headers)
        return replace(self, path=path, query=query, headers=headers)

    def encoded_path(self) -> str:
        """The path with its parameters filled in."""
        path = self.operation.path.partition("#")[0].partition("?")[0]
        for name, value in self.path.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        return path

    def encoded(self, media_type: str) -> tuple[str, bytes]:
        """The `Content-Type` and the bytes of the body, in the form that a media type asks for."""
        if self.raw is None and isinstance(self.body, dict) and is_form(media_type):
            return encode_form(self.body, media_type)
        return media_type, self.encoded_body()

    def encoded_body(self) -> bytes:
        """The bytes of the body as JSON."""
        if self.raw is not None:
            return self.raw
        if self.body is ABSENT:
            return b""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def expression(document: Document, operation: Operation, *keys: str) -> tuple[str, str] | None:
    """Where the expression at `keys` of the block points: a part of the request and a name."""
    text = pointers.first(document.block(operation), keys)
    return request_part(text) if isinstance(text, str) else None


def session_parameter(document: Document, operation: Operation) -> tuple[str, str] | None:
    """Where a request names its session; None for operations that speak of no one session."""
    place = expression(document, operation, "session")
    if place:
        return place
    role = operation.binding.role if operation.binding else None
    if role in (Role.SESSION_CREATE, Role.SESSION_LIST) or (role and "run." in role.value):
        return None
    names = [p.name for p in operation.parameters if p.place == "path"]
    return ("path", names[-1]) if names else None


def is_by_id(operation: Operation) -> bool:
    """Whether it makes a session under the id in its path, where the session then is."""
    place = operation.binding.client_id if operation.binding else None
    return place is not None and place.part == "path"


OWNERS = ("user", "owner", "member", "customer", "contact", "actor", "resource", "tenant")
"""What says whose sessions a path speaks of is called, without its `id` or `name`."""


def flat(name: str) -> str:
    """A name without its case and separators: `user_id` is `userid`."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def is_owner(name: str) -> bool:
    """Whether a parameter of this name says whose sessions a path speaks of."""
    return flat(name).removesuffix("id").removesuffix("name") in OWNERS


_MISSING = re.compile(r"(?i)missing|not.found|no such|(does|do) not exist|doesn't exist|unknown")


def missing_statuses(document: Document, operation: Operation) -> set[int]:
    """The statuses that say that there is no such session: 404, 410, and what is described so."""
    responses = pointers.first(document.source.tree, tuple(map(str, operation.pointer)), {})
    found = {404, 410}
    for status, response in (responses.get("responses") or {}).items():
        told = response.get("description", "") if isinstance(response, dict) else ""
        if str(status).startswith("4") and str(status).isdecimal() and _MISSING.search(str(told)):
            found.add(int(status))
    return found - {401, 403, 422}


def histories(document: Document) -> tuple[Operation, ...]:
    """The operations that show what was said: lists, else reading a session that has it inside."""
    lists = document.with_role(Role.MESSAGE_LIST)
    lists = tuple(o for o in lists if is_of_first_kind(document, o)) or lists
    reads = document.with_role(Role.SESSION_GET)
    return lists or tuple(o for o in reads if o.binding and o.binding.history and o.binding.session)


def is_of_first_kind(document: Document, operation: Operation) -> bool:
    """Whether an operation speaks of the sessions that the first session.create makes, and not of
    those of another one, as far as its path, or the name of its place for the session, tells."""
    kinds = [o.template.rstrip("/") for o in document.with_role(Role.SESSION_CREATE)]
    place = session_parameter(document, operation)
    if len(kinds) < 2 or place is None:
        return True
    part, name = place
    if part == "path":
        collection = operation.template.partition(f"{{{name}}}")[0].rstrip("/")
        return collection not in kinds[1:] or collection == kinds[0]
    nouns = [flat(kind.rpartition("/")[2]).rstrip("s") for kind in kinds]
    named = [index for index, noun in enumerate(nouns) if noun and noun in flat(name)]
    return not named or named[0] == 0


def listed_at(operation: Operation) -> Location:
    """Where an answer has its items: those of a list, or what was said in a session."""
    binding = operation.binding
    if binding is None:
        return ()
    return binding.history or () if binding.role is Role.SESSION_GET else binding.items


def put(document: Document, draft: Draft, place: tuple[str, str], value: Any) -> None:
    """Writes a value into the part of the request that `place` names."""
    part, name = place
    if part == "body":
        if not isinstance(draft.body, dict):
            draft.body = {}
        pointers.put(draft.body, pointers.split(name), value)
    elif part == "query":
        draft.query = [p for p in draft.query if p[0] != name and not p[0].startswith(f"{name}[")]
        draft.query += encode_query(
            document, parameter(draft.operation, "query", name), name, value
        )
    elif part == "header":
        draft.headers[name] = scalar(value)
    else:
        draft.path[name] = scalar(value)


def part_of(key: str) -> tuple[str, str]:
    """Where a query parameter's name, or an expression, points."""
    return request_part(key) if key.startswith("$") else ("query", key)


def parameter(operation: Operation, place: str, name: str) -> Parameter | None:
    """The parameter of this name and place."""
    for found in operation.parameters:
        alike = found.name == name
        if place == "header":
            alike = found.name.lower() == name.lower()
        if found.place == place and alike:
            return found
    return None


def encode_query(
    document: Document, declared: Parameter | None, name: str, value: Any
) -> list[tuple[str, str]]:
    """The pairs of a query string that say `value` in the declared style."""
    node = (
        pointers.first(document.source.tree, tuple(map(str, declared.path)), {}) if declared else {}
    )
    if "content" in node:
        return [(name, json.dumps(value, ensure_ascii=False))]
    style = node.get("style", "form")
    if isinstance(value, dict) and style == "deepObject":
        return list(_deep(name, value))
    if isinstance(value, list):
        if node.get("explode", style == "form"):
            return [(name, scalar(item)) for item in value]
        separator = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(style, ",")
        return [(name, separator.join(map(scalar, value)))]
    return [(name, scalar(value))]


def _deep(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """`{"a": 1, "b": {"c": 2}}` as `name[a]=1` and `name[b][c]=2`."""
    if not isinstance(value, dict):
        yield name, scalar(value)
        return
    for key, inner in value.items():
        yield from _deep(f"{name}[{key}]", inner)


def scalar(value: Any) -> str:
    """How a value is written in a URL or a header."""
    return value if isinstance(value, str) else json.dumps(value)


def template_place(document: Document, operation: Operation, name: str) -> Location | None:
    """Where the response has a value of the turn, such as `turn.id`, by the block's `body`."""
    return names_in(document.block(operation).get("body", {})).get(name)


def plain(document: Document, schema: Any, view: View = View.RESPONSE) -> dict[str, Any]:
    """A schema without its references, and without the null that it allows beside one other."""
    found = document.follow(schema, view)
    for key in ("anyOf", "oneOf"):
        branches = [document.follow(part, view) for part in found.get(key, ())]
        others = [part for part in branches if part.get("type") != "null"]
        if len(others) == 1 and len(branches) == 2:
            beside = {name: value for name, value in found.items() if name != key}
            return plain(document, {**others[0], **beside}, view)
    return found


def properties(document: Document, schema: Any, view: View = View.RESPONSE) -> dict[str, Any]:
    """The properties that a schema names, those of its `allOf` too; of branches those of all."""
    schema = plain(document, schema, view)
    found: dict[str, Any] = {}
    for key in ("anyOf", "oneOf"):
        branches = [properties(document, part, view) for part in schema.get(key, ())]
        if branches:
            shared = set(branches[0]).intersection(*branches[1:])
            found |= {name: branches[0][name] for name in branches[0] if name in shared}
    for part in schema.get("allOf", ()):
        found |= properties(document, part, view)
    if isinstance(schema.get("properties"), dict):
        found |= schema["properties"]
    if "$ref" in schema:
        found |= properties(document, {"$ref": schema["$ref"]}, view)
    return found
