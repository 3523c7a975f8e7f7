"""What Schemathesis found, as findings of ours, without what it only takes for a failure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sparring.spec import pointers
from sparring.spec.exchange import Exchange, Request, Response
from sparring.spec.finding import Blame, Finding, Severity
from sparring.spec.meaning.binding import Role
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import session_parameter
from sparring.spec.streams.event_declaration import event_schema

from ..checks import position, promised_at
from ..driving.attributes import names_another
from ..driving.requests import path_values, request_fits
from ..world import World, is_stream

PROMISES = {
    "ServerError": "response.status",
    "UndefinedStatusCode": "response.status",
    "JsonSchemaError": "response.schema",
    "MalformedJson": "response.schema",
    "ContentDeserializationError": "response.schema",
    "DiscriminatorMismatch": "response.schema",
    "MissingContentType": "response.media_type",
    "MalformedMediaType": "response.media_type",
    "UndefinedContentType": "response.media_type",
    "MissingHeaders": "response.headers",
    "AcceptedNegativeData": "input.refused",
    "MissingHeaderNotRejected": "input.parameters",
    "RejectedPositiveData": "input.accepted",
    "UnsupportedMethodResponse": "method.allow",
    "AllowHeaderMismatch": "method.allow",
    "IgnoredAuth": "auth.required",
    "UseAfterFree": "delete.gone",
    "EnsureResourceAvailability": "create.read_back",
}
SEQUENCES = {
    "delete.gone": ("UseAfterFree", "free", Role.SESSION_DELETE),
    "create.read_back": ("EnsureResourceAvailability", "created_with", Role.SESSION_CREATE),
}
READABLE = 600  # bytes of a body that a person can judge


class Failures:
    """Makes findings of the failures of a run; `labels` are what Schemathesis calls operations."""

    def __init__(self, world: World, labels: Mapping[str, Operation], seed: int) -> None:
        self.document = world.document
        self.world = world
        self.labels = labels
        self.seed = seed

    def _unrelated(self, failure: Any) -> bool:
        """Whether a failure of a sequence began with what neither makes nor deletes a session.

        Schemathesis takes a cleared history for a deleted resource.
        """
        for kind, attribute, role in SEQUENCES.values():
            if type(failure).__name__ != kind:
                continue
            method, _, path = str(getattr(failure, attribute)).partition(" ")
            path = path.partition("?")[0]
            for label, operation in self.labels.items():
                template = re.sub(r"\\\{[^{}]+\\\}", "[^/]+", re.escape(label.partition(" ")[2]))
                is_it = operation.method == method and re.search(f"{template}$", path)
                if is_it and operation.binding and operation.binding.role is role:
                    return False
            return True
        return False

    def _made(self, operation: Operation, interaction: Any) -> bool:
        """Whether a request is about a session that this run has made.

        What follows a create may carry an id that its answer did not give.
        """
        place = session_parameter(self.document, operation)
        if interaction is None or place is None or place[0] != "path":
            return True
        given = path_values(operation, urlsplit(interaction.request.uri).path).get(place[1], [])
        return set(given) <= self.world.sessions.ids()

    def of(self, event: Any) -> Iterator[Finding]:
        """The findings of one finished scenario."""
        for case_id, checks in event.recorder.checks.items():
            for check in checks:
                if check.failure_info is None:
                    continue
                failure = check.failure_info.failure
                case = event.recorder.cases.get(failure.case_id or case_id)
                label = case.value.operation.label if case else failure.operation
                operation = self.labels.get(label) or self.labels.get(failure.operation)
                if operation is not None and (
                    found := self._finding(event, case_id, check, operation)
                ):
                    yield found

    def _finding(
        self, event: Any, case_id: str, check: Any, operation: Operation
    ) -> Finding | None:
        failure = check.failure_info.failure
        promise = PROMISES.get(type(failure).__name__, f"conformance.{check.name}")
        if promise in REGISTRY and not operation.promises.holds(promise):
            return None
        if self._unrelated(failure):
            return None
        interaction = event.recorder.interactions.get(case_id)
        if promise == "create.read_back" and not self._made(operation, interaction):
            return None
        if misjudged(self.document, operation, interaction, failure):
            return None
        ids = [*failure.related_case_ids(), case_id, failure.case_id]
        exchanges = [
            exchange
            for id in dict.fromkeys(filter(None, ids))
            if (exchange := _exchange(event.recorder.interactions.get(id)))
        ]
        severity = REGISTRY[promise].severity if promise in REGISTRY else Severity.MAJOR
        sentence = REGISTRY[promise].sentence if promise in REGISTRY else failure.title
        is_status = promise == "response.status" and exchanges
        status = exchanges[-1].response.status if is_status else 0
        seen = " ".join(str(failure.message).split())[:500]
        if promise in ("input.accepted", "input.refused") and exchanges:
            answer = exchanges[-1].response
            seen = f"{answer.status}: {answer.body[:200].decode('utf-8', 'replace')}"
        undeclared = 0 < status < 500  # as the runner judges the answers to its own requests
        if undeclared:
            severity = Severity.MINOR
        return Finding(
            promise=promise,
            operation=operation.label,
            message=sentence,
            expected=f"no failure of the check {check.name}: {failure.title}",
            seen=seen,
            suite="conformance",
            exchanges=tuple(exchanges),
            severity=severity,
            blame=Blame.EITHER if undeclared else Blame.IMPLEMENTATION,
            position=position(self.document, operation, promise),
            seed=self.seed,
            cause=str(status) if status else "",
            pointer=pointers.join(promised_at(self.document, operation, promise)),
        )


def misjudged(document: Document, operation: Operation, interaction: Any, failure: Any) -> bool:
    """Whether our own validators say otherwise of the request that the failure hangs on.

    Schemathesis takes `If-Match: 0` for a value of a schema whose pattern forbids it.
    """
    kind = type(failure).__name__
    if kind == "JsonSchemaError" and interaction is not None:
        return _streams_well(document, operation, interaction)
    if kind not in ("RejectedPositiveData", "AcceptedNegativeData") or interaction is None:
        return False
    if kind == "RejectedPositiveData" and _made_up_page(operation, interaction.request.uri):
        return True
    request, response = interaction.request, interaction.response
    if kind == "RejectedPositiveData" and len(request.body or b"") > READABLE:
        return True  # what such a request means as a whole no schema says, and no one can judge
    says_missing = not {"404", "410"} & set(operation.responses) and "400" in operation.responses
    if kind == "RejectedPositiveData" and says_missing and response and response.status_code == 400:
        return True  # how the operation says that there is no such session
    is_declared = response is not None and str(response.status_code) in operation.responses
    if kind == "RejectedPositiveData" and is_declared and _names_another(request.body):
        return True
    headers = {name: value[0] for name, value in request.headers.items()}
    fits = request_fits(
        document, operation, Request(request.method, request.uri, headers, request.body or b"")
    )
    return fits is (kind == "AcceptedNegativeData")


def _made_up_page(operation: Operation, uri: str) -> bool:
    """Whether a request names a page, as only an answer can: no schema tells which there are."""
    page = operation.binding.page if operation.binding else None
    places = [page.before, page.start if page.style == "cursor" else None] if page else []
    names = {place.name for place in places if place is not None and place.part == "query"}
    return any(name in names for name, _ in parse_qsl(urlsplit(uri).query, keep_blank_values=True))


def _names_another(body: bytes | None) -> bool:
    """Whether a body names something of which only the target knows which there are."""
    try:
        decoded = json.loads(body or b"")
    except ValueError:
        return False
    return isinstance(decoded, dict) and any(map(names_another, decoded))


def _streams_well(document: Document, operation: Operation, interaction: Any) -> bool:
    """Whether an answer is a stream whose events fit, in whichever way the document declares them.

    Schemathesis takes the data of an event for text, or for JSON, without asking the document.
    """
    exchange = _exchange(interaction)
    if exchange is None or not is_stream(exchange):
        return False
    schema = event_schema(document, operation)
    if schema is None:
        return False
    parser = schema.framing.parser()
    return not any(schema.violations(event, 1) for event in parser.feed(exchange.response.body))


def _exchange(interaction: Any) -> Exchange | None:
    if interaction is None or interaction.response is None:
        return None
    request, response = interaction.request, interaction.response
    headers = {name: value[0] for name, value in request.headers.items()}
    for name in ("Content-Length", "Accept-Encoding", "Connection", "User-Agent"):
        headers.pop(name, None)
    exchange = Exchange(
        Request(request.method, request.uri, headers, request.body or b""),
        Response(
            response.status_code,
            {name.lower(): ", ".join(value) for name, value in response.headers.items()},
            response.content or b"",
        ),
        response.elapsed,
    )
    return exchange.kept()
