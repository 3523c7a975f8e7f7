"""Brings an answer that would break the document to one that does not, and keeps what it can."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from sparring.fixtures.sampling.sampler import Sampler
from sparring.fixtures.shaping.shapes import Location, Shaper
from sparring.spec.errors import SparringError
from sparring.spec.openapi.schemas import Path, Validator
from sparring.spec.pointers import EACH

_MOST_TRIALS = 2000


def mend(shaper: Shaper, schema: Path, validator: Validator, body: Any) -> Any:
    """A valid value with as much of `body` as fits over a sample; None where there is no sample.

    An answer that can only say whether it worked says so.
    """
    if validator.is_valid(True) and not validator.is_valid({}):
        return True
    sampler = Sampler(shaper.document.schemas, shaper.view)

    def sample(path: Path) -> Any:
        return copy.deepcopy(sampler.sample(path, "mended", required_only=True))

    def item(location: Location) -> Any:
        """A new item of the array at a location."""
        path = shaper.at(schema, (*location, EACH))
        return sample(path) if path is not None else None

    try:
        whole = sample(schema)
    except SparringError:
        return None
    return _Overlay(whole, validator, item).lay(body) if validator.is_valid(whole) else None


class _Overlay:
    """Lays a value over a valid one, part by part; what would make it invalid is left out."""

    def __init__(self, whole: Any, validator: Validator, item: Callable[[Location], Any]) -> None:
        self._root = [whole]  # a list, so that the root can be replaced like any other part
        self._is_valid = validator.is_valid
        self._item = item
        self._trials = 0

    def lay(self, value: Any) -> Any:
        self._lay(self._root, 0, value, ())
        return self._root[0]

    def _try(self, parent: Any, key: Any, value: Any) -> bool:
        """Whether the whole is valid with `value` there; it stands there only if it is."""
        self._trials += 1
        if self._trials > _MOST_TRIALS:
            return False
        missing = object()
        old = parent[key] if isinstance(parent, list) else parent.get(key, missing)
        parent[key] = value
        if self._is_valid(self._root[0]):
            return True
        if old is missing:
            del parent[key]
        else:
            parent[key] = old
        return False

    def _lay(self, parent: Any, key: Any, value: Any, at: Location) -> None:
        if self._try(parent, key, value):
            return
        below = parent[key] if isinstance(parent, list) else parent.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            for name, item in value.items():
                self._lay(below, name, item, (*at, name))
        elif isinstance(value, list) and isinstance(below, list):
            self._lay_items(parent, key, value, at)

    def _lay_items(self, parent: Any, key: Any, value: list[Any], at: Location) -> None:
        """Each item over a sample of its own; those that can't be mended are lost."""
        items: list[Any] = []
        for item in value:
            if self._try(parent, key, [*items, item]):
                items.append(item)
            elif self._try(parent, key, [*items, self._item(at)]):
                here = parent[key]
                self._lay(here, len(items), item, (*at, EACH))
                items.append(here[len(items)])
