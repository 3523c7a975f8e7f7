"""The event log of a session and its streams."""

from collections.abc import AsyncIterator
from time import monotonic

from starlette.responses import Response, StreamingResponse

from .damage import text_as_stored
from .dispatch import Call, reply
from .model import Input, Session, Turn
from .problem import Problem
from .values import dumps
from .views import frame


async def list_stored(call: Call) -> Response:
    session = call.session()
    first, limit = call.params["min_offset"], call.params["limit"]
    types = call.params.get("types")
    if types and "types_first_only" in call.faults:
        types = types[:1]
    if "min_offset_exclusive" in call.faults and first > 0:
        first += 1
    events = [event for event in session.events() if event["offset"] >= first]
    if "tool_result_not_stored" in call.faults:
        events = [e for e in events if (e["type"], e["source"]) != ("tool_result", "agent")]
    if "types_after_limit" in call.faults:
        events = events[:limit]
    if types is not None:
        events = [event for event in events if event["type"] in types]
    items = events[:limit]
    if "event_offset_is_string" in call.faults:
        items = [event | {"offset": str(event["offset"])} for event in items]
    return reply({"items": items})


async def create(call: Call) -> Response:
    session = call.session("other_user_talk")
    turn = call.backend.begin(session, [_input(call)], streamed=True)
    return await stream_turn(call, session, turn, skip="first_frame_missing" in call.faults)


async def subscribe(call: Call) -> Response:
    session = call.session("other_user_events")
    if call.method == "HEAD":
        return _stream(call, _nothing())
    # Where to begin is settled before the client hears of it: from then on it misses nothing.
    last = call.params.get("Last-Event-ID")
    if "bad_last_event_id_accepted" in call.faults and last is not None and not last.isdecimal():
        last = None
    begin = session.position if last is None else min(int(last), session.position)
    if "subscribe_replays_all" in call.faults and last is None:
        begin = 0
    if "resume_repeats_last" in call.faults and last is not None:
        begin -= 1
    if "resume_skips_one" in call.faults and last is not None:
        begin += 1
    if "log_forgets" in call.faults:
        begin = max(begin, session.position - 120)
    return _stream(call, _followed(call, session, begin))


async def stream_turn(call: Call, session: Session, turn: Turn, *, skip: bool = False) -> Response:
    """The frames of a turn; the answer begins when the turn does."""
    await turn.started.wait()
    if session.deleted:
        raise Problem(404, "The session was deleted.")
    frames = _of_turn(call, session, turn, skip=skip)
    if "frames_buffered" in call.faults:
        whole = b"".join([one async for one in frames])
        return Response(whole, media_type="text/event-stream")
    return _stream(call, frames)


def _stream(call: Call, frames: AsyncIterator[bytes]) -> Response:
    media_type = "text/event-stream"
    if "stream_as_text_plain" in call.faults:
        media_type = "text/plain"
    return StreamingResponse(frames, 200, {"Cache-Control": "no-store"}, media_type)


async def _of_turn(call: Call, session: Session, turn: Turn, *, skip: bool) -> AsyncIterator[bytes]:
    complete = False
    try:
        async for entry in turn.feed.follow(0):
            if skip and entry is turn.feed.entries[0]:
                continue
            yield frame(entry, call.faults)
        complete = True
    finally:
        if not complete:
            call.backend.hang_up(session, turn)


async def _followed(call: Call, session: Session, begin: int) -> AsyncIterator[bytes]:
    past = session.position
    wait = call.params["wait"]
    if "wait_ignored" in call.faults:
        wait = 60
    if "subscribe_never_live" in call.faults:
        wait = 0
    lost = 0
    async for entry in session.log.follow(begin, wait):
        if entry.position <= lost:
            continue
        if (
            ("resume_without_chunks" in call.faults and entry.name == "chunk")
            or ("resume_without_tool_calls" in call.faults and entry.name.startswith("tool_call"))
        ) and entry.position <= past:
            continue
        sent = monotonic()
        yield frame(entry, call.faults)
        if "slow_reader_loses" in call.faults and monotonic() - sent > 0.05:
            lost = session.position


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _input(call: Call) -> Input:
    body = call.body
    if body["type"] == "message":
        data = {"content": text_as_stored(body["content"], call.faults), "status": "complete"}
        return Input("message", "user", data, str(body["content"]))
    data = {"tool_call_id": body["tool_call_id"], "result": body["result"]}
    text = f"{body['tool_call_id']} returned {dumps(body['result'])}"
    return Input("tool_result", "user", data, text)
