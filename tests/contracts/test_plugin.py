"""The pytest plugin collects every promise without a test file, and costs nothing when unused."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tests.contracts.conftest import Zoo

from sparring import contracts

SOURCE = Path(__file__).parents[2] / "src"
PLUGIN = "sparring.contracts.plugin"


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest in a folder of its own, with the plugin loaded once."""
    known = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *(() if known else ("-p", PLUGIN)),
            *arguments,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_an_empty_folder_is_enough(zoo: Zoo, tmp_path: Path) -> None:
    result = run_pytest(
        tmp_path,
        "--sparring-url",
        zoo(),
        "-q",
        "-k",
        "create.unique or create.client or patch.null",
    )
    assert result.returncode == 0, result.stdout
    assert "passed" in result.stdout
    assert "failed" not in result.stdout


def test_a_broken_promise_fails_and_prints_the_finding(zoo: Zoo, tmp_path: Path) -> None:
    url = zoo("delete_keeps_readable")
    result = run_pytest(tmp_path, "--sparring-url", url, "-q", "-k", "delete.gone")
    assert result.returncode == 1, result.stdout
    assert "What was deleted is gone everywhere." in result.stdout
    assert "sessions.yaml:" in result.stdout
    assert "curl -sS" in result.stdout
    assert "FAILED sparring::delete.gone[GET /sessions/{session_id}]" in result.stdout


def test_workers_share_the_checks_and_leave_nothing(zoo: Zoo, tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    result = run_pytest(
        tmp_path,
        *("--sparring-url", zoo(), "-q", "-n", "2", "-k", "list.contains or unique"),
        *("--sparring-journal", "made.jsonl"),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout
    journals = [tmp_path / f"made.gw{n}.jsonl" for n in range(2)]
    text = "".join(journal.read_text() for journal in journals if journal.exists())
    assert text.count('"made"') == text.count('"gone"') > 3, "each worker deletes what it made"


def test_conformance_is_a_test_for_each_operation(zoo: Zoo, tmp_path: Path) -> None:
    result = run_pytest(tmp_path, "--sparring-url", zoo(), "--collect-only", "-q")
    lines = [line for line in result.stdout.splitlines() if "::conformance[" in line]
    assert len(lines) == 17  # all but the subscription
    assert any("::create.read_back[POST /sessions]" in line for line in result.stdout.splitlines())


def test_tests_of_the_user_are_kept(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_mine(): pass\n")
    result = run_pytest(tmp_path, "--sparring-url", zoo(), "-q", "-k", "mine or unique")
    assert "2 passed" in result.stdout, result.stdout


def test_a_target_that_is_not_there_ends_the_run(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, "--sparring-url", "http://127.0.0.1:9", "-q", "-k", "unique")
    assert result.returncode == 3
    assert "C103" in result.stdout + result.stderr


def test_an_unknown_document_is_a_usage_error(tmp_path: Path) -> None:
    arguments = ("--sparring-url", "http://127.0.0.1:9", "--sparring-spec", "absent.yaml")
    result = run_pytest(tmp_path, *arguments)
    assert result.returncode == 4
    assert "D101" in result.stdout + result.stderr


def test_suites_and_markers_choose_the_checks(zoo: Zoo, tmp_path: Path) -> None:
    arguments = ("--sparring-url", zoo(), "--collect-only", "-q", "--strict-markers")
    suites = ("--sparring-suite", "races", "--sparring-suite", "streaming")
    result = run_pytest(tmp_path, *arguments, *suites, "-m", "sparring and streaming")
    ids = [line for line in result.stdout.splitlines() if line.startswith("sparring::")]
    assert ids
    assert all(id.startswith(("sparring::stream.", "sparring::stop.")) for id in ids)


def test_what_the_target_needs_is_told_as_to_the_command(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "target.yaml").write_text('operations: ["!deleteSession"]\n')
    (tmp_path / "talk.yaml").write_text(
        "rules:\n  - { id: hi, user: hi, reply: Hello. }\nexpect: { hi: { final_text: fine } }\n"
    )
    options = ("--sparring-target", "target.yaml", "--sparring-profile", "own")
    result = run_pytest(
        tmp_path,
        *("--sparring-url", zoo(), "--sparring-script", "talk.yaml", *options, "-rA"),
    )
    assert result.returncode == 0, result.stdout
    assert "never called (excluded): DELETE /sessions/{session_id}" in result.stdout
    assert "PASSED sparring::script.expectation[POST /sessions/{session_id}/chat]" in result.stdout
    assert "1 of 1 expectations hold" in result.stdout
    assert "sparring: 1 sessions could not be deleted" in result.stdout


def test_a_budget_that_is_spent_is_exit_3(zoo: Zoo, tmp_path: Path) -> None:
    arguments = ("--sparring-url", zoo(), "-q", "-k", "create.unique")
    result = run_pytest(tmp_path, *arguments, "--sparring-max-requests", "2")
    assert result.returncode == 3, result.stdout
    assert "sparring: the run ended early: the budget of 2 requests is spent" in result.stdout


def test_a_baseline_is_skipped_with_its_reason(zoo: Zoo, tmp_path: Path) -> None:
    url = zoo("delete_keeps_readable")
    id = contracts.run(url, promises=["delete.gone"]).findings[0].id
    (tmp_path / "known.yaml").write_text(
        f"accepted: [{{ id: {id}, reason: mended in spring, expires: 2999-01-01 }}]\n"
    )
    arguments = ("--sparring-url", url, "-rs", "-k", "delete.gone and GET")
    result = run_pytest(tmp_path, *arguments, "--sparring-baseline", "known.yaml")
    assert result.returncode == 0, result.stdout
    assert "mended in spring" in result.stdout


def test_without_the_option_nothing_is_imported(tmp_path: Path) -> None:
    (tmp_path / "test_light.py").write_text(
        "import sys\n"
        "def test_light():\n"
        "    heavy = {'httpx2', 'schemathesis', 'hypothesis', 'jsonschema_rs', 'yaml', 'rich'}\n"
        "    ours = {name for name in sys.modules if name.startswith('sparring.')}\n"
        "    assert ours <= {'sparring.contracts', 'sparring.contracts.plugin'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    only_ours = ("-p", "no:hypothesispytest", "-p", "no:schemathesis", "-p", "no:pytest_httpx")
    result = run_pytest(tmp_path, "-q", *only_ours)
    assert result.returncode == 0, result.stdout
