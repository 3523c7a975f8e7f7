"""The zoo's server keeps the document's promises, and each of its faults breaks one."""

import json
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from jsonschema_rs import Draft202012Validator
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.zoo.faults import FAULTS, Fault
from tests.zoo.negotiation import choose, if_match
from tests.zoo.probes.client import SSE, Api, names, read, spoken, system, until, user
from tests.zoo.server import create_app, listen, server
from tests.zoo.values import merge, parse, same

ROOT = Path(__file__).parents[1]
SPEC: dict[str, Any] = yaml.safe_load((ROOT / "spec" / "sessions.yaml").read_text())
STORED = ("message", "status", "tool_call", "tool_result")
JSON = {"Content-Type": "application/json"}


class Stage:
    """One port, on which one application after the other stands."""

    def __init__(self) -> None:
        self.app: ASGIApp = create_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, Api]]:
    stage = Stage()
    listener = listen()
    running = server(stage)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    api = Api(f"http://127.0.0.1:{listener.getsockname()[1]}")
    yield stage, api
    api.close()
    running.should_exit = True
    thread.join()


@pytest.fixture
def perform(stage: tuple[Stage, Api]) -> Callable[..., Api]:
    """Put a new application on the port."""

    def perform(*faults: str) -> Api:
        stage[0].app = create_app(faults)
        return stage[1]

    return perform


@pytest.fixture
def api(perform: Callable[..., Api]) -> Iterator[Api]:
    """The correct server; every answer is held to the document."""
    api = perform()
    clients = (api.http, api.bob, api.nobody)
    for client in clients:
        client.event_hooks = {"response": [conforms]}
    yield api
    for client in clients:
        client.event_hooks = {}


