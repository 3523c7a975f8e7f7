"""docs/target.md says what the grammar says. `python -m tests.contracts.test_target_reference`
writes its tables anew."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from sparring.cli import main
from sparring.contracts.choice import Profile
from sparring.contracts.target.budget import LONGEST_PAUSE, SICK, Budget
from sparring.contracts.target.file import json_schema
from sparring.contracts.target.target import MAX_BODY
from sparring.fixtures.script.grammar import Json
from sparring.spec.text.source import parse

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "target.md"
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(?<=<!-- table: )(\w+)( -->\n\n)(.*?)(?=\n\n)", re.DOTALL)


def text() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


def tables() -> dict[str, str]:
    """Every table that the grammar makes, by its name."""
    file = json_schema()["properties"]
    return {"file": _rows(file), "user": _rows(file["users"]["items"]["properties"])}


def _rows(properties: Json) -> str:
    rows = [f"| `{key}` | {inner['description']} |" for key, inner in properties.items()]
    return "\n".join(["| key |  |", "|---|---|", *rows])


def test_every_table_is_what_the_grammar_says() -> None:
    found = {match[1]: match[3] for match in TABLE.finditer(text())}
    assert found == tables(), "run python -m tests.contracts.test_target_reference"


def test_every_option_profile_and_bound_is_told() -> None:
    said = text()
    told = CliRunner().invoke(main, ["test", "--help"]).output
    for option in re.findall(r"--(?:max-(?:requests|time|messages)|rate|journal|clean)", told):
        assert f"`{option}" in said or f"{option} " in said
    for profile in Profile:
        assert f"| `{profile}` |" in said
    assert f"up to {LONGEST_PAUSE:.0f} seconds" in said
    assert f"{SICK} server errors" in said
    assert f"{MAX_BODY // 2**20} MiB" in said
    assert Budget().seconds == 30 * 60


@pytest.mark.parametrize("block", BLOCK.findall(text()))
def test_every_example_fits_the_schema(block: str) -> None:
    from jsonschema_rs import validator_for

    assert validator_for(json_schema()).is_valid(parse(block.encode(), "docs/target.md").tree)


if __name__ == "__main__":
    new = TABLE.sub(lambda match: f"{match[1]}{match[2]}{tables()[match[1]]}", text())
    DOCUMENT.write_text(new, encoding="utf-8")
