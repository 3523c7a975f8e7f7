"""Each function is named after a fault and tells whether a server is free of it."""

from .client import Api


def regenerate_appends(api: Api) -> bool:
    session = _talked(api)
    before = api.texts(session)
    api.http.post(f"/sessions/{session}/regenerate")
    return len(api.texts(session)) == len(before)


def regenerate_forgets_talk(api: Api) -> bool:
    session = _talked(api)
    before = api.texts(session)
    api.http.post(f"/sessions/{session}/regenerate")
    return api.texts(session)[:-1] == before[:-1]


def edit_keeps_rest(api: Api) -> bool:
    return len(_edited(api)) == 2


def edit_text_lost(api: Api) -> bool:
    return "new" in _edited(api)


def _talked(api: Api) -> str:
    session = api.new_id()
    api.say(session, "one")
    api.say(session, "two")
    return session


def _edited(api: Api) -> list[str]:
    session = _talked(api)
    first = api.history(session)["items"][0]["id"]
    path = f"/sessions/{session}/messages/{first}/edit"
    api.http.post(path, json={"content": "new"})
    return api.texts(session)
