"""One request and its response, as values that can be shown and run again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from .form_encoding import form_fields

SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent; header names as they were given."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def curl(self) -> str:
        """A shell command that sends the same request and shows the whole answer."""
        words = ["curl", "-sS", "-i", "-X", self.method, self.url]
        if self.method == "HEAD":
            words = ["curl", "-sS", "-I", self.url]
        kind = next((v for n, v in self.headers.items() if n.lower() == "content-type"), "")
        fields = form_fields(kind, self.body)
        for name, value in self.headers.items():
            if fields is None or name.lower() != "content-type":
                words += ["-H", f"{name}: {value}" if value else f"{name};"]
        for name, text in fields or ():
            words += ["--form-string", f"{name}={text}"]
        if self.body and fields is None:
            words += ["--data-binary", self.body.decode("utf-8", "backslashreplace")]
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """The media type without its parameters, in lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON, None when it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, its response, and how many seconds it took."""

    request: Request
    response: Response
    seconds: float = 0.0
