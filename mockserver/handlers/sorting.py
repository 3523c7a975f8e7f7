"""By what a list of sessions is sorted, and which way."""

from __future__ import annotations

from typing import Any, NamedTuple

from sparring.spec.meaning.binding import Binding, descends, sorted_by
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import parameter
from sparring.spec.openapi.schemas import View

from ..requests.requests import Request


class Order(NamedTuple):
    """What a list is sorted by, a member of its rows, and whether the last comes first."""

    by: str
    descending: bool


class Sorting:
    """The order that a request asks for: by two parameters, or by one whose words say both."""

    def __init__(self, document: Document, operation: Operation, binding: Binding) -> None:
        stated = operation.promises.get("list.order", {})
        self._stated = Order(stated.get("by", "").removeprefix("/"), stated.get("dir") == "desc")
        self._by, self._direction = binding.order_by, binding.order_direction
        found = parameter(operation, self._by.part, self._by.name) if self._by else None
        schema = document.schema(found.schema, View.REQUEST) if found and found.schema else {}
        words = (sorted_by(word) for word in schema.get("enum", ()) if isinstance(word, str))
        self._says_both = any(down is not None for _, down in words)

    def __call__(self, request: Request) -> Order:
        """The order of one request."""
        asked = self._by.read(request) if self._by else None
        by, down = sorted_by(asked) if isinstance(asked, str) else (self._stated.by, None)
        direction = self._direction.read(request) if self._direction else None
        if direction is not None:
            return Order(by, bool(descends(direction)))
        if down is None:
            is_plain = self._says_both and asked is not None
            down = self._stated.descending and not is_plain
        return Order(by, down)


def by_value(value: Any) -> tuple[str, Any]:
    """A key that sorts values of any types, texts whatever their case."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return "", str(value)
    return ("text", (value.casefold(), value)) if isinstance(value, str) else ("number", value)
