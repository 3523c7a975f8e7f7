"""Each function is named after a fault and tells whether a server is free of it."""

import httpx2

from .client import Api, system, user


def history_newest_first(api: Api) -> bool:
    session = _after(api, "one", "two")
    return api.texts(session)[::2] == ["one", "two"]


def text_trimmed(api: Api) -> bool:
    return _keeps(api, " two\n\n words\t")


def text_html_escaped(api: Api) -> bool:
    return _keeps(api, "<b>\"Fish\" & 'chips'</b>")


def text_truncated(api: Api) -> bool:
    return _keeps(api, "word " * 50)


def emoji_lost(api: Api) -> bool:
    return _keeps(api, "a \U0001f642 b \U0001f468\u200d\U0001f469\u200d\U0001f467")


def text_normalised(api: Api) -> bool:
    return _keeps(api, "e\u0301 \u00e9 \u212b")


def history_mixes_sessions(api: Api) -> bool:
    one, two = _after(api, "one"), _after(api, "two")
    return (api.texts(one)[0], len(api.texts(two))) == ("one", 2)


def system_messages_dropped(api: Api) -> bool:
    session = api.new_id()
    api.chat(session, system("Be brief."), user("Hello"))
    roles = [message["role"] for message in api.history(session)["items"]]
    return roles == ["system", "user", "assistant"]


def only_last_message_recorded(api: Api) -> bool:
    session = api.new_id()
    api.chat(session, user("one"), user("two"))
    return api.texts(session)[:-1] == ["one", "two"]


def message_name_lost(api: Api) -> bool:
    session = api.new_id()
    api.chat(session, user("Hello", name="Ada"))
    first = api.history(session)["items"][0]
    return bool(first.get("name") == "Ada")


def reply_not_recorded(api: Api) -> bool:
    session = api.new_id()
    reply = api.say(session)
    return api.texts(session)[1:] == [message["content"] for message in reply["messages"]]


def reply_id_differs(api: Api) -> bool:
    session = api.new_id()
    reply = api.say(session)
    return bool(reply["messages"][0]["id"] == api.history(session)["items"][1]["id"])


def turn_id_differs(api: Api) -> bool:
    session = api.new_id()
    reply = api.say(session)
    turns = {message["turn_id"] for message in api.history(session)["items"]}
    return turns == {reply["turn_id"]}


def greeting_missing(api: Api) -> bool:
    created = api.http.post("/sessions?allow_greeting=true", json={"agent_id": "agent"}).json()
    messages = api.history(created["id"])["items"]
    return [message["role"] for message in messages] == ["assistant"]


def greeting_always(api: Api) -> bool:
    return api.texts(api.new_id()) == []


def message_count_one_side(api: Api) -> bool:
    return bool(api.get(_after(api, "one", "two"))["message_count"] == 4)


def clear_does_nothing(api: Api) -> bool:
    session = _after(api, "one")
    return _clear(api, session).status_code == 204 and api.texts(session) == []


def clear_keeps_events(api: Api) -> bool:
    session = _after(api, "one")
    _clear(api, session)
    return api.events(session) == []


def clear_keeps_suggestions(api: Api) -> bool:
    session = _after(api, "one")
    _clear(api, session)
    return api.suggestions(session) == []


def clear_keeps_message_count(api: Api) -> bool:
    session = _after(api, "one")
    _clear(api, session)
    return bool(api.get(session)["message_count"] == 0)


def suggestions_of_other_sessions(api: Api) -> bool:
    one, _two = _after(api, "one"), _after(api, "two")
    return {item["session_id"] for item in api.suggestions(one)} == {one}


def suggestions_oldest_first(api: Api) -> bool:
    times = [item["created_at"] for item in api.suggestions(_after(api, "one", "two"))]
    return times == sorted(times, reverse=True)


def suggestion_of_wrong_message(api: Api) -> bool:
    session = api.new_id()
    reply = api.say(session)["messages"][0]["id"]
    return {item["message_id"] for item in api.suggestions(session)} == {reply}


def idle_stop_claims_turn(api: Api) -> bool:
    return api.stop(_after(api, "one"))["stopped"] is False


def idle_stop_ends_next_turn(api: Api) -> bool:
    session = _after(api, "one")
    api.stop(session)
    return bool(api.say(session, "two")["finish_reason"] == "stop")


def tool_reply_not_recorded(api: Api) -> bool:
    return len(api.texts(_after(api, "weather"))) == 2


def tool_events_counted(api: Api) -> bool:
    return bool(api.get(_after(api, "weather"))["message_count"] == 2)


def tool_offsets_repeat(api: Api) -> bool:
    offsets = api.offsets(_after(api, "weather"))
    return offsets == list(range(5))


def awaited_result_not_stored(api: Api) -> bool:
    session = _after(api, "lookup")
    call = api.events(session)[-1]["data"]["tool_call_id"]
    body = {"type": "tool_result", "tool_call_id": call, "result": 1}
    api.http.post(f"/sessions/{session}/events/stream", json=body)
    return len(api.events(session, types="tool_result")) == 1


def failure_wedges_session(api: Api) -> bool:
    return api.chat(_after(api, "fail"), user("Hello")).is_success


def _after(api: Api, *texts: str) -> str:
    session = api.new_id()
    for text in texts:
        api.say(session, text)
    return session


def _keeps(api: Api, text: str) -> bool:
    return api.texts(_after(api, text))[0] == text


def _clear(api: Api, session: str) -> httpx2.Response:
    return api.http.delete(f"/sessions/{session}/history")
