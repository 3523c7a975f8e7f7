"""Which media type a client gets (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence


def choose(accept: str, offered: Sequence[str]) -> str | None:
    """The offered media type that `accept` likes best, the first one when it has no preference.

    None when it takes none of them.
    """
    if not accept or accept == "*/*":
        return offered[0]
    if accept in offered:
        return accept
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    ranked = [(_quality(media_type, ranges), media_type) for media_type in offered]
    best = max(ranked, key=lambda pair: pair[0])
    return best[1] if best[0] > 0 else None


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
    kind, _, subtype = media_type.partition(";")[0].strip().lower().partition("/")
    best = (-1, 0.0)
    for wanted_kind, wanted_subtype, quality in ranges:
        if wanted_kind not in ("*", kind) or wanted_subtype not in ("*", subtype):
            continue
        best = max(best, ((wanted_kind != "*") + (wanted_subtype != "*"), quality))
    return best[1]
