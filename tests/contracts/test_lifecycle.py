"""Random walks beside a model find what is wrong, cut it down, and are silent where nothing is."""

import subprocess
from pathlib import Path

import pytest
from tests.contracts.conftest import Zoo, served

from sparring.contracts.choice import Profile
from sparring.contracts.findings.explain import explain
from sparring.contracts.findings.report import Report, State
from sparring.contracts.lifecycle import WALKED
from sparring.contracts.lifecycle.model import Kept, Sessions, agrees, resembling
from sparring.contracts.runner import Runner
from sparring.contracts.suites import run
from sparring.contracts.target.budget import Budget
from sparring.contracts.terms import Terms
from sparring.mockserver.app import create_app
from sparring.spec.finding import Finding
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import Document, load_document


def walk(url: str, document: Document, *, seed: int = 1, examples: int = 2) -> Report:
    return run(url, document, suites=["lifecycle"], seed=seed, max_examples=examples)


def told(report: Report) -> list[tuple[str, str, str]]:
    return [(f.promise, f.operation, f.seen) for f in report.findings]


def sequence(finding: Finding) -> list[tuple[str, int]]:
    return [(e.request.method, e.response.status) for e in finding.exchanges]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_right_server_has_no_finding(zoo: Zoo, document: Document, seed: int) -> None:
    report = walk(zoo(), document, seed=seed)
    assert told(report) == []
    assert {o.state for o in report.outcomes} == {State.PASSED}, report.outcomes
    assert report.requests > 100


@pytest.mark.parametrize("name", ["sessions", "julep", "flux0", "sentius"])
def test_the_mock_keeps_what_its_documents_promise(name: str) -> None:
    document = load_document(name)
    with served(create_app(document)) as url:
        report = walk(url, document, examples=1)
    assert told(report) == []
    assert {o.state for o in report.outcomes} == {State.PASSED}, report.outcomes


@pytest.mark.parametrize(
    ("fault", "promise", "longest"),
    [
        ("delete_keeps_readable", "delete.gone", 4),
        ("patch_resets_others", "patch.merges", 4),
        ("history_mixes_sessions", "talk.isolation", 14),
        ("stale_if_match_accepted", "etag.guards", 4),
        ("other_user_readable", "auth.owner", 4),
        ("active_is_oldest", "session.active", 8),
    ],
)
def test_a_fault_is_cut_down_to_a_short_walk(
    zoo: Zoo, document: Document, fault: str, promise: str, longest: int
) -> None:
    findings = {f.promise: f for f in walk(zoo(fault), document, examples=3).findings}
    assert promise in findings
    assert findings[promise].suite == "lifecycle"
    assert findings[promise].reproduced > 1
    assert len(findings[promise].exchanges) <= longest


def test_a_seed_takes_the_same_walks_again(zoo: Zoo, document: Document) -> None:
    url = zoo("delete_keeps_history")
    first, second = (walk(url, document, seed=7).findings for _ in range(2))
    assert [(f.id, f.operation, f.seed) for f in first] == [
        (f.id, f.operation, f.seed) for f in second
    ]
    assert [sequence(f) for f in first] == [sequence(f) for f in second]
    assert first


def test_the_script_of_a_finding_shows_it_again(
    zoo: Zoo, document: Document, tmp_path: Path
) -> None:
    (finding,) = walk(zoo("delete_keeps_readable"), document).findings
    script = tmp_path / "again.sh"
    script.write_text(finding.curl())
    done = subprocess.run(["bash", script], capture_output=True, text=True, timeout=30, check=True)
    answer = done.stdout.rpartition("HTTP/1.1 ")[2]
    assert answer.startswith("200"), done.stdout
    assert '"id":' in answer


def test_what_the_scenarios_have_found_is_not_told_again(zoo: Zoo, document: Document) -> None:
    runner = Runner(zoo("delete_keeps_readable"), document, seed=1)
    runner.broken.add(("delete.gone", "GET /sessions/{session_id}"))
    outcomes = runner.lifecycle(4)
    assert [f.promise for o in outcomes for f in o.findings] == []
    runner.target.close()


def test_a_run_that_may_only_read_takes_no_walk(zoo: Zoo, document: Document) -> None:
    terms = Terms(profile=Profile.READ_ONLY)
    report = run(zoo(), document, suites=["lifecycle"], terms=terms)
    assert {(o.state, o.reason) for o in report.outcomes} == {
        (State.SKIPPED, "the document has no session.create")
    }
    assert report.exit_code == 0


def test_a_spent_budget_ends_the_walks_and_leaves_nothing(zoo: Zoo, document: Document) -> None:
    url = zoo()
    runner = Runner(url, document, terms=Terms(budget=Budget(requests=60)))
    outcomes = runner.lifecycle()
    assert {o.state for o in outcomes} == {State.SKIPPED}
    assert "60 requests" in outcomes[0].reason
    assert runner.clean() == []
    runner.target.close()


def test_a_promise_says_that_it_is_walked(document: Document) -> None:
    assert set(REGISTRY) >= WALKED
    assert "random walks" in explain("delete.gone", document)
    assert "random walks" not in explain("stream.wait", document)


def test_the_model_knows_who_has_which_session() -> None:
    model = Sessions([Kept("a", 0, {}), Kept("b", 1, {}), Kept("c", 0, {}, alive=False)])
    assert [kept.id for kept in model.alive(0)] == ["a"]
    assert [kept.id for kept in model.foreign(0)] == ["b"]
    assert [kept.id for kept in model.deleted()] == ["c"]
    model.kept.append(Kept("c", 0, {}))
    assert model.deleted() == []
    found = model.by_id("c")
    assert found is not None
    assert found.alive


def test_filters_are_made_of_what_is_there_or_only_look_like_it() -> None:
    value = {"k": "Abc", "n": {"a": 1, "b": 2}, "t": True}
    made = [resembling(value, n) for n in range(24)]
    assert {"k": "Ab"} in made
    assert {"k": "aBC"} in made
    assert {"n": {"a": 1}} in made
    assert {"t": 1} in made
    assert [agrees(value, asked) for asked in ({"t": 1}, {"t": True}, {"k": "Ab"}, {})] == [
        *(False, True, False, True)
    ]
