"""What can be done to a turn in an API of other words, with JSON lines, and runs that wait."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def client(serve: Callable[..., Any], connect: Callable[..., Any]) -> httpx2.Client:
    server = serve(HERE / "desk.yaml", "--script", HERE / "acts.yaml")
    made: httpx2.Client = connect(server.url, None)
    return made


@pytest.fixture
def path(client: httpx2.Client) -> str:
    return f"/dialogs/{client.post('/dialogs').json()['dialog_id']}"


def say(client: httpx2.Client, path: str, words: str) -> Any:
    return client.post(f"{path}/lines", json={"words": words}).json()


def lines(client: httpx2.Client, path: str) -> list[str]:
    return [line["text"] for line in client.get(f"{path}/lines").json()["lines"]]


def stream(client: httpx2.Client, path: str, **body: Any) -> Iterator[Any]:
    with client.stream("POST", path, json={**body, "stream": True}) as answer:
        assert answer.status_code == 200, answer.read()
        yield from map(json.loads, filter(None, answer.iter_lines()))


def run(client: httpx2.Client, path: str, question: str) -> str:
    made = client.post(f"{path}/runs", json={"question": question})
    return f"{path}/runs/{made.json()['run_id']}"


def until(look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    """What is seen as soon as it is as it should be."""
    deadline = time.monotonic() + 10
    while not holds(found := look()):
        assert time.monotonic() < deadline, found
    return found


def settled(client: httpx2.Client, path: str, *states: str) -> Any:
    """The run when it no longer works or, where states are named, when it has one of them."""
    going_on = ("pending", "working")

    def holds(found: Any) -> bool:
        return found["state"] in states if states else found["state"] not in going_on

    return until(lambda: client.get(path).json(), holds)


def test_a_reply_is_given_again_in_the_form_that_is_asked_for(
    client: httpx2.Client, path: str
) -> None:
    say(client, path, "roll")
    assert client.post(f"{path}/retry", json={}).json() == {
        "reply": "You rolled a one.",
        "dialog_id": path.rpartition("/")[2],
    }
    events = list(stream(client, f"{path}/retry"))
    text = "".join(e["delta"] for e in events if e["type"] == "text_delta")
    assert (text, events[-1]["type"]) == ("You rolled a one.", "finished")
    assert lines(client, path) == ["roll", "You rolled a one."]


def test_an_edit_that_branches_answers_in_a_new_dialog(client: httpx2.Client, path: str) -> None:
    say(client, path, "roll")
    say(client, path, "number")
    first = client.get(f"{path}/lines").json()["lines"]
    edit = f"{path}/lines/{first[2]['id']}/edit"
    answer = client.post(edit, json={"words": "roll"}).json()
    branch = f"/dialogs/{answer['dialog_id']}"
    assert branch != path
    assert answer["reply"] == "You have rolled before."
    assert lines(client, branch) == ["roll", "You rolled a one.", "roll", answer["reply"]]
    assert client.get(f"{path}/lines").json()["lines"] == first
    assert say(client, branch, "number")["reply"].startswith("Turn 3")
    assert say(client, path, "number")["reply"].startswith("Turn 3")


@pytest.mark.parametrize(
    ("way", "body", "approved"),
    [("", {"verdict": "allow_once"}, "true"), ("", {"verdict": "refuse"}, "false"),
     ("/deny", None, "false")],
)  # fmt: skip
def test_a_decision_is_read_in_the_words_of_the_document(
    client: httpx2.Client, path: str, way: str, body: Any, approved: str
) -> None:
    say(client, path, "delete")
    answer = client.post(f"{path}/permissions/call_delete{way}", json=body)
    assert answer.status_code in (200, 204), answer.text
    found = until(lambda: lines(client, path), lambda found: len(found) > 1)
    assert found == ["delete", f"Approved: {approved}."]


def test_arguments_are_streamed_as_json_lines(client: httpx2.Client, path: str) -> None:
    events = list(stream(client, f"{path}/lines", words="book"))
    pieces = [e["partial_json"] for e in events if e["type"] == "tool_arguments_delta"]
    (call,) = (e for e in events if e["type"] == "tool_call")
    assert (
        json.loads("".join(pieces)) == json.loads(call["arguments"]) == {"to": "Oslo", "seats": 2}
    )
    assert call["call_id"] == "call_book"


def test_a_raw_event_is_one_line(client: httpx2.Client, path: str) -> None:
    events = list(stream(client, f"{path}/lines", words="beep"))
    assert {"loud": True} in events
    assert "plain\ntext" in events


@pytest.mark.parametrize("words", ["slowly", "dictate"])
def test_a_halted_stream_ends_with_the_event_of_the_document(
    client: httpx2.Client, path: str, words: str
) -> None:
    running = stream(client, f"{path}/lines", words=words)
    events = [next(running)]
    assert client.post(f"{path}/halt").status_code == 204
    events += running
    assert [e["type"] for e in events].count("aborted") == 1
    assert events[-1]["type"] == "aborted"
    said = "".join(e["delta"] for e in events if e["type"] == "text_delta")
    assert lines(client, path) == ([words, said] if said else [words])


def test_a_run_that_needs_a_result_goes_on_with_it(client: httpx2.Client, path: str) -> None:
    job = run(client, path, "both")
    assert settled(client, job)["state"] == "needs_input"
    results = [{"call_id": "call_right", "output": "R"}, {"call_id": "call_left", "output": "L"}]
    answer = client.post(f"{job}/tool_results", json={"tool_results": results}).json()
    assert answer["run_id"] == job.rpartition("/")[2]
    assert answer["state"] in ("working", "finished")
    assert settled(client, job) | {"output": ""} == answer | {"state": "finished", "output": ""}
    assert settled(client, job)["output"] == "Left L.Right R."
    assert lines(client, path) == ["both", "Left L.", "Right R."]


def test_a_run_waits_once_for_each_result(client: httpx2.Client, path: str) -> None:
    job = run(client, path, "both")
    for call, state in (("call_left", "needs_input"), ("call_right", "finished")):
        assert settled(client, job)["state"] == "needs_input"
        results = [{"call_id": call, "output": "done"}]
        client.post(f"{job}/tool_results", json={"tool_results": results})
        assert settled(client, job)["state"] == state


def test_a_run_that_gets_no_result_goes_on_without(client: httpx2.Client, path: str) -> None:
    job = run(client, path, "hurry")
    found = settled(client, job, "finished", "aborted", "broken")
    assert found["output"] == "true, it took too long."


def test_a_run_that_waits_can_be_cancelled(client: httpx2.Client, path: str) -> None:
    job = run(client, path, "hurry")
    assert settled(client, job)["state"] == "needs_input"
    assert client.post(f"{job}/cancel").json()["state"] == "aborted"
    other = run(client, path, "hurry")
    settled(client, other, "finished")
    assert client.get(job).json()["state"] == "aborted"
    assert lines(client, path) == ["hurry", "hurry", "true, it took too long."]


def test_a_run_is_stopped_and_tried_again(client: httpx2.Client, path: str) -> None:
    job = run(client, path, "slowly")
    assert client.post(f"{job}/cancel").json()["state"] == "aborted"
    again = client.post(f"{job}/retry").json()
    assert again["run_id"] == job.rpartition("/")[2]
    done = settled(client, job)
    assert (done["state"], done["output"][-13:]) == ("finished", "eleven twelve")
    assert lines(client, path) == ["slowly", done["output"]]
