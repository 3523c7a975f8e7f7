"""Probes of keys, parameters, bodies and problems."""

import json

from .client import ALICE, BOB, Client
from .probing import shows

NOBODY = {"anonymous": ""}


@shows("head-needs-no-key")
def head_without_key(c: Client) -> None:
    assert c("HEAD", "/sessions", None, NOBODY).status == 401


@shows("bearer-with-case")
def bearer_in_lower_case(c: Client) -> None:
    assert c("GET", "/sessions", None, {"Authorization": "bearer alice-key"}).status == 200


@shows("query-key-unknown-to-streams")
def key_in_query_of_stream(c: Client) -> None:
    path = c.session()
    reply = c("GET", f"{path}/events/stream", None, NOBODY, api_key="alice-key", wait=0)
    assert reply.status == 200


@shows("query-key-unchecked")
def wrong_key_in_query(c: Client) -> None:
    assert c("GET", "/sessions", None, NOBODY, api_key="nonsense").status == 401


@shows("key-prefix-suffices")
def key_with_more_behind(c: Client) -> None:
    assert c("GET", "/sessions", None, {"X-API-Key": "alice-key2"}).status == 401


@shows("wrong-key-without-challenge")
def challenge_on_wrong_key(c: Client) -> None:
    assert c("GET", "/sessions", None, {"X-API-Key": "wrong"}).headers["WWW-Authenticate"]


@shows("foreign-delete-403")
def delete_of_foreign_session(c: Client) -> None:
    path = c.session(BOB)
    assert c("DELETE", path).status == 404
    assert c("GET", path, None, BOB).status == 200


@shows("history-of-anyone")
def history_of_foreign_session(c: Client) -> None:
    assert c("GET", c.session(BOB) + "/history").status == 404


@shows("stop-of-anyone")
def stop_of_foreign_session(c: Client) -> None:
    assert c("POST", c.session(BOB) + "/stop").status == 404


@shows("if-match-before-owner")
def if_match_on_foreign_session(c: Client) -> None:
    assert c("PATCH", c.session(BOB), {}, ALICE | {"If-Match": '"x"'}).status == 404


@shows("pointer-unescaped")
def pointer_of_strange_member(c: Client) -> None:
    reply = c("POST", "/sessions", {"agent_id": "a", "x/y~z": 1})
    assert reply.status == 422
    assert reply.pointers == [("body", "/x~1y~0z")]


@shows("pointer-dotted")
def pointer_into_array(c: Client) -> None:
    body = {"messages": [{"role": "user", "content": ""}]}
    reply = c("POST", c.session() + "/chat", body)
    assert reply.pointers == [("body", "/messages/0/content")]


@shows("header-error-in-body")
def error_in_header(c: Client) -> None:
    reply = c("GET", c.session() + "/events/stream", None, {"Last-Event-ID": "x"})
    assert reply.pointers == [("header", "/Last-Event-ID")]


@shows("query-errors-missing")
def error_in_query(c: Client) -> None:
    assert c("GET", "/sessions", limit="x").pointers == [("query", "/limit")]


@shows("conflict-says-400")
def status_of_conflict(c: Client) -> None:
    c.session(id="conflict1")
    reply = c("POST", "/sessions", {"agent_id": "a", "id": "conflict1"})
    assert (reply.status, reply.json["status"]) == (409, 409)


@shows("media-problem-as-json")
def media_type_of_415(c: Client) -> None:
    reply = c("POST", "/sessions", b"a=b", {"Content-Type": "text/plain"})
    assert (reply.status, reply.kind) == (415, "application/problem+json")


@shows("405-without-allow")
def allow_on_405(c: Client) -> None:
    reply = c("PUT", "/sessions")
    assert reply.status == 405
    assert reply.headers["Allow"]


@shows("nan-accepted")
def not_a_number(c: Client) -> None:
    assert c("POST", "/sessions", b'{"agent_id":"a","metadata":{"x":NaN}}').status == 400


@shows("invalid-utf8-breaks")
def body_in_latin_1(c: Client) -> None:
    assert c("POST", "/sessions", b'{"agent_id":"a","title":"\xe9"}').status == 400


@shows("accept-substring")
def accept_with_weights(c: Client) -> None:
    accept = {"Accept": "text/event-stream;q=0.1, application/json"}
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    assert c("POST", c.session() + "/chat", body, accept).kind == "application/json"


@shows("accept-range-unknown")
def accept_of_a_range(c: Client) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    reply = c("POST", c.session() + "/chat", body, {"Accept": "text/*"})
    assert (reply.status, reply.kind) == (200, "text/event-stream")


