"""--watch: a file is edited while it is served; a broken one changes nothing."""

import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADERS = {"Authorization": "Bearer alice-key"}


class Watched:
    """`sparring serve --watch`; what it prints is waited for, not looked at by the clock."""

    def __init__(self, *arguments: str | Path) -> None:
        command = [sys.executable, "-m", "sparring.cli", "serve", "--watch", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        url = re.search(r"http://\S+", self.until("serves"))
        assert url is not None
        self.client = httpx2.Client(base_url=url.group(), headers=HEADERS, timeout=20)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def until(self, words: str) -> str:
        """All that is printed up to a line with these words."""
        text = ""
        while words not in text:
            text += self._lines.get(timeout=30)
        return text

    def stop(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(timeout=20)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    spec, script = tmp_path / "api.yaml", tmp_path / "agent.yaml"
    spec.write_text((ROOT / "spec" / "sessions.yaml").read_text())
    script.write_text("rules: [{user: hello, reply: First.}]\nfallback: What?\n")
    return spec, script


@pytest.fixture
def watched(files: tuple[Path, Path]) -> Iterator[Watched]:
    server = Watched(files[0], "--script", files[1])
    yield server
    server.stop()


def chat(client: httpx2.Client, id: str) -> str:
    body = {"messages": [{"role": "user", "content": "hello"}]}
    answer = client.post(f"/sessions/{id}/chat", json=body)
    assert answer.status_code == 200, answer.text
    said: str = answer.json()["messages"][0]["content"]
    return said


def test_a_broken_document_is_told_and_the_old_one_goes_on_until_it_is_mended(
    watched: Watched, files: tuple[Path, Path]
) -> None:
    spec, _ = files
    client, good = watched.client, spec.read_text()
    id = client.post("/sessions", json={"agent_id": "baker"}).json()["id"]
    assert chat(client, id) == "First."
    for nonsense, code in (("openapi: [", "D102"), ("", "D110"), ("rol: x", "D140")):
        text = good.replace("role: session.create", nonsense) if code == "D140" else nonsense
        spec.write_text(text)
        told = watched.until("goes on with Agent sessions as it was")
        assert f"{code} " in told
        assert str(spec) in told
        assert chat(client, id) == "First.", "the old document, the old sessions"
    spec.write_text(good.replace("  /sessions/active:", "  /sessions/current:"))
    watched.until("taken up the changes of Agent sessions")
    assert client.get("/sessions/current").json()["id"] == id, "the session is still there"
    assert client.get("/sessions/active").status_code == 422
    assert len(client.get(f"/sessions/{id}/history").json()["items"]) == 8


def test_a_script_is_taken_up_and_a_broken_one_is_not(
    watched: Watched, files: tuple[Path, Path]
) -> None:
    _, script = files
    client = watched.client
    id = client.post("/sessions", json={"agent_id": "baker"}).json()["id"]
    assert chat(client, id) == "First."
    script.write_text("rules: [{user: hello, replyy: Second.}]\n")
    assert "S101" in watched.until("goes on with Agent sessions as it was")
    assert chat(client, id) == "First."
    told = client.get("/sessions").headers["x-sparring-error"]
    assert re.search(r'agent.yaml:1:23 S101 unknown key "replyy"', told)
    script.write_text("rules: [{user: hello, reply: Second.}]\n")
    watched.until("taken up the changes of Agent sessions")
    assert chat(client, id) == "Second."
    assert "x-sparring-error" not in client.get("/sessions").headers


def test_sessions_keep_their_place_in_a_script_that_is_edited(
    watched: Watched, files: tuple[Path, Path]
) -> None:
    client, script = watched.client, files[1]
    steps = [f"{{ id: s{n}, user: hello, reply: '{n} old' }}" for n in range(3)]
    script.write_text(f"vars: {{ n: 1 }}\nflow: [{', '.join(steps)}]\nfallback: over\n")
    watched.until("taken up the changes of Agent sessions")
    id = client.post("/sessions", json={"agent_id": "baker"}).json()["id"]
    assert chat(client, id) == "0 old"
    steps.insert(0, "{ id: new, user: hello, reply: new }")
    steps[2] = "{ id: s1, user: hello, reply: '1 edited' }"
    script.write_text(f"vars: {{ n: 1 }}\nflow: [{', '.join(steps)}]\nfallback: over\n")
    watched.until("taken up the changes of Agent sessions")
    assert [chat(client, id) for _ in range(3)] == ["1 edited", "2 old", "over"]


def test_a_file_that_an_editor_puts_in_place_of_the_old_one_is_seen(
    watched: Watched, files: tuple[Path, Path]
) -> None:
    _, script = files
    for word in ("Second.", "Third."):
        new = script.with_suffix(".new")
        new.write_text(f"rules: [{{user: hello, reply: {word}}}]\n")
        new.replace(script)
        watched.until("taken up the changes of Agent sessions")
        id = watched.client.post("/sessions", json={"agent_id": "baker"}).json()["id"]
        assert chat(watched.client, id) == word


def test_files_that_a_document_refers_to_and_overlays_are_watched_too(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    part, overlay = tmp_path / "parts" / "thing.yaml", tmp_path / "overlay.yaml"
    spec = tmp_path / "api.yaml"
    part.write_text("type: object\nrequired: [a]\nproperties: {a: {const: 1}}\n")
    overlay.write_text("overlay: 1.0.0\nactions: [{target: $.info, update: {title: One}}]\n")
    spec.write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /thing:\n    get:\n"
        "      responses: {'200': {description: ok, content: {application/json: "
        "{schema: {$ref: parts/thing.yaml}}}}}\n"
    )
    server = Watched("sessions", spec, "--overlay", f"api={overlay}")
    try:
        assert server.client.get("/api/thing").json() == {"a": 1}
        part.write_text("type: object\nrequired: [a]\nproperties: {a: {const: 2}}\n")
        server.until("taken up the changes of One")
        assert server.client.get("/api/thing").json() == {"a": 2}
        overlay.write_text("overlay: 1.0.0\nactions: [{target: $.info, update: {title: Two}}]\n")
        server.until("taken up the changes of Two")
        titles = [row["title"] for row in server.client.get("/").json()["mounted"]]
        assert titles == ["Agent sessions", "Two"]
    finally:
        server.stop()
