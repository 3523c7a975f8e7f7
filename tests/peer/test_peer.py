"""Holds the correct server to what the document says beyond single faults."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from .app import serve
from .client import ALICE, BOB, Client
from .document import Held

MESSAGE = {"type": "message", "content": "Hello there"}
CHAT = {"messages": [{"role": "user", "content": "Hello there"}]}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(pace=0.015) as url:
        yield url


@pytest.fixture
def c(url: str) -> Client:
    return Held(url)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"Authorization": "Bearer alice-key"}, {}),
        ({"Authorization": "BEARER alice-key"}, {}),
        ({"X-API-Key": "alice-key"}, {}),
        ({"anonymous": ""}, {"api_key": "alice-key"}),
        ({"Authorization": "Bearer wrong", "X-API-Key": "alice-key"}, {}),
    ],
)
def test_keys(c: Client, headers: dict[str, str], query: dict[str, str]) -> None:
    path = c.session()
    assert c("GET", path, None, headers, **query).status == 200


def test_location_leads_to_the_session(c: Client, url: str) -> None:
    made = c("POST", "/sessions", {"agent_id": "a"})
    place = urlsplit(urljoin(f"{url}/sessions", made.headers["Location"])).path
    got = c("GET", place)
    assert (got.json, got.headers["ETag"]) == (made.json, made.headers["ETag"])


def test_head_is_get_without_content(c: Client) -> None:
    path = c.session()
    for target in (path, "/sessions", f"{path}/history", f"{path}/events"):
        head, got = c("HEAD", target), c("GET", target)
        for name in ("Content-Type", "Content-Length", "ETag"):
            assert head.headers[name] == got.headers[name]


def test_not_modified(c: Client) -> None:
    path = c.session()
    tag = c("GET", path).headers["ETag"]
    assert c("GET", path, None, {"If-None-Match": f"W/{tag}"}).status == 304
    c("PATCH", path, {"title": "x"})
    assert c("GET", path, None, {"If-None-Match": tag}).status == 200


def test_if_match(c: Client) -> None:
    path = c.session()
    first = c("GET", path).headers["ETag"]
    second = c("PUT", path, {"title": "x"}, {"If-Match": first}).headers["ETag"]
    assert c("PUT", path, {}, {"If-Match": first}).status == 412
    assert c("PATCH", path, {}, {"If-Match": "*"}).headers["ETag"] == second
    assert c("DELETE", path, None, {"If-Match": f"{first}, {second}"}).status == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"agent_id":"a","title":"\xff"}', 400),
        (b'{"agent_id":"a","title":"\\ud800"}', 400),
        (b'{"agent_id":"a","metadata":{"x":1e400}}', 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b'{"agent_id":""}', 422),
        (b'{"agent_id":"a","id":"short"}', 422),
        (b'{"agent_id":"a","metadata":null}', 422),
        (b'{"agent_id":"a","metadata":' + b'{"x":' * 200 + b"1" + b"}" * 201, 201),
        (b'{"agent_id":"a","title":"' + b"x" * 13_000_000 + b'"}', 413),
    ],
    ids=range(12),
)
def test_bodies(c: Client, body: bytes, status: int) -> None:
    assert c("POST", "/sessions", body).status == status


def test_metadata_is_kept_exactly(c: Client) -> None:
    metadata: dict[str, Any] = {
        "big": 12345678901234567890123,
        "small": 1e-300,
        "": {"\0": [None, True, 0.1, "\u2028\U0001f409"]},
    }
    path = c.session(metadata=metadata)
    assert c.get(path)["metadata"] == metadata
    found = c.items("/sessions", metadata_filter=json.dumps(metadata))
    assert [f"/sessions/{one['id']}" for one in found] == [path]


def test_bad_parameters(c: Client) -> None:
    bad: list[tuple[str, str]] = [
        ("limit", ""),
        ("offset", "-1"),
        ("order", "ASC"),
        ("sort_by", ""),
    ]
    for name, value in [*bad, ("offset", "9007199254740992"), ("metadata_filter", "[]")]:
        assert c("GET", "/sessions", None, None, **{name: value}).pointers == [
            ("query", f"/{name}")
        ]
    assert c("GET", "/sessions", metadata_filter="{").status == 400
    assert c("GET", "/sessions/a%2Fb-c-d-e").pointers == [("path", "/session_id")]


def test_foreign_and_missing_sessions_look_alike(c: Client) -> None:
    foreign = c.session(BOB)
    for path in (foreign, "/sessions/no-such-session"):
        for method, rest, body in [
            ("GET", "", None),
            ("PUT", "", {"x": 1}),
            ("PATCH", "", {}),
            ("DELETE", "", None),
            ("POST", "/chat", {}),
            ("POST", "/stop", None),
            ("POST", "/regenerate", None),
            ("POST", "/messages/no-such-message/edit", {}),
            ("POST", "/approvals", {}),
            ("GET", "/history", None),
            ("DELETE", "/history", None),
            ("GET", "/suggestions", None),
            ("GET", "/events", None),
            ("POST", "/events/stream", {}),
            ("GET", "/events/stream", None),
        ]:
            assert c(method, path + rest, body).status == 404, (method, rest)
    assert c("GET", foreign, None, BOB).status == 200


def test_concrete_path_goes_first(c: Client) -> None:
    assert c("DELETE", "/sessions/active").status == 405


def test_pages_cover_the_list(url: str) -> None:
    with serve() as fresh:
        c = Held(fresh)
        paths = {c.session(title=str(number)) for number in range(7)}
        pages = [c.get("/sessions", limit=3, offset=offset) for offset in (0, 3, 6, 9)]
        found = [f"/sessions/{one['id']}" for page in pages for one in page["items"]]
        assert [page["total"] for page in pages] == [7] * 4
        assert len(found) == 7
        assert set(found) == paths


def _running(c: Client, path: str) -> None:
    """Waits until a turn of the session runs."""
    while not c.items(f"{path}/events"):
        time.sleep(0.005)


@pytest.mark.parametrize("end", ["stop", "delete", "clear"])
def test_turn_that_is_cut_short(c: Client, end: str) -> None:
    path = c.session()
    calls: dict[str, Callable[[], Any]] = {
        "stop": lambda: c("POST", f"{path}/stop"),
        "delete": lambda: c("DELETE", path),
        "clear": lambda: c("DELETE", f"{path}/history"),
    }
    with ThreadPoolExecutor(1) as pool, c.stream("POST", f"{path}/chat", CHAT) as stream:
        frames = iter(stream)
        next(frames)
        pool.submit(calls[end]).result()
        last = list(frames)[-1]
    assert last.event == "stopped"
    if end == "clear":
        assert c.get(f"{path}/history") == {"items": [], "total": 0}
        assert c.items(f"{path}/events") == []
        assert c.get(path)["message_count"] == 0
        assert c.get(path)["summary"] is None


def test_json_reply_that_is_stopped(c: Client) -> None:
    path = c.session()
    with ThreadPoolExecutor(1) as pool:
        chat = pool.submit(c.chat, path)
        _running(c, path)
        stopped = c("POST", f"{path}/stop").json
        reply = chat.result()
    assert stopped == {"stopped": True, "turn_id": reply["turn_id"]}
    assert reply["messages"] == c.items(f"{path}/history")[1:]


def test_turn_goes_on_without_its_client(c: Client) -> None:
    path = c.session()
    with c.stream("POST", f"{path}/chat", CHAT) as stream:
        next(iter(stream))
    with c.stream("GET", f"{path}/events/stream", None, {"Last-Event-ID": "0"}) as stream:
        frames = iter(stream)
        assert "done" in (frame.event for frame in frames)
    assert c.get(f"{path}/history")["total"] == 2


def test_turns_take_turns(c: Client) -> None:
    path = c.session()
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda text: c.chat(path, text), "abcd"))
    said = c.items(f"{path}/history")
    assert [one["role"] for one in said] == ["user", "assistant"] * 4
    assert {one["id"] for one in said[1::2]} == {one["messages"][0]["id"] for one in replies}
    assert said == sorted(said, key=lambda one: one["created_at"])
    assert c.get(path)["message_count"] == 8


def test_views_of_one_log(c: Client) -> None:
    path = c.session()
    with c.stream("POST", f"{path}/events/stream", MESSAGE) as stream:
        frames = list(stream)
    with c.stream("POST", f"{path}/chat", CHAT) as stream:
        frames += list(stream)
    stored = [one.data for one in frames if one.event in {"message", "status"}]
    assert c.items(f"{path}/events") == stored
    ids = [one["id"] for one in stored if one["type"] == "message"]
    assert [one["id"] for one in c.items(f"{path}/history")] == ids
    assert [int(one.id or 0) for one in frames] == list(range(1, len(frames) + 1))
    suggested = [
        text for one in frames if one.event == "suggestions" for text in one.data["suggestions"]
    ]
    assert c.get(f"{path}/suggestions")["total"] == len(suggested)


def test_regenerate_and_edit(c: Client) -> None:
    path = c.session()
    assert c("POST", f"{path}/regenerate").status == 409
    for text in ("one", "two"):
        c.chat(path, text)
    first, answer, second, _ = c.items(f"{path}/history")
    new = c("POST", f"{path}/regenerate").json["messages"]
    assert c.items(f"{path}/history") == [first, answer, second, *new]
    edit = f"{path}/messages/{second['id']}/edit"
    new = c("POST", edit, {"content": "three"}).json["messages"]
    assert c.items(f"{path}/history") == [first, answer, second | {"content": "three"}, *new]
    c("POST", f"{path}/messages/{first['id']}/edit", {"content": "four"})
    assert c("POST", edit, {"content": "five"}).status == 404
    assert c.get(path)["message_count"] == 2


def test_tool_result_starts_a_turn(c: Client) -> None:
    path = c.session()
    body = {"type": "tool_result", "tool_call_id": "call_1", "result": [0]}
    with c.stream("POST", f"{path}/events/stream", body) as stream:
        frames = list(stream)
    assert frames[0].data["data"] == {"tool_call_id": "call_1", "result": [0]}
    assert frames[-1].event == "done"


@pytest.mark.parametrize(
    ("method", "kind", "status"),
    [
        ("PATCH", "application/merge-patch+json", 200),
        ("PATCH", "application/json", 200),
        ("PATCH", "application/json-patch+json", 415),
        ("PUT", "application/merge-patch+json", 415),
    ],
)
def test_media_types(c: Client, method: str, kind: str, status: int) -> None:
    assert c(method, c.session(), {"title": "x"}, {"Content-Type": kind}).status == status


def test_bytes_of_a_stream(url: str) -> None:
    path = Client(url).session()
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), 2) as connection:
        head = f"GET {path}/events/stream?wait=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        connection.sendall(f"{head}X-API-Key: {ALICE['X-API-Key']}\r\n\r\n".encode())
        raw = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b"Content-Type: text/event-stream\r\n" in raw
    assert b": here it comes\n\n" in raw
