"""The contract suites as a function: what it takes, and what its report can do."""

from pathlib import Path
from typing import Any

import pytest
from tests.contracts.conftest import Zoo

from sparring import contracts
from sparring.spec.errors import SparringError
from sparring.spec.openapi.document import load_document


def test_a_document_is_a_name_a_path_or_one_that_is_loaded(mock: Any) -> None:
    loaded = load_document("sessions")
    for document in ("sessions", Path(loaded.source.name), loaded):
        report = contracts.run(mock.url, document, promises=["create.unique"])
        report.check()
        assert report.exit_code == 0
        assert [outcome.promise for outcome in report.outcomes] == ["create.unique"]


def test_a_broken_promise_fails_the_test_that_checks_and_says_all(zoo: Zoo) -> None:
    report = contracts.run(zoo("delete_keeps_readable"), promises=["delete.gone"])
    with pytest.raises(AssertionError) as caught:
        report.check()
    text = str(caught.value)
    assert "What was deleted is gone everywhere." in text
    assert "curl -sS" in text
    assert {finding.promise for finding in report} == {"delete.gone"}
    assert repr(report).startswith("<Report of http://127.0.0.1:")
    assert "delete.gone-" in repr(report)
    assert len(repr(report)) < 1000


def test_a_run_that_ended_early_does_not_pass(mock: Any) -> None:
    report = contracts.run(mock.url, promises=["create.unique"], max_requests=1)
    assert report.exit_code == 3
    with pytest.raises(AssertionError, match="the budget of 1 requests is spent"):
        report.check()


def test_the_options_of_the_command_are_arguments(mock: Any, tmp_path: Path) -> None:
    target = tmp_path / "target.yaml"
    target.write_text("bodies: { session.create: { metadata: { purpose: test } } }\n")
    journal = tmp_path / "journal.jsonl"
    seen: list[str] = []
    report = contracts.run(
        mock.url,
        promises=["create.unique"],
        target=target,
        journal=str(journal),
        rate="1000/s",
        watch=lambda outcome: seen.append(outcome.id),
    )
    report.check()
    assert seen == ["create.unique[POST /sessions]"]
    assert '"made"' in journal.read_text()
    report.write("junit", tmp_path / "junit.xml")
    assert "create.unique" in (tmp_path / "junit.xml").read_text()


def test_nobody_there_is_an_error_of_its_own() -> None:
    with pytest.raises(SparringError, match="C103"):
        contracts.run("http://127.0.0.1:9", promises=["create.unique"])
