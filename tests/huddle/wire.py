"""How requests are read and checked, and how answers are written."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from aiohttp import web

from .state import Huddle, Person, Store, Utterance, dumps

LARGEST = 65536
"""Bytes of a body."""


class Refusal(Exception):
    """An answer of the shape ErrorAnswer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        places = [{"at": at, "problem": problem} for at, problem in fields]
        self.error = {"code": code, "message": message, "fields": places}
        self.headers = headers

    def response(self) -> web.Response:
        return answer({"error": self.error}, self.status, self.headers)


def answer(
    data: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    body = data if isinstance(data, bytes) else dumps(data).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def missing() -> Refusal:
    return Refusal(404, "not_found", "There is no such thing.")


def bad_parameter(name: str, problem: str) -> Refusal:
    return Refusal(400, "bad_parameter", "A parameter is not right.", [(name, problem)])


def invalid(problems: Iterable[tuple[str, str]]) -> Refusal:
    return Refusal(422, "invalid_fields", "Some fields are not right.", problems)


def conflict(code: str, message: str) -> Refusal:
    return Refusal(409, code, message)


def pointer(*names: str) -> str:
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


@dataclass
class Call:
    """One request, with who sends it."""

    store: Store
    request: web.Request
    person: Person

    def bad(self, fault: str) -> bool:
        return self.store.bad(fault)

    def huddle(self) -> Huddle:
        found = self.person.huddles.get(self.request.match_info["huddleId"])
        if found is None:
            raise missing()
        return found

    def utterance(self) -> Utterance:
        for said in self.huddle().utterances:
            if said.id == self.request.match_info["utteranceId"]:
                return said
        raise missing()

    def query(self, name: str) -> str | None:
        values = self.request.query.getall(name, [])
        if len(values) > 1:
            raise bad_parameter(name, "is given twice")
        return values[0] if values else None

    def word(self, name: str, *values: str) -> str | None:
        raw = self.query(name)
        if raw is not None and raw not in values:
            raise bad_parameter(name, f"must be one of {', '.join(values)}")
        return raw

    async def body(self) -> Any:
        request = self.request
        json_said = (
            request.content_type == "application/json"
            and "Content-Type" in request.headers
            and (request.charset or "utf-8").lower() in ("utf-8", "utf8")
        )
        if not (json_said or self.bad("any_media_type")) or "Content-Encoding" in request.headers:
            raise Refusal(415, "unsupported_media", "Send application/json in UTF-8, not encoded.")
        too_large = Refusal(413, "too_large", f"The body is larger than {LARGEST} bytes.")
        if (request.content_length or 0) > LARGEST:
            raise too_large
        try:
            raw = await request.read()
            data = json.loads(raw.decode("utf-8"), parse_constant=_refuse)
            if not self.bad("surrogate_500"):
                dumps(data).encode("utf-8")
        except web.HTTPRequestEntityTooLarge:
            raise too_large from None
        except (ValueError, RecursionError):
            raise Refusal(400, "malformed_body", "The body is not proper JSON.") from None
        return data

    def key(self) -> str | None:
        """The idempotency key."""
        values = self.request.headers.getall("Idempotency-Key", [])
        if not values:
            return None
        if len(values) > 1 or not re.fullmatch("[A-Za-z0-9_-]{1,64}", values[0]):
            raise bad_parameter("Idempotency-Key", "must be 1 to 64 letters, digits, - or _")
        return values[0]

    def if_match(self, huddle: Huddle) -> None:
        raw = self.request.headers.get("If-Match")
        if raw is not None and not names(raw, huddle.etag(), strong=True):
            tag = {"ETag": huddle.etag()}
            raise Refusal(412, "precondition_failed", "The huddle has changed.", headers=tag)

    def wants_stream(self) -> bool:
        """Whether events are more welcome than JSON. Raises Refusal where neither is."""
        accepted = ",".join(self.request.headers.getall("Accept", []))
        if not accepted.strip():
            return False
        json_weight = _weight(accepted, "application/json")
        stream_weight = _weight(accepted, "text/event-stream")
        if not json_weight and not stream_weight:
            raise Refusal(406, "not_acceptable", "There are only JSON and an event stream.")
        return stream_weight > json_weight


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _weight(accepted: str, kind: str) -> float:
    """How welcome a media type is; the most exact range counts (RFC 9110, 12.5.1)."""
    levels = {"*/*": 0, kind.partition("/")[0] + "/*": 1, kind: 2}
    found = (-1, 0.0)
    for part in accepted.split(","):
        name, *parameters = (bit.strip().lower() for bit in part.split(";"))
        weights = [bit[2:] for bit in parameters if re.fullmatch(r"q=[01](\.\d{0,3})?", bit)]
        if name in levels:
            found = max(found, (levels[name], float(weights[0]) if weights else 1.0))
    return found[1]


def names(raw: str, etag: str, strong: bool = False) -> bool:
    """Whether a list of entity tags has this one."""
    if raw.strip() == "*":
        return True
    tags = re.findall(r'(W/)?("[^"]*")', raw)
    return any(tag == etag and not (weak and strong) for weak, tag in tags)


def check_text(
    value: object, at: str, limit: int, least: int = 0, blank: bool = True
) -> list[tuple[str, str]]:
    """What is wrong with a text, if anything."""
    if not isinstance(value, str):
        return [(at, "must be a string")]
    if not least <= len(value) <= limit:
        return [(at, f"must have {least} to {limit} characters")]
    if not blank and not value.strip():
        return [(at, "must not be blank")]
    return []


def check_names(body: object, *allowed: str) -> dict[str, Any]:
    """The body as an object of these properties. Raises Refusal."""
    if not isinstance(body, dict):
        raise invalid([("", "must be an object")])
    if unknown := [name for name in body if name not in allowed]:
        raise invalid((pointer(name), "is not known") for name in unknown)
    return body
