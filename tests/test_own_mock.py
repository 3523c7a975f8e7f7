"""Both halves of the product agree: the suites find nothing in the mock of the same document."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparring.spec.openapi.document import BUNDLED

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("spec", BUNDLED)
def test_the_suites_find_nothing_in_the_mock_of_the_same_document(
    spec: str, seed: int, serve: Callable[..., Any], tmp_path: Path
) -> None:
    server = serve(spec, "--script", ROOT / "tests" / "quick.yaml")
    command = [sys.executable, "-m", "sparring.cli", "test", server.url, "--spec", spec]
    done = subprocess.run(
        [*command, "--seed", str(seed)], capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 findings" in done.stdout
    assert list(tmp_path.iterdir()) == []  # nor does a run leave anything where it was started
