"""Every kind of JSON, legal or not: taken or refused, never a failure, and never a broken list."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

JSON = {"Content-Type": "application/json"}
Open = Callable[..., str]


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_the_parsing_suite_is_taken_or_refused_and_the_list_still_works(
    serve: Callable[..., Any], connect: Callable[..., Any], shared: Path
) -> None:
    server = serve("sessions")
    alice = connect(server.url)
    files = sorted((shared / "suites" / "json").glob("*.json"))
    assert len(files) > 100
    taken = 0
    for file in files:
        text = file.read_bytes()
        embedded = b'{"agent_id": "a", "metadata": {"value": ' + text + b"}}"
        for body in (text, embedded):
            status = alice.post("/sessions", content=body, headers=JSON).status_code
            allowed = {"y": {201, 422}, "n": {400}, "i": {201, 400, 422}}[file.name[0]]
            assert status in allowed or not body, (file.name, status)
            assert status != 500, file.name
            taken += status == 201
    assert taken > 40
    listed = alice.get("/sessions", params={"limit": 1000})
    assert (listed.status_code, listed.json()["total"]) == (200, taken)
    for session in listed.json()["items"]:
        answer = alice.patch(f"/sessions/{session['id']}", json={"title": "still alive"})
        assert answer.status_code == 200
        assert answer.json()["metadata"] == session["metadata"]
    assert "Traceback" not in server.stop()


@pytest.mark.parametrize(
    "value",
    [
        b"9" * 400,
        b"-" + b"9" * 400,
        b"9" * 5000,
        b"1e400",
        b"-1E+400",
        b"1" + b"0" * 400 + b".0",
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'{"\\ud800": 1}',
        b'"\\u0000"',
        b'{"\\u0000": "\\u2028"}',
        b"NaN",
        b"Infinity",
        b"-0",
        b"-0.0",
        b"1e-400",
        b'"' + b"x" * 500_000 + b'"',
        b"[" + b"1," * 100_000 + b"1]",
        nested(50),
        nested(180),
        nested(400),
        nested(900),
        nested(5_000),
        nested(200_000),
        b'{"a":' * 600 + b"1" + b"}" * 600,
        b'{"__proto__": {"a": 1}, "constructor": 0, "": {"": ""}}',
    ],
    ids=lambda value: f"{value[:16]!r}x{len(value)}",
)
def test_extreme_values_are_kept_as_they_are_or_refused(
    alice: httpx2.Client, open_session: Open, value: bytes
) -> None:
    path = open_session(alice)
    for method, url in (("POST", "/sessions"), ("PUT", path), ("PATCH", path), ("PATCH", path)):
        agent = b'"agent_id": "a", ' if method == "POST" else b""
        body = b"{" + agent + b'"metadata": {"value": ' + value + b"}}"
        answer = alice.request(method, url, content=body, headers=JSON)
        assert answer.status_code in (200, 201, 400, 422), answer.text[:300]
        if answer.is_success:
            assert answer.json()["metadata"]["value"] == json.loads(value)
        filtered = alice.get("/sessions", params={"metadata_filter": '{"value": [[[]]]}'})
        assert filtered.status_code == 200
    assert alice.get("/sessions", params={"limit": 1000}).status_code == 200
    assert alice.get(path).status_code == 200


def test_a_deep_filter_over_a_deep_value_never_fails(
    serve: Callable[..., Any], connect: Callable[..., Any]
) -> None:
    alice = connect(serve("sessions").url)
    for depth in (150, 250, 400, 600, 900, 3000):
        for text in (nested(depth).decode(), '{"a":' * depth + "1" + "}" * depth):
            body = f'{{"agent_id": "a", "metadata": {{"v": {text}}}}}'
            made = alice.post("/sessions", content=body, headers=JSON)
            found = alice.get("/sessions", params={"metadata_filter": f'{{"v": {text}}}'})
            assert (made.status_code, found.status_code) in ((201, 200), (400, 422)), depth


@pytest.mark.parametrize(
    "content",
    [
        " ",
        "\n",
        "\x00",
        "a\x00b",
        "\u2028",
        "\ufeff",
        "\ufffd",
        "\x1b[31m",
        "x" * 100_000,
        "\U0010ffff",
    ],
    ids=lambda text: f"{text[:4]!a}x{len(text)}",
)
def test_odd_texts_are_said_and_streamed(
    alice: httpx2.Client, open_session: Open, content: str
) -> None:
    path = open_session(alice)
    body = {"messages": [{"role": "user", "content": content}]}
    for accept in ("application/json", "text/event-stream"):
        answer = alice.post(f"{path}/chat", json=body, headers={"Accept": accept})
        assert answer.status_code == 200
    rows = alice.get(f"{path}/history").json()["items"]
    assert [row["content"] for row in rows] == [content, f"You said: {content}"] * 2
