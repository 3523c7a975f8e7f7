"""Every operation of the canonical document, from the first session to the last."""

import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from sparring.spec.openapi.document import load_document
from sparring.spec.openapi.schemas import View

Open = Callable[..., str]
DOCUMENT = load_document("sessions")


def check(answer: httpx2.Response, method: str, path: str) -> Any:
    """The JSON of an answer, which fits what the document declares for its status."""
    operation = next(o for o in DOCUMENT.operations if (o.method, o.path) == (method, path))
    response = operation.response(answer.status_code)
    assert response is not None, f"{answer.status_code} is not declared"
    for name, header in response.headers.items():
        assert name.lower() in answer.headers or not header.required, name
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if not response.content:
        assert answer.content == b""
        return None
    media = operation.media(answer.status_code, media_type)
    assert media is not None, f"{media_type} is not declared"
    assert media.schema is not None
    value = answer.json()
    assert DOCUMENT.schemas.at(media.schema, View.RESPONSE).violations(value) == []
    return value


def test_a_session_lives_from_create_to_delete(alice: httpx2.Client) -> None:
    body = {"agent_id": "baker", "title": "Bread", "metadata": {"shelf": 7, "row": None}}
    made = alice.post("/sessions", json=body)
    session = check(made, "POST", "/sessions")
    assert made.status_code == 201
    assert session["metadata"] == {"shelf": 7, "row": None}
    assert session["message_count"] == 0
    assert made.headers["location"] == f"/sessions/{session['id']}"
    path = made.headers["location"]

    got = alice.get(path)
    assert check(got, "GET", "/sessions/{session_id}") == session
    assert got.headers["etag"] == made.headers["etag"]

    patched = alice.patch(path, json={"metadata": {"shelf": None, "box": {"a": 1}}})
    value = check(patched, "PATCH", "/sessions/{session_id}")
    assert value["metadata"] == {"row": None, "box": {"a": 1}}
    assert value["title"] == "Bread"
    assert value["updated_at"] > session["updated_at"]
    assert value["created_at"] == session["created_at"]
    assert patched.headers["etag"] != got.headers["etag"]

    value = check(alice.put(path, json={"title": "Rye"}), "PUT", "/sessions/{session_id}")
    assert (value["title"], value["metadata"], value["agent_id"]) == ("Rye", {}, "baker")
    assert value["user_id"] == session["user_id"]

    gone = alice.delete(path)
    assert gone.status_code == 204
    check(gone, "DELETE", "/sessions/{session_id}")
    assert alice.get(path).status_code == 404
    assert alice.delete(path).status_code == 404
    listed = alice.get("/sessions", params={"limit": 1000}).json()["items"]
    assert session["id"] not in [item["id"] for item in listed]


def test_a_patch_that_changes_nothing_changes_neither_time_nor_tag(
    alice: httpx2.Client, open_session: Open
) -> None:
    path = open_session(alice, title="Bread", metadata={"a": 1})
    before = alice.get(path)
    after = alice.patch(path, json={"title": "Bread", "metadata": {"a": 1, "b": None}})
    assert after.json() == before.json()
    assert after.headers["etag"] == before.headers["etag"]


def test_a_number_that_becomes_true_is_a_change(alice: httpx2.Client, open_session: Open) -> None:
    path = open_session(alice, metadata={"a": 1})
    assert alice.patch(path, json={"metadata": {"a": True}}).json()["metadata"]["a"] is True


