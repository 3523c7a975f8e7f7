"""What comes over a socket, byte for byte, and how it ends."""

import json
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sparring.spec.streams.framing import Framing, framing_of
from sparring.spec.streams.sse import ServerEvent


@dataclass
class Seen:
    """One answer as it came. `end`: `whole`, or `closed` or `reset` before it was that."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    end: str = "closed"

    @property
    def framing(self) -> Framing:
        framing = framing_of(self.headers["content-type"])
        assert framing is not None
        return framing

    @property
    def events(self) -> list[ServerEvent]:
        """The events of a stream, which ends between two of them."""
        parser = self.framing.parser()
        events = parser.feed(self.body)
        assert not parser.pending, self.body[-200:]
        return events


class Call:
    """One request on a connection of its own."""

    def __init__(
        self,
        url: str,
        path: str,
        body: Any = None,
        fault: Any = None,
        *,
        key: str = "alice-key",
        method: str = "",
        **headers: str,
    ) -> None:
        parts = urlsplit(url)
        data = b"" if body is None else json.dumps(body).encode()
        sent = {"Host": parts.netloc, "Authorization": f"Bearer {key}"}
        if body is not None:
            sent |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
        if fault is not None:
            sent["X-Sparring-Fault"] = fault if isinstance(fault, str) else json.dumps(fault)
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in sent.items()]
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + data)
        self.raw = b""

    def read(self, size: int = 65536) -> bytes:
        """The next bytes; none at the end. Raises ConnectionResetError."""
        data = self.socket.recv(size)
        self.raw += data
        return data

    def until(self, mark: bytes, count: int = 1) -> None:
        """Reads up to the count-th mark, and what has come with it."""
        while self.raw.count(mark) < count:
            assert self.read(), f"it ended early: {self.raw!r}"

    def finish(self) -> Seen:
        """The answer when it is over."""
        seen = Seen()
        try:
            while not self._parse(seen):
                if not self.read():
                    break
            else:
                seen.end = "whole"
        except ConnectionResetError:
            self._parse(seen)
            seen.end = "reset"
        self.socket.close()
        return seen

    def _parse(self, seen: Seen) -> bool:
        """Reads what is there; whether it is all."""
        head, sign, rest = self.raw.partition(b"\r\n\r\n")
        if not sign:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        seen.status = int(first.split()[1])
        seen.headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
        if seen.status == 204:
            return True
        if "content-length" in seen.headers:
            seen.body = rest
            return len(rest) == int(seen.headers["content-length"])
        seen.body = b""
        while True:
            size, sign, rest = rest.partition(b"\r\n")
            if not sign:
                return False
            length = int(size, 16)
            seen.body += rest[:length]
            if length == 0 or len(rest) < length + 2:
                return length == 0 and rest == b"\r\n"
            rest = rest[length + 2 :]


def call(url: str, path: str, body: Any = None, fault: Any = None, **more: Any) -> Seen:
    """One answer, to its end."""
    return Call(url, path, body, fault, **more).finish()
