"""What the mock server refuses, and how it says so."""

import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from sparring.spec.openapi.document import load_document
from sparring.spec.openapi.schemas import View

Open = Callable[..., str]
DOCUMENT = load_document("sessions")
PROBLEM = DOCUMENT.schemas.at(("components", "schemas", "Problem"), View.RESPONSE)
OPERATIONS = [(o.method, o.path) for o in DOCUMENT.operations]
OF_ONE_SESSION = [(m, p) for m, p in OPERATIONS if "{session_id}" in p]
BODIES: dict[str, Any] = {
    "/chat": {"messages": [{"role": "user", "content": "hello"}]},
    "/events/stream": {"type": "message", "content": "hello"},
    "/edit": {"content": "hello"},
    "/approvals": {"tool_call_id": "call_1", "approved": True},
}


def body_of(method: str, path: str) -> Any:
    if method == "POST":
        return next((body for end, body in BODIES.items() if path.endswith(end)), None)
    return {"title": "x"} if method in ("PUT", "PATCH") else None


def problem(answer: httpx2.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    value = answer.json()
    assert PROBLEM.violations(value) == []
    assert value["status"] == status
    return value


@pytest.mark.parametrize(("method", "path"), OF_ONE_SESSION)
def test_an_unknown_session_is_a_404(alice: httpx2.Client, method: str, path: str) -> None:
    url = path.replace("{session_id}", "there-is-none").replace("{message_id}", "no-message")
    answer = alice.request(method, url, json=body_of(method, path))
    assert "there-is-none" in problem(answer, 404)["detail"]


@pytest.mark.parametrize(("method", "path"), OF_ONE_SESSION)
def test_the_session_of_another_user_is_a_404_and_stays_as_it_is(
    alice: httpx2.Client, bob: httpx2.Client, open_session: Open, method: str, path: str
) -> None:
    own = open_session(alice, title="mine")
    before = alice.get(own).json()
    url = path.replace("/sessions/{session_id}", own).replace("{message_id}", "no-message")
    problem(bob.request(method, url, json=body_of(method, path)), 404)
    assert alice.get(own).json() == before


def test_the_list_has_no_session_of_another_user(
    alice: httpx2.Client, bob: httpx2.Client, open_session: Open
) -> None:
    id = open_session(alice, metadata={"secret": 1}).rpartition("/")[2]
    for query in ("limit=1000", 'limit=1000&metadata_filter={"secret":1}', "sort_by=updated_at"):
        items = bob.get(f"/sessions?{query}").json()["items"]
        assert id not in [item["id"] for item in items]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer alice-ke"},
        {"Authorization": "Bearer alice-key2"},
        {"Authorization": "Bearer"},
        {"Authorization": "alice-key"},
        {"Authorization": "Basic YWxpY2Uta2V5Og=="},
        {"X-API-Key": "ALICE-KEY"},
        {"X-API-Key": ""},
    ],
    ids=str,
)
def test_without_a_known_key_it_is_a_401(
    mock: Any, connect: Callable[..., Any], method: str, path: str, headers: dict[str, str]
) -> None:
    url = path.replace("{session_id}", "there-is-none")
    client = connect(mock.url, None) if not hasattr(mock, "nobody") else mock.nobody
    mock.nobody = client
    answer = client.request(method, url, json=body_of(method, path), headers=headers)
    problem(answer, 401)
    assert "www-authenticate" in answer.headers


