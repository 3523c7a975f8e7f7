"""Pages of a list, and the cursors that lead to the next one."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any

from .state import State
from .wire import Call, Refusal, Reply, whole


def cut(
    state: State,
    call: Call,
    rows: Sequence[tuple[int, Any]],
    descending: bool,
    keep: Callable[[Any], bool],
    show: Callable[[Any], Any],
) -> Reply:
    """One page of rows, which have their places."""
    bad = state.bad
    most = 10**9 if bad("input.limit-unbounded") else 100
    limit = whole(call.one("limit"), "limit", 1, most, 20)
    place = _place(state, call, call.one("cursor"))
    if bad("query.second-page-ascends") and place is not None and call.operation == "listMessages":
        descending = False
    rows = sorted(rows, key=lambda row: row[0], reverse=descending)
    if bad("query.cursor-is-offset"):
        kept = [row for row in rows if keep(row[1])]
        rows, begin = kept[place or 0 :], place or 0
    else:
        begin = 0
        if place is not None:
            if bad("query.cursor-needs-its-row") and all(at != place for at, _ in rows):
                rows = []
            if bad("query.boundary-repeated"):
                rows = [row for row in rows if row[0] == place or (row[0] < place) == descending]
            else:
                rows = [row for row in rows if row[0] != place and (row[0] < place) == descending]
        if bad("query.filter-lost-on-pages") and place is not None:
            kept = list(rows)
        elif bad("query.filter-after-limit"):
            kept = [row for row in rows[: limit + 1] if keep(row[1])]
        else:
            kept = [row for row in rows if keep(row[1])]
    page = kept[: limit + (1 if bad("query.one-too-many") else 0)]
    more = len(kept) > len(page)
    if bad("query.more-on-full-page"):
        more = len(page) == limit
    last = begin + len(page) if bad("query.cursor-is-offset") else page[-1][0] if page else 0
    cursor = _cursor(state, call, last) if more else None
    data = [show(item) for _, item in page]
    if bad("schema.empty-list-null") and not data:
        return Reply(200, {"data": None, "nextCursor": None, "hasMore": False})
    return Reply(200, {"data": data, "nextCursor": cursor, "hasMore": more})


def _sign(state: State, call: Call, place: str) -> str:
    text = f"{call.user} {call.path} {call.one('order')} {place}"
    return hmac.new(state.secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:20]


def _cursor(state: State, call: Call, place: int) -> str:
    return urlsafe_b64encode(f"{place}.{_sign(state, call, str(place))}".encode()).decode()


def _place(state: State, call: Call, cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        place, signed = urlsafe_b64decode(cursor.encode("ascii")).decode("ascii").split(".")
        if signed == _sign(state, call, place):
            return int(place)
    except ValueError:
        if state.bad("input.bad-cursor-fails"):
            raise RuntimeError("a cursor that cannot be read") from None
    if state.bad("input.bad-cursor-ignored"):
        return None
    raise Refusal(422, "invalid_request", "This is no cursor of this list.", "cursor")