def test_a_turn_is_in_history_events_suggestions_and_count(
    alice: httpx2.Client, open_session: Open, say: Callable[..., Any]
) -> None:
    path = open_session(alice)
    template = "/sessions/{session_id}"
    reply = alice.post(f"{path}/chat", json={"messages": [{"role": "user", "content": "weather"}]})
    turn = check(reply, "POST", f"{template}/chat")
    assert [m["content"] for m in turn["messages"]] == ["It is sunny in SF."]
    assert turn["finish_reason"] == "stop"

    history = check(alice.get(f"{path}/history"), "GET", f"{template}/history")
    assert [(m["role"], m["content"]) for m in history["items"]] == [
        ("user", "weather"),
        ("assistant", "It is sunny in SF."),
    ]
    assert history["items"][1] == turn["messages"][0]
    assert {m["turn_id"] for m in history["items"]} == {turn["turn_id"]}

    events = check(alice.get(f"{path}/events"), "GET", f"{template}/events")["items"]
    assert [e["offset"] for e in events] == list(range(len(events)))
    assert [e["type"] for e in events] == ["message", "status", "status", "message"]
    assert [e["id"] for e in events if e["type"] == "message"] == [
        m["id"] for m in history["items"]
    ]
    assert {e["turn_id"] for e in events} == {turn["turn_id"]}

    found = check(alice.get(f"{path}/suggestions"), "GET", f"{template}/suggestions")
    assert {s["content"] for s in found["items"]} == {"And tomorrow?", "And in Oslo?"}
    assert {s["message_id"] for s in found["items"]} == {turn["messages"][0]["id"]}
    assert len({s["id"] for s in found["items"]}) == 2

    say(alice, path, "hello")
    session = check(alice.get(path), "GET", template)
    assert session["message_count"] == 4
    assert check(alice.post(f"{path}/stop"), "POST", f"{template}/stop") == {
        "stopped": False,
        "turn_id": None,
    }

    assert alice.delete(f"{path}/history").status_code == 204
    assert alice.get(path).json()["message_count"] == 0
    for name in ("history", "events", "suggestions"):
        assert alice.get(f"{path}/{name}").json()["items"] == [], name
    say(alice, path, "hello")
    assert alice.get(f"{path}/history").json()["items"][0]["content"] == "hello"


def test_every_message_of_one_request_is_recorded_and_the_last_is_answered(
    alice: httpx2.Client, open_session: Open
) -> None:
    path = open_session(alice)
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello", "name": "Ada"},
        {"role": "user", "content": "weather"},
    ]
    answer = alice.post(f"{path}/chat", json={"messages": messages}).json()
    assert [m["content"] for m in answer["messages"]] == ["It is sunny in SF."]
    rows = alice.get(f"{path}/history").json()["items"]
    assert [(m["role"], m["content"]) for m in rows[:3]] == [
        (m["role"], m["content"]) for m in messages
    ]
    assert [m.get("name") for m in rows] == [None, "Ada", None, None]


def test_the_lists_are_cut_into_pages_without_gap_or_overlap(
    alice: httpx2.Client, connect: Callable[..., Any], serve: Callable[..., Any], open_session: Open
) -> None:
    own = connect(serve("sessions").url)
    made = [open_session(own, metadata={"n": n % 2}).rpartition("/")[2] for n in range(7)]
    pages: list[str] = []
    for offset in range(0, 9, 3):
        page = own.get("/sessions", params={"limit": 3, "offset": offset}).json()
        assert page["total"] == 7
        pages += [item["id"] for item in page["items"]]
    assert pages == made[::-1], "newest first"
    rising = own.get("/sessions", params={"order": "asc"}).json()["items"]
    assert [item["id"] for item in rising] == made
    filtered = own.get("/sessions", params={"metadata_filter": '{"n": 1}', "limit": 2}).json()
    assert filtered["total"] == 3
    assert [item["id"] for item in filtered["items"]] == [made[5], made[3]]
    own.patch(f"/sessions/{made[0]}", json={"title": "touched"})
    first = own.get("/sessions", params={"sort_by": "updated_at", "limit": 1}).json()["items"]
    assert first[0]["id"] == made[0]


@pytest.mark.parametrize(
    ("wanted", "stored", "fits"),
    [
        ('{"a": "1"}', 1, False),
        ('{"a": 1}', 1, True),
        ('{"a": 1.0}', 1, True),
        ('{"a": true}', 1, False),
        ('{"a": null}', None, True),
        ('{"a": [1, {"b": false}]}', [1, {"b": False}], True),
        ('{"a": [1, {"b": 0}]}', [1, {"b": False}], False),
        ('{"a": {}}', {"b": 1}, False),
        ('{"b": null}', None, False),
        ("{}", 5, True),
        ('{"a": 12345678901234567890123}', 12345678901234567890123, True),
    ],
)
def test_a_filter_keeps_exactly_what_agrees(
    alice: httpx2.Client, open_session: Open, wanted: str, stored: Any, fits: bool
) -> None:
    id = open_session(alice, metadata={"a": stored}).rpartition("/")[2]
    found = alice.get("/sessions", params={"metadata_filter": wanted, "limit": 1000})
    assert found.status_code == 200, found.text
    assert (id in [item["id"] for item in found.json()["items"]]) is fits


