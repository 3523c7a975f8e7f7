"""One probe for each fault of stream and run: it holds unless the fault is there."""

from __future__ import annotations

import time

from .client import Api, Event

LONG = (
    "Tell me all about the ferries of Norway, where they go, when, and what they cost there. " * 2
)


def _named(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event[1] == name]


def _adds_up(a: Api, text: str) -> None:
    events = a.stream(a.new(), text)
    said = "".join(data["delta"] for _, _, data in _named(events, "message.delta"))
    assert [data["content"] for _, _, data in _named(events, "message.completed")] == [said]


def stream_all_at_once(a: Api, b: Api) -> None:
    times = []
    body = {"input": "hello there", "stream": True}
    with a.http.stream("POST", f"{a.new()}/runs", json=body) as response:
        for line in response.iter_lines():
            if line == "event: message.delta":
                times.append(time.monotonic())
    assert times[-1] - times[0] > 0.02


def stream_completed_differs(a: Api, b: Api) -> None:
    thread = a.new()
    events = a.stream(thread, "hello")
    assert _named(events, "message.completed")[0][2]["content"] == a.contents(thread)[1]


def stream_hang_up_kills(a: Api, b: Api) -> None:
    thread = a.new()
    body = {"input": LONG, "stream": True}
    with a.http.stream("POST", f"{thread}/runs", json=body) as response:
        next(response.iter_lines())
    for _ in range(300):
        run = a.pages(f"{thread}/runs")[0]
        if run["status"] == "completed":
            break
        time.sleep(0.005)
    assert run["status"] == "completed"


def stream_ids_restart(a: Api, b: Api) -> None:
    run, outputs = a.tool(a.new())
    a.submit(run, outputs)
    a.until(run, "completed")
    ids = [int(id) for id, name, _ in a.events(run) if name != "done"]
    resumed = [int(id) for id, name, _ in a.events(run) if name == "run.resumed"]
    assert ids == list(range(1, len(ids) + 1))
    assert resumed == [3]


def stream_index_stays(a: Api, b: Api) -> None:
    pieces = _named(a.stream(a.new(), "hello"), "message.delta")
    assert [data["index"] for _, _, data in pieces] == list(range(len(pieces)))


def stream_last_piece_missing(a: Api, b: Api) -> None:
    _adds_up(a, "hello")


def stream_last_run_stale(a: Api, b: Api) -> None:
    events = a.stream(a.new(), "hello")
    assert _named(events, "run.completed")[0][2]["status"] == "completed"


def stream_long_reply_cut(a: Api, b: Api) -> None:
    _adds_up(a, LONG)


def stream_media_type(a: Api, b: Api) -> None:
    response = a.ask("POST", f"{a.new()}/runs", json={"input": "hi", "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")


def stream_names_missing(a: Api, b: Api) -> None:
    assert _named(a.stream(a.new(), "hello"), "message.completed")


def stream_no_done_at_tool(a: Api, b: Api) -> None:
    assert a.stream(a.new(), "weather")[-1][1] == "done"


def stream_only_live(a: Api, b: Api) -> None:
    run = a.start(a.new(), "hello")
    a.until(run, "completed")
    assert _named(a.events(run), "message.completed")


def stream_other_message_id(a: Api, b: Api) -> None:
    events = a.stream(a.new(), "hello")
    told = {data["messageId"] for _, _, data in _named(events, "message.delta")}
    assert told == {_named(events, "message.completed")[0][2]["id"]}


def stream_pieces_trimmed(a: Api, b: Api) -> None:
    _adds_up(a, "a b c d e f")


def _resumed(a: Api) -> None:
    run = a.start(a.new(), "hello")
    a.until(run, "completed")
    assert [id for id, name, _ in a.events(run, "3") if name != "done"][:2] == ["4", "5"]


def stream_resume_ignored(a: Api, b: Api) -> None:
    _resumed(a)


def stream_resume_repeats(a: Api, b: Api) -> None:
    _resumed(a)


def stream_resume_skips(a: Api, b: Api) -> None:
    _resumed(a)


def run_cancelled_goes_on(a: Api, b: Api) -> None:
    run = a.half(a.new())
    time.sleep(0.5)
    assert a.data("GET", run)["status"] == "cancelled"


def run_completed_too_early(a: Api, b: Api) -> None:
    thread = a.new()
    reply = a.say(thread, "hello")["replyId"]
    assert a.status("GET", f"{thread}/messages/{reply}") == 200


def run_end_time_missing(a: Api, b: Api) -> None:
    assert a.say(a.new(), "hello")["endedAt"] is not None


def run_ended_is_cancelled(a: Api, b: Api) -> None:
    run = a.start(a.new(), "hello")
    a.until(run, "completed")
    assert a.status("POST", f"{run}/cancel") == 409


def run_found_in_other_thread(a: Api, b: Api) -> None:
    run = a.start(a.new(), "hello")
    assert a.status("GET", f"{a.new()}/runs/{run.split('/')[-1]}") == 404


def run_list_is_stale(a: Api, b: Api) -> None:
    thread = a.new()
    run = a.say(thread, "hello")
    assert a.pages(f"{thread}/runs") == [run]


def run_outputs_taken_twice(a: Api, b: Api) -> None:
    run, outputs = a.tool(a.new())
    a.submit(run, outputs)
    a.until(run, "completed")
    assert a.submit(run, outputs).status_code == 409


def run_outputs_unread(a: Api, b: Api) -> None:
    thread = a.new()
    run, outputs = a.tool(thread)
    a.submit(run, outputs)
    a.until(run, "completed")
    assert "3 degrees" in a.contents(thread)[-1]


def run_part_is_enough(a: Api, b: Api) -> None:
    run, outputs = a.tool(a.new(), "weather here, weather there")
    assert a.submit(run, outputs[:1]).status_code == 422


def run_partial_completed(a: Api, b: Api) -> None:
    thread = a.new()
    a.half(thread)
    assert a.pages(f"{thread}/messages")[-1]["status"] == "incomplete"


def run_partial_lost(a: Api, b: Api) -> None:
    thread = a.new()
    a.half(thread)
    assert len(a.contents(thread)) == 2


def run_resumes_as_queued(a: Api, b: Api) -> None:
    run, outputs = a.tool(a.new())
    assert a.submit(run, outputs).json()["data"]["status"] == "running"


def run_second_run_taken(a: Api, b: Api) -> None:
    thread = a.new()
    a.start(thread, LONG)
    assert a.status("POST", f"{thread}/runs", json={"input": "hi"}) == 409


def run_thread_stays_busy(a: Api, b: Api) -> None:
    thread = a.new()
    a.half(thread)
    assert a.status("POST", f"{thread}/runs", json={"input": "hi"}) == 202


def run_unknown_output_taken(a: Api, b: Api) -> None:
    run, _ = a.tool(a.new())
    outputs = [{"toolCallId": "call_0000000000000000", "output": "x"}]
    assert a.submit(run, outputs).status_code == 422


def run_waiting_not_cancelled(a: Api, b: Api) -> None:
    run, _ = a.tool(a.new())
    assert a.status("POST", f"{run}/cancel") == 200
