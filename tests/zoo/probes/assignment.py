"""Each function is named after a fault and tells whether a server is free of it."""

from typing import Any

from .client import Api, JsonObject, read

LONG_AGO = "2001-02-03T04:05:06Z"


def create_takes_created_at(api: Api) -> bool:
    return _refused_or_ignored(api, created_at=LONG_AGO)


def create_takes_message_count(api: Api) -> bool:
    return _refused_or_ignored(api, message_count=777)


def update_takes_user_id(api: Api) -> bool:
    return _stays(api, user_id="someone-else")


def update_takes_updated_at(api: Api) -> bool:
    return _stays(api, updated_at=LONG_AGO)


def _refused_or_ignored(api: Api, **forged: Any) -> bool:
    answer = api.create(**forged)
    return answer.status_code == 422 or not _took(read(answer), forged)


def _stays(api: Api, **forged: Any) -> bool:
    session = api.new_id()
    for send in (api.put, api.patch):
        send(session, forged)
    return not _took(api.get(session), forged)


def _took(session: JsonObject, forged: JsonObject) -> bool:
    """Whether it has a forged value; times may have more digits."""
    return any(str(session[name]).startswith(str(value)[:19]) for name, value in forged.items())
