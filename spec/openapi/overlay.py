"""OpenAPI Overlay 1.0 and 1.1: what an author changes in a document that is not theirs to edit."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from .. import pointers
from ..errors import Defect, SparringError
from ..meaning.annotations import check
from ..text.json_text import Key
from ..text.source import Source

Path = tuple[Key, ...]


def apply(document: Source, overlay: Source) -> None:
    """Applies the actions of `overlay` to `document`, in order and in place.

    A target that matches nothing is an error, though the specification lets it pass: it is a
    mistake far more often than a wish. Raises SparringError with all of: O101 not an overlay, O102
    a bad target, O103 a target that matches nothing, O104 an update that does not fit its target.
    """
    defects = check("overlay", overlay.tree, overlay, (), "O101")
    for index, action in enumerate(overlay.tree["actions"] if not defects else ()):
        defects += _act(document, overlay, action, ("actions", index))
    if defects:
        raise SparringError(defects)


def _act(document: Source, overlay: Source, action: dict[str, Any], path: Path) -> Sequence[Defect]:
    try:
        found = _find(document, overlay, action["target"], (*path, "target"))
        if action.get("remove"):
            _remove(document, found)
            return ()
        if "update" in action:
            for parts in found:
                _update(document, parts, action["update"], overlay, (*path, "update"))
        if "copy" in action:
            model, *more = _find(document, overlay, action["copy"], (*path, "copy"))
            if more:
                message = f"{action['copy']} matches more than one node"
                return [overlay.defect("O102", message, (*path, "copy"))]
            value = copy.deepcopy(_at(document.tree, model))
            for parts in found:
                _update(document, parts, value, document, model)
    except _Unfit as error:
        return [
            overlay.defect("O104", str(error), (*path, "update" if "update" in action else "copy"))
        ]
    except SparringError as error:
        return error.defects
    return ()


def _find(document: Source, overlay: Source, target: str, where: Path) -> list[Path]:
    """The paths that a JSONPath matches, at least one."""
    from jsonpath import JSONPathEnvironment, JSONPathError

    try:
        query = JSONPathEnvironment(strict=True).compile(target)
    except JSONPathError as error:
        message = str(error).split("\n", 1)[0]
        raise SparringError(overlay.defect("O102", message, where)) from None
    found = [match.parts for match in query.finditer(document.tree)]
    if not found:
        message = f"{target} matches nothing in {document.name}"
        remedy = "Compare it with the document's paths."
        raise SparringError(overlay.defect("O103", message, where, remedy))
    return found


def _at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _remove(document: Source, paths: list[Path]) -> None:
    """Removes the last items of a list first, so that the others stay where they are."""
    found = [(_at(document.tree, path[:-1]), path[-1]) for path in dict.fromkeys(paths) if path]
    for node, key in sorted(found, key=lambda pair: str(pair[1]).zfill(9), reverse=True):
        document.remove(node, key)


class _Unfit(Exception):
    """A value and what it is to be merged into are not of one kind."""


def _update(document: Source, at: Path, value: Any, origin: Source, path: Path) -> None:
    """Merges a value, which stands at `path` in `origin`, into the node at `at`.

    Objects are merged, a list gets the items of another list or any other value as its last item,
    and what is neither is replaced (Overlay 1.1, section 4.4.3).
    """
    node = _at(document.tree, at)
    if isinstance(node, list):
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            where = (*path, index) if isinstance(value, list) else path
            document.graft(node, len(node), copy.deepcopy(item), origin, where)
    elif isinstance(node, dict) and isinstance(value, dict):
        for key, item in value.items():
            if key in node:
                _update(document, (*at, key), item, origin, (*path, key))
            else:
                document.graft(node, key, copy.deepcopy(item), origin, (*path, key))
    elif not at or isinstance(node, dict) or isinstance(value, (dict, list)):
        message = (
            f"{_kind(value)} can't be merged into {_kind(node)} at {pointers.join(map(str, at))}"
        )
        raise _Unfit(message)
    else:
        document.graft(_at(document.tree, at[:-1]), at[-1], value, origin, path)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "a plain value"
