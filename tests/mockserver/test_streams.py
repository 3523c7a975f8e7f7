"""Event streams: paced, resumable, followed live, and indifferent to clients that leave."""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sparring.spec.openapi.document import load_document
from sparring.spec.openapi.schemas import View
from sparring.spec.streams.events import EventStream
from sparring.spec.streams.sse import ServerEvent

Open = Callable[..., str]
Events = Callable[..., Iterator[ServerEvent]]
DOCUMENT = load_document("sessions")
SCHEMAS = {
    "chunk": "Chunk",
    "suggestions": "TurnSuggestions",
    "error": "TurnError",
    "stopped": "TurnStopped",
    "done": "TurnDone",
}


def plain(events: list[ServerEvent]) -> list[tuple[str | None, str, str]]:
    return [(event.id, event.event, event.data) for event in events]


def pieces(events: list[ServerEvent]) -> str:
    return "".join(json.loads(e.data)["text"] for e in events if e.event == "chunk")


def test_pieces_arrive_over_the_time_that_the_script_asks_for(
    patient: httpx2.Client, open_session: Open, stream: Events
) -> None:
    path = open_session(patient)
    arrived = []
    for event in stream(patient, path, "count"):
        if event.event == "chunk":
            arrived.append(time.monotonic())
            if len(arrived) == 1:
                rows = patient.get(f"{path}/history").json()["items"]
                assert [row["role"] for row in rows] == ["user"], "the turn still runs"
    assert len(arrived) == 10
    assert arrived[-1] - arrived[0] > 0.25, "nine gaps of 50 ms"
    assert len({round(moment, 2) for moment in arrived}) > 5


def test_a_json_answer_does_not_wait(
    patient: httpx2.Client, open_session: Open, say: Callable[..., Any]
) -> None:
    assert say(patient, open_session(patient), "think")["finish_reason"] == "stop"


@pytest.mark.parametrize("text", ["hello", "weather", "tool", "explode", "anything else"])
def test_every_event_fits_its_schema_and_the_last_one_ends_the_turn(
    alice: httpx2.Client, open_session: Open, stream: Events, text: str
) -> None:
    path = open_session(alice)
    events = list(stream(alice, path, text))
    ids = [int(event.id or 0) for event in events]
    assert ids == list(range(1, len(events) + 1))
    for event in events:
        schema = ("components", "schemas", SCHEMAS.get(event.event, "Event"))
        validator = DOCUMENT.schemas.at(schema, View.RESPONSE)
        assert validator.violations(json.loads(event.data)) == []
    kinds = [event.event for event in events]
    assert kinds[0] == "message"
    terminal = {"done", "stopped", "error"}
    assert [k for k in kinds if k in terminal] == ["error" if text == "explode" else "done"]
    assert kinds[-1] in terminal
    assert len({json.loads(event.data)["turn_id"] for event in events}) == 1
    told = [
        json.loads(e.data)
        for e in events
        if e.event in ("message", "status", "tool_call", "tool_result")
    ]
    assert told == alice.get(f"{path}/events").json()["items"]
    said = [e["data"]["content"] for e in told if e["type"] == "message" and e["source"] == "agent"]
    assert pieces(events) == "".join(said)
    reader = EventStream(DOCUMENT.model)
    seen = [reader.read(event) for event in events]
    assert "".join(s.text or "" for s in seen if s.kind == "chunk") == "".join(said)
    assert {s.turn for s in seen} == {json.loads(events[0].data)["turn_id"]}


@pytest.mark.parametrize("text", ["weather", "tool", "explode"])
def test_resuming_after_any_position_gives_exactly_the_rest(
    alice: httpx2.Client, open_session: Open, stream: Events, follow: Events, text: str
) -> None:
    path = open_session(alice)
    events = list(stream(alice, path, "hello")) + list(stream(alice, path, text))
    for position in range(len(events) + 1):
        rest = plain(list(follow(alice, path, after=str(position))))
        assert rest == plain(events[position:]), position
    assert list(follow(alice, path)) == [], "without an id only what is new"
    assert list(follow(alice, path, after="99999")) == []


