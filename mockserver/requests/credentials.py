"""Whose request it is: the security requirements of an operation, compiled."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qs

from sparring.spec.openapi.document import Operation, SecurityScheme

from ..responses.problems import Problem
from ..worlds.world import World
from .requests import cookies

Headers = Mapping[bytes, bytes]
Authenticate = Callable[[World, Headers, bytes], str]
_Read = Callable[[Headers, bytes], str | None]

_USER_NAME = re.compile(r'username="?([^",]*)')
_OF_DIGEST = ("username", "realm", "nonce", "uri", "response")

GUEST = "anonymous"


def compile_credentials(
    operation: Operation, caller: tuple[str, str] | None = None, *, has_owners: bool = True
) -> Authenticate:
    """A function that names the user of a request.

    One alternative of the operation's `security` must be met with keys of one user; without
    `security`, or with an empty alternative and no key, it is the world's first user. Where
    nothing has an owner, any credential of the right form will do, and all are that user. Where no
    key is needed and the document says where the `caller` is named, it is that one, or a guest. The
    function raises Problem 401.
    """
    if caller is not None and not operation.security:
        read = _reader(SecurityScheme("caller", "apiKey", *caller))
        return lambda world, headers, query: read(headers, query) or GUEST
    alternatives = [
        [_reader(scheme) for scheme in schemes if scheme.kind != "mutualTLS"]  # no header has that
        for schemes in operation.security
    ]
    optional = not alternatives or [] in alternatives
    challenge = (("www-authenticate", _challenge(operation.security)),)

    def refuse(*, given: bool) -> Problem:
        detail = "The key is not known." if given else "A key is needed."
        return Problem(401, "H401", detail, headers=challenge)

    def authenticate(world: World, headers: Headers, query: bytes) -> str:
        given = False
        for readers in alternatives:
            if len(readers) == 1:  # as good as always: no need for sets
                key = readers[0](headers, query)
                user = world.keys.get(key) if key is not None else None
                if user is not None:
                    return user
                given = given or key is not None
                continue
            keys = [key for read in readers if (key := read(headers, query)) is not None]
            given = given or bool(keys)
            if readers and len(keys) == len(readers):
                users = {world.keys.get(key) for key in keys}
                if len(users) == 1 and None not in users:
                    return str(users.pop())
        if optional and not given:
            return world.somebody
        raise refuse(given=given)

    def admit(world: World, headers: Headers, query: bytes) -> str:
        for readers in alternatives:
            if all(read(headers, query) for read in readers):
                return world.somebody
        if optional:
            return world.somebody
        raise refuse(given=False)

    return authenticate if has_owners else admit


def _challenge(security: Iterable[Iterable[SecurityScheme]]) -> str:
    """The WWW-Authenticate header: one challenge for each way in (RFC 9110, section 11.6.1)."""
    kinds = dict.fromkeys(scheme.kind for schemes in security for scheme in schemes)
    return ", ".join(dict.fromkeys(_CHALLENGES.get(kind, "Bearer") for kind in kinds)) or "Bearer"


_CHALLENGES = {
    "basic": 'Basic realm="*"',
    "digest": 'Digest realm="*", nonce="abc123"',
    "apiKey": 'ApiKey realm="*"',  # not registered, but a 401 has to have a challenge
}


def _reader(scheme: SecurityScheme) -> _Read:
    if scheme.kind == "basic":
        return _basic
    if scheme.kind == "digest":
        return _digest
    if scheme.kind == "apiKey":
        name = scheme.parameter
        if scheme.place == "query":
            return lambda headers, query: _last(parse_qs(query.decode("latin-1")).get(name))
        if scheme.place == "cookie":
            return lambda headers, query: _last(cookies(headers).get(name))
        if name.lower() != "authorization":
            header = name.lower().encode()
            return lambda headers, query: _text(headers, header) or None
        return _authorization
    return _bearer


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _last(values: list[str] | None) -> str | None:
    return values[-1] if values else None


def _bearer(headers: Headers, query: bytes) -> str | None:
    kind, _, key = _text(headers, b"authorization").partition(" ")
    return key.strip() if kind.lower() == "bearer" else None


def _authorization(headers: Headers, query: bytes) -> str | None:
    """An API key that is the whole header; clients put `Bearer` before it all the same."""
    return _bearer(headers, query) or _text(headers, b"authorization") or None


def _basic(headers: Headers, query: bytes) -> str | None:
    kind, _, encoded = _text(headers, b"authorization").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password or name if colon else ""


def _digest(headers: Headers, query: bytes) -> str | None:
    """The user's name of a digest; what it proves is not looked at (RFC 7616)."""
    kind, _, rest = _text(headers, b"authorization").partition(" ")
    if kind.lower() != "digest":
        return None
    if not all(f"{part}=" in rest for part in _OF_DIGEST):
        return ""
    found = _USER_NAME.search(rest)
    return (found.group(1) if found else "") or "?"
