"""One probe for each fault of response, validation, state and listing."""

from __future__ import annotations

from .client import Users, path_of


def create_answers_200(u: Users) -> None:
    assert u.ada.status("POST", "/threads", json={}) == 201


def count_is_text_in_list(u: Users) -> None:
    u.ada.new()
    assert u.ada.data("/threads")["items"][0]["message_count"] == 0


def usage_missing_in_single(u: Users) -> None:
    thread = u.ada.new()
    reply = u.ada.say(thread, "hi").json()["reply"]
    assert u.ada.data(path_of(thread, "messages", reply["id"])) == reply


def patch_time_without_zone(u: Users) -> None:
    assert u.ada.patch(u.ada.new(), subject="x").json()["updated_at"].endswith("Z")


def message_404_other_shape(u: Users) -> None:
    response = u.ada.ask("GET", path_of(u.ada.new(), "messages", "msg_0"))
    assert response.status_code == 404
    assert "error" in response.json()


def subject_121_accepted(u: Users) -> None:
    for length, status in ((120, 201), (121, 422)):
        assert u.ada.status("POST", "/threads", json={"subject": "x" * length}) == status


def blank_text_accepted(u: Users) -> None:
    assert u.ada.say(u.ada.new(), " \n\t").status_code == 422


def patch_unknown_member_accepted(u: Users) -> None:
    assert u.ada.patch(u.ada.new(), subject="a", title="b").status_code == 422


def stream_flag_coerced(u: Users) -> None:
    assert u.ada.say(u.ada.new(), "hi", stream="false").status_code == 422


def labels_merge_over_8(u: Users) -> None:
    thread = u.ada.new(labels={f"a{n}": "x" for n in range(6)})
    response = u.ada.patch(thread, labels={f"b{n}": "x" for n in range(3)})
    assert response.status_code == 422
    assert len(u.ada.get(thread)["labels"]) == 6


def unknown_assistant_accepted(u: Users) -> None:
    assert u.ada.status("POST", "/threads", json={"assistant_id": "asst_nobody"}) == 422


def text_limit_in_bytes(u: Users) -> None:
    thread = u.ada.new()
    assert u.ada.say(thread, "x" * 4001).status_code == 422
    assert u.ada.say(thread, "\u00e4" * 4000).status_code == 201


def malformed_json_500(u: Users) -> None:
    headers = {"Content-Type": "application/json"}
    assert u.ada.status("POST", "/threads", content=b'{"subject": ', headers=headers) == 400


def patch_replaces_labels(u: Users) -> None:
    thread = u.ada.new(labels={"a": "1"})
    u.ada.patch(thread, labels={"b": "2"})
    assert u.ada.get(thread)["labels"] == {"a": "1", "b": "2"}


def null_subject_ignored(u: Users) -> None:
    thread = u.ada.new(subject="old")
    u.ada.patch(thread, subject=None)
    assert u.ada.get(thread)["subject"] is None


def deleted_history_readable(u: Users) -> None:
    thread = u.ada.new()
    u.ada.say(thread, "hi")
    assert u.ada.status("DELETE", path_of(thread)) == 204
    assert u.ada.status("GET", path_of(thread)) == 404
    assert u.ada.status("GET", path_of(thread, "messages")) == 404


def updated_at_ignores_messages(u: Users) -> None:
    thread = u.ada.new()
    u.ada.say(thread, "hi")
    assert u.ada.get(thread)["updated_at"] > thread["updated_at"]


def count_misses_streamed_reply(u: Users) -> None:
    thread = u.ada.new()
    u.ada.say(thread, "hi", stream=True)
    assert u.ada.get(thread)["message_count"] == len(u.ada.history(thread)) == 2


def patch_moves_created_at(u: Users) -> None:
    thread = u.ada.new()
    assert u.ada.patch(thread, archived=True).json()["created_at"] == thread["created_at"]


def labels_shared(u: Users) -> None:
    one, other = u.ada.some(2)
    u.ada.patch(one, labels={"x": "1"})
    assert u.ada.get(other)["labels"] == {}


def archived_takes_streams(u: Users) -> None:
    thread = u.ada.new()
    u.ada.patch(thread, archived=True)
    assert u.ada.say(thread, "hi").status_code == 409
    assert u.ada.say(thread, "hi", stream=True).status_code == 409


def default_limit_10(u: Users) -> None:
    u.ada.some(21)
    assert len(u.ada.data("/threads")["items"]) == 20


def limit_clamped(u: Users) -> None:
    assert u.ada.status("GET", "/threads?limit=51") == 400
    assert u.ada.status("GET", path_of(u.ada.new(), "messages?limit=101")) == 400


def page_skips_one(u: Users) -> None:
    made = [thread["id"] for thread in u.ada.some(7)]
    shown = u.ada.walk("/threads", limit="2", order="oldest")
    assert [thread["id"] for thread in shown] == made


def cursor_drops_filter(u: Users) -> None:
    for thread in u.ada.some(4)[::2]:
        u.ada.patch(thread, archived=True)
    shown = u.ada.walk("/threads", limit="1", archived="true")
    assert [thread["archived"] for thread in shown] == [True, True]


def cursor_on_full_last_page(u: Users) -> None:
    u.ada.some(3)
    assert u.ada.data("/threads?limit=3")["next_cursor"] is None


def total_of_page_only(u: Users) -> None:
    u.ada.some(3)
    assert u.ada.data("/threads?limit=2")["total"] == 3


def ordered_by_updated(u: Users) -> None:
    made = u.ada.some(3)
    u.ada.patch(made[0], subject="x")
    shown = u.ada.data("/threads")["items"]
    assert [thread["id"] for thread in shown] == [thread["id"] for thread in reversed(made)]


def archived_false_ignored(u: Users) -> None:
    u.ada.patch(u.ada.new(), archived=True)
    assert u.ada.data("/threads?archived=false")["items"] == []