@shows("media-type-with-case", "charset-unsupported")
def content_type_spelled_otherwise(c: Client) -> None:
    kind = {"Content-Type": "Application/JSON; charset=UTF-8"}
    assert c("POST", "/sessions", {"agent_id": "a"}, kind).status == 201


@shows("edit-takes-any-type")
def edit_of_text(c: Client) -> None:
    path = c.session()
    c.chat(path)
    message = c.items(f"{path}/history")[0]["id"]
    body, kind = {"content": "x"}, {"Content-Type": "text/plain"}
    assert c("POST", f"{path}/messages/{message}/edit", body, kind).status == 415


@shows("put-without-body")
def put_of_nothing(c: Client) -> None:
    path = c.session(title="kept")
    assert c("PUT", path, b"").status == 400
    assert c.get(path)["title"] == "kept"


@shows("extra-in-message-accepted", "assistant-role-accepted")
def chat_of_broken_messages(c: Client) -> None:
    path = c.session()
    for message in ({"role": "user", "x": 1}, {"role": "assistant"}):
        body = {"messages": [message | {"content": "x"}]}
        assert c("POST", f"{path}/chat", body).status == 422


@shows("hundredth-message-refused")
def chat_of_a_hundred(c: Client) -> None:
    path = c.session()
    body = {"messages": [{"role": "user", "content": "x"}] * 101}
    assert c("POST", f"{path}/chat", body).status == 422
    body["messages"].pop()
    assert c("POST", f"{path}/chat", body).status == 200


@shows("blank-text-refused")
def edit_to_a_blank(c: Client) -> None:
    path = c.session()
    c.chat(path)
    message = c.items(f"{path}/history")[0]["id"]
    assert c("POST", f"{path}/messages/{message}/edit", {"content": " "}).status == 200


@shows("user-id-newline-accepted")
def user_id_with_line_end(c: Client) -> None:
    assert c("POST", "/sessions", {"agent_id": "a", "user_id": "abc\n"}).status == 422


@shows("decision-coerced")
def decision_as_text(c: Client) -> None:
    body = {"tool_call_id": "call_1", "approved": "false"}
    assert c("POST", c.session() + "/approvals", body).status == 422


@shows("title-counted-in-utf16")
def title_of_astral_characters(c: Client) -> None:
    c.session(title="\U0001f409" * 200)


@shows("title-counted-in-bytes")
def patch_of_long_title(c: Client) -> None:
    assert c("PATCH", c.session(), {"title": "é" * 200}).status == 200


@shows("integers-as-python-reads")
def integers_of_python(c: Client) -> None:
    for text in ("1_0", " 5", "٣", "+7"):
        assert c("GET", "/sessions", limit=text).status == 422


@shows("limit-clamped", "limit-zero-is-default")
def limit_out_of_bounds(c: Client) -> None:
    for number in (0, 1001):
        assert c("GET", "/sessions", limit=number).status == 422


@shows("boolean-loose")
def boolean_as_number(c: Client) -> None:
    assert c("POST", "/sessions", {"agent_id": "a"}, allow_greeting="1").status == 422


@shows("if-match-garbage-ignored")
def if_match_without_quotes(c: Client) -> None:
    path = c.session()
    assert c("PATCH", path, {"title": "x"}, {"If-Match": "abc"}).status == 422
    assert c.get(path)["title"] is None


@shows("types-unknown-ignored")
def unknown_type(c: Client) -> None:
    assert c("GET", c.session() + "/events", types="message,whisper").status == 422


@shows("last-event-id-unchecked")
def last_event_id_negative(c: Client) -> None:
    path = c.session() + "/events/stream"
    assert c("GET", path, None, {"Last-Event-ID": "-1"}, wait=0).status == 422


@shows("path-not-decoded")
def path_with_encoded_letter(c: Client) -> None:
    c.session(id="pathname")
    assert c("GET", "/sessions/%70athname").status == 200


@shows("head-not-allowed")
def head_of_session(c: Client) -> None:
    reply = c("HEAD", c.session())
    assert (reply.status, reply.raw) == (200, b"")


@shows("create-event-any-accept", "not-acceptable-recorded")
def not_acceptable(c: Client) -> None:
    path = c.session()
    event = {"type": "message", "content": "x"}
    accept = {"Accept": "application/json"}
    assert c("POST", f"{path}/events/stream", event, accept).status == 406
    chat = {"messages": [{"role": "user", "content": "x"}]}
    assert c("POST", f"{path}/chat", chat, {"Accept": "text/plain"}).status == 406
    assert c.items(f"{path}/history") == []


@shows("patch-takes-user")
def patch_of_what_stays(c: Client) -> None:
    path = c.session(user_id="u1")
    assert c("PATCH", path, {"user_id": "u2"}).status == 422
    assert json.dumps(c.get(path)).count("u2") == 0
