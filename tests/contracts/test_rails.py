"""What a run may do to a target: choice of operations, profiles, budgets, clean-up."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.contracts.conftest import OVERLAY, Zoo, served
from tests.contracts.test_command import NOBODY, told
from tests.zoo.server import create_app

from sparring.contracts.choice import Choice, Profile, choose
from sparring.contracts.findings.report import State
from sparring.contracts.reports import KINDS
from sparring.contracts.runner import Runner
from sparring.contracts.suites import run
from sparring.contracts.target.budget import Budget, Meter, Stopped, retry_after
from sparring.contracts.target.journal import read_journal
from sparring.contracts.target.target import Target
from sparring.contracts.terms import Terms
from sparring.spec.errors import SparringError
from sparring.spec.exchange import Request as Sent
from sparring.spec.exchange import Response as Seen
from sparring.spec.openapi.document import Document, load_document

TWO = ["create.read_back", "list.complete"]


class Heard:
    """An application that notes the requests to another."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests: list[tuple[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.requests.append((scope["method"], scope["path"]))
        await self.app(scope, receive, send)


@contextmanager
def hearing() -> Iterator[tuple[str, Heard]]:
    heard = Heard(create_app((), pace=0.002))
    with served(heard) as url:
        yield url, heard


def write_document(folder: Path) -> Path:
    """A sessions API with a way to delete all, and with files beside."""
    answer = {"responses": {"200": {"description": "ok"}}}
    schema = {"type": "object", "properties": {"id": {"type": "string"}}}
    one = {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}
    id = [{"name": "session_id", "in": "path", "required": True, "schema": {"type": "string"}}]

    def plays(role: str) -> dict[str, Any]:
        return {"x-session": {"role": f"session.{role}"}}

    paths: dict[str, Any] = {
        "/sessions": {
            "post": {"operationId": "createSession", **plays("create"), "responses": one},
            "delete": {"operationId": "deleteAll", **plays("delete"), **answer},
        },
        "/sessions/{session_id}": {
            "parameters": id,
            "get": {"operationId": "getSession", **plays("get"), "responses": one},
            "delete": {"operationId": "deleteSession", **plays("delete"), **answer},
        },
        "/files": {"get": {"operationId": "listFiles", **answer}},
        "/shell": {"post": {"operationId": "runShell", **answer}},
    }
    info = {"title": "t", "version": "1"}
    file = folder / "api.json"
    file.write_text(json.dumps({"openapi": "3.1.0", "info": info, "paths": paths}))
    return file


def labels(choice: Choice) -> set[str]:
    return {o.id for o in choice.document.operations if o.binding} | {o.id for o in choice.named}


def test_operations_are_chosen_by_role_patterns_and_profile(tmp_path: Path) -> None:
    document = load_document(str(write_document(tmp_path)))
    own = {"createSession", "getSession", "deleteSession"}
    assert labels(choose(document)) == own
    assert labels(choose(document, profile=Profile.FULL)) == own | {"deleteAll"}
    assert labels(choose(document, profile=Profile.READ_ONLY)) == {"getSession"}
    assert labels(choose(document, ["GET /files"])) == own | {"listFiles"}
    assert labels(choose(document, ["*Shell", "!runShell"])) == own
    assert labels(choose(document, ["!*", "get*"])) == {"getSession"}
    assert labels(choose(document, ["!session.delete"])) == own - {"deleteSession"}
    with pytest.raises(SparringError, match='Did you mean "deleteSession"'):
        choose(document, ["!deleteSesion"])


def test_the_choice_is_told_before_anything_is_sent(document: Document, zoo: Zoo) -> None:
    url, said = zoo(), []

    def announce(choice: Choice, root: str) -> None:
        said.append((root, choice.profile))
        raise SystemExit

    with pytest.raises(SystemExit):
        run(url, document, announce=announce)
    assert said == [(url, Profile.OWN)]


def test_a_filter_that_fits_nothing_is_exit_2(zoo: Zoo) -> None:
    code, text = told(url=zoo(), include=["GET /fils"], suites=["races"])
    assert code == 2
    assert 'C104 no operation fits "GET /fils"' in text


