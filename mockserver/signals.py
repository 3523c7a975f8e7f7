"""Wakes those who follow a session when something has happened in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Signals:
    """One signal a session, which exists only while somebody listens to it."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}

    def fire(self, session: str) -> None:
        """Wakes every listener of the session."""
        for event in self._listeners.get(session, ()):
            event.set()

    @contextmanager
    def listen(self, session: str) -> Iterator[asyncio.Event]:
        """An event that is set by every `fire` from now on; the listener clears it."""
        event = asyncio.Event()
        listeners = self._listeners.setdefault(session, set())
        listeners.add(event)
        try:
            yield event
        finally:
            listeners.discard(event)
            if not listeners:
                self._listeners.pop(session, None)
