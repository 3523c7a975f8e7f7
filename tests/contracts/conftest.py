"""The zoo's server on a port, right or with a fault, for as long as a test needs it."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from starlette.types import ASGIApp
from tests.zoo.server import create_app, listen, server

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


def share(faults: Iterable[str]) -> list[str]:
    """Every second fault, all with SPARRING_ALL_FAULTS=1: a run of all tests has its limit."""
    return list(faults)[:: 1 if os.environ.get("SPARRING_ALL_FAULTS") else 2]