def test_what_is_never_called_is_printed_and_not_called(tmp_path: Path) -> None:
    kept: dict[str, Any] = {}
    called: list[str] = []

    def sessions(request: Request) -> Response:
        called.append(f"{request.method} {request.url.path}")
        if request.method == "POST":
            kept["s1"] = {"id": "s1"}
            return JSONResponse(kept["s1"])
        return Response()

    def other(request: Request) -> Response:
        called.append(f"{request.method} {request.url.path}")
        return JSONResponse({"id": request.path_params.get("id", "")})

    routes = [
        Route("/sessions", sessions, methods=["POST", "DELETE"]),
        Route("/sessions/{id}", other, methods=["GET", "DELETE"]),
        Route("/{rest:path}", other, methods=["GET", "POST"]),
    ]
    spec = str(write_document(tmp_path))
    with served(Starlette(routes=routes)) as url:
        _, text = told(url=url, spec=spec, max_examples=2, suites=["conformance", "races"])
        assert "never called" in text
        assert text.index("never called") < text.index("requests")
        assert not {"DELETE /sessions", "GET /files", "POST /shell"} & set(called)
        _, text = told(
            url=url, spec=spec, max_examples=2, suites=["conformance"], include=["listF*"]
        )
        assert "GET /files" in called
        assert "POST /shell" not in called


def test_read_only_sends_nothing_that_changes(document: Document) -> None:
    with hearing() as (url, heard):
        report = run(url, document, terms=Terms(profile=Profile.READ_ONLY), max_examples=2)
    assert {method for method, _ in heard.requests} <= {"GET", "HEAD", "OPTIONS"}
    assert len(heard.requests) > 5
    assert [(f.promise, f.seen) for f in report.findings] == []


def test_every_session_is_deleted_at_the_end(document: Document, tmp_path: Path) -> None:
    file = tmp_path / "journal"
    with hearing() as (url, _):
        run(url, document, suites=["races"], terms=Terms(journal=file))
        found = read_journal(file)
        assert '"made"' in file.read_text()
        assert found.left == []
        target = Target(url)
        key = {"Authorization": "Bearer alice-key"}
        assert target.send(Sent("GET", f"{url}/sessions", key)).response.json()["items"] == []
        target.close()


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(requests=30), "the budget of 30 requests is spent"),
        (Budget(messages=2), "the budget of 2 messages is spent"),
        (Budget(seconds=0.5), "the budget of 0.5 seconds is spent"),
    ],
)
def test_a_spent_budget_is_exit_3_and_says_what_was_not_checked(
    budget: Budget, reason: str, document: Document
) -> None:
    with hearing() as (url, heard):
        report = run(url, document, terms=Terms(budget=budget))
    assert report.findings == []
    assert report.exit_code == 3
    (note,) = [note for note in report.notes if reason in note]
    assert "checks were not made" in note
    if budget.requests:
        deleted = [method for method, _ in heard.requests if method == "DELETE"]
        assert len(heard.requests) <= budget.requests + len(deleted)


def test_a_rate_is_kept() -> None:
    meter = Meter(Budget(rate=50))
    start = time.perf_counter()
    for _ in range(11):
        meter.admit("GET")
    assert 0.19 < time.perf_counter() - start < 2


def test_a_sick_target_is_left_alone() -> None:
    meter = Meter(Budget(sick=3))
    for status in (500, 502, 200, 500, 503):
        meter.answered(status)
    meter.admit("GET")
    meter.unanswered()
    with pytest.raises(Stopped, match="not well"):
        meter.admit("GET")


def test_a_pause_that_the_target_asks_for_is_kept() -> None:
    times: list[float] = []

    def busy(request: Request) -> Response:
        times.append(time.perf_counter())
        first = len(times) == 1
        return Response(status_code=429 if first else 200, headers={"Retry-After": "1"})

    with served(Starlette(routes=[Route("/", busy)])) as url:
        target = Target(url)
        assert target.send(Sent("GET", url + "/")).response.status == 200
        target.close()
    assert times[1] - times[0] >= 0.95


class Crowded:
    """An application that runs so many turns at one time, and refuses more."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self.most, self.running, self.refused = app, most, 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope.get("path", "").endswith("/chat"):
            return await self.app(scope, receive, send)
        if self.running >= self.most:
            self.refused += 1
            refusal = JSONResponse({"detail": "busy"}, 429, {"Retry-After": "0"})
            return await refusal(scope, receive, send)
        self.running += 1
        try:
            return await self.app(scope, receive, send)
        finally:
            self.running -= 1


def test_a_target_that_is_asked_too_much_at_once_is_asked_less(tmp_path: Path) -> None:
    overlay = tmp_path / "crowded.overlay.yaml"
    target = "$.paths['/sessions/{session_id}/chat'].post.responses"
    update = {"429": {"description": "Too many turns."}}
    actions = [{"target": target, "update": update}]
    overlay.write_text(json.dumps({"overlay": "1.0.0", "info": {}, "actions": actions}))
    document = load_document("sessions", [OVERLAY, overlay])
    crowded = Crowded(create_app((), pace=0.002), most=2)
    promises = ["talk.recorded", "talk.count", "talk.ids", "stream.schema", "stream.adds_up"]
    with served(crowded) as url:
        report = run(url, document, promises=promises, seed=1)
    assert crowded.refused > 0
    assert [(f.promise, f.seen) for f in report.findings] == []
    chats = [o for o in report.outcomes if o.operation.endswith("/chat")]
    assert [o.id for o in chats if o.state is not State.PASSED] == []


class Guarded:
    """An application that takes no change without a tag."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.refused = app, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        changes = scope.get("method") in ("PATCH", "PUT")
        if changes and b"if-match" not in dict(scope["headers"]):
            self.refused += 1
            return await JSONResponse({"detail": "no tag"}, 428)(scope, receive, send)
        return await self.app(scope, receive, send)