def test_a_client_may_choose_the_id_once(alice: httpx2.Client, bob: httpx2.Client) -> None:
    body = {"agent_id": "baker", "id": "chosen-by-me"}
    assert alice.post("/sessions", json=body).json()["id"] == "chosen-by-me"
    for client in (alice, bob):
        refused = client.post("/sessions", json=body)
        assert check(refused, "POST", "/sessions")["status"] == 409


def test_the_active_session_is_the_newest_of_the_caller(
    serve: Callable[..., Any], connect: Callable[..., Any], open_session: Open
) -> None:
    server = serve("sessions")
    alice, bob = connect(server.url), connect(server.url, "bob-key")
    first = check(alice.get("/sessions/active"), "GET", "/sessions/active")
    assert alice.get("/sessions/active").json() == first
    assert bob.get("/sessions/active").json()["id"] != first["id"]
    newer = open_session(alice).rpartition("/")[2]
    assert alice.get("/sessions/active").json()["id"] == newer
    alice.delete(f"/sessions/{newer}")
    assert alice.get("/sessions/active").json()["id"] == first["id"]


def test_the_agent_greets_only_when_it_may(alice: httpx2.Client) -> None:
    for allowed, said in (("true", ["Welcome!"]), ("false", [])):
        made = alice.post(f"/sessions?allow_greeting={allowed}", json={"agent_id": "baker"}).json()
        path = f"/sessions/{made['id']}"
        assert made["message_count"] == len(said)
        rows = alice.get(f"{path}/history").json()["items"]
        assert [(m["role"], m["content"]) for m in rows] == [("assistant", t) for t in said]
    assert alice.post("/sessions?allow_greeting=perhaps", json={"agent_id": "a"}).status_code == 422


def test_a_guest_is_made_when_no_user_is_named(alice: httpx2.Client) -> None:
    guests = [alice.post("/sessions", json={"agent_id": "a"}).json()["user_id"] for _ in range(2)]
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,64}", guest) for guest in guests)
    assert guests[0] != guests[1]
    named = alice.post("/sessions", json={"agent_id": "a", "user_id": "ada"}).json()
    assert named["user_id"] == "ada"


def test_the_event_list_is_filtered_by_type_and_offset(
    alice: httpx2.Client, open_session: Open, say: Callable[..., Any]
) -> None:
    path = open_session(alice)
    say(alice, path, "tool")
    everything = alice.get(f"{path}/events").json()["items"]
    kinds = [e["type"] for e in everything]
    assert kinds == ["message", "status", "tool_call", "tool_result", "message"]
    tools = alice.get(f"{path}/events?types=tool_call,tool_result").json()["items"]
    assert tools == everything[2:4]
    assert tools[0]["data"] == {
        "tool_call_id": "call_1",
        "name": "get_weather",
        "arguments": {"city": "SF"},
    }
    later = alice.get(f"{path}/events?min_offset=3&limit=1").json()["items"]
    assert later == everything[3:4]


def test_a_tool_result_of_the_client_is_recorded_and_ends_its_turn(
    alice: httpx2.Client, open_session: Open
) -> None:
    path = open_session(alice)
    body = {"type": "tool_result", "tool_call_id": "call_9", "result": [1, None, {"a": "b"}]}
    answer = alice.post(f"{path}/events/stream", json=body)
    assert answer.status_code == 200
    events = alice.get(f"{path}/events").json()["items"]
    result = [e for e in events if e["type"] == "tool_result"]
    assert [(e["source"], e["data"]) for e in result] == [
        ("user", {"tool_call_id": "call_9", "result": [1, None, {"a": "b"}]})
    ]
    assert alice.get(path).json()["message_count"] == 0
