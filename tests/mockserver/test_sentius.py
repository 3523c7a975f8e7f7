"""The sentius document: an active session, a new one, a message, the history."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sentius(serve: Callable[..., Any]) -> Any:
    """A server whose first session is made."""
    server = serve("sentius", "--script", ROOT / "tests" / "quick.yaml")
    httpx2.get(f"{server.url}/dialog_sessions?api_key=alice-key").raise_for_status()
    return server


@pytest.fixture
def fresh(serve: Callable[..., Any]) -> Any:
    """A server that nobody has asked for a session yet."""
    return serve("sentius", "--script", ROOT / "tests" / "quick.yaml")


def alice(sentius: Any, connect: Callable[..., Any], key: str = "alice-key") -> httpx2.Client:
    client: httpx2.Client = connect(sentius.url, None, params={"api_key": key})
    return client


def calls(text: str, url: str) -> list[tuple[str, str]]:
    """The examples of a page: language and code, with host, key and id filled in."""
    blocks = re.findall(r"^( *)```(bash|python)\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    found = []
    for indent, language, code in blocks:
        code = re.sub(rf"^{indent}", "", code, flags=re.MULTILINE)
        code = re.sub(r"https://[a-z.]+", url, code).replace("your_api_key", "alice-key")
        code = code.replace("{{dialog_session_id}}", "1337").replace("{dialog_session_id}", "1337")
        found.append((language, code))
    return found


def run(language: str, code: str) -> str:
    command = ["bash", "-ec", code] if language == "bash" else [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.mark.parametrize("wanted", ["bash", "python"])
def test_every_call_of_the_published_page_works_as_it_is_written(
    fresh: Any, shared: Path, wanted: str
) -> None:
    (page,) = (shared / "seeds").glob("000_*")
    examples = [code for language, code in calls(page.read_text(), fresh.url) if language == wanted]
    assert len(examples) == 4
    get, create, chat, history = (re.sub(r"\s", "", run(wanted, code)) for code in examples)
    assert re.search(r"['\"]id['\"]:1337\b", get), "the first id is that of the page"
    assert re.search(r"['\"]id['\"]:1338\b", create)
    assert re.search(r"['\"]text['\"]:['\"]Hello!HowcanIhelp\?['\"]", chat)
    assert "Hello,world!" in history
    assert "Hello!HowcanIhelp?" in history


def test_the_active_session_is_made_when_there_is_none_and_is_the_one_made_last(
    fresh: Any, connect: Callable[..., Any]
) -> None:
    client, other = alice(fresh, connect), alice(fresh, connect, "bob-key")
    assert client.get("/dialog_sessions").json() == {"id": 1337, "is_active": True}
    assert client.get("/dialog_sessions").json()["id"] == 1337
    created = client.post("/dialog_sessions")
    assert created.status_code == 201
    assert created.json()["id"] == 1338
    assert client.get("/dialog_sessions").json()["id"] == 1338
    assert other.get("/dialog_sessions").json()["id"] == 1339
    assert client.post("/dialog_sessions", headers={"Content-Type": "application/json"}).is_success


def test_the_first_id_is_the_example_of_the_document_when_a_session_is_made_too(
    fresh: Any, connect: Callable[..., Any]
) -> None:
    assert alice(fresh, connect).post("/dialog_sessions").json()["id"] == 1337


def test_a_message_is_answered_and_both_are_in_the_history(
    sentius: Any, connect: Callable[..., Any]
) -> None:
    client = alice(sentius, connect)
    id = client.post("/dialog_sessions").json()["id"]
    assert client.get(f"/dialog_sessions/{id}/history").json() == [], "empty at first, no 404"
    body = {
        "text": "weather",
        "instruction_id": 7,
        "close_tabs": True,
        "web_sites_for_tasks": ["weather.example"],
        "utilize_user_instructions": False,
    }
    answer = client.post(f"/dialog_sessions/{id}/chat", json=body)
    assert answer.status_code == 201
    said = answer.json()
    assert said["text"] == "It is sunny in SF."
    assert said["task"] is None
    temporary = said["attributes"]["temporary_attributes"]
    assert set(temporary) == {"replay_recorded_actions", "generated_new_actions"}
    assert client.get(f"/dialog_sessions/{id}/history").json() == [
        {"author": "user", "text": "weather"},
        {"author": "bot", "text": "It is sunny in SF."},
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/dialog_sessions"),
        ("POST", "/dialog_sessions"),
        ("POST", "/dialog_sessions/1337/chat"),
        ("GET", "/dialog_sessions/1337/history"),
    ],
)
def test_every_request_needs_a_key_that_is_known(
    sentius: Any, connect: Callable[..., Any], method: str, path: str
) -> None:
    json = {"text": "hello"} if path.endswith("chat") else None
    for client in (connect(sentius.url), alice(sentius, connect, "wrong")):
        answer = client.request(method, path, json=json)
        assert answer.status_code == 403
        assert list(answer.json()) == ["detail"]
    if "1337" in path:
        answer = alice(sentius, connect, "bob-key").request(method, path, json=json)
        assert answer.status_code == 404, "it is not his"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/dialog_sessions/1337/chat", {}, 422),
        ("POST", "/dialog_sessions/1337/chat", {"text": 5}, 422),
        ("POST", "/dialog_sessions/9999/chat", {"text": "hello"}, 404),
        ("GET", "/dialog_sessions/9999/history", None, 404),
        ("GET", "/dialog_sessions/abc/history", None, 422),
        ("DELETE", "/dialog_sessions", None, 405),
        ("PUT", "/dialog_sessions/1337/history", {}, 405),
    ],
)
def test_errors_have_a_detail(
    sentius: Any, connect: Callable[..., Any], method: str, path: str, body: Any, status: int
) -> None:
    client = alice(sentius, connect)
    answer = client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert isinstance(answer.json()["detail"], list if status == 422 else str)
