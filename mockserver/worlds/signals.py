"""Wakes those who follow a session when something has happened in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


def owner_signal(user: str) -> str:
    """The name of the signal for everything that happens in a user's sessions."""
    return f"\0{user}"  # no session has such an id


class Signals:
    """One signal a session or owner, which exists only while somebody listens to it."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}

    def fire(self, session: str, owner: str = "") -> None:
        """Wakes every listener of the session, and of all that is its owner's."""
        for event in self._listeners.get(session, ()):
            event.set()
        for event in self._listeners.get(owner_signal(owner), ()) if owner else ():
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
