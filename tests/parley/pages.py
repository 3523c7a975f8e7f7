"""Lists in pages: a cursor names its list and the last entry that was shown."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from .state import dumps
from .wire import Call, bad_request

Entry = TypeVar("Entry")


def scope_of(*parts: str | None) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def make_cursor(scope: str, at: int) -> str:
    return base64.urlsafe_b64encode(dumps([scope, at]).encode()).decode().rstrip("=")


def read_cursor(call: Call, scope: str) -> int | None:
    raw = call.query("after")
    if raw is None:
        return None
    padded = raw + "=" * (-len(raw) % 4)
    try:
        of, at = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
    except (ValueError, TypeError, RecursionError):
        raise bad_request("Is no cursor.", "after") from None
    if of != scope or type(at) is not int or make_cursor(of, at) != raw:
        raise bad_request("Is no cursor of this list.", "after")
    return at


def page(
    call: Call,
    entries: Sequence[Entry],
    key: Callable[[Entry], int],
    descending: bool,
    limit: int,
    after: int | None,
    scope: str,
) -> tuple[list[Entry], str | None]:
    """What follows `after`, at most `limit` entries, and a cursor where there is more."""
    rest = [
        entry
        for entry in entries
        if after is None or (key(entry) < after if descending else key(entry) > after)
    ]
    shown = rest[:limit]
    more = len(rest) > limit
    if call.bad("cursor_on_full_last_page"):
        more = len(shown) == limit
    if not shown or not more:
        return shown, None
    at = key(shown[-1])
    if call.bad("page_skips_one") and len(rest) > limit + 1:
        at = key(rest[limit])
    return shown, make_cursor(scope, at)
