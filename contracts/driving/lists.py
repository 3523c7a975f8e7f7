"""What a document says of its lists: which is the history, how it runs, how large a page may be."""

from __future__ import annotations

from typing import Any

from sparring.spec.meaning.binding import Place, descends
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import histories, parameter, plain
from sparring.spec.openapi.schemas import View

from ..world import NotChecked, World


def history_operation(world: World) -> Operation:
    """The operation that reads the history: a list of messages before a list of events."""
    found = sorted(
        histories(world.document),
        key=lambda o: o.binding is not None and o.binding.shape == "event",
    )
    if not found:
        raise NotChecked("the document has no message.list, nor a session that shows what was said")
    return found[0]


def is_newest_first(document: Document, operation: Operation) -> bool:
    """Whether a history begins at its end unless it is asked otherwise: stated, or the default."""
    stated = str(operation.promises.get("history.order", {}).get("dir", ""))
    place = operation.binding.order_direction if operation.binding else None
    found = parameter(operation, place.part, place.name) if place else None
    schema = document.schema(found.schema, View.REQUEST) if found and found.schema else {}
    return bool(descends(stated or schema.get("default", "")))


def oldest_first(document: Document, operation: Operation) -> tuple[dict[str, Any], bool]:
    """The query that asks for a history from its beginning; whether to turn it round instead."""
    if not is_newest_first(document, operation):
        return {}, False
    place = operation.binding.order_direction if operation.binding else None
    found = parameter(operation, place.part, place.name) if place else None
    schema = document.schema(found.schema, View.REQUEST) if found and found.schema else {}
    words = [word for word in schema.get("enum", ()) if descends(word) is False]
    return ({str(place): words[0]}, False) if words else ({}, True)


def bounds(document: Document, operation: Operation, limit: Place | None) -> int | None:
    """The largest page that may be asked for, None where the document does not say."""
    found = parameter(operation, limit.part, limit.name) if limit else None
    schema = plain(document, document.schema(found.schema)) if found and found.schema else {}
    most = schema.get("maximum")
    return most if isinstance(most, int) and most >= 1 else None
