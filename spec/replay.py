"""Exchanges as a shell script: ids that the server made are taken from its new answers, and keys
that were left out, as `${SPARRING_KEY}`, from the environment."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote_plus, unquote, urlsplit

from .exchange import Exchange, Request, Response
from .text.json_text import Key

_SHORTEST = 4  # characters; what is shorter may stand in a path by chance
_ID = 8  # characters; what is shorter may stand in a body by chance
_PICK = (
    "pick() { printf '%s' \"$answer\" | python3 -c 'import functools, json, sys; print(functools."
    'reduce(lambda node, key: node[key], json.loads(sys.argv[1]), json.load(sys.stdin)))\' "$1"; }'
)
FORMS: Mapping[str, tuple[Callable[[str], str], str]] = {
    "UPPER": (str.upper, "printf %s \"$KEY\" | tr '[:lower:]' '[:upper:]'"),
    "START": (lambda key: key[:-1], 'printf %s "${KEY%?}"'),
    "END": (lambda key: key[1:], 'printf %s "${KEY#?}"'),
    "HALF": (lambda key: key[: len(key) // 2], 'printf %s "$KEY" | cut -c1-$((${#KEY} / 2))'),
    "BASIC": (
        lambda key: base64.b64encode(f"{key}:".encode(errors="replace")).decode(),
        "printf %s: \"$KEY\" | base64 | tr -d '\\n'",
    ),
    "PAIR": (
        lambda key: base64.b64encode(key.encode(errors="replace")).decode(),
        "printf %s \"$KEY\" | base64 | tr -d '\\n'",
    ),
    "QUOTED": (
        lambda key: quote_plus(key, errors="replace"),
        'printf %s "$KEY" | '
        "python3 -c 'import sys; from urllib.parse import *; print(quote_plus(sys.stdin.read()))'",
    ),
}
"""What is sent that is made of a key: how, and how the shell makes it of the variable KEY."""
_SECRET = re.compile(r"\$\{(SPARRING_\w+)\}")
_MARKED = "\0\\1\0"
_FORM = re.compile(rf"(SPARRING_(?:OTHER_)?KEY)_({'|'.join(FORMS)})")


def script(exchanges: Sequence[Exchange]) -> str:
    """A shell script that sends the same requests; an id that an answer made up is read anew."""
    asked = [line for exchange in exchanges for line in _asked(exchange.request)]
    return "\n".join([*dict.fromkeys(asked), *_commands(exchanges)])


def _asked(request: Request) -> Iterator[str]:
    """Lines that take the secrets of a request from the environment, or make them of a key."""
    for text in (request.url, *request.headers.values(), request.body.decode(errors="replace")):
        for name in _SECRET.findall(text):
            derived = _FORM.fullmatch(name)
            key = derived[1] if derived else name
            yield f': "${{{key}:?is not set}}"'
            if derived:
                yield f"{name}=$({FORMS[derived[2]][1].replace('KEY', key)})"


def _commands(exchanges: Sequence[Exchange]) -> list[str]:
    lines: list[str] = []
    variables: dict[str, str] = {}
    for index, exchange in enumerate(exchanges):
        command = _with_variables(exchange.request, variables)
        found = _made(exchanges, index, variables)
        if not found:
            lines.append(command)
            continue
        if not variables:
            lines.insert(0, _PICK)
        lines.append(f"answer=$({command.replace('curl -sS -i', 'curl -sS', 1)})")
        lines.append("printf '%s\\n' \"$answer\"")
        for value, path in found.items():
            variables[value] = f"id{len(variables) + 1}"
            lines.append(f"{variables[value]}=$(pick '{json.dumps(path)}')")
    return lines


def _made(
    exchanges: Sequence[Exchange], index: int, known: Mapping[str, str]
) -> dict[str, tuple[Key, ...]]:
    """Values that first stand in this answer and then in paths or bodies of later requests."""
    later = [exchange.request for exchange in exchanges[index + 1 :]]
    wanted = {segment for request in later for segment in _segments(request)}
    bodies = [request.body for request in later if request.body]
    found: dict[str, tuple[Key, ...]] = {}
    if not later:
        return found
    said = [_text(exchange.request) for exchange in exchanges[: index + 1]]
    for path, value in _strings(exchanges[index].response):
        is_wanted = value in wanted or (
            len(value) >= _ID and any(value.encode(errors="replace") in body for body in bodies)
        )
        is_new = value not in known and value not in found and is_wanted
        if is_new and len(value) >= _SHORTEST and not any(value in text for text in said):
            found[value] = path
    return found


def _strings(response: Response) -> Iterator[tuple[tuple[Key, ...], str]]:
    left: list[tuple[tuple[Key, ...], object]] = [((), response.json())]
    while left:
        path, node = left.pop(0)
        if isinstance(node, str):
            yield path, node
        elif isinstance(node, dict):
            left += [((*path, key), value) for key, value in node.items() if "'" not in key]
        elif isinstance(node, list):
            left += [((*path, key), value) for key, value in enumerate(node[:100])]


def _segments(request: Request) -> list[str]:
    return [unquote(part) for part in urlsplit(request.url).path.split("/") if part]


def _text(request: Request) -> str:
    return f"{unquote(request.url)}\n{request.body.decode('utf-8', 'replace')}"


def _with_variables(request: Request, variables: Mapping[str, str]) -> str:
    """The command of a request in which known values are variables of the shell."""
    url = _SECRET.sub(_MARKED, request.url)
    headers = {name: _SECRET.sub(_MARKED, value) for name, value in request.headers.items()}
    text = _SECRET.sub(_MARKED, request.body.decode("utf-8", "surrogateescape"))
    body = text.encode("utf-8", "surrogateescape")
    for value, name in variables.items():
        url = url.replace(value, f"\0{name}\0")
        body = body.replace(value.encode(errors="replace"), f"\0{name}\0".encode())
    parts = replace(request, url=url, headers=headers, body=body).curl().split("\0")
    # The words with a NUL are quoted, so each variable ends and begins a quotation.
    return "".join(f"'\"${part}\"'" if n % 2 else part for n, part in enumerate(parts))