def test_a_change_that_has_to_name_its_version_names_it(tmp_path: Path) -> None:
    overlay = tmp_path / "guarded.overlay.yaml"
    actions = [
        {
            "target": f"$.paths['/sessions/{{session_id}}'].{method}.responses",
            "update": {"428": {"description": "If-Match is missing."}},
        }
        for method in ("patch", "put")
    ]
    overlay.write_text(json.dumps({"overlay": "1.0.0", "info": {}, "actions": actions}))
    document = load_document("sessions", [OVERLAY, overlay])
    with served(Guarded(create_app((), pace=0.002))) as url:
        report = run(url, document, promises=["update.read_back", "patch.merges"], seed=1)
    assert [(f.promise, f.seen) for f in report.findings] == []
    ran = [o for o in report.outcomes if o.state is not State.SKIPPED]
    assert {o.state for o in ran} == {State.PASSED}, [(o.id, o.reason) for o in ran]


@pytest.mark.parametrize(
    ("status", "text", "seconds"),
    [
        (429, "7", 7),
        (503, " 0 ", 0),
        (503, "Thu, 01 Jan 1970 00:00:00 GMT", 0),
        (200, "7", None),
        (429, "soon", None),
        (429, "-1", None),
        (429, "9" * 400, 999_999_999_999),
    ],
)
def test_retry_after_is_read(status: int, text: str, seconds: float | None) -> None:
    assert retry_after(Seen(status, {"retry-after": text})) == seconds


def test_a_pause_that_is_too_long_ends_the_run() -> None:
    meter = Meter()
    assert not meter.asked(Seen(503, {"retry-after": "86400"}))
    with pytest.raises(Stopped, match="86400"):
        meter.admit("GET")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_or_can_be_cleared_away(
    sent: signal.Signals, tmp_path: Path
) -> None:
    file = tmp_path / "journal"
    with hearing() as (url, _):
        command = [sys.executable, "-m", "sparring.cli", "test", url, "--journal", str(file)]
        command += ["--overlay", str(OVERLAY)]
        for kind in KINDS:
            command += ["--report", f"{kind}={tmp_path / kind}"]
        running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
        )
        end = time.monotonic() + 60
        while time.monotonic() < end and (not file.exists() or file.read_text().count("\n") < 20):
            time.sleep(0.02)
        running.send_signal(sent)
        text = running.communicate(timeout=60)[0]
        if sent is not signal.SIGKILL:
            assert running.returncode in (1, 3), text
            assert "interrupted" in text
            for kind in KINDS:
                assert "interrupted" in (tmp_path / kind).read_text(), kind
        else:
            assert told(url=url, clean=file)[0] == 0
        target = Target(url)
        key = {"Authorization": "Bearer alice-key"}
        left = target.send(Sent("GET", f"{url}/sessions", key)).response.json()["items"]
        target.close()
        assert read_journal(file).left == [] or sent is signal.SIGKILL
        # Of a run that is killed, a create whose answer was still on its way is not known.
        assert len(left) <= (6 * 8 if sent is signal.SIGKILL else 0)


