"""`sparring fixtures`: values of every schema, and conversations with the mock, in a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sparring.fixtures.checking import Checker
from sparring.fixtures.content import Content, component_schemas, sample_schemas
from sparring.fixtures.manifest import (
    MANIFEST,
    Manifest,
    Recipe,
    differences,
    manifest_of,
    read_manifest,
)
from sparring.fixtures.script import Script, default_script, load_script
from sparring.fixtures.script.scenes import load_scene, scene_names
from sparring.fixtures.sets.sets import LEFT_OUT, set_files
from sparring.fixtures.writers import FORMATS
from sparring.fixtures.writers.folder import files_of, write_folder
from sparring.spec.errors import Defect, SparringError, nearest
from sparring.spec.openapi.document import Document, load_document

from .datasets import Datasets
from .progress import Progress
from .telling import best_talks, conversations


def write_fixtures(
    spec: str,
    folder: Path,
    script: Path | None,
    overlays: Sequence[Path],
    options: Mapping[str, Any],
) -> int:
    """Writes the fixtures of a document and returns how many files they are.

    Raises SparringError: F101 with every schema that no value satisfies, after all others have been
    written, C101 for what can't be written.
    """
    recipe = msgspec.convert({k: v for k, v in options.items() if v}, Recipe)
    for name in recipe.formats:
        if name not in FORMATS:
            remedy = nearest(name, FORMATS) or f"There are {', '.join(FORMATS)}."
            raise SparringError(Defect("C101", f'there is no format "{name}"', None, remedy))
    document = load_document(spec, overlays)
    scripts = _scripts(script, recipe)
    content, manifest, files, defects = _make(document, overlays, recipe, scripts)
    write_folder(folder, files | {MANIFEST: manifest.text()})
    if recipe.only and not content.values and not content.conversations:
        raise SparringError(Defect("C104", f"nothing is called {' or '.join(recipe.only)}"))
    if defects:
        raise SparringError(defects)
    return len(files) + 1


def check_fixtures(
    spec: str,
    folder: Path,
    script: Path | None,
    overlays: Sequence[Path],
    only: tuple[str, ...] = (),
) -> list[str]:
    """What in a folder is not as it would be written now, by the recipe of its manifest; of these
    schemas and conversations `only`, if some are named.

    Raises SparringError C101 when it has no manifest.
    """
    known = read_manifest(folder)
    document = load_document(spec, overlays)
    recipe = known.recipe
    if only:
        recipe = msgspec.structs.replace(recipe, only=only, datasets=0)
    _, now, files, _ = _make(document, overlays, recipe, _scripts(script, recipe))
    if only:
        files.pop(LEFT_OUT, None)  # it is of all schemas
        kept = {name: hash for name, hash in known.files.items() if name in files}
        known = msgspec.structs.replace(known, recipe=recipe, files=kept)
    return list(differences(folder, known, now, files, Checker(document).wrong))


def _scripts(file: Path | None, recipe: Recipe) -> list[Script]:
    """What is told: a script and the scenes that are asked for, or else every scene."""
    own = [load_script(file)] if file else []
    if own or recipe.scenes:
        return own + [load_scene(name) for name in recipe.scenes]
    return [default_script(), *(load_scene(n) for n in scene_names() if recipe.wants(n))]


def _make(
    document: Document, overlays: Sequence[Path], recipe: Recipe, scripts: Sequence[Script]
) -> tuple[Content, Manifest, dict[str, str], list[Defect]]:
    with Progress() as progress:
        values, defects = sample_schemas(document, recipe)
        told = []
        wanted = [script for script in scripts if recipe.wants(script.name)]
        progress.begin("conversations", len(wanted) * len(best_talks(document)))
        for conversation in conversations(document, wanted, seed=recipe.seed, url=recipe.url):
            told.append(conversation)
            progress.step(conversation.name)
        content = Content(document, recipe, values, told)
        files = files_of(content)
        if recipe.cover or recipe.edges:
            progress.begin("schemas", sum(recipe.wants(n) for n, _ in component_schemas(document)))
            files |= set_files(document, recipe, progress.step)
        if recipe.datasets:
            progress.begin("datasets", recipe.datasets)
            datasets = Datasets(document, scripts, seed=recipe.seed, url=recipe.url)
            for number in range(1, recipe.datasets + 1):
                folder = f"datasets/{number:04}"
                files |= {f"{folder}/{n}": text for n, text in datasets.files(number).items()}
                progress.step(folder)
    sources = {Path(document.source.name).name: document.source.text}
    sources |= {overlay.name: overlay.read_text("utf-8") for overlay in overlays}
    if recipe.dictionary:
        dictionary = Path(recipe.dictionary)
        sources[dictionary.name] = dictionary.read_text("utf-8")
    for script in scripts:
        if script.source is not None:
            sources[Path(script.source.name).name] = script.source.text
    return content, manifest_of(document, recipe, sources, files), files, defects
