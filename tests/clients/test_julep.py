"""The real Python client of julep, unchanged and in its own environment, against the mock."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-julep"


@pytest.fixture(scope="session")
def python() -> Path:
    if not (ENVIRONMENT / "complete").exists():
        pytest.skip("the environment of the julep client is missing: `make test` makes it")
    return ENVIRONMENT / "bin" / "python"


def test_the_julep_client_lives_a_whole_life_on_the_mock(
    python: Path, serve: Callable[..., Any]
) -> None:
    server = serve("julep", "--script", ROOT / "tests" / "quick.yaml")
    script = ROOT / "tests" / "clients" / "julep" / "lifecycle.py"
    done = subprocess.run(
        [python, script, f"{server.url}/api", "alice-key"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["claims"] > 80
