"""The right server does what its document says."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from .app import serve
from .client import Thread, Users, at_once, events, frames, path_of, users

DOCUMENT: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("openapi.yaml").read_text(encoding="utf-8")
)
JSON = {"Content-Type": "application/json"}


@cache
def validator(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]},
        validate_formats=True,
    )


def fits(name: str, value: Any) -> bool:
    """Whether a value fits the schema of that name. Raises ValueError that says why not."""
    validator(name).validate(value)
    return True


@pytest.fixture(scope="module")
def u() -> Iterator[Users]:
    with serve() as url, users(url) as everybody:
        yield everybody


@pytest.fixture
def thread(u: Users) -> Thread:
    return u.ada.new(subject="Straße \U0001f600", labels={"a": ""})


def test_who_asks_and_whom_is_said(u: Users) -> None:
    assert fits("Me", u.ada.data("/me"))
    for assistant in u.ada.data("/assistants")["items"]:
        assert fits("Assistant", assistant)
        assert u.ada.data(f"/assistants/{assistant['id']}") == assistant
    assert fits("Problem", u.ada.data("/assistants/x"))
    assert u.nobody.data("/health") == {"status": "ok"}


def test_a_thread_fits_its_schema_wherever_it_is_shown(u: Users, thread: Thread) -> None:
    assert fits("Thread", thread)
    shown = u.ada.ask("GET", path_of(thread))
    assert shown.json() == thread
    assert shown.headers["ETag"]
    page = u.ada.data("/threads?q=STRASSE&limit=50")
    assert fits("ThreadPage", page)
    assert thread in page["items"]
    assert u.ada.ask("HEAD", path_of(thread)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        [], "x", {"subject": ""}, {"subject": 1}, {"labels": None}, {"labels": {"A": "x"}},
        {"labels": {"a": None}}, {"labels": {"a" * 33: "x"}}, {"labels": {"a": "x" * 201}},
        {"labels": {f"a{n}": "" for n in range(9)}}, {"assistant_id": None},
        {"assistant_id": "q"}, {"x": 1},
    ],
)  # fmt: skip
def test_what_breaks_the_schema_makes_no_thread(u: Users, body: Any) -> None:
    response = u.ada.ask("POST", "/threads", json=body)
    assert response.status_code == 422
    assert fits("Problem", response.json())


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"subject": NaN}', b'{"subject": "\\ud800"}', b"\xff", b"[" * 100000]
)
def test_what_is_no_json_is_a_400(u: Users, raw: bytes) -> None:
    response = u.ada.ask("POST", "/threads", content=raw, headers=JSON)
    assert response.status_code == 400
    assert fits("Problem", response.json())


def test_a_body_says_that_it_is_json(u: Users) -> None:
    for kind, status in (("text/plain", 415), ("application/json; charset=utf-8", 201)):
        headers = {"Content-Type": kind}
        assert u.ada.status("POST", "/threads", content=b"{}", headers=headers) == status


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=51", "limit=x", "limit=-1", "limit=1.0", "limit=1&limit=2", "order=up",
        "archived=1", "archived=", "q=", "q=" + "x" * 121, "after=", "after=xx", "after=e30",
        "assistant_id=", "limit=%D9%A1", "limit=" + "9" * 5000,
    ],
)  # fmt: skip
def test_bad_queries_are_refused(u: Users, query: str) -> None:
    response = u.ada.ask("GET", f"/threads?{query}")
    assert response.status_code == 400
    assert fits("Problem", response.json())


def test_a_cursor_is_of_one_list_and_one_user(u: Users) -> None:
    u.ada.some(2)
    after = u.ada.data("/threads?limit=1")["next_cursor"]
    assert u.ada.status("GET", f"/threads?limit=5&after={after}") == 200
    assert u.ada.status("GET", f"/threads?order=oldest&after={after}") == 400
    assert u.bert.status("GET", f"/threads?limit=1&after={after}") == 400


@pytest.mark.parametrize("text", ["hi\u2028\r\nx", "weather in Oslo", "recap", "x" * 4000, "a"])
def test_a_reply_is_stored_as_it_is_said(u: Users, thread: Thread, text: str) -> None:
    turn = u.ada.say(thread, text).json()
    assert fits("Turn", turn)
    response = u.ada.say(thread, text, stream=True)
    sent = events(response)
    for fields, event in zip(frames(response.text), sent, strict=True):
        assert fits("StreamEvent", event)
        assert (fields["id"], fields["event"]) == ([str(event["seq"])], [event["type"]])
    assert [event["seq"] for event in sent] == list(range(len(sent)))
    reply, started = sent[-1]["message"], sent[0]
    said = "".join(event["text"] for event in sent if event["type"] == "reply.delta")
    assert (reply["text"], reply["id"]) == (said, started["reply_id"])
    messages = [turn["user_message"], turn["reply"], started["user_message"], reply]
    assert u.ada.history(thread) == messages
    assert [message["position"] for message in messages] == [1, 2, 3, 4]
    assert u.ada.data(path_of(thread, "messages", reply["id"])) == reply
    assert u.ada.walk(path_of(thread, "messages"), limit="3", order="newest") == messages[::-1]


def test_a_failed_reply_leaves_the_question(u: Users, thread: Thread) -> None:
    response = u.ada.say(thread, "malfunction")
    assert response.status_code == 502
    assert fits("Problem", response.json())
    assert [message["role"] for message in u.ada.history(thread)] == ["user"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"text": ""}, {"text": " "}, {"text": 1}, {"text": "x", "stream": None},
        {"text": "x", "stream": 1}, {"text": "x" * 4001}, {"text": "x", "y": 1}, [],
    ],
)  # fmt: skip
def test_what_breaks_the_schema_is_not_said(u: Users, thread: Thread, body: Any) -> None:
    assert u.ada.status("POST", path_of(thread, "messages"), json=body) == 422
    assert u.ada.history(thread) == []


@pytest.mark.parametrize(
    "body", [{}, {"archived": None}, {"labels": None}, {"assistant_id": "asst_echo"}]
)
def test_what_breaks_the_schema_changes_nothing(u: Users, thread: Thread, body: Any) -> None:
    assert u.ada.patch(thread, **body).status_code == 422
    assert u.ada.get(thread) == thread


def test_a_change_may_name_the_state_that_it_is_of(u: Users, thread: Thread) -> None:
    tag = u.ada.ask("GET", path_of(thread)).headers["ETag"]
    for stale in ('"x"', f"W/{tag}"):
        assert u.ada.patch(thread, {"If-Match": stale}, subject="z").status_code == 412
    changed = u.ada.patch(thread, {"If-Match": f'{tag}, "q"'}, labels={"a": None, "b": "2"})
    assert changed.json()["labels"] == {"b": "2"}
    assert changed.headers["ETag"] == u.ada.ask("GET", path_of(thread)).headers["ETag"]
    assert u.ada.patch(thread, {"If-Match": "*"}, subject="z").status_code == 200


def test_others_find_nothing_and_a_reader_changes_nothing(u: Users, thread: Thread) -> None:
    for method, path in (
        ("PATCH", path_of(thread)),
        ("POST", path_of(thread, "messages")),
        ("DELETE", path_of(thread)),
    ):
        assert u.bert.status(method, path, json={"x": 1}) == 404
        assert u.view.status(method, path, json={"x": 1}) == 403
        assert u.nobody.ask(method, path, json={"x": 1}).headers["WWW-Authenticate"] == "Bearer"
    assert u.view.get(thread) == thread


def test_other_methods_and_paths_are_refused(u: Users, thread: Thread) -> None:
    response = u.ada.ask("PUT", path_of(thread), json={})
    assert response.status_code == 405
    assert "PATCH" in response.headers["Allow"]
    assert fits("Problem", u.ada.data("/nope"))


def test_a_message_under_a_key_is_said_once(u: Users, thread: Thread) -> None:
    answers = at_once(lambda _: u.ada.say(thread, "once", key="k", stream=True), 3)
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 2
    assert len(u.ada.history(thread)) == 2


def test_a_key_is_of_one_user_and_one_body(u: Users) -> None:
    def create(api: Any, **body: str) -> Any:
        return api.ask("POST", "/threads", json=body, headers={"Idempotency-Key": "same"})

    first, of_bert, again = create(u.ada), create(u.bert), create(u.ada)
    assert (of_bert.json()["owner"], of_bert.status_code) == ("bert", 201)
    assert (again.text, again.headers["ETag"]) == (first.text, first.headers["ETag"])
    assert create(u.ada, subject="x").status_code == 409
    assert u.ada.status("POST", "/threads", json={}, headers={"Idempotency-Key": "a b"}) == 400


def test_an_answer_is_finished_when_its_client_has_gone(u: Users, thread: Thread) -> None:
    path, body = path_of(thread, "messages"), {"text": "bye bye my friend", "stream": True}
    with u.ada.http.stream("POST", u.ada.url + path, json=body) as response:
        next(response.iter_bytes())
    assert u.ada.say(thread, "still there?").status_code == 201  # behind the answer
    roles = [message["role"] for message in u.ada.history(thread)]
    assert roles == ["user", "assistant", "user", "assistant"]
