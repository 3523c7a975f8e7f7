"""Targets that mean harm: each ends a run in a finding or in exit 3, within its budget."""

import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sparring.contracts.conformance.conformance import conform
from sparring.contracts.runner import Runner
from sparring.contracts.suites import run
from sparring.contracts.target.budget import Budget, Refused
from sparring.contracts.target.target import MAX_BODY, NoAnswer, Target
from sparring.contracts.terms import Terms
from sparring.spec.exchange import Request
from sparring.spec.openapi.document import Document

Answer = Callable[[socket.socket], None]
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SECONDS = 4.0
MEMORY = 300 * 2**20
"""Six checks at a time each hold an answer of up to MAX_BODY, read and unread, and the C
library keeps to each thread what that has freed."""


@contextmanager
def answering(answer: Answer, *, creates: bool = False) -> Iterator[str]:
    """A server of raw sockets that gives every connection the same answer after its request; one
    that `creates` makes sessions as it should."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := connection.recv(65536)):
                    return
                head += part
            if head.startswith(b"GET / "):  # it looks well at first
                closed(b"", b"HTTP/1.1 404 Not Found\r\n")(connection)
            elif creates and head.startswith(b"POST /sessions HTTP"):
                closed(b'{"id": "s1"}', CREATED)(connection)
            else:
                answer(connection)

    def accept() -> None:
        while not ended.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        listener.close()


def closed(body: bytes, head: bytes = JSON) -> Answer:
    """A whole answer, after which the connection closes."""
    size = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    answer = head + size + body  # once: this server shares the memory of what it tests
    return lambda connection: connection.sendall(answer)


def chunks(connection: socket.socket, data: bytes, pause: float = 0.0) -> None:
    while True:
        connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        if pause:
            time.sleep(pause)


def endless_stream(connection: socket.socket) -> None:
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunks(connection, b"data: {}\n\n", 0.05)


def flood(connection: socket.socket) -> None:
    connection.sendall(JSON + b"Transfer-Encoding: chunked\r\n\r\n")
    chunks(connection, b"[" * 65536)


def slow_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        connection.sendall(b"a")
        time.sleep(0.05)


def slow_drip(connection: socket.socket) -> None:
    connection.sendall(JSON + b"Content-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def informs_forever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.01)


def short_of_its_length(connection: socket.socket) -> None:
    connection.sendall(JSON + b"Content-Length: 1000\r\n\r\n{}")


def longer_than_its_length(connection: socket.socket) -> None:
    connection.sendall(JSON + b'Content-Length: 2\r\n\r\n{"id": "s1"}')


def never_answers(connection: socket.socket) -> None:
    connection.recv(1)


def resets(*first: bytes) -> Answer:
    """Sends the beginning of an answer, then a TCP reset."""

    def answer(connection: socket.socket) -> None:
        for part in first:
            connection.sendall(part)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


def endless_heads(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Many: many\r\n" * 1000)


def event_without_end(connection: socket.socket) -> None:
    connection.sendall(STREAM)
    chunks(connection, b"data: " + b"x" * 65536 + b"\n")


def line_without_end(connection: socket.socket) -> None:
    connection.sendall(STREAM)
    chunks(connection, b"x" * 65536)


def flood_of_events(connection: socket.socket) -> None:
    connection.sendall(STREAM)
    chunks(connection, b"data: {}\n\n" * 600)


LONG = b"x" * (MAX_BODY - 1000)
BOMB = gzip.compress(bytes(64 * 1024 * 1024))
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CREATED = JSON.replace(b"200 OK", b"201 Created")
CHUNKED = JSON + b"Transfer-Encoding: chunked\r\n\r\n"
DEEP = b"[" * 200_000 + b"]" * 200_000
HOSTILE: dict[str, Answer] = {
    "an endless stream": endless_stream,
    "a flood": flood,
    "a head that drips": slow_head,
    "a body that drips": slow_drip,
    "endless information": informs_forever,
    "a body shorter than its length": short_of_its_length,
    "a body longer than its length": longer_than_its_length,
    "a compressed bomb": closed(BOMB, JSON + b"Content-Encoding: gzip\r\n"),
    "deep JSON": closed(DEEP),
    "deep JSON of objects": closed(b'{"id":' * 200_000 + b"1" + b"}" * 200_000),
    "a redirect to another host": closed(
        b"", b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.2:9/x\r\n"
    ),
    "no HTTP": lambda connection: connection.sendall(b"\x00\xff" * 5000),
    "server errors only": closed(b"{}", b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\n"),
    "a pause of a year": closed(b"", b"HTTP/1.1 503 Busy\r\nRetry-After: 31536000\r\n"),
    "many heads": closed(b"{}", JSON + b"X-Many: many\r\n" * 20_000),
    "heads without end": endless_heads,
    "no answer": never_answers,
    "a reset at once": resets(),
    "a reset in the status line": resets(b"HTTP/1.1 20"),
    "a reset in the head": resets(JSON),
    "a reset in the body": resets(JSON, b"Content-Length: 1000\r\n\r\n{"),
    "a reset in a chunk": resets(CHUNKED, b"5\r\n{"),
    "a reset in a stream": resets(STREAM, b"9\r\ndata: {}\n\r\n"),
    "no chunk where one is said": closed(b"{}", JSON + b"Transfer-Encoding: chunked\r\n"),
    "a chunk of another size": resets(CHUNKED, b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "chunks that are garbage": resets(CHUNKED, b"\x00\xff\r\n" * 50),
    "two lengths": closed(b"{}", JSON + b"Content-Length: 7\r\n"),
    "HTTP/1.0": lambda connection: connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n{}"),
    "HTTP/0.9": lambda connection: connection.sendall(b'{"id": "s1"}'),
    "HTTP/2": lambda connection: connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "an upgrade": closed(b"", b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n"),
    "an event without end": event_without_end,
    "a line without end": line_without_end,
    "a flood of events": flood_of_events,
    "a body almost too long": closed(b'{"id": "s1", "title": "' + LONG + b'"}', CREATED),
    "an id almost too long": closed(b'{"id": "' + LONG + b'"}', CREATED),
    "a body of many parts": closed(b'{"items": [' + b"{}," * 300_000 + b"{}]}", CREATED),
}


def memory(which: str, *, forget: bool = False) -> int:
    """The resident memory of this process in bytes, or the most that it was since `forget`."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    (line,) = [line for line in status.read_text().splitlines() if line.startswith(which)]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("name", HOSTILE)
