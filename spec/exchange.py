"""One request and its response, as values that can be shown and run again."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from .openapi.form_encoding import form_fields
from .text.json_text import decode_answer

LONGEST_KEPT = 256 * 1024  # bytes of a body
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
    """What came back; header names in lower case. `cut` tells the length and the hash of a whole
    body of which only the beginning is kept."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: str = ""

    @property
    def media_type(self) -> str:
        """The media type without its parameters, in lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON, None when it is not JSON."""
        try:
            return decode_answer(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, its response, and how many seconds it took."""

    request: Request
    response: Response
    seconds: float = 0.0

    def kept(self) -> Exchange:
        """What a report can hold of it: all, or of a long answer the beginning."""
        body = self.response.body
        if len(body) <= LONGEST_KEPT:
            return self
        cut = f"{len(body)} bytes, SHA-256 {hashlib.sha256(body).hexdigest()}"
        return replace(self, response=replace(self.response, body=body[:LONGEST_KEPT], cut=cut))
