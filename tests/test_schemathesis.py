"""Plain Schemathesis with the shipped settings finds nothing in the mock of a document."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from schemathesis.config import _checks

from sparring.spec.openapi.document import BUNDLED

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "contracts" / "schemathesis.toml"
ST = shutil.which("st", path=str(Path(sys.executable).parent)) or "st"


def test_the_settings_only_add_the_statuses_of_an_api_that_keeps_state() -> None:
    settings = tomllib.loads(SETTINGS.read_text())
    assert list(settings) == ["checks"]
    added = {
        "positive_data_acceptance": {"400", "412", "422"},
        "negative_data_rejection": {"412"},
    }
    assert set(settings["checks"]) == set(added)
    for check, more in added.items():
        statuses = settings["checks"][check].pop("expected-statuses")
        default = getattr(_checks, f"{check.upper()}_EXPECTED_STATUSES")
        assert set(statuses) == set(default) | more
        assert settings["checks"][check] == {}


@pytest.mark.parametrize("spec", BUNDLED)
def test_schemathesis_finds_nothing(spec: str, serve: Callable[..., Any], tmp_path: Path) -> None:
    done = run(spec, serve, tmp_path, "--max-examples", "10", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILURES" not in done.stdout  # it may warn of requests that were all refused


@pytest.mark.parametrize("seed", ["2"])
@pytest.mark.parametrize("spec", ["sessions", "julep"])
def test_with_any_seed_it_mistakes_nothing_but_a_cleared_history(
    spec: str, seed: str, serve: Callable[..., Any], tmp_path: Path
) -> None:
    done = run(spec, serve, tmp_path, "--phases", "stateful", "--seed", seed)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    failures = done.stdout.partition("= FAILURES =")[2].partition("= SUMMARY =")[0]
    for found in re.split(r"^- (?=ST[0-9]{3} )", failures, flags=re.MULTILINE)[1:]:
        assert found.startswith("ST301 "), done.stdout
        assert re.search(r"was deleted with `DELETE /sessions/[^/]+/history`", found), done.stdout
        assert '`{"items":[]' in found, done.stdout


def run(
    spec: str, serve: Callable[..., Any], folder: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """`st run` with the shipped settings against our mock of a bundled document."""
    server = serve(spec, "--script", ROOT / "tests" / "quick.yaml")
    settings, document = folder / "schemathesis.toml", ROOT / "spec" / f"{spec}.yaml"
    settings.write_text(SETTINGS.read_text())
    if spec == "sentius":  # a key in the query can't be given on the command line
        with settings.open("a") as file:
            file.write('\n[auth.openapi.query_key]\napi_key = "alice-key"\n')
    base = "/api" if spec == "julep" else ""
    command = [ST, "--config-file", settings, "run", document, "--url", server.url + base]
    command += ["--header", "Authorization: Bearer alice-key"] if spec != "sentius" else []
    # A subscription is read until the request's time is over.
    command += ["--request-timeout", "1", "--no-color", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=folder)
