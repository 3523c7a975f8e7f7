"""Each function is named after a fault and tells whether a server is free of it."""

from time import sleep
from typing import Any

from .client import Api, JsonObject


def offset_of_32_bits(api: Api) -> bool:
    _three(api)
    return api.ids(offset=2**32) == []


def filter_compares_texts(api: Api) -> bool:
    return _selects(api, {"a": {"b": 1, "c": 2}}, yes={"a": {"c": 2, "b": 1}}, no={"a": {"b": 1}})


def offset_ignored(api: Api) -> bool:
    ids = _three(api)
    return api.ids(offset=1) == ids[1::-1]


def limit_one_too_many(api: Api) -> bool:
    ids = _three(api)
    return api.ids(limit=2) == ids[:0:-1]


def default_limit_ten(api: Api) -> bool:
    ids = [api.new_id() for _ in range(12)]
    return sorted(api.ids()) == sorted(ids)


def default_order_oldest_first(api: Api) -> bool:
    ids = _three(api)
    return api.ids() == ids[::-1]


def order_ignored(api: Api) -> bool:
    ids = _three(api)
    return api.ids(order="asc") == ids


def sort_by_ignored(api: Api) -> bool:
    first, *_ = _three(api)
    api.patch(first, {"title": "now the last one"})
    return api.ids(sort_by="updated_at", limit=1) == [first]


def filter_substring(api: Api) -> bool:
    return _selects(api, {"a": "book"}, yes={"a": "book"}, no={"a": "books"})


def filter_untyped(api: Api) -> bool:
    return _selects(api, {"a": "1"}, yes={"a": "1"}, no={"a": 1})


def filter_bool_is_number(api: Api) -> bool:
    return _selects(api, {"a": 1}, yes={"a": 1.0}, no={"a": True})


def filter_first_key_only(api: Api) -> bool:
    return _selects(api, {"a": 1, "b": 2}, yes={"b": 2, "a": 1, "c": 3}, no={"a": 1, "b": 3})


def filter_nested_subset(api: Api) -> bool:
    wanted = {"a": {"b": 1}}
    return _selects(api, wanted, yes={"a": {"b": 1}}, no={"a": {"b": 1, "c": 2}})


def filter_null_is_missing(api: Api) -> bool:
    return _selects(api, {"a": None}, yes={"a": None}, no={"b": 1})


def filter_after_page(api: Api) -> bool:
    wanted, *_ = _three(api)
    api.patch(wanted, {"metadata": {"a": 1}})
    return api.ids(metadata_filter={"a": 1}, limit=1) == [wanted]


def total_is_page_size(api: Api) -> bool:
    _three(api)
    return bool(api.listing(limit=1)["total"] == 3)


def total_ignores_filter(api: Api) -> bool:
    _three(api)
    return bool(api.listing(metadata_filter={"a": 1})["total"] == 0)


def history_offset_ignored(api: Api) -> bool:
    session = _two_turns(api)
    return api.texts(session, offset=1) == api.texts(session)[1:]


def history_limit_from_end(api: Api) -> bool:
    session = _two_turns(api)
    return api.texts(session, limit=1) == ["one"]


def history_total_is_page_size(api: Api) -> bool:
    return bool(api.history(_two_turns(api), limit=1)["total"] == 4)


def min_offset_exclusive(api: Api) -> bool:
    return api.offsets(_two_turns(api), min_offset=3) == [3, 4, 5]


def types_first_only(api: Api) -> bool:
    return api.offsets(_two_turns(api), types="status,message") == [0, 1, 2, 3, 4, 5]


def types_after_limit(api: Api) -> bool:
    return api.offsets(_two_turns(api), types="status", limit=2) == [1, 4]


def _three(api: Api) -> list[str]:
    """Three sessions of three different times, the oldest first."""
    sessions: list[JsonObject] = []
    while len(sessions) < 3:
        session = api.new()
        if sessions and session["created_at"] == sessions[-1]["created_at"]:
            api.delete(session["id"])
        else:
            sessions.append(session)
    return [session["id"] for session in sessions]


def _two_turns(api: Api) -> str:
    session = api.new_id()
    api.say(session, "one")
    api.say(session, "two")
    return session


def _selects(api: Api, wanted: JsonObject, *, yes: Any, no: Any) -> bool:
    right = api.new_id(metadata=yes)
    api.new(metadata=no)
    return api.ids(metadata_filter=wanted) == [right]


def page_beyond_end_repeats(api: Api) -> bool:
    api.new_id()
    return api.ids(offset=1) == []


def filter_lost_on_later_pages(api: Api) -> bool:
    for tag in ("a", "a", "b", "b"):
        api.new_id(metadata={"tag": tag})
    return len(api.ids(metadata_filter={"tag": "a"}, offset=1)) == 1


def total_counts_deleted(api: Api) -> bool:
    api.delete(api.new_id())
    return bool(api.listing()["total"] == 0)


def order_by_whole_seconds(api: Api) -> bool:
    for _ in range(3):
        api.new_id()
        sleep(0.005)
    times = [item["created_at"] for item in api.listing()["items"]]
    return times == sorted(times, reverse=True)
