"""An OpenAPI document, compiled: its operations, what they take and answer, and what they mean."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as File
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .. import pointers
from ..errors import Defect, SparringError, nearest
from ..meaning import inferred
from ..meaning.binding import Binding, Model, Role
from ..meaning.promises import Promises
from ..text import cache
from ..text.source import Source, load
from . import overlay
from .parameters import Parameter
from .references import bundle, local_tokens
from .schemas import Path, Schemas, View
from .security import SecurityScheme as SecurityScheme

if TYPE_CHECKING:
    from ..meaning.meaning import Meaning

BUNDLED = ("sessions", "julep", "flux0", "sentius")


@dataclass(frozen=True, slots=True)
class Media:
    """One media type of a body: where its schema stands, None when it says nothing."""

    type: str
    schema: Path | None


@dataclass(frozen=True, slots=True)
class Header:
    """One header of a response."""

    name: str
    required: bool
    schema: Path | None


@dataclass(frozen=True, slots=True)
class Response:
    """One declared response; `status` is a code, a range such as `4XX`, or `default`."""

    status: str
    content: Mapping[str, Media]
    headers: Mapping[str, Header]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `path` is the template as written, with the base path in front.

    `annotated` says that its author gave it an `x-session` block.
    """

    method: str
    path: str
    id: str
    pointer: Path
    parameters: tuple[Parameter, ...]
    body: Mapping[str, Media]
    body_required: bool
    responses: Mapping[str, Response]
    security: tuple[tuple[SecurityScheme, ...], ...]
    binding: Binding | None
    promises: Promises
    base_path: str = ""
    annotated: bool = False

    @property
    def template(self) -> str:
        """The path alone: real documents end it with `?beta=true` or `#stream` to tell apart what
        shares it."""
        return self.path.partition("#")[0].partition("?")[0]

    @property
    def short_template(self) -> str:
        """The path alone, without the base path."""
        return self.template.removeprefix(self.base_path)

    @property
    def query(self) -> dict[str, str]:
        """What the query of a request must hold for it to be this operation."""
        pairs = parse_qsl(self.path.partition("#")[0].partition("?")[2], keep_blank_values=True)
        return {name: value for name, value in pairs if "{" not in name + value}

    @property
    def label(self) -> str:
        """`GET /sessions/{id}`."""
        return f"{self.method} {self.path}"

    def response(self, status: int) -> Response | None:
        """The response that is declared for a status: by its code, its range, or `default`."""
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in self.responses:
                return self.responses[key]
        return None

    @property
    def success(self) -> tuple[int, Response] | None:
        """The lowest declared 2xx status and its response."""
        for key in sorted(self.responses):
            if key.startswith("2"):
                return (int(key) if key.isdecimal() else 200), self.responses[key]
        return None

    @property
    def answers(self) -> list[str]:
        """The media types of all declared 2xx answers, those of the lowest status first."""
        keys = sorted(key for key in self.responses if key.startswith("2"))
        return list(dict.fromkeys(name for key in keys for name in self.responses[key].content))

    def media(self, status: int, media_type: str) -> Media | None:
        """The declared content of a response that has this media type, parameters aside."""
        response = self.response(status)
        for name, media in response.content.items() if response else ():
            if name.partition(";")[0].strip().lower() == media_type:
                return media
        return None


