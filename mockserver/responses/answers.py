"""What handlers return, and how it is brought to the form that the document declares."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from sparring.fixtures.shaping.shapes import Shaper
from sparring.spec.openapi.document import Operation
from sparring.spec.openapi.schemas import Path, Validator, View
from sparring.spec.streams.framing import framing_of, is_json
from sparring.spec.turn import Fault

from .mending import mend
from .problems import Problem

logger = logging.getLogger("sparring.mockserver")

_encode = msgspec.json.encode
Headers = Sequence[tuple[bytes, bytes]]


class Answer(msgspec.Struct, gc=False):
    """A whole response."""

    status: int
    media_type: bytes
    body: bytes
    headers: Headers = ()
    faults: Sequence[Fault] = ()


class Stream(msgspec.Struct, gc=False):
    """A response whose body is written while it is sent."""

    status: int
    media_type: bytes
    frames: AsyncIterator[bytes]
    headers: Headers = ()
    faults: Sequence[Fault] = ()


class Responder:
    """The success response of one operation: its status, its JSON and its declared headers."""

    def __init__(self, shaper: Shaper, operation: Operation) -> None:
        document = shaper.document
        status, response = operation.success or (200, None)
        self.status = status
        self.schema: Path | None = None
        self.label = operation.label
        self._shaper = shaper
        self._has_warned = False
        self._media_type = b""
        self._validator = None
        content = response.content if response else {}
        self.offered = list(content)
        self.stream_type = next(filter(framing_of, content), None)
        for name, media in content.items():
            if is_json(name):
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
            body = self._mended(body, self._validator)
        return Answer(self.status, self._media_type, _encode(body), headers)

    def _mended(self, body: Any, validator: Validator) -> Any:
        """The body, with a sample where it would break the document. Raises Problem 500."""
        first = validator.violations(body, 1)[0]
        where = f" at {first.pointer}" if first.pointer else ""
        told = f"the answer to {self.label} would break the document{where}: {first.message}"
        if (
            self.schema is None
            or (mended := mend(self._shaper, self.schema, validator, body)) is None
        ):
            raise Problem(500, "H500", f"{told}. Say in x-session where the parts of it stand.")
        if not self._has_warned and not isinstance(mended, (str, bool, int, float)):
            self._has_warned = True
            logger.warning("%s; a sample stands there instead", told)
        return mended
