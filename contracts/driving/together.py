"""Calls at one instant."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any


def together(actions: Sequence[Any]) -> list[Any]:
    """Calls all actions at one instant; an exception stands in place of its result."""
    barrier = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def work(index: int) -> None:
        barrier.wait()
        try:
            results[index] = actions[index]()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
