"""Every kind of report is a reader of the same `Report`, and survives a hostile target."""

import base64
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import pytest
from rich.console import Console
from tests.contracts.conftest import OVERLAY, Zoo, served
from tests.contracts.test_command import told
from tests.zoo.server import create_app

from sparring.contracts.findings.report import Outcome, Report, State
from sparring.contracts.reports import KINDS, render
from sparring.contracts.reports.console import print_report
from sparring.contracts.suites import run
from sparring.spec.exchange import Exchange, Request, Response
from sparring.spec.finding import Blame, Finding, Severity
from sparring.spec.openapi.document import Document

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
SARIF = {
    # What SARIF 2.1.0 asks of the objects that we write (sections 3.13, 3.14, 3.19, 3.27, 3.49).
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "properties": {"shortDescription": TEXT, "help": TEXT},
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["message", "ruleId"],
                            "properties": {
                                "message": TEXT,
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "baselineState": {
                                    "enum": ["new", "unchanged", "updated", "absent"]
                                },
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                },
                                "locations": {
                                    "items": {
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "properties": {"uri": {"type": "string"}}
                                                    },
                                                    "region": {
                                                        "properties": {
                                                            "startLine": {
                                                                "type": "integer",
                                                                "minimum": 1,
                                                            }
                                                        }
                                                    },
                                                },
                                            }
                                        }
                                    }
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}
FAULTS = ("limit_zero_accepted", "etag_frozen", "not_found_is_200")
BROKEN = ["input.parameters", "etag.changes", "session.missing"]
HOSTILE = "</pre><script>alert(1)</script>\"'\x1b[2J\n::error file=x::\u2028\u202e\ud800 %0A, a: b"


@pytest.fixture(scope="module")
def report(document: Document) -> Iterator[Report]:
    """What three faults of the zoo come to."""
    with served(create_app(FAULTS, pace=0.002)) as url:
        yield run(url, document, promises=BROKEN, retries=1)


@pytest.fixture
def hostile(document: Document) -> Report:
    """A report on a target that answers with all that a reader may stumble over."""
    finding = Finding(
        "response.schema",
        "GET /sessions",
        HOSTILE,
        HOSTILE,
        HOSTILE,
        "promises",
        (
            Exchange(
                Request(
                    "POST", "http://h/sessions", {"X": "a"}, HOSTILE.encode("utf-8", "replace")
                ),
                Response(200, {"x": HOSTILE}, HOSTILE.encode("utf-8", "replace")),
            ),
        ),
    )
    outcome = Outcome("response.schema", "GET /sessions", State.FAILED, HOSTILE, (finding,))
    return Report(document, "http://h", outcomes=[outcome], findings=[finding], notes=[HOSTILE])


def lines(report: Report) -> list[dict[str, Any]]:
    return [json.loads(line) for line in render("ndjson", report).decode().splitlines()]


