"""What is wrong with a value is told at a bounded cost, however large the value is."""

import time
from pathlib import Path
from typing import Any

import pytest

from sparring.spec.openapi.document import load_document
from sparring.spec.openapi.schemas import Validator, View


@pytest.fixture(scope="module")
def sessions() -> Validator:
    (operation,) = [o for o in load_document("sessions").operations if o.id == "listSessions"]
    media = operation.media(200, "application/json")
    assert media is not None
    assert media.schema is not None
    return load_document("sessions").schemas.at(media.schema, View.RESPONSE)


def peak(forget: bool = False) -> int:
    """The most memory of this process in bytes since `forget`; 0 where no one tells."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize(
    "value",
    [
        {"items": [{}] * 100_000, "total": 1},
        {"items": [{"id": "x" * 8_000_000}] * 3, "total": 1},
        {"items": {str(n): {} for n in range(100_000)}},
        {"items": [[[[]]] * 1000] * 100, "x" * 1_000_000: 1},
    ],
    ids=["many", "long", "members", "nested"],
)
def test_one_violation_of_a_huge_value_is_told_cheaply(sessions: Validator, value: Any) -> None:
    before, start = peak(forget=True), time.process_time()
    assert len(found := sessions.violations(value)) == 1
    assert len(found[0].message) <= 2000
    assert time.process_time() - start < 2
    assert peak() - before < 150 * 2**20


def test_a_huge_value_that_is_right_has_no_violation() -> None:
    schemas = load_document("sessions").schemas
    validator = schemas.compile({"type": "array", "items": {"minLength": 1}}, View.RESPONSE)
    assert validator.violations(["x" * 100_000] * 50) == []
    assert [v.pointer for v in validator.violations(["x"] * 50_000 + [""])] == ["/50000"]
