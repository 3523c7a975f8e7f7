"""What a target needs before a turn works: one YAML file, read with every mistake in one run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparring.fixtures.script.grammar import (
    DURATION,
    Anything,
    Choice,
    Either,
    Json,
    Keys,
    ListOf,
    Made,
    Text,
)
from sparring.fixtures.script.reading import Path as At
from sparring.fixtures.script.reading import Reading, node_at
from sparring.spec.errors import nearest
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.security import SecurityScheme
from sparring.spec.text.source import Source, load

from ..choice import named_by, unmatched

_VARIABLE = re.compile(r"\$(\$|[A-Za-z_]\w*|\{[A-Za-z_]\w*\})")


@dataclass(frozen=True, slots=True)
class Person:
    """One of the two users: a key, headers, and parameters that are only theirs."""

    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TargetFile:
    """What is known of a target beside its document; `bodies` are by operation label."""

    users: tuple[Person, Person] = (Person(), Person())
    auth: SecurityScheme | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    bodies: Mapping[str, Any] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    wait: float | None = None
    operations: tuple[str, ...] = ()


def _filled(text: str, at: At, reading: Reading) -> str | None:
    """The text with the values of its environment variables; `$$` is a dollar."""
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        name = match[1].strip("{}")
        if name == "$":
            return "$"
        if not os.environ.get(name):
            missing = True
            what = "is empty" if name in os.environ else "is not set"
            remedy = f"Set it: export {name}=…, or write $$ for a dollar."
            reading.refuse("C105", f"the environment variable {name} {what}", at, remedy)
        return os.environ.get(name, "")

    filled = _VARIABLE.sub(value, text)
    return None if missing else filled


def _filled_inside(value: Any, at: At, reading: Reading) -> Any:
    """A JSON value in which every text that is nothing but `$NAME` is filled in."""
    if isinstance(value, dict):
        return {key: _filled_inside(inner, (*at, key), reading) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled_inside(inner, (*at, i), reading) for i, inner in enumerate(value)]
    if isinstance(value, str) and _VARIABLE.fullmatch(value):
        return _filled(value, at, reading)
    return value


class _MappingOf:
    """A mapping from any names to values of one type."""

    def __init__(self, name: str, inner: Any) -> None:
        self._name, self._inner = name, inner

    def read(self, node: Any, at: At, reading: Reading) -> dict[str, Any] | None:
        """The values by name."""
        if not isinstance(node, dict):
            reading.refuse("S102", f"{self._name} is a mapping", at, "Write it as {name: value}.")
            return None
        found = {name: self._inner.read(node[name], (*at, name), reading) for name in node}
        return {name: value for name, value in found.items() if value is not None}

    def schema(self) -> Json:
        """An object."""
        return {"type": "object", "additionalProperties": self._inner.schema()}


def _scalar(value: Any, at: At, reading: Reading) -> Any:
    if isinstance(value, str):
        return _filled(value, at, reading)
    if value is None or isinstance(value, (dict, list, bool)):
        reading.refuse("S102", "a parameter is a text or a number", at)
        return None
    return value


def _two(people: list[dict[str, Any]], at: At, reading: Reading) -> Any:
    if len(people) > 2:
        reading.refuse("S103", f"a run has two users, not {len(people)}", at)
    return people


def _scheme(found: Any, at: At, reading: Reading) -> SecurityScheme | None:
    if isinstance(found, str):
        return SecurityScheme("target", found)
    if len(found) != 1:
        reading.refuse("S103", "a key travels in one place", at, "Write {header: X-API-Key}.")
        return None
    place, parameter = next(iter(found.items()))
    return SecurityScheme("target", "apiKey", place, parameter)


_SECRET = Made(Text("a text, such as $API_KEY"), _filled)
_HEADERS = _MappingOf("`headers`", _SECRET)
_PARAMETERS = _MappingOf("`parameters`", Made(Anything(), _scalar, {"type": ["string", "number"]}))
_NAME = Text("a name")
_PLACE = Keys(
    "the place of a key",
    {
        "header": (_NAME, "In this header."),
        "query": (_NAME, "In this query parameter."),
        "cookie": (_NAME, "In this cookie."),
    },
    example="{header: X-API-Key}",
)
_PERSON = Keys(
    "a user",
    {
        "key": (_SECRET, "Their key: $NAME takes it from the environment."),
        "headers": (_HEADERS, "Headers that only they send; left out where no key is sent."),
        "parameters": (_PARAMETERS, "Parameters that are only theirs, such as a user id."),
    },
    example="{key: $API_KEY}",
)
FILE = Keys(
    "a target file",
    {
        "users": (
            Made(ListOf(_PERSON, least=1), _two, {"maxItems": 2}),
            "The two users: [{key: $ONE_KEY}, {key: $OTHER_KEY}].",
        ),
        "auth": (
            Made(
                Either((lambda node: isinstance(node, str), Choice("bearer", "basic")), _PLACE),
                _scheme,
            ),
            "How keys travel where the document does not say: bearer, basic, {header: X-API-Key}.",
        ),
        "parameters": (
            _PARAMETERS,
            "Known values of path, query and header parameters, by name: {agent_id: demo}.",
        ),
        "bodies": (
            _MappingOf("`bodies`", Made(Anything(), _filled_inside, {"type": "object"})),
            "What bodies must hold, by role, operationId or `METHOD /path`; a null takes out.",
        ),
        "texts": (
            ListOf(Text(), least=1),
            "What is said to agents, in turn, and tried to make them call tools, ask or fail.",
        ),
        "media_types": (
            ListOf(_NAME, least=1),
            "The media types to send and to ask for, where an operation has several.",
        ),
        "wait": (DURATION, "The longest time to wait for a reply: 30s."),
        "operations": (
            ListOf(_NAME),
            "Operations to call too, or with `!` never: `GET /files*`, `!deleteSession`.",
        ),
    },
)


def json_schema() -> Json:
    """The JSON Schema of a target file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A target of sparring test",
        **FILE.schema(),
    }


