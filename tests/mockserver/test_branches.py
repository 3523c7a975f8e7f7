"""Sessions are taken back to a turn, and forked there: what is said again is what was said."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from sparring.fixtures.playing.player import queue_reply
from sparring.fixtures.script import load_script
from sparring.fixtures.script.cast import Cast
from sparring.mockserver.app import MockServer, create_app
from sparring.mockserver.worlds.branches import fork, rewind
from sparring.mockserver.worlds.turns import decode_session, read_log
from sparring.mockserver.worlds.world import World
from sparring.spec import model
from sparring.spec.model import Entry
from sparring.spec.openapi.document import compile_document
from sparring.spec.text.source import parse

SCRIPT = Path(__file__).parent / "acts.yaml"
LINES = ("roll", "number", "roll", "book", "result", "delete", "approve", "hi", "roll again")


@pytest.fixture
def app() -> MockServer:
    return create_app("sessions", World(cast=Cast([load_script(SCRIPT)])))


@pytest.fixture
def client(app: MockServer) -> Iterator[TestClient]:
    headers = {"Authorization": "Bearer alice-key"}
    with TestClient(app, base_url="http://127.0.0.1", headers=headers) as client:
        yield client


def opened(client: TestClient) -> str:
    return str(client.post("/sessions", json={"agent_id": "a"}).json()["id"])


def say(client: TestClient, id: str, line: str) -> None:
    if line == "result":
        body: Any = {"type": "tool_result", "tool_call_id": "call_book", "result": "LX 4"}
        answer = client.post(f"/sessions/{id}/events/stream", json=body)
    elif line == "approve":
        body = {"tool_call_id": "call_delete", "approved": True}
        answer = client.post(f"/sessions/{id}/approvals", json=body)
    else:
        body = {"messages": [{"role": "user", "content": line}]}
        answer = client.post(f"/sessions/{id}/chat", json=body)
    assert answer.status_code == 200, answer.text


def told(client: TestClient, id: str) -> list[Any]:
    """What was said and done in a session, without ids and times."""
    events = client.get(f"/sessions/{id}/events?limit=1000").json()["items"]
    return [(e["offset"], e["type"], e["source"], e["data"]) for e in events]


def cursor(client: TestClient, app: MockServer, id: str) -> Any:
    data = client.portal.call(app.world.store.read, "sessions", id)  # type: ignore[union-attr]
    return decode_session(data or b"").cursor


@pytest.mark.parametrize("turn", range(len(LINES) + 1))
def test_a_fork_at_any_turn_goes_on_as_the_original_did(
    app: MockServer, client: TestClient, turn: int
) -> None:
    id = opened(client)
    cursors = [cursor(client, app, id)]
    for line in LINES:
        say(client, id, line)
        cursors.append(cursor(client, app, id))
    assert client.portal is not None
    copied = client.portal.call(fork, app.world, id, f"branch-of-{turn}", turn)
    assert copied.cursor == cursors[turn]
    for line in LINES[turn:]:
        say(client, copied.id, line)
    assert told(client, copied.id) == told(client, id)
    assert cursor(client, app, copied.id) == cursors[-1]
    one, other = (client.get(f"/sessions/{i}").json() for i in (id, copied.id))
    assert one["message_count"] == other["message_count"]


@pytest.mark.parametrize("turn", range(len(LINES) + 1))
def test_a_session_that_is_taken_back_says_the_same_again(
    app: MockServer, client: TestClient, turn: int
) -> None:
    id = opened(client)
    for line in LINES:
        say(client, id, line)
    before = [row[1:] for row in told(client, id)]
    assert client.portal is not None
    client.portal.call(rewind, app.world, id, turn)
    assert [row[1:] for row in told(client, id)] == before[: len(told(client, id))]
    for line in LINES[turn:]:
        say(client, id, line)
    assert [row[1:] for row in told(client, id)] == before
    assert client.get(f"/sessions/{id}").json()["message_count"] == sum(
        row[0] == "message" for row in before
    )


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_done_the_cursor_is_that_of_the_history(
    app: MockServer, client: TestClient, seed: int
) -> None:
    """Sessions that are talked to, asked again, edited, rewound and forked at random."""
    chance = random.Random(seed)
    sessions = [opened(client)]
    for number in range(25):
        id = chance.choice(sessions)
        turns = len(model.ends(entries(client, app, id))) - 1
        act = chance.choice(["say", "say", "regenerate", "edit", "rewind", "fork"])
        assert client.portal is not None
        if act == "fork":
            new = f"fork-{seed}-{number}"
            client.portal.call(fork, app.world, id, new, chance.randint(0, turns))
            sessions.append(new)
        elif act == "rewind":
            client.portal.call(rewind, app.world, id, chance.randint(0, turns))
        elif act == "say" or not turns:
            say(client, id, chance.choice(["roll", "number", "hi"]))
        elif act == "regenerate":
            assert client.post(f"/sessions/{id}/regenerate").status_code == 200
        else:
            asked = [e for e in model.history(entries(client, app, id)) if e.role == "user"]
            path = f"/sessions/{id}/messages/{chance.choice(asked).id}/edit"
            assert client.post(path, json={"content": "number"}).status_code == 200
    for id in sessions:  # each has become what it would be, had nothing else been said in it
        alone = opened(client)
        for entry in model.history(entries(client, app, id)):
            if entry.role == "user":
                say(client, alone, entry.text)
        assert [d for *_, d in told(client, id)] == [d for *_, d in told(client, alone)]
        assert cursor(client, app, id) == cursor(client, app, alone)


def entries(client: TestClient, app: MockServer, id: str) -> list[Entry]:
    assert client.portal is not None
    return client.portal.call(read_log, app.world, id)


def test_what_is_not_there_can_not_be_forked(app: MockServer, client: TestClient) -> None:
    id = opened(client)
    assert client.portal is not None
    with pytest.raises(LookupError, match="no session nowhere"):
        client.portal.call(fork, app.world, "nowhere", "new-session")
    with pytest.raises(LookupError):
        client.portal.call(fork, app.world, id, "new-session", 1)
    with pytest.raises(LookupError):
        client.portal.call(rewind, app.world, id, 5)
    with pytest.raises(ValueError, match="is taken"):
        client.portal.call(fork, app.world, id, id)


def test_a_queued_reply_answers_what_is_regenerated(app: MockServer, client: TestClient) -> None:
    id = opened(client)
    say(client, id, "roll")

    async def queue() -> None:
        session = decode_session(await app.world.store.read("sessions", id) or b"")
        session.cursor = queue_reply(session.cursor, "You rolled a six.")
        await app.world.store.write("sessions", id, msgspec.json.encode(session))

    assert client.portal is not None
    client.portal.call(queue)
    for text in ("You rolled a six.", "You rolled a one."):
        again = client.post(f"/sessions/{id}/regenerate").json()
        assert [message["content"] for message in again["messages"]] == [text]


COMPLETIONS = """
openapi: 3.1.0
info: {title: Completions, version: '1'}
paths:
  /threads/{thread_id}/completions:
    parameters: [{name: thread_id, in: path, required: true, schema: {type: string}}]
    post:
      x-session: {role: message.create, implicit: true}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [messages]
              properties:
                messages:
                  type: array
                  items:
                    type: object
                    required: [role, content]
                    properties:
                      role: {enum: [user, assistant, tool]}
                      content: {type: string}
                      tool_call_id: {type: string}
      responses:
        '200':
          description: The answer.
          content:
            application/json:
              schema:
                type: object
                required: [message]
                properties:
                  message: {type: object, required: [role, content], properties: {role: {const: assistant}, content: {type: [string, 'null']}}}
  /threads/{thread_id}/messages/{message_id}:
    parameters:
      - {name: thread_id, in: path, required: true, schema: {type: string}}
      - {name: message_id, in: path, required: true, schema: {type: string}}
    put:
      x-session: {role: message.update, effect: edit, reply: {via: poll}, input: /content}
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [content], properties: {content: {type: string}}}}}}
      responses: {'200': {description: Changed., content: {application/json: {schema: {$ref: '#/components/schemas/Message'}}}}}
  /threads/{thread_id}/messages:
    parameters: [{name: thread_id, in: path, required: true, schema: {type: string}}]
    get:
      responses: {'200': {description: All., content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Message'}}}}}}
components:
  schemas:
    Message: {type: object, required: [id, role, content], properties: {id: {type: string}, role: {enum: [user, assistant, tool]}, content: {type: string}}}
"""  # noqa: E501


def test_the_last_messages_of_a_list_may_be_results() -> None:
    document = compile_document(parse(COMPLETIONS.encode(), "completions.yaml"))
    world = World(cast=Cast([load_script(SCRIPT)]))

    def ask(*messages: dict[str, str]) -> Any:
        answer = talker.post("/threads/t1/completions", json={"messages": messages})
        assert answer.status_code == 200, answer.text
        return answer.json()["message"]["content"]

    def rows() -> list[Any]:
        found: list[Any] = talker.get("/threads/t1/messages").json()
        return found

    talker = TestClient(create_app(document, world), base_url="http://127.0.0.1")
    with talker:
        ask({"role": "user", "content": "both"})
        results = [
            {"role": "tool", "tool_call_id": call, "content": text}
            for call, text in (("call_right", "R"), ("call_left", "L"))
        ]
        assert ask(*results) in ("Right R.", "Left L.Right R.")
        said = [row["content"] for row in rows()]
        assert said == ["both", "R", "L", "Left L.", "Right R."]
        edit = f"/threads/t1/messages/{rows()[0]['id']}"
        answer = talker.put(edit, json={"content": "hi"})
        assert (answer.status_code, answer.json()["content"]) == (200, "hi")
        deadline = time.monotonic() + 10
        while len(found := rows()) != 2 and time.monotonic() < deadline:
            pass
        assert [row["content"] for row in found] == ["hi", "You said: hi"]


def test_the_end_of_each_turn_says_why_it_was_chosen(app: MockServer, client: TestClient) -> None:
    id = opened(client)
    for line in ("hi", "book", "result"):
        say(client, id, line)
    log = client.portal.call(read_log, app.world, id)  # type: ignore[union-attr]
    reasons = [entry.data["reason"] for entry in log if "reason" in entry.data]
    assert reasons[0] == "fallback" or reasons[0].startswith('rule "')
    assert reasons[1].startswith('rule "')
    assert reasons[2] == "the tool result of call_book"
