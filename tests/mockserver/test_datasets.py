"""Datasets agree in themselves, and the mock begins with one."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.mockserver.coherent import violations
from tests.test_cli import sparring
from tests.wild.test_documents import DOCUMENTS

from sparring.fixtures.script import default_script
from sparring.fixtures.script.scenes import load_scene, scene_names
from sparring.fixtures.writers.folder import write_folder
from sparring.mockserver.datasets.datasets import Datasets
from sparring.mockserver.worlds.saved import load
from sparring.mockserver.worlds.world import World
from sparring.spec.errors import SparringError
from sparring.spec.openapi.document import BUNDLED, Document, load_document

OVERLAYS = Path(__file__).parents[1] / "wild" / "overlays"
KEYS = Path(__file__).with_name("keys.yaml")
URL = "http://127.0.0.1:8000"


SCENES = {name: load_scene(name) for name in scene_names()}


def datasets(document: Document, seed: str = "sparring") -> Datasets:
    scripts = [default_script(), *SCENES.values()]
    return Datasets(document, scripts, seed=seed, url=URL)


@pytest.mark.parametrize("name", BUNDLED)
def test_datasets_of_a_bundled_document_agree_in_themselves(name: str) -> None:
    made = datasets(load_document(name))
    for number in range(1, 26):
        assert violations(made.files(number), SCENES) == [], number


@pytest.mark.parametrize("name", DOCUMENTS)
def test_datasets_of_a_real_document_agree_in_themselves(shared: Path, name: str) -> None:
    overlay = OVERLAYS / f"{Path(name).stem}.yaml"
    document = load_document(shared / "specs" / name, [overlay] if overlay.exists() else [])
    made = datasets(document)
    for number in range(1, 4):
        found = violations(made.files(number), SCENES)
        assert [each for each in found if not each.startswith("refused")] == [], number


def test_keys_exist_wherever_they_stand_and_whoever_says_them() -> None:
    made = datasets(load_document(KEYS))
    for number in range(1, 6):
        files = made.files(number)
        assert violations(files) == [], number
        shown = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
        agents = {agent["id"] for agent in shown["agents.json"]}
        for team in shown["teams.json"]:
            named = {*team["agentIds"], team["leadAgentId"]}
            assert named | {each["agent"]["id"] for each in team["members"]} <= agents
        for chat in shown["sessions.json"]:
            messages = shown[f"sessions/{chat['id']}/messages.json"]
            assert chat["last_message_id"] == messages[-1]["id"]
            assert {chat["default_agent_id"], chat["settings"]["fallback"]["agent_id"]} <= agents
            begin, end = (m["created_at"] for m in (messages[0], messages[-1]))
            times = [datetime.fromtimestamp(chat["time"][n], UTC) for n in ("created", "updated")]
            assert times[0] <= datetime.fromisoformat(begin)
            assert times[1] >= datetime.fromisoformat(end).replace(microsecond=0)
            ids = [message["id"] for message in messages]
            asked = messages[0]
            for message in messages:
                asked = message if message["role"] == "user" else asked
                assert message["run_id"] == asked["run_id"]
                assert message is asked or message["parent_id"] == asked["id"]
            assert len(ids) == len(set(ids))
        people = {user["name"] for user in shown["dataset.json"]["users"]}
        assert {chat["user_id"] for chat in shown["sessions.json"]} <= people


def spoiled(files: Mapping[str, str], name: str, change: Callable[[Any], object]) -> list[str]:
    value = json.loads(files[name])
    change(value)
    return violations({**files, name: json.dumps(value)}, SCENES)


def test_the_checker_sees_what_does_not_agree() -> None:
    files = datasets(load_document("julep")).files(1)
    assert spoiled(files, "sessions.json", lambda v: v[0].update(agent_id="nobody"))
    assert spoiled(files, "sessions.json", lambda v: v[0].update(defaultAgentIds=["nobody"]))
    assert spoiled(files, "sessions.json", lambda v: v[0].update(agent={"id": "nobody"}))
    assert spoiled(files, "sessions.json", lambda v: v[0].update(last_message_id="none"))
    assert spoiled(files, "agents.json", lambda v: v[0].update(parent_id="nobody"))
    assert spoiled(files, "sessions.json", lambda v: v[0].update(created_at="2031-01-01T00:00:00Z"))
    assert spoiled(files, "agents.json", lambda v: v[0].update(created_at="2001-01-01T00:00:00Z"))
    begin = {"created_at": "2025-03-03T10:00:00Z"}
    assert spoiled(files, "agents.json", lambda v: v[0].update(begin, updated_at="2025-03-03T09Z"))
    assert spoiled(files, "agents.json", lambda v: v[0].update(begin, finishedAt=1740992401))
    folder = json.loads(files["dataset.json"])["sessions"][0]["folder"]
    assert spoiled(files, f"{folder}/messages.json", lambda v: v.reverse() or v.append(v.pop(0)))
    assert spoiled(files, f"{folder}/messages.json", lambda v: v[0].update(created_at=begin))
    assert spoiled(files, f"{folder}/messages.json", lambda v: v.pop())
    assert spoiled(files, "world.json", lambda v: v["records"].pop())
    made = datasets(load_document("sessions"))
    files = made.files(1)
    assert spoiled(files, "sessions.json", lambda v: v[0].update(message_count=99))
    assert spoiled(files, "sessions.json", lambda v: v[0].update(title="Refund for order 9999"))
    assert spoiled(files, "dataset.json", lambda v: v["sessions"][0].update(script="recipe"))
    turn = next(name for name in files if name.endswith(".sse"))
    assert violations({**files, turn: files[turn][: len(files[turn]) // 2]})


def test_a_dataset_has_the_same_bytes_whichever_were_made_before_it() -> None:
    document = load_document("sessions")
    made = datasets(document)
    second = made.files(1) and made.files(2)
    assert datasets(document).files(2) == second
    assert datasets(document, "other").files(2) != second


def test_the_mock_begins_with_a_dataset(tmp_path: Path, serve: Callable[..., Any]) -> None:
    assert sparring("fixtures", "julep", "-o", tmp_path, "--datasets", "1").returncode == 0
    folder = tmp_path / "datasets" / "0001"
    server = serve("julep", "--seed-data", folder)
    about = json.loads((folder / "dataset.json").read_text())
    made = {each["id"]: each for each in json.loads((folder / "sessions.json").read_text())}
    with httpx2.Client(base_url=f"{server.url}/api") as client:
        for session in about["sessions"]:
            key = next(u["key"] for u in about["users"] if u["name"] == session["user"])
            headers = {"Authorization": f"Bearer {key}"}
            shown = client.get(f"/sessions/{session['id']}", headers=headers)
            assert shown.json() == made[session["id"]]
            messages = client.get(f"/sessions/{session['id']}/history", headers=headers)
            kept = json.loads((folder / session["folder"] / "messages.json").read_text())
            assert json.dumps(kept[0]["content"]) in messages.text
            agents = client.get("/agents", headers=headers).json()["items"]
            assert {agent["id"] for agent in agents} == set(about["ids"][session["user"]]["agent"])
        body = {"agent_id": agents[0]["id"]}
        new = client.post("/sessions", headers=headers, json=body).json()["id"]
        assert new not in made
        told = [{"role": "user", "content": "Hello!", "name": "x"}]
        chat = client.post(
            f"/sessions/{session['id']}/chat", headers=headers, json={"messages": told}
        )
        assert chat.status_code < 300


def test_a_folder_that_is_no_dataset_is_told_with_the_place(tmp_path: Path) -> None:
    document = load_document("sessions")
    folder = tmp_path / "datasets" / "0001"
    write_folder(folder, datasets(document).files(1))
    file = folder / "world.json"

    def told(folder: Path, document: Document = document) -> str:
        with pytest.raises(SparringError) as caught:
            load(folder, document, World())
        return str(caught.value)

    assert f"{tmp_path / 'world.json'}: No such file" in told(tmp_path)
    assert f"Name one dataset, such as {folder}." in told(tmp_path)
    assert 'is of "Agent sessions", not of "Julep sessions"' in told(folder, load_document("julep"))
    value = json.loads(file.read_text())
    first = value["records"][0]["record"]
    for index, wrong, why in (
        (2, "yesterday", "records[0].record: Expected `int`, got `str` - at `$[2]`"),
        (0, "another", "records[0]: its id and owner are not those of its record"),
    ):
        value["records"][0]["record"] = [*first[:index], wrong, *first[index + 1 :]]
        file.write_text(json.dumps(value))
        assert f"{file}: {why}" in told(folder)
    value["records"][0]["record"] = first
    file.write_text(json.dumps({**value, "records": value["records"] * 2}))
    assert "is there twice" in told(folder)
    file.write_text("[1]")
    assert f"{file}: Expected `object`, got `array`" in told(folder)
