"""The one place that knows Schemathesis (pinned to 4.32, through its engine, which is not public).

It sends valid and broken requests that no one thought of; what it finds becomes our findings.
"""

from __future__ import annotations

import copy
import json
import math
import re
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sparring.spec import pointers
from sparring.spec.exchange import Exchange, Request, Response
from sparring.spec.finding import Blame, Finding, Severity
from sparring.spec.meaning.binding import Role
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import expression, scalar, session_parameter
from sparring.spec.openapi.schemas import View
from sparring.spec.openapi.security import credentials
from sparring.spec.streams.event_declaration import event_schema

from ..checks import position, promised_at
from ..driving.attributes import names_another
from ..driving.driver import User, shown_value
from ..driving.made import TALKING, makes_sessions, sessions_in
from ..driving.requests import path_values, request_fits
from ..target.budget import SAFE_METHODS
from ..world import World, is_stream, succeeded
from .bounded import bounded

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
LAST = "fuzzing"  # of the phases of one operation
READABLE = 600  # bytes of a body that a person can judge
UNTRIED = frozenset({Role.MESSAGE_SUBSCRIBE})


@dataclass
class Conformance:
    """What a run of Schemathesis came to."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    requests: int = 0
    unfinished: set[str] = field(default_factory=set)
    """The labels of the operations for which there was not time enough."""


def tried(document: Document) -> list[Operation]:
    """The operations of the sessions API that Schemathesis is let at: those that do not hang."""
    return [o for o in document.operations if o.binding and o.binding.role not in UNTRIED]


def conform(
    world: World,
    user: User,
    *,
    operations: Sequence[Operation] | None = None,
    seed: int = 0,
    max_examples: int = 20,
    retries: int = 2,
    own: bool = True,
    seconds: float = math.inf,
) -> Conformance:
    """Runs Schemathesis on some operations, and again on those where it failed.

    With `own` it changes only sessions that this run has made. It begins nothing new after
    `seconds`; what it has found then may take half of that again to be confirmed.
    """
    chosen = tried(world.document) if operations is None else list(operations)
    adapter = _Adapter(world, user, seed, max_examples, own)
    try:
        result = adapter.run(chosen, time.monotonic() + seconds)
        until = time.monotonic() + seconds / 2
        left = {finding.key: finding for finding in result.findings}
        confirmed: list[Finding] = []
        for attempt in range(2, retries + 2):
            if not left:
                break
            again = [o for o in chosen if any(f.operation == o.label for f in left.values())]
            if any(f.promise in SEQUENCES for f in left.values()):
                again = chosen
            repeated = adapter.run(again, until)
            result.requests += repeated.requests
            for finding in repeated.findings:
                if first := left.pop(finding.key, None):
                    confirmed.append(replace(first, reproduced=2, tried=attempt))
        result.findings = confirmed if retries else list(left.values())
        result.notes += [
            f"Schemathesis saw this once only: {f.promise} {f.operation}: {f.seen}"[:300]
            for f in (left.values() if retries else ())
        ]
        return result
    except Exception as error:  # a document that it dislikes is no finding of ours
        return Conformance(
            notes=[f"Schemathesis can't be run: {type(error).__name__}: {error}"[:500]]
        )


class _Adapter:
    def __init__(self, world: World, user: User, seed: int, max_examples: int, own: bool) -> None:
        self.document = world.document
        self.world = world
        self.user = user
        self.seed = seed
        self.max_examples = max_examples
        self.own = own
        self.labels = {self._label(o): o for o in self.document.operations}

    def _label(self, operation: Operation) -> str:
        """How Schemathesis calls an operation: its path has no base path."""
        return f"{operation.method} {operation.path.removeprefix(self.document.base_path)}"

    def run(self, operations: Sequence[Operation], until: float) -> Conformance:
        import warnings

        import schemathesis.openapi
        from schemathesis.engine import events, from_schema

        result = Conformance()
        wanted = [self._label(o) for o in operations]
        finished: set[str | None] = set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = copy.deepcopy(self.document.source.tree)
            schema: Any = schemathesis.openapi.from_dict(tree, config=self._config(operations))
            schema = schema.include(name=wanted)
            stream = from_schema(schema).execute()

            def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
                if time.monotonic() > until:
                    stream.stop()
                self._before_call(context, case, kwargs)

            with _hooked(before_call), bounded(self.world.target, self._seen):
                for event in stream:
                    if isinstance(event, events.Interrupted) and not stream.stop_event.is_set():
                        self.world.target.meter.stop("interrupted")
                    if self.world.target.meter.over():
                        break
                    if isinstance(event, events.ScenarioFinished):
                        result.requests += len(event.recorder.interactions)
                        result.findings += self._findings(event)
                        if not stream.stop_event.is_set() and event.phase == LAST:
                            finished.add(event.label)
                    elif isinstance(event, (events.NonFatalError, events.FatalError)):
                        result.notes.append(f"Schemathesis: {_problem(event)}"[:500])
        result.findings = list({f.id: f for f in reversed(result.findings)}.values())[::-1]
        result.notes = list(dict.fromkeys(result.notes))
        if not result.requests and not result.notes:
            result.notes.append("Schemathesis has sent nothing")
        if stream.stop_event.is_set():
            left = [o for o in operations if self._label(o) not in finished]
            result.unfinished = {o.label for o in left}
            what = f"{len(left)} of {len(operations)} operations" if left else "no operation"
            result.notes.append(
                f"Schemathesis had no time left for sequences of requests and the rest of {what}: "
                "--max-time gives it more"
            )
        return result

    def _config(self, operations: Sequence[Operation]) -> Any:
        import schemathesis

        statuses = {
            "positive": ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"],
            "negative": [
                *("400", "401", "403", "404", "405", "406", "409", "410", "412", "413", "415"),
                *("422", "428", "429", "5xx"),
            ],
        }
        headers = {**self.world.target.headers, **self.user.person.headers}
        keys: dict[str, Any] = {}
        for operation in operations:
            if ways := self.user.ways(operation):
                headers |= credentials(ways[0], self.user.key)[0]
                in_query = (s.name for s in ways[0] if s.place == "query")
                keys = {name: {"api_key": self.user.key} for name in in_query}
                break
        return schemathesis.Config.from_dict(
            {
                "seed": self.seed,
                "base-url": self.world.target.root + self.document.base_path,
                "headers": headers,
                **({"auth": {"openapi": keys}} if keys else {}),
                "cache": {"enabled": False},  # it would send again what another run has sent
                "workers": 1,
                "continue-on-failure": True,
                "request-timeout": self.world.target.timeout,
                "max-stream-events": 20,
                "warnings": False,
                "checks": {
                    "positive_data_acceptance": {"expected-statuses": statuses["positive"]},
                    "negative_data_rejection": {"expected-statuses": statuses["negative"]},
                },
                "generation": {
                    "max-examples": self.max_examples,
                    "deterministic": True,
                    "database": "none",
                    "no-shrink": True,
                    "with-security-parameters": False,
                },
                "phases": {"stateful": {"enabled": len(operations) > 1, "max-steps": 6}},
            }
        )

    def _before_call(self, context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        """Makes a client's id new, so that a create meets no older one, and keeps to what the
        target's file and the profile say."""
        operation = self.labels.get(case.operation.label)
        if operation is None:
            return
        self._give(case, operation)
        if operation.binding is None:
            return
        if operation.binding.role in TALKING:
            self.world.target.meter.message()
        place = expression(self.document, operation, "client_id")
        if place is None or place[0] != "body" or not isinstance(case.body, dict):
            return
        location = pointers.split(place[1])
        if not isinstance(pointers.first(case.body, location), str):
            return
        trial = copy.deepcopy(case.body)
        media = next((m for m in operation.body.values() if "json" in m.type and m.schema), None)
        for fresh in (secrets.token_hex(8), str(uuid.uuid4())):
            pointers.put(trial, location, fresh)
            if media and media.schema:
                validator = self.document.schemas.at(media.schema, View.REQUEST)
                if validator.is_valid(case.body) and validator.is_valid(trial):
                    case.body = trial
                    return

    def _give(self, case: Any, operation: Operation) -> None:
        """Puts in what the target's file says, where what stands there is valid, and an id that
        no one has in place of that of a session which this run has not made."""
        for name, value in {**self._shown(operation), **self.user.given}.items():
            for values in (case.path_parameters, case.query, case.headers):
                if values and name in values:
                    values[name] = scalar(value)
        bodies = self.world.bodies
        if isinstance(case.body, dict) and bodies.is_valid(operation, case.body):
            case.body = self.user.owned(operation, bodies.merged(operation, case.body))
        place = session_parameter(self.document, operation)
        if not self.own or operation.method in SAFE_METHODS or operation.binding is None:
            return
        if place is None or place[0] != "path" or place[1] in self.user.given:
            return
        given = (case.path_parameters or {}).get(place[1])
        known = given is None or str(given) in self.world.sessions.ids()
        if not known and self.user.is_id(operation, str(given)):
            case.path_parameters[place[1]] = self.user.unused_id(operation)

    def _shown(self, operation: Operation) -> dict[str, Any]:
        """What the document shows for the parameters of a path, all but the session's."""
        place = session_parameter(self.document, operation)
        above = [
            p for p in operation.parameters if p.place == "path" and (p.place, p.name) != place
        ]
        shown = {found.name: shown_value(self.document, found) for found in above}
        return {name: value for name, value in shown.items() if value is not None}

    def _seen(self, exchange: Exchange) -> None:
        """Notes the sessions that were made, so that they are cleared away."""
        path = urlsplit(exchange.request.url).path
        for operation in filter(makes_sessions, self.document.operations):
            template = re.sub(r"\\\{[^{}]+\\\}", "[^/]+", re.escape(operation.template))
            is_it = exchange.request.method == operation.method
            if is_it and re.search(f"{template}$", path) and succeeded(exchange):
                above = {n: v[0] for n, v in path_values(operation, path).items()}
                place = session_parameter(self.document, operation)
                aimed = above.pop(place[1], None) if place and place[0] == "path" else None
                for id in sessions_in(self.world, operation, exchange, aimed):
                    self.world.sessions.made(self.user.number, id, above)

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

    def _findings(self, event: Any) -> Iterator[Finding]:
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
        if _misjudged(self.document, operation, interaction, failure):
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


def _misjudged(document: Document, operation: Operation, interaction: Any, failure: Any) -> bool:
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


@contextmanager
def _hooked(before_call: Callable[[Any, Any, dict[str, Any]], None]) -> Iterator[None]:
    """Lets a function see every case before it is sent; this hook is global in Schemathesis."""
    from schemathesis import hooks

    def hook(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        before_call(context, case, kwargs)

    hooks.GLOBAL_HOOK_DISPATCHER.register_hook_with_name(hook, "before_call")
    try:
        yield
    finally:
        hooks.unregister(hook)


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


def _problem(event: Any) -> str:
    info = getattr(event, "info", None)
    error = getattr(event, "exception", None) or getattr(info, "_error", None) or info
    return " ".join(str(error).split())
