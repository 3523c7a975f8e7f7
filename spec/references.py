"""Closes the references of a document: files beside it are taken in, nothing else is ever read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as File
from typing import Any
from urllib.parse import unquote, urlsplit

from . import pointers
from .errors import Defect, SparringError
from .json_text import Key
from .source import Source, load

FILES = "x-sparring-files"
Path = tuple[Key, ...]


def bundle(source: Source, file: File) -> None:
    """Makes every `$ref` of `source` local; referenced files move in under `x-sparring-files`.

    A local reference that leads nowhere is a warning, and anything is valid in its place.
    Raises SparringError with all of: D120 a file that can't be read, D121 a reference that leaves
    the folder of `file` (by a URL, an absolute path or `..`).
    """
    folder = file.resolve().parent
    loaded: dict[File, str] = {file.resolve(): ""}
    queue: list[tuple[Source, File, Any, Path, str]] = [(source, file, source.tree, (), "")]
    defects: list[Defect] = []
    while queue:
        origin, here, tree, _, prefix = queue.pop()
        for node, path in _references(tree):
            target = node["$ref"]
            name, _, fragment = target.partition("#")
            if name:
                wanted = _beside(here, name, folder)
                if wanted is None:
                    message = f"{target} leaves the folder of the document"
                    remedy = "Copy the file beside the document and refer to it by its name."
                    defects.append(origin.defect("D121", message, (*path, "$ref"), remedy))
                    continue
                if wanted not in loaded:
                    key = str(wanted.relative_to(folder))
                    try:
                        part = load(wanted)
                    except SparringError as error:
                        message = f"{target}: {error.defects[0].message}"
                        defects.append(origin.defect("D120", message, (*path, "$ref")))
                        continue
                    loaded[wanted] = f"/{FILES}" + pointers.join([key])
                    shelf = source.tree.setdefault(FILES, {})
                    source.graft(shelf, key, part.tree, part, ())
                    queue.append((part, wanted, part.tree, (), loaded[wanted]))
                node["$ref"] = f"#{loaded[wanted]}{fragment}"
            elif prefix:
                node["$ref"] = f"#{prefix}{fragment}"
    for node, path in _references(source.tree):
        target = node["$ref"]
        tokens = local_tokens(target)
        if target.startswith("#") and (tokens is None or not _leads(source.tree, tokens)):
            message = f"{target} leads nowhere; anything is valid there"
            source.warnings.append(source.defect("D120", message, (*path, "$ref")))
            node.clear()
    if defects:
        raise SparringError(defects)


def _leads(tree: Any, tokens: tuple[str, ...]) -> bool:
    return any(True for _ in pointers.find(tree, tokens))


def _beside(here: File, name: str, folder: File) -> File | None:
    """The file that a relative reference in `here` names, None when it is not in the folder."""
    try:
        if urlsplit(name).scheme or name.startswith("/"):
            return None
        wanted = (here.resolve().parent / unquote(name)).resolve()
    except ValueError:  # neither a URL nor a name that a file can have
        return None
    return wanted if wanted.is_relative_to(folder) else None


def _references(tree: Any) -> list[tuple[dict[str, Any], Path]]:
    """Every reference object, each once, with its path."""
    return [(node, path) for node, path in nodes(tree) if isinstance(node.get("$ref"), str)]


def nodes(tree: Any) -> Iterator[tuple[dict[str, Any], Path]]:
    """Every mapping that the document itself defines, each once, with its path; the members of
    `properties` are names, and examples, defaults and extensions are data."""
    stack: list[tuple[Any, Path, bool]] = [(tree, (), False)]
    seen: set[int] = set()
    while stack:
        node, path, named = stack.pop()
        if not isinstance(node, (dict, list)) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            if not named:
                yield node, path
            for key, value in node.items():
                if key in ("example", "examples", "default", "enum", "const") and not named:
                    continue
                if key.startswith("x-") and key != FILES:
                    continue
                stack.append((value, (*path, key), key == "properties" and not named))
        else:
            stack.extend((value, (*path, i), False) for i, value in enumerate(node))


def local_tokens(reference: str) -> tuple[str, ...] | None:
    """The pointer tokens of a reference into the document itself, None for any other."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    return pointers.split(unquote(reference[1:]))
