"""Schemathesis at work: what it finds becomes a finding, what it misjudges does not."""

import math
import time
from types import SimpleNamespace
from typing import Any

import pytest
from schemathesis.openapi.checks import EnsureResourceAvailability, UseAfterFree
from tests.contracts.conftest import Zoo

from sparring.contracts.conformance.conformance import conform
from sparring.contracts.conformance.failures import Failures, misjudged
from sparring.contracts.driving.bodies import Bodies
from sparring.contracts.driving.driver import User
from sparring.contracts.findings.report import State
from sparring.contracts.runner import Runner
from sparring.contracts.target.budget import Budget
from sparring.contracts.target.target import Target
from sparring.contracts.terms import Terms
from sparring.contracts.world import World
from sparring.spec.openapi.document import Document, Operation


def alice(document: Document, url: str) -> User:
    """A user with a world of their own."""
    return User(World(document, Target(url), Bodies(document)), "alice-key")


def by_id(document: Document, *ids: str) -> list[Operation]:
    return [o for o in document.operations if o.id in ids]


def test_a_broken_answer_is_a_finding_with_its_requests(zoo: Zoo, document: Document) -> None:
    user = alice(document, zoo("owner_leaked"))
    result = conform(user.world, user, operations=by_id(document, "createSession"), max_examples=3)
    (finding,) = [f for f in result.findings if f.promise == "response.schema"]
    assert finding.operation == "POST /sessions"
    assert finding.suite == "conformance"
    assert finding.reproduced == 2
    assert "curl -sS" in finding.curl()
    assert finding.position is not None
    assert "sessions.yaml" in finding.position.file


def test_fresh_ids_are_never_a_conflict(zoo: Zoo, document: Document) -> None:
    user = alice(document, zoo())
    first, second = (
        conform(user.world, user, operations=by_id(document, "createSession"), seed=seed)
        for seed in (1, 1)
    )
    assert first.requests > 10
    assert [f.promise for f in first.findings + second.findings] == []


def test_a_document_that_it_dislikes_is_a_note(document: Document) -> None:
    broken: Any = SimpleNamespace(
        source=SimpleNamespace(tree={"openapi": "3.1.0", "paths": 7}),
        operations=document.operations,
        base_path="",
        schemas=document.schemas,
        with_role=document.with_role,
    )
    user = alice(broken, "http://127.0.0.1:9")
    result = conform(user.world, user, operations=document.operations[:1])
    assert result.findings == []
    assert "Schemathesis" in result.notes[0]


@pytest.mark.parametrize(
    ("freed", "unrelated"),
    [("DELETE /sessions/zv3h4j5Fjv", False), ("DELETE /sessions/zv3h4j5Fjv/history", True)],
)
def test_only_a_deleted_session_is_gone(document: Document, freed: str, unrelated: bool) -> None:
    user = alice(document, "http://h")
    labels = {operation.label: operation for operation in document.operations}
    failures = Failures(user.world, labels, seed=0)
    failure = UseAfterFree(operation="x", message="", free=freed, usage="GET /sessions/zv3h4j5Fjv")
    assert failures._unrelated(failure) is unrelated
    made = EnsureResourceAvailability(
        operation="x", message="", created_with="POST /sessions", not_available_with="GET /x"
    )
    assert failures._unrelated(made) is False


def test_a_request_that_our_validators_judge_otherwise_is_dropped(document: Document) -> None:
    (operation,) = by_id(document, "replaceSession")
    rejected = type("RejectedPositiveData", (), {})()

    def interaction(tag: str) -> Any:
        headers = {"Content-Type": ["application/json"], "If-Match": [tag]}
        uri = "http://h/sessions/zv3h4j5Fjv"
        request = SimpleNamespace(method="PUT", uri=uri, headers=headers, body=b"{}")
        return SimpleNamespace(request=request, response=None)

    assert misjudged(document, operation, interaction("0"), rejected)
    assert not misjudged(document, operation, interaction('"tag"'), rejected)


def test_what_there_was_no_time_for_is_skipped_and_not_passed(
    zoo: Zoo, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.contracts.runner.SHARE", 0.5)
    runner = Runner(zoo(), document)
    start = time.perf_counter()
    outcomes, notes = runner.conformance()
    assert time.perf_counter() - start < 20
    runner.clean()
    runner.target.close()
    assert {outcome.state for outcome in outcomes} == {State.SKIPPED}
    assert {outcome.reason for outcome in outcomes} == {
        "there was no time left for all of its requests"
    }
    assert "--max-time gives it more" in "\n".join(notes)


def test_a_run_whose_time_the_user_has_said_has_all_of_it_for_conformance(
    document: Document,
) -> None:
    own = Runner("http://h", document, terms=Terms(budget=Budget(seconds=600)))
    assert own._share(20) == math.inf
    assert Runner("http://h", document)._share(100) == 5 * Runner("http://h", document)._share(20)
