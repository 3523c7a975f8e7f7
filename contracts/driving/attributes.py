"""What a document declares of sessions: their attributes, and which of them guards a change."""

from __future__ import annotations

import re
from typing import Any

from sparring.fixtures.providers.providers import snake
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import properties
from sparring.spec.openapi.schemas import View

_EXPECTS = ("expected", "expect", "if", "ifmatch", "base", "current", "last", "known", "previous")
_MODELS = {"agent", "assistant", "bot", "model", "engine", "provider", "persona", "voice"}
_FREE = {"client", "external", "request", "correlation", "idempotency", "trace", "custom"}
_COUNTERS = ("revision", "version", "etag", "rev", "lockversion", "versionnumber", "generation")


def entity_properties(document: Document, operation: Operation) -> dict[str, Any]:
    """The properties that the document declares for the entity in an answer; {} if it is free."""
    found = operation.success
    media = (
        next((m for m in found[1].content.values() if "json" in m.type), None) if found else None
    )
    if media is None:
        return {}
    schema: Any = document.schema(media.schema)
    for token in operation.binding.entity if operation.binding else ():
        schema = properties(document, schema).get(token, {})
    return properties(document, schema)


def item_properties(document: Document, operation: Operation) -> dict[str, Any]:
    """The properties that the document declares for an item of a list."""
    found = operation.success
    media = (
        next((m for m in found[1].content.values() if "json" in m.type), None) if found else None
    )
    schema: Any = document.schema(media.schema) if media else {}
    for token in operation.binding.items if operation.binding else ():
        schema = document.follow(properties(document, schema).get(token, {}))
    return properties(document, schema.get("items", {}))


def request_properties(document: Document, operation: Operation) -> dict[str, Any]:
    """The properties that the JSON body of an operation may have."""
    media = next((m for m in operation.body.values() if "json" in m.type and m.schema), None)
    if media is None:
        return {}
    return properties(document, document.schema(media.schema, View.REQUEST), View.REQUEST)


def _flat(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def guard(document: Document, operation: Operation) -> tuple[str, str] | None:
    """The member of an update's body that says which revision it expects, and the attribute of the
    session that has it: `expectedRevision` and `revision`; `version` where create does not take it.
    """
    binding = operation.binding
    if binding is None or binding.role is not Role.SESSION_UPDATE:
        return None
    shown = {_flat(name): name for name in _shown(document)}
    created = {
        n for o in document.with_role(Role.SESSION_CREATE) for n in request_properties(document, o)
    }
    counters = [name for name in _COUNTERS if name in shown]
    for name in request_properties(document, operation):
        for counter in counters:
            expects = _flat(name) in (f"{word}{counter}" for word in _EXPECTS)
            is_it = _flat(name) == counter and name not in created
            if expects or is_it:
                return name, shown[counter]
    return None


def _shown(document: Document) -> dict[str, Any]:
    get = [o for o in document.with_role(Role.SESSION_GET) if o.binding and not o.binding.active]
    return entity_properties(document, get[0]) if get else {}


def is_required(document: Document, operation: Operation, name: str) -> bool:
    """Whether a body must have a member."""
    for media in operation.body.values():
        if media.schema is not None and "json" in media.type:
            schema = document.schema(media.schema, View.REQUEST)
            return name in schema.get("required", ())
    return False


def names_another(name: str) -> bool:
    """Whether a member names something of which only the target knows which there are:
    `assistant_id`, `fileIds`, `model`; an `external_id` is anyone's."""
    words = snake(name)
    if len(words) < 2:
        return bool(_MODELS & set(words))
    return words[-1] in ("id", "ids") and words[0] not in _FREE
