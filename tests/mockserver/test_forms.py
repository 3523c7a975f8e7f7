"""Sessions that are made and talked to in forms, and what `Prefer` does to any operation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

FOLDER = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def client(serve: Callable[..., Any], connect: Callable[..., Any]) -> httpx2.Client:
    made: httpx2.Client = connect(serve(FOLDER / "forms.yaml").url)
    return made


def test_a_session_keeps_the_typed_fields_of_a_form(client: httpx2.Client) -> None:
    fields = {"name": "Ada", "priority": "3", "labels": ["a", "b"]}
    made = client.post("/sessions", data=fields)
    assert made.status_code == 201, made.text
    kept = client.get(f"/sessions/{made.json()['session_id']}").json()
    assert (kept["name"], kept["priority"], kept["labels"]) == ("Ada", 3, ["a", "b"])


@pytest.mark.parametrize("files", [[], [("files", ("a.txt", b"text"))]])
def test_a_message_in_a_multipart_form_is_answered_and_kept(
    client: httpx2.Client, files: list[Any]
) -> None:
    id = client.post("/sessions", data={"name": "x"}).json()["session_id"]
    fields = [("message", "hello"), ("stream", "false"), ("session_id", id)]
    parts: Any = [(name, (None, value)) for name, value in fields] + files
    answer = client.post("/runs", files=parts)
    assert answer.status_code == 200, answer.text
    rows = client.get(f"/sessions/{id}/messages").json()
    assert [row["text"] for row in rows] == ["hello", answer.json()["content"]]


def test_a_forced_response_of_a_session_operation_changes_nothing(
    client: httpx2.Client,
) -> None:
    answer = client.post("/sessions", data={}, headers={"Prefer": "code=429"})
    assert (answer.status_code, answer.json()) == (429, {"error": "Slow down."})
    assert (answer.headers["retry-after"], answer.headers["preference-applied"]) == (
        "5",
        "code=429",
    )
    shown = client.post("/sessions", data={}, headers={"Prefer": "dynamic=false"})
    assert shown.status_code == 201
    assert client.get(f"/sessions/{shown.json()['session_id']}").status_code == 404


def test_the_key_is_asked_for_before_the_wish(client: httpx2.Client) -> None:
    wish = {"Prefer": "code=429", "Authorization": "Bearer nobody"}
    assert client.post("/sessions", data={}, headers=wish).status_code == 401


def test_an_invalid_request_is_told_so_whatever_it_prefers(client: httpx2.Client) -> None:
    answer = client.post("/sessions", data={"priority": "x"}, headers={"Prefer": "code=429"})
    assert answer.status_code == 422
