"""Each function is named after a fault and tells whether a server is free of it."""

from .client import Api, together, until


def turns_interleave(api: Api) -> bool:
    session = api.new_id()
    together(lambda: api.say(session, "one"), lambda: api.say(session, "two"))
    turns = [message["turn_id"] for message in api.history(session)["items"]]
    return bool(turns[0] == turns[1] != turns[2] == turns[3])


def id_taken_twice(api: Api) -> bool:
    answers = together(lambda: api.create(id="chosen-id"), lambda: api.create(id="chosen-id"))
    return sorted(answer.status_code for answer in answers) == [201, 409]


def if_match_won_twice(api: Api) -> bool:
    session = api.new_id()
    etag = api.etag(session)
    answers = together(
        lambda: api.put(session, {"title": "one"}, etag),
        lambda: api.put(session, {"title": "two"}, etag),
    )
    return sorted(answer.status_code for answer in answers) == [200, 412]


def patch_lost(api: Api) -> bool:
    session = api.new_id()
    together(
        lambda: api.patch(session, {"metadata": {"a": 1}}),
        lambda: api.patch(session, {"metadata": {"b": 2}}),
    )
    return bool(api.get(session)["metadata"] == {"a": 1, "b": 2})


def late_reply_lost(api: Api) -> bool:
    session = api.new_id()
    together(lambda: api.whole_turn(session, "one"), lambda: api.whole_turn(session, "two"))
    return [message["role"] for message in api.history(session)["items"]] == [
        "user",
        "assistant",
    ] * 2


def turn_writes_session_back(api: Api) -> bool:
    session = api.new_id()
    with api.turn(session) as incoming:
        until(incoming, "chunk")
        api.patch(session, {"title": "New"})
        list(incoming)
    return bool(api.get(session)["title"] == "New")


def regenerations_pile_up(api: Api) -> bool:
    session = api.new_id()
    api.say(session)
    for _ in range(4):  # those that come before the first one speaks have nothing to answer
        together(*[lambda: api.http.post(f"/sessions/{session}/regenerate")] * 4)
    return len(api.history(session)["items"]) == 2
