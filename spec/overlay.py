"""OpenAPI Overlay 1.0: changes that an author adds to a document which is not theirs to edit."""

from __future__ import annotations

import copy
from typing import Any

from .errors import Defect, SparringError
from .source import Key, Source

Path = tuple[Key, ...]


def apply(document: Source, overlay: Source) -> None:
    """Applies the actions of `overlay` to `document`, in order and in place.

    Raises SparringError with all of: O101 not an overlay, O102 a bad target, O103 a target that
    matches nothing.
    """
    tree = overlay.tree
    actions = tree.get("actions") if isinstance(tree, dict) else None
    if not isinstance(tree, dict) or not str(tree.get("overlay", "")).startswith("1."):
        message = "an overlay begins with `overlay: 1.0.0`"
        raise SparringError(overlay.defect("O101", message, ()))
    if not isinstance(actions, list) or not actions:
        message = "`actions` must be a list of at least one action"
        raise SparringError(overlay.defect("O101", message, ("actions",)))
    defects: list[Defect] = []
    for index, action in enumerate(actions):
        defects += _act(document, overlay, action, ("actions", index))
    if defects:
        raise SparringError(defects)


def _act(document: Source, overlay: Source, action: Any, path: Path) -> list[Defect]:
    from jsonpath import JSONPathEnvironment, JSONPathError

    if not isinstance(action, dict) or not isinstance(action.get("target"), str):
        return [overlay.defect("O101", "an action needs a `target`", path)]
    strange = set(action) - {"target", "description", "update", "remove"}
    unknown = sorted(key for key in strange if not key.startswith("x-"))
    if unknown:
        return [overlay.defect("O101", f'unknown key "{unknown[0]}"', (*path, unknown[0]))]
    where = (*path, "target")
    try:
        query = JSONPathEnvironment(strict=True).compile(action["target"])
    except JSONPathError as error:
        return [overlay.defect("O102", str(error).split("\n", 1)[0], where)]
    found = [match.parts for match in query.finditer(document.tree)]
    if not found:
        message = f"{action['target']} matches nothing in {document.name}"
        return [overlay.defect("O103", message, where, "Compare it with the document's paths.")]
    if action.get("remove") is True:
        _remove(document, found)
        return []
    for parts in found:
        if "update" in action:
            _update(document, overlay, parts, action["update"], (*path, "update"))
    return []


def _at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _remove(document: Source, paths: list[Path]) -> None:
    """Removes the last items of a list first, so that the others stay where they are."""
    found = [(_at(document.tree, path[:-1]), path[-1]) for path in dict.fromkeys(paths) if path]
    for node, key in sorted(found, key=lambda pair: str(pair[1]).zfill(9), reverse=True):
        document.remove(node, key)


def _update(document: Source, overlay: Source, at: Path, value: Any, path: Path) -> None:
    node = _at(document.tree, at)
    if isinstance(node, list):
        document.graft(node, len(node), copy.deepcopy(value), overlay, path)
    elif isinstance(node, dict) and isinstance(value, dict):
        _merge(document, overlay, node, value, path)


def _merge(
    document: Source, overlay: Source, node: dict[str, Any], value: dict[str, Any], path: Path
) -> None:
    for key, item in value.items():
        if isinstance(node.get(key), dict) and isinstance(item, dict):
            _merge(document, overlay, node[key], item, (*path, key))
        else:
            document.graft(node, key, copy.deepcopy(item), overlay, (*path, key))
