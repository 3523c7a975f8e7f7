"""Each function is named after a fault and tells whether a server is free of it."""

from .client import Api, system, together, user


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
    return len(_edited(api, _talked(api))) == 2


def edit_text_lost(api: Api) -> bool:
    return "new" in _edited(api, _talked(api))


def edit_keeps_system_messages(api: Api) -> bool:
    session = api.new_id()
    api.chat(session, user("one"), system("Be brief."))
    return "Be brief." not in _edited(api, session)


def edit_keeps_message_count(api: Api) -> bool:
    session = _talked(api)
    left = _edited(api, session)
    return bool(api.get(session)["message_count"] == len(left))


def regenerate_keeps_message_count(api: Api) -> bool:
    session = _talked(api)
    api.http.post(f"/sessions/{session}/regenerate")
    return bool(api.get(session)["message_count"] == len(api.texts(session)))


def decision_on_any_call(api: Api) -> bool:
    session, _ = api.asked_to_approve()
    return bool(api.decide(session, "call_of_nobody")["messages"] == [])


def denied_call_is_made(api: Api) -> bool:
    session, call = api.asked_to_approve()
    api.decide(session, call, approved=False)
    return all(event["type"] != "tool_result" for event in api.events(session))


def decisions_race(api: Api) -> bool:
    session, call = api.asked_to_approve()
    answers = together(*[lambda: api.decide(session, call)] * 4)
    return sum(bool(answer["messages"]) for answer in answers) == 1


def decision_taken_twice(api: Api) -> bool:
    session, call = api.asked_to_approve()
    api.decide(session, call)
    return bool(api.decide(session, call)["messages"] == [])


def _talked(api: Api) -> str:
    session = api.new_id()
    api.say(session, "one")
    api.say(session, "two")
    return session


def _edited(api: Api, session: str) -> list[str]:
    first = api.history(session)["items"][0]["id"]
    path = f"/sessions/{session}/messages/{first}/edit"
    api.http.post(path, json={"content": "new"})
    return api.texts(session)
