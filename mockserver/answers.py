"""What handlers return, and how it is brought to the form that the document declares."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from sparring.spec.document import Document, Operation
from sparring.spec.schemas import Path, View

from .problems import Problem

_encode = msgspec.json.encode
Headers = Sequence[tuple[bytes, bytes]]


class Answer(msgspec.Struct, gc=False):
    """A whole response."""

    status: int
    media_type: bytes
    body: bytes
    headers: Headers = ()


class Stream(msgspec.Struct, gc=False):
    """A response whose body is written while it is sent."""

    status: int
    media_type: bytes
    frames: AsyncIterator[bytes]


class Responder:
    """The success response of one operation: its status, its JSON and its declared headers."""

    def __init__(self, document: Document, operation: Operation) -> None:
        status, response = operation.success or (200, None)
        self.status = status
        self.schema: Path | None = None
        self.label = operation.label
        self._media_type = b""
        self._validator = None
        content = response.content if response else {}
        self.offered = list(content)
        self.stream_type = next((m for m in content if m.startswith("text/event-stream")), None)
        for name, media in content.items():
            if "json" in name:
                self._media_type = name.encode()
                self.schema = media.schema
                if media.schema is not None:
                    self._validator = document.schemas.at(media.schema, View.RESPONSE)
                break
        declared = {name.lower() for name in response.headers} if response else set()
        self.has_etag = "etag" in declared
        self.has_location = "location" in declared

    def json(self, body: Any, headers: Headers = ()) -> Answer:
        """The response with this body, checked. Raises Problem 500 when it breaks its schema."""
        if not self._media_type:
            return Answer(self.status, b"", b"", headers)
        if self._validator is not None and not self._validator.is_valid(body):
            first = self._validator.violations(body, 1)[0]
            where = f" at {first.pointer}" if first.pointer else ""
            raise Problem(
                500,
                "H500",
                f"The mock's answer to {self.label} would break the document{where}: "
                f"{first.message}. Say in x-session-model where the parts of it stand.",
            )
        return Answer(self.status, self._media_type, _encode(body), headers)
