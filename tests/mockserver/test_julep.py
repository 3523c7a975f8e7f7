"""The julep documents: ours, and the one that the vendor published, by the same handlers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[2]
AGENT = "9bb48ef4-b6f7-4dd8-a5ea-ab775e2e8d1b"
USER = "621ff51c-a813-4046-bfc6-ec425003e8c7"
NOBODY = "34562990-95c8-42a1-a319-6eb403e89f80"


@pytest.fixture(scope="session")
def julep(serve: Callable[..., Any]) -> Any:
    return serve("julep", "--script", ROOT / "tests" / "quick.yaml")


@pytest.fixture(scope="session")
def alice(julep: Any, connect: Callable[..., Any]) -> httpx2.Client:
    client: httpx2.Client = connect(f"{julep.url}/api")
    return client


@pytest.fixture(scope="session")
def published(serve: Callable[..., Any], connect: Callable[..., Any], shared: Path) -> Any:
    overlay = ROOT / "tests" / "spec" / "julep-published.overlay.yaml"
    document = shared / "specs" / "julep-v0-2024-04.yaml"
    server = serve(document, "--overlay", overlay, "--script", ROOT / "tests" / "quick.yaml")
    return connect(f"{server.url}/api")


def chat(client: httpx2.Client, id: str, text: str, **more: Any) -> Any:
    body = {"messages": [{"role": "user", "content": text}], **more}
    answer = client.post(f"/sessions/{id}/chat", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def live(client: httpx2.Client) -> None:
    """A whole life of a session, as both documents promise it."""
    body = {"agent_id": AGENT, "user_id": USER, "metadata": {"shelf": "1"}}
    made = client.post("/sessions", json=body | {"situation": "A bakery."})
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert "agent_id" not in made.json(), "the answer to create is not the session"
    session = client.get(f"/sessions/{id}").json()
    assert (session["agent_id"], session["user_id"]) == (AGENT, USER)
    assert (session["situation"], session["metadata"]) == ("A bakery.", {"shelf": "1"})

    for wanted, count in (('{"shelf": "1"}', 1), ('{"shelf": 1}', 0), ("{}", 1)):
        found = client.get("/sessions", params={"metadata_filter": wanted, "limit": 1000})
        ids = [item["id"] for item in found.json()["items"]]
        assert ids.count(id) == count, wanted

    answer = chat(client, id, "weather")
    assert answer["finish_reason"] == "stop"
    ((message,),) = answer["response"]
    assert (message["role"], message["content"]) == ("assistant", "It is sunny in SF.")
    rows = client.get(f"/sessions/{id}/history").json()["items"]
    assert [(row["role"], row["content"]) for row in rows] == [
        ("user", "weather"),
        ("assistant", "It is sunny in SF."),
    ]
    assert rows[1]["id"] == message["id"]
    suggested = client.get(f"/sessions/{id}/suggestions").json()["items"]
    assert {s["content"] for s in suggested} == {"And tomorrow?", "And in Oslo?"}
    assert {(s["session_id"], s["message_id"]) for s in suggested} == {(id, message["id"])}

    chat(client, id, "hello", record=False)
    assert len(client.get(f"/sessions/{id}/history").json()["items"]) == 2

    assert client.patch(f"/sessions/{id}", json={"metadata": {"row": 2}}).status_code == 200
    session = client.get(f"/sessions/{id}").json()
    assert session["situation"] == "A bakery."
    assert session["metadata"] == {"shelf": "1", "row": 2}

    assert client.delete(f"/sessions/{id}/history").is_success
    assert client.get(f"/sessions/{id}/history").json()["items"] == []
    gone = client.delete(f"/sessions/{id}")
    assert gone.is_success
    for name in ("", "/history", "/suggestions"):
        assert client.get(f"/sessions/{id}{name}").status_code == 404
    assert id not in [item["id"] for item in client.get("/sessions").json()["items"]]


def test_a_session_lives_by_our_document(alice: httpx2.Client) -> None:
    live(alice)
    id = alice.post("/sessions", json={"agent_id": AGENT}).json()["id"]
    assert alice.patch(f"/sessions/{id}", json={"situation": "A bar."}).json()["id"] == id
    assert alice.patch(f"/sessions/{id}", json={"situation": None}).json()["id"] == id
    assert alice.get(f"/sessions/{id}").json()["situation"] == "A bar.", "a null leaves what is"
    assert chat(alice, id, "hello")["doc_ids"] == {"agent_doc_ids": [], "user_doc_ids": []}


def test_a_session_lives_by_the_published_document(published: httpx2.Client) -> None:
    live(published)


@pytest.mark.parametrize("key", [None, "wrong", "alice-ke"])
def test_a_missing_or_wrong_key_is_a_403(
    julep: Any, connect: Callable[..., Any], key: str | None
) -> None:
    client = connect(f"{julep.url}/api", key)
    for method, path in (("GET", "/sessions"), ("POST", "/agents"), ("DELETE", f"/users/{NOBODY}")):
        answer = client.request(method, path, json={"name": "x"} if method == "POST" else None)
        assert answer.status_code == 403
        assert list(answer.json()) == ["detail"]


def test_the_key_stands_with_or_without_bearer(julep: Any, connect: Callable[..., Any]) -> None:
    for header in ("alice-key", "Bearer alice-key", "bearer alice-key"):
        client = connect(f"{julep.url}/api", None)
        assert client.get("/sessions", headers={"Authorization": header}).status_code == 200


def test_the_paths_are_there_without_the_base_path_too(
    julep: Any, connect: Callable[..., Any]
) -> None:
    assert connect(julep.url).get("/sessions").status_code == 200


@pytest.mark.parametrize("kind", ["agents", "users"])
def test_agents_and_users_are_made_read_changed_and_deleted(
    alice: httpx2.Client, julep: Any, connect: Callable[..., Any], kind: str
) -> None:
    body = {"name": "Ada", "about": "Knows.", "metadata": {"team": "sky", "n": 1}}
    made = alice.post(f"/{kind}", json=body)
    assert made.status_code == 201
    id = made.json()["id"]
    got = alice.get(f"/{kind}/{id}").json()
    assert {name: got[name] for name in body} == body
    assert got["created_at"] == made.json()["created_at"]
    if kind == "agents":
        assert (got["model"], got["instructions"]) == ("julep-ai/samantha-1-turbo", [])

    for wanted, count in (('{"n": 1}', 1), ('{"n": "1"}', 0), ('{"n": 1, "team": "sea"}', 0)):
        found = alice.get(f"/{kind}", params={"metadata_filter": wanted, "limit": 1000})
        assert [item["id"] for item in found.json()["items"]].count(id) == count

    assert alice.patch(f"/{kind}/{id}", json={"metadata": {"m": 2}}).status_code == 200
    got = alice.get(f"/{kind}/{id}").json()
    assert (got["name"], got["metadata"]) == ("Ada", {"team": "sky", "n": 1, "m": 2})
    assert got["updated_at"] > got["created_at"]
    put = alice.put(f"/{kind}/{id}", json={"name": "Bo", "about": "New."})
    assert put.status_code == 200
    got = alice.get(f"/{kind}/{id}").json()
    assert (got["name"], got["about"], got["metadata"]) == ("Bo", "New.", {})

    bob = connect(f"{julep.url}/api", "bob-key")
    for method in ("GET", "PATCH", "DELETE"):
        json = {"name": "mine"} if method == "PATCH" else None
        assert bob.request(method, f"/{kind}/{id}", json=json).status_code == 404
    assert alice.delete(f"/{kind}/{id}").status_code == 202
    for method in ("GET", "DELETE"):
        assert alice.request(method, f"/{kind}/{id}").status_code == 404
    assert alice.get(f"/{kind}/not-a-uuid").status_code == 422


def test_the_lists_of_agents_are_sorted_and_cut(
    serve: Callable[..., Any], connect: Callable[..., Any]
) -> None:
    client = connect(f"{serve('julep').url}/api")
    made = [client.post("/agents", json={"name": str(n)}).json()["id"] for n in range(5)]

    def ids(**query: Any) -> list[str]:
        return [item["id"] for item in client.get("/agents", params=query).json()["items"]]

    assert ids() == made[::-1]
    assert ids(order="asc") == made
    assert ids(order="asc", offset=1, limit=2) == made[1:3]
    client.patch(f"/agents/{made[0]}", json={"name": "touched"})
    assert ids(sort_by="updated_at", limit=1) == [made[0]]


@pytest.mark.parametrize(
    "strange",
    [
        {"summary": 5},
        {"created_at": "never"},
        {"updated_at": None},
        {"id": "not a uuid"},
        {"id": {"a": 1}},
        {"user_id": USER, "jobs": 7},
        {"model": 5, "instructions": {"a": 1}},
        {"": 1, "a/b": 2},
    ],
    ids=str,
)
def test_members_that_are_not_declared_are_not_kept(
    alice: httpx2.Client, strange: dict[str, Any]
) -> None:
    declared = {"agents": {"model", "instructions"}, "sessions": {"user_id"}}
    for kind, body in (
        ("sessions", {"agent_id": AGENT}),
        ("users", {"name": "Ada"}),
        ("agents", {"name": "Ada"}),
    ):
        left = {k: v for k, v in strange.items() if k not in declared.get(kind, ())}
        made = alice.post(f"/{kind}", json={**body, **left})
        assert made.status_code == 201, made.text
        id = made.json()["id"]
        before = alice.get(f"/{kind}/{id}")
        assert before.status_code == 200, before.text
        changed = alice.patch(f"/{kind}/{id}", json=left)
        assert changed.status_code == 200, changed.text
        assert alice.get(f"/{kind}/{id}").json() == before.json()
        assert alice.get(f"/{kind}", params={"limit": 1000}).status_code == 200
        assert not {k: v for k, v in before.json().items() if k in left and v == left[k]}


def test_a_turn_that_fails_ends_with_a_word_that_the_document_has(alice: httpx2.Client) -> None:
    id = alice.post("/sessions", json={"agent_id": AGENT}).json()["id"]
    answer = chat(alice, id, "explode")
    assert answer["finish_reason"] == "stop", "there is no word for an error"
    assert answer["response"][0][0]["content"] == "I was about to"


def test_what_a_message_has_beside_its_text_breaks_no_history(alice: httpx2.Client) -> None:
    id = alice.post("/sessions", json={"agent_id": AGENT}).json()["id"]
    message = {"role": "user", "content": "hello", "name": "Ada", "id": 5, "created_at": "x"}
    answer = alice.post(f"/sessions/{id}/chat", json={"messages": [message | {"jobs": 1}]})
    assert answer.status_code == 200, answer.text
    rows = alice.get(f"/sessions/{id}/history")
    assert rows.status_code == 200, rows.text
    assert rows.json()["items"][0]["name"] == "Ada"
    assert rows.json()["items"][0]["id"] != 5
