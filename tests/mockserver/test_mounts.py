"""Several documents on one server: each under its name, with sessions of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sparring.mockserver.mounts import names_of

ROOT = Path(__file__).resolve().parents[2]
AGENT = "9bb48ef4-b6f7-4dd8-a5ea-ab775e2e8d1b"


@pytest.fixture(scope="session")
def three(serve: Callable[..., Any]) -> Any:
    script = ROOT / "tests" / "quick.yaml"
    return serve("julep", "flux0", "sentius", "--script", script, "--key", "carol=carol-key")


@pytest.fixture(scope="session")
def carol(three: Any, connect: Callable[..., Any]) -> httpx2.Client:
    client: httpx2.Client = connect(three.url, "carol-key")
    return client


def test_each_document_is_served_under_its_name(carol: httpx2.Client) -> None:
    made = carol.post("/julep/api/sessions", json={"agent_id": AGENT})
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    body = {"messages": [{"role": "user", "content": "hello"}]}
    answer = carol.post(f"/julep/api/sessions/{id}/chat", json=body)
    assert answer.json()["response"][0][0]["content"] == "Hello! How can I help?"

    made = carol.post("/flux0/api/sessions", json={"agent_id": "vUfk4PgjTm"})
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    event = {"type": "message", "source": "user", "content": "hello"}
    with carol.stream("POST", f"/flux0/api/sessions/{id}/events/stream", json=event) as stream:
        text = stream.read().decode()
    assert '"value":"Hello! "' in text
    assert carol.get(f"/flux0/api/sessions/{id}").json()["id"] == id

    got = carol.get("/sentius/dialog_sessions", params={"api_key": "carol-key"})
    assert got.json()["id"] == 1337
    answer = carol.post(
        "/sentius/dialog_sessions/1337/chat",
        params={"api_key": "carol-key"},
        json={"text": "hello"},
    )
    assert answer.json()["text"] == "Hello! How can I help?"


def test_a_path_of_one_document_is_no_path_of_another(carol: httpx2.Client) -> None:
    for path in (
        "/api/sessions",
        "/flux0/dialog_sessions",
        "/julep/dialog_sessions",
        "/flux0x/api",
    ):
        assert carol.get(path).status_code == 404, path
    assert carol.get("/julep/sessions").status_code == 200, "without its base path too"


def test_the_list_of_what_is_mounted_is_json_or_text(carol: httpx2.Client, three: Any) -> None:
    wanted = [
        {"name": "julep", "title": "Julep sessions", "url": f"{three.url}/julep"},
        {"name": "flux0", "title": "Flux0 sessions", "url": f"{three.url}/flux0"},
        {"name": "sentius", "title": "Sentius dialog sessions", "url": f"{three.url}/sentius"},
    ]
    answer = carol.get("/")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"mounted": wanted}
    lost = carol.get("/nowhere")
    assert (lost.status_code, lost.json()) == (404, {"mounted": wanted})
    answer = carol.get("/", headers={"Accept": "text/plain"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.splitlines() == [
        f"{row['name']}: {row['title']} on {row['url']}" for row in wanted
    ]


def test_the_start_up_lines_name_each_document_and_its_url() -> None:
    command = [sys.executable, "-m", "sparring.cli", "serve", "sessions", "julep", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        process.terminate()
    url = lines[0].split()[-1]
    assert lines == [
        f"sparring serves 2 documents on {url}\n",
        f"  sessions: Agent sessions on {url}/sessions\n",
        f"  julep: Julep sessions on {url}/julep\n",
    ]


def test_two_documents_of_one_name_have_sessions_of_their_own(
    serve: Callable[..., Any], connect: Callable[..., Any]
) -> None:
    client = connect(serve("sessions", "sessions").url)
    body = {"agent_id": "baker", "id": "of-the-first"}
    made = client.post("/sessions/sessions", json=body)
    assert made.status_code == 201
    assert made.headers["location"] == "/sessions/sessions/of-the-first"
    assert client.get(made.headers["location"]).status_code == 200
    assert client.get("/sessions-2/sessions/of-the-first").status_code == 404
    assert client.post("/sessions-2/sessions", json=body).status_code == 201


def test_names_are_words_that_can_stand_in_a_path() -> None:
    specs = ["sessions", "a/openapi.yaml", "b/openapi.json", "my api (v2).yaml", "..", "x/.yaml"]
    assert names_of(specs) == [
        *("sessions", "openapi", "openapi-2", "my-api-v2", "document", "document-2")
    ]


def test_an_overlay_says_for_which_document_it_is(
    serve: Callable[..., Any], connect: Callable[..., Any], tmp_path: Path
) -> None:
    overlay = tmp_path / "overlay.json"
    title = {"target": "$.info", "update": {"title": "Ours"}}
    overlay.write_text(json.dumps({"overlay": "1.0.0", "actions": [title]}))
    client = connect(serve("sessions", "julep", "--overlay", f"julep={overlay}").url)
    titles = [row["title"] for row in client.get("/").json()["mounted"]]
    assert titles == ["Agent sessions", "Ours"]
