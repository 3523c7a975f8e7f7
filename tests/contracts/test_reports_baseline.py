"""A baseline accepts findings for a time, and says what it no longer fits."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from tests.contracts.conftest import OVERLAY, Zoo
from tests.contracts.test_command import NOBODY, told

from sparring.contracts.findings.baseline import Baseline, Entry, read_baseline
from sparring.contracts.findings.report import Report, State
from sparring.contracts.reports import render
from sparring.contracts.reports.junit import junit
from sparring.contracts.suites import run
from sparring.spec.openapi.document import Document

TODAY = date(2030, 1, 1)
LATER, EARLIER = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
WANTED = ["input.parameters"]


@pytest.fixture
def report(zoo: Zoo, document: Document) -> Report:
    found = run(zoo("limit_zero_accepted"), document, promises=WANTED, retries=1)
    assert len(found.causes) == 1
    assert len(found.findings) > 2
    return found


def test_an_accepted_finding_does_not_fail_the_run_and_is_listed_apart(report: Report) -> None:
    id, count = report.findings[0].id, len(report.findings)
    report.accept(Baseline((Entry(id, "ours to fix in spring", TODAY),)), TODAY)
    assert report.exit_code == 0
    assert report.findings == []
    assert len(report.accepted) == count
    assert [o for o in report.outcomes if o.state is State.FAILED] == []
    assert junit(report).get("failures") == "0"
    assert int(junit(report).get("skipped", "0")) >= count
    kinds = [json.loads(line)["type"] for line in render("ndjson", report).splitlines()]
    assert "finding" not in kinds
    assert kinds.count("accepted") == 1
    result = json.loads(render("sarif", report))["runs"][0]["results"][0]
    assert result["suppressions"][0]["status"] == "accepted"
    assert b"ours to fix in spring" in render("html", report)
    assert render("github", report) == b""


def test_an_entry_with_an_operation_accepts_that_operation_only(report: Report) -> None:
    first = report.findings[0]
    report.accept(Baseline((Entry(first.id, "known", LATER, first.operation),)), TODAY)
    assert report.exit_code == 1
    assert [f.operation for f, _ in report.accepted] == [first.operation]
    assert first.operation not in [f.operation for f in report.findings]


def test_an_expired_entry_fails_and_says_so(report: Report) -> None:
    report.accept(Baseline((Entry(report.findings[0].id, "known", EARLIER),)), TODAY)
    assert report.exit_code == 1
    assert report.accepted == []
    assert f"has expired on {EARLIER}" in "\n".join(report.notes)


def test_of_two_entries_the_one_in_force_counts(report: Report) -> None:
    id = report.findings[0].id
    report.accept(Baseline((Entry(id, "old", EARLIER), Entry(id, "new", LATER))), TODAY)
    assert report.exit_code == 0
    assert {entry.reason for _, entry in report.accepted} == {"new"}


def test_an_entry_that_fits_nothing_is_told_with_its_place(zoo: Zoo, tmp_path: Path) -> None:
    file = tmp_path / "baseline.yaml"
    file.write_text(
        "accepted:\n  - id: race.update-00000000\n    reason: once\n    expires: 2999-01-01\n"
    )
    code, text = told(url=zoo(), suites=["races"], overlays=[OVERLAY], baseline=file)
    assert code == 0
    assert f"{file}:2:5: nothing in this run is race.update-00000000" in text


def test_a_written_baseline_accepts_what_it_was_written_for(zoo: Zoo, tmp_path: Path) -> None:
    file = tmp_path / "baseline.yaml"
    url = zoo("if_match_won_twice")
    same = {"url": url, "suites": ["races"], "overlays": [OVERLAY]}
    assert told(**same)[0] == 1
    code, text = told(**same, written=file)
    assert code == 0
    assert "written to" in text
    entries = yaml.safe_load(file.read_text())["accepted"]
    assert {e["reason"] for e in entries} == {"accepted when the baseline was written"}
    expires = {date.fromisoformat(e["expires"]) for e in entries}
    assert expires == {date.today() + timedelta(days=90)}
    code, text = told(**same, baseline=file, seed=3)
    assert code == 0, text
    assert "accepted until" in text


def test_writing_again_keeps_reasons_in_force_and_forgets_what_is_mended(
    zoo: Zoo, tmp_path: Path
) -> None:
    file = tmp_path / "baseline.yaml"
    same = {"suites": ["races"], "overlays": [OVERLAY], "baseline": file, "written": file}
    file.write_text("accepted: []\n")
    url = zoo("if_match_won_twice")
    assert told(url=url, **same)[0] == 0
    text = file.read_text()
    file.write_text(text.replace("accepted when the baseline was written", "our ticket 12"))
    assert told(url=url, **same)[0] == 0
    assert {entry.reason for entry in read_baseline(file).entries} == {"our ticket 12"}
    assert told(url=zoo(), **same)[0] == 0
    assert read_baseline(file).entries == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- id: x\n", ":1:1 C101 this is not a baseline"),
        ("accepted:\n- id: x\n  expires: 2999-01-01\n", ":2:3 C101 an entry needs `reason`"),
        ("accepted:\n- id: x\n  reason: ' '\n  expires: 2999-01-01\n", ":3:3 C101 `reason` must"),
        ("accepted:\n- id: x\n  reason: y\n", ":2:3 C101 an entry needs `expires`"),
        ("accepted:\n- id: x\n  reason: y\n  expires: soon\n", ':4:3 C101 "soon" is no date'),
        (
            "accepted:\n- id: x\n  reason: y\n  expire: 2999-01-01\n",
            ':4:3 C101 an entry has no "expire". Did you mean "expires"?',
        ),
        ("accepted: [1]\n", ":1:12 C101 an entry is a mapping"),
        ("accepted: [\n", " D102 "),
    ],
)
def test_a_wrong_baseline_is_refused_with_the_place(
    text: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "baseline.yaml"
    file.write_text(text)
    code, said = told(url=NOBODY, baseline=file)
    assert code == 2
    assert message in said, said


def test_a_baseline_that_is_not_there_is_exit_2(tmp_path: Path) -> None:
    code, text = told(url=NOBODY, baseline=tmp_path / "absent.yaml")
    assert code == 2
    assert "D101" in text
