"""Which part of a list a request asks for, and what the response tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sparring.spec.meaning.binding import Binding, Place

from ..requests.requests import Request
from ..responses.problems import Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One page of a list; `told` has what the response may say of it, by the names of the page
    binding."""

    items: Sequence[T]
    told: Mapping[str, Any]


class Pager:
    """Cuts the lists of one operation."""

    def __init__(self, binding: Binding) -> None:
        self._page = binding.page
        # A list that is cut by numbers alone can be cut by the store too.
        self.by_number = binding.page.style in ("none", "offset")

    def bounds(self, request: Request) -> tuple[int, int | None]:
        """The first index and the number of items that the request asks for. Raises Problem."""
        page = self._page
        limit = _number(page.limit, request)
        if page.style == "page":
            number = _number(page.start, request)
            number = page.first_page if number is None else number
            return (number - page.first_page) * (limit or 0), limit
        start = _number(page.start, request) if page.style == "offset" else None
        return start or 0, limit

    def tell(self, start: int, limit: int | None, count: int, total: int) -> dict[str, Any]:
        """What there is to say of a part that has `count` of `total` items."""
        more = start + count < total
        told: dict[str, Any] = {
            "total": total,
            "more": more,
            "start": start,
            "size": count if limit is None else limit,
            "pages": -(-total // limit) if limit else min(total, 1),
            "out": start + count if more else None,
        }
        if self._page.style == "page":
            number = start // limit + self._page.first_page if limit else self._page.first_page
            told |= {"start": number, "out": number + 1 if more else None}
        return told

    def cut(
        self,
        request: Request,
        items: Sequence[T],
        identify: Callable[[T], str],
        offset_of: Callable[[T], int | None] | None = None,
    ) -> Part[T]:
        """The part of a whole list. Raises Problem 404 for a cursor that leads nowhere."""
        page, whole = self._page, items
        start, limit = self.bounds(request)
        if page.style == "watermark" and offset_of is not None:
            wanted = _number(page.start, request) or 0
            reached = (i for i, x in enumerate(items) if (offset_of(x) or 0) >= wanted)
            start = next(reached, len(items))
        elif page.style == "cursor":
            start, end = self._between(request, items, identify)
            if page.before is not None and page.before.read(request) is not None and limit:
                start = max(start, end - limit)
            whole = items[:end]
        chosen = whole[start : None if limit is None else start + limit]
        told = self.tell(start, limit, len(chosen), len(items))
        if chosen:
            told |= {"first": identify(chosen[0]), "last": identify(chosen[-1])}
        if page.style == "cursor":
            told["out"] = told["last"] if told["more"] and chosen else None
        elif page.style == "watermark" and offset_of is not None and chosen:
            told["out"] = (offset_of(chosen[-1]) or 0) + 1
        return Part(chosen, told)

    def _between(
        self, request: Request, items: Sequence[T], identify: Callable[[T], str]
    ) -> tuple[int, int]:
        """The indices between the cursors of a request."""
        start, end = 0, len(items)
        for place, is_end in ((self._page.start, False), (self._page.before, True)):
            cursor = place.read(request) if place is not None else None
            if cursor in (None, ""):
                continue
            ids = [identify(item) for item in items]
            if str(cursor) not in ids:
                raise Problem(404, "H404", f"{place} names nothing in this list: {cursor}.")
            index = ids.index(str(cursor))
            start, end = (start, index) if is_end else (index + 1, end)
        return start, end


def _number(place: Place | None, request: Request) -> int | None:
    value = place.read(request) if place is not None else None
    if value is None or isinstance(value, bool):
        return None
    try:
        return max(int(value), 0)
    except (TypeError, ValueError):
        return None
