"""Each function is named after a fault and tells whether a server is free of it."""

from typing import Any

from .client import Api, JsonObject, read


def created_not_found(api: Api) -> bool:
    session = api.new(id="chosen-id")
    return bool(api.http.get("/sessions/chosen-id").json() == session)


def client_id_ignored(api: Api) -> bool:
    return api.new_id(id="chosen-id") == "chosen-id"


def user_id_ignored(api: Api) -> bool:
    return bool(api.new(user_id="ada")["user_id"] == "ada")


def situation_lost_without_title(api: Api) -> bool:
    return bool(api.new(situation="A storm.")["situation"] == "A storm.")


def situation_not_stored(api: Api) -> bool:
    return bool(api.new(situation="A storm.")["situation"] == "A storm.")


def metadata_numbers_to_strings(api: Api) -> bool:
    return _metadata_returns(api, {"a": 1, "b": [2.5, {"c": -3}]})


def metadata_nulls_dropped(api: Api) -> bool:
    return _metadata_returns(api, {"a": None, "b": {"c": None}})


def metadata_keys_lowercased(api: Api) -> bool:
    return _metadata_returns(api, {"dbUuid": "1", "dbuuid": "2"})


def title_trimmed(api: Api) -> bool:
    return bool(api.new(title=" so ")["title"] == " so ")


def ids_are_counts(api: Api) -> bool:
    first, second = api.new_id(), api.new_id()
    api.delete(first)
    return api.new_id() not in (first, second)


def duplicate_id_overwrites(api: Api) -> bool:
    api.new(id="chosen-id", title="first")
    again = api.create(id="chosen-id", title="second")
    return again.status_code == 409 and api.get("chosen-id")["title"] == "first"


def delete_keeps_listed(api: Api) -> bool:
    gone, kept = api.new_id(), api.new_id()
    api.delete(gone)
    return api.ids() == [kept]


def delete_keeps_readable(api: Api) -> bool:
    return _after_delete(api, "") == 404


def delete_keeps_history(api: Api) -> bool:
    return _after_delete(api, "/history") == 404


def recreated_with_old_history(api: Api) -> bool:
    api.say(api.new_id(id="chosen-id"))
    api.delete("chosen-id")
    return api.new(id="chosen-id")["message_count"] == 0 and api.texts("chosen-id") == []


def delete_unknown_succeeds(api: Api) -> bool:
    session = api.new_id()
    return [api.delete(session), api.delete(session)] == [204, 404]


def put_merges(api: Api) -> bool:
    session = api.new(title="a", situation="b", metadata={"c": 1}, render_templates=True)
    after = read(api.put(session["id"], {"situation": "d"}))
    defaults: JsonObject = {"title": None, "metadata": {}, "render_templates": False}
    return after == session | defaults | {"situation": "d", "updated_at": after["updated_at"]}


def put_new_guest(api: Api) -> bool:
    session = api.new()
    return bool(read(api.put(session["id"], {}))["user_id"] == session["user_id"])


def patch_replaces_metadata(api: Api) -> bool:
    return bool(_patched(api, {"a": 1, "b": 2}, {"b": 3}) == {"a": 1, "b": 3})


def patch_as_json_replaces(api: Api) -> bool:
    return bool(_patched(api, {"a": 1, "b": 2}, {"b": 3}) == {"a": 1, "b": 3})


def patch_stores_null(api: Api) -> bool:
    return bool(_patched(api, {"a": 1, "b": 2}, {"b": None}) == {"a": 1})


def patch_nested_replaced(api: Api) -> bool:
    return bool(_patched(api, {"a": {"b": 1, "c": 2}}, {"a": {"b": None}}) == {"a": {"c": 2}})


def patch_resets_others(api: Api) -> bool:
    session = api.new_id(situation="A storm.")
    return bool(read(api.patch(session, {"title": "so"}))["situation"] == "A storm.")


def patch_half_applied(api: Api) -> bool:
    session = api.new_id(title="before")
    refused = api.patch(session, {"title": "after", "render_templates": "yes"})
    return refused.status_code == 422 and api.get(session)["title"] == "before"


def updated_at_frozen(api: Api) -> bool:
    session = api.new()
    times = [session["updated_at"]]
    times += [read(api.patch(session["id"], {"title": title}))["updated_at"] for title in "abc"]
    return times == sorted(set(times))


def created_at_moves(api: Api) -> bool:
    session = api.new()
    after = read(api.patch(session["id"], {"title": "after"}))
    return bool(after["created_at"] == session["created_at"])


def read_moves_updated_at(api: Api) -> bool:
    session = api.new()
    return api.get(session["id"]) == api.get(session["id"]) == session


def etag_frozen(api: Api) -> bool:
    session = api.new_id()
    before = api.etag(session)
    return api.patch(session, {"title": "after"}).headers["ETag"] == api.etag(session) != before


def etag_random(api: Api) -> bool:
    created = api.create()
    return api.etag(created.json()["id"]) == created.headers["ETag"]


def etag_before_greeting(api: Api) -> bool:
    created = api.http.post("/sessions?allow_greeting=true", json={"agent_id": "agent"})
    return api.etag(created.json()["id"]) == created.headers["ETag"]


def etag_ignores_talk(api: Api) -> bool:
    session = api.new_id()
    before = api.etag(session)
    api.say(session)
    return api.etag(session) != before


def stale_if_match_accepted(api: Api) -> bool:
    session = api.new_id()
    stale = api.etag(session)
    statuses = [api.patch(session, {"title": title}, stale).status_code for title in "ab"]
    statuses += [api.put(session, {"title": "c"}, stale).status_code]
    return statuses == [200, 412, 412] and api.get(session)["title"] == "a"


def delete_ignores_if_match(api: Api) -> bool:
    path = f"/sessions/{api.new_id()}"
    return api.http.delete(path, headers={"If-Match": '"stale"'}).status_code == 412


def weak_etag_matches(api: Api) -> bool:
    session = api.new_id()
    return api.patch(session, {}, f"W/{api.etag(session)}").status_code == 412


def if_match_first_only(api: Api) -> bool:
    session = api.new_id()
    return api.patch(session, {}, f'"other", {api.etag(session)}').status_code == 200


def if_match_star_refused(api: Api) -> bool:
    return api.patch(api.new_id(), {"title": "so"}, "*").status_code == 200


def active_is_oldest(api: Api) -> bool:
    _, last = api.new(), api.new()
    return api.get("active") == last


def active_always_new(api: Api) -> bool:
    return api.get("active") == api.get("active")


def _metadata_returns(api: Api, metadata: JsonObject) -> bool:
    session = api.new(metadata=metadata)
    return bool(session["metadata"] == api.get(session["id"])["metadata"] == metadata)


def _after_delete(api: Api, view: str) -> int:
    session = api.new_id()
    api.delete(session)
    return api.http.get(f"/sessions/{session}{view}").status_code


def _patched(api: Api, metadata: JsonObject, patch: JsonObject) -> Any:
    return read(api.patch(api.new_id(metadata=metadata), {"metadata": patch}))["metadata"]