def conforms(response: httpx2.Response) -> None:
    method, path = response.request.method.lower(), response.request.url.path
    item = next(
        item
        for template, item in SPEC["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    )
    if method not in item:
        assert method == "head" or "Allow" in response.headers
        return
    declared = item[method]["responses"][str(response.status_code)]
    if "$ref" in declared:
        declared = SPEC["components"]["responses"][declared["$ref"].rpartition("/")[2]]
    for name in declared.get("headers", ()):
        assert name in response.headers
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    assert media_type in declared.get("content", {"": None})
    if media_type.endswith("json"):
        response.read()
        validate(declared["content"][media_type]["schema"], response.json())


def validate(schema: dict[str, Any], value: Any) -> None:
    components = {"schemas": SPEC["components"]["schemas"]}
    whole = {**schema, "components": components}
    Draft202012Validator(whole, validate_formats=True).validate(value)


def test_a_session_lives_from_creation_to_deletion(api: Api) -> None:
    created = api.create(id="my-session", title="so", metadata={"shelf": 7, "row": {"a": 1}})
    session = created.json()
    assert created.status_code == 201
    assert created.headers["Location"] == "/sessions/my-session"
    assert api.get("my-session") == api.get("active") == session
    assert api.listing() == {"items": [session], "total": 1}

    patch = {"metadata": {"shelf": None, "row": {"b": 2}}}
    merge_patch = {"Content-Type": "application/merge-patch+json"}
    etag = created.headers["ETag"]
    patched = api.http.patch(
        "/sessions/my-session",
        content=json.dumps(patch),
        headers=merge_patch | {"If-Match": f'W/"1", {etag}'},
    )
    assert patched.json()["metadata"] == {"row": {"a": 1, "b": 2}}
    assert patched.json()["updated_at"] > session["updated_at"]
    assert api.put("my-session", {"title": "no"}, etag).status_code == 412
    replaced = read(api.put("my-session", {}, patched.headers["ETag"]))
    assert (replaced["title"], replaced["metadata"]) == (None, {})

    assert api.chat("my-session", system("Be brief."), user("Hello")).status_code == 200
    assert api.history("my-session")["total"] == api.get("my-session")["message_count"] == 3
    assert api.http.delete("/sessions/my-session/history").status_code == 204
    assert api.get("my-session")["message_count"] == 0
    api.say("my-session")
    assert api.offsets("my-session") == [4, 5, 6]

    assert api.delete("my-session") == 204
    assert api.listing() == {"items": [], "total": 0}
    for path in ("", "/history", "/events", "/suggestions", "/events/stream"):
        assert api.http.get(f"/sessions/my-session{path}").status_code == 404
    assert api.new(id="my-session")["message_count"] == 0


def test_an_update_that_changes_nothing_leaves_the_version(api: Api) -> None:
    session = api.new(metadata={"a": 1})
    etag = api.etag(session["id"])
    api.patch(session["id"], {"metadata": {"a": 1.0}})
    api.put(session["id"], {"metadata": {"a": 1}})
    assert (api.get(session["id"]), api.etag(session["id"])) == (session, etag)


def test_history_events_and_streams_tell_the_same(api: Api) -> None:
    session = api.new_id()
    with api.following(session, wait=1) as incoming:
        text = "Ünïcode \U0001f642 <b>\n"
        turn = api.whole_turn(session, text)
        reply = api.chat(session, user("again"), headers=SSE)
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        followed = [(frame.id, frame.event, frame.data) for frame in incoming]
    replayed = [(frame.id, frame.event, frame.data) for frame in api.rest(session, last=0)]
    assert followed == replayed
    assert followed[: len(turn)] == [(frame.id, frame.event, frame.data) for frame in turn]

    kinds = [name for name in names(turn) if name != "chunk"]
    assert kinds == ["message", "status", "message", "suggestions", "done"]
    for frame in turn:
        for branch in SPEC["components"]["schemas"]["StreamEvent"]["oneOf"]:
            event = branch["properties"]["event"]
            if frame.event in event.get("enum", [event.get("const")]):
                validate(branch["properties"]["data"]["contentSchema"], frame.data)
    assert api.texts(session)[:2] == [text, spoken(turn)]
    stored = [data for _, name, data in followed if name in ("message", "status")]
    assert api.events(session) == stored
    told = turn[-2].data["suggestions"]
    assert [item["content"] for item in api.suggestions(session)[2:]] == told


def test_stop_cuts_a_json_chat_short(api: Api) -> None:
    session = api.new_id()
    with api.following(session, wait=5) as incoming:
        answers: list[dict[str, Any]] = []
        talk = threading.Thread(target=lambda: answers.append(api.say(session, "word " * 40)))
        talk.start()
        until(incoming, "chunk")
        stopped = api.stop(session)
        talk.join()
    (answer,) = answers
    assert stopped == {"stopped": True, "turn_id": answer["turn_id"]}
    assert answer["finish_reason"] == answer["messages"][0]["status"] == "stopped"
    assert api.history(session)["items"][1:] == answer["messages"]
    assert api.stop(session) == {"stopped": False, "turn_id": None}


def test_a_tool_that_the_server_has_is_called_and_answered(api: Api) -> None:
    session = api.new_id()
    turn = api.whole_turn(session, "What's the weather?")
    kinds = [name for name in dict.fromkeys(names(turn)) if name not in ("message", "chunk")]
    assert kinds[:4] == ["status", "tool_call_delta", "tool_call", "tool_result"]
    assert api.events(session) == [f.data for f in turn if f.event in STORED]
    assert names(api.rest(session, last=0)) == names(turn)
    assert api.history(session)["total"] == api.get(session)["message_count"] == 2
    assert api.say(session, "And the weather?")["finish_reason"] == "stop"


def test_a_call_waits_for_its_decision(api: Api) -> None:
    session, call = api.asked_to_approve()
    assert api.events(session)[-1]["type"] == "tool_call"
    answers = [api.decide(session, one) for one in ("call_1", call, call)]
    assert [len(answer["messages"]) for answer in answers] == [0, 1, 0]
    kinds = [event["type"] for event in api.events(session)]
    assert kinds[2:] == ["tool_call", "status", "tool_result", "message"]
    session, call = api.asked_to_approve()
    assert len(api.decide(session, call, approved=False)["messages"]) == 1
    assert api.events(session, types="tool_result") == []
    session, call = api.asked_to_approve()
    api.say(session, "Something else.")
    assert api.decide(session, call)["messages"] == []


def test_a_call_waits_for_its_result(api: Api) -> None:
    session = api.new_id()
    assert api.say(session, "A lookup!") | {"turn_id": "", "usage": {}} == {
        "turn_id": "",
        "finish_reason": "tool_calls",
        "messages": [],
        "usage": {},
    }
    call = api.events(session)[-1]["data"]["tool_call_id"]
    body = {"type": "tool_result", "tool_call_id": call, "result": ["news"]}
    with api.stream("POST", f"/sessions/{session}/events/stream", json=body) as incoming:
        assert names(incoming)[-1] == "done"
    assert [e["data"]["result"] for e in api.events(session, types="tool_result")] == [["news"]]
    assert api.history(session)["total"] == 2


def test_a_turn_that_fails_leaves_a_session_that_works(api: Api) -> None:
    session = api.new_id()
    assert names(api.whole_turn(session, "Please fail.")) == ["message", "status", "error"]
    answer = api.say(session, "And fail again.")
    assert (answer["finish_reason"], answer["messages"]) == ("error", [])
    assert api.say(session, "Hello")["finish_reason"] == "stop"
    assert api.texts(session)[:3] == ["Please fail.", "And fail again.", "Hello"]


def test_deleting_the_session_ends_its_turn(api: Api) -> None:
    session = api.new_id()
    with api.turn(session, "word " * 40) as incoming:
        until(incoming, "chunk")
        assert api.delete(session) == 204
        assert names(incoming)[-1] == "error"


def test_clearing_waits_for_the_turn_and_takes_nothing_from_its_stream(api: Api) -> None:
    session = api.new_id()
    with api.turn(session) as incoming:
        until(incoming, "chunk")
        assert api.http.delete(f"/sessions/{session}/history").status_code == 204
        assert names(incoming)[-1] == "done"
    assert api.texts(session) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"agent_id": "a", "metadata": {"n": NaN}}', 400),
        (b'{"agent_id": "a", "metadata": {"n": 1e999}}', 400),
        (b'{"agent_id": "a", "title": "\\ud800"}', 400),
        (b'{"agent_id": "a", "metadata": {"n": ' + b"9" * 5000 + b"}}", 400),
        (b"[" * 100_000, 400),
        (b'{"agent_id": "a", "metadata": {"n": ' + b"[" * 150 + b"]" * 150 + b"}}", 400),
        (b'{"agent_id": "a", "metadata": {"n": ' + b"9" * 400 + b"}}", 201),
        (b'{"agent_id": "a", "title": "\\u0000"}', 201),
        (b"null", 422),
        (b'{"agent_id": "a", "title": "' + b"x" * 2_000_000 + b'"}', 413),
    ],
)
def test_extreme_bodies_are_answered(api: Api, body: bytes, status: int) -> None:
    assert api.http.post("/sessions", content=body, headers=JSON).status_code == status
    assert api.listing()["total"] == (status == 201)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sessions?limit=1.5", 422),
        ("/sessions?limit=", 422),
        ("/sessions?limit=1&limit=2", 422),
        ("/sessions?limit=%D9%A3", 422),
        ("/sessions?limit=%FF", 400),
        ("/sessions?unknown=%FF", 200),
        ("/sessions?metadata_filter=", 400),
        ("/sessions?unknown=1", 200),
        ("/sessions?sort_by=title", 422),
        ("/sessions/short", 422),
        ("/sessions/not%20an%20id", 422),
        ("/sessions/nowhere0", 404),
    ],
)
def test_odd_addresses_are_answered(api: Api, path: str, status: int) -> None:
    assert api.http.get(path).status_code == status


