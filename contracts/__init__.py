"""Suites that hold an implementation to the same document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .findings.report import Report as Report
    from .library import run as run

__all__ = ["Report", "run"]
_MODULES = {"run": "library", "Report": "findings.report"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:  # on first use: every pytest imports this package
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
