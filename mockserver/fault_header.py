"""Faults that a request asks for by its header `X-Sparring-Fault`."""

from __future__ import annotations

import re
from typing import Any

from sparring.spec.errors import SparringError, nearest
from sparring.spec.source import Source, parse
from sparring.spec.turn import Fault

HEADER = "X-Sparring-Fault"

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_KINDS = (
    *("http", "cut", "stall", "drop", "duplicate", "reorder", "malform", "rename"),
    *("split_bytes", "ttft"),
)


def faults_of_header(text: str) -> list[Fault]:
    """The faults that the header says: one or a list, as YAML or JSON. Raises SparringError."""
    source = parse(text.encode(), HEADER)
    tree = source.tree
    if isinstance(tree, list):
        return [_Reader(source, (index,)).read(item) for index, item in enumerate(tree)]
    return [_Reader(source, ()).read(tree)]


class _Reader:
    def __init__(self, source: Source, path: tuple[Any, ...]) -> None:
        self._source = source
        self._path = path

    def read(self, item: Any) -> Fault:
        if not isinstance(item, dict):
            raise self._wrong("S102", "a fault is a mapping", (), "Write one such as {cut: 3}.")
        kinds = [key for key in item if key in _KINDS]
        if len(kinds) != 1:
            unknown = next((key for key in item if key not in _KINDS), None)
            at = () if unknown is None else (unknown,)
            message = "a fault has one kind" if kinds else "this is no kind of fault"
            remedy = nearest(unknown or "", _KINDS) or f"Kinds are {', '.join(_KINDS)}."
            raise self._wrong("S101", message, at, remedy)
        kind = kinds[0]
        value = item[kind]
        try:
            return getattr(self, f"_{kind}", self._placed)(kind, value, item)
        except (TypeError, ValueError, KeyError) as error:
            remedy = "The faults of scripts are written in the same way."
            raise self._wrong("S103", f"{kind}: {error}", (kind,), remedy) from None

    def _http(self, kind: str, value: Any, item: Any) -> Fault:
        if not isinstance(value, int) or not 400 <= value <= 599:
            raise ValueError("a status from 400 to 599 is wanted")
        wait = item.get("retry_after")
        return Fault(
            kind,
            status=value,
            seconds=None if wait is None else _seconds(wait),
            code=item.get("code", ""),
            message=item.get("message", ""),
            headers={k: str(v) for k, v in item.get("headers", {}).items()},
        )

    def _cut(self, kind: str, value: Any, item: Any) -> Fault:
        if isinstance(value, dict):
            return Fault(kind, **value)
        return Fault(kind, after_events=_count(value))

    def _stall(self, kind: str, value: Any, item: Any) -> Fault:
        more = dict(value) if isinstance(value, dict) else {"for": value}
        wait = more.pop("for", "forever")
        return Fault(kind, seconds=None if wait == "forever" else _seconds(wait), **more)

    def _ttft(self, kind: str, value: Any, item: Any) -> Fault:
        return Fault(kind, seconds=_seconds(value))

    def _rename(self, kind: str, value: Any, item: Any) -> Fault:
        return Fault(kind, name=value["to"], **_place(value["at"]))

    def _split_bytes(self, kind: str, value: Any, item: Any) -> Fault:
        return Fault(kind, size=_count(value), **_place(item.get("at", 0)))

    def _placed(self, kind: str, value: Any, item: Any) -> Fault:
        return Fault(kind, **_place(value))

    def _wrong(self, code: str, message: str, at: tuple[Any, ...], remedy: str) -> SparringError:
        return SparringError(self._source.defect(code, message, (*self._path, *at), remedy))


def _place(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"event": value}
    if isinstance(value, dict):
        return {"at" if key == "nth" else key: v for key, v in value.items()}
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("a number or the name of an event is wanted")
    return {"at": value}


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("a number of events is wanted")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    match = re.fullmatch(r"([0-9.]+)(ms|s|m)", str(value))
    if match is None:
        raise ValueError("a time such as 400ms is wanted")
    return float(match[1]) * _UNITS[match[2]]
