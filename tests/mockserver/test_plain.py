"""Operations that have nothing to do with sessions: what they take and what they answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sparring.spec.streams.sse import Parser

DOCUMENT = Path(__file__).resolve().parent / "plain.yaml"


@pytest.fixture(scope="module")
def client(serve: Callable[..., Any], connect: Callable[..., Any]) -> httpx2.Client:
    made: httpx2.Client = connect(serve(DOCUMENT).url, None)
    return made


def prefer(client: httpx2.Client, path: str, wish: str) -> httpx2.Response:
    return client.get(path, headers={"Prefer": wish})


def test_a_sample_shows_what_the_schema_states_and_stays_as_it_is(client: httpx2.Client) -> None:
    first, again = client.get("/weather/Lisbon"), client.get("/weather/Lisbon")
    assert first.json() == again.json()
    assert (first.json()["celsius"], first.json()["sky"]) == (21, "clear")
    assert client.get("/weather/Oslo").json()["city"] != first.json()["city"]


def test_declared_headers_are_there(client: httpx2.Client) -> None:
    headers = client.get("/weather/Lisbon").headers
    assert int(headers["x-rate-limit"]) >= 1
    assert headers["x-region"] == "north"
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    ("wish", "status", "body"),
    [
        ("code=404", 404, {"error": "It is gone."}),
        ("code=404, example=sunk", 404, {"error": "It sank."}),
        ('example="sunk"; code=404', 404, {"error": "It sank."}),
        ("respond-async, code=503", 503, None),
    ],
)
def test_a_client_can_ask_for_a_response(
    client: httpx2.Client, wish: str, status: int, body: Any
) -> None:
    answer = prefer(client, "/weather/Lisbon", wish)
    assert answer.status_code == status
    assert (answer.json() if answer.content else None) == body
    assert f"code={status}" in answer.headers["preference-applied"]


def test_the_query_can_ask_as_well(client: httpx2.Client) -> None:
    answer = client.get("/weather/Lisbon?__code=404&__example=sunk")
    assert (answer.status_code, answer.json()) == (404, {"error": "It sank."})


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ("code=418", 404),
        ("example=none", 404),
        ("code=abc", 400),
        ("code=100", 400),
        ("dynamic=x", 400),
    ],
)
def test_a_preference_that_can_not_be_met_is_a_problem_with_the_reason(
    client: httpx2.Client, wish: str, status: int
) -> None:
    answer = prefer(client, "/weather/Lisbon", wish)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert wish.partition("=")[2] in answer.json()["detail"]


def test_other_preferences_change_nothing(client: httpx2.Client) -> None:
    answer = prefer(client, "/weather/Lisbon", "wait=10, respond-async")
    assert answer.json() == client.get("/weather/Lisbon").json()
    assert "preference-applied" not in answer.headers


def test_dynamic_values_are_fresh_each_time(client: httpx2.Client) -> None:
    seen = {prefer(client, "/weather/Lisbon", "dynamic=true").text for _ in range(20)}
    assert len(seen) > 1


def test_an_example_that_breaks_its_schema_is_shown_only_when_it_is_asked_for(
    client: httpx2.Client,
) -> None:
    assert client.get("/shown").json() == {"n": 2}
    assert prefer(client, "/shown", "example=broken").json() == {"n": "one"}
    assert prefer(client, "/shown", "example=plain").json() == {"n": 3}


def test_event_streams_have_the_example_or_sampled_events(client: httpx2.Client) -> None:
    shown, sampled = client.get("/feed/shown"), client.get("/feed")
    assert shown.text == "event: tick\ndata: 1\n\n"
    assert sampled.headers["content-type"] == "text/event-stream"
    parser = Parser()
    events = parser.feed(sampled.content)
    assert [event.event for event in events] == ["tick"] * 3
    assert not parser.pending


def test_every_media_type_is_written_in_its_own_way(client: httpx2.Client) -> None:
    assert client.get("/lines").text == '{"n":1}\n{"n":2}\n'
    assert client.get("/book").text == (
        '<book id="7"><title>Salt &amp; Sea</title><tags><tag>a</tag><tag>b</tag></tags></book>'
    )


@pytest.mark.parametrize(
    ("path", "accept", "media_type"),
    [
        ("/some", "*/*", "application/json"),
        ("/some", "application/hal+json", "application/hal+json"),
        ("/some", "text/html;q=0.4, application/json;q=0.5", "application/json"),
        ("/vendor", "application/json", "application/vnd.odd+json"),
        ("/vendor", "application/*", "application/vnd.odd+json"),
        ("/vendor", "application/json;q=0", None),
        ("/vendor", "text/plain", None),
        ("/book", "application/json", None),
    ],
)
def test_the_client_gets_a_media_type_that_it_takes(
    client: httpx2.Client, path: str, accept: str, media_type: str | None
) -> None:
    answer = client.get(path, headers={"Accept": accept})
    expected = (406, "application/problem+json") if media_type is None else (200, media_type)
    assert (answer.status_code, answer.headers["content-type"]) == expected


def test_a_declared_404_tells_of_a_bad_path_but_not_of_a_bad_query(
    client: httpx2.Client,
) -> None:
    assert client.get("/weather/Llanfairpwllgwyngyll").status_code == 404
    answer = client.get("/weather/Lisbon?days=x")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/days")


def test_a_501_says_what_is_not_known(client: httpx2.Client) -> None:
    answer = client.get("/mute")
    assert answer.status_code == 501
    assert "no schema of image/png" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        ("text/plain", "short", 204),
        ("text/markdown; charset=utf-8", "short", 204),
        ("text/plain", "too long", 422),
        ("application/merge-patch+json", '{"n": 1}', 204),
        ("application/merge-patch+json", "{}", 422),
        ("application/merge-patch+json", "{", 400),
        ("application/json", '{"n": 1}', 415),
        ("image/png", "x", 415),
        ("", "x", 415),
        ("text/plain", "", 204),
    ],
)
def test_a_media_range_takes_what_is_in_it(
    client: httpx2.Client, media_type: str, body: str, status: int
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    assert client.post("/notes", content=body, headers=headers).status_code == status


def test_a_body_that_is_not_declared_is_a_415(client: httpx2.Client) -> None:
    assert client.post("/closed").status_code == 204
    assert client.post("/closed", headers={"Content-Type": "text/plain"}).status_code == 204
    assert client.post("/closed", json={}).status_code == 415


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"id": "1", "ok": "true", "tags": ["1", "2"], "place[x]": "3"}, []),
        ({"id": "1", "place": '{"x": 3}', "tags": "[1, 2]"}, []),
        ({"id": "one"}, ["/id"]),
        ({"id": "1", "ok": "yes", "tags": ["1", "x"]}, ["/ok", "/tags/1"]),
        ({"id": "1", "place[x]": "y"}, ["/place/x"]),
        ({"ok": "true"}, ["/id"]),
    ],
)
def test_the_fields_of_a_form_have_the_types_of_their_schema(
    client: httpx2.Client, fields: dict[str, Any], pointers: list[str]
) -> None:
    answer = client.post("/forms", data=fields)
    assert answer.status_code == (422 if pointers else 204), answer.text
    if pointers:
        assert sorted(e["pointer"] for e in answer.json()["errors"]) == pointers


def test_a_json_text_that_is_sent_as_a_form_is_refused(client: httpx2.Client) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post("/forms", content='{"id": 1}', headers=headers)
    assert "no form" in answer.json()["detail"]


def test_multipart_has_files_and_encodings(client: httpx2.Client) -> None:
    files = {"file": ("a.bin", b"\x00\xff\r\n--x", "application/octet-stream")}
    assert client.post("/forms", data={"id": "1", "tags": "1|2"}, files=files).status_code == 204
    wrong = client.post("/forms", data={"id": "1", "tags": "1|x"}, files=files)
    assert [e["pointer"] for e in wrong.json()["errors"]] == ["/tags/1"]


@pytest.mark.parametrize(
    ("media_type", "body", "statuses"),
    [
        ("multipart/form-data", b"--x\r\n", {415}),
        ("multipart/form-data; boundary=x", b"nonsense", {400}),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data", {400, 422}),
        ("multipart/form-data; boundary=x", b"\r\n--x" * 20_000, {400}),
        ("multipart/form-data; boundary=", b"--\r\n", {400, 422}),
        ("application/x-www-form-urlencoded", b"&a=b" * 20_000, {400}),
        ("application/x-www-form-urlencoded", b"\xff%ff=%00&id=%", {422}),
    ],
)
def test_a_broken_form_is_refused(
    client: httpx2.Client, media_type: str, body: bytes, statuses: set[int]
) -> None:
    answer = client.post("/forms", content=body, headers={"Content-Type": media_type})
    assert answer.status_code in statuses, answer.text


def test_a_file_may_have_any_bytes(client: httpx2.Client) -> None:
    files = {"file": ("a.bin", bytes(range(256)) * 2000)}
    assert client.post("/forms", data={"id": "1"}, files=files).status_code == 204


@pytest.mark.parametrize(
    "header", ["a" + " " * 30_000 + "b", "a" * 30_000, '"' * 30_000, "code=404" + ";" * 999]
)
def test_an_odd_preference_takes_no_time(client: httpx2.Client, header: str) -> None:
    answer = client.get("/weather/Lisbon", headers={"Prefer": header}, timeout=5)
    assert answer.status_code in (200, 404)


def test_a_declared_head_is_answered(client: httpx2.Client) -> None:
    answer = client.head("/head")
    assert (answer.status_code, answer.headers["x-count"]) == (200, "3")


FINE = "/styles/.1.2/;matrix=5"


@pytest.mark.parametrize(
    ("path", "headers", "wrong"),
    [
        (FINE, {}, None),
        ("/styles/.1.x/;matrix=5", {}, "/label/1"),
        ("/styles/.1/;matrix=x", {}, "/matrix"),
        (f"{FINE}?x=1&y=2", {}, None),
        (f"{FINE}?x=1&y=z", {}, "/spread/y"),
        (f"{FINE}?y=2", {}, "/spread/x"),
        (f"{FINE}?deep[a]=1&deep[b][c][]=2&deep[b][c][]=3", {}, None),
        (f"{FINE}?deep%5Ba%5D=x", {}, "/deep/a"),
        (f"{FINE}?deep[b][c][]=x", {}, "/deep/b/c/0"),
        (f"{FINE}?pipes=1|2", {}, None),
        (f"{FINE}?pipes=1%7Cx", {}, "/pipes/1"),
        (f"{FINE}?empty", {}, None),
        (f"{FINE}?empty=", {}, None),
        (f"{FINE}?empty=x", {}, "/empty"),
        (f"{FINE}?json=%7B%22n%22:1%7D", {}, None),
        (f"{FINE}?json=%7B%7D", {}, "/json/n"),
        (f"{FINE}?json=%7B", {}, "/json"),
        (FINE, {"X-List": "1, 2"}, None),
        (FINE, {"X-List": "1,x"}, "/x-list/1"),
        (FINE, {"Cookie": "a=b; number=1"}, None),
        (FINE, {"Cookie": "number=x"}, "/number"),
    ],
)
def test_parameters_are_read_in_every_style(
    client: httpx2.Client, path: str, headers: dict[str, str], wrong: str | None
) -> None:
    answer = client.get(path, headers=headers)
    assert answer.status_code == (204 if wrong is None else 422), answer.text
    if wrong is not None:
        assert [e["pointer"] for e in answer.json()["errors"]] == [wrong]


def test_lines_of_one_header_are_one_list(client: httpx2.Client) -> None:
    headers = [("X-List", "1"), ("X-List", "x")]
    answer = client.get(FINE, headers=headers)
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/x-list/1"]
