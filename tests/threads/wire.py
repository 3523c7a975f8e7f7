"""What goes over the wire: JSON in and out, the schemas of the document, refusals and replies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

DOCUMENT: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("openapi.yaml").read_text(encoding="utf-8")
)
LARGEST = 256 * 1024


class Refusal(Exception):
    """An error response of the document."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param
        self.headers = dict(headers or {})


@dataclass
class Reply:
    """A response: JSON (as a value or as its text), or the pieces of an event stream.

    `again` makes the answer to a retry, where that is not the same JSON.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    again: Callable[[], Reply] | None = None


@dataclass
class Call:
    """A request that has found its operation."""

    operation: str
    path: str
    ids: Mapping[str, str]
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    user: str = ""
    body: Any = None

    def one(self, name: str) -> str | None:
        """The value of a query parameter; the last one when it is repeated."""
        return dict(self.query).get(name)


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError("a number out of range")
    return value


def _constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def parse(raw: bytes) -> Any:
    """JSON text as RFC 8259 has it: UTF-8, no NaN, numbers that a double can hold."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=_number, parse_constant=_constant)
        dump(value)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "invalid_json", "The body is not JSON that can be read.") from error
    return value


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")


@cache
def _validator(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    )


def check(name: str, value: Any) -> Refusal | None:
    """What is wrong with a value by the schema of that name."""
    try:
        error = next(iter(_validator(name).iter_errors(value)), None)
    except (ValueError, RecursionError):
        return Refusal(400, "invalid_json", "The body is nested too deeply.")
    if error is None:
        return None
    path = [str(part) for part in error.instance_path]
    kind = error.kind.as_dict() if hasattr(error.kind, "as_dict") else {}
    if "property" in kind:
        path.append(str(kind["property"]).strip('"'))
    elif kind.get("unexpected"):
        path.append(str(kind["unexpected"][0]))
    message = "The field does not fit its schema." if path else "The body does not fit its schema."
    return Refusal(422, "invalid_request", message, ".".join(path) or None)


def whole(text: str | None, name: str, least: int, most: int, default: int) -> int:
    """A whole number of a query."""
    if text is None:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise Refusal(422, "invalid_request", "This is no whole number.", name)
    if not least <= int(text) <= most:
        raise Refusal(422, "invalid_request", f"It must be {least} to {most}.", name)
    return int(text)


def word(call: Call, name: str, words: tuple[str, ...]) -> str | None:
    """A word of a query, one of those declared."""
    value = call.one(name)
    if value is not None and value not in words:
        raise Refusal(422, "invalid_request", f"It must be one of {', '.join(words)}.", name)
    return value
