"""Each function is named after a fault and tells whether a server is free of it."""

import re

import httpx2

from .client import SSE, Api, user

JSON = {"Content-Type": "application/json"}


def create_answers_200(api: Api) -> bool:
    return api.create().status_code == 201


def location_missing(api: Api) -> bool:
    return "Location" in api.create().headers


def location_wrong(api: Api) -> bool:
    created = api.create()
    return bool(api.http.get(created.headers["Location"]).json() == created.json())


def etag_missing(api: Api) -> bool:
    return "ETag" in api.http.get(f"/sessions/{api.new_id()}").headers


def etag_unquoted(api: Api) -> bool:
    return re.fullmatch('"[!#-~]+"', api.create().headers["ETag"]) is not None


def allow_missing(api: Api) -> bool:
    answer = api.http.delete("/sessions")
    return (answer.status_code, answer.headers.get("Allow")) == (405, "GET, HEAD, OPTIONS, POST")


def malformed_json_is_500(api: Api) -> bool:
    return _post(api, JSON, b'{"agent_id": ').status_code == 400


def not_found_is_200(api: Api) -> bool:
    return api.http.get("/sessions/nowhere0").status_code == 404


def delete_answers_200(api: Api) -> bool:
    answer = api.http.delete(f"/sessions/{api.new_id()}")
    return (answer.status_code, answer.content) == (204, b"")


def chunked_body_ignored(api: Api) -> bool:
    headers = {"Content-Type": "application/json"}
    pieces = iter([b'{"agent_id": ', b'"agent"}'])
    return api.http.post("/sessions", content=pieces, headers=headers).status_code == 201


def media_type_unchecked(api: Api) -> bool:
    return _post(api, {"Content-Type": "text/plain"}, b'{"agent_id": "a"}').status_code == 415


def merge_patch_refused(api: Api) -> bool:
    headers = {"Content-Type": "application/merge-patch+json"}
    path = f"/sessions/{api.new_id()}"
    return api.http.patch(path, content=b'{"title": "so"}', headers=headers).status_code == 200


def problem_status_differs(api: Api) -> bool:
    return bool(api.http.get("/sessions/nowhere0").json()["status"] == 404)


def problem_as_json(api: Api) -> bool:
    return api.http.get("/sessions/nowhere0").headers["Content-Type"] == "application/problem+json"


def accept_ignored(api: Api) -> bool:
    answer = api.chat(api.new_id(), user("Hello"), headers=SSE)
    return answer.headers["Content-Type"].startswith("text/event-stream")


def not_acceptable_ignored(api: Api) -> bool:
    headers = {"Accept": "text/html"}
    return api.chat(api.new_id(), user("Hello"), headers=headers).status_code == 406


def _post(api: Api, headers: dict[str, str], body: bytes) -> httpx2.Response:
    return api.http.post("/sessions", content=body, headers=headers)


def head_of_missing_is_200(api: Api) -> bool:
    return api.http.head("/sessions/nowhere0").status_code == 404


def head_of_other_type(api: Api) -> bool:
    return api.http.head("/sessions").headers["Content-Type"] == "application/json"


def options_allow_partial(api: Api) -> bool:
    return "POST" in api.http.options("/sessions").headers["Allow"]


def if_none_match_ignored(api: Api) -> bool:
    session = api.new_id()
    return _known(api, session, api.etag(session)) == 304


def if_none_match_strong(api: Api) -> bool:
    session = api.new_id()
    return _known(api, session, f"W/{api.etag(session)}") == 304


def not_modified_after_change(api: Api) -> bool:
    session = api.new_id()
    etag = api.etag(session)
    api.put(session, {"title": "new"})
    return _known(api, session, etag) == 200


def idempotency_key_ignored(api: Api) -> bool:
    return _under(api.http, "one") == _under(api.http, "one")


def idempotency_key_of_anyone(api: Api) -> bool:
    return _under(api.http, "one") != _under(api.bob, "one")


def idempotency_key_once_per_user(api: Api) -> bool:
    return _under(api.http, "one") != _under(api.http, "two")


def _known(api: Api, session: str, tag: str) -> int:
    headers = {"If-None-Match": tag}
    return api.http.get(f"/sessions/{session}", headers=headers).status_code


def _under(client: httpx2.Client, key: str) -> str:
    headers = {"Idempotency-Key": key}
    answer = client.post("/sessions", json={"agent_id": "agent"}, headers=headers)
    return str(answer.json()["id"])
