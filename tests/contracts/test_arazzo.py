"""Reports and the life of a session as Arazzo workflows, executed by a public runner."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.contracts.conftest import Zoo

from sparring import contracts
from sparring.spec.openapi.document import load_document
from sparring.spec.text.source import load

MOCKS = Path(__file__).parents[1] / "mockserver"
RUNNER = Path(__file__).with_name("run_arazzo.py")
FAULTS = ("delete_keeps_readable", "title_trimmed", "other_user_readable", "limit_zero_accepted")
PROMISES = (
    "create.read_back",
    "delete.gone",
    "auth.owner",
    "input.parameters",
)  # each with one fault


def executed(description: Path, url: str, inputs: Any = None) -> dict[str, list[str]]:
    """How each step of each workflow ended at a URL."""
    tree = json.loads(description.read_text())
    source = tree["sourceDescriptions"][0]
    document = load(description.parent / source["url"]).tree
    (description.parent / "there.json").write_text(
        json.dumps({**document, "servers": [{"url": url}]})
    )
    source["url"] = "there.json"
    file = description.with_name("executed.json")
    file.write_text(json.dumps(tree))
    done = subprocess.run(
        [sys.executable, RUNNER, file, json.dumps(inputs or {})],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def lived(spec: str | Path, folder: Path) -> Path:
    from sparring.contracts.reports.arazzo import write_life

    write_life(load_document(spec), folder / "life.json")
    return folder / "life.json"


def test_the_life_of_a_session_passes_on_the_mock(mock: Any, tmp_path: Path) -> None:
    inputs = {"authorization": "Bearer alice-key"}
    found = executed(lived("sessions", tmp_path), mock.url, inputs)
    assert found == {"life_of_a_session": ["success"] * 7}


def test_operations_without_an_id_are_named_by_their_path(serve: Any, tmp_path: Path) -> None:
    spec = MOCKS / "threads.yaml"
    file = lived(spec, tmp_path)
    steps = json.loads(file.read_text())["workflows"][0]["steps"]
    start = "{$sourceDescriptions.api.url}#/paths/~1users~1{user_id}~1threads"
    assert steps[0]["operationPath"] == f"{start}/post"
    assert steps[1]["parameters"][1]["value"] == f"$steps.{steps[0]['stepId']}.outputs.id"
    url = serve(spec, "--script", Path(__file__).parents[1] / "quick.yaml").url
    assert executed(file, url) == {"life_of_a_session": ["success"] * 7}


def test_a_workflow_fails_where_its_finding_shows_and_passes_on_a_right_server(
    zoo: Zoo, tmp_path: Path
) -> None:
    wrong, right = zoo(*FAULTS), zoo()
    report = contracts.run(wrong, promises=PROMISES, suites=["promises", "security"])
    assert {finding.promise for finding in report} == set(PROMISES)
    file = tmp_path / "report.json"
    report.write("arazzo", file)
    workflows = json.loads(file.read_text())["workflows"]
    replayable = [finding for finding in report.findings if not finding.concurrent]
    assert len(workflows) == len(replayable) + 1
    judged = {w["workflowId"] for w in workflows[1:] if w["x-sparring"]["judged"]}
    assert len(judged) >= len(replayable) - 1
    inputs = {"authorization": "Bearer alice-key"}
    for id, steps in executed(file, wrong, inputs).items():
        if id in judged:
            assert steps == ["success"] * (len(steps) - 1) + ["failure"], id
    for id, steps in executed(file, right, inputs).items():
        assert set(steps) == {"success"}, id


def test_ids_are_those_that_the_server_gives_when_it_runs(zoo: Zoo, tmp_path: Path) -> None:
    report = contracts.run(zoo("delete_keeps_readable"), promises=["delete.gone"])
    report.write("arazzo", tmp_path / "report.json")
    text = (tmp_path / "report.json").read_text()
    finding = next(f for f in report if f.operation.startswith("GET /sessions/{"))
    id = finding.exchanges[-1].request.url.rsplit("/", 1)[-1]
    assert id not in text
    assert '"id1": "$response.body#/id"' in text


def test_a_report_without_findings_has_the_life_of_a_session(zoo: Zoo, tmp_path: Path) -> None:
    report = contracts.run(zoo(), promises=["create.unique"])
    report.write("arazzo", tmp_path / "report.json")
    tree = json.loads((tmp_path / "report.json").read_text())
    assert [w["workflowId"] for w in tree["workflows"]] == ["life_of_a_session"]
    assert tree["arazzo"] == "1.0.1"