def test_methods_are_named(api: Api) -> None:
    allow = "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    path = f"/sessions/{api.new_id()}"
    assert api.nobody.options(path).headers["Allow"] == allow
    assert api.http.post(path).headers["Allow"] == allow
    for view in ("", "/history", "/events/stream"):
        head = api.http.head(path + view)
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/event-stream, application/json", "application/json"),
        ("text/event-stream;q=0.9, application/json;q=0.8", "text/event-stream"),
        ("text/*", "text/event-stream"),
        ("application/json;q=0, */*", "text/event-stream"),
        ("text/html, */*;q=0", None),
    ],
)
def test_accept_is_weighed(accept: str, media_type: str | None) -> None:
    assert choose(accept, ("application/json", "text/event-stream")) == media_type


@pytest.mark.parametrize(
    ("header", "holds"),
    [("*", True), ('"1"', True), ('"0" , "1"', True), ('W/"1"', False), ('"0"', False)],
)
def test_if_match_compares_strongly(header: str, holds: bool) -> None:
    assert if_match(header, '"1"', ()) is holds


def test_json_values_are_compared_and_merged() -> None:
    assert same({"a": [1, None]}, {"a": [1.0, None]})
    for left, right in ((1, True), (0, False), ("1", 1), (None, 0), ({"a": 1}, {})):
        assert not same(left, right)
    assert merge({"a": 1, "b": {"c": 1}}, {"a": {"x": None}, "b": None}) == {"a": {}}
    assert parse(b'{"a": 1}') == {"a": 1}


def test_each_fault_has_a_probe_and_each_category_four() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert min(Counter(fault.category for fault in FAULTS).values()) >= 4
    assert all(callable(probe_of(fault)) for fault in FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_seen(perform: Callable[..., Api], fault: Fault) -> None:
    probe = probe_of(fault)
    assert probe(perform())
    assert not probe(perform(fault.name))
    assert perform(fault.name).http.get("/sessions").status_code < 500


def probe_of(fault: Fault) -> Callable[[Api], bool]:
    module = import_module(f"tests.zoo.probes.{fault.category}")
    probe: Callable[[Api], bool] = getattr(module, fault.name)
    return probe


def test_unknown_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="no_such_fault"):
        create_app(["no_such_fault"])


def test_the_script_prints_its_address() -> None:
    script = [sys.executable, str(ROOT / "tests" / "zoo" / "server.py"), "--port", "0"]
    command = [*script, "--fault", "create_answers_200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        api = Api(process.stdout.readline().strip())
        assert api.create().status_code == 200
        api.close()
        process.terminate()
