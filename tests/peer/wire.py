"""What goes over the wire: JSON, problems, media types and server-sent events."""

import json
import math
import re
from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import Any, NoReturn

from aiohttp import web

Json = dict[str, Any]
_DEEPEST = 256


class Problem(Exception):
    """An answer that is a problem (RFC 9457)."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Json] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


def broken(where: str, path: Sequence[str | int], detail: str, faults: Collection[str]) -> Json:
    """One entry of `errors`."""
    parts = [str(part) for part in path]
    if "pointer-unescaped" not in faults:
        parts = [part.replace("~", "~0").replace("/", "~1") for part in parts]
    pointer = "".join(f"/{part}" for part in parts)
    if "pointer-dotted" in faults:
        pointer = ".".join(parts)
    if where == "header" and "header-error-in-body" in faults:
        where = "body"
    return {"detail": detail, "in": where, "pointer": pointer}


def problem(fail: Problem, faults: Collection[str]) -> web.Response:
    """The response of a problem."""
    body: Json = {
        "title": HTTPStatus(fail.status).phrase,
        "status": fail.status,
        "detail": fail.detail,
        "type": "about:blank",
    }
    if fail.errors and not ("query-errors-missing" in faults and fail.errors[0]["in"] == "query"):
        body["errors"] = list(fail.errors)
    if fail.status == 409 and "conflict-says-400" in faults:
        body["status"] = 400
    plain = fail.status == 415 and "media-problem-as-json" in faults
    return web.Response(
        status=fail.status,
        body=dump(body),
        content_type="application/json" if plain else "application/problem+json",
        headers=fail.headers,
    )


def dump(value: object) -> bytes:
    """JSON in UTF-8 on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def load(raw: bytes, faults: Collection[str]) -> Any:
    """The value of a JSON text; ValueError when it is none that could be kept."""

    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON")

    def finite(number: str) -> float:
        value = float(number)
        if math.isinf(value):
            raise ValueError(f"{number} is too large")
        return value

    constant = float if "nan-accepted" in faults else refuse
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=constant, parse_float=finite)
        if _depth(value) > _DEEPEST:
            raise RecursionError
        dump(value)  # a lone surrogate cannot be written again
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _depth(value: object) -> int:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, below), default=0)


def json_response(value: object, status: int = 200, **headers: str) -> web.Response:
    """A JSON answer."""
    return web.Response(
        status=status,
        body=dump(value),
        content_type="application/json",
        headers={"Cache-Control": "no-store"} | headers,
    )


STREAM = "text/event-stream"
JSON = "application/json"


def choose(fields: Sequence[str], offers: Sequence[str], faults: Collection[str]) -> str:
    """The best of the media types for an `Accept` (RFC 9110, 12.5.1), or a 406."""
    accept = ",".join(fields)
    if not accept.strip():
        return offers[0]
    if "accept-substring" in faults and STREAM in accept and STREAM in offers:
        return STREAM
    ranges = []
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if match := re.fullmatch(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", parameter):
                weight = float(match[1])
        ranges.append((kind, weight))
    best: list[tuple[float, int, str]] = []
    for offer in offers:
        exact = [
            (precision, weight)
            for kind, weight in ranges
            for precision, name in enumerate(("*/*", offer.split("/")[0] + "/*", offer))
            if kind == name and not (precision == 1 and "accept-range-unknown" in faults)
        ]
        if exact:
            precision, weight = max(exact)
            if weight:
                best.append((weight, precision, offer))
    if not best:
        raise Problem(406, f"This operation answers with {' or '.join(offers)}.")
    return max(best, key=lambda one: one[:2])[2]


def frame(position: int, event: str, data: object, faults: Collection[str]) -> bytes:
    """One server-sent event; the order of its fields is free (WHATWG HTML, 9.2)."""
    lines = [f"id:{position}", f"event: {event}", f"data: {dump(data).decode()}"]
    if event == "status" and "status-unnamed" in faults:
        del lines[1]
    if event == "chunk" and "chunk-without-id" in faults:
        del lines[0]
    return ("\n".join(lines) + "\n\n").encode()
