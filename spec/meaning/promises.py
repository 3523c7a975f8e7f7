"""What a document says of the promises of its API."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .. import pointers
from ..errors import Defect, nearest
from ..openapi.references import local_tokens
from ..registry import REGISTRY, Promise
from ..text.json_text import Key
from ..text.source import Source
from .annotations import check

__all__ = ["REGISTRY", "Promise", "Promises"]

Path = tuple[Key, ...]


class Promises(Mapping[str, Mapping[str, Any]]):
    """What one place of a document says: promise id to parameters; `withdrawn` takes one back."""

    def __init__(
        self,
        said: Mapping[str, Mapping[str, Any]] | None = None,
        places: Mapping[str, Path] | None = None,
    ) -> None:
        self._said = dict(said or {})
        self._places = dict(places or {})

    @classmethod
    def read(cls, block: Any, source: Source, path: Path) -> tuple[Promises, list[Defect]]:
        """Reads an `x-session-promises` block, or says what is wrong with it."""
        defects = check("x-session-promises", block, source, path)
        said: dict[str, Mapping[str, Any]] = {}
        for id, parameters in block.items() if not defects else ():
            promise = REGISTRY.get(id)
            at = (*path, id)
            if promise is None:
                remedy = nearest(id, REGISTRY)
                defects.append(source.defect("D140", f'there is no promise "{id}"', at, remedy))
                continue
            known = (*promise.parameters, "withdrawn")
            for name in parameters or ():
                if name not in known:
                    message = f'{id} takes {", ".join(known)}, not "{name}"'
                    defects.append(source.defect("D140", message, (*at, name)))
            said[id] = parameters or {}
        return cls(said, {id: (*path, id) for id in said}), defects

    def holds(self, promise: str) -> bool:
        """Whether the promise stands: said or implied, and not withdrawn."""
        if promise not in self._said:
            return promise not in REGISTRY or not REGISTRY[promise].stated
        return "withdrawn" not in self._said[promise]

    def __or__(self, nearer: Promises) -> Promises:
        return Promises(self._said | nearer._said, self._places | nearer._places)

    def place(self, id: str) -> Path | None:
        """Where a promise is said; None for one that is only implied."""
        return self._places.get(id)

    def __getitem__(self, id: str) -> Mapping[str, Any]:
        return self._said[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)


def schemas_within(tree: Any, schemas: Iterable[Path]) -> Iterator[tuple[dict[str, Any], Path]]:
    """Some schemas and all that they are made of, the nearest first, each once."""
    queue = deque(schemas)
    seen: set[Path] = set()
    while queue:
        path = tuple(map(str, queue.popleft()))
        node = pointers.first(tree, path)
        if path in seen or not isinstance(node, dict):
            continue
        seen.add(path)
        yield node, path
        tokens = local_tokens(node["$ref"]) if isinstance(node.get("$ref"), str) else None
        if tokens is not None:
            queue.append(tokens)
        if "items" in node:
            queue.append((*path, "items"))
        for key in ("allOf", "oneOf", "anyOf"):
            queue.extend((*path, key, str(n)) for n in range(len(node.get(key) or ())))
        if isinstance(node.get("properties"), dict):
            queue.extend((*path, "properties", name) for name in node["properties"])
