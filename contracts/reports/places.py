"""Where a finding stands, as other tools want to be told."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from sparring.spec.errors import Position


def local_path(position: Position) -> str:
    """The file relative to the working folder; as it was given when it lies elsewhere."""
    path = Path(position.file).absolute()
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else position.file


def uri(position: Position) -> str:
    """The file as a URI reference: relative to the working folder, or absolute."""
    path = Path(local_path(position))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
