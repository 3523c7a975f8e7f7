"""What changed between two documents, and whom it breaks."""

from __future__ import annotations

from sparring.spec import pointers
from sparring.spec.openapi.document import Document, Operation

from .change import Change
from .changes import Changes
from .meanings import Meanings
from .operations import anonymous, match, operation_id
from .security import Security
from .streams import Streams
from .wire import Wire


def compare(old: Document, new: Document) -> tuple[Change, ...]:
    """Every change from one document to another, the worst first; each cause is one."""
    return _Comparison(old, new).changes.all()


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self.old, self.new = old, new
        self.changes = changes = Changes(old, new)
        self.wire = Wire(old, new, changes)
        self.security = Security(old, new, changes)
        self.streams = Streams(old, new, self.wire, changes)
        self.meanings = Meanings(old, new, changes)
        found = match(old, new)
        for operation in found.gone:
            message = f"{operation.label} is gone"
            changes.add(
                "operation-removed", message, operation.pointer, None, operation=operation.label
            )
        for operation in found.new:
            message = f"{operation.label} is new"
            changes.add(
                "operation-added", message, None, operation.pointer, operation=operation.label
            )
        for before, after in found.moved:
            message = f"{before.label} is now {after.label}"
            places = (before.pointer, after.pointer)
            changes.add("operation-moved", message, *places, operation=after.label)
        for before, after in found.based:
            told = " to ".join(o.base_path or "/" for o in (before, after))
            message = f"the base path goes from {told}"
            places = (("servers",), ("servers",))
            changes.add("base-path", message, *places, operation=after.label)
        for before, after in (*found.same, *found.based, *found.moved):
            self._operation(before, after)
        self.meanings.documents()
        if not found.based:
            self._servers()

    def _operation(self, old: Operation, new: Operation) -> None:
        count = self.changes.sites
        self._notes(old, new)
        self.wire.compare(old, new)
        self.streams.compare(old, new)
        self.security.compare(old, new)
        as_before = self.changes.sites == count and anonymous(old.path) == anonymous(new.path)
        self.meanings.compare(old, new, as_before=as_before)

    def _notes(self, old: Operation, new: Operation) -> None:
        was, now = (
            pointers.first(d.source.tree, (*map(str, o.pointer), "deprecated")) is True
            for d, o in ((self.old, old), (self.new, new))
        )
        places = (old.pointer, new.pointer)
        if was != now:
            kind = "operation-deprecated" if now else "operation-undeprecated"
            message = f"{new.label} is {'now' if now else 'no longer'} deprecated"
            self.changes.add(kind, message, *places, operation=new.label)
        ids = operation_id(self.old, old), operation_id(self.new, new)
        if all(ids) and ids[0] != ids[1]:
            message = f"{new.label}: the operationId {ids[0]} became {ids[1]}"
            self.changes.add("operation-id", message, *places, operation=new.label)

    def _servers(self) -> None:
        before, after = (_urls(document) for document in (self.old, self.new))
        places = (("servers",), ("servers",))
        for url in before - after:
            self.changes.add("server-removed", f"the server {url} is gone", *places)
        for url in after - before:
            self.changes.add("server-added", f"the server {url} is new", *places)


def _urls(document: Document) -> set[str]:
    servers = document.source.tree.get("servers")
    nodes = servers if isinstance(servers, list) else []
    urls = {str(node.get("url")).rstrip("/") for node in nodes if isinstance(node, dict)}
    return urls or {""}
