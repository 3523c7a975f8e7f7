"""What a document says of a stream outside its schema: examples, extensions, descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import pointers
from ..openapi.schemas import Path, items_of, members_of
from .framing import EVENT_STREAM, LINES, SSE, Framing

if TYPE_CHECKING:
    from ..openapi.document import Document, Operation

_SENTINEL = re.compile(r"\[(?:DONE|END|EOS|EOF|COMPLETE|FINISHED)\]")
_STREAMS = re.compile(
    r"server[- ]sent|event[- ]stream|\bSSE\b|\bndjson\b|json lines", re.IGNORECASE
)
_REFERENCE = re.compile(r"#/components/schemas/([\w.-]*\w)")
_EVENT_SCHEMA = re.compile(r"\b([A-Z]\w*(?:Event|Chunk|Delta|Frame))s?\b")
_QUOTED = re.compile(r"[`'\"]([a-z][a-z_.-]{2,30})[`'\"]", re.IGNORECASE)
_SENTINEL_KEY = re.compile(r"sentinel|terminator", re.IGNORECASE)
_SCHEMA_KEY = re.compile(r"schema|stream|chunk|event", re.IGNORECASE)
_FLAG = re.compile(r"^(is_?)?stream(ing|ed)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hints:
    """What was found: `names` are words that may be names of events, `streams` that words say that
    there is a stream."""

    examples: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    sentinel: str | None = None
    schema: Path | None = None
    streams: bool = False
    framing: Framing = SSE
    media_type: str = EVENT_STREAM


def hints_of(
    document: Document, operation: Operation, status: str | None = None, media_type: str = ""
) -> Hints:
    """The hints on a stream; without a status, on one that no response declares."""
    tree = document.source.tree
    at = tuple(map(str, operation.pointer))
    node, path = _follow(document, at)
    where: Path
    nodes: list[tuple[Path, dict[str, Any]]] = [(path, node)]
    texts = list(_descriptions(document, operation, node))
    if status is not None:
        for token in ("responses", _key(node.get("responses"), status)):
            node, path = _follow(document, (*path, token))
            nodes.append((path, node))
        node, path = _follow(document, (*path, "content"))
        node, path = _follow(document, (*path, media_type))
        nodes.append((path, node))
    examples = tuple(_examples(tree, node)) if status is not None else ()
    texts += [str(found.get("description", "")) for _, found in nodes]
    texts.append(str(members_of(nodes[-1][1], "schema").get("description", "")))
    sentinel, lines = None, False
    schema: Path | None = None
    for where, found in nodes:
        for key, value in found.items():
            if key.startswith("x-"):
                hint = _extension(key, value, (*where, key))
                sentinel, schema = hint[0] or sentinel, hint[1] or schema
                lines = lines or hint[2]
    spoken_of = (_spoken_of(document, text) for text in texts)
    schema = schema or next(filter(None, spoken_of), None)
    for text in (*texts, *examples):
        if sentinel is None and (match := _SENTINEL.search(text)):
            sentinel = match[0]
    says = any(_STREAMS.search(text) for text in texts) and _has_flag(document, operation)
    names = tuple(dict.fromkeys(name for text in texts for name in _names(text)))
    if lines:
        return Hints(examples, names, sentinel, schema, True, LINES, "application/x-ndjson")
    return Hints(examples, names, sentinel, schema, says or schema is not None)


def _spoken_of(document: Document, text: str) -> Path | None:
    """The schema of an event that a description names: by its reference, or as the only one."""
    components = document.source.tree.get("components")
    known = members_of(components, "schemas") if isinstance(components, dict) else {}
    found = dict.fromkeys(_REFERENCE.findall(text)) or dict.fromkeys(_EVENT_SCHEMA.findall(text))
    names = [name for name in found if name in known]
    return ("components", "schemas", names[0]) if len(names) == 1 else None


def _names(text: str) -> Iterator[str]:
    """The names of events in a description: words in code or quotes, where it speaks of events."""
    if re.search(r"\bevents?\b", text, re.IGNORECASE):
        yield from (match[1] for match in _QUOTED.finditer(text))


def _extension(key: str, value: Any, path: Path) -> tuple[str | None, Path | None, bool]:
    """The sentinel, the schema and whether JSON lines are meant, in one extension."""
    if isinstance(value, str):
        return (value if _SENTINEL_KEY.search(key) else None), None, False
    if not isinstance(value, dict):
        return None, None, False
    if "schema" in key and re.search("event|item|stream|sse|chunk", key):
        return None, path, False
    if "stream" not in key:
        return None, None, False
    sentinel, schema = None, None
    for name, inner in value.items():
        if isinstance(inner, str) and _SENTINEL_KEY.search(name):
            sentinel = inner
        is_schema = isinstance(inner, dict) and {"$ref", "type", "oneOf", "anyOf"} & set(inner)
        if is_schema and _SCHEMA_KEY.search(name):
            schema = (*path, name)
    return sentinel, schema, value.get("format") in ("json", "jsonl", "ndjson")


def _examples(tree: Any, media: dict[str, Any]) -> Iterator[str]:
    shown = [media.get("example"), *(members_of(media, "examples").values())]
    schema = members_of(media, "schema")
    shown += [schema.get("example"), *items_of(schema, "examples")]
    for example in shown:
        if isinstance(example, dict):
            example = example.get("value")
        if isinstance(example, str):
            yield example


def _descriptions(document: Document, operation: Operation, node: dict[str, Any]) -> Iterator[str]:
    """What is said of the operation and of the member that asks for a stream."""
    yield str(node.get("summary", ""))
    for schema in _flags(document, operation):
        yield str(schema.get("description", ""))


def _has_flag(document: Document, operation: Operation) -> bool:
    """Whether the client can ask for a stream."""
    return next(_flags(document, operation), None) is not None


def _flags(document: Document, operation: Operation) -> Iterator[dict[str, Any]]:
    for parameter in operation.parameters:
        if _FLAG.match(parameter.name):
            yield _follow(document, tuple(map(str, parameter.path)))[0]
    for media in operation.body.values():
        body = document.schema(media.schema)
        for part in (body, *(document.follow(p) for p in body.get("allOf", ()))):
            for name, schema in members_of(part).items():
                if _FLAG.match(name):
                    yield document.follow(schema)


def _key(responses: Any, status: str) -> str:
    """The key of a response as the document writes it."""
    known = responses if isinstance(responses, dict) else {}
    return next((str(key) for key in known if str(key).upper() == status), status)


def _follow(document: Document, path: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A node of the document and where it stands when references are followed."""
    node: Any = None
    for _ in range(64):
        node = pointers.first(document.source.tree, path)
        target = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(target, str) or not target.startswith("#"):
            break
        path = tuple(map(str, document.path_of(target)))
    return (node if isinstance(node, dict) else {}), path
