"""Each function is named after a fault and tells whether a server is free of it."""

import json
from time import monotonic, sleep

import httpx2

from .client import SSE, Api, Frame, named, names, spoken, until, user


def done_missing(api: Api) -> bool:
    return api.whole_turn(api.new_id())[-1].event == "done"


def last_chunk_lost(api: Api) -> bool:
    return _adds_up(api)


def chunk_sent_twice(api: Api) -> bool:
    return _adds_up(api)


def chunk_ascii_only(api: Api) -> bool:
    return _adds_up(api)


def chunk_index_stuck(api: Api) -> bool:
    chunks = _chunks(api.whole_turn(api.new_id()))
    return [chunk.data["index"] for chunk in chunks] == list(range(len(chunks)))


def chunk_message_id_differs(api: Api) -> bool:
    turn = api.whole_turn(api.new_id())
    return {chunk.data["message_id"] for chunk in _chunks(turn)} == {_reply(turn).data["id"]}


def ids_restart(api: Api) -> bool:
    session = api.new_id()
    ids = [frame.id for _ in range(2) for frame in api.whole_turn(session)]
    return ids == sorted(set(ids))


def frames_buffered(api: Api) -> bool:
    turn = api.whole_turn(api.new_id())
    return turn[-1].at - turn[0].at > 0.06


def not_recorded_after_stream(api: Api) -> bool:
    session = api.new_id()
    turn = api.whole_turn(session)
    return api.texts(session)[1:] == [_reply(turn).data["data"]["content"]]


def stream_as_text_plain(api: Api) -> bool:
    response = api.chat(api.new_id(), user("Hello"), headers=SSE)
    return response.headers["Content-Type"].startswith("text/event-stream")


def data_split_at_separators(api: Api) -> bool:
    body = {"type": "message", "content": "one\u2028two\u2029three\u0085four"}
    answer = api.http.post(f"/sessions/{api.new_id()}/events/stream", json=body).content
    return answer.count(b"\ndata: ") == answer.count(b"\nevent: ") > 0


def event_name_missing(api: Api) -> bool:
    return "" not in names(api.whole_turn(api.new_id()))


def first_frame_missing(api: Api) -> bool:
    session = api.new_id()
    turn = api.whole_turn(session)
    return turn[0].data == api.events(session)[0]


def resume_repeats_last(api: Api) -> bool:
    return _resumes(api)


def resume_skips_one(api: Api) -> bool:
    return _resumes(api)


def resume_without_chunks(api: Api) -> bool:
    return _resumes(api)


def subscribe_replays_all(api: Api) -> bool:
    session = api.new_id()
    api.say(session)
    return api.rest(session) == []


def subscribe_never_live(api: Api) -> bool:
    session = api.new_id()
    with api.following(session, wait=1) as incoming:
        turn = api.whole_turn(session)
        return [frame.id for frame in incoming] == [frame.id for frame in turn]


def wait_ignored(api: Api) -> bool:
    path = f"/sessions/{api.new_id()}/events/stream?wait=1"
    begin = monotonic()
    try:
        with api.stream("GET", path, timeout=2.5) as incoming:
            list(incoming)
    except httpx2.ReadTimeout:
        return False
    return monotonic() - begin > 0.9


def subscribe_outlives_session(api: Api) -> bool:
    session = api.new_id()
    try:
        with api.stream("GET", f"/sessions/{session}/events/stream", timeout=1) as incoming:
            api.delete(session)
            return list(incoming) == []
    except httpx2.ReadTimeout:
        return False


def stopped_agent_goes_on(api: Api) -> bool:
    session, _ = _stopped(api)
    before = api.texts(session)
    end = monotonic() + 2
    while monotonic() < end:
        if api.texts(session) != before:
            return False
        sleep(0.05)
    return True


def log_forgets(api: Api) -> bool:
    session = api.new_id()
    ids = [frame.id for _ in range(9) for frame in api.whole_turn(session, "many words " * 9)]
    again = [frame.id for frame in api.rest(session, last=ids[0])]
    return again == ids[1:]


def stop_loses_partial_text(api: Api) -> bool:
    session, turn = _stopped(api)
    messages = api.history(session)["items"]
    return len(messages) == 2 and messages[1]["content"] == spoken(turn)


def stop_not_marked(api: Api) -> bool:
    session, _ = _stopped(api)
    return bool(api.history(session)["items"][1]["status"] == "stopped")


def stop_stores_whole_reply(api: Api) -> bool:
    session, turn = _stopped(api)
    return api.texts(session)[1] == spoken(turn)