def test_every_declared_way_of_giving_the_key_is_honoured(
    mock: Any, connect: Callable[..., Any]
) -> None:
    client = connect(mock.url, None)
    ways: list[dict[str, Any]] = [
        {"headers": {"Authorization": "Bearer alice-key"}},
        {"headers": {"Authorization": "bearer alice-key"}},
        {"headers": {"x-api-key": "alice-key"}},
        {"params": {"api_key": "alice-key"}},
    ]
    for way in ways:
        assert client.get("/sessions", **way).status_code == 200, way


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/agent_id"),
        ({"agent_id": 5}, "/agent_id"),
        ({"agent_id": "a", "agent": "b"}, "/agent"),
        ({"agent_id": "a", "a/b~c": 1}, "/a~1b~0c"),
        ({"agent_id": "a", "title": "x" * 201}, "/title"),
        ({"agent_id": "a", "metadata": []}, "/metadata"),
        ({"agent_id": "a", "id": "short"}, "/id"),
        ({"agent_id": "a", "id": None}, "/id"),
        ({"agent_id": "a", "render_templates": "yes"}, "/render_templates"),
        ([], ""),
        ("text", ""),
        (None, ""),
        (0, ""),
    ],
)
def test_an_invalid_body_is_a_422_with_a_pointer(
    alice: httpx2.Client, body: Any, pointer: str
) -> None:
    answer = alice.post(
        "/sessions", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    errors = problem(answer, 422)["errors"]
    assert ("body", pointer) in [(e["in"], e["pointer"]) for e in errors]


def test_a_pointer_leads_into_an_array(alice: httpx2.Client, open_session: Open) -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "robot", "content": ""}]
    answer = alice.post(f"{open_session(alice)}/chat", json={"messages": messages})
    pointers = [e["pointer"] for e in problem(answer, 422)["errors"]]
    assert set(pointers) == {"/messages/1/role", "/messages/1/content"}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=1001", "/limit"),
        ("limit=ten", "/limit"),
        ("limit=", "/limit"),
        ("limit=1.0", "/limit"),
        ("limit=%EF%BC%91", "/limit"),
        ("limit=" + "9" * 5000, "/limit"),
        ("offset=-1", "/offset"),
        ("offset=99999999999999999999", "/offset"),
        ("order=up", "/order"),
        ("sort_by=id", "/sort_by"),
        ("metadata_filter=[]", "/metadata_filter"),
        ("metadata_filter=x", "/metadata_filter"),
        ("metadata_filter=", "/metadata_filter"),
        ("metadata_filter={%22a%22:NaN}", "/metadata_filter"),
        ("metadata_filter={%22a%22:1e999}", "/metadata_filter"),
        ("metadata_filter={%22a%22:%22%5Cud800%22}", "/metadata_filter"),
        ("metadata_filter={%22a%22:" + "[" * 5000 + "]" * 5000 + "}", "/metadata_filter"),
        ("metadata_filter={%22a%22:" + "[" * 600 + "]" * 600 + "}", "/metadata_filter"),
    ],
    ids=lambda text: text[:40],
)
def test_an_invalid_parameter_is_a_422_with_a_pointer(
    alice: httpx2.Client, query: str, pointer: str
) -> None:
    errors = problem(alice.get(f"/sessions?{query}"), 422)["errors"]
    assert [(e["in"], e["pointer"]) for e in errors] == [("query", pointer)]


@pytest.mark.parametrize(
    "id", ["short", "x" * 65, "with%20space", "%00%00%00%00%00%00%00%00", "caf%C3%A9-caf%C3%A9"]
)
def test_an_id_that_can_be_none_is_a_422(alice: httpx2.Client, id: str) -> None:
    errors = problem(alice.get(f"/sessions/{id}"), 422)["errors"]
    assert [(e["in"], e["pointer"]) for e in errors] == [("path", "/session_id")]


def test_bytes_in_a_path_that_are_no_text_are_refused(alice: httpx2.Client) -> None:
    problem(alice.get("/sessions/%ff%fe%ff%fe%ff%fe%ff%fe"), 422)
    problem(alice.get("/nowhere/%ff%fe"), 404)
    problem(alice.get("/nowhere/%ed%a0%80"), 404)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "", "application/x-www-form-urlencoded", "json"]
)
def test_a_media_type_that_is_not_declared_is_a_415(alice: httpx2.Client, media_type: str) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    problem(alice.post("/sessions", content=b'{"agent_id": "a"}', headers=headers), 415)


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON ;a=b"]
)
def test_parameters_and_case_of_a_media_type_do_not_matter(
    alice: httpx2.Client, media_type: str
) -> None:
    headers = {"Content-Type": media_type}
    answer = alice.post("/sessions", content=b'{"agent_id": "a"}', headers=headers)
    assert answer.status_code == 201


def test_a_missing_body_is_a_422(alice: httpx2.Client) -> None:
    problem(alice.post("/sessions"), 422)


