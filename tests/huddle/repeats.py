"""Requests that come again under one idempotency key."""

from __future__ import annotations

import json
from typing import Any

from .state import Repeat
from .takes import Take
from .wire import Call, conflict


def found(call: Call, key: str | None, body: Any) -> Repeat | None:
    """What the key stands for already. Raises Refusal where it came with another body."""
    repeat = call.person.repeats.get((call.request.path, key)) if key else None
    if repeat is not None and repeat.fingerprint != _fingerprint(body):
        raise conflict("idempotency_mismatch", "This key was used with another body.")
    return repeat


def keep_answer(
    call: Call, key: str | None, body: Any, answered: bytes, headers: dict[str, str]
) -> None:
    if key:
        repeat = Repeat(_fingerprint(body), answered, headers)
        call.person.repeats[call.request.path, key] = repeat


def keep_take(call: Call, key: str | None, body: Any, take: Take) -> None:
    if key:
        call.person.repeats[call.request.path, key] = Repeat(_fingerprint(body), take=take)


def _fingerprint(body: Any) -> str:
    return json.dumps(body, sort_keys=True)
