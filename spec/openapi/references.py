"""Closes the references of a document: files beside it are taken in, nothing else is ever read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as File
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from .. import pointers
from ..errors import SparringError
from .resources import FILES, localise, may_name_resources, names_resources, within

if TYPE_CHECKING:
    from ..text.source import Source

Path = tuple[str | int, ...]


def bundle(source: Source, file: File) -> bool:
    """Makes every `$ref` of `source` local; referenced files move in under `x-sparring-files`.

    A reference that can't be followed is taken away, and that is a warning:
    D120 where it leads nowhere, in a circle or to a file that can't be read, D121 where it leaves
    the folder of `file` (by a URL, an absolute path or `..`). Such a target is never looked at.
    Returns whether there was nothing to do: the document stands on its own.
    """
    alone = not (
        may_name_resources(source.text) and any(map(names_resources, mappings(source.tree)))
    )
    if not alone:
        localise(source.tree)
    folder = file.resolve().parent
    own = source.tree.get("$self") if isinstance(source.tree, dict) else None
    loaded: dict[File, str] = {file.resolve(): ""}
    queue: list[tuple[Source, File, str]] = [(source, file, "")]
    found: list[dict[str, Any]] = []
    broken: dict[int, tuple[str, str, str]] = {}
    while queue:
        origin, here, prefix = queue.pop()
        mine = [node for node in mappings(origin.tree) if _is_reference(node)]
        found += mine
        for node in mine:
            name, _, fragment = node["$ref"].partition("#")
            alone = alone and not name
            if name and name != own:
                wanted = _beside(here, name, folder)
                if wanted is None:
                    message = f"{name} is outside the folder of the document and is not read"
                    broken[id(node)] = "D121", message, _COPY
                    continue
                if wanted not in loaded:
                    from ..text.source import load  # whoever has no files needs none of it

                    key = str(wanted.relative_to(folder))
                    try:
                        part = load(wanted)
                    except SparringError as error:
                        message = f"{name}: {error.defects[0].message}"
                        broken[id(node)] = "D120", message, ""
                        continue
                    loaded[wanted] = f"/{FILES}" + pointers.join([key])
                    shelf = source.tree.setdefault(FILES, {})
                    source.graft(shelf, key, part.tree, part, ())
                    source.warnings += part.warnings
                    queue.append((part, wanted, loaded[wanted]))
                node["$ref"] = f"#{loaded[wanted]}{fragment}"
            elif name or prefix:
                node["$ref"] = f"#{prefix}{fragment}"
    lost = {target: _lost(source.tree, target) for target in {node["$ref"] for node in found}}
    for node in found:
        if id(node) not in broken and (reason := lost[node["$ref"]]):
            broken[id(node)] = "D120", reason, ""
    for node in found:
        if node["$ref"] == "#":
            broken[id(node)] = "D120", "# is no schema", ""
    for node, path in nodes(source.tree) if broken else ():
        if id(node) in broken:
            pasted = within(source.tree, path, node["$ref"]) if node["$ref"][:1] == "#" else None
            if pasted is not None:
                node["$ref"] = pasted
                continue
            code, message, remedy = broken[id(node)]
            message += "; it is ignored"
            source.warnings.append(source.defect(code, message, (*path, "$ref"), remedy))
            del node["$ref"]
    return alone and not broken


_COPY = "Copy the file beside the document and refer to it by its name."


def _lost(tree: Any, reference: str) -> str:
    """Why a local reference leads to nothing, empty when it leads somewhere."""
    target: Any = reference
    passed = {reference}
    while True:
        tokens = local_tokens(target)
        found = next(pointers.find(tree, tokens), _NOWHERE) if tokens is not None else _NOWHERE
        if found is _NOWHERE:
            return f"{reference} leads nowhere" if target == reference else ""
        target = found.get("$ref") if isinstance(found, dict) and len(found) == 1 else None
        if not isinstance(target, str):
            return ""
        if target in passed:
            return f"{reference} leads in a circle"
        passed.add(target)


_NOWHERE = object()


def _beside(here: File, name: str, folder: File) -> File | None:
    """The file that a relative reference in `here` names, None when it is not in the folder."""
    try:
        if urlsplit(name).scheme or name.startswith("/"):
            return None
        wanted = (here.resolve().parent / unquote(name)).resolve()
    except ValueError:  # neither a URL nor a name that a file can have
        return None
    return wanted if wanted.is_relative_to(folder) else None


_DATA = frozenset(("example", "examples", "default", "enum", "const"))
_NAMES = frozenset(
    ("properties", "patternProperties", "dependentSchemas", "definitions", "$defs", "schemas")
) | frozenset(
    ("responses", "parameters", "headers", "requestBodies", "securitySchemes", "mediaTypes")
)


def mappings(tree: Any) -> Iterator[dict[str, Any]]:
    """Every mapping that the document itself defines, each once; examples, defaults and extensions
    are data, but for what goes by such a name."""
    stack: list[Any] = [tree]
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        if isinstance(node, list):
            seen.add(id(node))
            stack += [item for item in node if type(item) is dict or type(item) is list]
        elif isinstance(node, dict):
            seen.add(id(node))
            yield node
            for key, value in node.items():
                if type(value) is not dict and type(value) is not list:
                    continue
                if key in _NAMES and isinstance(value, dict) and not _is_reference(value):
                    stack += value.values()
                elif _is_defined(key):
                    stack.append(value)


def nodes(tree: Any) -> Iterator[tuple[dict[str, Any], Path]]:
    """What `mappings` gives, with paths; for defects, as it takes three times as long."""
    stack: list[tuple[Any, Path]] = [(tree, ())]
    seen: set[int] = set()
    while stack:
        node, path = stack.pop()
        if id(node) in seen:
            continue
        if isinstance(node, list):
            seen.add(id(node))
            stack += [(item, (*path, index)) for index, item in enumerate(node)]
        elif isinstance(node, dict):
            seen.add(id(node))
            yield node, path
            for key, value in node.items():
                if key in _NAMES and isinstance(value, dict) and not _is_reference(value):
                    stack += [(item, (*path, key, name)) for name, item in value.items()]
                elif _is_defined(key):
                    stack.append((value, (*path, key)))


def _is_reference(node: dict[str, Any]) -> bool:
    return isinstance(node.get("$ref"), str)


def _is_defined(key: str) -> bool:
    return key not in _DATA and (not key.startswith("x-") or key == FILES)


@lru_cache(maxsize=16384)
def local_tokens(reference: str) -> tuple[str, ...] | None:
    """The pointer tokens of a reference into the document itself, None for any other."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    return pointers.split(unquote(reference[1:]))
