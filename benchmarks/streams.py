"""How well streams keep time, and what one event costs the server.

Three measures, each with its goal:

- pace: |gap - wanted| between two pieces, seen by a client on raw sockets in another process, over
  many streams at once; on a machine that does nothing else.
- events: events for each second of the server's processor time, of a script without pace, beside a
  bare Starlette StreamingResponse that sends the same frames; both under the same uvicorn, in
  turns.
- clock: a turn of 10,000 paced events on the manual clock.

    python benchmarks/streams.py [--streams 100] [--rounds 5] [pace] [events] [clock]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

RATE, WORDS = 20, 60
LONG = 20_000
SCRIPT = f"""
rules:
  - {{user: paced, pace: {{rate: {RATE}/s}}, reply: {{say: "{"word " * WORDS}", chunk: word}}}}
  - {{user: long, reply: {{say: "{"x" * LONG}", chunk: char}}}}
"""
FRAME = b'id: %d\nevent: chunk\ndata: {"turn_id":"%s","message_id":"%s","index":%d,"text":"x"}\n\n'
MARK = b"event: chunk\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    measures = {"pace": pace, "events": events, "clock": clock}
    parser.add_argument("measures", nargs="*", help="which of them; all without a name")
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if unknown := set(options.measures) - set(measures):
        parser.error(f"there is no {' and no '.join(sorted(unknown))}")
    for name in options.measures or measures:
        measures[name](options)


def pace(options: argparse.Namespace) -> None:
    """Prints how far the gaps between pieces are from what the script says."""
    with mock() as (_, port):
        wanted = 1 / RATE
        arrived = Client(port, paths(port, options.streams), "paced").run()
    errors = sorted(
        abs(later - earlier - wanted) for times in arrived for earlier, later in pairwise(times)
    )
    middle, late = (1000 * errors[int(len(errors) * part)] for part in (0.5, 0.99))
    assert len(errors) == options.streams * (WORDS - 1), "a piece is missing"
    print(f"pace: {options.streams} streams of {RATE} pieces/s, {len(errors)} gaps")
    print(f"  |gap - {1000 * wanted:.0f} ms|  median {middle:.2f} ms (goal 3)", end="")
    print(f"  p99 {late:.2f} ms (goal 25)")


def events(options: argparse.Namespace) -> None:
    """Prints how many events a second of processor time sends, beside bare Starlette."""
    with mock() as (ours, port), starlette() as (theirs, other):
        rates: list[tuple[float, float]] = []
        for _ in range(options.rounds + 1):
            mine = Client(port, paths(port, 4), "long")
            bare = Client(other, ["/stream"] * 4, "long")
            rates.append((_rate(ours, mine), _rate(theirs, bare)))
    print(f"events: {LONG} a stream, for each second of the server's processor time")
    ours_, theirs_ = (statistics.median(column) for column in zip(*rates[1:], strict=True))
    print(f"  mock {ours_:,.0f} (goal 100,000)  Starlette {theirs_:,.0f}", end="")
    print(f"  ratio {ours_ / theirs_:.2f}")


def _rate(pid: int, client: Client) -> float:
    before = _processor_time(pid)
    count = sum(len(times) for times in client.run())
    return count / (_processor_time(pid) - before)


def clock(options: argparse.Namespace) -> None:
    """Prints how long the manual clock takes for a long turn."""
    from sparring.fixtures.script import compile_script
    from sparring.fixtures.script.cast import Cast
    from sparring.mockserver.app import create_app
    from sparring.mockserver.worlds.clock import ManualClock
    from sparring.mockserver.worlds.world import World
    from sparring.spec.text.source import parse

    text = f'fallback: {{say: "{"x" * 10_000}", chunk: char}}\npace: {{rate: 10/s}}\n'

    async def play() -> float:
        moved = ManualClock()
        world = World(cast=Cast([compile_script(parse(text.encode(), "s.yaml"))]), clock=moved)
        app = create_app(world=world)
        created = await _asked(app, "/sessions", {"agent_id": "a"})
        path = f"/sessions/{json.loads(created)['id']}/events/stream"
        talk = asyncio.create_task(_asked(app, path, {"type": "message", "content": "go"}))
        start = time.perf_counter()
        while not talk.done():
            await moved.advance(60)
        taken = time.perf_counter() - start
        assert talk.result().count(MARK) == 10_000
        return taken

    seconds = [asyncio.run(play()) for _ in range(options.rounds)]
    print(f"clock: 10,000 events at 10/s on the manual clock: {min(seconds):.3f} s (goal 1)")


async def _asked(app: Any, path: str, body: Any) -> bytes:
    """The body of the answer that an application gives in this process."""
    sent, asked = [], [json.dumps(body).encode()]
    headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer alice-key")]

    async def receive() -> Any:
        if asked:
            return {"type": "http.request", "body": asked.pop()}
        return await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b""}
    await app(scope | {"headers": headers}, receive, send)
    return b"".join(sent)


class Client:
    """Asks for one stream a path, and notes when each piece of each came."""

    def __init__(self, port: int, paths: list[str], text: str) -> None:
        self._port = port
        self._paths = paths
        self._body = json.dumps({"type": "message", "content": text}).encode()

    def run(self) -> list[list[float]]:
        with selectors.DefaultSelector() as selector:
            arrived: list[list[float]] = []
            for path in self._paths:
                head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                head += "Authorization: Bearer alice-key\r\nContent-Type: application/json\r\n"
                head += f"Content-Length: {len(self._body)}\r\n\r\n"
                peer = socket.create_connection(("127.0.0.1", self._port))
                peer.sendall(head.encode() + self._body)
                arrived.append([])
                selector.register(peer, selectors.EVENT_READ, [arrived[-1], b""])
            while selector.get_map():
                for key, _ in selector.select():
                    self._read(selector, key)
        return arrived

    def _read(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        peer: Any = key.fileobj
        data = peer.recv(1 << 18)
        now = time.perf_counter()
        if not data:
            selector.unregister(peer)
            peer.close()
        times, rest = key.data
        data = rest + data
        times += [now] * data.count(MARK)
        key.data[1] = b"" if data.endswith(MARK) else data[-len(MARK) + 1 :]


@contextmanager
def mock() -> Iterator[tuple[int, int]]:
    """A mock server; its process and port."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.yaml"
        script.write_text(SCRIPT)
        arguments = ["-m", "sparring.cli", "serve", "sessions", "--port", "0", "--script"]
        with _process(*arguments, str(script)) as found:
            yield found


