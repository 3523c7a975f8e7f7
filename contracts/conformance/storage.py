"""Where Hypothesis keeps what it works out: nowhere that a user would find it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_apart() -> Iterator[None]:
    """Gives Hypothesis a folder for this time only, so that none appears where a run was started.

    What else uses Hypothesis in this process has its own folder again afterwards.
    """
    from hypothesis import configuration

    before = configuration.storage_directory(intent_to_write=False).path
    with tempfile.TemporaryDirectory(prefix="sparring-", ignore_cleanup_errors=True) as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)
