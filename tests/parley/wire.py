"""How requests are read and checked, and how answers are written."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from aiohttp import web

from .state import Slot, Store, Thread, dumps


class Refusal(Exception):
    """An answer of the shape Problem."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message}
        if field is not None:
            self.error["field"] = field
        self.headers = headers

    def response(self) -> web.Response:
        return answer({"error": self.error}, self.status, self.headers)


def answer(
    data: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    body = dumps(data).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def bad_request(message: str, field: str | None = None) -> Refusal:
    return Refusal(400, "bad_request", message, field)


def invalid(message: str, field: str | None = None) -> Refusal:
    return Refusal(422, "invalid", message, field)


def missing(what: str) -> Refusal:
    return Refusal(404, "not_found", f"There is no such {what}.")


@dataclass
class Call:
    """One request, with who sends it."""

    store: Store
    request: web.Request
    user: str
    read_only: bool

    def bad(self, fault: str) -> bool:
        return self.store.bad(fault)

    def part(self, name: str) -> str:
        """A parameter of the path."""
        return self.request.match_info[name]

    def thread(self, other_users: bool = False) -> Thread:
        found = self.store.threads.get(self.part("thread_id"))
        if found is None or (found.owner != self.user and not other_users):
            raise missing("thread")
        return found

    def query(self, name: str) -> str | None:
        values = self.request.query.getall(name, [])
        if len(values) > 1:
            raise bad_request("The parameter is given more than once.", name)
        return values[0] if values else None

    def limit(self, default: int, top: int) -> int:
        raw = self.query("limit")
        if raw is None:
            return default
        clamps = self.bad("limit_clamped") and raw.isascii() and raw.isdigit() and len(raw) < 9
        if clamps and int(raw) > top:
            return top
        if not re.fullmatch(r"[1-9][0-9]{0,8}", raw) or int(raw) > top:
            raise bad_request(f"Must be a whole number from 1 to {top}.", "limit")
        return int(raw)

    def word(self, name: str, *values: str) -> str | None:
        raw = self.query(name)
        if raw is not None and raw not in values:
            raise bad_request(f"Must be one of: {', '.join(values)}.", name)
        return raw

    def text(self, name: str, top: int | None = None) -> str | None:
        raw = self.query(name)
        if raw is not None and (not raw or (top and len(raw) > top)):
            raise bad_request("Has a wrong length.", name)
        return raw

    async def body(self) -> dict[str, Any]:
        request = self.request
        if request.content_type != "application/json" or "Content-Type" not in request.headers:
            raise Refusal(415, "unsupported_type", "Send the body as application/json.")
        raw = await request.read()
        try:
            data = json.loads(raw.decode("utf-8"), parse_constant=_refuse)
            dumps(data).encode("utf-8")
        except (ValueError, RecursionError):
            if self.bad("malformed_json_500"):
                raise RuntimeError("a body that cannot be read") from None
            raise bad_request("The body is not valid JSON.") from None
        if not isinstance(data, dict):
            raise invalid("The body must be an object.")
        return data

    def key(self) -> str | None:
        """The idempotency key."""
        values = self.request.headers.getall("Idempotency-Key", [])
        if not values:
            return None
        if len(values) > 1 or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", values[0]):
            raise bad_request("Must be 1 to 64 letters, digits, _ or -.", "Idempotency-Key")
        return values[0]

    def slot(self, body: object) -> tuple[Slot, str]:
        """The slot of the idempotency key, or a fresh one that nobody shares, and a fingerprint."""
        key = self.key()
        if key is None:
            return Slot(), ""
        slot = self.store.slots.setdefault((self.user, self.request.path, key), Slot())
        return slot, hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

    def same(self, slot: Slot, fingerprint: str) -> None:
        if slot.fingerprint != fingerprint and not self.bad("idempotency_conflict_ignored"):
            message = "The key was used with another body."
            raise Refusal(409, "idempotency_conflict", message, "Idempotency-Key")

    def if_match(self, thread: Thread) -> None:
        raw = self.request.headers.get("If-Match")
        if raw is None or raw.strip() == "*" or thread.etag() in etags(raw):
            return
        raise Refusal(412, "precondition_failed", "The thread has changed.", "If-Match")


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def etags(raw: str) -> list[str]:
    return [tag.strip() for tag in raw.split(",")]


def only(body: Mapping[str, Any], allowed: Collection[str]) -> None:
    for name in body:
        if name not in allowed:
            raise invalid("There is no such member.", name)
