"""Holds every answer to what the document declares for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.openapi.document import Document, Header, Operation, Response
from sparring.spec.openapi.parameters import compile_decoder
from sparring.spec.openapi.schemas import View
from sparring.spec.streams.framing import is_json
from sparring.spec.text.json_text import decode_answer

PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One way in which an answer is not what the document declares.

    `cause` tells deviations of one operation apart: two with the same cause are one finding.
    """

    promise: str
    cause: str
    expected: str
    seen: str


def deviations(document: Document, operation: Operation, exchange: Exchange) -> Iterator[Deviation]:
    """What is wrong with an answer; an event stream is only held to its status and headers."""
    answer = exchange.response
    declared = operation.response(answer.status)
    if declared is None or (answer.status >= 500 and str(answer.status) not in operation.responses):
        statuses = ", ".join(sorted(operation.responses))
        kind = "failure of the server" if answer.status >= 500 else "status"
        yield Deviation(
            "response.status",
            str(answer.status),
            f"one of the declared statuses {statuses}",
            f"the undeclared {kind} {answer.status}{_excerpt(exchange)}",
        )
        return
    yield from _headers(document, declared, exchange)
    yield from _body(document, operation, declared, exchange)


def _excerpt(exchange: Exchange) -> str:
    text = exchange.response.body[:200].decode("utf-8", "replace").strip()
    return f": {text}" if text else ""


def _headers(document: Document, declared: Response, exchange: Exchange) -> Iterator[Deviation]:
    status = exchange.response.status
    for header in declared.headers.values():
        value = exchange.response.headers.get(header.name.lower())
        if value is None:
            if header.required:
                yield Deviation(
                    "response.headers",
                    f"{status} {header.name} is missing",
                    f"the required header {header.name} on {status}",
                    "no such header",
                )
            continue
        for message in _header_violations(document, header, value):
            yield Deviation(
                "response.headers",
                f"{status} {header.name} is wrong",
                f"a header {header.name} on {status} that fits its schema",
                f"{header.name}: {value} ({message})",
            )
            break


def _header_violations(document: Document, header: Header, value: str) -> list[str]:
    if header.schema is None:
        return []
    decode = compile_decoder(
        document.schema(header.schema),
        document.follow,
        style="simple",
        explode=False,
        is_json=False,
    )
    validator = document.schemas.at(header.schema, View.RESPONSE)
    return [violation.message for violation in validator.violations(decode([value]))]


def _body(
    document: Document, operation: Operation, declared: Response, exchange: Exchange
) -> Iterator[Deviation]:
    answer = exchange.response
    if exchange.request.method == "HEAD":
        return
    if answer.status in (204, 304):
        if answer.body:
            yield Deviation(
                "response.schema", f"{answer.status} body", "an empty body", "a body of bytes"
            )
        return
    if not declared.content:
        return
    media = operation.media(answer.status, answer.media_type)
    if media is None:
        media_type = answer.headers.get("content-type")
        if any(_covers(pattern, answer.media_type) for pattern in declared.content):
            return
        yield Deviation(
            "response.media_type",
            f"{answer.status} media type",
            f"{' or '.join(declared.content)} on {answer.status}",
            f"Content-Type: {media_type}" if media_type else "no Content-Type",
        )
        if answer.media_type:  # what it calls itself is one cause, what it is may be another
            media = next((m for m in declared.content.values() if is_json(m.type)), None)
        if media is None or not is_json(answer.media_type):
            return
    if not is_json(media.type) or media.schema is None:
        return
    try:
        body = decode_answer(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        yield Deviation(
            "response.schema",
            f"{answer.status} not JSON",
            f"JSON in the body on {answer.status}",
            f"{error}{_excerpt(exchange)}",
        )
        return
    seen: set[str] = set()
    for violation in document.schemas.at(media.schema, View.RESPONSE).violations(body):
        place = generalised(violation.pointer)
        if f"{place} {violation.keyword}" in seen:
            continue
        seen.add(f"{place} {violation.keyword}")
        yield Deviation(
            "response.schema",
            f"{answer.status} {place} {violation.keyword}",
            f"a body on {answer.status} that fits its schema ({violation.keyword} at {place})",
            f"at {violation.pointer or 'the root'}: {violation.message[:400]}",
        )
    yield from _status_inside(document, operation, exchange, body)


def _covers(pattern: str, media_type: str) -> bool:
    pattern = pattern.partition(";")[0].strip().lower()
    if pattern in ("*/*", "*"):
        return True
    return pattern.endswith("/*") and media_type.startswith(pattern[:-1])


def generalised(pointer: str) -> str:
    """A pointer in which array indices read `*`."""
    tokens = ["*" if token.isdigit() else token for token in pointers.split(pointer)]
    return pointers.join(tokens) or "the root"


def _status_inside(
    document: Document, operation: Operation, exchange: Exchange, body: Any
) -> Iterator[Deviation]:
    answer = exchange.response
    if (
        answer.status < 400
        or not isinstance(body, dict)
        or not operation.promises.holds("error.status")
    ):
        return
    media = operation.media(answer.status, answer.media_type)
    schema = document.schema(media.schema) if media else {}
    said = body.get("status")
    declared = document.follow(schema.get("properties", {}).get("status", {}))
    is_number = isinstance(said, int) and not isinstance(said, bool)
    if is_number and declared.get("type") == "integer" and said != answer.status:
        yield Deviation(
            "error.status",
            "status in the body",
            "the status of the response in the body of the error",
            f"{said} in the body of a {answer.status}",
        )
