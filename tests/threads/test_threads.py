"""The correct server does what its document says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .client import Api, users
from .server import serve
from .wire import check

MISSING = "/thr_0000000000000000"


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Api, Api]]:
    with serve() as url, users(url) as alice_and_bob:
        yield alice_and_bob


@pytest.fixture
def a(both: tuple[Api, Api]) -> Api:
    return both[0]


@pytest.fixture
def b(both: tuple[Api, Api]) -> Api:
    return both[1]


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no fault"):
        serve(["schema.milisecond"])


@pytest.mark.parametrize("overlay", ["overlay.yaml", "annotations.yaml"])
def test_the_overlays_fit_the_document(overlay: str) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-m", "sparring.cli", "roles", str(here / "openapi.yaml")]
    done = subprocess.run(
        [*command, "--overlay", str(here / overlay)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_thread_fits_its_schema_wherever_it_is_shown(a: Api) -> None:
    shown = a.data("POST", json={"title": "x", "context": {"deep": [{"er": None}]}})
    path = "/" + shown["id"]
    assert check("Thread", shown) is None
    assert a.data("GET", path) == shown == a.pages()[0]
    assert shown["settings"] == {"temperature": 1, "language": "en"}
    a.say(path, "hi")
    assert check("Thread", a.data("GET", path)) is None


def test_runs_and_messages_fit_their_schemas(a: Api) -> None:
    thread = a.new()
    run, outputs = a.tool(thread, "weather and weather")
    assert check("Run", a.data("GET", run)) is None
    assert check("Run", a.submit(run, outputs).json()["data"]) is None
    a.until(run, "completed")
    assert check("RunPage", a.ask("GET", f"{thread}/runs").json()) is None
    page = a.ask("GET", f"{thread}/messages").json()
    assert check("MessagePage", page) is None
    assert [m["role"] for m in page["data"]] == ["user", "tool", "tool", "assistant"]


@pytest.mark.parametrize("text", ["weather", "x" * 8000, "\U0001f6a2" * 50, '"\\\n\0 '])
def test_every_event_fits_its_schema(a: Api, text: str) -> None:
    for id, name, data in a.stream(a.new(), text):
        event = {"event": name, "data": data} | ({"id": id} if id else {})
        assert check("StreamEvent", event) is None


def test_a_stream_has_its_events_in_order_and_is_stored(a: Api) -> None:
    thread = a.new()
    events = a.stream(thread, "hello there")
    names = [name for _, name, _ in events]
    assert names == [
        "run.created",
        *["message.delta"] * (len(names) - 4),
        "message.completed",
        "run.completed",
        "done",
    ]
    said = "".join(data["delta"] for _, name, data in events if name == "message.delta")
    assert a.contents(thread) == ["hello there", said]
    run = f"{thread}/runs/{events[0][2]['id']}"
    assert a.events(run) == events
    assert a.events(run, "4") == events[4:]
    assert a.events(run, "999999") == events[-1:]


def test_a_stream_goes_on_behind_the_tool_outputs(a: Api) -> None:
    thread = a.new()
    run, outputs = a.tool(thread)
    before = a.events(run)
    assert [name for _, name, _ in before] == ["run.created", "run.requiresAction", "done"]
    a.submit(run, outputs)
    assert a.events(run, "2")[0][1] == "run.resumed"
    assert a.events(run)[:2] == before[:2]


def test_the_stream_of_a_cancelled_or_deleted_run_ends(a: Api) -> None:
    run = a.half(a.new())
    assert [name for _, name, _ in a.events(run)][-2:] == ["run.cancelled", "done"]
    thread = a.new()
    body = {"input": "hello " * 40, "stream": True}
    with a.http.stream("POST", f"{thread}/runs", json=body) as response:
        a.data("DELETE", thread)
        assert "event: done" in list(response.iter_lines())


def test_what_a_cancelled_run_said_is_what_it_streamed(a: Api) -> None:
    thread = a.new()
    run = a.half(thread)
    said = "".join(data["delta"] for _, name, data in a.events(run) if name == "message.delta")
    last = a.pages(f"{thread}/messages")[-1]
    assert (last["content"], last["status"]) == (said, "incomplete")
    assert a.data("GET", run)["replyId"] == last["id"]
    assert a.say(thread, "and now?")["status"] == "completed"


def test_a_run_is_queued_then_running_then_completed(a: Api) -> None:
    thread = a.new()
    run = a.start(thread, "hello")
    assert a.data("GET", thread)["activeRunId"] == run.split("/")[-1]
    assert a.until(run, "running")["endedAt"] is None
    assert a.until(run, "completed")["usage"]["inputTokens"] == 1
    assert a.data("GET", thread)["activeRunId"] is None


def test_an_unfinished_run_keeps_others_out(a: Api) -> None:
    thread = a.new()
    a.tool(thread)
    message = {"role": "user", "content": "x"}
    assert a.status("POST", f"{thread}/messages", json=message) == 409
    assert a.status("POST", f"{thread}/runs", json={"input": "x"}) == 409
    assert a.status("POST", f"{thread}/archive") == 409


def test_a_retry_with_its_key_answers_the_same(a: Api) -> None:
    thread, headers = a.new(), {"Idempotency-Key": "again"}
    polled = [
        a.ask("POST", f"{thread}/runs", json={"input": "hi"}, headers=headers) for _ in range(2)
    ]
    assert polled[0].json() == polled[1].json()
    assert {response.status_code for response in polled} == {202}
    a.until(f"{thread}/runs/{polled[0].json()['data']['id']}", "completed")
    body = {"input": "hi", "stream": True}
    headers = {"Idempotency-Key": "streamed"}
    one, other = (a.ask("POST", f"{thread}/runs", json=body, headers=headers) for _ in range(2))
    assert one.text == other.text
    assert len(a.contents(thread)) == 4


def test_following_cursors_shows_every_thread_once(a: Api) -> None:
    made = [a.new(metadata={"mark": "pages"}) for _ in range(7)]
    for order, expected in (("asc", made), ("desc", made[::-1])):
        shown = a.pages(**{"metadata[mark]": "pages", "order": order, "limit": "3"})
        assert [f"/{thread['id']}" for thread in shown] == expected
    assert len(a.pages(**{"metadata[mark]": "pages", "status": "archived"})) == 0


def test_a_deleted_thread_is_gone_everywhere(a: Api) -> None:
    thread = a.new()
    run = a.start(thread, "hello")
    message = a.pages(f"{thread}/messages")[0]["id"]
    assert a.data("DELETE", thread) == {"id": thread[1:], "deleted": True}
    for path in ("", "/runs", "/messages", f"/messages/{message}"):
        assert a.status("GET", thread + path) == 404
    assert a.status("GET", run) == a.status("GET", f"{run}/events") == 404
    assert a.status("DELETE", thread) == 404


def test_the_document_of_another_workspace_is_missing(a: Api) -> None:
    for workspace in ("ws_other", "x"):
        url = f"{a.root}/v1/workspaces/{workspace}/threads"
        assert a.http.get(url).status_code == a.http.post(url, json={}).status_code == 404
    listed = a.http.get(f"{a.root}/v1/workspaces").json()["data"]
    assert listed == [{"id": "ws_main", "name": "Main"}]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{", 400), (b'{"context": {"n": NaN}}', 400), (b"\xff", 400),
        (b'{"title": "\\ud800"}', 400), (b"[" * 90000, 400), (b" " * 270000 + b"{}", 413),
        (b'{"context": {"n": 1e999}}', 400), (b"[]", 422),
        (b'{"title": 7}', 422), (b'{"metadata": {"": "x"}}', 422),
        (b'{"context": {"n": 123456789012345678901234567890, "": [0.1, -0.0, 1e300]}}', 201),
    ],
)  # fmt: skip
def test_bodies_are_taken_or_refused(a: Api, raw: bytes, status: int) -> None:
    response = a.ask("POST", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code == status
    schema = "ErrorResponse" if status >= 400 else "ThreadResponse"
    assert check(schema, response.json()) is None


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "x"}, {"limit": "1.5"}, {"limit": "\uff19"}, {"order": "up"},
     {"status": ""}, {"metadata": "x"}],
)  # fmt: skip
def test_bad_queries_are_refused_by_name(a: Api, query: dict[str, Any]) -> None:
    response = a.ask("GET", params=query)
    assert response.status_code == 422
    assert response.json()["error"]["param"] == next(iter(query))


def test_the_key_comes_before_everything_else(a: Api) -> None:
    for method, path in (("GET", MISSING), ("POST", ""), ("PATCH", MISSING), ("GET", "")):
        assert a.with_key(None).status(method, path) == 401


def test_other_methods_and_media_types_are_refused(a: Api) -> None:
    response = a.ask("PUT", a.new())
    assert (response.status_code, response.headers["allow"]) == (405, "GET, PATCH, DELETE, HEAD")
    assert a.ask("HEAD", a.new()).content == b""
    assert a.status("GET", headers={"Accept": "text/*, application/json;q=0"}) == 406
    accept = {"Accept": "application/json"}
    body = {"input": "x", "stream": True}
    assert a.status("POST", a.new() + "/runs", json=body, headers=accept) == 406
