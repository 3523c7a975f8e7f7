"""One probe for each fault: it holds on the right server, and fails where the fault is."""

from __future__ import annotations

from tests.parley.client import at_once

from .client import SSE, People, path_of, told, utterance_path

JSON = {"Content-Type": "application/json"}


def listed_without_take(p: People) -> None:
    huddle = p.amber.new()
    reply = p.amber.reply(huddle)
    assert p.amber.history(huddle)[1] == reply


def source_is_auto(p: People) -> None:
    huddle = p.amber.new()
    p.amber.reply(huddle)
    assert p.amber.get(huddle)["titleSource"] == "agent"


def last_page_without_token(p: People) -> None:
    assert "nextPageToken" in p.amber.ask("GET", "/huddles").json()["meta"]


def title_limit_in_bytes(p: People) -> None:
    assert p.amber.status("POST", "/huddles", json={"title": "é" * 81}) == 422
    assert p.amber.status("POST", "/huddles", json={"title": "é" * 80}) == 201


def blank_text_accepted(p: People) -> None:
    assert p.amber.say(p.amber.new(), " \n").status_code == 422


def change_ignores_unknown(p: People) -> None:
    assert p.amber.change(p.amber.new(), title="a", name="b").status_code == 422


def surrogate_500(p: People) -> None:
    body = b'{"title": "\\ud800"}'
    assert p.amber.status("POST", "/huddles", content=body, headers=JSON) == 400


def any_media_type(p: People) -> None:
    headers = {"Content-Type": "text/plain"}
    assert p.amber.status("POST", "/huddles", content=b"{}", headers=headers) == 415


def metadata_replaced(p: People) -> None:
    huddle = p.amber.new(metadata={"a": "1"})
    p.amber.change(huddle, metadata={"b": "2"})
    assert p.amber.get(huddle)["metadata"] == {"a": "1", "b": "2"}


def text_stripped(p: People) -> None:
    huddle = p.amber.new()
    p.amber.say(huddle, "  hi \n")
    assert p.amber.history(huddle)[0]["text"] == "  hi \n"


def revision_without_change(p: People) -> None:
    huddle = p.amber.new(title="same")
    changed = p.amber.change(huddle, title="same")
    assert changed.json()["data"] == huddle
    assert changed.headers["ETag"] == p.amber.ask("GET", path_of(huddle)).headers["ETag"]


def archived_anew(p: People) -> None:
    path = path_of(p.amber.new(), "archive")
    assert p.amber.data(path, "POST") == p.amber.data(path, "POST")


def deleted_history_readable(p: People) -> None:
    huddle = p.amber.new()
    assert p.amber.status("DELETE", path_of(huddle)) == 204
    assert p.amber.status("GET", path_of(huddle, "utterances")) == 404


def etag_misses_changes(p: People) -> None:
    huddle = p.amber.new()
    before = p.amber.ask("GET", path_of(huddle)).headers["ETag"]
    assert p.amber.change(huddle, title="new").headers["ETag"] != before


def slot_kept_by_halt(p: People) -> None:
    for _ in range(4):
        huddle = p.amber.new()
        with p.amber.listening(huddle, "count 200") as text:
            next(text)
            assert p.amber.status("POST", path_of(huddle, "halt")) == 200


def page_overlaps(p: People) -> None:
    made = [p.amber.new()["huddleId"] for _ in range(5)]
    shown = [huddle["huddleId"] for huddle in p.amber.walk("/huddles", pageSize="2")]
    assert sorted(shown) == sorted(made)


def ties_skipped(p: People) -> None:
    made = [p.amber.new(title="same")["huddleId"] for _ in range(5)]
    shown = p.amber.walk("/huddles", pageSize="2", sort="-title")
    assert [huddle["huddleId"] for huddle in shown] == sorted(made)


def token_of_other_filters(p: People) -> None:
    for _ in range(2):
        p.amber.new()
    token = p.amber.ask("GET", "/huddles?pageSize=1").json()["meta"]["nextPageToken"]
    assert p.amber.status("GET", f"/huddles?pageToken={token}") == 200
    assert p.amber.status("GET", f"/huddles?status=all&pageToken={token}") == 400


def backward_ascending(p: People) -> None:
    huddle = p.amber.new()
    p.amber.reply(huddle)
    shown = p.amber.history(huddle, direction="backward")
    assert [said["position"] for said in shown] == [2, 1]


def filter_behind_page(p: People) -> None:
    huddle = p.amber.new()
    for _ in range(2):
        p.amber.reply(huddle)
    assert len(p.amber.history(huddle, speaker="person", pageSize="2")) == 2


def buffered(p: People) -> None:
    huddle = p.amber.new()
    with p.amber.listening(huddle, "count 20") as text:
        next(text)
        assert p.amber.history(huddle)[1]["state"] == "running"


def halted_without_end(p: People) -> None:
    huddle = p.amber.new()
    with p.amber.listening(huddle, "count 200") as text:
        first = next(text)
        assert p.amber.status("POST", path_of(huddle, "halt")) == 200
        assert told(first + "".join(text))[-1][1] == "halted"


def resume_repeats(p: People) -> None:
    path = utterance_path(p.amber.reply(p.amber.new()), "stream")
    assert told(p.amber.ask("GET", path, headers={"Last-Event-ID": "1-2"}).text)[0][0] == "1-3"


def line_feed_raw(p: People) -> None:
    said = p.amber.stream(p.amber.new(), "one\ntwo")
    assert "".join(data["text"] for _, event, data in said if event == "piece").count("\n") == 1


def last_piece_missing(p: People) -> None:
    said = p.amber.stream(p.amber.new(), "one two")
    pieces = [data["text"] for _, event, data in said if event == "piece"]
    assert "".join(pieces) == said[-1][2]["reply"]["text"]


def hang_up_halts(p: People) -> None:
    huddle = p.amber.new()
    with p.amber.listening(huddle, "count 20") as text:
        next(text)
    path = utterance_path(p.amber.history(huddle)[-1], "stream")
    assert told(p.amber.ask("GET", path).text)[-1][1] == "closed"


def halt_by_others(p: People) -> None:
    huddle = p.amber.new()
    with p.amber.listening(huddle, "count 20") as text:
        next(text)
        assert p.birch.status("POST", path_of(huddle, "halt")) == 404


def foreign_huddle_403(p: People) -> None:
    assert p.birch.status("GET", path_of(p.amber.new())) == 404


def key_with_tail_accepted(p: People) -> None:
    assert p.tail.status("GET", "/me") == 401


def keys_of_everyone(p: People) -> None:
    headers = {"Idempotency-Key": "same"}
    mine, theirs = (
        api.data("/huddles", "POST", json={}, headers=headers) for api in (p.amber, p.birch)
    )
    assert mine["huddleId"] != theirs["huddleId"]


def two_replies_at_once(p: People) -> None:
    huddle = p.amber.new()
    answers = at_once(lambda n: p.amber.say(huddle, f"m{n}", SSE), 2)
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def update_race(p: People) -> None:
    huddle = p.amber.new()
    tag = {"If-Match": p.amber.ask("GET", path_of(huddle)).headers["ETag"]}
    answers = at_once(lambda n: p.amber.change(huddle, tag, title=f"t{n}"), 3)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


def idempotency_race(p: People) -> None:
    def create(_: int) -> str:
        headers = {"Idempotency-Key": "k"}
        return str(p.amber.data("/huddles", "POST", json={}, headers=headers)["huddleId"])

    assert len(set(at_once(create, 3))) == 1
