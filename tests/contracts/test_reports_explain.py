"""`sparring test --explain ID` needs no target."""

import pytest
from click.testing import CliRunner

from sparring.cli import main
from sparring.contracts.findings.explain import explain
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import Document


@pytest.mark.parametrize("promise", REGISTRY)
def test_every_promise_can_be_explained(promise: str, document: Document) -> None:
    text = explain(promise, document)
    for part in (REGISTRY[promise].sentence, "checked  ", "violation  ", "withdrawn:"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_finding_is_explained_by_its_promise(document: Document) -> None:
    text = explain("list.order-1234abcd", document)
    assert "dir: `asc` or `desc`" in text
    assert "sessions.yaml:" in text
    assert '{id: list.order-1234abcd, reason: "say why", expires: ' in text


def test_a_check_of_schemathesis_is_explained(document: Document) -> None:
    assert "a baseline accepts it" in explain("conformance.some_check-1234abcd", document)


def test_explain_is_a_command_without_a_url() -> None:
    done = CliRunner().invoke(main, ["test", "--explain", "create.unique"])
    assert done.exit_code == 0
    assert "create.unique: Every created session has an id of its own." in done.output
    done = CliRunner().invoke(main, ["test", "--explain", "create.unqiue"])
    assert done.exit_code == 2
    assert 'Did you mean "create.unique"?' in done.output
    assert CliRunner().invoke(main, ["test"]).exit_code == 2
