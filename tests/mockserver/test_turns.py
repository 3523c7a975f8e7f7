"""Turns: stopped, deleted under way, many at once, and each session with a cursor of its own."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sparring.fixtures.script import compile_script
from sparring.fixtures.script.cast import Cast
from sparring.mockserver.app import create_app
from sparring.mockserver.worlds.world import World
from sparring.spec.streams.sse import ServerEvent
from sparring.spec.text.source import parse

Open = Callable[..., str]
Say = Callable[..., Any]
Events = Callable[..., Iterator[ServerEvent]]


def data(event: ServerEvent) -> Any:
    return json.loads(event.data)


def upto(events: Iterator[ServerEvent], kind: str, count: int = 1) -> list[ServerEvent]:
    """The events up to and with the count-th of a kind."""
    seen: list[ServerEvent] = []
    for event in events:
        seen.append(event)
        count -= event.event == kind
        if not count:
            return seen
    raise AssertionError(f"the stream ended without {kind}: {seen}")


def test_a_stopped_turn_keeps_and_marks_what_was_said(
    patient: httpx2.Client, open_session: Open, stream: Events, follow: Events, say: Say
) -> None:
    path = open_session(patient)
    running = stream(patient, path, "count")
    seen = upto(running, "chunk", 3)
    stopped = patient.post(f"{path}/stop").json()
    seen += running
    assert stopped == {"stopped": True, "turn_id": data(seen[0])["turn_id"]}
    assert [e.event for e in seen if e.event in ("done", "error", "stopped")] == ["stopped"]
    assert seen[-1].event == "stopped"
    partial = "".join(data(e)["text"] for e in seen if e.event == "chunk")
    rows = patient.get(f"{path}/history").json()["items"]
    assert (rows[-1]["content"], rows[-1]["status"]) == (partial, "stopped")
    assert partial.startswith("one two three ")
    assert len(partial) < len("one two three four five six seven eight nine ten")
    assert data(seen[-1])["message_id"] == rows[-1]["id"]
    events = [(e.id, e.event, e.data) for e in seen]
    replayed = [(e.id, e.event, e.data) for e in follow(patient, path, after="0")]
    assert replayed == events
    assert patient.get(path).json()["message_count"] == 2
    assert patient.post(f"{path}/stop").json() == {"stopped": False, "turn_id": None}
    assert say(patient, path, "hello")["finish_reason"] == "stop"


def test_a_turn_that_has_said_nothing_yet_is_stopped_without_a_message(
    patient: httpx2.Client, open_session: Open, stream: Events
) -> None:
    path = open_session(patient)
    running = stream(patient, path, "think")
    upto(running, "status", 2)
    assert patient.post(f"{path}/stop").json()["stopped"] is True
    (last,) = running
    assert (last.event, data(last)["message_id"]) == ("stopped", None)
    assert [m["role"] for m in patient.get(f"{path}/history").json()["items"]] == ["user"]


def test_stopping_twice_at_once_stops_one_turn(
    patient: httpx2.Client, open_session: Open, stream: Events
) -> None:
    path = open_session(patient)
    running = stream(patient, path, "for ever")
    upto(running, "chunk")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: patient.post(f"{path}/stop").json(), range(8)))
    assert any(answer["stopped"] for answer in answers)
    assert [e.event for e in running].count("stopped") == 1


def test_a_session_that_is_deleted_ends_its_streams(
    patient: httpx2.Client, open_session: Open, stream: Events, follow: Events
) -> None:
    path = open_session(patient)
    running = stream(patient, path, "for ever")
    upto(running, "chunk")
    follower = follow(patient, path, after="0", wait=30)
    upto(follower, "chunk")
    assert patient.delete(path).status_code == 204
    last = list(running)[-1]
    assert (last.event, data(last)["code"]) == ("error", "session_deleted")
    assert all(event.event in ("chunk", "error") for event in follower)
    assert patient.get(f"{path}/history").status_code == 404


def test_a_new_session_of_the_same_id_gets_nothing_of_the_deleted_one(
    patient: httpx2.Client, stream: Events, say: Say
) -> None:
    body = {"agent_id": "a", "id": "phoenix-session"}
    for _ in range(5):
        assert patient.post("/sessions", json=body).status_code == 201
        running = stream(patient, "/sessions/phoenix-session", "for ever")
        upto(running, "chunk")
        assert patient.delete("/sessions/phoenix-session").status_code == 204
        assert patient.post("/sessions", json=body).status_code == 201
        list(running)
        assert say(patient, "/sessions/phoenix-session", "hello")["messages"]
        rows = patient.get("/sessions/phoenix-session/history").json()["items"]
        assert [row["content"] for row in rows] == ["hello", "You said: hello"]
        assert patient.get("/sessions/phoenix-session").json()["message_count"] == 2
        assert patient.delete("/sessions/phoenix-session").status_code == 204


def test_turns_of_one_session_never_interleave(
    alice: httpx2.Client, open_session: Open, say: Say, stream: Events
) -> None:
    path = open_session(alice)

    def turn(number: int) -> None:
        if number % 2:
            say(alice, path, f"number {number}")
        else:
            list(stream(alice, path, f"number {number}"))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(turn, range(20)))
    events = alice.get(f"{path}/events?limit=1000").json()["items"]
    turns = [list(group) for _, group in groupby(events, key=lambda event: event["turn_id"])]
    assert len(turns) == 20
    for group in turns:
        assert [event["type"] for event in group] == ["message", "status", "message"]
        said, answer = group[0]["data"]["content"], group[-1]["data"]["content"]
        assert answer == f"You said: {said}"
    assert len({group[0]["data"]["content"] for group in turns}) == 20
    assert alice.get(path).json()["message_count"] == 40
    times = [event["created_at"] for event in events]
    assert times == sorted(times)
    assert len({event["id"] for event in events}) == len(events)


def test_creates_at_one_instant_with_one_id_make_one_session(alice: httpx2.Client) -> None:
    body = {"agent_id": "a", "id": "only-one-of-us"}
    with ThreadPoolExecutor(20) as pool:
        made = pool.map(lambda _: alice.post("/sessions", json=body).status_code, range(20))
    assert sorted(made) == [201, *[409] * 19]


def test_updates_at_one_instant_are_guarded_by_if_match(
    alice: httpx2.Client, open_session: Open
) -> None:
    path = open_session(alice)
    tag = {"If-Match": alice.get(path).headers["etag"]}

    def update(number: int) -> int:
        body = {"metadata": {str(number): number}}
        return alice.patch(path, json=body, headers=tag).status_code

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(update, range(20))) == [200, *[412] * 19]
    assert len(alice.get(path).json()["metadata"]) == 1


def test_another_user_does_not_wait_for_a_turn_that_is_not_his(
    slow: Any, patient: httpx2.Client, connect: Any, open_session: Open, stream: Events
) -> None:
    path = open_session(patient)
    bob = connect(slow.url, "bob-key")
    running = stream(patient, path, "for ever")
    upto(running, "chunk")
    body = {"messages": [{"role": "user", "content": "psst"}]}
    assert bob.post(f"{path}/chat", json=body).status_code == 404
    assert bob.delete(f"{path}/history").status_code == 404
    patient.post(f"{path}/stop")
    assert list(running)[-1].event == "stopped"


def test_a_rule_fires_so_often_as_it_may_in_each_session(
    alice: httpx2.Client, open_session: Open, say: Say, stream: Events
) -> None:
    first, second = open_session(alice), open_session(alice)

    def answer(path: str) -> str:
        return str(say(alice, path, "once")["messages"][0]["content"])

    assert answer(first) == "Only once."
    assert answer(first) == "You said: once"
    assert answer(second) == "Only once."
    list(stream(alice, second, "once"))
    assert alice.get(f"{second}/history").json()["items"][-1]["content"] == "You said: once"
    third = open_session(alice)
    list(stream(alice, third, "once"))
    assert answer(third) == "You said: once"


def test_an_update_during_a_turn_is_not_lost(
    patient: httpx2.Client, open_session: Open, stream: Events
) -> None:
    path = open_session(patient, metadata={"a": 1})
    running = stream(patient, path, "count")
    upto(running, "chunk", 2)
    assert patient.patch(path, json={"metadata": {"b": 2}}).status_code == 200
    upto(running, "done")
    session = patient.get(path).json()
    assert session["metadata"] == {"a": 1, "b": 2}
    assert session["message_count"] == 2


def test_a_history_is_cleared_after_the_running_turn(
    patient: httpx2.Client, open_session: Open, stream: Events
) -> None:
    path = open_session(patient)
    running = stream(patient, path, "count")
    upto(running, "chunk", 2)
    with ThreadPoolExecutor(1) as pool:
        clearing = pool.submit(patient.delete, f"{path}/history")
        upto(running, "done")
        assert clearing.result(20).status_code == 204
    assert patient.get(f"{path}/history").json()["items"] == []
    assert patient.get(path).json()["message_count"] == 0


def test_a_create_in_the_same_moment_as_the_delete_of_a_talking_session_is_left_alone() -> None:
    """Both requests are handled before the loop wakes the deleted session's turn."""
    text = b'fallback: [{wait: 10m}, "Done."]'
    app = create_app("sessions", World(cast=Cast([compile_script(parse(text, "script.yaml"))])))

    async def request(method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        raw = b"" if body is None else json.dumps(body).encode()
        told: list[Any] = []
        waiting: list[Any] = [{"type": "http.request", "body": raw}]

        async def receive() -> Any:
            return waiting.pop() if waiting else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            told.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [
                (b"x-api-key", b"alice-key"),
                (b"content-type", b"application/json"),
            ],
        }
        await app(scope, receive, send)
        return told[0]["status"], b"".join(m.get("body", b"") for m in told[1:])

    async def scenario() -> bytes:
        new = {"agent_id": "a", "id": "phoenix-session"}
        assert (await request("POST", "/sessions", new))[0] == 201
        message = {"type": "message", "content": "hello"}
        stream_path = "/sessions/phoenix-session/events/stream"
        talking = asyncio.create_task(request("POST", stream_path, message))
        with app.world.signals.listen("phoenix-session") as signal:
            while "phoenix-session" not in app.world.running:
                signal.clear()
                await signal.wait()
        deleted, created = await asyncio.gather(
            request("DELETE", "/sessions/phoenix-session"), request("POST", "/sessions", new)
        )
        assert (deleted[0], created[0]) == (204, 201)
        _, streamed = await talking
        assert b"session_deleted" in streamed
        return (await request("GET", "/sessions/phoenix-session/events"))[1]

    assert json.loads(asyncio.run(scenario()))["items"] == []


@pytest.mark.parametrize("word", ["weather", "tool"])
def test_json_and_stream_record_the_same_turn(
    alice: httpx2.Client, open_session: Open, say: Say, stream: Events, word: str
) -> None:
    def told(path: str) -> Any:
        rows = alice.get(f"{path}/events").json()["items"]
        return [(e["offset"], e["type"], e["source"], e["data"]) for e in rows]

    spoken, streamed = open_session(alice), open_session(alice)
    say(alice, spoken, word)
    list(stream(alice, streamed, word))
    assert told(spoken) == told(streamed)


def test_the_server_kept_silent_about_all_this(
    serve: Callable[..., Any], connect: Any, open_session: Open, stream: Events
) -> None:
    server = serve("sessions", "--script", Path(__file__).resolve().parent / "slow.yaml")
    client = connect(server.url)
    path = open_session(client)
    running = stream(client, path, "for ever")
    upto(running, "chunk")
    client.delete(path)
    list(running)
    said = server.stop().splitlines()  # its greeting, of one line and indented ones
    assert all(line.startswith(("sparring serves ", "  ")) for line in said), said