def load_target(file: Path, document: Document) -> TargetFile:
    """Reads a target file. Raises SparringError with every mistake in it."""
    return read_target(load(file), document)


def read_target(source: Source, document: Document) -> TargetFile:
    """Reads a target file and holds it to a document. Raises SparringError."""
    reading = Reading(source)
    found = FILE.read({} if source.tree is None else source.tree, (), reading) or {}
    people = [Person(**person) for person in found.get("users", ())][:2]
    bodies = _bodies(found.get("bodies", {}), document, reading)
    _check(document, reading)
    reading.raise_defects()
    people += [Person()] * (2 - len(people))
    return TargetFile(
        (people[0], people[1]),
        found.get("auth"),
        found.get("parameters", {}),
        bodies,
        tuple(found.get("texts", ())),
        tuple(found.get("media_types", ())),
        found.get("wait"),
        tuple(found.get("operations", ())),
    )


def _bodies(
    templates: Mapping[str, Any], document: Document, reading: Reading
) -> dict[str, dict[str, Any]]:
    """The templates by the label of each operation; what names fewer operations wins."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for name, template in templates.items():
        at = ("bodies", name)
        if not isinstance(template, dict):
            reading.refuse("S102", "a body is a mapping", at, "Write it as {name: value}.")
            continue
        named = [o for o in document.operations if named_by(name, o)]
        fitting = [o for o in named if o.body]
        if not fitting:
            known = [n for o in document.operations if o.body for n in _names(o)]
            what = "has a body" if named else f'is called "{name}"'
            remedy = nearest(name, known) or "`sparring roles SPEC` lists the operations."
            reading.refuse_key("C104", f"no operation {what}", at, remedy)
        for operation in fitting:
            before = found.get(operation.label)
            if before is None or len(fitting) <= before[0]:
                found[operation.label] = (len(fitting), template)
    return {label: template for label, (_, template) in found.items()}


def _names(operation: Operation) -> list[str]:
    role = [operation.binding.role.value] if operation.binding else []
    return [*role, *([operation.id] if operation.id else []), operation.label]


def _check(document: Document, reading: Reading) -> None:
    """Notes names that the document does not know."""
    operations = document.operations
    known = {parameter.name for o in operations for parameter in o.parameters}
    users = _below(reading, ("users",), list)
    places: list[At] = [("parameters",), *(("users", n, "parameters") for n in range(len(users)))]
    for at in places:
        for name in _below(reading, at, dict):
            if name not in known:
                remedy = nearest(name, known) or f"Known are {', '.join(sorted(known)[:20])}."
                message = f'no operation has a parameter "{name}"'
                reading.refuse_key("C104", message, (*at, name), remedy)
    for index, pattern in enumerate(_below(reading, ("operations",), list)):
        defect = unmatched(document, pattern) if isinstance(pattern, str) else None
        if defect is not None:
            reading.refuse("C104", defect.message, ("operations", index), defect.remedy)
    types = {name for o in operations for name in o.body}
    types |= {n for o in operations for r in o.responses.values() for n in r.content}
    for index, name in enumerate(_below(reading, ("media_types",), list)):
        if isinstance(name, str) and name not in types:
            remedy = nearest(name, types) or f"Known are {', '.join(sorted(types)[:20])}."
            message = f"no operation has the media type {name}"
            reading.refuse("C104", message, ("media_types", index), remedy)


def _below(reading: Reading, at: At, kind: type) -> Any:
    """The collection that stands at a path of the text; an empty one where it is no such."""
    found = node_at(reading, at)
    return found if isinstance(found, kind) else kind()
