"""The zoo's server on a port, right or with a fault, for as long as a test needs it."""

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.types import ASGIApp
from tests.zoo.server import create_app, listen, server

import sparring.spec
from sparring.spec.openapi.document import Document, load_document

Zoo = Callable[..., str]
OVERLAY = Path(__file__).with_name("zoo.overlay.yaml")
PACE = 0.002


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serves an application from a thread; the URL takes connections at once."""
    socket = listen()
    host, port = socket.getsockname()[:2]
    running = server(app)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{port}"
    finally:
        running.should_exit = True
        running.force_exit = True
        thread.join(timeout=10)


@pytest.fixture
def zoo() -> Iterator[Zoo]:
    """Starts a server of the zoo with some faults and tells its URL."""
    with ExitStack() as stack:

        def start(*faults: str, pace: float = PACE) -> str:
            return stack.enter_context(served(create_app(faults, pace=pace)))

        yield start


@pytest.fixture(scope="session")
def document() -> Document:
    """The sessions document, with what the zoo's agents promise beside."""
    return load_document("sessions", [OVERLAY])


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """The sessions document without all that it says for tools."""
    file = tmp_path_factory.mktemp("plain") / "sessions.yaml"
    tree = yaml.safe_load((Path(sparring.spec.__path__[0]) / "sessions.yaml").read_text())
    file.write_text(json.dumps(_without_extensions(tree)))
    return load_document(str(file))


def _without_extensions(node: Any) -> Any:
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if not str(k).startswith("x-")}
        return {key: _without_extensions(value) for key, value in kept.items()}
    return [_without_extensions(item) for item in node] if isinstance(node, list) else node


def share(faults: Iterable[str]) -> list[str]:
    """Every second fault, all with SPARRING_ALL_FAULTS=1: a run of all tests has its limit."""
    return list(faults)[:: 1 if os.environ.get("SPARRING_ALL_FAULTS") else 2]
