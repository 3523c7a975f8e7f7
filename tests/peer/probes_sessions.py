"""Probes of one session: how it is made, changed and deleted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from .client import ALICE, BOB, Client, Reply
from .probing import shows


def _at_once(*calls: tuple[Client, str, str, object, dict[str, str]]) -> list[Reply]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call[0](*call[1:]), calls))


@shows("create-race")
def two_creations_of_one_id(c: Client) -> None:
    body = {"agent_id": "a", "id": "the-same-id"}
    replies = _at_once(*[(c, "POST", "/sessions", body, ALICE)] * 2)
    assert sorted(reply.status for reply in replies) == [201, 409]


@shows("patch-race")
def two_patches_of_two_keys(c: Client) -> None:
    path = c.session()
    bodies = [{"metadata": {key: 1}} for key in "ab"]
    _at_once(*[(c, "PATCH", path, body, ALICE) for body in bodies])
    assert c.get(path)["metadata"] == {"a": 1, "b": 1}


@shows("if-match-race")
def two_patches_of_one_version(c: Client) -> None:
    path = c.session()
    headers = {"If-Match": c("GET", path).headers["ETag"]}
    replies = _at_once(*[(c, "PATCH", path, {"title": title}, headers) for title in "ab"])
    assert sorted(reply.status for reply in replies) == [200, 412]


@shows("ids-without-case")
def ids_of_two_cases(c: Client) -> None:
    assert c.session(id="abcdefgh") != c.session(id="ABCDEFGH")


@shows("conflict-overwrites")
def conflict_changes_nothing(c: Client) -> None:
    path = c.session(id="conflict2", title="mine")
    reply = c("POST", "/sessions", {"agent_id": "a", "id": "conflict2", "title": "x"}, BOB)
    assert reply.status == 409
    assert c.get(path)["title"] == "mine"


@shows("guest-with-colon")
def guest_has_a_user_id(c: Client) -> None:
    assert ":" not in c.get(c.session())["user_id"]


@shows("create-drops-nulls")
def null_in_new_metadata(c: Client) -> None:
    assert c.get(c.session(metadata={"x": None}))["metadata"] == {"x": None}


@shows("situation-cut")
def long_situation(c: Client) -> None:
    assert c.get(c.session(situation="x" * 20_000))["situation"] == "x" * 20_000


@shows("id-reused-with-history")
def id_used_again(c: Client) -> None:
    path = c.session(id="again-and-again")
    c.chat(path)
    c("DELETE", path)
    c.session(id="again-and-again")
    assert c.items(f"{path}/history") == []


@shows("deleted-events-readable", "second-delete-204")
def after_delete(c: Client) -> None:
    path = c.session()
    assert c("DELETE", path).status == 204
    assert c("GET", f"{path}/events").status == 404
    assert c("DELETE", path).status == 404


@shows("zone-lost-after-update")
def times_have_a_zone(c: Client) -> None:
    path = c.session()
    changed = c("PATCH", path, {"title": "x"}).json
    assert all(datetime.fromisoformat(changed[key]).tzinfo for key in ("created_at", "updated_at"))


@shows("greeting-unasked")
def no_greeting_unless_allowed(c: Client) -> None:
    assert c.items(c.session() + "/history") == []


@shows("greeting-lost-to-events")
def greeting_is_an_event(c: Client) -> None:
    made = c("POST", "/sessions", {"agent_id": "a"}, allow_greeting="true").json
    path = f"/sessions/{made['id']}"
    said = [one["id"] for one in c.items(f"{path}/history")]
    assert [one["id"] for one in c.items(f"{path}/events", types="message")] == said


@shows("chosen-id-200", "location-lowercase")
def answer_to_a_creation(c: Client) -> None:
    reply = c("POST", "/sessions", {"agent_id": "a", "id": "UpAndDown"})
    assert reply.status == 201
    assert reply.headers["Location"].split("/")[-1] == "UpAndDown"


@shows("read-counts-as-change")
def reading_changes_nothing(c: Client) -> None:
    path = c.session()
    assert c("GET", path).headers["ETag"] == c("GET", path).headers["ETag"]


@shows("etag-ignores-metadata")
def etag_of_new_metadata(c: Client) -> None:
    path = c.session()
    before = c("GET", path).headers["ETag"]
    assert c("PATCH", path, {"metadata": {"x": 1}}).headers["ETag"] != before


@shows("put-returns-old-etag", "put-omits-nulls")
def answer_to_a_put(c: Client) -> None:
    path = c.session()
    put, got = c("PUT", path, {"metadata": {"x": 1}}), c("GET", path)
    assert (put.json, put.headers["ETag"]) == (got.json, got.headers["ETag"])


@shows("put-escapes-title")
def put_of_an_apostrophe(c: Client) -> None:
    assert c("PUT", c.session(), {"title": "What's <up>"}).json["title"] == "What's <up>"


@shows("put-keeps-situation", "put-merges-metadata", "put-keeps-templates")
def put_of_nothing_resets(c: Client) -> None:
    path = c.session(situation="x", metadata={"x": 1}, render_templates=True)
    reset = c("PUT", path, {}).json
    assert [reset["situation"], reset["metadata"], reset["render_templates"]] == [None, {}, False]


@shows("invalid-patch-half-done")
def invalid_patch_changes_nothing(c: Client) -> None:
    path = c.session()
    assert c("PATCH", path, {"title": "x", "render_templates": 1}).status == 422
    assert c.get(path)["title"] is None


@shows("patch-written-before-if-match")
def failed_patch_changes_nothing(c: Client) -> None:
    path = c.session()
    assert c("PATCH", path, {"title": "x"}, {"If-Match": '"other"'}).status == 412
    assert c.get(path)["title"] is None


@shows("patch-etag-unquoted")
def etag_of_a_patch(c: Client) -> None:
    path = c.session()
    assert c("PATCH", path, {"title": "x"}).headers["ETag"] == c("GET", path).headers["ETag"]


@shows("patch-ignores-false")
def patch_to_false(c: Client) -> None:
    path = c.session(render_templates=True)
    assert c("PATCH", path, {"render_templates": False}).json["render_templates"] is False


@shows("empty-title-lost")
def empty_title(c: Client) -> None:
    assert c.get(c.session(title=""))["title"] == ""


@shows("delete-by-prefix")
def delete_of_one_session(c: Client) -> None:
    path, other = c.session(id="the-prefix"), c.session(id="the-prefix-2")
    c("DELETE", path)
    assert c("GET", other).status == 200


@shows("delete-undone-by-turn", pace=0.02)
def delete_while_a_turn_runs(c: Client) -> None:
    path = c.session()
    body = {"type": "message", "content": "Hi"}
    with c.stream("POST", f"{path}/events/stream", body) as stream:
        next(iter(stream))
        assert c("DELETE", path).status == 204
    assert c("GET", path).status == 404


@shows("patch-keeps-title")
def patch_of_title_to_null(c: Client) -> None:
    assert c("PATCH", c.session(title="x"), {"title": None}).json["title"] is None


@shows("title-cut-at-astral")
def patch_of_astral_title(c: Client) -> None:
    assert c("PATCH", c.session(), {"title": "a\U0001f409b"}).json["title"] == "a\U0001f409b"


@shows(
    "patch-shallow",
    "patch-keeps-new-nulls",
    "patch-joins-arrays",
    "patch-drops-array-nulls",
    "patch-rounds-floats",
    "patch-drops-empty-objects",
)
def merge_patch(c: Client) -> None:
    path = c.session(metadata={"deep": {"a": 1, "b": 2}, "array": [1]})
    patch = {"deep": {"a": None}, "new": {"x": None, "y": 0.125, "z": {}}, "array": [None, 2]}
    assert c("PATCH", path, {"metadata": patch}).json["metadata"] == {
        "deep": {"b": 2},
        "new": {"y": 0.125, "z": {}},
        "array": [None, 2],
    }


@shows("delete-ignores-if-match")
def delete_of_another_version(c: Client) -> None:
    assert c("DELETE", c.session(), None, {"If-Match": '"other"'}).status == 412


@shows("if-match-first-only", "if-match-weak", "if-match-any-refused")
def if_match_with_more_tags(c: Client) -> None:
    path = c.session()
    tag = c("GET", path).headers["ETag"]
    assert c("PATCH", path, {}, {"If-Match": f"W/{tag}"}).status == 412
    assert c("PATCH", path, {}, {"If-Match": f'"x", {tag}'}).status == 200
    assert c("PATCH", path, {}, {"If-Match": "*"}).status == 200