def stopped_event_missing(api: Api) -> bool:
    _, turn = _stopped(api)
    return turn[-1].event == "stopped" and "done" not in names(turn)


def disconnect_stops_turn(api: Api) -> bool:
    session = api.new_id()
    with api.turn(session) as incoming:
        seen = until(incoming, "chunk")
    rest = api.rest(session, last=seen[-1].id, wait=1)
    return bool(rest) and rest[-1].event == "done" and len(api.texts(session)) == 2


def _adds_up(api: Api) -> bool:
    turn = api.whole_turn(api.new_id())
    return spoken(turn) == str(_reply(turn).data["data"]["content"])


def _resumes(api: Api) -> bool:
    session = api.new_id()
    turn = [(frame.id, frame.event, frame.data) for frame in api.whole_turn(session)]
    return all(
        [(frame.id, frame.event, frame.data) for frame in api.rest(session, last=last)]
        == [frame for frame in turn if frame[0] > last]
        for last in (0, turn[3][0], turn[-2][0], turn[-1][0])
    )


def _stopped(api: Api) -> tuple[str, list[Frame]]:
    session = api.new_id()
    with api.turn(session, "many words " * 20) as incoming:
        seen = until(incoming, "chunk")
        assert api.stop(session) == {"stopped": True, "turn_id": seen[-1].data["turn_id"]}
        return session, seen + list(incoming)


def _chunks(turn: list[Frame]) -> list[Frame]:
    return [frame for frame in turn if frame.event == "chunk"]


def _reply(turn: list[Frame]) -> Frame:
    (reply,) = (
        frame for frame in turn if frame.event == "message" and frame.data["source"] == "agent"
    )
    return reply


def disconnect_keeps_half(api: Api) -> bool:
    session, seen = _hung_up(api)
    return api.texts(session)[-1].startswith(seen)


def disconnect_loses_question(api: Api) -> bool:
    session, _ = _hung_up(api)
    return api.texts(session)[:1] == [QUESTION]


def disconnect_wedges_session(api: Api) -> bool:
    session, _ = _hung_up(api)
    try:
        return api.http.post(f"/sessions/{session}/chat", json=AGAIN, timeout=2).is_success
    except httpx2.TimeoutException:
        return False


QUESTION = "word " * 20
AGAIN = {"messages": [{"role": "user", "content": "Again"}]}


def _hung_up(api: Api) -> tuple[str, str]:
    """A session whose client has left in the middle of a turn, and what it had seen."""
    session = api.new_id()
    seen = ""
    with api.turn(session, QUESTION) as incoming:
        for _ in range(4):
            seen += spoken(until(incoming, "chunk"))
    sleep(0.5)
    return session, seen


def arguments_last_piece_lost(api: Api) -> bool:
    return _dictates(api)


def arguments_not_json(api: Api) -> bool:
    return _dictates(api)


def arguments_differ(api: Api) -> bool:
    return _dictates(api)


def arguments_index_stuck(api: Api) -> bool:
    turn = api.whole_turn(api.new_id(), "weather")
    found = [frame.data["index"] for frame in turn if frame.event == "tool_call_delta"]
    return found == list(range(len(found)))


def tool_turn_without_done(api: Api) -> bool:
    return api.whole_turn(api.new_id(), "weather")[-1].event == "done"


def tool_ids_repeat(api: Api) -> bool:
    ids = [frame.id for frame in api.whole_turn(api.new_id(), "weather")]
    return ids == sorted(set(ids))


def tool_result_not_stored(api: Api) -> bool:
    session = api.new_id()
    turn = api.whole_turn(session, "weather")
    return api.events(session, types="tool_result") == [named(turn, "tool_result").data]


def finish_stop_where_call_waits(api: Api) -> bool:
    done = api.whole_turn(api.new_id(), "lookup")[-1]
    return bool(done.data["finish_reason"] == "tool_calls")


def error_event_missing(api: Api) -> bool:
    return names(api.whole_turn(api.new_id(), "fail"))[-1] == "error"


def done_after_error(api: Api) -> bool:
    return names(api.whole_turn(api.new_id(), "fail"))[-1] == "error"


def resume_without_tool_calls(api: Api) -> bool:
    session = api.new_id()
    turn = names(api.whole_turn(session, "weather"))
    return names(api.rest(session, last=0)) == turn


def _dictates(api: Api) -> bool:
    turn = api.whole_turn(api.new_id(), "weather")
    pieces = [frame.data["text"] for frame in turn if frame.event == "tool_call_delta"]
    call = named(turn, "tool_call").data["data"]
    try:
        return bool(json.loads("".join(pieces)) == call["arguments"])
    except ValueError:
        return False
