"""Which media type a client gets (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

_EXACT = 3
_WHOLE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")


def choose(accept: str, offered: Sequence[str]) -> str | None:
    """The offered media type that `accept` likes best, the first one when it has no preference.

    None when it takes none of them. What is offered may be a range such as `text/*`, which stands
    for all that it has. `application/json` takes a type such as `application/hal+json` too, when
    nothing fits better: clients say so, and can read it.
    """
    if not accept or accept == "*/*":
        return offered[0]
    if accept in offered:
        return accept
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    ranked = [(_quality(media_type, ranges), media_type) for media_type in offered]
    best = max(ranked, key=lambda pair: pair[0])
    if best[0] > 0:
        return best[1]
    ranges = [(kind, "+json", q) for kind, subtype, q in ranges if subtype == "json"]
    suffixed = [name for name in offered if name.partition(";")[0].strip().endswith("+json")]
    ranked = [(_quality(f"{name.partition('/')[0]}/+json", ranges), name) for name in suffixed]
    best = max(ranked, key=lambda pair: pair[0], default=(0.0, ""))
    return best[1] if best[0] > 0 else None


def concrete(media_type: str, accept: str, instead: str) -> str:
    """A media type that stands for an offered range: the best that `accept` names, or `instead`."""
    if "*" not in media_type:
        return media_type
    named = [
        (quality, f"{kind}/{subtype}")
        for kind, subtype, quality in map(_range, accept.split(","))
        if _WHOLE.fullmatch(f"{kind}/{subtype}") and matches(f"{kind}/{subtype}", media_type)
    ]
    best = max(named, key=lambda pair: pair[0], default=(0.0, ""))
    kind = media_type.partition("/")[0]
    return best[1] if best[0] > 0 else _COMMON.get(kind, instead)


_COMMON = {"text": "text/plain", "application": "application/json", "image": "image/png"}


def matches(media_type: str, wanted: str) -> bool:
    """Whether a media type is in a range: `*/*`, `text/*` or `application/*+json`."""
    kind, _, subtype = media_type.partition("/")
    wanted_kind, _, wanted_subtype = wanted.partition("/")
    if wanted_kind not in ("*", kind):
        return False
    head, star, tail = wanted_subtype.partition("*")
    if not star:
        return subtype == wanted_subtype
    return subtype.startswith(head) and subtype.endswith(tail)


def _range(text: str) -> tuple[str, str, float]:
    media_type, *parameters = text.split(";")
    kind, _, subtype = media_type.strip().lower().partition("/")
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return kind, subtype, quality


def _quality(media_type: str, ranges: Sequence[tuple[str, str, float]]) -> float:
    """The quality that the most specific range gives to a media type."""
    media_type = media_type.partition(";")[0].strip().lower()
    kind, _, subtype = media_type.partition("/")
    best = (-1, 0.0)
    for wanted_kind, wanted_subtype, quality in ranges:
        if "*" in media_type and matches(f"{wanted_kind}/{wanted_subtype}", media_type):
            best = max(best, (_EXACT, quality))
            continue
        if wanted_kind not in ("*", kind) or wanted_subtype not in ("*", subtype):
            continue
        best = max(best, ((wanted_kind != "*") + (wanted_subtype != "*"), quality))
    return best[1]