@contextmanager
def starlette() -> Iterator[tuple[int, int]]:
    """A bare application that sends the same frames; its process and port."""
    with _process(__file__, "--bare") as found:
        yield found


@contextmanager
def _process(*arguments: str) -> Iterator[tuple[int, int]]:
    server = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = next(m[1] for line in server.stdout if (m := re.search(r"http://[^:]+:(\d+)$", line)))
    try:
        yield server.pid, int(port)
    finally:
        server.terminate()
        server.communicate()


def bare() -> None:
    """Runs the bare application."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    from sparring.mockserver.serve import listen, serve

    async def stream(request: Request) -> StreamingResponse:
        await request.body()

        async def frames() -> AsyncIterator[bytes]:
            for index in range(LONG):
                yield FRAME % (index, b"t" * 32, b"m" * 32, index)

        return StreamingResponse(frames(), media_type="text/event-stream")

    listener = listen("127.0.0.1", 0)
    ready: Callable[[], None] = lambda: print(  # noqa: E731
        f"on http://127.0.0.1:{listener.getsockname()[1]}", flush=True
    )
    serve(Starlette(routes=[Route("/stream", stream, methods=["POST"])]), listener, ready=ready)


def paths(port: int, count: int) -> list[str]:
    """Streams of new sessions."""
    found = []
    for _ in range(count):
        headers = {"Authorization": "Bearer alice-key", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{port}/sessions"
        request = urllib.request.Request(url, b'{"agent_id": "a"}', headers)
        with urllib.request.urlopen(request) as answer:
            found.append(f"/sessions/{json.load(answer)['id']}/events/stream")
    return found


def _processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    if sys.argv[1:] == ["--bare"]:
        bare()
    else:
        main()
