"""The cases of Prism's own test harness: what its users send, and what they get here."""

import json
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.conftest import ABSENT

from sparring.mockserver.app import create_app
from sparring.mockserver.serve import listen
from sparring.spec.errors import SparringError

DOCS = Path(__file__).resolve().parents[2] / "docs" / "prism.md"
OWN_ERROR = "https://stoplight.io/prism/errors#"
# Switches of Prism's own command line, and its proxy, have no counterpart in a document.
NOT_OURS = re.compile(r"--errors|--json-schema-faker|\bproxy\b|--multiprocess")
ENOUGH = 0.95


class Case(NamedTuple):
    """One case. `expected` has the status, the media type and the body, None where it is open."""

    name: str
    document: str
    server: str
    command: tuple[str, ...]
    status: int
    media_type: str | None
    body: str | None
    loose: bool


class Seen(NamedTuple):
    status: int
    media_type: str
    body: str


def read_case(file: Path, folder: Path) -> Case:
    parts = re.split(r"^====([a-z-]+)====\n", file.read_text("utf-8"), flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    loose = "expect-loose" in found
    seen = read_answer(found["expect-loose" if loose else "expect"])
    own = seen.body.startswith('{"type":"' + OWN_ERROR)
    return Case(
        str(file.relative_to(folder)).removesuffix(".txt"),
        found["spec"],
        found["server"].strip(),
        tuple(shlex.split(found["command"])),
        seen.status,
        seen.media_type or None,
        None if own or not seen.body else seen.body,
        loose,
    )


def read_answer(text: str) -> Seen:
    """An answer as `curl -i` prints it."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    while re.match(r"HTTP/\S+ 100", head):
        head, _, body = body.partition("\n\n")
    status = int(head.split()[1])
    media_type = re.search(r"^content-type: *([^;\n]*)", head, re.MULTILINE | re.IGNORECASE)
    return Seen(status, media_type.group(1).strip() if media_type else "", body.strip())


def same(case: Case, seen: Seen) -> bool:
    """Whether an answer has the status, the media type and the body that a case expects."""
    if seen.status != case.status:
        return False
    if case.media_type is not None and seen.media_type != case.media_type:
        return False
    if case.body is None:
        return True
    read = kind if case.loose else value
    return bool(read(seen.body) == read(case.body))


def value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def kind(text: str) -> str:
    return "xml" if text.startswith("<") else type(value(text)).__name__


class Switch:
    """One server on a port; the application behind it is the one of the case."""

    def __init__(self) -> None:
        import uvicorn

        self.app: Any = None
        listener = listen("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self, log_level="critical", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    def send(self, case: Case, folder: Path) -> Seen:
        file = folder / "document.yaml"
        file.write_text(case.document, "utf-8")
        try:
            self.app = create_app(str(file))
        except SparringError as error:
            return Seen(0, "", str(error))
        command = [word.replace(":4010", f":{self.port}") for word in case.command]
        done = subprocess.run(
            [*command, "-s", "--max-time", "20"], capture_output=True, text=True, cwd=folder
        )
        assert done.stdout, (case.name, done.stderr)
        return read_answer(done.stdout)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    if shutil.which("curl") is None:
        pytest.skip(f"{ABSENT} curl")
    server = Switch()
    yield server
    server.stop()


def test_the_cases_of_the_harness_get_the_same_answers(
    switch: Switch, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "suites" / "prism"
    cases = [read_case(file, folder) for file in sorted(folder.rglob("*.txt"))]
    ours = [case for case in cases if not NOT_OURS.search(case.server)]
    assert len(ours) > 100
    answers = {case: switch.send(case, tmp_path) for case in ours}
    different = {case: seen for case, seen in answers.items() if not same(case, seen)}
    explained = DOCS.read_text("utf-8")
    assert [pair for pair in different.items() if f"`{pair[0].name}`" not in explained] == []
    assert 1 - len(different) / len(ours) >= ENOUGH


def test_every_difference_that_the_page_explains_is_one(
    switch: Switch, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "suites" / "prism"
    named = re.findall(r"^\| `([^`]+/[^`]+)`", DOCS.read_text("utf-8"), re.MULTILINE)
    assert named
    for name in named:
        case = read_case(folder / f"{name}.txt", folder)
        assert NOT_OURS.search(case.server) or not same(case, switch.send(case, tmp_path)), name