def test_a_run_ends_in_a_finding_or_exit_3_within_its_budget(name: str, document: Document) -> None:
    start = time.perf_counter()
    terms = Terms(budget=Budget(seconds=SECONDS))
    before = memory("VmRSS", forget=True)
    with answering(HOSTILE[name]) as url:
        report = run(
            url,
            document,
            promises=["create.read_back", "create.schema", "response.status", "stream.schema"],
            retries=1,
            timeout=0.4,
            terms=terms,
        )
    assert report.exit_code in (1, 3), report.outcomes
    assert report.findings or report.stopped in "\n".join(report.notes)
    assert time.perf_counter() - start < SECONDS + 8
    assert memory("VmHWM") - before < MEMORY


@pytest.mark.parametrize("name", [name for name in HOSTILE if "event" in name or "stream" in name])
def test_a_hostile_stream_ends_too(name: str, document: Document) -> None:
    start = time.perf_counter()
    before = memory("VmRSS", forget=True)
    with answering(HOSTILE[name], creates=True) as url:
        report = run(
            url,
            document,
            promises=["stream.schema", "stream.terminal", "stream.media_type"],
            retries=1,
            timeout=0.4,
            terms=Terms(budget=Budget(seconds=SECONDS)),
        )
    assert report.exit_code in (1, 3), report.outcomes
    assert time.perf_counter() - start < SECONDS + 8
    assert memory("VmHWM") - before < MEMORY


@pytest.mark.parametrize("name", ["a flood", "a compressed bomb", "a body that drips", "deep JSON"])
def test_schemathesis_is_kept_in_bounds_too(name: str, document: Document) -> None:
    terms = Terms(budget=Budget(seconds=2))
    with answering(HOSTILE[name]) as url:
        runner = Runner(url, document, timeout=0.3, terms=terms)
        world = runner.world()
        creates = [o for o in document.operations if o.id == "createSession"]
        before = memory("VmRSS", forget=True)
        start = time.perf_counter()
        conform(world, runner.users(world)[0], operations=creates, max_examples=3, retries=0)
        runner.target.close()
    assert time.perf_counter() - start < 30
    assert memory("VmHWM") - before < 2 * MEMORY  # Schemathesis itself is loaded here


@pytest.mark.parametrize("name", ["a head that drips", "a body that drips", "endless information"])
def test_one_request_has_a_deadline(name: str) -> None:
    with answering(HOSTILE[name]) as url:
        target = Target(url, timeout=0.3)
        start = time.perf_counter()
        with pytest.raises(NoAnswer):
            target.send(Request("GET", f"{url}/sessions"))
        assert time.perf_counter() - start < 1.5
        target.close()


def test_a_connection_that_closes_unannounced_behind_an_error_costs_no_request() -> None:
    def error(connection: socket.socket) -> None:  # as uvicorn does behind an exception
        connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}")
        connection.recv(1)  # closes under the next request, if there is one

    with answering(error) as url:
        target = Target(url)
        request = Request("POST", f"{url}/sessions", {}, b"{}")
        assert {target.send(request).response.status for _ in range(5)} == {500}
        target.close()


def test_a_redirect_is_told_and_carries_no_key_away(document: Document) -> None:
    heard: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        heard.append(b"called")

    with answering(listen) as other:
        away = f"HTTP/1.1 302 Found\r\nLocation: {other}/stolen\r\n".encode()
        with answering(closed(b"", away)) as url:
            report = run(url, document, promises=["create.read_back"], retries=1, timeout=1)
    assert heard == []
    assert report.exit_code == 1
    assert any("redirects to http://127.0.0.1, which was not called" in n for n in report.notes)


def test_nothing_is_sent_to_another_host() -> None:
    target = Target("http://127.0.0.1:9")
    with pytest.raises(Refused):
        target.send(Request("GET", "http://127.0.0.1:10/sessions"))
    target.close()
