"""HTML that is escaped unless it was made here."""

from __future__ import annotations

import html
import re

_VOID = ("meta", "br")
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Any text as HTML; control characters, and those that turn the direction, are written out."""
    if isinstance(text, Html):
        return text
    return Html(html.escape(_CONTROL.sub(lambda match: ascii(match.group())[1:-1], text)))


def tag(name: str, /, *children: str, **attributes: str) -> Html:
    """An element; `class_` is the attribute `class`, an empty attribute is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
        if value
    )
    if name in _VOID:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{join(*children)}</{name}>")


def join(*parts: str) -> Html:
    """Texts and elements one after the other."""
    return Html("".join(map(escaped, parts)))
