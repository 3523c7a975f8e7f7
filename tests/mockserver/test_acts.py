"""What can be done to a turn: stop, answer again, edit, approve, give results; and what stays."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sparring.spec.streams.sse import Parser, ServerEvent

Open = Callable[..., str]
Say = Callable[..., Any]
Events = Callable[..., Iterator[ServerEvent]]
SCRIPT = Path(__file__).parent / "acts.yaml"
CITING = SCRIPT.with_name("citing.yaml")


@pytest.fixture(scope="module")
def client(serve: Callable[..., Any], connect: Callable[..., Any]) -> httpx2.Client:
    made: httpx2.Client = connect(serve("sessions", "--script", SCRIPT, "--script", CITING).url)
    return made


def data(event: ServerEvent) -> Any:
    return json.loads(event.data)


def seen(client: httpx2.Client, path: str, body: Any = None) -> list[ServerEvent]:
    """The stream that an act answers with."""
    headers = {"Accept": "text/event-stream"}
    with client.stream("POST", path, json=body, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        parser = Parser()
        return [event for chunk in answer.iter_raw() for event in parser.feed(chunk)]


def history(client: httpx2.Client, path: str) -> list[str]:
    return [row["content"] for row in client.get(f"{path}/history").json()["items"]]


def words(answer: Any) -> str:
    return " ".join(message["content"] for message in answer["messages"])


def result(call: str, value: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_call_id": call, "result": value}


# Regenerate


def test_a_regenerated_answer_takes_the_place_of_the_old_one(
    client: httpx2.Client, open_session: Open, say: Say
) -> None:
    path = open_session(client)
    say(client, path, "number")
    before = say(client, path, "roll")
    again = client.post(f"{path}/regenerate").json()
    assert words(again) == words(before) == "You rolled a one."
    assert again["messages"][0]["id"] != before["messages"][0]["id"]
    assert history(client, path) == ["number", "Turn 1, asked in 1.", "roll", "You rolled a one."]
    assert client.get(path).json()["message_count"] == 4
    assert words(say(client, path, "roll")) == "You have rolled before."
    assert words(say(client, path, "number")) == "Turn 4, asked in 4."


def test_an_answer_is_regenerated_as_a_stream_and_as_often_as_one_likes(
    client: httpx2.Client, open_session: Open, say: Say, follow: Events
) -> None:
    path = open_session(client)
    say(client, path, "roll")
    for _ in range(3):
        events = seen(client, f"{path}/regenerate")
        assert "".join(data(e)["text"] for e in events if e.event == "chunk") == "You rolled a one."
        assert events[-1].event == "done"
    assert history(client, path) == ["roll", "You rolled a one."]
    ids = [int(e.id or "") for e in follow(client, path, after="0")]
    assert ids == sorted(set(ids)), "the log stays as it is: nothing is taken out of it"
    kinds = [e["type"] for e in client.get(f"{path}/events").json()["items"]]
    assert kinds == ["message", "status", "message"]


def test_a_stopped_answer_can_be_regenerated(
    client: httpx2.Client, open_session: Open, stream: Events
) -> None:
    path = open_session(client)
    running = stream(client, path, "slowly")
    for event in running:
        if event.event == "chunk":
            break
    client.post(f"{path}/stop")
    list(running)
    assert client.get(f"{path}/history").json()["items"][-1]["status"] == "stopped"
    assert words(client.post(f"{path}/regenerate").json()).endswith("eleven twelve")
    assert len(history(client, path)) == 2


def test_nothing_is_regenerated_where_nothing_was_said(
    client: httpx2.Client, open_session: Open
) -> None:
    assert client.post(f"{open_session(client)}/regenerate").status_code == 409


def test_suggestions_of_an_answer_that_was_replaced_are_gone(
    serve: Callable[..., Any], connect: Callable[..., Any], open_session: Open, say: Say
) -> None:
    client = connect(serve("sessions").url)
    path = open_session(client)
    say(client, path, "hello")
    first = client.get(f"{path}/suggestions").json()
    client.post(f"{path}/regenerate")
    second = client.get(f"{path}/suggestions").json()
    assert first["total"] == second["total"] > 0
    assert first["items"][0]["id"] != second["items"][0]["id"]


# Edit


def test_an_edited_message_is_answered_anew_and_what_followed_goes(
    client: httpx2.Client, open_session: Open, say: Say
) -> None:
    path = open_session(client)
    say(client, path, "roll")
    say(client, path, "number")
    asked = client.get(f"{path}/history").json()["items"][0]
    edit = f"{path}/messages/{asked['id']}/edit"
    assert words(client.post(edit, json={"content": "number"}).json()) == "Turn 1, asked in 1."
    rows = client.get(f"{path}/history").json()["items"]
    assert [row["content"] for row in rows] == ["number", "Turn 1, asked in 1."]
    assert (rows[0]["id"], rows[0]["turn_id"]) == (asked["id"], asked["turn_id"])
    assert words(say(client, path, "roll")) == "You rolled a one.", "the roll has not happened"
    assert client.get(path).json()["message_count"] == 4


def test_only_what_the_user_said_can_be_edited(
    client: httpx2.Client, open_session: Open, say: Say
) -> None:
    path = open_session(client)
    answer = say(client, path, "roll")["messages"][0]
    edit = client.post(f"{path}/messages/{answer['id']}/edit", json={"content": "x"})
    assert edit.status_code == 409
    unknown = client.post(f"{path}/messages/{'x' * 10}/edit", json={"content": "x"})
    assert unknown.status_code == 404
    assert history(client, path) == ["roll", "You rolled a one."]


# Pauses


def test_a_result_goes_on_with_the_turn_that_waits_for_it(
    client: httpx2.Client, open_session: Open, say: Say
) -> None:
    path = open_session(client)
    paused = say(client, path, "book")
    assert (paused["finish_reason"], words(paused)) == ("tool_calls", "One moment.")
    events = seen(client, f"{path}/events/stream", result("call_book", "LX 4"))
    assert [data(e)["data"] for e in events if e.event == "message"] == [
        {"content": "Booked: LX 4.", "status": "complete"}
    ]
    assert history(client, path) == ["book", "One moment.", "Booked: LX 4."]


def test_a_result_for_which_nobody_waits_is_recorded_and_told_to_the_script(
    client: httpx2.Client, open_session: Open
) -> None:
    path = open_session(client)
    seen(client, f"{path}/events/stream", result("call_odd", {"a": 1}))
    assert history(client, path) == ["A stray result of call_odd."]
    kinds = [e["type"] for e in client.get(f"{path}/events").json()["items"]]
    assert kinds == ["tool_result", "status", "message"]


def test_a_call_that_nobody_answers_times_out_by_itself(
    client: httpx2.Client, open_session: Open, say: Say, follow: Events
) -> None:
    path = open_session(client)
    say(client, path, "hurry")
    events = []
    for event in follow(client, path, after="0", wait=10):
        events.append(event)
        if [e.event for e in events].count("done") == 2:
            break
    assert history(client, path) == ["hurry", "true, it took too long."]
    assert client.get(path).json()["message_count"] == 2


def test_a_call_times_out_though_the_user_has_spoken_meanwhile(
    client: httpx2.Client, open_session: Open, say: Say, follow: Events
) -> None:
    path = open_session(client)
    say(client, path, "later")
    assert words(say(client, path, "well?")) == "You said: well?"
    for event in follow(client, path, wait=10):
        if event.event == "done":
            break
    assert history(client, path) == [
        *("later", "well?", "You said: well?", "Never said after that.")
    ]


@pytest.mark.parametrize("how", ["answered", "cleared", "regenerated", "deleted"])
def test_a_session_that_has_moved_on_does_not_time_out(
    client: httpx2.Client, open_session: Open, say: Say, how: str
) -> None:
    path = open_session(client)
    say(client, path, "later")
    if how == "answered":
        seen(client, f"{path}/events/stream", result("call_later", 1))
        expected = ["later", "Never said after that."]
    elif how == "cleared":
        client.delete(f"{path}/history")
        expected = []
    elif how == "regenerated":
        asked = client.get(f"{path}/history").json()["items"][0]["id"]
        client.post(f"{path}/messages/{asked}/edit", json={"content": "hi"})
        expected = ["hi", "You said: hi"]
    else:
        client.delete(path)
        client.post("/sessions", json={"agent_id": "a", "id": path.rpartition("/")[2]})
        expected = []
    other = open_session(client)
    say(client, other, "later")  # which runs out later than the first
    while len(history(client, other)) < 2:
        time.sleep(0.02)
    assert history(client, path) == expected


@pytest.mark.parametrize("approved", [True, False])
def test_an_approval_releases_the_call_that_waits_for_it(
    client: httpx2.Client, open_session: Open, say: Say, approved: bool
) -> None:
    path = open_session(client)
    assert say(client, path, "delete")["finish_reason"] == "tool_calls"
    body = {"tool_call_id": "call_delete", "approved": approved}
    answer = client.post(f"{path}/approvals", json=body).json()
    assert words(answer) == f"Approved: {str(approved).lower()}."
    again = client.post(f"{path}/approvals", json=body).json()
    assert again["messages"] == []
    assert len(history(client, path)) == 2


# Arguments in pieces, and events of the script's own


def test_the_arguments_of_a_call_are_streamed_before_it_and_again_from_the_log(
    client: httpx2.Client, open_session: Open, stream: Events, follow: Events
) -> None:
    path = open_session(client)
    events = list(stream(client, path, "book"))
    pieces = [data(e) for e in events if e.event == "tool_call_delta"]
    assert len(pieces) > 2
    assert json.loads("".join(p["text"] for p in pieces)) == {"to": "Oslo", "seats": 2}
    assert {(p["tool_call_id"], p["name"]) for p in pieces} == {("call_book", "book_flight")}
    assert [p["index"] for p in pieces] == list(range(len(pieces)))
    after = events.index(next(e for e in events if e.event == "tool_call_delta"))
    assert events[after + len(pieces)].event == "tool_call"
    assert list(follow(client, path, after="0")) == events
    assert list(follow(client, path, after=events[after].id)) == events[after + 1 :]


def test_a_call_that_is_stopped_inside_its_arguments_was_not_made(
    client: httpx2.Client, open_session: Open, stream: Events, follow: Events
) -> None:
    path = open_session(client)
    running = stream(client, path, "dictate")
    events = []
    for event in running:
        events.append(event)
        if event.event == "tool_call_delta":
            break
    assert client.post(f"{path}/stop").json()["stopped"] is True
    events += running
    assert [e.event for e in events if e.event != "tool_call_delta"][-1] == "stopped"
    assert "tool_call" not in [e.event for e in events]
    assert list(follow(client, path, after="0")) == events
    types = [e["type"] for e in client.get(f"{path}/events").json()["items"]]
    assert "tool_call" not in types


def test_a_turn_is_stopped_while_it_waits(
    client: httpx2.Client, open_session: Open, stream: Events
) -> None:
    path = open_session(client)
    running = stream(client, path, "mull")
    for event in running:
        if event.event == "status":
            break
    assert client.post(f"{path}/stop").json()["stopped"] is True
    assert [e.event for e in running] == ["stopped"]
    assert history(client, path) == ["mull"]


def test_an_event_of_the_script_is_streamed_and_replayed_and_no_part_of_the_history(
    client: httpx2.Client, open_session: Open, stream: Events, follow: Events
) -> None:
    path = open_session(client, agent_id="citing")
    events = list(stream(client, path, "cite"))
    one, other = (event for event in events if event.event == "citation")
    assert data(one) == {"url": "https://example.com/a"}
    assert data(other) == {"url": "https://example.com/cite"}
    assert "id" in one.fields
    assert "id" not in other.fields
    assert [e.data for e in follow(client, path, after="0")] == [e.data for e in events]
    assert history(client, path) == ["cite", "Cited."]


def test_no_answer_shows_where_the_script_stands(
    client: httpx2.Client, open_session: Open, say: Say, stream: Events
) -> None:
    path = open_session(client)
    shown = [say(client, path, "number"), client.post(f"{path}/regenerate").json()]
    shown += [client.get(f"{path}{more}").json() for more in ("", "/history", "/events")]
    shown += [client.get("/sessions?limit=1000").json()]
    shown += [event.data for event in stream(client, path, "number")]
    assert "fired" not in str(shown)
    assert "cursor" not in str(shown)


def test_many_act_on_one_session_and_each_turn_is_whole(
    client: httpx2.Client, open_session: Open, say: Say
) -> None:
    path = open_session(client)
    say(client, path, "roll")

    def act(number: int) -> int:
        if number % 3 == 0:
            return client.post(f"{path}/regenerate").status_code
        say(client, path, f"number {number}")
        return 200

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(act, range(12))) == {200}
    rows = client.get(f"{path}/history").json()["items"]
    assert [row["role"] for row in rows] == ["user", "assistant"] * 9
    assert client.get(path).json()["message_count"] == 18
