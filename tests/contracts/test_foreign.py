"""Agent servers have owners in paths, take talk as forms and show the history in the session."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.conftest import served
from tests.contracts.foreign import DOCUMENT, FAULTS, create_app

from sparring.contracts.findings.report import Report, causes
from sparring.contracts.suites import run
from sparring.spec.exchange import Exchange, Request, Response
from sparring.spec.finding import Blame, Finding
from sparring.spec.openapi.document import Document, load_document
from sparring.spec.openapi.form_encoding import encode_form, form_fields
from sparring.spec.replay import script

SUITES = ("promises", "streaming", "security")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Document:
    file = tmp_path_factory.mktemp("foreign") / "foreign.json"
    Path(file).write_text(json.dumps(DOCUMENT))
    return load_document(str(file), [])


def held(document: Document, *faults: str, promises: tuple[str, ...] = ()) -> Report:
    with served(create_app(*faults)) as url:
        return run(url, document, suites=SUITES, promises=promises, retries=1)


def test_a_right_one_has_the_one_finding_that_it_deserves(foreign: Document) -> None:
    report = held(foreign)
    assert [(c.finding.promise, c.finding.blame) for c in report.causes] == [
        ("input.accepted", Blame.EITHER)  # its document speaks of options, which it refuses
    ], [(f.promise, f.operation, f.seen) for f in report.findings]
    assert any("refuses options" in note for note in report.notes)
    passed = {o.promise for o in report.outcomes if o.state == "passed"}
    assert passed >= {"talk.recorded", "auth.owner", "stream.adds_up", "update.only", "delete.gone"}


@pytest.mark.parametrize(("fault", "promise"), FAULTS)
def test_its_faults_are_found(foreign: Document, fault: str, promise: str) -> None:
    report = held(foreign, fault, promises=(promise,))
    assert {finding.promise for finding in report.findings} == {promise}


def undeclared(operation: str, status: str) -> Finding:
    return Finding(
        promise="response.status",
        operation=operation,
        message="Every status is declared.",
        expected="a declared one",
        seen=status,
        suite="promises",
        blame=Blame.EITHER,
        cause=status,
    )


def test_undeclared_statuses_are_one_line_that_names_them_all() -> None:
    found = [undeclared("GET /a", "404"), undeclared("GET /b", "404"), undeclared("GET /a", "400")]
    (cause,) = causes(found)
    assert cause.operations == ("GET /a", "GET /b")
    assert cause.finding.seen == "undeclared: 400 by GET /a; 404 by GET /a, GET /b"
    failure = replace(undeclared("GET /a", "500"), blame=Blame.IMPLEMENTATION)
    assert len(causes([*found, failure])) == 2


def test_forms_are_written_and_shown_as_forms() -> None:
    sent = {"message": 'a=b & c\n"q"', "n": 1, "on": True, "tags": ["x", "y"], "none": None}
    kind, body = encode_form(sent, "multipart/form-data")
    shown = [("message", sent["message"]), ("n", "1"), ("on", "true"), ("tags", "x"), ("tags", "y")]
    assert form_fields(kind, body) == shown
    request = Request("POST", "http://h/run", {"Content-Type": kind}, body)
    assert "--form-string n=1" in request.curl()
    assert "boundary" not in request.curl()
    assert encode_form({"a": "ä b"}, "application/x-www-form-urlencoded")[1] == b"a=%C3%A4+b"


def test_a_script_reads_the_id_that_a_later_body_names() -> None:
    made = Response(200, {}, b'{"id": "5f0c2d1e-made-by-the-server"}')
    body = b'{"sessionId":"5f0c2d1e-made-by-the-server","text":"Hello"}'
    exchanges = [
        Exchange(Request("POST", "http://h/sessions", {}, b"{}"), made),
        Exchange(Request("POST", "http://h/run", {}, body), Response(200)),
    ]
    text = script(exchanges)
    assert "5f0c2d1e" not in text
    assert '"$id1"' in text
