"""Each function is named after a fault and tells whether a server is free of it."""

from .client import Api


def get_cached(api: Api) -> bool:
    session = api.new_id()
    api.get(session)
    api.put(session, {"title": "new"})
    return bool(api.get(session)["title"] == "new")


def list_cached(api: Api) -> bool:
    api.listing()
    return api.new_id() in api.ids()


def history_cached(api: Api) -> bool:
    session = api.new_id()
    api.history(session)
    api.say(session)
    return len(api.texts(session)) == 2


def deleted_still_cached(api: Api) -> bool:
    session = api.new_id()
    api.delete(session)
    return api.http.get(f"/sessions/{session}").status_code == 404
