"""What a client asks the mock for: `Prefer: code=404, example=name, dynamic=true` (RFC 7240), or
the same in the query as `__code`, `__example` and `__dynamic`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qs

import msgspec

from ..responses.problems import Problem

_PREFERENCE = re.compile(r'\s*([A-Za-z_-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s,;]*))?\s*(?:[,;\s]|$)')
_NAMES = ("code", "example", "dynamic")
_LONGEST = 500  # nobody prefers more; the rest is not read


class Preferences(msgspec.Struct, gc=False):
    """Which of its declared responses an operation shall give; `dynamic` asks for fresh values."""

    code: int | None = None
    example: str | None = None
    dynamic: bool | None = None

    @property
    def applied(self) -> bytes:
        """The Preference-Applied header."""
        said = []
        if self.code is not None:
            said.append(f"code={self.code}")
        if self.example is not None:
            said.append(f"example={_quoted(self.example)}")
        if self.dynamic is not None:
            said.append(f"dynamic={'true' if self.dynamic else 'false'}")
        return ", ".join(said).encode("latin-1", "replace")


def read_preferences(headers: Mapping[bytes, bytes], query: bytes) -> Preferences | None:
    """What a request prefers, None when it has no such preference. Raises Problem 400."""
    found: dict[str, str] = {}
    if b"__" in query:
        for name, values in parse_qs(query.decode("latin-1")).items():
            if name.removeprefix("__") in _NAMES and name.startswith("__"):
                found[name[2:]] = values[-1]
    for match in _PREFERENCE.finditer(headers.get(b"prefer", b"")[:_LONGEST].decode("latin-1")):
        name, value = match.group(1).lower(), match.group(2) or ""
        if name in _NAMES:
            found[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value
    if not found:
        return None
    return Preferences(_code(found.get("code")), found.get("example"), _flag(found.get("dynamic")))


def _code(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch("[2-5][0-9][0-9]", text):
        detail = f"A preferred code is a status from 200 to 599, not {text}."
        raise Problem(400, "H400", detail, of_mock=True)
    return int(text)


def _flag(text: str | None) -> bool | None:
    if text is None:
        return None
    if text.lower() not in ("true", "false", ""):
        detail = f"The preference dynamic is true or false, not {text}."
        raise Problem(400, "H400", detail, of_mock=True)
    return text.lower() != "false"


def _quoted(text: str) -> str:
    if re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", text, re.ASCII):
        return text
    return json.dumps(text)  # the escapes of a quoted-string are among those of JSON
