"""Runs the mock server with uvicorn."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from .responses.faults import CONNECTION

_LINGER_NOT = struct.pack("ii", 1, 0)
_PATIENCE = 5.0
"""Seconds after which a client that does not read what was sent is hung up on."""


class Connection:
    """A connection that a response may end before it is whole."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    async def end(self, *, reset: bool) -> None:
        """Closes it or resets it (RFC 9293, section 3.10.7), once the client has what was sent."""
        transport = self._transport
        if not reset:
            transport.close()
            return
        peer = transport.get_extra_info("socket")
        end = asyncio.get_running_loop().time() + _PATIENCE
        while not transport.is_closing() and asyncio.get_running_loop().time() < end:
            if not transport.get_write_buffer_size() and not _unsent(peer):
                break
            await asyncio.sleep(0.001)
        if not transport.is_closing():
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            transport.abort()


def _unsent(peer: socket.socket) -> int:
    """How many bytes the other side has not confirmed yet; 0 where that can't be known."""
    try:
        import fcntl
        import termios

        found = fcntl.ioctl(peer.fileno(), termios.TIOCOUTQ, b"\0" * 4)
    except (ImportError, AttributeError, OSError):
        return 0
    return int(struct.unpack("i", found)[0])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(2048)
    listener.set_inheritable(True)
    return listener


def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    ready: Callable[[], None],
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serves until the process is told to stop; open streams get a second to end.

    `ready` is called once requests are answered; what `beside` makes runs as long as the server.
    """
    import gc

    import uvicorn
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class Protocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
        """Lets the application end its connection."""

        app: ASGIApp

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            inner, connection = self.app, {CONNECTION: Connection(transport)}

            async def app(scope: Scope, receive: Receive, send: Send) -> None:
                scope["extensions"] = {**scope.get("extensions", {}), **connection}
                await inner(scope, receive, send)

            self.app = app

    if beside is None:
        gc.freeze()  # what was compiled lives as long as the process: never look at it again
    gc.enable()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.beside = asyncio.create_task(beside()) if beside else None
            ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            if self.beside is not None:
                self.beside.cancel()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app,
        http=Protocol,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        lifespan="off",
        ws="none",
    )
    Server(config).run(sockets=[listener])
