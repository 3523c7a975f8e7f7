"""Each function is named after a fault and tells whether a server is free of it."""

from typing import Any

from .client import SSE, Api, user


def unknown_field_accepted(api: Api) -> bool:
    return api.create(colour="red").status_code == 422


def agent_id_optional(api: Api) -> bool:
    return api.http.post("/sessions", json={"title": "None"}).status_code == 422


def limit_zero_accepted(api: Api) -> bool:
    return _listing(api, limit=0) == 422


def limit_above_maximum_accepted(api: Api) -> bool:
    return (_listing(api, limit=1000), _listing(api, limit=1001)) == (200, 422)


def title_length_unchecked(api: Api) -> bool:
    statuses = [api.create(title="é" * length).status_code for length in (200, 201)]
    return statuses == [201, 422]


def agent_id_of_any_letter(api: Api) -> bool:
    return api.create(agent_id="a[b").status_code == 422


def client_id_unchecked(api: Api) -> bool:
    return api.create(id="a b").status_code == 422


def empty_messages_accepted(api: Api) -> bool:
    return api.chat(api.new_id()).status_code == 422


def empty_text_accepted(api: Api) -> bool:
    return api.chat(api.new_id(), user("")).status_code == 422


def content_coerced(api: Api) -> bool:
    return api.chat(api.new_id(), user(5)).status_code == 422


def assistant_role_accepted(api: Api) -> bool:
    message = {"role": "assistant", "content": "I said so."}
    return api.chat(api.new_id(), message).status_code == 422


def null_metadata_accepted(api: Api) -> bool:
    session = api.new_id()
    body = {"metadata": None}
    return api.put(session, body).status_code == api.patch(session, body).status_code == 422


def bad_filter_ignored(api: Api) -> bool:
    return _listing(api, metadata_filter="[1]") == 422 and _listing(api, metadata_filter="{") == 400


def bad_boolean_accepted(api: Api) -> bool:
    body = {"agent_id": "agent"}
    path = "/sessions?allow_greeting=maybe"
    return api.http.post(path, json=body).status_code == 422


def bad_last_event_id_accepted(api: Api) -> bool:
    path = f"/sessions/{api.new_id()}/events/stream?wait=0"
    headers = SSE | {"Last-Event-ID": "abc"}
    return api.http.get(path, headers=headers).status_code == 422


def errors_left_out(api: Api) -> bool:
    errors = api.create(title=5).json().get("errors", [])
    return [(error["in"], error["pointer"]) for error in errors] == [("body", "/title")]


def refused_body_creates(api: Api) -> bool:
    refused = api.create(id="chosen-id", title=5)
    return (refused.status_code, _read(api, "chosen-id")) == (422, 404)


def refused_header_patches(api: Api) -> bool:
    session = api.new_id(title="before")
    refused = api.patch(session, {"title": "after"}, "unquoted")
    return (refused.status_code, api.get(session)["title"]) == (422, "before")


def refused_query_creates(api: Api) -> bool:
    body = {"agent_id": "agent", "id": "chosen-id"}
    refused = api.http.post("/sessions?allow_greeting=maybe", json=body)
    return (refused.status_code, _read(api, "chosen-id")) == (422, 404)


def _read(api: Api, session: str) -> int:
    return api.http.get(f"/sessions/{session}").status_code


def _listing(api: Api, **params: Any) -> int:
    return api.http.get("/sessions", params=params).status_code
