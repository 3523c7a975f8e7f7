"""JSON Pointers (RFC 6901), and locations: pointers that also know `-1` (last) and `*` (each)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

EACH = "*"
LAST = "-1"


def split(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a pointer. Raises ValueError when it does not begin with `/`."""
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f'"{pointer}" is not a JSON Pointer: it must begin with "/"')
    return tuple(t.replace("~1", "/").replace("~0", "~") for t in pointer[1:].split("/"))


def join(tokens: Iterable[str | int]) -> str:
    """The pointer that has these reference tokens."""
    return "".join("/" + str(t).replace("~", "~0").replace("/", "~1") for t in tokens)


def child(node: Any, token: str | int) -> Any:
    """The member or item of `node` that `token` names. Raises KeyError when there is none."""
    if isinstance(node, dict):
        return node[token]
    if isinstance(node, list):
        try:
            return node[int(token)]
        except (ValueError, IndexError):
            pass
    raise KeyError(token)


def find(node: Any, location: tuple[str, ...]) -> Iterator[Any]:
    """Every value at `location`, in order; none when the path is not there."""
    if not location:
        yield node
        return
    token, rest = location[0], location[1:]
    if token == EACH:
        for item in node if isinstance(node, list) else ():
            yield from find(item, rest)
        return
    try:
        below = child(node, token)
    except KeyError:
        return
    yield from find(below, rest)


def first(node: Any, location: tuple[str, ...], default: Any = None) -> Any:
    """The first value at `location`, or `default`."""
    for index, token in enumerate(location):
        if token == EACH or not isinstance(node, dict):
            return next(find(node, location[index:]), default)
        if token not in node:
            return default
        node = node[token]
    return node


def getter(location: tuple[str, ...]) -> Callable[[Any], Any]:
    """A function that reads the first value at `location`, None where there is none."""
    if len(location) == 1 and location[0] not in (EACH, LAST):
        key = location[0]
        return lambda node: node.get(key) if isinstance(node, dict) else first(node, location)
    return lambda node: first(node, location)


def put(node: dict[str, Any], location: tuple[str, ...], value: Any) -> None:
    """Sets `value` at `location`, making the objects and arrays on the way.

    `*` and `-1` stand for the only item of an array that is made.
    """
    here: Any = node
    for token, following in zip(location, (*location[1:], None), strict=True):
        new: Any = value
        if following is not None:
            new = [] if following.isdecimal() or following in (EACH, LAST) else {}
        if isinstance(here, list):
            index = 0 if token in (EACH, LAST) else int(token)
            here.extend([None] * (index + 1 - len(here)))
            if following is None or not isinstance(here[index], (dict, list)):
                here[index] = new
            here = here[index]
        else:
            if following is None or not isinstance(here.get(token), (dict, list)):
                here[token] = new
            here = here[token]
