"""A progress bar for what takes long, where somebody looks on."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class Progress:
    """Bars on standard error, which are gone at the end; nothing unless that is a terminal."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as Bars

            self._bars = Bars(console=Console(stderr=True), transient=True)
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def begin(self, what: str, total: int) -> None:
        """Starts a bar of so many steps."""
        if self._bars is not None:
            self._task = self._bars.add_task(what, total=total)

    def step(self, what: str) -> None:
        """Goes one step on: what is done, or begun."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, advance=1, description=what)
