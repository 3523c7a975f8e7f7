"""A world as a file: the records and logs that `sparring serve --seed-data` begins with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from sparring.spec.errors import Defect, SparringError
from sparring.spec.model import Entry, Record, Run, Session
from sparring.spec.openapi.document import Document

from ..requests.credentials import GUEST
from .store import MemoryStore
from .turns import RUNS, SESSIONS
from .world import World

WORLD = "world.json"


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    """One record: whose it is, and in which collection; other collections than sessions and runs
    are called by their paths."""

    collection: str
    owner: str
    id: str
    record: msgspec.Raw


class _Saved(msgspec.Struct, forbid_unknown_fields=True):
    document: str
    records: Sequence[_Stored]
    logs: Mapping[str, Sequence[Entry]]


_types: Mapping[str, type[Record]] = {SESSIONS: Session, RUNS: Run}


def save(document: Document, store: MemoryStore) -> str:
    """Everything in a store, as JSON."""
    records = [_Stored(c, owner, id, msgspec.Raw(r)) for c, owner, id, r in store.records()]
    decode = msgspec.json.Decoder(Entry).decode
    logs = {session: list(map(decode, log)) for session, log in store.logs()}
    text = msgspec.json.encode(_Saved(document.title, records, logs))
    return msgspec.json.format(text, indent=1).decode() + "\n"


def load(folder: Path, document: Document, world: World) -> int:
    """Puts the dataset of a folder into a world: the number of sessions that it has.

    Raises SparringError C101 for a folder that is no dataset, or that of another document.
    """
    file = folder / WORLD
    try:
        saved = msgspec.json.decode(file.read_bytes(), type=_Saved)
    except OSError as error:
        inside = sorted(folder.glob(f"**/{WORLD}"))[:1]
        remedy = "Write one with sparring fixtures --datasets 1."
        if inside:
            remedy = f"Name one dataset, such as {inside[0].parent}."
        raise _refused(f"{file}: {error.strerror}", remedy) from None
    except msgspec.DecodeError as error:
        raise _refused(f"{file}: {error}", "Write the dataset anew.") from None
    if saved.document != document.title:
        message = f'{file} is of "{saved.document}", not of "{document.title}"'
        raise _refused(message, "Serve the document that it was written for.")
    return asyncio.run(_put(file, saved, world))


async def _put(file: Path, saved: _Saved, world: World) -> int:
    owners = {*world.keys.values(), GUEST}
    sessions = set()
    for number, stored in enumerate(saved.records):
        at = f"{file}: records[{number}]"
        try:
            record = msgspec.json.decode(
                stored.record, type=_types.get(stored.collection, Record), strict=True
            )
        except msgspec.DecodeError as error:
            raise _refused(f"{at}.record: {error}", "Write the dataset anew.") from None
        if record.id != stored.id or record.owner != stored.owner:
            message = f"{at}: its id and owner are not those of its record"
            raise _refused(message, "Make them the same.")
        if stored.owner not in owners:
            message = f'{at}: there is no user "{stored.owner}"'
            raise _refused(message, f"Give that user a key: --key {stored.owner}=KEY.")
        data = bytes(stored.record)
        if not await world.store.create(stored.collection, stored.owner, stored.id, data):
            raise _refused(f"{at}: the id {stored.id} is there twice", "Keep one of them.")
        if stored.collection == SESSIONS:
            sessions.add(stored.id)
    for session, log in saved.logs.items():
        if session not in sessions:
            raise _refused(f"{file}: logs.{session}: there is no such session", "Take it out.")
        await world.store.append(session, [msgspec.json.encode(entry) for entry in log])
    return len(sessions)


def _refused(message: str, remedy: str) -> SparringError:
    return SparringError(Defect("C101", message, remedy=remedy))
