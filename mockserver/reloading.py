"""Takes up what changes in a document, its overlays or its script while they are served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparring.fixtures.script import load_scripts
from sparring.fixtures.script.cast import Cast
from sparring.fixtures.script.declared import refuse_undeclared
from sparring.fixtures.script.scenes import bound_scenes
from sparring.spec.errors import SparringError
from sparring.spec.openapi.document import BUNDLED, Document, load_document
from sparring.spec.openapi.resources import FILES

from .api import Api
from .app import MockServer

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a mock server is made of: a document by its path or bundled name, and files."""

    spec: str
    overlays: Sequence[Path] = ()
    scripts: Sequence[Path] = ()
    scenes: Sequence[str] = ()

    def document(self) -> Document:
        """The document as it is now. Raises SparringError."""
        return load_document(self.spec, self.overlays)

    def cast(self) -> Cast:
        """The scripts as they are now. Raises SparringError with every mistake in them."""
        scripts = load_scripts(self.scripts)
        has_other = any(not script.bind for script in scripts)
        return Cast([*scripts, *bound_scenes(self.scenes, all_bound=has_other)])

    def files(self, document: Document) -> set[Path]:
        """All files that the document and its agent were read from."""
        found = {path.resolve() for path in (*self.overlays, *self.scripts)}
        if self.spec not in BUNDLED:
            whole = Path(self.spec).resolve()
            found.add(whole)
            found |= {
                (whole.parent / name).resolve() for name in document.source.tree.get(FILES, ())
            }
        return found


class Reloader:
    """Keeps one server up to date with its files; a broken file changes nothing."""

    def __init__(self, app: MockServer, sources: Sources, say: Say) -> None:
        self._app = app
        self._sources = sources
        self._say = say
        self._whole = True
        self._told = ""
        self.files = sources.files(app.document)
        self._seen = _stamps(self.files)

    async def look(self, changed: set[Path]) -> None:
        """Takes up what has changed; the server goes on answering meanwhile.

        While a file is broken, one of the `changed` files beside it may be what mends it.
        """
        stamps = _stamps(self.files)
        beside = {path.parent for path in changed} & {path.parent for path in self.files}
        if stamps != self._seen or (beside and not self._whole):
            self._seen = stamps
            await self._reload()

    async def _reload(self) -> None:
        app = self._app
        try:
            document, cast = await asyncio.to_thread(self._read)
            api = await asyncio.to_thread(Api, document, app.world)
        except Exception as error:  # a file may say anything: the server goes on
            kind = "" if isinstance(error, SparringError) else f"{type(error).__name__}: "
            self._whole = False
            told = f"{kind}{error}"
            if told != self._told:  # a log beside the file changes with each time it is told
                self._say(f"{told}\nsparring goes on with {app.document.title} as it was.")
            self._told, app.world.broken = told, told.partition("\n")[0][:1000]
            return
        for warning in document.warnings:
            self._say(f"warning: {warning}")
        app.world.cast, app.world.broken = cast, ""
        app.play(document, api)
        files = self._sources.files(document)
        self._seen = {f: s for f, s in self._seen.items() if f in files} | _stamps(
            files - self.files
        )
        self.files = files
        self._whole, self._told = True, ""
        self._say(f"sparring has taken up the changes of {document.title}.")

    def _read(self) -> tuple[Document, Cast]:
        document, cast = self._sources.document(), self._sources.cast()
        refuse_undeclared(cast.scripts, [document])
        return document, cast


def _stamps(files: set[Path]) -> dict[Path, tuple[int, int] | None]:
    """What tells whether a file is still the same, None for one that is not there."""
    found: dict[Path, tuple[int, int] | None] = {}
    for file in files:
        try:
            now = file.stat()
        except OSError:
            found[file] = None
        else:
            found[file] = (now.st_mtime_ns, now.st_size)
    return found


async def follow(apps: Sequence[tuple[MockServer, Sources]], say: Say) -> None:
    """Watches the files of all servers as long as it is not cancelled.

    It also looks once a second: not every file system tells of its changes, nor one of what
    happened before it was asked.
    """
    from watchfiles import awatch

    reloaders = [Reloader(app, sources, say) for app, sources in apps]

    def folders() -> set[Path]:
        return {path.parent for reloader in reloaders for path in reloader.files}

    while watched := folders():
        async for changes in awatch(
            *watched,
            recursive=False,
            watch_filter=None,
            debounce=200,
            rust_timeout=1000,
            yield_on_timeout=True,
        ):
            changed = {Path(path) for _, path in changes}
            for reloader in reloaders:
                await reloader.look(changed)
            if folders() != watched:
                break
