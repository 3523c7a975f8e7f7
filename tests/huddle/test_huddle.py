"""The right server does what its document says."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from tests.parley.client import at_once

from .app import serve
from .client import ANY, SSE, Data, People, path_of, people, told, utterance_path

DOCUMENT: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("openapi.yaml").read_text(encoding="utf-8")
)
EVENTS = {"opened": "OpenedEvent", "piece": "PieceEvent"}


@cache
def validator(name: str) -> Any:
    return jsonschema_rs.Draft4Validator(
        {"$ref": f"#/components/schemas/{name}", "components": _nulls(DOCUMENT["components"])},
        validate_formats=True,
    )


def _nulls(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema."""
    if isinstance(schema, list):
        return [_nulls(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _nulls(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def fits(name: str, value: Any) -> bool:
    """Whether a value fits the schema of that name. Raises ValueError that says why not."""
    validator(name).validate(value)
    return True


@pytest.fixture(scope="module")
def p() -> Iterator[People]:
    with serve() as url, people(url) as everybody:
        yield everybody


@pytest.fixture
def huddle(p: People) -> Data:
    return p.amber.new(title=" Straße \U0001f600 ", metadata={"a": ""})


def test_a_huddle_fits_its_schema_wherever_it_is_shown(p: People, huddle: Data) -> None:
    assert fits("Huddle", huddle)
    assert huddle["title"] == "Straße \U0001f600"
    shown = p.amber.ask("GET", path_of(huddle))
    assert shown.json() == {"data": huddle}
    known = {"If-None-Match": shown.headers["ETag"]}
    assert p.amber.status("GET", path_of(huddle), headers=known) == 304
    assert p.amber.status("HEAD", path_of(huddle)) == 200
    page = p.amber.ask("GET", "/huddles?q=STRASSE&pageSize=50").json()
    assert huddle in page["data"]
    assert fits("PageMeta", page["meta"])
    assert fits("Person", p.amber.data("/me"))
    assert p.nobody.data("/health") == {"status": "ok"}


@pytest.mark.parametrize(
    "body",
    [
        [], {"title": ""}, {"title": " "}, {"title": "x" * 81}, {"persona": None}, {"x": 1},
        {"metadata": {"a": None}}, {"metadata": {"": "x"}}, {"metadata": {"a": "x" * 201}},
        {"metadata": {f"a{n}": "" for n in range(11)}},
    ],
)  # fmt: skip
def test_what_breaks_the_schema_makes_no_huddle(p: People, body: Any) -> None:
    response = p.amber.ask("POST", "/huddles", json=body)
    assert response.status_code == 422
    assert fits("ErrorAnswer", response.json())
    assert response.json()["error"]["fields"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"", 400), (b"{", 400), (b'{"title": NaN}', 400), (b"[" * 60000, 400), (b" " * 65537, 413)],
)
def test_what_is_no_json_or_too_much_is_refused(p: People, raw: bytes, status: int) -> None:
    for content in (raw, iter([raw])):
        headers = {"Content-Type": "application/json"}
        response = p.amber.ask("POST", "/huddles", content=content, headers=headers)
        assert response.status_code == status
        assert fits("ErrorAnswer", response.json())


@pytest.mark.parametrize(
    "query",
    ["pageSize=0", "pageSize=51", "pageSize=x", "pageSize=1&pageSize=1", "sort=up", "q=",
     "status=", "pageToken=00", "pageToken=xx"],
)  # fmt: skip
def test_bad_queries_are_refused(p: People, query: str) -> None:
    response = p.amber.ask("GET", f"/huddles?{query}")
    assert response.status_code == 400
    assert fits("ErrorAnswer", response.json())


def test_a_change_names_the_state_that_it_is_of(p: People, huddle: Data) -> None:
    path, body = path_of(huddle), {"metadata": {"a": None, "b": "2"}}
    assert p.amber.status("PATCH", path, json=body) == 428
    tag = p.amber.ask("GET", path).headers["ETag"]
    for stale in ('"x"', f"W/{tag}"):
        assert p.amber.status("PATCH", path, json=body, headers={"If-Match": stale}) == 412
    changed = p.amber.change(huddle, {"If-Match": f'"x", {tag}'}, **body)
    assert changed.json()["data"]["metadata"] == {"b": "2"}
    assert changed.json()["data"]["revision"] == 2
    assert p.amber.change(huddle, ANY).status_code == 422


def test_huddles_without_a_title_come_last(p: People) -> None:
    for title in ("b", None, "A"):
        p.birch.new(title=title)
    for sort, titles in (("title", ["A", "b", None]), ("-title", ["b", "A", None])):
        shown = p.birch.walk("/huddles", sort=sort, pageSize="1")
        assert [huddle["title"] for huddle in shown] == titles


@pytest.mark.parametrize(
    ("text", "state"),
    [("one\u2028\r\ntwo", "complete"), ("please fail", "failed"), ("count 5", "complete")],
)
def test_a_reply_is_stored_as_it_is_said(p: People, huddle: Data, text: str, state: str) -> None:
    exchange = p.amber.say(huddle, text).json()["data"]
    assert fits("Exchange", exchange)
    assert exchange["reply"]["state"] == state
    said = p.amber.stream(huddle, text)
    for _, event, data in said:
        assert fits(EVENTS.get(event, "EndedEvent"), data)
    reply = said[-1][2]["reply"]
    assert [id for id, _, _ in said] == [f"1-{n + 1}" for n in range(len(said))]
    assert "".join(data["text"] for _, event, data in said if event == "piece") == reply["text"]
    assert p.amber.history(huddle) == [*exchange.values(), said[0][2]["utterance"], reply]
    assert p.amber.data(utterance_path(reply)) == reply


def test_another_take_has_events_of_its_own(p: People, huddle: Data) -> None:
    reply = p.amber.reply(huddle)
    again = told(p.amber.ask("POST", utterance_path(reply, "retake"), headers=SSE).text)
    assert [again[0][0], again[-1][1]] == ["2-1", "closed"]
    assert again[-1][2]["reply"]["text"] == "Take 2: Turn 1. You said: hi"
    path = utterance_path(reply, "stream")
    for seen, status in (("1-2", 200), (again[-1][0], 204), ("2-99", 400), ("3-1", 400)):
        assert p.amber.status("GET", path, headers={"Last-Event-ID": seen}) == status
    assert told(p.amber.ask("GET", path).text) == again
    p.amber.reply(huddle)
    assert p.amber.status("POST", utterance_path(reply, "retake")) == 409


def test_an_archived_huddle_is_quiet_until_it_is_restored(p: People, huddle: Data) -> None:
    archived = p.amber.data(path_of(huddle, "archive"), "POST")
    assert (archived["status"], archived["archivedAt"]) == ("archived", archived["updatedAt"])
    assert p.amber.say(huddle, "hi").status_code == 409
    assert p.amber.data(path_of(huddle, "restore"), "POST")["archivedAt"] is None
    assert p.amber.say(huddle, "hi").status_code == 201


def test_a_reply_runs_until_it_is_halted_or_its_huddle_is_deleted(p: People, huddle: Data) -> None:
    assert p.amber.status("POST", path_of(huddle, "halt")) == 409
    with p.amber.listening(huddle, "count 500") as text:
        next(text)
        assert p.amber.say(huddle, "hi").status_code == 409
        halted = p.amber.data(path_of(huddle, "halt"), "POST")
    assert (halted["state"], p.amber.history(huddle)[-1]) == ("halted", halted)
    with p.amber.listening(huddle, "count 500") as text:
        first = next(text)
        assert p.amber.status("DELETE", path_of(huddle)) == 204
        assert told(first + "".join(text))[-1][1] == "halted"
    assert p.amber.status("GET", path_of(huddle)) == 404


def test_three_replies_run_at_once(p: People) -> None:
    huddles = [p.birch.new() for _ in range(4)]
    answers = at_once(lambda n: p.birch.say(huddles[n], "count 40", SSE), 4)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429]
    assert [a.headers["Retry-After"] for a in answers if a.status_code == 429] == ["1"]


