"""The operations that have a role, with what inference reads of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.parameters import Parameter
from sparring.spec.openapi.schemas import View, members_of

from .names import MESSAGE_NOUNS, RUN_NOUNS, SESSION_NOUNS, flat, noun
from .rows import Rows
from .schemas import Reader, Schema, request_schema, response_schema, streams
from .texts import INPUT, Texts

_PARAMETER = re.compile(r"\{([^}]+)\}")
_VERB_AT_END = re.compile(r"/(create|new|start|add|open|init|begin|retrieve|get)$")
_SUFFIX = re.compile(r"[?#].*$")


@dataclass(frozen=True)
class Subject:
    """One operation and its role."""

    operation: Operation
    role: Role
    request: Schema | None
    response: Schema | None
    streams: bool
    prose: str

    @property
    def resource(self) -> str:
        """`session`, `message`, `run` or `suggestion`."""
        return self.role.value.partition(".")[0]

    @property
    def verb(self) -> str:
        """`create`, `list` and so on."""
        return self.role.value.partition(".")[2]

    @cached_property
    def path(self) -> str:
        """The path without a query or a fragment that a document has put there."""
        return _SUFFIX.sub("", self.operation.path).rstrip("/")

    @cached_property
    def segments(self) -> list[str]:
        """The parts of the path between the slashes."""
        return [part for part in self.path.split("/") if part]

    @cached_property
    def literals(self) -> list[str]:
        """The segments of the path that are no parameters."""
        return [segment for segment in self.segments if "{" not in segment]

    @cached_property
    def holders(self) -> list[tuple[str, str]]:
        """Each path parameter and the segment before it, in order."""
        found = []
        for index, segment in enumerate(self.segments):
            for name in _PARAMETER.findall(segment):
                found.append((name, self.segments[index - 1] if index else ""))
        return found

    def parameters(self, place: str) -> dict[str, Parameter]:
        """The declared parameters of one place."""
        return {p.name: p for p in self.operation.parameters if p.place == place}


class Api:
    """A document as inference sees it: its operations with a role, and its names for things."""

    def __init__(self, document: Document, roles: Mapping[str, Role]) -> None:
        """`roles` has the role of each operation by its label."""
        self.document = document
        self.requests = Reader(document, View.REQUEST)
        self.responses = Reader(document, View.RESPONSE)
        self.asked = Texts(self.requests, INPUT, "0")
        self.run_inputs: list[tuple[str, ...]] | None = None
        self.subjects = [
            Subject(
                operation,
                roles[operation.label],
                request_schema(document, operation),
                response_schema(document, operation),
                streams(operation),
                self._prose(operation),
            )
            for operation in document.operations
            if operation.label in roles
        ]
        self.rows = Rows(self.responses, list(dict.fromkeys(self._message_ids())))

    def _message_ids(self) -> Iterator[str]:
        """What the ids of messages may be called: as in their paths, or by what they are."""
        for subject in self.subjects:
            if subject.role is Role.MESSAGE_GET and subject.holders:
                yield flat(subject.holders[-1][0])
            if subject.role is Role.MESSAGE_LIST and subject.literals:
                yield f"{noun(subject.literals[-1])}id"

    def _prose(self, operation: Operation) -> str:
        node = pointers.first(self.document.source.tree, tuple(map(str, operation.pointer)), {})
        known = node if isinstance(node, dict) else {}  # a mangled document may say anything
        texts = [known.get(key) for key in ("summary", "description")]
        return " ".join(text for text in texts if isinstance(text, str))

    @cached_property
    def collections(self) -> list[str]:
        """The paths under which sessions stand, the longest first."""
        found = set()
        for subject in self.subjects:
            if subject.resource != "session" or subject.verb == "act":
                continue
            parameters = [i for i, part in enumerate(subject.segments) if part.startswith("{")]
            if subject.verb == "create" and not subject.path.endswith("}"):
                found.add(_VERB_AT_END.sub("", subject.path))
            elif parameters and subject.verb != "list":
                found.add("/" + "/".join(subject.segments[: parameters[-1]]))
        return sorted(found, key=len, reverse=True)

    @cached_property
    def nouns(self) -> set[str]:
        """The document's own flat words for a session, in the singular."""
        return {noun(path.rpartition("/")[2]) for path in self.collections} - {""}

    @cached_property
    def session_names(self) -> list[str]:
        """The flat names that a session's id may have, the document's own first."""
        nouns = [*sorted(self.nouns - RUN_NOUNS - MESSAGE_NOUNS), *sorted(SESSION_NOUNS)]
        parameter = [
            flat(s.holders[-1][0])
            for s in self.subjects
            if s.resource == "session" and s.holders and s.verb not in ("create", "list")
        ]  # above a collection stands whose sessions they are
        own = [name for name in parameter if name not in ("id", "name", "uuid")]
        names = [f"{noun}{end}" for noun in nouns for end in ("id", "uuid", "key")]
        contexts = ["contextid", "sessionkey", "roomid", "channelid", "userpseudoid"]
        return list(dict.fromkeys([*own, *names, *contexts, *nouns]))

    def is_call(self, subject: Subject) -> bool:
        """Whether an operation without a declared body takes a JSON-RPC call that sends a message.

        Its answer, or that of the operation beside it, shows the envelope of such calls.
        """
        if subject.operation.body or subject.operation.method != "POST":
            return False
        stem = subject.path.rpartition(":")[0] or subject.path
        beside = [s for s in self.subjects if (s.path.rpartition(":")[0] or s.path) == stem]
        return any(s.response and "jsonrpc" in self.responses.members(s.response) for s in beside)

    def says_nothing(self, subject: Subject) -> bool:
        """Whether the schema of the answer leaves everything open."""
        schema = subject.response
        if schema is None:
            return True
        return not self.responses.types(schema) and not self.responses.members(schema)

    def examples(self, subject: Subject) -> Iterator[Any]:
        """The examples of the successful answer."""
        success = subject.operation.success
        for name, media in success[1].content.items() if success else ():
            if "json" in name and media.schema is not None:
                node = pointers.first(
                    self.document.source.tree, tuple(map(str, media.schema[:-1])), {}
                )
                if "example" in node:
                    yield node["example"]
                for example in members_of(node, "examples").values():
                    if isinstance(example, dict) and "value" in example:
                        yield example["value"]

    def noun(self, subject: Subject) -> str:
        """The flat singular of what a subject's path speaks of last."""
        return noun(subject.literals[-1]) if subject.literals else ""

    @staticmethod
    def noun_of(path: str) -> str:
        """The flat singular of what a collection's path ends with."""
        return noun(path.rpartition("/")[2])

    def siblings(self, subject: Subject, role: Role) -> list[Subject]:
        """The subjects of a role that speak of the same kind of session, or of all."""
        own = self.collection(subject)
        found = [s for s in self.subjects if s.role is role]
        return [s for s in found if own in ("", self.collection(s)) or not self.collection(s)]

    def collection(self, subject: Subject) -> str:
        """The collection of sessions that a path begins with, empty for none."""
        path = subject.path + "/"
        return next((c for c in self.collections if path.startswith(c + "/")), "")
