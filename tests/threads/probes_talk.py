"""One probe for each fault of query and talk: it holds unless the fault is there."""

from __future__ import annotations

from uuid import uuid4

from .client import Api, together


def _mark(a: Api, count: int) -> tuple[dict[str, str], list[str]]:
    """So many threads with metadata of their own: the query that finds them, and their ids."""
    word = uuid4().hex
    made = [a.new(metadata={"mark": word})[1:] for _ in range(count)]
    return {"metadata[mark]": word}, made


def query_archived_hidden(a: Api, b: Api) -> None:
    query, (id,) = _mark(a, 1)
    a.data("POST", f"/{id}/archive")
    assert [thread["id"] for thread in a.pages(**query)] == [id]


def query_boundary_repeated(a: Api, b: Api) -> None:
    query, made = _mark(a, 3)
    assert [thread["id"] for thread in a.pages(**query, limit="2")] == made[::-1]


def query_changed_goes_first(a: Api, b: Api) -> None:
    query, made = _mark(a, 2)
    a.data("PATCH", f"/{made[0]}", {"title": "x"})
    assert [thread["id"] for thread in a.pages(**query)] == made[::-1]


def query_cursor_is_offset(a: Api, b: Api) -> None:
    query, made = _mark(a, 3)
    page = a.ask("GET", params=query | {"limit": "2"}).json()
    a.new(metadata={"mark": query["metadata[mark]"]})
    rest = a.pages(**query, cursor=page["nextCursor"])
    assert [thread["id"] for thread in rest] == made[:1]


def query_cursor_needs_its_row(a: Api, b: Api) -> None:
    query, made = _mark(a, 3)
    page = a.ask("GET", params=query | {"limit": "2"}).json()
    a.data("DELETE", f"/{made[1]}")
    rest = a.pages(**query, cursor=page["nextCursor"])
    assert [thread["id"] for thread in rest] == made[:1]


def query_filter_after_limit(a: Api, b: Api) -> None:
    query, made = _mark(a, 1)
    for _ in range(3):
        a.new()
    assert [thread["id"] for thread in a.pages(**query, limit="2")] == made


def query_filter_by_prefix(a: Api, b: Api) -> None:
    a.new(metadata={"mark": "cat"})
    assert a.pages(**{"metadata[mark]": "ca"}) == []


def query_filter_lost_on_pages(a: Api, b: Api) -> None:
    a.new()
    query, _ = _mark(a, 2)
    assert len(a.pages(**query, limit="1")) == 2


def query_filter_without_case(a: Api, b: Api) -> None:
    a.new(metadata={"mark": "Cat"})
    assert a.pages(**{"metadata[mark]": "cAT"}) == []


def query_filters_ored(a: Api, b: Api) -> None:
    query, _ = _mark(a, 1)
    assert a.pages(**query, **{"metadata[other]": "x"}) == []


def query_more_on_full_page(a: Api, b: Api) -> None:
    query, _ = _mark(a, 2)
    assert not a.ask("GET", params=query | {"limit": "2"}).json()["hasMore"]


def query_one_too_many(a: Api, b: Api) -> None:
    query, _ = _mark(a, 3)
    assert len(a.ask("GET", params=query | {"limit": "2"}).json()["data"]) == 2


def query_second_page_ascends(a: Api, b: Api) -> None:
    thread = a.new()
    for content in "xyz":
        a.data("POST", f"{thread}/messages", {"role": "user", "content": content})
    shown = a.pages(f"{thread}/messages", order="desc", limit="1")
    assert [message["content"] for message in shown] == ["z", "y", "x"]


def query_ties_by_id(a: Api, b: Api) -> None:
    query, made = _mark(a, 12)
    assert [thread["id"] for thread in a.pages(**query)] == made[::-1]


def query_tools_as_assistant(a: Api, b: Api) -> None:
    thread = a.new()
    a.submit(*a.tool(thread))
    shown = a.pages(f"{thread}/messages", role="assistant")
    assert all(message["role"] == "assistant" for message in shown)


def talk_archived_talks(a: Api, b: Api) -> None:
    thread = a.new()
    a.data("POST", f"{thread}/archive")
    assert a.status("POST", f"{thread}/runs", json={"input": "hi"}) == 409


