"""Every example of the README runs, and of the pages that have any."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = (ROOT / "docs" / "scripts.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:# yaml-language-server: .*\n)?# (\S+\.yaml)\n")


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """The environment of the examples: `sparring` and `pytest` of this environment come first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def run(document: str, folder: Path, env: dict[str, str]) -> list[str]:
    """Writes the files that a document names, runs its commands, and returns what they print."""
    blocks = BLOCK.findall(document)
    for language, text in blocks:
        if language == "yaml" and (named := FILE.match(text)):
            (folder / named.group(1)).write_text(text, encoding="utf-8")
    port = free_port()
    server: subprocess.Popen[str] | None = None
    printed = []
    try:
        for language, text in blocks:
            text = text.replace("8000", str(port))
            if language == "python":
                subprocess.run([sys.executable, "-c", text], check=True, env=env, cwd=folder)
            if language != "sh":
                continue
            if text.startswith("sparring serve"):
                server = restart(server, f"exec {text.strip()} --port {port}", folder, env)
                continue
            if text == "sparring test http://127.0.0.1:8000\n".replace("8000", str(port)):
                text = f"{text.strip()} --suite races\n"  # tests/test_own_mock.py runs them all
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                env=env,
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            printed.append(done.stdout)
    finally:
        stop(server)
    return printed


def test_every_example_of_the_readme_runs(tmp_path: Path, shell: dict[str, str]) -> None:
    printed = run(README, tmp_path, shell)
    streamed = printed[1]
    assert streamed.count("event: chunk") > 2, "the second curl streams the scripted reply"
    assert streamed.rstrip().endswith('"finish_reason":"stop"}')
    assert "Hello! How can I help?" in printed[2], "what was streamed is in the history"
    resumed = printed[3]
    assert resumed.startswith("id: 5\n"), "a turn goes on behind the last event that came"
    assert resumed.rstrip().endswith(streamed.rstrip().split("\n")[-1]), "it is the same turn"
    assert '"pointer":"/agent_id"' in printed[4]
    assert "bakery> One rye, here you are." in printed[5]
    assert 'flow step "order" (bakery.yaml:13), at a distance of 0.11.' in printed[5]
    assert "2 of 2 expectations hold" in printed[5]
    assert printed[6].count('"finish_reason":"stop"}') == 2, "both turns are streamed"
    assert (tmp_path / "fixtures" / "schemas" / "Session.json").exists()


def test_a_client_can_do_what_the_reference_of_scripts_says(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    called, answered, resumed = run(SCRIPTS, tmp_path, shell)
    assert '"finish_reason":"tool_calls"' in called, "the JSON body does not show the call"
    assert '"content":"Hello Ann!"' in called, "the greeting was allowed"
    assert '"tool_call_id":"call_1","name":"lookup_order"' in called, "the events do"
    assert '"content":"It is on its way."' in answered
    assert '"content":"Approved: true."' in answered
    turn, session = (f"id: 8\n{text}" for text in resumed.split("id: 8\n")[1:])
    assert "event: done" in turn, "the turn is told to its end, behind the last event that came"
    assert "tool_result" not in turn
    assert "Approved: true." in session, "and the session with all that came later"


def test_the_examples_of_the_page_on_pytest_and_python_run(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    tested, replayed, written = run(page, tmp_path, shell)
    assert "1 passed, " in tested
    assert "1 of 1 expectations hold" in replayed
    assert "0 findings" in written
    assert (tmp_path / "report.html").exists()
    assert (tmp_path / "life.json").read_text().count("stepId") == 7


def test_the_examples_of_the_page_on_fixtures_run(tmp_path: Path, shell: dict[str, str]) -> None:
    page = (ROOT / "docs" / "fixtures.md").read_text(encoding="utf-8")
    printed = run(page, tmp_path, shell)
    assert any("1 passed" in text for text in printed)
    named = {name.partition("/")[0] for name in re.findall(r"`([^` ]+)`", BLOCK.sub("", page))}
    for folder in (tmp_path / "fixtures").iterdir():
        assert folder.name in named, "the page names every folder and file"


def test_the_examples_of_the_page_on_changes_run_and_print_what_it_shows(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    page = (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    printed = ""
    for language, text in blocks:
        if language == "yaml" and (named := FILE.match(text)):
            (tmp_path / named.group(1)).write_text(text, encoding="utf-8")
        elif language == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                env=shell,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            printed += done.stdout
        elif language == "text":
            assert printed.startswith(text)
    assert (tmp_path / "comment.md").read_text().startswith("**This breaks clients.**")


def restart(
    old: subprocess.Popen[str] | None, command: str, folder: Path, env: dict[str, str]
) -> subprocess.Popen[str]:
    """Starts a server in place of another, and waits until it says that it serves."""
    stop(old)
    new = subprocess.Popen(
        ["bash", "-c", command], env=env, cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert new.stdout is not None
    assert "serves" in new.stdout.readline()
    return new


def stop(server: subprocess.Popen[str] | None) -> None:
    if server is not None:
        server.terminate()
        server.communicate(timeout=20)


def test_the_readme_names_every_command() -> None:
    from sparring.cli import main

    for command in main.commands:
        assert f"sparring {command}" in README


def test_the_examples_of_the_documents_are_scripts_without_a_mistake() -> None:
    from sparring.fixtures.script import load_script

    for file in (ROOT / "examples").glob("*.yaml"):
        assert load_script(file).rules
