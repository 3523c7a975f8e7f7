"""The registry of promises, by what they are about."""

from __future__ import annotations

from collections.abc import Mapping

from . import runs, sessions, streams, talk, wire
from .promise import Promise

__all__ = ["REGISTRY", "Promise"]

REGISTRY: Mapping[str, Promise] = {
    found.id: found for part in (sessions, talk, runs, streams, wire) for found in part.PROMISES
}
