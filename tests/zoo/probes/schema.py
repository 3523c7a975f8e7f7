"""Each function is named after a fault and tells whether a server is free of it."""

from .client import Api, user


def list_item_without_user_id(api: Api) -> bool:
    session = api.new()
    return bool(api.listing()["items"] == [session])


def created_at_without_zone(api: Api) -> bool:
    return str(api.new()["created_at"]).endswith("Z")


def boolean_as_integer(api: Api) -> bool:
    return api.new()["render_templates"] is False


def owner_leaked(api: Api) -> bool:
    return "owner" not in api.new()


def empty_metadata_is_null(api: Api) -> bool:
    return bool(api.new()["metadata"] == {})


def message_name_null(api: Api) -> bool:
    session = api.new_id()
    api.say(session)
    return all("name" not in message for message in api.history(session)["items"])


def event_offset_is_string(api: Api) -> bool:
    session = api.new_id()
    api.say(session)
    return api.offsets(session) == [0, 1, 2]


def idle_stop_without_turn_id(api: Api) -> bool:
    return "turn_id" in api.stop(api.new_id())


def suggestion_time_is_number(api: Api) -> bool:
    session = api.new_id()
    api.chat(session, user("Hello"))
    return all(isinstance(item["created_at"], str) for item in api.suggestions(session))


def problem_without_title(api: Api) -> bool:
    return bool(api.http.get("/sessions/nowhere0").json().get("title"))
