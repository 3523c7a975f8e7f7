"""Lists in pages: a token names its person, its list and the last item that was shown."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web

from .state import dumps
from .wire import Call, Refusal, answer, bad_parameter

Item = TypeVar("Item")
Scope = list[str | None]
"""What a token is bound to: the list, its filters and its order."""


def _signed(call: Call, raw: bytes) -> str:
    return (hmac.digest(call.store.secret, raw, "sha256")[:8] + raw).hex()


def _token(call: Call, scope: Scope, cursor: Any) -> str:
    return _signed(call, dumps([call.person.id, scope, cursor]).encode())


def _cursor(call: Call, scope: Scope, token: str) -> Any:
    bad = Refusal(400, "bad_page_token", "The page token is damaged or belongs to another list.")
    try:
        raw = bytes.fromhex(token)[8:]
        if not hmac.compare_digest(_signed(call, raw).encode(), token.encode()):
            raise bad
        person, of, cursor = json.loads(raw)
    except ValueError:
        raise bad from None
    loose = call.bad("token_of_other_filters")
    if person != call.person.id or of[0] != scope[0] or (of != scope and not loose):
        raise bad
    return cursor


def _size(call: Call) -> int:
    raw = call.query("pageSize")
    if raw is None:
        return 20
    if not re.fullmatch("[0-9]{1,6}", raw) or not 1 <= int(raw) <= 50:
        raise bad_parameter("pageSize", "must be a whole number from 1 to 50")
    return int(raw)


def page(
    call: Call,
    scope: Scope,
    items: Sequence[Item],
    cursor_of: Callable[[Item], Any],
    behind: Callable[[Item, Any], bool],
    show: Callable[[Sequence[Item]], list[dict[str, Any]]],
) -> web.Response:
    """The page that is asked for, of all the items in their order."""
    size, token = _size(call), call.query("pageToken")
    rest = items
    if token is not None:
        cursor = _cursor(call, scope, token)
        rest = [item for item in items if behind(item, cursor)]
    shown = rest[:size]
    meta: dict[str, Any] = {"pageSize": size, "totalCount": len(items), "nextPageToken": None}
    if len(rest) > size:
        last = shown[-2] if call.bad("page_overlaps") and size > 1 else shown[-1]
        meta["nextPageToken"] = _token(call, scope, cursor_of(last))
    elif call.bad("last_page_without_token"):
        del meta["nextPageToken"]
    return answer({"data": show(shown), "meta": meta})
