"""Bodies that are forms: written as a browser would, and read back to be shown."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_NAME = re.compile(rb'content-disposition: form-data; name="([^"]*)"\r\n', re.IGNORECASE)


def is_form(media_type: str) -> bool:
    """Whether a body of this media type is a form."""
    return media_type.partition(";")[0].strip().lower() in (URLENCODED, MULTIPART)


def encode_form(fields: Mapping[str, Any], media_type: str) -> tuple[str, bytes]:
    """The `Content-Type` and the bytes of a form (RFC 7578, or the URL standard).

    Objects are JSON, a list is a field for each item, a null is left out.
    """
    pairs = list(_pairs(fields))
    if media_type.lower().startswith(URLENCODED):
        return media_type, urlencode(pairs, errors="surrogatepass").encode()
    digest = hashlib.sha256(repr(pairs).encode()).hexdigest()
    boundary = f"sparring-{digest[:16]}"
    parts = []
    for name, text in pairs:
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted}"\r\n\r\n'
        parts.append(f"{head}{text}\r\n".encode(errors="surrogatepass"))
    return f"{MULTIPART}; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def _pairs(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield name, item
            elif item is not None:
                yield name, json.dumps(item, ensure_ascii=False)


def form_fields(content_type: str, body: bytes) -> list[tuple[str, str]] | None:
    """The fields of a multipart body without files; None when it is no such body."""
    kind, _, parameter = content_type.partition("; boundary=")
    if kind.lower() != MULTIPART or not parameter:
        return None
    found = []
    first, *parts = body.split(b"--" + parameter.encode())
    for part in parts[:-1]:
        head, separator, text = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _NAME.fullmatch(head + b"\r\n")
        if name is None or not separator or not text.endswith(b"\r\n"):
            return None
        try:
            found.append((name[1].decode(), text[:-2].decode()))
        except UnicodeDecodeError:
            return None
    return found if not first and parts and parts[-1].strip() == b"--" else None
