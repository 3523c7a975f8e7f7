"""Each function is named after a fault and tells whether a server is free of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from .client import Api

NFD = "cafe\u0301"


def local_time_as_utc(api: Api) -> bool:
    return _is_now(api.new()["created_at"])


def offset_without_shift(api: Api) -> bool:
    return _is_now(api.new()["created_at"])


def message_time_local(api: Api) -> bool:
    session = api.new_id()
    api.say(session)
    return _is_now(api.history(session)["items"][0]["created_at"])


def floats_rounded(api: Api) -> bool:
    return _returns(api, 3.141592653589793)


def floats_single(api: Api) -> bool:
    return _returns(api, 0.1)


def integers_drift(api: Api) -> bool:
    return _returns(api, 2**53 + 1)


def large_numbers_as_text(api: Api) -> bool:
    return _returns(api, 1e21)


def title_normalised(api: Api) -> bool:
    return bool(api.new(title=NFD)["title"] == NFD)


def metadata_keys_normalised(api: Api) -> bool:
    return bool(api.new(metadata={NFD: 1})["metadata"] == {NFD: 1})


def text_ends_at_nul(api: Api) -> bool:
    return _is_kept(api, "a\0b")


def control_characters_dropped(api: Api) -> bool:
    return _is_kept(api, "\a bell \x1b")


def _is_now(text: str) -> bool:
    return abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(minutes=1)


def _returns(api: Api, number: Any) -> bool:
    return bool(api.new(metadata={"n": number})["metadata"]["n"] == number)


def _is_kept(api: Api, text: str) -> bool:
    session = api.new_id()
    api.say(session, text)
    return api.texts(session)[0] == text
