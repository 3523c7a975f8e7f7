"""What operations mean and promise, and what sessions, messages and events look like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sparring.spec import pointers
from sparring.spec.document import Document, Operation
from sparring.spec.meaning import INFERRED, Meaning
from sparring.spec.promises import REGISTRY
from sparring.spec.schemas import Path

from .changes import Changes
from .shapes import key_of

_ABSENT: Any = object()
_MODEL, _SESSION, _PROMISES = "x-session-model", "x-session", "x-session-promises"


class Meanings:
    """Compares what operations mean."""

    def __init__(self, old: Document, new: Document, changes: Changes) -> None:
        self._old, self._new = old, new
        self._changes = changes
        self._meanings = tuple(
            {meaning.operation.label: meaning for meaning in document.meanings}
            for document in (old, new)
        )

    def documents(self) -> None:
        """Notes how the models of two documents differ, as far as they are declared."""
        before, after = (
            document.source.tree.get(_MODEL, {}) for document in (self._old, self._new)
        )
        self._blocks(before, after, ((_MODEL,), (_MODEL,)), ("model-changed", "model-added"), "")

    def compare(self, old: Operation, new: Operation, *, as_before: bool) -> None:
        """Notes how the meaning of two operations differs; what is inferred can't where the wire is
        `as_before`: it hangs on other operations then."""
        before, after = self._meanings[0][old.label], self._meanings[1][new.label]
        inferred = INFERRED in (before.source, after.source)
        if not (inferred and as_before):
            self._roles(before, after, new.label, inferred=inferred)
        self._promises(old, new)

    def _roles(self, before: Meaning, after: Meaning, label: str, *, inferred: bool) -> None:
        places = tuple((*m.operation.pointer, _SESSION) for m in (before, after))
        if before.role is not after.role:
            told = " to ".join(m.role.value if m.role else "none" for m in (before, after))
            kind = "role-added" if before.role is None else "role-changed"
            if inferred and before.role is not None:
                kind = "role-inferred"
            message = f"the role goes from {told}"
            self._changes.add(kind, message, *places, operation=label, part="meaning")
        elif before.role is not None:
            changed = "binding-inferred" if inferred else "binding-changed"
            first, second = dict(before.block), dict(after.block)
            for block in (first, second):
                block.pop("role", None)
            self._blocks(first, second, places, (changed, "binding-added"), label)

    def _blocks(
        self,
        before: Any,
        after: Any,
        places: tuple[Path, ...],
        kinds: tuple[str, str],
        operation: str,
    ) -> None:
        for at in dict.fromkeys((*_leaves(before), *_leaves(after))):
            one, other = (pointers.first(block, at, _ABSENT) for block in (before, after))
            if one is not _ABSENT and other is not _ABSENT and key_of(one) == key_of(other):
                continue
            if isinstance(one, dict) or isinstance(other, dict):
                continue  # its leaves tell
            told = " to ".join("none" if v is _ABSENT else _shown(v) for v in (one, other))
            kind = kinds[1] if one is _ABSENT else kinds[0]
            old, new = ((*place, *at) for place in places)
            message = f"`{'.'.join(at)}` goes from {told}"
            self._changes.add(kind, message, old, new, operation=operation, part="meaning")

    def _promises(self, old: Operation, new: Operation) -> None:
        for id in dict.fromkeys((*old.promises, *new.promises)):
            known = REGISTRY.get(id)
            roles = {o.binding.role for o in (old, new) if o.binding is not None}
            if known is None or (roles and not roles & known.roles):
                continue
            held, holds = old.promises.holds(id), new.promises.holds(id)
            places = (_place(self._old, old, id), _place(self._new, new, id))
            kind, message = "", known.sentence
            if held and not holds:
                kind = "promise-withdrawn"
            elif holds and not held:
                kind = "promise-added"
            elif holds and key_of(dict(old.promises.get(id, {}))) != key_of(
                dict(new.promises.get(id, {}))
            ):
                kind = "promise-changed"
                told = (_shown(dict(o.promises.get(id, {}))) for o in (old, new))
                message = f"{message} {' became '.join(told)}"
            if kind:
                self._changes.add(
                    kind, f"{id}: {message}", *places, operation=new.label, part="promises"
                )


def _place(document: Document, operation: Operation, id: str) -> Path:
    """Where a promise is said: at the operation, else at the document."""
    near = (*operation.pointer, _PROMISES)
    block = pointers.first(document.source.tree, tuple(map(str, near)))
    return (*near, id) if isinstance(block, dict) and id in block else (_PROMISES, id)


def _leaves(block: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(block, Mapping) and block:
        for key, value in block.items():
            yield from _leaves(value, (*at, str(key)))
    elif at:
        yield at


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else key_of(value)
    return text if len(text) < 80 else f"{text[:77]}..."
