"""Connections on which nothing lasts longer than a deadline, however slowly bytes drip."""

from __future__ import annotations

import math
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2


class Clock:
    """The deadline of what the current thread reads or writes."""

    def __init__(self) -> None:
        self._mine = threading.local()

    @contextmanager
    def until(self, end: float) -> Iterator[None]:
        """Nothing inside lasts longer than to `end`, in seconds of `time.perf_counter`."""
        before = getattr(self._mine, "end", math.inf)
        self._mine.end = min(end, before)
        try:
            yield
        finally:
            self._mine.end = before

    def allowed(self, timeout: float | None, late: type[Exception]) -> float | None:
        """The part of `timeout` that is left before the deadline; raises `late` behind it."""
        left = getattr(self._mine, "end", math.inf) - time.perf_counter()
        if left <= 0:
            raise late("the deadline has passed")
        return timeout if left == math.inf else min(left, timeout or left)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come."""
        return self._inner.read(max_bytes, self._clock.allowed(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes all of it."""
        self._inner.write(buffer, self._clock.allowed(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        """Closes the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """The same connection under TLS."""
        left = self._clock.allowed(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> Any:
        """What the connection below says."""
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.SyncBackend):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connects."""
        left = self._clock.allowed(timeout, httpcore2.ConnectTimeout)
        inner = super().connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(inner, self._clock)


class Connections:
    """Connections that are used again, each by one thread at a time; they follow no proxy.

    A pool for all looks at every connection for each request, and locks others out meanwhile:
    several threads would mostly wait for that.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._idle: deque[httpcore2.ConnectionPool] = deque()
        self._all: list[httpcore2.ConnectionPool] = []

    @contextmanager
    def one(self) -> Iterator[httpcore2.ConnectionPool]:
        """A pool of one connection, the one that was used last, for this caller alone."""
        try:
            found = self._idle.pop()
        except IndexError:
            found = self._new()
        try:
            yield found
        finally:
            self._idle.append(found)

    def _new(self) -> httpcore2.ConnectionPool:
        """An idle connection is closed early: servers close them too, and a request that crosses is
        lost."""
        found = httpcore2.ConnectionPool(
            max_connections=1, keepalive_expiry=2.0, network_backend=_Backend(self._clock)
        )
        self._all.append(found)
        return found

    def close(self) -> None:
        """Closes them all."""
        for pool in self._all:
            pool.close()
