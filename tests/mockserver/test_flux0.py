"""The flux0 document: its stream is one that the vendor's client takes, and so is all else."""

import json
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[2]
AGENT = "vUfk4PgjTm"
ID = re.compile(r"[A-Za-z0-9-]{10}")
TURN = re.compile(r"RID\([A-Za-z0-9-]{10}\)::[A-Za-z0-9-]{10}")


@pytest.fixture(scope="session")
def flux0(serve: Callable[..., Any]) -> Any:
    return serve("flux0", "--script", ROOT / "tests" / "quick.yaml")


@pytest.fixture(scope="session")
def guest(flux0: Any, connect: Callable[..., Any]) -> httpx2.Client:
    client: httpx2.Client = connect(flux0.url, None)
    return client


@pytest.fixture(scope="session")
def published(serve: Callable[..., Any], shared: Path) -> Any:
    overlay = ROOT / "tests" / "spec" / "flux0-published.overlay.yaml"
    document = shared / "specs" / "flux0.json"
    return serve(document, "--overlay", overlay, "--script", ROOT / "tests" / "quick.yaml")


def user(connect: Callable[..., Any], flux0: Any, name: str) -> httpx2.Client:
    client: httpx2.Client = connect(flux0.url, None, cookies={"flux0_user_sub": name})
    return client


def made(client: httpx2.Client, query: str = "", **body: Any) -> dict[str, Any]:
    answer = client.post(f"/api/sessions{query}", json={"agent_id": AGENT, **body})
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()
    return session


