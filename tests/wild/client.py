"""A client of any sessions API: it knows the bindings of a document, and nothing of a vendor."""

from __future__ import annotations

import secrets
from typing import Any

import httpx2

from sparring.fixtures.requests import Requests
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import View

Answer = httpx2.Response


class Client(Requests):
    """Speaks the operations of one document to one server; every answer is held to the document."""

    def __init__(self, document: Document, http: httpx2.Client) -> None:
        super().__init__(document, key="alice-key", seed=secrets.token_hex(4))
        self.calls: list[tuple[Operation, int]] = []
        self._http = http

    def call(self, operation: Operation, **said: Any) -> Answer:
        """Calls an operation with as little as its document demands."""
        assert operation.binding is not None, operation.label
        written = self.write(operation, **said)
        request = self._http.build_request(
            written.method, written.url, headers=dict(written.headers), content=written.body or None
        )
        answer = self._http.send(request, stream=True)
        endless = operation.binding.role is Role.MESSAGE_SUBSCRIBE and answer.status_code < 300
        if not endless:
            answer.read()
        answer.close()
        self.calls.append((operation, answer.status_code))
        self._check(operation, answer)
        return answer

    def _check(self, operation: Operation, answer: Answer) -> None:
        """Holds an answer to the document."""
        kind = answer.headers.get("content-type", "").partition(";")[0]
        text = answer.text[:600] if answer.is_stream_consumed else "(a stream)"
        about = f"{operation.label}: {answer.status_code} {text}"
        assert answer.status_code not in (500, 501), about
        if answer.status_code >= 400:
            return
        success = operation.success
        assert success is None or answer.status_code == success[0], about
        media = operation.media(answer.status_code, kind)
        if media is not None and media.schema is not None and "json" in kind:
            validator = self.document.schemas.at(media.schema, View.RESPONSE)
            assert not validator.violations(answer.json(), 3), about
