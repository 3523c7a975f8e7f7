"""`sparring test`: exit codes, messages and the JUnit report."""

import asyncio
import builtins
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from starlette.types import Receive, Scope, Send
from tests.contracts.conftest import Zoo, served

from sparring.contracts.command import FINDINGS, INTERNAL, UNREACHABLE, USAGE, run_tests
from sparring.contracts.findings.report import Outcome, Report, State
from sparring.contracts.reports.console import print_report
from sparring.contracts.reports.junit import junit
from sparring.contracts.suites import run
from sparring.spec.errors import SparringError
from sparring.spec.openapi.document import Document

NOBODY = "http://127.0.0.1:9"


def told(**arguments: Any) -> tuple[int, str]:
    """The exit code, and what was printed."""
    console = Console(file=io.StringIO(), width=120)
    code = run_tests(console=console, **arguments)
    assert isinstance(console.file, io.StringIO)
    return code, console.file.getvalue()


def test_a_right_server_is_clean(zoo: Zoo) -> None:
    code, text = told(url=zoo(), suites=["races"])
    assert code == 0, text
    assert "session.create" in text
    assert "0 findings" in text


def test_findings_are_exit_1_and_tell_everything(zoo: Zoo, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    url = zoo("if_match_won_twice")
    code, text = told(url=url, suites=["races"], reports=[f"junit={file}"], seed=7)
    assert code == FINDINGS
    for part in (
        "Of many updates with one If-Match one succeeds",
        "race.update",
        "PUT /sessions/{session_id}",
        "sessions.yaml:",
        "expected",
        "seen",
        "curl -sS",
        "seed 7",
    ):
        assert part in text
    assert ElementTree.parse(file).getroot().get("failures") != "0"


def test_what_goes_wrong_in_sparring_is_exit_4(document: Document) -> None:
    outcome = Outcome("create.read_back", "POST /sessions", State.ERROR, "KeyError: 'x'")
    assert Report(document, NOBODY, outcomes=[outcome]).exit_code == INTERNAL
    code, text = told(url=NOBODY, rate=7)  # what no command line can say
    assert code == INTERNAL
    assert "TypeError" in text
    assert "please report it" in text


def test_a_target_that_is_not_there_is_exit_3() -> None:
    code, text = told(url=NOBODY)
    assert code == UNREACHABLE
    assert "C103" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "not a url"}, "C101"),
        ({"url": NOBODY, "spec": "absent.yaml"}, "D101"),
        ({"url": NOBODY, "suites": ["everything"]}, "there is no suite everything"),
        ({"url": NOBODY, "headers": ["nothing"]}, "is not a header"),
        ({"url": NOBODY, "reports": ["pdf=x"]}, "is not a kind of report"),
        ({"url": NOBODY, "overlays": ["absent.yaml"]}, "D101"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: dict[str, Any], message: str) -> None:
    code, text = told(**arguments)
    assert code == USAGE, text
    assert message in text


def test_a_missing_extra_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__

    def absent(name: str, *arguments: Any, **more: Any) -> Any:
        if name.rpartition(".")[2] == "suites":
            raise ModuleNotFoundError("No module named 'schemathesis'", name="schemathesis")
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    code, text = told(url=NOBODY)
    assert code == USAGE
    assert "C102" in text
    assert "pip install 'sparring[test]'" in text


def test_keys_come_from_the_environment(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARRING_KEY", "nobody's key")
    code, text = told(url=zoo(), suites=["races"])
    assert code == FINDINGS
    assert "401" in text
    assert told(url=zoo(), suites=["races"], key="alice-key")[0] == 0


def test_the_counts_of_junit_agree(zoo: Zoo, document: Document) -> None:
    report = run(zoo("patch_replaces_metadata"), document, suites=["races"], retries=1)
    report.outcomes += run(
        zoo(), document, promises=["delete.idempotent", "session.active"]
    ).outcomes
    root = ElementTree.fromstring(ElementTree.tostring(junit(report)))
    assert int(root.get("tests", "0")) == len(report.outcomes)
    assert len(root.findall(".//testcase")) == len(report.outcomes)
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(key, "-1")) == len(root.findall(f".//{tag}"))
        for suite in root.findall("testsuite"):
            assert int(suite.get(key, "-1")) == len(suite.findall(f"testcase/{tag}"))
    states = [o.state for o in report.outcomes if not o.findings]
    assert int(root.get("skipped", "-1")) == states.count(State.SKIPPED) + states.count(
        State.BLOCKED
    )


def test_one_cause_is_shown_once(zoo: Zoo, document: Document) -> None:
    report = run(zoo("delete_keeps_readable"), document, promises=["delete.gone"], retries=1)
    console = Console(file=io.StringIO(), width=120)
    print_report(report, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert text.count("What was deleted is gone everywhere.") == len(report.causes)


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that never answers."""
    if scope["type"] == "http":
        await asyncio.sleep(60)


def test_a_target_that_never_answers_is_unreachable(document: Document) -> None:
    with served(silent) as url, pytest.raises(SparringError) as caught:
        run(url, document, timeout=0.2)
    assert caught.value.defects[0].code == "C103"


def test_a_document_without_roles_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plain.yaml"
    file.write_text("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/x: {get: {}}}\n")
    code, text = told(url=NOBODY, spec=str(file))
    assert code == USAGE
    assert "no operation has a role" in text
