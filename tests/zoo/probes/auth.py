"""Each function is named after a fault and tells whether a server is free of it."""

import httpx2

from .client import Api


def any_key_accepted(api: Api) -> bool:
    return _with(api, {"Authorization": "Bearer no-such-key"}) == 401


def key_prefix_accepted(api: Api) -> bool:
    return _with(api, {"Authorization": "Bearer alice"}) == 401


def key_case_ignored(api: Api) -> bool:
    return _with(api, {"Authorization": "Bearer ALICE-KEY"}) == 401


def scheme_ignored(api: Api) -> bool:
    return _with(api, {"Authorization": "Basic alice-key"}) == 401


def header_key_ignored(api: Api) -> bool:
    return _with(api, {"X-API-Key": "alice-key"}) == 200


def query_key_ignored(api: Api) -> bool:
    return api.nobody.get("/sessions?api_key=alice-key").status_code == 200


def history_without_key(api: Api) -> bool:
    return api.nobody.get(f"/sessions/{api.new_id()}/history").status_code == 401


def challenge_missing(api: Api) -> bool:
    return bool(api.nobody.get("/sessions").headers.get("WWW-Authenticate"))


def other_user_forbidden(api: Api) -> bool:
    known, unknown = api.bob.get(_path(api)), api.bob.get("/sessions/nowhere0")
    return (known.status_code, known.content) == (404, unknown.content)


def other_user_readable(api: Api) -> bool:
    return api.bob.get(_path(api)).status_code == 404


def other_user_listed(api: Api) -> bool:
    api.new()
    return bool(api.bob.get("/sessions").json() == {"items": [], "total": 0})


def other_user_changeable(api: Api) -> bool:
    path = _path(api)
    answers = [api.bob.patch(path, json={"title": "mine"}), api.bob.put(path, json={})]
    return [answer.status_code for answer in answers] == [404, 404]


def other_user_deletable(api: Api) -> bool:
    path = _path(api)
    return (api.bob.delete(path).status_code, api.http.get(path).status_code) == (404, 200)


def other_user_history(api: Api) -> bool:
    return api.bob.get(f"{_path(api)}/history").status_code == 404


def other_user_talk(api: Api) -> bool:
    path = _path(api)
    message = {"role": "user", "content": "Hello"}
    event = {"type": "message", "content": "Hello"}
    answers: list[httpx2.Response] = [
        api.bob.post(f"{path}/chat", json={"messages": [message]}),
        api.bob.post(f"{path}/events/stream", json=event),
    ]
    return [answer.status_code for answer in answers] == [404, 404]


def other_user_events(api: Api) -> bool:
    return api.bob.get(f"{_path(api)}/events/stream?wait=0").status_code == 404


def active_of_anyone(api: Api) -> bool:
    session = api.new_id()
    return bool(api.bob.get("/sessions/active").json()["id"] != session)


def _with(api: Api, headers: dict[str, str]) -> int:
    return api.nobody.get("/sessions", headers=headers).status_code


def _path(api: Api) -> str:
    return f"/sessions/{api.new_id()}"
