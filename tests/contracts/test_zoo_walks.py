"""Lists that are walked through by cursor or by page: their faults are found, and no others."""

from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.contracts.conftest import served
from tests.zoo.walks import FAULTS, create_walks

from sparring.contracts.findings.report import State
from sparring.contracts.suites import run
from sparring.spec.openapi.document import Document, load_document

WALKS = Path(__file__).resolve().parents[1] / "zoo" / "walks.yaml"
HARMLESS = {"GET", "HEAD", "OPTIONS", "PATCH", "POST"}
SUITES = ("promises", "streaming", "security")


@pytest.fixture(scope="module")
def walks() -> Document:
    return load_document(str(WALKS))


class Recorded:
    """An application whose requests are noted."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.calls: set[tuple[str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.calls.add((scope["method"], scope["path"]))
        await self.app(scope, receive, send)


def test_the_right_server_has_no_finding_and_keeps_what_nobody_made(walks: Document) -> None:
    app = Recorded(create_walks())
    with served(app) as url:
        report = run(url, walks, suites=SUITES)
    assert [(f.promise, f.operation, f.seen) for f in report.findings] == []
    passed = {outcome.promise for outcome in report.outcomes if outcome.state is State.PASSED}
    assert {"list.pages", "list.walk", "method.allow"} <= passed
    assert {method for method, path in app.calls if path == "/sessions"} <= HARMLESS


@pytest.mark.parametrize(("fault", "promise"), FAULTS.items())
def test_a_fault_is_found(walks: Document, fault: str, promise: str) -> None:
    with served(create_walks(fault)) as url:
        report = run(url, walks, promises=[promise], retries=1)
    assert promise in {finding.promise for finding in report.findings}