class Page(HTMLParser):
    """The elements of a page; every one that opens must close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_a_cause_has_one_id_whatever_the_seed_the_host_and_the_operation(
    report: Report, document: Document
) -> None:
    with served(create_app(FAULTS, pace=0.002)) as url:
        again = run(url, document, promises=BROKEN, retries=1, seed=11, workers=2)
    assert again.url != report.url
    assert {cause.finding.id for cause in again.causes} == {c.finding.id for c in report.causes}
    missing = [f for f in report.findings if f.promise == "session.missing"]
    assert len({f.operation for f in missing}) > 3
    assert len({f.id for f in missing}) == 1
    assert re.fullmatch(r"session\.missing-[0-9a-f]{8}", missing[0].id)


def test_one_undeclared_status_is_one_cause_however_different_the_declared_ones(
    zoo: Zoo, document: Document
) -> None:
    report = run(zoo("other_user_forbidden"), document, promises=["auth.owner"], retries=1)
    found = [c for c in report.causes if c.finding.promise == "response.status"]
    assert len(found) == 1
    assert len(found[0].operations) > 3
    assert found[0].finding.blame is Blame.EITHER


def test_the_script_of_a_finding_shows_it_again(zoo: Zoo, document: Document) -> None:
    """The ids that the server gives to the replayed sessions are others."""
    report = run(zoo("text_html_escaped"), document, promises=["text.verbatim"], retries=1)
    script = report.causes[0].finding.curl()
    assert '"$id1"' in script
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert "&lt;b onclick=" in shown.rpartition("HTTP/1.1 200")[2]


def test_a_script_takes_ids_from_answers_and_leaves_the_rest_alone() -> None:
    made = Response(201, {}, b'{"data": [{"id": "it\'s-1234"}], "kind": "chat"}')
    exchanges = [
        Exchange(Request("POST", "http://h/chat", {}, b'{"id": "mine"}'), made),
        Exchange(Request("GET", "http://h/chat/it's-1234"), Response(200)),
        Exchange(Request("GET", "http://h/chat/mine"), Response(200)),
    ]
    finding = Finding("response.schema", "GET /", "m", "e", "s", "promises", exchanges)
    script = finding.curl().splitlines()
    assert script[1].startswith("answer=$(curl -sS -X POST http://h/chat ")
    assert script[3:] == [
        """id1=$(pick '["data", 0, "id"]')""",
        """curl -sS -i -X GET 'http://h/chat/'"$id1"''""",
        "curl -sS -i -X GET http://h/chat/mine",
    ]


def test_sarif_has_what_it_asks_for_and_names_the_line_of_the_promise(
    report: Report, hostile: Report
) -> None:
    schema = jsonschema_rs.validator_for(SARIF)
    for one in (report, hostile):
        log = json.loads(render("sarif", one))
        assert [str(error) for error in schema.iter_errors(log)] == []
    results = json.loads(render("sarif", report))["runs"][0]["results"]
    assert [r["partialFingerprints"]["sparring/v1"] for r in results] == [
        cause.finding.id for cause in report.causes
    ]
    for result, cause in zip(results, report.causes, strict=True):
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"].endswith("spec/sessions.yaml")
        assert cause.finding.position is not None
        assert place["region"]["startLine"] == cause.finding.position.line
        assert result["properties"]["pointer"].startswith("/paths/~1sessions")


def test_ndjson_has_a_line_for_each_cause_and_check_and_the_end(report: Report) -> None:
    found = lines(report)
    kinds = [line["type"] for line in found]
    assert kinds.count("finding") == len(report.causes)
    assert kinds.count("check") == len(report.outcomes)
    assert kinds[-1] == "end"
    assert found[-1]["exit_code"] == 1
    needed = {"id", "severity", "blame", "promise", "file", "line", "expected", "seen", "curl"}
    assert needed | {"seed", "reproduced", "tried", "operations"} <= found[0].keys()


def test_github_commands_are_one_line_each_and_escaped(report: Report, hostile: Report) -> None:
    text = render("github", report).decode()
    assert len(text.splitlines()) == len(report.causes)
    assert re.match(r"::error title=major%3A \S+,file=\S+/sessions\.yaml,line=\d+::\S", text)
    text = render("github", hostile).decode()
    assert len(text.splitlines()) == 1
    assert "%250A" in text, "a per cent sign of the target is none of a command"
    small = replace(hostile.findings[0], severity=Severity.MINOR)
    assert render("github", replace(hostile, findings=[small])).startswith(b"::warning ")


def test_the_page_says_the_verdict_first_and_all_of_each_finding(report: Report) -> None:
    text = render("html", report).decode()
    page = Page(text)
    body = text.partition("<body>")[2]
    assert re.match(rf"<main><header><h1[^>]*>{len(report.causes)} findings</h1>", body)
    ids = {a.get("id") for a in page.all("details")}
    shown = "".join(page.texts)
    for cause in report.causes:
        assert cause.finding.id in ids
        for part in (cause.finding.expected, cause.finding.seen, cause.finding.curl()):
            assert part in shown
    unfolded = [a for a in page.all("details") if "open" in a]
    assert len(unfolded) == min(5, len(report.causes))
    links = {a["href"] for a in page.all("a")}
    assert links <= {f"#{id}" for id in ids}, "a failed cell leads to its finding"
    keys = [(o.promise, o.operation) for o in report.outcomes]
    broken = {(f.promise, f.operation) for f in report.findings}
    rows = {promise for promise, _ in {*keys, *broken}}
    assert len(page.all("td")) == len(rows) * len({operation for _, operation in keys})
    assert len([a for a in page.all("td") if a.get("class") == "failed"]) == len(broken)


def test_the_page_needs_no_network_and_no_script(report: Report) -> None:
    text = render("html", report).decode()
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        assert not {"src", "style"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert policy is not None
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "prefers-color-scheme: dark" in style.group(1)


def test_hostile_content_stays_text_on_the_page(hostile: Report) -> None:
    text = render("html", hostile).decode()
    page = Page(text)
    assert page.all("script") == []
    assert "<script>alert(1)</script>" in "".join(page.texts)
    assert not set("\x1b\u202e") & set(text)


def test_hostile_content_gets_no_line_and_no_control_sequence_on_the_console(
    hostile: Report, tmp_path: Path
) -> None:
    file = tmp_path / "out.txt"
    with file.open("w", encoding="utf-8", errors="replace") as out:
        print_report(hostile, Console(file=out, width=120))
    text = file.read_text(encoding="utf-8", errors="replace")
    assert not set("\x1b\u2028\u202e") & set(text)
    assert [line for line in text.splitlines() if line.strip().startswith("::")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_whatever_the_target_answers(kind: str, hostile: Report) -> None:
    data = render(kind, hostile)
    assert data.decode("utf-8").endswith("\n")
    if kind == "junit":
        assert ElementTree.fromstring(data).get("failures") == "1"
    if kind == "ndjson":
        assert len(lines(hostile)) == 3
    assert HOSTILE not in data.decode("utf-8")


def test_reports_go_to_files_and_one_to_the_standard_output(
    zoo: Zoo, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    files = [f"{kind}={tmp_path / kind}" for kind in KINDS]
    url = zoo("if_match_won_twice")
    code, text = told(url=url, overlays=[OVERLAY], suites=["races"], reports=[*files, "ndjson=-"])
    assert code == 1
    out = capfdbinary.readouterr().out
    assert out == (tmp_path / "ndjson").read_bytes(), "and nothing else"
    assert "race.update" in text
    assert all((tmp_path / kind).stat().st_size for kind in KINDS)


@pytest.mark.parametrize(
    ("reports", "message"),
    [
        (["sarif"], "the kinds are junit, sarif, html, ndjson, github, arazzo"),
        (["html=absent/folder/x.html"], "its folder does not exist"),
        (["html=-", "sarif=-"], "only one report can go to the standard output"),
    ],
)
def test_a_report_that_could_not_be_written_is_refused_before_the_run(
    reports: list[str], message: str
) -> None:
    code, text = told(url="http://127.0.0.1:9", reports=reports)
    assert code == 2
    assert message in text
