"""What operations mean and promise, and what sessions, messages and events look like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.meaning import INFERRED, Meaning
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.router import parameter_names
from sparring.spec.openapi.schemas import Path

from .changes import Changes
from .shapes import key_of

_ABSENT: Any = object()
_SHOWN = 4
_IN_PATH = "$request.path."
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
        for at, message in _changed(before, after):
            is_new = pointers.first(before, at, _ABSENT) is _ABSENT
            kind = "model-added" if is_new else "model-changed"
            self._changes.add(kind, message, (_MODEL, *at), (_MODEL, *at))

    def compare(self, old: Operation, new: Operation, *, as_before: bool) -> None:
        """Notes how the meaning of two operations differs; what is inferred can't where the wire is
        `as_before`: it hangs on other operations then."""
        self._promises(old, new)
        before, after = self._meanings[0][old.label], self._meanings[1][new.label]
        places = tuple((*operation.pointer, _SESSION) for operation in (old, new))
        inferred = INFERRED in (before.source, after.source)
        if before.role is not after.role:
            told = " to ".join(m.role.value if m.role else "none" for m in (before, after))
            kind = "role-added" if before.role is None else "role-changed"
            if inferred and before.role is not None:
                kind = "role-inferred"
            if not (inferred and as_before):
                message = f"the role goes from {told}"
                self._changes.add(kind, message, *places, operation=new.label, part="meaning")
        elif before.role is not None:
            self._binding(old, new, _block(before), _block(after), as_before=as_before)

    def _binding(
        self,
        old: Operation,
        new: Operation,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        *,
        as_before: bool,
    ) -> None:
        """Notes what changed of each key; all that is inferred is one change."""
        said = [_said(self._old, old), _said(self._new, new)]
        told: dict[tuple[str, str], list[str]] = {}
        for at, message in _changed(before, after):
            key = at[0]
            times = sum(key in block for block in said)
            if times == 0 and as_before:
                continue
            kind = "binding-changed" if times == 2 else "binding-inferred"
            if pointers.first(before, at, _ABSENT) is _ABSENT:
                kind = "binding-added"
            told.setdefault((kind, key if times else ""), []).append(message)
        for (kind, key), messages in told.items():
            places = [
                (*operation.pointer, _SESSION, *([key] if key else ())) for operation in (old, new)
            ]
            rest = f" and {len(messages) - _SHOWN} more" if len(messages) > _SHOWN else ""
            message = ", ".join(messages[:_SHOWN]) + rest
            self._changes.add(kind, message, *places, operation=new.label, part="meaning")

    def _promises(self, old: Operation, new: Operation) -> None:
        for id in dict.fromkeys((*old.promises, *new.promises)):
            known = REGISTRY.get(id)
            roles = {o.binding.role for o in (old, new) if o.binding is not None}
            if known is None or (roles and not roles & known.roles):
                continue
            held, holds = old.promises.holds(id), new.promises.holds(id)
            places = (_place(old, id), _place(new, id))
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


def _place(operation: Operation, id: str) -> Path:
    """Where a promise is said, else where it would be said of the whole document."""
    return operation.promises.place(id) or (_PROMISES, id)


def _said(document: Document, operation: Operation) -> Mapping[str, Any]:
    """The `x-session` block of an operation, without what is inferred."""
    block = pointers.first(document.source.tree, (*map(str, operation.pointer), _SESSION))
    return block if isinstance(block, dict) else {}


def _block(meaning: Meaning) -> dict[str, Any]:
    """What is known of an operation beside its role; its path parameters have no names."""
    names = parameter_names(meaning.operation.template)
    block = {key: value for key, value in meaning.block.items() if key != "role"}
    return {key: _unnamed(value, names) for key, value in block.items()}


def _unnamed(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _unnamed(inner, names) for key, inner in value.items()}
    if isinstance(value, str) and value.startswith(_IN_PATH):
        name = value.removeprefix(_IN_PATH)
        return f"{_IN_PATH}{names.index(name)}" if name in names else value
    return value


def _changed(before: Any, after: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """The leaves of two blocks that differ, and how."""
    for at in dict.fromkeys((*_leaves(before), *_leaves(after))):
        one, other = (pointers.first(block, at, _ABSENT) for block in (before, after))
        if one is not _ABSENT and other is not _ABSENT and key_of(one) == key_of(other):
            continue
        if not isinstance(one, dict) and not isinstance(other, dict):  # else its leaves tell
            told = " to ".join("none" if v is _ABSENT else _shown(v) for v in (one, other))
            yield at, f"`{'.'.join(at)}` goes from {told}"


def _leaves(block: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(block, Mapping) and block:
        for key, value in block.items():
            yield from _leaves(value, (*at, str(key)))
    elif at:
        yield at


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else key_of(value)
    return text if len(text) < 80 else f"{text[:77]}..."
