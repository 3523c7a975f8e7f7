"""One probe for each fault of auth, protocol, race and idempotency."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from .client import Api, together

JSON = {"Content-Type": "application/json"}


def auth_archive_others_thread(a: Api, b: Api) -> None:
    assert b.status("POST", a.new() + "/archive") == 404


def auth_bearer_taken(a: Api, b: Api) -> None:
    headers = {"Authorization": "Bearer alice-key"}
    assert a.with_key(None).status("GET", headers=headers) == 401


def auth_body_before_key(a: Api, b: Api) -> None:
    assert a.with_key(None).status("POST", json={"titel": 1}) == 401


def auth_cancel_others_run(a: Api, b: Api) -> None:
    run, _ = a.tool(a.new())
    assert b.status("POST", f"{run}/cancel") == 404


def auth_change_others_thread(a: Api, b: Api) -> None:
    assert b.status("PATCH", a.new(), json={"title": "x"}) == 404


def auth_delete_others_thread(a: Api, b: Api) -> None:
    assert b.status("DELETE", a.new()) == 404


def auth_empty_key_is_alice(a: Api, b: Api) -> None:
    assert a.with_key("").status("GET") == 401


def auth_events_without_key(a: Api, b: Api) -> None:
    run = a.start(a.new(), "hello")
    assert a.with_key(None).status("GET", f"{run}/events") == 401


def auth_existence_oracle(a: Api, b: Api) -> None:
    assert b.status("GET", a.new()) == b.status("GET", "/thr_0000000000000000") == 404


def auth_filter_leaks_users(a: Api, b: Api) -> None:
    word = uuid4().hex
    a.new(metadata={"mark": word})
    assert b.pages(**{"metadata[mark]": word}) == []


def auth_follow_others_run(a: Api, b: Api) -> None:
    run = a.start(a.new(), "hello")
    assert b.status("GET", f"{run}/events") == 404


def auth_key_by_prefix(a: Api, b: Api) -> None:
    assert a.with_key("alice-key-2").status("GET") == 401


def auth_key_in_query(a: Api, b: Api) -> None:
    assert a.with_key(None).status("GET", params={"X-Api-Key": "alice-key"}) == 401


def auth_key_without_case(a: Api, b: Api) -> None:
    assert a.with_key("ALICE-KEY").status("GET") == 401


def auth_list_without_key(a: Api, b: Api) -> None:
    assert a.with_key(None).status("GET") == 401


def _message(a: Api) -> str:
    thread = a.new()
    id = a.data("POST", f"{thread}/messages", {"role": "user", "content": "secret"})["id"]
    return f"{thread}/messages/{id}"


def auth_rate_others_message(a: Api, b: Api) -> None:
    assert b.status("PUT", _message(a) + "/feedback", json={"rating": "up"}) == 404


def auth_read_others_message(a: Api, b: Api) -> None:
    assert b.status("GET", _message(a)) == 404


def auth_read_others_messages(a: Api, b: Api) -> None:
    assert b.status("GET", a.new() + "/messages") == 404


def auth_read_others_thread(a: Api, b: Api) -> None:
    assert b.status("GET", a.new()) == 404


def protocol_accept_ignored(a: Api, b: Api) -> None:
    assert a.status("GET", headers={"Accept": "image/png"}) == 406


def protocol_created_is_200(a: Api, b: Api) -> None:
    assert a.status("POST", json={}) == 201


def protocol_errors_without_id(a: Api, b: Api) -> None:
    assert "x-request-id" in a.ask("GET", "/thr_0000000000000000").headers


def protocol_head_fails(a: Api, b: Api) -> None:
    assert a.status("HEAD", a.new()) == 200


def protocol_latin_1(a: Api, b: Api) -> None:
    raw = a.ask("POST", json={"title": "Tromsø"}).content
    assert "Tromsø" in raw.decode("utf-8", "replace")


def protocol_location_without_base(a: Api, b: Api) -> None:
    location = a.ask("POST", json={}).headers["location"]
    assert a.http.get(a.root + location).status_code == 200


def protocol_no_allow(a: Api, b: Api) -> None:
    response = a.ask("PUT", a.new(), json={})
    assert response.status_code == 405
    assert "PATCH" in response.headers.get("allow", "")


def protocol_no_challenge(a: Api, b: Api) -> None:
    assert "www-authenticate" in a.with_key(None).ask("GET").headers


def protocol_one_request_id(a: Api, b: Api) -> None:
    one, other = a.ask("GET").headers, a.ask("GET").headers
    assert one["x-request-id"] != other["x-request-id"]


def protocol_refusal_is_400(a: Api, b: Api) -> None:
    assert a.status("POST", json={"title": 1}) == 422


def race_expected_revision(a: Api, b: Api) -> None:
    thread = a.new()
    bodies: list[dict[str, Any]] = [{"title": word, "expectedRevision": 1} for word in "xy"]
    done = together(*[lambda body=body: a.status("PATCH", thread, json=body) for body in bodies])
    assert sorted(done) == [200, 409]


def race_idempotency(a: Api, b: Api) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    one, other = together(*[lambda: a.data("POST", json={}, headers=headers)] * 2)
    assert one["id"] == other["id"]


def race_ids_by_clock(a: Api, b: Api) -> None:
    made = together(*[a.new] * 6)
    assert len(set(made)) == 6


def race_lost_update(a: Api, b: Api) -> None:
    thread = a.new()
    bodies = [{"metadata": {key: "v"}} for key in "xy"]
    together(*[lambda body=body: a.data("PATCH", thread, body) for body in bodies])
    assert a.data("GET", thread)["metadata"] == {"x": "v", "y": "v"}


def race_second_run(a: Api, b: Api) -> None:
    path = a.new() + "/runs"
    done = together(*[lambda: a.status("POST", path, json={"input": "hello"})] * 2)
    assert sorted(done) == [202, 409]


def race_sequence(a: Api, b: Api) -> None:
    path = a.new() + "/messages"
    body = {"role": "user", "content": "x"}
    done = together(*[lambda: a.data("POST", path, body)] * 4)
    assert sorted(message["sequence"] for message in done) == [1, 2, 3, 4]


def idempotency_body_ignored(a: Api, b: Api) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    a.ask("POST", json={"title": "x"}, headers=headers)
    assert a.status("POST", json={"title": "y"}, headers=headers) == 409


def idempotency_ignored(a: Api, b: Api) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    one, other = (a.data("POST", json={}, headers=headers) for _ in range(2))
    assert one == other


def idempotency_refusals_kept(a: Api, b: Api) -> None:
    thread, headers = a.new(), {"Idempotency-Key": uuid4().hex}
    run, _ = a.tool(thread)
    assert a.status("POST", f"{thread}/runs", json={"input": "x"}, headers=headers) == 409
    a.data("POST", f"{run}/cancel")
    assert a.status("POST", f"{thread}/runs", json={"input": "x"}, headers=headers) == 202


def idempotency_shared_by_paths(a: Api, b: Api) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    one, other = (
        a.data("POST", a.new() + "/runs", {"input": "x"}, headers=headers) for _ in range(2)
    )
    assert one["threadId"] != other["threadId"]


def idempotency_shared_by_users(a: Api, b: Api) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    one, other = (user.data("POST", json={"title": "x"}, headers=headers) for user in (a, b))
    assert one["id"] != other["id"]
