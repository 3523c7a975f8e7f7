"""What request headers say about media types, entity tags and keys."""

import re
from collections.abc import Collection, Sequence

KEYS = {"alice-key": "alice", "bob-key": "bob"}

QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
TAG = re.compile(r'(W/)?("[!#-~]*")')


def media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def choose(accept: str, offers: Sequence[str]) -> str | None:
    """The offer that `Accept` likes best, the first one among equals."""
    if not accept.strip():
        return offers[0]
    best = max(offers, key=lambda offer: _quality(accept, offer))
    return best if _quality(accept, best) > 0 else None


def _quality(accept: str, offer: str) -> float:
    """The quality that the most specific range of `Accept` gives to the offer."""
    ranks = {offer: 2, offer.partition("/")[0] + "/*": 1, "*/*": 0}
    best = (-1, 0.0)
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name not in ranks:
            continue
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                quality = float(value) if QUALITY.fullmatch(value.strip()) else 0.0
        best = max(best, (ranks[name], quality))
    return best[1]


def if_match(header: str, etag: str, faults: Collection[str]) -> bool:
    """Whether `If-Match` names this tag; a weak one never does (RFC 9110, 13.1.1)."""
    if header.strip() == "*":
        return "if_match_star_refused" not in faults
    tags = TAG.findall(header)
    if "if_match_first_only" in faults:
        tags = tags[:1]
    return any(tag == etag and (not weak or "weak_etag_matches" in faults) for weak, tag in tags)


def user_of(key: str, faults: Collection[str]) -> str | None:
    if "any_key_accepted" in faults and key:
        return KEYS.get(key, key)
    if "key_prefix_accepted" in faults and key:
        return next((KEYS[known] for known in KEYS if known.startswith(key)), None)
    if "key_case_ignored" in faults:
        key = key.lower()
    return KEYS.get(key)


def bearer(header: str, faults: Collection[str]) -> str:
    scheme, _, key = header.strip().partition(" ")
    if scheme.lower() == "bearer" or "scheme_ignored" in faults:
        return key.strip()
    return ""
