"""What one request costs: the mock server beside a bare Starlette application with a dict.

Both run under the same uvicorn, in processes of their own, and get the same requests in turns; the
figure is the processor time of the server process a request, and the ratio of the two in the same
round.
The bare application gives answers of the same shape from a dict; it knows no keys and validates
nothing. The mock knows whose key it is, validates request and response, plays its script and keeps
the log.

    python benchmarks/request.py [--rounds 5] [--requests 4000]
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from typing import Any

SESSION = {"agent_id": "vUfk4PgjTm", "title": "What's the weather in SF?", "metadata": {"a": "1"}}
CHAT = {"messages": [{"role": "user", "content": "hello"}]}
SCRIPT = b"rules:\n  - {user: hello, reply: 'Hello! How can I help?'}\nfallback: Sorry?\n"
GOAL = 1.25
BATCH = 64


def bare() -> Any:
    """The least that gives the same answers: Starlette, a dict, msgspec for the JSON."""
    import uuid
    from datetime import UTC, datetime

    import msgspec
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    sessions: dict[str, dict[str, Any]] = {}
    histories: dict[str, list[dict[str, Any]]] = {}

    def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        body = msgspec.json.encode(value)
        return Response(body, status, headers, media_type="application/json")

    def now() -> str:
        return datetime.now(UTC).isoformat(timespec="microseconds")

    def message(turn: str, role: str, content: str) -> dict[str, Any]:
        id = uuid.uuid4().hex
        row = {"id": id, "turn_id": turn, "role": role, "content": content, "status": "complete"}
        return {**row, "created_at": now()}

    async def create(request: Request) -> Response:
        body = msgspec.json.decode(await request.body())
        id = uuid.uuid4().hex
        times = {"created_at": now(), "updated_at": now()}
        user = {"user_id": uuid.uuid4().hex, "situation": None, "summary": None}
        more = {"render_templates": False, "message_count": 0}
        sessions[id] = {"id": id, **user, **body, **more, **times}
        histories[id] = []
        return answer(sessions[id], 201, {"location": f"/sessions/{id}", "etag": f'"{id}/1"'})

    async def get(request: Request) -> Response:
        session = sessions[request.path_params["id"]]
        return answer(session, headers={"etag": f'"{session["updated_at"]}"'})

    async def chat(request: Request) -> Response:
        id, turn = request.path_params["id"], uuid.uuid4().hex
        body = msgspec.json.decode(await request.body())
        rows = [message(turn, item["role"], item["content"]) for item in body["messages"]]
        reply = message(turn, "assistant", "Hello! How can I help?")
        histories[id] += [*rows, reply]
        sessions[id]["message_count"] += len(rows) + 1
        sessions[id]["updated_at"] = now()
        sent, said = len(rows[-1]["content"].split()), len(reply["content"].split())
        usage = {"prompt_tokens": sent, "completion_tokens": said, "total_tokens": sent + said}
        whole = {"turn_id": turn, "finish_reason": "stop", "messages": [reply], "usage": usage}
        return answer(whole)

    return Starlette(
        routes=[
            Route("/sessions", create, methods=["POST"]),
            Route("/sessions/{id}", get, methods=["GET"]),
            Route("/sessions/{id}/chat", chat, methods=["POST"]),
        ]
    )


def mock() -> Any:
    """The mock server on the canonical document."""
    from sparring.fixtures.script import compile_script
    from sparring.fixtures.script.cast import Cast
    from sparring.mockserver.app import create_app
    from sparring.mockserver.worlds.world import World
    from sparring.spec.text.source import parse

    return create_app(
        "sessions", World(cast=Cast([compile_script(parse(SCRIPT, "benchmark.yaml"))]))
    )


def serve(name: str) -> None:
    """Runs one server; each line on standard input is answered with its processor seconds."""
    from sparring.mockserver.serve import listen
    from sparring.mockserver.serve import serve as run

    listener = listen("127.0.0.1", 0)

    def report() -> None:
        print(listener.getsockname()[1], flush=True)
        for _ in sys.stdin:
            print(time.process_time(), flush=True)

    threading.Thread(target=report, daemon=True).start()
    app = {"bare": bare, "mock": mock}[name]()
    run(app, listener, ready=lambda: None)


class Server:
    """A server process and the requests that it gets."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._line())
        self.ids = re.findall(r'{"id":"([^"]+)"', self.send("create", BATCH).decode())

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def seconds(self) -> float:
        """The processor time that the process has used."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self._line())

    def request(self, kind: str, number: int) -> bytes:
        """The bytes of one request."""
        path, method, body = "/sessions", "POST", json.dumps(SESSION).encode()
        if kind != "create":
            path += f"/{self.ids[number % len(self.ids)]}"
            method, body = ("GET", b"") if kind == "get" else (method, json.dumps(CHAT).encode())
            path += "/chat" if kind == "chat" else ""
        head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer alice-key\r\n"
        if body:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body

    def send(self, kind: str, count: int) -> bytes:
        """Sends `count` requests, a batch at a time, and returns the answers to the last batch.

        The answers to one kind of request have one length, so this process can sleep until all of
        a batch are there: it takes nothing from the server's caches while the server works.
        """
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 30, 0))
            connection.sendall(self.request(kind, 0))
            size = whole_length(connection)
            for start in range(1, count, BATCH):
                numbers = range(start, start + BATCH)
                connection.sendall(b"".join(self.request(kind, number) for number in numbers))
                answers = connection.recv(size * BATCH, socket.MSG_WAITALL)
                done = answers.count(b"HTTP/1.1 20")
                assert (len(answers), done) == (size * BATCH, BATCH), answers[-1000:]
        return answers

    def cost(self, kind: str, count: int) -> float:
        """Microseconds of processor time a request."""
        before = self.seconds()
        self.send(kind, count)
        return (self.seconds() - before) / count * 1e6

    def stop(self) -> None:
        """Ends the process."""
        self.process.terminate()
        self.process.wait(10)


def whole_length(connection: socket.socket) -> int:
    """Reads one answer and returns its length, head and body."""
    data = b""
    while True:
        data += connection.recv(65536)
        head, end, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if end and length and len(body) >= int(length.group(1)):
            return len(data)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--serve", choices=("bare", "mock"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    servers = [Server("bare"), Server("mock")]
    try:
        print(f"processor time a request, {options.rounds} rounds of {options.requests} requests")
        print(f"{'':14}{'bare µs':>9}{'mock µs':>9}{'ratio':>7}   (goal {GOAL})")
        for kind, label in (
            ("get", "GET session"),
            ("create", "POST session"),
            ("chat", "POST chat"),
        ):
            for server in servers:
                server.cost(kind, options.requests // 4)
            rounds = [
                [server.cost(kind, options.requests) for server in servers]
                for _ in range(options.rounds)
            ]
            least, ours = (statistics.median(column) for column in zip(*rounds, strict=True))
            ratio = statistics.median(b / a for a, b in rounds)
            print(f"{label:14}{least:9.1f}{ours:9.1f}{ratio:7.2f}", flush=True)
    finally:
        for server in servers:
            server.stop()


if __name__ == "__main__":
    main()
