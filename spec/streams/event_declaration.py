"""Reads how a document declares the events of a stream, in whichever of the usual conventions.

The schema of a stream may speak of the JSON in `data` (a payload), of the whole event (an object of
`event`, `data`, `id`, `retry`), of plain text, or be missing. A union declares one event a branch,
told apart by the name of the event or by members of the payload that are constant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from ..openapi.schema_reader import Leaf, SchemaReader
from ..openapi.schemas import Path, View, items_of, types_of
from .event_hints import Hints, hints_of
from .event_schema import EVENT_MEMBERS, Alternative, EventSchema, Form, Location
from .framing import SSE, Framing, framing_of

if TYPE_CHECKING:
    from ..openapi.document import Document, Operation

_TAGS = ("type", "event", "kind", "event_type", "eventType", "message_type", "op", "object")
_ENVELOPES = ("event", "payload", "result", "params", "data", "update", "body", "message")


def event_schema(document: Document, operation: Operation) -> EventSchema | None:
    """How an operation declares the events that it streams; None where it streams nothing."""
    reader = SchemaReader(document, View.RESPONSE)
    for status, response in sorted(operation.responses.items()):
        for media_type, media in response.content.items() if status.startswith("2") else ():
            framing = framing_of(media_type)
            if framing is not None:
                hints = hints_of(document, operation, status, media_type)
                return _read(reader, media_type, framing, media.schema or hints.schema, hints)
    hints = hints_of(document, operation)
    if not hints.streams:
        return None
    return _read(
        reader, hints.media_type, hints.framing, hints.schema or _pieces(reader, operation), hints
    )


def _pieces(reader: SchemaReader, operation: Operation) -> Path | None:
    """The branch of a JSON answer that is one event, where only JSON is declared."""
    words = ("chunk", "delta", "stream", "event", "partial")
    for media in operation.success[1].content.values() if operation.success else ():
        for path in reader.leaves(media.schema) if media.schema else ():
            if any(word in reader.title(path.path).lower() for word in words):
                return path.path
    return None


def _read(
    reader: SchemaReader, media_type: str, framing: Framing, schema: Path | None, hints: Hints
) -> EventSchema:
    examples = tuple(_examples(hints, framing)) or _named(hints)
    if schema is None:
        return EventSchema(Form.NONE, media_type, framing, examples, hints.sentinel, reader)
    path, node = reader.resolve(schema)
    if "array" in types_of(node) and isinstance(node.get("items"), dict):
        path, node = reader.resolve((*path, "items"))
    is_text = types_of(node) == {"string"}
    if is_text and hints.schema is not None:
        path, node = reader.resolve(hints.schema)
    elif is_text and not ({"const", "contentSchema"} & set(node)):
        return EventSchema(Form.TEXT, media_type, framing, examples, hints.sentinel, reader)
    if not reader.members(path) and not reader.branches(path):
        # An object of which nothing is said.
        found = [replace(a, payload=path) for a in examples] or [Alternative("", payload=path)]
        return EventSchema(Form.PAYLOAD, media_type, framing, tuple(found), hints.sentinel, reader)
    leaves = reader.leaves(path)
    is_event = framing is SSE and _are_events(reader, leaves)
    read = _events if is_event else _payloads
    found = [a for leaf in leaves for a in read(reader, leaf)]
    if not is_event:
        found = _with_example_names(found, examples)
    form = Form.EVENT if is_event else Form.PAYLOAD
    return EventSchema(form, media_type, framing, tuple(found), hints.sentinel, reader)


def _are_events(reader: SchemaReader, leaves: Sequence[Leaf]) -> bool:
    """Whether objects are events with their fields rather than payloads."""
    names: set[str] = set()
    for leaf in leaves:
        found = set(reader.members(leaf.path)) | {n for b in leaf.bases for n in reader.members(b)}
        if found and not found <= EVENT_MEMBERS:
            return False
        names |= found
    return "data" in names


def _events(reader: SchemaReader, leaf: Leaf) -> Iterator[Alternative]:
    """The events that an object with `event` and `data` declares."""
    members: dict[str, Path] = {}
    for path in (*leaf.bases, leaf.path):
        members |= reader.members(path)
    if not members:
        yield from _payloads(reader, leaf)
        return
    names, strict = _names(reader, members.get("event"), leaf)
    data, has_id, whole = members.get("data"), "id" in members, (leaf.path, *leaf.bases)
    nothing = [Alternative("", is_json=False)]
    payloads = list(_data(reader, data)) if data is not None else nothing
    for name in (*names,) or (None,):
        for found in payloads:
            label = name or found.label or reader.title(leaf.path)
            yield replace(found, label=label, name=name, strict=strict, has_id=has_id, whole=whole)


def _names(reader: SchemaReader, event: Path | None, leaf: Leaf) -> tuple[list[str], bool]:
    """The names of an event, and whether it can have no other."""
    if leaf.tag is not None and leaf.tag[0] == "event":
        return [leaf.tag[1]], True
    if event is None:
        return [], False
    _, node = reader.resolve(event)
    values = [v for v in reader.constants_of(node) if isinstance(v, str)]
    if values:
        return values, True
    shown = [*items_of(node, "examples"), node.get("example"), node.get("default")]
    return list(dict.fromkeys(name for name in shown if isinstance(name, str))), False


def _data(reader: SchemaReader, data: Path) -> Iterator[Alternative]:
    """The payloads that the member `data` of an event declares."""
    path, node = reader.resolve(data)
    types, media_type = types_of(node), str(node.get("contentMediaType", ""))
    if isinstance(node.get("contentSchema"), dict):
        for leaf in reader.leaves((*path, "contentSchema")):
            yield from _payloads(reader, leaf)
        return
    values = reader.constants_of(node)
    if len(values) == 1 and isinstance(values[0], str):
        yield Alternative("", payload=path, is_json=False, literal=values[0])
    elif types == {"string"}:
        yield Alternative("", is_json="json" in media_type, payload=None)
    elif not types and not reader.members(path) and not reader.branches(path):
        yield Alternative("", payload=path, is_json=False)
    else:
        for leaf in reader.leaves(path):
            yield from _payloads(reader, leaf)


def _payloads(reader: SchemaReader, leaf: Leaf) -> Iterator[Alternative]:
    """The events that the schema of a payload declares: one for each word of its tag."""
    path, node = reader.resolve(leaf.path)
    values = reader.constants_of(node)
    if values and all(isinstance(value, str) for value in values):
        for value in values:
            yield Alternative(value, payload=path, is_json=False, literal=value)
        return
    types = types_of(node)
    is_json = types != {"string"}
    members: dict[str, Path] = {}
    for part in (*leaf.bases, leaf.path):
        members |= reader.members(part)
    constants: dict[Location, tuple[Any, ...]] = {}
    if leaf.tag is not None:
        constants[leaf.tag[0],] = (leaf.tag[1],)
    constants = _constants(reader, members) | constants
    title = reader.title(leaf.path)
    name = _event_name(node)
    base = Alternative(title, name=name, payload=path, is_json=is_json, around=leaf.bases)
    inner = _inner(reader, members)
    tag = _tag(constants)
    if inner and (tag is None or len(constants[tag]) == 1):
        for found, word in inner:
            yield replace(base, label=name or word, constants=constants | found)
    elif tag is not None:
        for value in constants[tag]:
            yield replace(base, label=name or str(value), constants=constants | {tag: (value,)})
    else:
        yield replace(base, label=name or title, constants=constants)


def _constants(
    reader: SchemaReader, members: Mapping[str, Path], at: Location = ()
) -> dict[Location, tuple[Any, ...]]:
    """The members that can have one value only, and those that say what an event is."""
    constants: dict[Location, tuple[Any, ...]] = {}
    for name, member in members.items():
        found = reader.constants_of(reader.resolve(member)[1])
        if len(found) == 1 or (found and name in _TAGS):
            constants[*at, name] = tuple(found)
    return constants


def _inner(
    reader: SchemaReader, members: Mapping[str, Path]
) -> list[tuple[dict[Location, tuple[Any, ...]], str]]:
    """The events that stand in one member of an envelope: the constants and the word of each."""
    for name in _ENVELOPES:
        if name not in members or not reader.branches(members[name]):
            continue
        found = []
        for leaf in reader.leaves(members[name]):
            constants = _constants(reader, reader.members(leaf.path), (name,))
            if leaf.tag is not None:
                constants[name, leaf.tag[0]] = (leaf.tag[1],)
            tag = _tag(constants)
            if tag is not None:
                found += [(constants | {tag: (word,)}, str(word)) for word in constants[tag]]
        if len(found) > 1:
            return found
    return []


def _tag(constants: Mapping[Location, tuple[Any, ...]]) -> Location | None:
    """The member that says what an event is."""
    known = [at for name in _TAGS for at in constants if at[-1] == name]
    rest = [at for at, values in constants.items() if all(map(_is_word, values))]
    several = [at for at in known if len(constants[at]) > 1]
    return next(iter([*several, *known, *rest]), None)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and any(map(str.isalpha, value))


def _event_name(node: Mapping[str, Any]) -> str | None:
    """The name of the event that an extension of a schema gives."""
    for key, value in node.items():
        if key.startswith("x-") and "event" in key and isinstance(value, str):
            return value
    return None


def _examples(hints: Hints, framing: Framing) -> Iterator[Alternative]:
    """The events that the examples of a stream show, one of each name and shape."""
    seen = set()
    for text in hints.examples:
        parser = framing.parser()
        for event in parser.feed(text.replace("\\n", "\n").encode() + b"\n\n"):
            try:
                sample = msgspec.json.decode(event.data)
            except msgspec.DecodeError:
                continue
            named = "event" in event.fields
            members = sample if isinstance(sample, dict) else {}
            words: dict[Location, tuple[Any, ...]] = {
                (k,): (members[k],) for k in _TAGS if isinstance(members.get(k), str)
            }
            label = event.event if named else str(next(iter(words.values()), ("",))[0])
            if label not in seen and isinstance(sample, dict):
                seen.add(label)
                name = event.event if named else None
                yield Alternative(
                    label, name, constants=words, sample=sample, has_id="id" in event.fields
                )


def _named(hints: Hints) -> tuple[Alternative, ...]:
    """The events that descriptions name."""
    return tuple(Alternative(name, name, sample={}) for name in hints.names)


def _with_example_names(
    found: Sequence[Alternative], examples: Sequence[Alternative]
) -> list[Alternative]:
    """Payloads with the names that examples give to events of their kind."""
    named = {word: e.name for e in examples for v in e.constants.values() for word in v}
    named |= {e.name: e.name for e in examples if e.name}
    return [replace(a, name=a.name or named.get(a.label)) for a in found]