def test_resuming_in_a_running_turn_gives_the_rest_as_it_comes(
    patient: httpx2.Client, open_session: Open, stream: Events, follow: Events
) -> None:
    path = open_session(patient)
    whole: list[ServerEvent] = []
    resumed: dict[int, list[ServerEvent]] = {}
    for event in stream(patient, path, "count"):
        whole.append(event)
        if len(whole) in (1, 2, 4, 6):
            position = len(whole)
            found = []
            for later in follow(patient, path, after=str(position - 1), wait=5):
                found.append(later)
                if later.event == "done":
                    break
            resumed[position - 1] = found
    for position, events in resumed.items():
        assert plain(events) == plain(whole[position:]), position


@pytest.mark.parametrize("after", ["-1", "abc", "", "1.5", "9" * 16, "\u0663"])
def test_an_impossible_last_event_id_is_a_422(
    alice: httpx2.Client, open_session: Open, after: str
) -> None:
    path = f"{open_session(alice)}/events/stream?wait=0"
    answer = alice.get(path, headers=[(b"Last-Event-ID", after.encode())])
    assert answer.status_code == 422


def test_a_subscription_follows_what_happens_in_the_session(
    alice: httpx2.Client,
    bob: httpx2.Client,
    open_session: Open,
    stream: Events,
    follow: Events,
    say: Callable[..., Any],
) -> None:
    path, other = open_session(alice), open_session(alice)
    say(alice, path, "hello")
    followed = follow(alice, path, after="0", wait=20)
    seen = [next(followed)]
    while seen[-1].event != "done":
        seen.append(next(followed))
    say(alice, other, "not for you")
    streamed = list(stream(alice, path, "weather"))
    live = [next(followed) for _ in streamed]
    assert plain(live) == plain(streamed)
    assert alice.delete(path).status_code == 204
    assert list(followed) == [], "it ends with its session"
    assert bob.get(f"{path}/events/stream").status_code == 404


def test_many_subscribers_see_the_same(
    patient: httpx2.Client, open_session: Open, stream: Events, follow: Events
) -> None:
    path = open_session(patient)
    with ThreadPoolExecutor(5) as pool:
        followers = [
            pool.submit(lambda: list(follow(patient, path, after="0", wait=2))) for _ in range(5)
        ]
        whole = list(stream(patient, path, "count"))
        for follower in followers:
            assert plain(follower.result(30)) == plain(whole)


def leave_after(client: httpx2.Client, path: str, text: str, size: int) -> None:
    """Begins a turn and hangs up once the first bytes are there."""
    body = {"type": "message", "content": text}
    with client.stream("POST", f"{path}/events/stream", json=body) as answer:
        read = 0
        for data in answer.iter_raw():
            read += len(data)
            if read >= size:
                return


def processor_time(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        pytest.skip("absent: /proc, which tells how long a process has run")
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("text", ["count", "flood " * 2000])
def test_a_client_that_leaves_neither_stops_the_turn_nor_makes_the_server_spin(
    serve: Callable[..., Any],
    connect: Callable[..., Any],
    open_session: Open,
    follow: Events,
    tmp_path: Path,
    text: str,
) -> None:
    script = Path(__file__).resolve().parent / "slow.yaml"
    if text != "count":  # as fast as the server can
        script = tmp_path / "fast.yaml"
        script.write_text('fallback: [{say: "{{ user.text }}", chunk: char}]\n')
    server = serve("sessions", "--script", script)
    client = connect(server.url)
    path = open_session(client)
    with httpx2.Client(base_url=server.url, headers=client.headers, timeout=30) as leaver:
        leave_after(leaver, path, text, 600)
    events = []
    for event in follow(client, path, after="0", wait=20):
        events.append(event)
        if event.event == "done":
            break
    rows = client.get(f"{path}/history").json()["items"]
    assert rows[1]["status"] == "complete"
    assert pieces(events) == rows[1]["content"]
    before = processor_time(server.process.pid)
    assert list(follow(client, path, wait=1)) == []
    assert processor_time(server.process.pid) - before < 0.5
    assert "Traceback" not in server.stop()
