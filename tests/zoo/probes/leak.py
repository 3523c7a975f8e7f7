"""Each function is named after a fault and tells whether a server is free of it."""

from .client import Api

SECRET = "heliotrope"


def foreign_told_apart(api: Api) -> bool:
    theirs = api.bob.get(f"/sessions/{api.new_id()}")
    return bool(theirs.json() == api.bob.get("/sessions/nowhere0").json())


def precondition_before_owner(api: Api) -> bool:
    headers = {"If-Match": '"nothing"'}
    return api.bob.put(f"/sessions/{api.new_id()}", json={}, headers=headers).status_code == 404


def total_counts_everyone(api: Api) -> bool:
    _say_as_bob(api)
    return bool(api.listing()["total"] == 0)


def suggestions_of_everyone(api: Api) -> bool:
    _say_as_bob(api)
    return not api.suggestions(api.new_id())


def history_of_everyone(api: Api) -> bool:
    _say_as_bob(api)
    return not api.texts(api.new_id())


def events_reach_everyone(api: Api) -> bool:
    session = api.new_id()
    _say_as_bob(api)
    return not api.events(session)


def _say_as_bob(api: Api) -> None:
    session = api.bob.post("/sessions", json={"agent_id": "agent"}).json()["id"]
    body = {"messages": [{"role": "user", "content": SECRET}]}
    api.bob.post(f"/sessions/{session}/chat", json=body)
