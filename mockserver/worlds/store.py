"""Where a world keeps what it knows: records by collection, and one log a session.

Everything is stored as bytes: nobody can change a record by accident, and Python's cyclic garbage
collector has nothing to walk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol


class Store(Protocol):
    """Records by collection and id, each with an owner, and logs by session id."""

    async def read(self, collection: str, id: str) -> bytes | None:
        """The record, None when there is none."""
        ...

    async def create(self, collection: str, owner: str, id: str, record: bytes) -> bool:
        """Stores a new record; False, and nothing is stored, when the id is taken."""
        ...

    async def write(self, collection: str, id: str, record: bytes) -> bool:
        """Replaces a record; False, and nothing is stored, when there is none."""
        ...

    async def remove(self, collection: str, owner: str, id: str) -> bool:
        """Removes a record and its log; False when there is none."""
        ...

    async def page(
        self, collection: str, owner: str, start: int, limit: int | None, *, newest_first: bool
    ) -> Sequence[bytes]:
        """An owner's records by the order of their creation, from `start` on."""
        ...

    async def count(self, collection: str, owner: str) -> int:
        """How many records an owner has."""
        ...

    async def append(self, session: str, entries: Sequence[bytes]) -> None:
        """Adds entries to the log of a session."""
        ...

    async def log(self, session: str) -> Sequence[bytes]:
        """The whole log of a session."""
        ...

    async def clear(self, session: str) -> None:
        """Empties the log of a session."""
        ...


class MemoryStore:
    """Keeps everything in this process. No method is suspended, so each is atomic."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], bytes] = {}
        self._owned: dict[tuple[str, str], dict[str, None]] = {}
        self._logs: dict[str, list[bytes]] = {}

    def records(self) -> Iterator[tuple[str, str, str, bytes]]:
        """Collection, owner, id and record of all that there is, in the order of its creation."""
        owners = {(c, id): owner for (c, owner), ids in self._owned.items() for id in ids}
        for (collection, id), record in self._records.items():
            yield collection, owners[collection, id], id, record

    def logs(self) -> Iterator[tuple[str, Sequence[bytes]]]:
        """The log of every session that has one."""
        yield from self._logs.items()

    async def read(self, collection: str, id: str) -> bytes | None:
        """The record, None when there is none."""
        return self._records.get((collection, id))

    async def create(self, collection: str, owner: str, id: str, record: bytes) -> bool:
        """Stores a new record, unless the id is taken."""
        if (collection, id) in self._records:
            return False
        self._records[collection, id] = record
        self._owned.setdefault((collection, owner), {})[id] = None
        return True

    async def write(self, collection: str, id: str, record: bytes) -> bool:
        """Replaces a record, if there is one."""
        if (collection, id) not in self._records:
            return False
        self._records[collection, id] = record
        return True

    async def remove(self, collection: str, owner: str, id: str) -> bool:
        """Removes a record and its log, if there is one."""
        if self._records.pop((collection, id), None) is None:
            return False
        del self._owned[collection, owner][id]
        self._logs.pop(id, None)
        return True

    async def page(
        self, collection: str, owner: str, start: int, limit: int | None, *, newest_first: bool
    ) -> Sequence[bytes]:
        """An owner's records by the order of their creation, from `start` on."""
        ids = self._owned.get((collection, owner), {})
        ordered = reversed(ids) if newest_first else iter(ids)
        if start >= len(ids):
            return []
        stop = None if limit is None else start + limit
        return [self._records[collection, id] for id in islice(ordered, start, stop)]

    async def count(self, collection: str, owner: str) -> int:
        """How many records an owner has."""
        return len(self._owned.get((collection, owner), ()))

    async def append(self, session: str, entries: Sequence[bytes]) -> None:
        """Adds entries to the log of a session."""
        self._logs.setdefault(session, []).extend(entries)

    async def log(self, session: str) -> Sequence[bytes]:
        """The whole log of a session."""
        return self._logs.get(session, ())

    async def clear(self, session: str) -> None:
        """Empties the log of a session."""
        self._logs.pop(session, None)
