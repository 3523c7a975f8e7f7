"""JSON values: reading them strictly, comparing them, merging them."""

import json
from typing import Any, NoReturn

MAX_DEPTH = 100


def parse(text: bytes) -> Any:
    """Read JSON; what is no JSON, or could not be written again, is a ValueError."""
    try:
        value = json.loads(text.decode(), parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    _check(value, MAX_DEPTH)
    return value


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal: 1 is 1.0, but neither true nor "1"."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def merge(target: Any, patch: Any) -> Any:
    """Apply a JSON Merge Patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number.")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large.")
    return number


def _check(value: Any, depth: int) -> None:
    if depth < 0:
        raise ValueError("The JSON is nested too deeply.")
    if isinstance(value, str):
        value.encode()  # half a surrogate pair is a UnicodeEncodeError, which is a ValueError
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            key.encode()
            _check(item, depth - 1)
