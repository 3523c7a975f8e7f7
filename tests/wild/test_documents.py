"""Real documents of agent APIs, as they are: what is inferred of them can be talked through.

Where a document can't say it, an overlay of at most twelve lines does (`overlays/`). The client
knows the bindings and nothing else.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from tests.conftest import Serve

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation, load_document

from .client import Client
from .talk import REPLY, converse, open_session, stream, stream_type_of

HERE = Path(__file__).parent
DOCUMENTS = (
    "flux0.json",
    "julep-v0-2024-04.yaml",
    "parlant.json",
    "openai.yaml",
    "letta.json",
    "langchain-agent-protocol.json",
    "langgraph-platform.json",
    "acp-beeai.yaml",
    "zep-v0.json",
    "openhands.json",
    "opencode.yml",
    "rasa.yml",
    "agno.yaml",
)
TALK = (Role.MESSAGE_CREATE, Role.RUN_CREATE)
STEPS = {
    "create": Role.SESSION_CREATE,
    "get": Role.SESSION_GET,
    "history": Role.MESSAGE_LIST,
    "list": Role.SESSION_LIST,
    "delete": Role.SESSION_DELETE,
}


class Real:
    """One real document, served with its overlay; `labels` are the roles that a reader gave."""

    def __init__(self, file: Path, serve: Serve, script: Path) -> None:
        overlay = HERE / "overlays" / f"{file.stem}.yaml"
        overlays = [overlay] if overlay.exists() else []
        self.document: Document = load_document(file, overlays)
        arguments: list[str | Path] = [file, "--script", script]
        for path in overlays:
            arguments += ["--overlay", path]
        self.http = httpx2.Client(base_url=serve(*arguments).url, timeout=20)
        labels = yaml.safe_load((file.parent / "roles.yaml").read_text("utf-8"))
        self.labels: dict[str, str] = labels[file.stem]

    def client(self) -> Client:
        """A new client."""
        return Client(self.document, self.http)

    def talks(self) -> list[Operation]:
        """The operations that say something to the agent."""
        return [operation for role in TALK for operation in self.document.with_role(role)]


@pytest.fixture(scope="module", params=DOCUMENTS)
def real(
    request: pytest.FixtureRequest,
    shared: Path,
    serve: Serve,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Real]:
    script = tmp_path_factory.mktemp("script") / "echo.yaml"
    script.write_text('fallback: "You said: {{ user.text }}"\n')
    found = Real(shared / "specs" / request.param, serve, script)
    with found.http:
        yield found


OVERLAYS = (*(HERE / "overlays").iterdir(), *(HERE.parent / "spec").glob("*.overlay.yaml"))


@pytest.mark.parametrize("overlay", sorted(OVERLAYS), ids=lambda p: p.stem)
def test_an_overlay_has_at_most_twelve_lines_of_a_hundred_columns(overlay: Path) -> None:
    lines = overlay.read_text().splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 100


def test_every_labelled_operation_has_its_role(real: Real) -> None:
    found = {
        m.operation.label.replace(f" {m.operation.base_path}", " ", 1): m.role.value
        for m in real.document.meanings
        if m.role is not None
    }
    assert found == real.labels


def test_what_is_said_and_answered_is_the_history_whatever_way_it_is_said(real: Real) -> None:
    taken: set[str] = set()
    talks = real.talks()
    assert talks
    for operation in talks:
        taken.update(converse(real.client(), operation))
    roles = set(real.labels.values())
    for step, role in STEPS.items():
        assert step in taken or role.value not in roles, f"{step} was never tried"


def test_every_stream_has_the_whole_reply(real: Real) -> None:
    for operation in real.talks():
        binding, client = operation.binding, real.client()
        assert binding is not None
        if stream_type_of(operation) is None or binding.input is None:
            continue
        session = open_session(client, operation, client.nearest(Role.SESSION_CREATE, operation))
        assert stream(client, operation, session) == REPLY, operation.label


def test_no_operation_with_a_role_is_left_unanswered(real: Real) -> None:
    """Neither 500 nor 501: with the ids of things that are there, or of none."""
    client = real.client()
    ids = _things(real, client)
    for operation in real.document.operations:
        if operation.binding is not None:
            client.call(operation, session=ids.get("session"), target=ids.get("target"))
    assert {status for _, status in client.calls} & {500, 501} == set()
    assert any(status < 300 for _, status in client.calls)


def _things(real: Real, client: Client) -> dict[str, Any]:
    """A session to call operations with, where the document makes one."""
    for operation in real.document.with_role(Role.SESSION_CREATE):
        answer = client.call(operation)
        if answer.status_code < 300 and operation.binding is not None:
            return {"session": str(answer.json().get(operation.binding.id[-1]))}
    return {}
