"""The faults that change a value on its way in."""

import html
import unicodedata
from collections.abc import Collection
from typing import Any

from .model import JsonObject


def attributes_as_stored(attributes: JsonObject, faults: Collection[str]) -> JsonObject:
    stored = dict(attributes)
    if "metadata_numbers_to_strings" in faults:
        stored["metadata"] = _numbers_to_strings(stored["metadata"])
    if "metadata_keys_lowercased" in faults:
        stored["metadata"] = {key.lower(): value for key, value in stored["metadata"].items()}
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
    if "text_normalised" in faults:
        stored = unicodedata.normalize("NFC", stored)
    return stored


def _numbers_to_strings(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers_to_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers_to_strings(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value
