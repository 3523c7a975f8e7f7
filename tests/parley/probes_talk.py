"""One probe for each fault of talk, stream, security, protocol and races."""

from __future__ import annotations

import json

from .client import Thread, Users, at_once, events, frames, path_of


def role_filter_turns_order(u: Users) -> None:
    thread = u.ada.new()
    for text in ("one", "two"):
        u.ada.say(thread, text)
    assert [message["text"] for message in u.ada.history(thread, role="user")] == ["one", "two"]


def text_trimmed(u: Users) -> None:
    thread = u.ada.new()
    u.ada.say(thread, "  hi \n")
    assert u.ada.history(thread)[0]["text"] == "  hi \n"


def recap_of_other_threads(u: Users) -> None:
    one, other = u.ada.some(2)
    u.ada.say(one, "secret plan")
    assert u.ada.say(other, "recap").json()["reply"]["text"] == "Nothing so far."


def message_ids_per_thread(u: Users) -> None:
    one, other = (u.ada.say(thread, "hi").json()["reply"] for thread in u.ada.some(2))
    assert one["id"] != other["id"]


def tool_calls_not_stored(u: Users) -> None:
    thread = u.ada.new()
    reply = u.ada.say(thread, "weather in Oslo").json()["reply"]
    assert reply["tool_calls"][0]["arguments"] == {"city": "Oslo"}
    assert u.ada.history(thread)[1] == reply


def message_under_any_thread(u: Users) -> None:
    one, other = u.ada.some(2)
    reply = u.ada.say(one, "hi").json()["reply"]
    assert u.ada.status("GET", path_of(other, "messages", reply["id"])) == 404


def last_delta_missing(u: Users) -> None:
    sent = events(u.ada.say(u.ada.new(), "hello world out there", stream=True))
    deltas = [event["text"] for event in sent if event["type"] == "reply.delta"]
    assert "".join(deltas) == sent[-1]["message"]["text"]


def no_done_after_tool(u: Users) -> None:
    sent = events(u.ada.say(u.ada.new(), "weather?", stream=True))
    assert sent[-1]["type"] == "reply.done"


def stream_buffered(u: Users) -> None:
    path, body = path_of(u.ada.new(), "messages"), {"text": "hello out there", "stream": True}
    with u.ada.http.stream("POST", u.ada.url + path, json=body) as response:
        pieces = list(response.iter_text())
    assert "reply.done" in "".join(pieces)
    assert "reply.done" not in pieces[0]


def stream_as_text_plain(u: Users) -> None:
    response = u.ada.say(u.ada.new(), "hi", stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")


def seq_repeats_at_text(u: Users) -> None:
    sent = events(u.ada.say(u.ada.new(), "one two three", stream=True))
    assert [event["seq"] for event in sent] == list(range(len(sent)))


def seq_repeats_at_tool(u: Users) -> None:
    sent = events(u.ada.say(u.ada.new(), "weather?", stream=True))
    assert [event["seq"] for event in sent] == list(range(len(sent)))


def raw_line_break_in_data(u: Users) -> None:
    for fields in frames(u.ada.say(u.ada.new(), "a\nb", stream=True).text):
        assert fields.keys() == {"id", "event", "data"}
        assert json.loads(fields["data"][0])["type"] == fields["event"][0]


def streamed_reply_stored_cut(u: Users) -> None:
    thread = u.ada.new()
    sent = events(u.ada.say(thread, "hello world", stream=True))
    assert u.ada.history(thread)[-1] == sent[-1]["message"]


def done_after_error(u: Users) -> None:
    sent = [event["type"] for event in events(u.ada.say(u.ada.new(), "malfunction", stream=True))]
    assert sent == ["reply.started", "reply.delta", "reply.error"]


def history_of_other_user(u: Users) -> None:
    thread = u.ada.new()
    assert u.bert.status("GET", path_of(thread)) == 404
    assert u.bert.status("GET", path_of(thread, "messages")) == 404


def delete_of_other_user(u: Users) -> None:
    thread = u.ada.new()
    assert u.bert.status("DELETE", path_of(thread)) == 404
    assert u.ada.status("GET", path_of(thread)) == 200


def q_leaks_other_users(u: Users) -> None:
    u.ada.new(subject="Private")
    assert u.bert.data("/threads?q=private")["total"] == 0


def single_message_without_key(u: Users) -> None:
    thread = u.ada.new()
    reply = u.ada.say(thread, "hi").json()["reply"]
    assert u.nobody.status("GET", path_of(thread, "messages", reply["id"])) == 401


def key_with_tail_accepted(u: Users) -> None:
    assert u.tail.status("GET", "/me") == 401


def foreign_patch_403(u: Users) -> None:
    assert u.bert.patch(u.ada.new(), subject="x").status_code == 404


def read_only_key_patches(u: Users) -> None:
    thread = u.ada.new()
    assert u.view.status("POST", "/threads", json={}) == 403
    assert u.view.patch(thread, subject="x").status_code == 403


def _tag(u: Users, thread: Thread) -> str:
    return u.ada.ask("GET", path_of(thread)).headers["ETag"]


def etag_stale_after_message(u: Users) -> None:
    thread = u.ada.new()
    before = _tag(u, thread)
    assert u.ada.status("GET", path_of(thread), headers={"If-None-Match": before}) == 304
    u.ada.say(thread, "hi")
    assert _tag(u, thread) != before


def if_match_ignored_on_delete(u: Users) -> None:
    assert u.ada.status("DELETE", path_of(u.ada.new()), headers={"If-Match": '"old"'}) == 412


def if_none_match_any(u: Users) -> None:
    assert u.ada.status("GET", path_of(u.ada.new()), headers={"If-None-Match": '"old"'}) == 200


def idempotent_message_twice(u: Users) -> None:
    thread = u.ada.new()
    one, again = (u.ada.say(thread, "hi", key="k", stream=True) for _ in range(2))
    assert one.text == again.text
    assert again.headers["Idempotency-Replayed"] == "true"
    assert u.ada.get(thread)["message_count"] == 2


def idempotency_conflict_ignored(u: Users) -> None:
    thread = u.ada.new()
    assert u.ada.say(thread, "one", key="k").status_code == 201
    assert u.ada.say(thread, "two", key="k").status_code == 409


def concurrent_posts_lose_messages(u: Users) -> None:
    thread = u.ada.new()
    at_once(lambda n: u.ada.say(thread, f"m{n}", stream=n % 2 == 0), 4)
    texts = [message["text"] for message in u.ada.history(thread)]
    said = [f"m{n}" for n in range(4)]
    assert sorted(texts) == sorted(said + [f"You said: {text}" for text in said])


def concurrent_posts_interleave(u: Users) -> None:
    thread = u.ada.new()
    at_once(lambda n: u.ada.say(thread, f"m{n}"), 4)
    texts = [message["text"] for message in u.ada.history(thread)]
    assert texts[1::2] == [f"You said: {text}" for text in texts[::2]]
    assert len(texts) == 8


def concurrent_create_same_id(u: Users) -> None:
    assert len({thread["id"] for thread in at_once(lambda _: u.ada.new(), 5)}) == 5


def idempotency_race(u: Users) -> None:
    def create(_: int) -> str:
        headers = {"Idempotency-Key": "k"}
        return str(u.ada.data("/threads", "POST", json={}, headers=headers)["id"])

    assert len(set(at_once(create, 4))) == 1


def if_match_race(u: Users) -> None:
    thread = u.ada.new()
    headers = {"If-Match": _tag(u, thread)}
    answers = at_once(lambda n: u.ada.patch(thread, headers, subject=f"s{n}"), 4)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
