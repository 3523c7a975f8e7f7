"""The faults that change a value on its way in."""

import html
import struct
import unicodedata
from collections.abc import Callable, Collection
from typing import Any

from .model import JsonObject


def attributes_as_stored(attributes: JsonObject, faults: Collection[str]) -> JsonObject:
    stored = dict(attributes)
    if "metadata_keys_lowercased" in faults:
        stored["metadata"] = {key.lower(): value for key, value in stored["metadata"].items()}
    for fault, change in _NUMBERS.items():
        if fault in faults:
            stored["metadata"] = _changed(stored["metadata"], change)
    if "metadata_keys_normalised" in faults:
        metadata = stored["metadata"].items()
        stored["metadata"] = {unicodedata.normalize("NFC", key): value for key, value in metadata}
    if "title_normalised" in faults and stored["title"] is not None:
        stored["title"] = unicodedata.normalize("NFC", stored["title"])
    if "title_trimmed" in faults and stored["title"] is not None:
        stored["title"] = stored["title"].strip()
    if "null_metadata_accepted" in faults and stored["metadata"] is None:
        stored["metadata"] = {}
    return stored


def new_attributes_as_stored(attributes: JsonObject, faults: Collection[str]) -> JsonObject:
    stored = attributes_as_stored(attributes, faults)
    if "situation_not_stored" in faults:
        stored["situation"] = None
    if "metadata_nulls_dropped" in faults:
        metadata = stored["metadata"]
        stored["metadata"] = {key: value for key, value in metadata.items() if value is not None}
    return stored


def text_as_stored(text: Any, faults: Collection[str]) -> str:
    stored = str(text)
    if "text_trimmed" in faults:
        stored = stored.strip()
    if "text_html_escaped" in faults:
        stored = html.escape(stored)
    if "text_truncated" in faults:
        stored = stored[:100]
    if "emoji_lost" in faults:
        stored = "".join(character for character in stored if character <= "\uffff")
    if "text_ends_at_nul" in faults:
        stored = stored.partition("\0")[0]
    if "control_characters_dropped" in faults:
        stored = "".join(c for c in stored if unicodedata.category(c) != "Cc" or c in "\t\r\n")
    if "text_normalised" in faults:
        stored = unicodedata.normalize("NFC", stored)
    return stored


Change = Callable[[int | float], Any]


def _changed(value: Any, change: Change) -> Any:
    if isinstance(value, dict):
        return {key: _changed(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return change(value)
    return value


def _single(number: int | float) -> int | float:
    is_small = isinstance(number, float) and abs(number) < 1e38
    return float(struct.unpack("f", struct.pack("f", number))[0]) if is_small else number


_NUMBERS: dict[str, Change] = {
    "metadata_numbers_to_strings": str,
    "floats_rounded": lambda number: round(number, 6),
    "floats_single": _single,
    "integers_drift": lambda number: int(float(number)) if isinstance(number, int) else number,
    "large_numbers_as_text": lambda number: str(number) if abs(number) >= 1e16 else number,
}
