"""Clients of a running mock server, and what they do all the time."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sparring.spec.streams.sse import Parser, ServerEvent

FOLDER = Path(__file__).resolve().parent
Connect = Callable[..., httpx2.Client]


@pytest.fixture(scope="session")
def connect() -> Iterator[Connect]:
    """Makes a client of a server with the key of a user; all are closed at the end."""
    clients: list[httpx2.Client] = []
    guard = threading.Lock()

    def make(url: str, key: str | None = "alice-key", **options: Any) -> httpx2.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        client = httpx2.Client(base_url=url, headers=headers, timeout=30, **options)
        with guard:
            clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def alice(mock: Any, connect: Connect) -> httpx2.Client:
    return connect(mock.url)


@pytest.fixture(scope="session")
def bob(mock: Any, connect: Connect) -> httpx2.Client:
    return connect(mock.url, "bob-key")


@pytest.fixture(scope="session")
def slow(serve: Callable[..., Any]) -> Any:
    """A server whose agent takes its time."""
    return serve("sessions", "--script", FOLDER / "slow.yaml")


@pytest.fixture(scope="session")
def patient(slow: Any, connect: Connect) -> httpx2.Client:
    """Alice at the slow server."""
    return connect(slow.url)


@pytest.fixture(scope="session")
def open_session() -> Callable[..., str]:
    """Makes a session and returns its path."""

    def make(client: httpx2.Client, **body: Any) -> str:
        answer = client.post("/sessions", json={"agent_id": "baker", **body})
        assert answer.status_code == 201, answer.text
        return f"/sessions/{answer.json()['id']}"

    return make


@pytest.fixture(scope="session")
def say() -> Callable[..., Any]:
    """One turn as JSON."""

    def talk(client: httpx2.Client, path: str, text: str) -> Any:
        body = {"messages": [{"role": "user", "content": text}]}
        answer = client.post(f"{path}/chat", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return talk


@pytest.fixture(scope="session")
def stream() -> Callable[..., Iterator[ServerEvent]]:
    """The events of a streamed turn, each as it arrives."""

    def talk(client: httpx2.Client, path: str, text: str) -> Iterator[ServerEvent]:
        body = {"type": "message", "content": text}
        with client.stream("POST", f"{path}/events/stream", json=body) as answer:
            assert answer.status_code == 200, answer.read()
            parser = Parser()
            for data in answer.iter_raw():
                yield from parser.feed(data)
            assert not parser.pending, "the stream ends between two events"

    return talk


@pytest.fixture(scope="session")
def follow() -> Callable[..., Iterator[ServerEvent]]:
    """The events of a subscription, each as it arrives."""

    def subscribe(
        client: httpx2.Client, path: str, after: str | None = None, wait: int = 0
    ) -> Iterator[ServerEvent]:
        headers = {} if after is None else {"Last-Event-ID": after}
        url = f"{path}/events/stream?wait={wait}"
        with client.stream("GET", url, headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            parser = Parser()
            for data in answer.iter_raw():
                yield from parser.feed(data)

    return subscribe