def events(client: httpx2.Client, id: str, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/api/sessions/{id}/events{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


# What the vendor's client does with a stream, written down again from what it was seen to take
# and to throw at; nothing of sparring is used for it.


def raw(url: str, path: str, body: Any) -> tuple[dict[str, str], bytes]:
    """The headers and the body of one POST over a socket, chunked transfer coding taken off."""
    data = json.dumps(body).encode()
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as wire:
        wire.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
            f"Accept: text/event-stream\r\nConnection: close\r\n"
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        received = b""
        while piece := wire.recv(65536):
            received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    assert status.split()[1] == "200", received
    headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
    assert headers["transfer-encoding"] == "chunked"
    text = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            assert rest == b"\r\n", "the stream ends as HTTP wants it"
            return headers, text
        text, rest = text + rest[: int(size, 16)], rest[int(size, 16) + 2 :]


@dataclass
class Client:
    """Reads frames as strictly as the vendor's client, and builds messages of their patches."""

    statuses: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    turns: set[str] = field(default_factory=set)
    messages: dict[str, list[Any]] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)

    def take(self, text: bytes) -> None:
        assert text.endswith(b"\n\n"), "the last frame is whole"
        for block in text.decode().split("\n\n")[:-1]:
            lines = [line.partition(":") for line in block.split("\n")]
            fields = {name: value.removeprefix(" ") for name, _, value in lines}
            if set(fields) == {""}:
                continue  # a comment
            assert set(fields) <= {"id", "event", "data"}, f"a frame with {set(fields)}"
            assert fields["event"] in ("status", "chunk"), fields["event"]
            assert fields["data"] != "[DONE]"
            data = json.loads(fields["data"])
            self.order.append(fields["event"])
            self.turns.add(data["correlation_id"])
            if fields["event"] == "status":
                self._status(fields, data)
            else:
                self._chunk(fields, data)

    def _status(self, fields: dict[str, str], data: Any) -> None:
        assert set(data) == {"id", "source", "type", "correlation_id", "data", "metadata"}
        assert fields["id"] == data["id"], "a status has an id line"
        assert (data["source"], data["type"], data["metadata"]) == ("ai_agent", "status", None)
        assert data["data"]["type"] == "status"
        assert data["data"]["status"] not in ("ready", "completed"), "these are never sent"
        self.statuses.append(data["data"]["status"])
        self.ids.append(data["id"])

    def _chunk(self, fields: dict[str, str], data: Any) -> None:
        assert "id" not in fields, "a chunk has no id line"
        assert set(data) == {
            *("correlation_id", "event_id", "seq", "patches", "metadata", "timestamp")
        }
        assert isinstance(data["metadata"], dict)
        pieces = self.messages.setdefault(data["event_id"], [])
        assert data["seq"] == len(pieces), "seq rises from 0"
        assert type(data["timestamp"]) is float
        self.times.append(data["timestamp"])
        for patch in data["patches"]:
            assert set(patch) == {"op", "path", "value"}
            assert patch["op"] in ("add", "replace")
            assert patch["path"].split("/")[1] == "-", "the root is a list where this is - or digit"
            pieces.append(patch["value"])


def turn(flux0: Any, id: str, content: str) -> Client:
    body = {"type": "message", "source": "user", "content": content}
    headers, text = raw(flux0.url, f"/api/sessions/{id}/events/stream", body)
    assert headers["content-type"].startswith("text/event-stream")
    client = Client()
    client.take(text)
    return client


@pytest.mark.parametrize("content", ["hello", "weather", "say\nmore \N{SNOWMAN}", "x" * 5000, ""])
def test_a_streamed_turn_is_one_that_the_client_takes(
    flux0: Any, guest: httpx2.Client, content: str
) -> None:
    id = made(guest)["id"]
    got = turn(flux0, id, content)
    assert got.statuses == ["processing", "typing"]
    assert got.order == ["status", "status", *["chunk"] * (len(got.order) - 2)]
    assert all(ID.fullmatch(id) for id in (*got.ids, *got.messages))
    assert got.times == sorted(got.times)
    (correlation,) = got.turns
    assert TURN.fullmatch(correlation)

    stored = events(guest, id)
    assert [event["offset"] for event in stored] == [0, 1, 2, 3]
    assert [event["type"] for event in stored] == ["message", "status", "status", "message"]
    assert [event["source"] for event in stored] == ["user", *["ai_agent"] * 3]
    assert {event["correlation_id"] for event in stored} == got.turns
    assert stored[0]["data"]["parts"] == [{"type": "content", "content": content}]
    assert [event["data"]["status"] for event in stored[1:3]] == got.statuses
    assert [event["id"] for event in stored[1:3]] == got.ids
    (message,) = got.messages
    assert message == stored[3]["id"], "event_id is the id of the stored message"
    assert "".join(got.messages[message]) == stored[3]["data"]["parts"][0]["content"]
    assert not any(event["deleted"] for event in stored)


def test_the_published_document_with_twelve_lines_streams_what_the_client_takes(
    published: Any, connect: Callable[..., Any]
) -> None:
    client = connect(published.url, None)
    for content in ("hello", "weather", ""):
        test_a_streamed_turn_is_one_that_the_client_takes(published, client, content)
    test_the_greeting_is_stored_where_it_is_allowed(client)


def test_a_turn_with_a_tool_and_one_that_fails_are_taken_too(
    flux0: Any, guest: httpx2.Client
) -> None:
    id = made(guest)["id"]
    got = turn(flux0, id, "tool")
    (tool,) = events(guest, id, "?types=tool")
    assert tool["data"]["type"] == "tool_call_result"
    (call,) = tool["data"]["tool_calls"]
    assert call["result"]["data"] == {"temperature": 21}
    assert (call["tool_name"], call["args"]) == ("get_weather", {"city": "SF"})
    assert ["".join(pieces) for pieces in got.messages.values()] == ["It is 21 degrees."]
    broken = turn(flux0, id, "explode")
    assert ["".join(pieces) for pieces in broken.messages.values()] == ["I was about to"]


def test_every_turn_has_a_correlation_id_of_its_own(flux0: Any, guest: httpx2.Client) -> None:
    id = made(guest)["id"]
    seen = [turn(flux0, id, "hello").turns for _ in range(4)]
    assert len(set.union(*seen)) == 4
    (one,) = seen[2]
    assert {e["correlation_id"] for e in events(guest, id, f"?correlation_id={one}")} == {one}
    assert [e["offset"] for e in events(guest, id, "?min_offset=14")] == [14, 15]
    kinds = {(e["type"], e["source"]) for e in events(guest, id, "?types=message&source=user")}
    assert kinds == {("message", "user")}
    assert len(events(guest, id, "?types=message,status")) == 16


def test_the_greeting_is_stored_where_it_is_allowed(guest: httpx2.Client) -> None:
    greeted = events(guest, made(guest, "?allow_greeting=true")["id"])
    assert [e["data"]["parts"][0]["content"] for e in greeted] == ["Welcome!"]
    assert (greeted[0]["source"], greeted[0]["offset"]) == ("ai_agent", 0)
    for query in ("", "?allow_greeting=false"):
        assert events(guest, made(guest, query)["id"]) == []


def test_who_names_no_user_is_the_guest_and_a_cookie_names_one(
    flux0: Any, guest: httpx2.Client, connect: Callable[..., Any]
) -> None:
    first, second = made(guest), made(guest)
    assert first["user_id"] == second["user_id"], "the guest is made once"
    assert ID.fullmatch(first["user_id"])
    ada, bo = user(connect, flux0, "ada"), user(connect, flux0, "bo")
    hers = made(ada)
    assert hers["user_id"] not in (first["user_id"], made(bo)["user_id"])
    assert made(ada)["user_id"] == hers["user_id"]
    assert hers["id"] in [item["id"] for item in ada.get("/api/sessions").json()["data"]]
    for other in (guest, bo):
        assert hers["id"] not in [i["id"] for i in other.get("/api/sessions").json()["data"]]
        assert other.get(f"/api/sessions/{hers['id']}").status_code == 404


def test_a_session_has_a_title_only_when_it_was_given_one(guest: httpx2.Client) -> None:
    plain, titled = made(guest, title=None), made(guest, title="T")
    assert "title" not in plain
    assert titled["title"] == "T"
    assert titled["consumption_offsets"] == {"client": 0}
    assert guest.get(f"/api/sessions/{titled['id']}").json() == titled
    rows = {item["id"]: item for item in guest.get("/api/sessions").json()["data"]}
    assert rows[plain["id"]] == plain | {"title": None}, "in the list it is null"
    assert ID.fullmatch(plain["id"])
    assert made(guest, id="my-own-id0")["id"] == "my-own-id0"
    other = made(guest, agent_id="otherAgent")
    found = guest.get("/api/sessions?agent_id=otherAgent").json()["data"]
    assert [item["id"] for item in found] == [other["id"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/sessions/aaaaaaaaaa", None, 404),
        ("GET", "/api/sessions/short", None, 422),
        ("GET", "/api/sessions/aaaaaaaaaa/events", None, 400),
        ("GET", "/api/agents/aaaaaaaaaa", None, 404),
        ("POST", "/api/sessions", {"agent_id": AGENT, "user_id": "x"}, 422),
        ("POST", "/api/sessions", {"agent_id": "short"}, 422),
        ("POST", "/api/sessions", {"agent_id": AGENT, "title": "x" * 201}, 422),
        ("POST", "STREAM", {"type": "message", "source": "user"}, 422),
        ("POST", "STREAM", {"type": "status", "source": "user", "content": "x"}, 422),
        ("POST", "STREAM", {"type": "message", "source": "system", "content": "x"}, 422),
        ("POST", "NOBODY", {"type": "message", "source": "user", "content": "x"}, 400),
        ("PATCH", "/api/sessions/aaaaaaaaaa", {"title": "x"}, 405),
        ("DELETE", "/api/sessions/aaaaaaaaaa", None, 405),
        ("DELETE", "/api/agents/aaaaaaaaaa", None, 405),
    ],
)
def test_errors_are_of_the_form_that_the_server_has(
    guest: httpx2.Client, method: str, path: str, body: Any, status: int
) -> None:
    if path == "STREAM":
        path = f"/api/sessions/{made(guest)['id']}/events/stream"
    path = path.replace("NOBODY", "/api/sessions/aaaaaaaaaa/events/stream")
    answer = guest.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["detail"]
    detail = answer.json()["detail"]
    if status == 422:
        assert detail
        assert all({"loc", "msg", "type"} == set(item) for item in detail)
        assert detail[0]["loc"][0] in ("body", "path")
    else:
        assert isinstance(detail, str)


def test_agents_are_made_and_read(guest: httpx2.Client) -> None:
    body = {"name": "Drizzle", "type": "weather"}
    made = guest.post("/api/agents", json=body)
    assert made.status_code == 201
    agent = made.json()
    assert ID.fullmatch(agent["id"])
    assert agent == body | {"id": agent["id"], "created_at": agent["created_at"]}
    assert guest.get(f"/api/agents/{agent['id']}").json() == agent
    assert agent in guest.get("/api/agents").json()["data"]
    assert guest.post("/api/agents", json={**body, "id": "x"}).status_code == 422


def test_a_refusal_names_members_in_any_script(guest: httpx2.Client) -> None:
    answer = guest.post("/api/agents", json={"name": "a", "type": "cot", "¹": 1, "/7": 2})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json"
    assert {defect["loc"][-1] for defect in answer.json()["detail"]} == {"¹", "/7"}
