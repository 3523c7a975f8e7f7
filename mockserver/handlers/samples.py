"""Operations that mean nothing to a session: answered from the document, nothing is kept."""

from __future__ import annotations

from sparring.fixtures.shaping.wire import Wire
from sparring.spec.openapi.document import Operation

from ..requests.requests import Request
from ..responses.answers import Answer
from ..responses.declared import Declared


class Sample:
    """The example of the document, else a valid sample, else a 501 with the reason."""

    def __init__(self, wire: Wire, operation: Operation) -> None:
        self._declared = Declared(wire.shaper, operation)

    async def __call__(self, request: Request) -> Answer:
        """Answers with the declared success."""
        return self._declared.usual(request)