def test_an_utterance_under_a_key_is_said_once(p: People, huddle: Data) -> None:
    key = {"Idempotency-Key": "k"}
    first, again, streamed = (
        p.amber.say(huddle, "once", headers) for headers in (key, key, {**key, **SSE})
    )
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert told(streamed.text)[-1][2]["reply"] == first.json()["data"]["reply"]
    assert p.amber.say(huddle, "twice", key).status_code == 409
    assert p.amber.get(huddle)["utteranceCount"] == 2


def test_what_is_accepted_says_how_a_reply_comes(p: People, huddle: Data) -> None:
    for accepted, kind in (
        ("*/*", "application/json"),
        ("text/event-stream, */*;q=0.5", "text/event-stream"),
        ("text/html", "application/json"),
    ):
        response = p.amber.say(huddle, "hi", {"Accept": accepted})
        assert response.headers["content-type"].startswith(kind)
    assert response.status_code == 406


def test_others_find_nothing(p: People, huddle: Data) -> None:
    for method, path in (
        ("GET", path_of(huddle)),
        ("PATCH", path_of(huddle)),
        ("POST", path_of(huddle, "utterances")),
        ("POST", path_of(huddle, "archive")),
    ):
        assert p.birch.status(method, path, json={}) == 404
        assert p.nobody.ask(method, path, json={}).headers["WWW-Authenticate"]
    response = p.amber.ask("PUT", path_of(huddle), json={})
    assert response.status_code == 405
    assert "PATCH" in response.headers["Allow"]
