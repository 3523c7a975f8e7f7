"""Probes of the log and its streams."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .client import Client, Frame, Stream
from .probing import shows

STORED = {"message", "status", "tool_call", "tool_result"}
TOOL = {"type": "tool_result", "tool_call_id": "call_1"}


def _say(c: Client, path: str, text: str = "Hello there") -> list[Frame]:
    body = {"type": "message", "content": text}
    with c.stream("POST", f"{path}/events/stream", body) as stream:
        return list(stream)


def _replay(c: Client, path: str, after: object) -> list[Frame]:
    with c.stream(
        "GET", f"{path}/events/stream", None, {"Last-Event-ID": str(after)}, 1.5, wait=0
    ) as stream:
        assert stream.headers.get_content_type() == "text/event-stream"
        return list(stream)


def _follow(c: Client, path: str, wait: int = 60, after: object = None) -> Any:
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    return c.stream("GET", f"{path}/events/stream", None, headers, 1.5, wait=wait)


def _until_done(stream: Stream) -> list[Frame]:
    frames = []
    for frame in stream:
        frames.append(frame)
        if frame.event == "done":
            break
    return frames


def _seen(frames: list[Frame]) -> list[tuple[str | None, str, Any]]:
    return [(one.id, one.event, one.data) for one in frames]


@shows("first-frame-status")
def first_frame_is_the_event(c: Client) -> None:
    first = _say(c, c.session(), "Hi")[0]
    assert (first.event, first.data["data"]["content"]) == ("message", "Hi")


@shows("frame-after-done")
def last_frame_is_done(c: Client) -> None:
    assert _say(c, c.session())[-1].event == "done"


@shows("status-unnamed", "chunk-without-id")
def frames_have_name_and_id(c: Client) -> None:
    for frame in _say(c, c.session()):
        assert frame.id
        assert frame.event == frame.data.get("type", frame.event)


@shows("chunks-without-astral")
def chunks_make_the_message(c: Client) -> None:
    frames = _say(c, c.session(), "\U0001f409")
    said = "".join(one.data["text"] for one in frames if one.event == "chunk")
    assert said == [one.data for one in frames if one.event == "message"][-1]["data"]["content"]


@shows("statuses-not-stored", "offsets-from-one")
def list_has_what_the_stream_had(c: Client) -> None:
    path = c.session()
    streamed = [one.data for one in _say(c, path) if one.event in STORED]
    assert c.items(f"{path}/events") == streamed
    assert [one["offset"] for one in streamed] == list(range(len(streamed)))


@shows("user-event-with-extra")
def members_of_an_event(c: Client) -> None:
    path = c.session()
    _say(c, path)
    known = {"id", "offset", "turn_id", "type", "source", "created_at", "data"}
    assert all(set(one) == known for one in c.items(f"{path}/events"))


@shows("falsy-result-lost")
def result_that_is_null(c: Client) -> None:
    path = c.session()
    with c.stream("POST", f"{path}/events/stream", TOOL | {"result": None}) as stream:
        first = next(iter(stream))
    assert first.data["data"] == {"tool_call_id": "call_1", "result": None}


@shows("min-offset-exclusive", "types-after-limit", "types-first-only")
def events_from_an_offset(c: Client) -> None:
    path = c.session()
    _say(c, path)
    assert [one["offset"] for one in c.items(f"{path}/events", min_offset=1)] == [1, 2]
    assert len(c.items(f"{path}/events", types="message", limit=2)) == 2
    kinds = {one["type"] for one in c.items(f"{path}/events", types="status,message")}
    assert kinds == {"status", "message"}


@shows("clear-keeps-replay")
def replay_after_clear(c: Client) -> None:
    path = c.session()
    _say(c, path)
    c("DELETE", f"{path}/history")
    assert _replay(c, path, 0) == []


@shows("resume-zero-is-none", "resume-stored-only", "resume-as-text", "wait-zero-is-default")
def replay_from_the_beginning(c: Client) -> None:
    path = c.session()
    frames = _say(c, path)
    assert _seen(_replay(c, path, 0)) == _seen(frames)


@shows("resume-inclusive")
def replay_from_the_middle(c: Client) -> None:
    path = c.session()
    frames = _say(c, path)
    assert _seen(_replay(c, path, frames[3].id)) == _seen(frames[4:])


@shows("resume-misses-running-turn", pace=0.04)
def resume_while_a_turn_runs(c: Client) -> None:
    path = c.session()
    with ThreadPoolExecutor(1) as pool:
        chat = pool.submit(c.chat, path)
        time.sleep(0.1)
        with _follow(c, path, after=0) as stream:
            frames = _until_done(stream)
        chat.result()
    assert [int(one.id or 0) for one in frames] == list(range(1, len(frames) + 1))


@shows("fresh-stream-replays")
def fresh_stream_has_no_past(c: Client) -> None:
    path = c.session()
    _say(c, path)
    with _follow(c, path, wait=0) as stream:
        assert list(stream) == []


@shows("delete-leaves-streams")
def stream_of_a_deleted_session(c: Client) -> None:
    path = c.session()
    with _follow(c, path) as stream:
        c("DELETE", path)
        assert list(stream) == []


@shows("wait-counts-from-start")
def stream_ends_in_silence(c: Client) -> None:
    path = c.session()
    with _follow(c, path, wait=1) as stream, ThreadPoolExecutor(1) as pool:
        time.sleep(0.7)
        pool.submit(_say, c, path).result()
        time.sleep(0.5)
        pool.submit(_say, c, path).result()
        assert [one.event for one in stream].count("done") == 2


@shows("subscribers-share-queue", "long-event-not-live")
def two_subscribers(c: Client) -> None:
    path = c.session()
    with _follow(c, path) as one, _follow(c, path) as two:
        frames = _seen(_say(c, path, "x" * 9000))
        assert _seen(_until_done(one)) == frames
        assert _seen(_until_done(two)) == frames


@shows("json-turns-not-live")
def subscriber_hears_a_json_turn(c: Client) -> None:
    path = c.session()
    with _follow(c, path) as stream:
        c.chat(path)
        assert _until_done(stream)[-1].event == "done"


@shows("subscriber-hears-all-sessions")
def subscriber_of_one_session(c: Client) -> None:
    path, other = c.session(), c.session()
    with _follow(c, path, wait=1) as stream:
        _say(c, other)
        mine = _seen(_say(c, path))
        assert _seen(_until_done(stream)) == mine


@shows("subscription-in-latin-1")
def subscription_with_any_text(c: Client) -> None:
    path = c.session()
    with _follow(c, path) as stream:
        _say(c, path, "日本")
        assert next(iter(stream)).data["data"]["content"] == "日本"