def _kept(a: Api, text: str) -> None:
    thread = a.new()
    run = a.data("POST", f"{thread}/messages", {"role": "user", "content": text})
    assert run["content"] == text
    assert a.contents(thread) == [text]


def talk_astral_lost(a: Api, b: Api) -> None:
    _kept(a, "ferry \U0001f6a2")


def talk_cancel_takes_question(a: Api, b: Api) -> None:
    thread = a.new()
    run = a.start(thread, "hello")
    a.data("POST", f"{run}/cancel")
    assert a.contents(thread)[:1] == ["hello"]


def talk_count_without_replies(a: Api, b: Api) -> None:
    thread = a.new()
    a.say(thread, "hello")
    assert a.data("GET", thread)["messageCount"] == 2


def talk_feedback_merged(a: Api, b: Api) -> None:
    thread = a.new()
    id = a.data("POST", f"{thread}/messages", {"role": "user", "content": "x"})["id"]
    path = f"{thread}/messages/{id}/feedback"
    a.data("PUT", path, {"rating": "up", "comment": "yes"})
    assert a.data("PUT", path, {"rating": "down"})["feedback"]["comment"] is None


def talk_feedback_not_listed(a: Api, b: Api) -> None:
    thread = a.new()
    id = a.data("POST", f"{thread}/messages", {"role": "user", "content": "x"})["id"]
    shown = a.data("PUT", f"{thread}/messages/{id}/feedback", {"rating": "up"})
    assert a.pages(f"{thread}/messages") == [shown]


def talk_feedback_on_last(a: Api, b: Api) -> None:
    thread = a.new()
    id = a.data("POST", f"{thread}/messages", {"role": "user", "content": "x"})["id"]
    a.data("POST", f"{thread}/messages", {"role": "user", "content": "y"})
    assert a.data("PUT", f"{thread}/messages/{id}/feedback", {"rating": "up"})["id"] == id


def talk_gap_after_cancel(a: Api, b: Api) -> None:
    thread = a.new()
    a.half(thread)
    a.data("POST", f"{thread}/messages", {"role": "user", "content": "x"})
    shown = [message["sequence"] for message in a.pages(f"{thread}/messages")]
    assert shown == list(range(1, len(shown) + 1))


def talk_html_escaped(a: Api, b: Api) -> None:
    _kept(a, "1 < 2 & 3")


def talk_last_time_null(a: Api, b: Api) -> None:
    thread = a.new()
    a.data("POST", f"{thread}/messages", {"role": "user", "content": "x"})
    assert a.data("GET", thread)["lastMessageAt"] is not None


def talk_line_ends(a: Api, b: Api) -> None:
    _kept(a, "one\r\ntwo")


def talk_nul_cut(a: Api, b: Api) -> None:
    _kept(a, "one\0two")


def talk_reply_to_latest_thread(a: Api, b: Api) -> None:
    one, other = a.new(), a.new()
    runs = [a.start(one, "first"), a.start(other, "second")]
    together(*[lambda run=run: a.until(run, "completed") for run in runs])
    assert [len(a.contents(thread)) for thread in (one, other)] == [2, 2]


def talk_reply_twice(a: Api, b: Api) -> None:
    thread = a.new()
    run, outputs = a.tool(thread)
    a.submit(run, outputs)
    a.until(run, "completed")
    assert len(a.pages(f"{thread}/messages", role="assistant")) == 1


def talk_run_id_missing(a: Api, b: Api) -> None:
    thread = a.new()
    run = a.say(thread, "hello")
    assert a.pages(f"{thread}/messages")[1]["runId"] == run["id"]


def talk_streamed_twice(a: Api, b: Api) -> None:
    thread = a.new()
    a.stream(thread, "hello")
    assert a.contents(thread).count("hello") == 1


def talk_tool_not_recorded(a: Api, b: Api) -> None:
    thread = a.new()
    a.submit(*a.tool(thread))
    shown = a.pages(f"{thread}/messages", role="tool")
    assert [message["content"] for message in shown] == ["3 degrees"]


def talk_trimmed(a: Api, b: Api) -> None:
    _kept(a, "  hello \n")