def test_a_session_that_begins_with_its_first_message_is_cleared_away(tmp_path: Path) -> None:
    there: set[str] = set()

    async def say(request: Request) -> Response:
        there.add((await request.json())["chat"])
        return JSONResponse({"text": "Hello"})

    def delete(request: Request) -> Response:
        there.discard(request.path_params["id"])
        return Response(status_code=204)

    text = {"type": "string"}
    body = {"type": "object", "properties": {"chat": text, "text": text}, "required": ["chat"]}
    said = {"role": "message.create", "implicit": True, "session": "$request.body#/chat"}
    id = [{"name": "id", "in": "path", "required": True, "schema": text}]
    paths = {
        "/say": {
            "post": {
                "x-session": {**said, "input": "$request.body#/text"},
                "requestBody": {"content": {"application/json": {"schema": body}}},
                "responses": {"200": {"description": "ok"}},
            }
        },
        "/chats/{id}": {
            "parameters": id,
            "delete": {
                "x-session": {"role": "session.delete"},
                "responses": {"204": {"description": "gone"}},
            },
        },
    }
    file = tmp_path / "api.json"
    info = {"title": "t", "version": "1"}
    file.write_text(json.dumps({"openapi": "3.1.0", "info": info, "paths": paths}))
    chats = load_document(str(file))
    routes = [
        Route("/say", say, methods=["POST"]),
        Route("/chats/{id}", delete, methods=["DELETE"]),
    ]
    with served(Starlette(routes=routes)) as url:
        journal = tmp_path / "journal"
        runner = Runner(url, chats, terms=Terms(journal=journal))
        alice = runner.users(runner.world())[0]
        (operation,) = [o for o in chats.operations if o.method == "POST"]
        draft = alice.draft(operation)
        draft.body = {"text": "Hello"}
        alice.send(alice.aim(draft, "my-chat"))
        runner.sessions.close()
        runner.target.close()
        assert there == {"my-chat"}
        assert read_journal(journal).ids() == {"my-chat"}
        assert told(url=url, spec=str(file), clean=journal)[0] == 0
        assert there == set()


COPIES = """
openapi: 3.1.0
info: {title: Copies, version: '1'}
paths:
  /say:
    post:
      x-session:
        role: message.create
        implicit: true
        input: $request.body#/text
        reply: {via: sse}
        events: {status: {name: begun, data: {chat: $session.id}}}
      requestBody:
        content: {application/json: {schema: {type: object, properties: {text: {type: string}}}}}
      responses: {'200': {description: ok, content: {text/event-stream: {}}}}
  /chats/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    delete: {x-session: {role: session.delete}, responses: {'204': {description: gone}}}
  /chats/{id}/copy:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    post:
      x-session: {role: session.act, effect: fork, id: /id}
      responses:
        '200':
          description: The copy.
          content:
            application/json: {schema: {type: object, properties: {id: {type: string}}}}
"""


def test_sessions_that_only_an_event_or_a_copy_tells_of_are_cleared_away(tmp_path: Path) -> None:
    there: set[str] = set()

    async def say(request: Request) -> Response:
        there.add("streamed")
        text = 'event: begun\ndata: {"chat": "streamed"}\n\n'
        return Response(text, media_type="text/event-stream")

    async def copy(request: Request) -> Response:
        there.add("copied")
        return JSONResponse({"id": "copied"})

    async def delete(request: Request) -> Response:
        there.discard(request.path_params["id"])
        return Response(status_code=204)

    file = tmp_path / "api.yaml"
    file.write_text(COPIES)
    chats = load_document(str(file))
    routes = [
        Route("/say", say, methods=["POST"]),
        Route("/chats/{id}/copy", copy, methods=["POST"]),
        Route("/chats/{id}", delete, methods=["DELETE"]),
    ]
    with served(Starlette(routes=routes)) as url:
        runner = Runner(url, chats)
        alice = runner.users(runner.world())[0]
        talk, act = [o for o in chats.operations if o.method == "POST"]
        with alice.open(alice.draft(talk)) as stream:
            stream.drain()
        alice.send(alice.draft(act, "streamed"))
        assert there == runner.sessions.ids() == {"streamed", "copied"}
        assert runner.clean() == []
        runner.target.close()
    assert there == set()


def test_a_target_that_dies_in_the_middle_ends_the_run(document: Document) -> None:
    left = [60]

    async def mortal(scope: Scope, receive: Receive, send: Send) -> None:
        left[0] -= 1
        if left[0] == 0:
            dying.close()
        await app(scope, receive, send)

    app = create_app((), pace=0.002)
    with ExitStack() as dying:
        url = dying.enter_context(served(mortal))
        start = time.perf_counter()
        report = run(url, document, timeout=1)
    assert report.exit_code == 3, [f.seen for f in report.findings]
    assert "can't be reached" in report.stopped
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_of_a_run_that_ended_early_says_so(kind: str, tmp_path: Path, zoo: Zoo) -> None:
    for url, code, said in ((zoo(), 3, "the budget of 9 requests"), (NOBODY, 3, "reached")):
        file = tmp_path / kind
        assert told(url=url, max_requests=9, reports=[f"{kind}={file}"])[0] == code
        assert said in file.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        {"profile": "everything"},
        {"max_time": "long"},
        {"max_time": "0"},
        {"rate": "fast"},
        {"rate": "0/s"},
        {"max_requests": -1},
        {"clean": Path("absent")},
    ],
)
def test_wrong_options_are_exit_2(arguments: dict[str, Any]) -> None:
    code, text = told(url="http://127.0.0.1:9", **arguments)
    assert code == 2, text
    assert "C101" in text
