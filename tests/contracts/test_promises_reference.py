"""The page on promises says what the registry says; run as a script, this writes it anew."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from sparring.cli import main
from sparring.contracts.findings.explain import facts
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import load_document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "promises.md"
PART = re.compile(r"(?<=<!-- promises -->\n).*?(?=<!-- end -->)", re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def part() -> str:
    """All promises, in the order of the registry."""
    return "\n" + "\n".join(line for promise in REGISTRY for line in _section(promise))


def _section(id: str) -> Iterator[str]:
    promise = REGISTRY[id]
    yield f"### `{id}`\n\n{promise.sentence}\n"
    said = facts(promise)
    first = ("severity", "suite", "roles", "holds")
    yield "- " + ", ".join(f"{name}: {'; '.join(said[name])}" for name in first)
    yield from (f"- parameter {text}" for text in said["parameters"])
    yield from (f"- checked: {text}" for text in said["checked"])
    yield f"- violation: {promise.violation}\n"


def test_the_page_is_up_to_date() -> None:
    found = PART.search(text())
    assert found
    hint = "run python -m tests.contracts.test_promises_reference"
    assert found[0] == part(), hint


def test_every_promise_says_how_it_is_checked_and_broken() -> None:
    for promise in REGISTRY.values():
        said = facts(promise)
        assert all(said["checked"]), promise.id
        assert promise.violation.endswith("."), promise.id
        assert all(said["parameters"]), promise.id


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page, in which its commands are run."""
    for language, block in BLOCK.findall(text()):
        if language == "yaml":
            (tmp_path / block.split()[1]).write_text(block, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_nearest_place_wins_as_the_page_says(folder: Path) -> None:
    blocks = BLOCK.findall(text())
    commands = next(block for language, block in blocks if language == "sh").splitlines()
    told = next(block for language, block in blocks if language == "text").splitlines()
    for command, wanted in zip(commands, told, strict=True):
        done = CliRunner().invoke(main, command.split()[1:])
        assert wanted in " ".join(done.output.split()), done.output


def test_what_a_schema_says_holds_for_what_is_made_of_it(folder: Path) -> None:
    document = load_document("notes.yaml")
    holds = {o.label: o.promises.holds("time.updated") for o in document.operations}
    assert holds == {
        "POST /sessions": False,
        "GET /sessions": False,
        "GET /sessions/{id}": False,
        "PATCH /sessions/{id}": False,
        "DELETE /sessions/{id}": True,
    }


if __name__ == "__main__":
    os.environ["SPARRING_CACHE"] = "off"
    PAGE.write_text(PART.sub(lambda _: part(), text()), encoding="utf-8")
