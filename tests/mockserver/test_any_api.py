"""An API that nobody has annotated: all that is inferred of it works together."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from sparring.mockserver.app import create_app
from sparring.mockserver.worlds.turns import decode_entry
from sparring.mockserver.worlds.world import World
from sparring.spec.openapi.document import load_document
from sparring.spec.turn import Kind

HERE = Path(__file__).parent
DOCUMENT = HERE / "threads.yaml"
PACED = "pace: {ttft: 300ms}\nfallback: 'You said: {{ user.text }}'\n"


@pytest.fixture(scope="module")
def client(serve: Callable[..., Any], connect: Callable[..., Any], tmp_path_factory: Any) -> Any:
    script = tmp_path_factory.mktemp("script") / "paced.yaml"
    script.write_text(PACED)
    return connect(serve(DOCUMENT, "--script", script).url, None)


def made(client: httpx2.Client, user: str = "ada", **body: Any) -> tuple[str, dict[str, Any]]:
    answer = client.post(f"/users/{user}/threads", json=body)
    assert answer.status_code == 201, answer.text
    thread: dict[str, Any] = answer.json()
    return f"/users/{user}/threads/{thread['thread_id']}", thread


def said(client: httpx2.Client, path: str, text: str) -> dict[str, Any]:
    answer = client.post(f"{path}/messages", json={"content": text})
    assert answer.status_code == 201, answer.text
    message: dict[str, Any] = answer.json()
    return message


def texts(client: httpx2.Client, path: str) -> list[str]:
    return [m["content"][0]["text"] for m in client.get(f"{path}/messages").json()["data"]]


def ended(client: httpx2.Client, path: str) -> dict[str, Any]:
    """The run when it is over."""
    while True:
        run: dict[str, Any] = client.get(path).json()
        if run["status"] not in ("queued", "in_progress"):
            return run


def test_every_operation_has_a_role() -> None:
    meanings = load_document(DOCUMENT).meanings
    assert [m.operation.label for m in meanings if m.role is None] == []


def test_what_the_path_says_of_a_thread_is_its_attribute(client: httpx2.Client) -> None:
    path, thread = made(client, "grace", title="T")
    assert (thread["user_id"], thread["title"]) == ("grace", "T")
    assert thread["thread_id"].startswith("thread_"), "ids look like the document's"
    assert client.get(path).json() == thread
    assert client.get(path.replace("grace", "ada")).status_code == 404


def test_what_a_client_leaves_out_has_its_default_and_nothing_is_so_at_first(
    client: httpx2.Client,
) -> None:
    _, thread = made(client)
    assert (thread["mode"], thread["archived"]) == ("calm", False)
    _, thread = made(client, mode="loud")
    assert thread["mode"] == "loud"


def test_lists_are_cut_by_the_number_of_the_page(client: httpx2.Client) -> None:
    ids = [made(client, "lin")[1]["thread_id"] for _ in range(5)]
    pages = [
        client.get("/users/lin/threads", params={"page": page}).json() for page in (1, 2, 3, 4)
    ]
    assert [t["thread_id"] for page in pages for t in page["threads"]] == ids
    assert {(page["total"], page["total_pages"]) for page in pages} == {(5, 3)}
    assert client.get("/users/nobody/threads").json()["threads"] == []


def test_a_run_answers_what_was_said_before(client: httpx2.Client) -> None:
    path, thread = made(client)
    message = said(client, path, "Hello?")
    assert (message["role"], message["content"]) == ("user", [{"type": "text", "text": "Hello?"}])
    assert texts(client, path) == ["Hello?"], "a message alone gets no reply"
    run = client.post(f"{path}/runs", json={"agent": "a"}).json()
    assert (run["thread_id"], run["agent"]) == (thread["thread_id"], "a")
    assert run["status"] == "in_progress"
    assert ended(client, f"{path}/runs/{run['id']}")["status"] == "completed"
    assert texts(client, path) == ["Hello?", "You said: Hello?"]
    assert [r["id"] for r in client.get(f"{path}/runs").json()] == [run["id"]]
    assert client.get(f"{path}/runs/run_none").status_code == 404


def test_a_cancelled_run_stops(client: httpx2.Client) -> None:
    path, _ = made(client)
    said(client, path, "Tell me more.")
    run = client.post(f"{path}/runs", json={}).json()
    stopped = client.post(f"{path}/runs/{run['id']}/cancel").json()
    assert stopped["status"] == "cancelled"
    assert "You said: Tell me more." not in texts(client, path)


def test_the_runs_of_one_thread_are_cancelled_and_no_others(client: httpx2.Client) -> None:
    paths = [made(client) for _ in range(2)]
    runs = []
    for path, _ in paths:
        said(client, path, "Tell me more.")
        run = client.post(f"{path}/runs", json={}).json()
        runs.append(f"{path}/runs/{run['id']}")
    body = {"thread_id": paths[0][1]["thread_id"]}
    assert client.post("/runs/cancel", json=body).status_code == 204
    assert [ended(client, run)["status"] for run in runs] == ["cancelled", "completed"]


def test_the_results_of_tools_are_recorded_in_their_run() -> None:
    world = World()
    with TestClient(create_app(load_document(DOCUMENT), world)) as client:
        thread = client.post("/users/ada/threads", json={}).json()["thread_id"]
        path = f"/users/ada/threads/{thread}/runs"
        run = client.post(path, json={}).json()["id"]
        outputs = [{"tool_call_id": f"call_{n}", "output": f"{n} degrees"} for n in (1, 2)]
        answer = client.post(f"{path}/{run}/submit_tool_outputs", json={"tool_outputs": outputs})
        assert answer.json()["id"] == run
        log = [decode_entry(data) for data in asyncio.run(world.store.log(thread))]
    results = [entry for entry in log if entry.kind is Kind.TOOL_RESULT]
    assert [(entry.turn, entry.data["id"], entry.data["result"]) for entry in results] == [
        (run, "call_1", "1 degrees"),
        (run, "call_2", "2 degrees"),
    ]


def test_messages_are_paged_by_a_cursor_changed_and_deleted(client: httpx2.Client) -> None:
    path, _ = made(client)
    one, two, three = (said(client, path, text)["id"] for text in ("one", "two", "three"))
    first = client.get(f"{path}/messages", params={"limit": 2}).json()
    assert ([m["id"] for m in first["data"]], first["has_more"]) == ([one, two], True)
    rest = client.get(f"{path}/messages", params={"after": first["last_id"]}).json()
    assert ([m["id"] for m in rest["data"]], rest["has_more"]) == ([three], False)
    nowhere = client.get(f"{path}/messages", params={"after": "msg_none"})
    assert nowhere.status_code == 404

    changed = client.patch(f"{path}/messages/{two}", json={"content": "zwei"}).json()
    assert (changed["id"], changed["content"][0]["text"]) == (two, "zwei")
    noted = client.patch(f"{path}/messages/{one}", json={"metadata": {"a": 1}}).json()
    assert (noted["metadata"], noted["content"][0]["text"]) == ({"a": 1}, "one")
    assert client.delete(f"{path}/messages/{three}").status_code == 204
    assert client.get(f"{path}/messages/{three}").status_code == 404
    assert texts(client, path) == ["one", "zwei"]
    assert client.get(f"{path}/messages/{two}").json() == changed


def test_a_fork_has_the_history_and_goes_its_own_way(client: httpx2.Client) -> None:
    path, thread = made(client, title="T")
    said(client, path, "one")
    copy = client.post(f"{path}/fork").json()
    assert copy["title"] == "T"
    other = path.replace(thread["thread_id"], copy["thread_id"])
    said(client, other, "two")
    assert (texts(client, path), texts(client, other)) == (["one"], ["one", "two"])


def test_the_first_message_makes_the_conversation(client: httpx2.Client) -> None:
    first = client.post("/chat", json={"message": "Hi"}).json()
    assert first["answer"] == "You said: Hi"
    again = client.post(
        "/chat", json={"message": "And?", "conversation_id": first["conversation_id"]}
    ).json()
    assert again["conversation_id"] == first["conversation_id"]
    chosen = {"message": "Hi", "conversation_id": "mine"}
    assert client.post("/chat", json=chosen).json()["conversation_id"] == "mine"


def test_two_agents_can_be_asked_in_one_conversation(client: httpx2.Client) -> None:
    first = client.post("/agents/baker/chat", json={"message": "Hi"}).json()
    body = {"message": "And you?", "conversation_id": first["conversation_id"]}
    again = client.post("/agents/waiter/chat", json=body)
    assert again.status_code == 200, again.text
    assert again.json() == {**first, "answer": "You said: And you?"}


def test_first_messages_at_one_instant_make_one_conversation(client: httpx2.Client) -> None:
    statuses: list[int] = []
    body = {"message": "Hi", "conversation_id": "at-once"}

    def send() -> None:
        statuses.append(client.post("/chat", json=body).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8


def test_what_is_deleted_is_gone_with_its_runs_and_messages(client: httpx2.Client) -> None:
    path, _ = made(client)
    message = said(client, path, "one")
    assert client.delete(path).status_code == 204
    for left in (path, f"{path}/messages", f"{path}/messages/{message['id']}"):
        assert client.get(left).status_code == 404, left


# A log of events


@pytest.fixture(scope="module")
def rooms(serve: Callable[..., Any], connect: Callable[..., Any], tmp_path_factory: Any) -> Any:
    script = tmp_path_factory.mktemp("script") / "paced.yaml"
    script.write_text(PACED)
    return connect(serve(HERE / "rooms.yaml", "--script", script).url, None)


def sent(client: httpx2.Client, id: str, text: str, source: str = "customer") -> dict[str, Any]:
    body = {"kind": "message", "source": source, "message": text}
    answer = client.post(f"/sessions/{id}/events", json=body)
    assert answer.status_code == 201, answer.text
    event: dict[str, Any] = answer.json()
    return event


def test_a_long_poll_answers_when_the_reply_is_there(rooms: httpx2.Client) -> None:
    id = rooms.post("/sessions").json()["id"]
    event = sent(rooms, id, "Hi")
    assert (event["offset"], event["data"]) == (0, {"message": "Hi"})
    query = {"min_offset": 1, "wait_for_data": 10}
    (reply,) = rooms.get(f"/sessions/{id}/events", params=query).json()
    assert (reply["offset"], reply["source"]) == (1, "ai_agent")
    assert reply["data"] == {"message": "You said: Hi"}
    assert rooms.get(f"/sessions/{id}/events", params={"min_offset": 2}).json() == []
    late = {"min_offset": 2, "wait_for_data": 1}
    assert rooms.get(f"/sessions/{id}/events", params=late).json() == [], "waiting has an end"


def test_what_the_agent_is_said_to_say_gets_no_reply(rooms: httpx2.Client) -> None:
    id = rooms.post("/sessions").json()["id"]
    assert sent(rooms, id, "As an agent", "ai_agent")["source"] == "ai_agent"
    query = {"min_offset": 1, "wait_for_data": 1}
    assert rooms.get(f"/sessions/{id}/events", params=query).json() == []


def test_events_are_deleted_from_an_offset_on(rooms: httpx2.Client) -> None:
    id = rooms.post("/sessions").json()["id"]
    for text in ("one", "two", "three"):
        sent(rooms, id, text, "ai_agent")
    assert rooms.delete(f"/sessions/{id}/events", params={"min_offset": 1}).status_code == 204
    left = rooms.get(f"/sessions/{id}/events").json()
    assert [event["data"]["message"] for event in left] == ["one"]
    assert sent(rooms, id, "four", "ai_agent")["offset"] == 3, "offsets go on"
    assert rooms.delete(f"/sessions/{id}/events").status_code == 204
    assert rooms.get(f"/sessions/{id}/events").json() == []


def test_one_stream_has_the_events_of_every_session(rooms: httpx2.Client) -> None:
    with rooms.stream("GET", "/event") as stream:
        ids = [rooms.post("/sessions").json()["id"] for _ in range(2)]
        for id in ids:
            sent(rooms, id, f"Hi from {id}")
        wanted = {f"You said: Hi from {id}" for id in ids}
        for line in stream.iter_lines():
            wanted = {text for text in wanted if text not in line}
            if not wanted:
                break
