"""What `sparring diff` prints, and how it ends."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sparring.spec.diff.change import Severity
from sparring.spec.diff.compare import compare
from sparring.spec.diff.kinds import KINDS
from sparring.spec.diff.reports import as_json, as_markdown, as_text
from sparring.spec.openapi.document import load_document

HERE = Path(__file__).parent
DOCS = HERE.parents[2] / "docs" / "diff.md"
TALK = (HERE / "talk.yaml").read_text(encoding="utf-8")


def diff(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sparring.cli", "diff", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ,
    )


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two documents: a longer enum, another format, and an operation more."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(TALK)
    changed = TALK.replace("title: {type: string}", "title: {type: string, maxLength: 9}")
    changed = changed.replace("id: {type: string}, title", "id: {type: string, format: x}, title")
    new.write_text(f"{changed}\n".replace("paths:\n", "paths:\n  /more: {get: {responses: {}}}\n"))
    return old, new


@pytest.mark.parametrize(
    ("level", "status"), [("breaking", 1), ("unknown", 1), ("additive", 1), ("never", 0)]
)
def test_the_status_is_1_when_a_change_is_as_bad_as_that(
    files: tuple[Path, Path], level: str, status: int
) -> None:
    assert diff(*files, "--fail-on", level).returncode == status
    assert diff(files[0], files[0], "--fail-on", level).returncode == 0


def test_what_only_adds_fails_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(TALK)
    more = TALK.replace("paths:\n", "paths:\n  /more: {get: {responses: {}}}\n")
    (tmp_path / "new.yaml").write_text(more)
    pair = (tmp_path / "old.yaml", tmp_path / "new.yaml")
    assert diff(*pair).returncode == 0
    assert diff(*pair, "--fail-on", "unknown").returncode == 0
    assert diff(*pair, "--fail-on", "additive").returncode == 1
    assert diff(*reversed(pair)).returncode == 1


def test_a_document_that_is_none_is_status_2(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "none.yaml").write_text("a: 1\n")
    for arguments in ((files[0], tmp_path / "none.yaml"), (files[0], tmp_path / "missing.yaml")):
        done = diff(*arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
    assert diff(files[0]).returncode == 2
    assert diff(*files, "--format", "word").returncode == 2


def test_the_text_has_a_line_of_both_documents_for_every_change(files: tuple[Path, Path]) -> None:
    text = diff(*files).stdout
    assert text.startswith("3 changes: 1 breaking, 1 unknown, 1 additive.\n")
    assert text.index("Breaking:") < text.index("Unknown:") < text.index("Additive:")
    for file in files:
        ((line, column),) = re.findall(
            rf"limit-tightened.*\n(?:.*\n)*? +\w+ {re.escape(str(file))}:(\d+):(\d+) /comp", text
        )[:1]
        written = file.read_text().splitlines()[int(line) - 1]
        assert written[int(column) - 1 :].startswith(("title:", "maxLength:"))


def test_an_overlay_is_laid_over_both(files: tuple[Path, Path], tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        "overlay: 1.0.0\ninfo: {title: o, version: '1'}\nactions:\n"
        '  - {target: "$.components.schemas.Session.properties.title", remove: true}\n'
    )
    assert diff(*files, "--overlay", overlay).returncode == 0


def test_markdown_has_the_verdict_a_table_and_the_rest_folded(files: tuple[Path, Path]) -> None:
    changes = compare(*map(load_document, files))
    shown = as_markdown(changes)
    assert shown.startswith("**This breaks clients.** 3 changes: 1 breaking")
    assert shown.index("maxLength") < shown.index("<details>"), "what breaks is not folded"
    assert shown.count("<details>") == shown.count("</details>") == 2
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert {re.sub(r"\\\|", "", row).count("|") for row in rows} == {4}
    assert as_markdown(()) == "**No change that a client could notice.**"


def test_markdown_of_many_changes_fits_a_comment(tmp_path: Path) -> None:
    paths = "".join(f"  /p{n}: {{get: {{responses: {{}}}}}}\n" for n in range(2000))
    (tmp_path / "old.yaml").write_text(TALK.replace("paths:\n", f"paths:\n{paths}"))
    (tmp_path / "new.yaml").write_text(TALK)
    changes = compare(*map(load_document, (tmp_path / "old.yaml", tmp_path / "new.yaml")))
    assert len(changes) == 2000
    assert len(as_markdown(changes)) < 65_536
    assert "and 1900 more" in as_markdown(changes)


def test_a_cause_names_five_operations_and_counts_the_rest(tmp_path: Path) -> None:
    def text(length: int) -> str:
        body = "{content: {application/json: {schema: {$ref: '#/components/schemas/S'}}}}"
        paths = "".join(
            f"  /p{n}: {{post: {{requestBody: {body}, responses: {{}}}}}}\n" for n in range(40)
        )
        schema = f"components: {{schemas: {{S: {{type: string, maxLength: {length}}}}}}}\n"
        return f"openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\npaths:\n{paths}{schema}"

    (tmp_path / "old.yaml").write_text(text(9))
    (tmp_path / "new.yaml").write_text(text(8))
    (change,) = compare(*map(load_document, (tmp_path / "old.yaml", tmp_path / "new.yaml")))
    assert len(change.operations) == 40
    assert "in  POST /p0, POST /p1, POST /p2, POST /p3, POST /p4 and 35 more, 40" in as_text(
        [change]
    )
    assert "and 35 more" in as_markdown([change])


def test_json_has_everything(files: tuple[Path, Path]) -> None:
    report = json.loads(as_json(compare(*map(load_document, files))))
    assert report["summary"] == {"breaking": 1, "unknown": 1, "additive": 1}
    first = report["changes"][0]
    assert first["kind"] == "limit-tightened"
    assert first["old"]["pointer"] == "/components/schemas/Session/properties/title"
    assert {site["severity"] for site in first["sites"]} == {"breaking", "additive"}


def table() -> str:
    """The table of the documentation."""
    rows = ["| kind | what | sent | received |", "|---|---|---|---|"]
    for kind in KINDS.values():
        received = kind.received.value if kind.received is not kind.sent else "the same"
        rows.append(f"| `{kind.id}` | {kind.sentence} | {kind.sent.value} | {received} |")
    return "\n".join(rows)


def test_the_documentation_shows_every_kind_and_its_severity() -> None:
    assert table() in DOCS.read_text(encoding="utf-8")


def test_what_is_not_additive_has_a_remedy() -> None:
    for kind in KINDS.values():
        assert kind.remedy or {kind.sent, kind.received} == {Severity.ADDITIVE}