def test_an_undeclared_method_is_a_405_with_allow(alice: httpx2.Client, open_session: Open) -> None:
    path = open_session(alice)
    for method, url, allow in (
        ("DELETE", "/sessions", "GET, HEAD, OPTIONS, POST"),
        ("POST", path, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("GET", f"{path}/chat", "OPTIONS, POST"),
        ("HEAD", f"{path}/chat", "OPTIONS, POST"),
        ("PROPFIND", f"{path}/stop", "OPTIONS, POST"),
    ):
        answer = alice.request(method, url)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
        if method != "HEAD":
            problem(answer, 405)
    answer = alice.options(path)
    assert (answer.status_code, answer.headers["allow"]) == (
        204,
        "DELETE, GET, HEAD, OPTIONS, PATCH, PUT",
    )
    assert answer.content == b""


def test_head_is_get_without_the_body(alice: httpx2.Client, open_session: Open) -> None:
    path = open_session(alice)
    for url in (path, f"{path}/history", "/sessions?limit=1"):
        got, head = alice.get(url), alice.head(url)
        assert head.status_code == 200
        assert head.content == b""
        for name in ("content-type", "content-length", "etag"):
            assert head.headers.get(name) == got.headers.get(name), name
    assert alice.head("/sessions/there-is-none").status_code == 404
    assert alice.head(f"{path}/events/stream").headers["content-type"] == "text/event-stream"


def test_if_match_guards_every_change(alice: httpx2.Client, open_session: Open) -> None:
    path = open_session(alice)
    old = alice.get(path).headers["etag"]
    new = alice.patch(path, json={"title": "a"}, headers={"If-Match": old}).headers["etag"]
    assert new != old
    for method in ("PUT", "PATCH", "DELETE"):
        for tag in (old, '"nonsense"', f"W/{new}", f'{old}, "b"'):
            body = None if method == "DELETE" else {"title": "b"}
            answer = alice.request(method, path, json=body, headers={"If-Match": tag})
            problem(answer, 412)
    assert alice.get(path).headers["etag"] == new
    problem(alice.patch(path, json={}, headers={"If-Match": "no tag"}), 422)
    assert alice.put(path, json={}, headers={"If-Match": f'"x", {new}'}).status_code == 200
    assert alice.delete(path, headers={"If-Match": "*"}).status_code == 204
    problem(alice.delete(path, headers={"If-Match": "*"}), 404)


def test_a_body_that_is_too_large_is_a_413(alice: httpx2.Client) -> None:
    limit = 2 * 1024 * 1024
    body = b'{"agent_id": "a"}'.ljust(limit)
    headers = {"Content-Type": "application/json"}
    assert alice.post("/sessions", content=body, headers=headers).status_code == 201
    problem(alice.post("/sessions", content=body + b" ", headers=headers), 413)
    chunked = (body[at : at + 65536] for at in range(0, limit, 65536))
    assert alice.post("/sessions", content=chunked, headers=headers).status_code == 201
    longer = (body[:65536].ljust(65536) for _ in range(33))
    problem(alice.post("/sessions", content=longer, headers=headers), 413)


def test_the_longest_text_that_the_document_allows_is_taken_escaped_too(
    alice: httpx2.Client, open_session: Open
) -> None:
    path, headers = open_session(alice), {"Content-Type": "application/json"}
    for text, status in (("\U0001f469" * 100_000, 200), ("\U0001f469" * 100_001, 422)):
        body = json.dumps({"messages": [{"role": "user", "content": text}]})
        assert alice.post(f"{path}/chat", content=body, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("text/event-stream", "text/event-stream"),
        ("text/*", "text/event-stream"),
        ("TEXT/EVENT-STREAM", "text/event-stream"),
        ("text/event-stream, */*;q=0.1", "text/event-stream"),
        ("application/json;q=0.5, text/event-stream;q=0.6", "text/event-stream"),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream;q=0, */*", "application/json"),
        ("*/*;q=0", None),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=nonsense", None),
        ("application/json;q=nan", None),
    ],
)
def test_accept_chooses_between_json_and_stream(
    alice: httpx2.Client, open_session: Open, accept: str | None, media_type: str | None
) -> None:
    path = open_session(alice)
    request = alice.build_request("POST", f"{path}/chat", json=BODIES["/chat"])
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    answer = alice.send(request)
    if media_type is None:
        problem(answer, 406)
        assert alice.get(path).json()["message_count"] == 0
    else:
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
        assert alice.get(path).json()["message_count"] == 2


def test_a_stream_is_not_given_to_those_who_do_not_take_it(
    alice: httpx2.Client, open_session: Open
) -> None:
    path = f"{open_session(alice)}/events/stream"
    headers = {"Accept": "application/json"}
    problem(alice.get(path, headers=headers), 406)
    problem(alice.post(path, json=BODIES["/events/stream"], headers=headers), 406)


def send_raw(url: str, data: bytes, *, hang_up: bool = False) -> bytes:
    """All that the server answers to these bytes."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 10) as connection:
        connection.sendall(data)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_a_body_that_was_cut_off_changes_nothing(mock: Any, alice: httpx2.Client) -> None:
    body = b'{"agent_id": "baker", "id": "cut-off-body"}'
    head = (
        b"POST /sessions HTTP/1.1\r\nHost: x\r\nX-API-Key: alice-key\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    )
    assert not send_raw(mock.url, head + body, hang_up=True).startswith(b"HTTP/1.1 2")
    problem(alice.get("/sessions/cut-off-body"), 404)


def test_two_requests_in_one_packet_are_answered_in_order(mock: Any) -> None:
    one = b"GET /sessions?limit=1 HTTP/1.1\r\nHost: x\r\nX-API-Key: alice-key\r\n\r\n"
    two = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = send_raw(mock.url, one + two)
    assert answer.index(b"HTTP/1.1 200") < answer.index(b"HTTP/1.1 404")
