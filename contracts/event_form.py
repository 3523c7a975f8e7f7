"""The events of a stream as the values that their schema speaks of, in whatever form it does."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from sparring.spec.document import Document, Operation
from sparring.spec.schemas import Validator, View, reference
from sparring.spec.sse import ServerEvent

from .places import properties
from .world import EVENT_STREAM


class EventForm:
    """How the events of a stream are put into one JSON value, and what validates it."""

    def __init__(self, validator: Validator, names: set[str], *, whole: bool, parsed: bool) -> None:
        self.validator = validator
        self._names = names
        self._whole = whole
        self._parsed = parsed

    def value(self, event: ServerEvent) -> Any:
        """The event as the schema speaks of it."""
        data = _json(event.data) if self._parsed else event.data
        if not self._whole:
            return data
        found: dict[str, Any] = {}
        if "event" in event.fields or "event" in self._names:
            found["event"] = event.event
        if "id" in event.fields:
            found["id"] = event.id
        if "data" in event.fields:
            found["data"] = data
        return found


_NOT_JSON = "(this is not JSON)"


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _NOT_JSON


def event_form(document: Document, operation: Operation) -> EventForm | None:
    """How the stream of an operation declares its events, None where it does not."""
    success = operation.success
    media = operation.media(success[0], EVENT_STREAM) if success else None
    if media is None or media.schema is None:
        return None
    schema = document.schema(media.schema, View.RESPONSE)
    names = set(properties(document, schema))
    for branch in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        names |= set(properties(document, branch))
    whole = "data" in names and bool(names & {"event", "id", "retry"})
    parsed = not whole or _parses(document, schema)
    if schema.get("type") == "string" and not whole:
        parsed = False
    rewritten = _outside(_with_content(document, copy.deepcopy(schema), parsed=parsed and whole))
    validator = document.schemas.compile(rewritten, View.RESPONSE)
    return EventForm(validator, names, whole=whole, parsed=parsed)


def _parses(document: Document, schema: Any) -> bool:
    """Whether `data` is JSON: an object, or a string that says so."""
    schema = document.follow(schema)
    data = document.follow(properties(document, schema).get("data", {}))
    if data.get("type") not in (None, "string") or "json" in str(data.get("contentMediaType")):
        return True
    branches = (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ()))
    return "contentSchema" in data or any(_parses(document, branch) for branch in branches)


def _with_content(document: Document, schema: Any, *, parsed: bool) -> Any:
    """The schema in which JSON inside `data` is held to its `contentSchema`."""
    if not isinstance(schema, dict) or not parsed:
        return schema
    schema = dict(schema)
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            schema[key] = [
                _with_content(document, copy.deepcopy(document.follow(b)), parsed=True)
                for b in schema[key]
            ]
    if isinstance(schema.get("properties"), dict) and "data" in schema["properties"]:
        data = document.follow(schema["properties"]["data"])
        is_text = data.get("type") == "string" or "contentMediaType" in data
        if is_text:
            inner = data.get("contentSchema", True)
            wanted = {"allOf": [inner, {"not": {"const": _NOT_JSON}}]}
            schema["properties"] = schema["properties"] | {"data": wanted}
    return schema


def _outside(node: Any) -> Any:
    """A schema whose local references name the document, for use outside it."""
    if isinstance(node, list):
        return [_outside(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _outside(value) for key, value in node.items()}
    target = node.get("$ref")
    if isinstance(target, str) and target.startswith("#"):
        found["$ref"] = reference(()) + target[1:]
    return found