@dataclass(frozen=True)
class Document:
    """A whole document. `base_path` is the path of its first server; operations begin with it.

    `bundled` says that it comes with sparring and is as it came: its annotations are known to hold.
    """

    source: Source
    version: str
    title: str
    base_path: str
    operations: tuple[Operation, ...]
    model: Model
    schemas: Schemas
    meanings: tuple[Meaning, ...] = ()
    bundled: bool = False
    _by_role: Mapping[Role, tuple[Operation, ...]] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[Defect, ...]:
        """What is wrong with the document, as far as it has been looked at: a schema is compiled
        when it is first used."""
        return tuple(dict.fromkeys(self.source.warnings))

    def check(self) -> tuple[Defect, ...]:
        """Looks at everything, and returns all warnings."""
        for operation in self.operations:
            for parameter in operation.parameters:
                if parameter.schema is not None:
                    self.schemas.at(parameter.schema, View.REQUEST)
            for media in operation.body.values():
                if media.schema is not None:
                    self.schemas.at(media.schema, View.REQUEST)
            for response in operation.responses.values():
                parts: list[Media | Header] = [*response.content.values()]
                for part in [*parts, *response.headers.values()]:
                    if part.schema is not None:
                        self.schemas.at(part.schema, View.RESPONSE)
        return self.warnings

    def meaning(
        self, operations: tuple[Operation, ...], meanings: tuple[Meaning, ...], model: Model
    ) -> Document:
        """The same document, with operations whose meaning is known."""
        by_role: dict[Role, tuple[Operation, ...]] = {}
        for operation in operations:
            if operation.binding is not None:
                role = operation.binding.role
                by_role[role] = (*by_role.get(role, ()), operation)
        return replace(
            self, operations=operations, meanings=meanings, model=model, _by_role=by_role
        )

    def block(self, operation: Operation) -> Mapping[str, Any]:
        """The whole `x-session` block of an operation, what is inferred too."""
        found = (m.block for m in self.meanings if m.operation.label == operation.label)
        return next(found, {})

    def with_role(self, role: Role) -> tuple[Operation, ...]:
        """The operations that have this role, in document order."""
        return self._by_role.get(role, ())

    def schema(self, path: Path | None, view: View = View.RESPONSE) -> dict[str, Any]:
        """The schema at `path` in the 2020-12 dialect, references followed; {} for None."""
        if path is None:
            return {}
        tree = self.schemas.tree(view)
        node: Any = pointers.first(tree, tuple(map(str, path)), {})
        return self.follow(node, view)

    def path_of(self, reference: str) -> Path:
        """The path that a local reference of this document leads to."""
        return local_tokens(reference) or ()

    def follow(self, schema: Any, view: View = View.RESPONSE) -> dict[str, Any]:
        """Follows the reference that a schema of this document is, if it is nothing else.

        What stands beside the reference, such as a default, is laid over what it leads to.
        """
        if isinstance(schema, dict) and "$ref" not in schema:
            return schema
        beside: dict[str, Any] = {}
        for _ in range(64):
            if not isinstance(schema, dict):
                return beside
            target = schema.get("$ref")
            if not isinstance(target, str) or _has_siblings(schema):
                return {**schema, **beside} if beside else schema
            if len(schema) > 1:
                beside = {key: schema[key] for key in schema if key != "$ref"} | beside
            schema = self.schemas.target(target, view)
        return {}


def load_document(spec: str | File, overlays: Sequence[File] = ()) -> Document:
    """Loads a document by its path or its bundled name (`BUNDLED`).

    Raises SparringError with everything that keeps it from being used.
    """
    from ..meaning.meaning import interpret
    from .compiler import Compiler  # both are made of the values above

    bundled = isinstance(spec, str) and spec in BUNDLED
    path = File(__file__).parent.with_name(f"{spec}.yaml") if bundled else File(spec)
    if not bundled and not path.suffix and not os.path.exists(path):
        remedy = nearest(str(spec), BUNDLED) or f"Give a path, or one of {', '.join(BUNDLED)}."
        raise SparringError(Defect("D101", f"there is no document {spec}", remedy=remedy))
    source = load(path)
    if not isinstance(source.tree, dict):
        raise SparringError(source.defect("D110", "a document is a mapping", ()))
    laid = [load(file) for file in overlays]
    key = cache.key_of(*(text.key.encode() for text in (source, *laid)))
    known = inferred.read(key)
    # What is known was kept of a document that stands on its own.
    alone = known is not None or bundle(source, path)
    for text in laid:
        overlay.apply(source, text)
    document = Compiler(source).compile()
    if known is None:
        known = inferred.infer(document)
        if alone:
            inferred.write(key, known)
    document = interpret(document, known, [str(file) for file in overlays])
    return replace(document, bundled=bundled and not overlays)


def compile_document(source: Source, overlays: Collection[str] = ()) -> Document:
    """Compiles a parsed document; annotations from files named in `overlays` are an overlay's.

    Raises SparringError.
    """
    from ..meaning.meaning import interpret
    from .compiler import Compiler  # both are made of the values above

    document = Compiler(source).compile()
    return interpret(document, inferred.infer(document), overlays)


def _has_siblings(schema: dict[str, Any]) -> bool:
    ignored = {"$ref", "description", "title", "example", "examples", "default", "deprecated"}
    return any(key not in ignored and not key.startswith("x-") for key in schema)
