"""Probes of what is said, and of what the history makes of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from .client import Client, Reply
from .probing import shows

SLOW = 0.02


def _post(c: Client, path: str, *messages: dict[str, str]) -> Reply:
    reply = c("POST", f"{path}/chat", {"messages": messages})
    assert reply.status == 200, reply.raw
    return reply


def _texts(c: Client, path: str) -> list[str]:
    return [one["content"] for one in c.items(f"{path}/history")]


def _stopped(c: Client, path: str) -> tuple[list[Any], Any]:
    """Stops a turn when its first piece has come; the frames, and the answer to the stop."""
    frames, answer = [], None
    body = {"type": "message", "content": "Hello there"}
    with c.stream("POST", f"{path}/events/stream", body) as stream:
        for frame in stream:
            frames.append(frame)
            if frame.event == "chunk" and answer is None:
                answer = c("POST", f"{path}/stop").json
    return frames, answer


@shows("chat-race")
def two_chats_at_once(c: Client) -> None:
    path = c.session()
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda text: c.chat(path, text), ["one", "two"]))
    said = {one["content"] for reply in replies for one in reply["messages"]}
    assert {"one", "two"} | said == set(_texts(c, path))


@shows("chat-records-last-only")
def chat_of_two_messages(c: Client) -> None:
    path = c.session()
    c.chat(path, "one", "two")
    assert _texts(c, path)[:2] == ["one", "two"]


@shows("invalid-chat-half-recorded")
def invalid_chat_records_nothing(c: Client) -> None:
    path = c.session()
    messages = [{"role": "user", "content": "x"}, {"role": "user", "content": ""}]
    assert c("POST", f"{path}/chat", {"messages": messages}).status == 422
    assert _texts(c, path) == []


@shows("text-trimmed", "text-normalised", "line-ends-changed")
def text_is_kept_as_it_is(c: Client) -> None:
    path = c.session()
    text = " cafe\u0301\r\n\U0001f409\u2028\0 "
    c.chat(path, text)
    assert _texts(c, path)[0] == text


@shows("chat-loses-name", "system-recorded-as-user")
def chat_with_a_name(c: Client) -> None:
    path = c.session()
    sent = [
        {"role": "system", "content": "Be brief.", "name": "Eve"},
        {"role": "user", "content": "Hi", "name": "Ada"},
    ]
    _post(c, path, *sent)
    said = c.items(f"{path}/history")[:2]
    assert [(one["role"], one.get("name")) for one in said] == [("system", "Eve"), ("user", "Ada")]


@shows("history-ties-by-role")
def system_message_behind(c: Client) -> None:
    for _ in range(3):
        path = c.session()
        _post(c, path, {"role": "user", "content": "1"}, {"role": "system", "content": "2"})
        assert _texts(c, path)[:2] == ["1", "2"]


@shows("user-message-own-turn")
def turn_of_message_and_reply(c: Client) -> None:
    path = c.session()
    turn = c.chat(path)["turn_id"]
    assert {one["turn_id"] for one in c.items(f"{path}/history")} == {turn}


@shows("reply-repeats-user", "reply-with-other-id")
def reply_is_the_last_message(c: Client) -> None:
    path = c.session()
    reply = c.chat(path)
    assert reply["messages"] == c.items(f"{path}/history")[1:]


@shows("streamed-reply-forgotten")
def streamed_reply_is_kept(c: Client) -> None:
    path = c.session()
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    with c.stream("POST", f"{path}/chat", body) as stream:
        said = [one.data["id"] for one in stream if one.event == "message"]
    assert [one["id"] for one in c.items(f"{path}/history")] == said


@shows("disconnect-holds-session", pace=0.01)
def session_after_a_disconnect(c: Client) -> None:
    path = c.session()
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    with c.stream("POST", f"{path}/chat", body) as stream:
        next(iter(stream))
    c.chat(path)
    c.chat(path)


@shows("history-null-names")
def message_without_a_name(c: Client) -> None:
    path = c.session()
    c.chat(path)
    assert all(one.get("name", "") is not None for one in c.items(f"{path}/history"))


@shows("history-newest-page", "history-total-zero-behind")
def pages_of_the_history(c: Client) -> None:
    path = c.session()
    c.chat(path, "one", "two", "three")
    page = c.get(f"{path}/history", limit=2)
    assert [one["content"] for one in page["items"]] == ["one", "two"]
    assert c.get(f"{path}/history", offset=9) == {"items": [], "total": 4}


@shows(
    "clear-answers-200",
    "clear-keeps-suggestions",
    "clear-resets-title",
    "clear-keeps-summary",
    "count-survives-clear",
)
def clear(c: Client) -> None:
    path = c.session(title="stays")
    c.chat(path)
    assert c("DELETE", f"{path}/history").status == 204
    assert c.get(f"{path}/suggestions")["total"] == 0
    session = c.get(path)
    assert [session["title"], session["summary"], session["message_count"]] == ["stays", None, 0]


@shows("regenerate-recalls-cleared")
def regenerate_after_clear(c: Client) -> None:
    path = c.session()
    c.chat(path)
    c("DELETE", f"{path}/history")
    assert c("POST", f"{path}/regenerate").status == 409


@shows("regenerate-keeps-old", "regenerate-repeats-user", "second-regenerate-keeps-old")
def regenerate(c: Client) -> None:
    path = c.session()
    c.chat(path)
    asked, _ = c.items(f"{path}/history")
    for _ in range(2):
        reply = c("POST", f"{path}/regenerate").json
        assert c.items(f"{path}/history") == [asked, *reply["messages"]]


@shows("edit-keeps-tail", "edit-unseen-by-events")
def edit_of_the_first_of_two(c: Client) -> None:
    path = c.session()
    c.chat(path, "one")
    c.chat(path, "two")
    message = c.items(f"{path}/history")[0]["id"]
    reply = c("POST", f"{path}/messages/{message}/edit", {"content": "uno"}).json
    assert _texts(c, path) == ["uno", reply["messages"][0]["content"]]
    assert c.items(f"{path}/events", types="message")[0]["data"]["content"] == "uno"


@shows("edit-loses-name")
def edit_of_a_named_message(c: Client) -> None:
    path = c.session()
    _post(c, path, {"role": "user", "content": "Hi", "name": "Ada"})
    message = c.items(f"{path}/history")[0]["id"]
    c("POST", f"{path}/messages/{message}/edit", {"content": "Ho"})
    assert c.items(f"{path}/history")[0].get("name") == "Ada"


@shows("edit-of-agent-taken")
def edit_of_the_reply(c: Client) -> None:
    path = c.session()
    reply = c.chat(path)["messages"][0]["id"]
    assert c("POST", f"{path}/messages/{reply}/edit", {"content": "x"}).status == 409


@shows("edit-across-sessions")
def edit_in_another_session(c: Client) -> None:
    path, other = c.session(), c.session()
    c.chat(other)
    message = c.items(f"{other}/history")[0]["id"]
    assert c("POST", f"{path}/messages/{message}/edit", {"content": "x"}).status == 404


@shows("edit-never-streams")
def edit_as_a_stream(c: Client) -> None:
    path = c.session()
    c.chat(path)
    edit = f"{path}/messages/{c.items(f'{path}/history')[0]['id']}/edit"
    with c.stream("POST", edit, {"content": "x"}) as stream:
        assert stream.headers.get_content_type() == "text/event-stream"
        assert [one.event for one in stream][-1] == "done"


@shows("needless-approval-answered", "approval-without-turn")
def approval_that_nothing_waits_for(c: Client) -> None:
    path = c.session()
    reply = c("POST", f"{path}/approvals", {"tool_call_id": "call_1", "approved": True}).json
    assert reply["messages"] == []
    assert isinstance(reply["turn_id"], str)


@shows("stop-drops-message", "stop-stores-whole-reply", "stopped-says-complete", pace=SLOW)
def stopped_message_is_kept(c: Client) -> None:
    path = c.session()
    frames, _ = _stopped(c, path)
    said = "".join(one.data["text"] for one in frames if one.event == "chunk")
    last = c.items(f"{path}/history")[-1]
    assert (last["content"], last["status"]) == (said, "stopped")


@shows("stop-lingers", pace=0.01)
def turn_after_a_stop(c: Client) -> None:
    path = c.session()
    _stopped(c, path)
    assert c.chat(path)["finish_reason"] == "stop"


@shows("stopped-stream-says-done", pace=SLOW)
def stopped_stream(c: Client) -> None:
    frames, answer = _stopped(c, c.session())
    assert frames[-1].event == "stopped"
    assert answer == {"stopped": True, "turn_id": frames[-1].data["turn_id"]}


@shows("stop-before-stored", pace=SLOW)
def stopped_message_is_kept_at_once(c: Client) -> None:
    path = c.session()
    body = {"type": "message", "content": "Hello there"}
    with c.stream("POST", f"{path}/events/stream", body) as stream:
        next(one for one in stream if one.event == "chunk")
        c("POST", f"{path}/stop")
        assert len(c.items(f"{path}/history")) == 2


@shows("usage-null-when-stopped", pace=SLOW)
def reply_that_is_stopped(c: Client) -> None:
    path = c.session()
    with ThreadPoolExecutor(1) as pool:
        chat = pool.submit(c.chat, path)
        while not c("POST", f"{path}/stop").json["stopped"]:
            time.sleep(SLOW)
    reply = chat.result()
    assert reply["finish_reason"] == "stopped"
    assert reply["usage"]
    assert set(reply["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}


@shows("stop-always-true", "stop-omits-null-turn")
def stop_of_nothing(c: Client) -> None:
    path = c.session()
    c.chat(path)
    assert c("POST", f"{path}/stop").json == {"stopped": False, "turn_id": None}


@shows("stop-stops-another", pace=SLOW)
def stop_in_another_session(c: Client) -> None:
    path, other = c.session(), c.session()
    with c.stream("POST", f"{path}/events/stream", {"type": "message", "content": "Hi"}) as stream:
        next(iter(stream))
        assert c("POST", f"{other}/stop").json["stopped"] is False
        assert [one.event for one in stream][-1] == "done"


@shows("suggestions-oldest-first", "suggestion-total-text", "suggestion-time-with-space")
def suggestions_newest_first(c: Client) -> None:
    path = c.session()
    c.chat(path)
    time.sleep(0.03)
    c.chat(path)
    page = c.get(f"{path}/suggestions")
    times = [datetime.fromisoformat(one["created_at"]) for one in page["items"]]
    assert times == sorted(times, reverse=True)
    assert all("T" in one["created_at"] for one in page["items"])
    assert page["total"] == len(times)
    assert isinstance(page["total"], int)


@shows("suggestions-limit-before-offset")
def second_page_of_suggestions(c: Client) -> None:
    path = c.session()
    c.chat(path)
    everything = c.items(f"{path}/suggestions")
    assert len(everything) == 2
    assert c.items(f"{path}/suggestions", offset=1, limit=1) == everything[1:]


@shows()
def long_history(c: Client) -> None:
    path = c.session()
    c.chat(path, *map(str, range(100)))
    assert len(c.items(f"{path}/history")) == 100
    assert len(c.items(f"{path}/events", limit=1000)) == 102


@shows("suggestions-of-all-sessions")
def suggestions_of_one_session(c: Client) -> None:
    path, other = c.session(), c.session()
    c.chat(other)
    assert c.items(f"{path}/suggestions") == []
