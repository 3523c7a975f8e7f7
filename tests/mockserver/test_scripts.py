"""How the mock plays scripts: which one a session runs, where it stands, why nothing answers."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

Answer = httpx2.Response
SHOP = """
script: shop
bind: { agent_id: shop, headers: { x-script: [a, b] } }
greeting: "Welcome to the shop, {{ session.metadata.name | default('friend') }}."
vars: { left: 3 }
flow:
  - { id: ask, user: { any_of: [buy, order] }, reply: "How many?" }
  - id: count
    user: { regex: '(?P<n>\\d+)' }
    set: { n: "{{ match.n }}" }
    reply:
      - tool_call: { name: stock, arguments: { n: "{{ vars.n }}" }, id: stock }
      - await_tool: stock
    next: [ { when: "tool.result.left >= 1", goto: sold }, { else: out } ]
  - { id: sold, reply: "{{ vars.n }} sold, {{ tool.result.left }} left.", end: true }
  - { id: out, reply: "Sold out.", end: true }
rules:
  - { user: { words: opening hours }, reply: "Always." }
  - user: { equals: busy }
    fault: { http: 429, retry_after: 2500ms, code: slow_down, times: 1 }
    reply: "Now."
  - { user: header, reply: "{{ headers.x-script }}" }
"""
DOUBLED = ", ".join(['{ set: { n: "{{ vars.n }}{{ vars.n }}" } }'] * 60)
WIDE = ", ".join(['"{{ vars.n }}"'] * 20)
GROWING = f"""
script: growing
bind: {{ agent_id: growing }}
vars: {{ n: x }}
rules:
  - {{ user: explode, reply: [{DOUBLED}, "Never said."] }}
  - {{ user: deeper, set: {{ n: {{ is: "{{{{ vars.n }}}}" }} }}, reply: "Deeper." }}
  - {{ user: wider, set: {{ n: [{WIDE}] }}, reply: "Wider." }}
fallback: "Well."
"""


@pytest.fixture(scope="module")
def client(
    serve: Callable[..., Any], connect: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> httpx2.Client:
    file = tmp_path_factory.mktemp("scripts") / "shop.yaml"
    file.write_text(SHOP)
    growing = file.with_name("growing.yaml")
    growing.write_text(GROWING)
    made: httpx2.Client = connect(serve("sessions", "--script", file, "--script", growing).url)
    made.headers["X-Script"] = "a"
    return made


def chat(client: httpx2.Client, path: str, text: str, **headers: str) -> Answer:
    body = {"messages": [{"role": "user", "content": text}]}
    return client.post(f"{path}/chat", json=body, headers=headers)


def said(answer: Answer) -> str:
    assert answer.status_code == 200, answer.text
    return "".join(message["content"] for message in answer.json()["messages"])


def history(client: httpx2.Client, path: str) -> list[str]:
    return [item["content"] for item in client.get(f"{path}/history").json()["items"]]


@pytest.mark.parametrize(("text", "most"), [("explode", 0), ("deeper", 300), ("wider", 10)])
def test_values_that_grow_without_end_are_told_and_harm_nobody(
    client: httpx2.Client, open_session: Callable[..., str], text: str, most: int
) -> None:
    path = open_session(client, agent_id="growing")
    count = 0
    while (answer := chat(client, path, text)).status_code == 200:
        count += 1
        assert count <= most
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "S202")
    assert re.match(r"\S*growing\.yaml:\d+:\d+ S202 .* than 4,000,000", problem["detail"])
    assert client.get(path).json()["message_count"] == 2 * count, "it leaves no trace"
    assert said(chat(client, path, "hi")) == "Well."


def test_a_text_that_nothing_answers_is_explained_and_leaves_no_trace(
    client: httpx2.Client, open_session: Callable[..., str]
) -> None:
    path = open_session(client, agent_id="shop")
    answer = chat(client, path, "your openng hours?")
    assert answer.status_code == 501
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "S201"
    explanation = problem["explanation"]
    assert explanation["heard"]["text"] == "your openng hours?"
    assert explanation["waiting"]["id"] == "ask"
    assert {rule["id"] for rule in explanation["rules"]} == {"rule 1", "rule 2", "rule 3"}
    assert all(rule["failed"] for rule in explanation["rules"])
    assert explanation["nearest"]["id"] == "rule 1"
    assert 0 < explanation["nearest"]["distance"] < 0.5
    assert 'it does not say "opening"' in problem["detail"]
    assert history(client, path) == []
    streamed = chat(client, path, "what?", Accept="text/event-stream")
    assert streamed.status_code == 501
    assert said(chat(client, path, "buy")) == "How many?", "the flow stands where it stood"


def test_a_session_runs_the_script_that_is_bound_to_it(
    client: httpx2.Client, open_session: Callable[..., str]
) -> None:
    shop, other = open_session(client, agent_id="shop"), open_session(client, agent_id="else")
    assert said(chat(client, shop, "opening hours?")) == "Always."
    assert said(chat(client, other, "opening hours?")) == "You said: opening hours?"
    assert said(chat(client, shop, "opening hours?", **{"X-Script": "c"})).startswith("You said")
    assert said(chat(client, shop, "which header?", **{"X-Script": "b"})) == "b"


def test_a_flow_goes_through_a_tool_that_the_client_runs(
    client: httpx2.Client, open_session: Callable[..., str]
) -> None:
    path = open_session(client, agent_id="shop", metadata={"name": "Ada"})
    chat(client, path, "i want to order")
    asked = chat(client, path, "make it 2").json()
    assert asked["finish_reason"] == "tool_calls"
    events = client.get(f"{path}/events").json()["items"]
    call = next(event for event in events if event["type"] == "tool_call")
    assert (call["data"]["name"], call["data"]["arguments"]) == ("stock", {"n": "2"})
    result = {"type": "tool_result", "tool_call_id": "stock", "result": {"left": 1}}
    streamed = client.post(f"{path}/events/stream", json=result)
    assert "2 sold, 1 left." in streamed.text
    assert history(client, path)[-1] == "2 sold, 1 left."


def test_an_error_comes_as_often_as_the_script_says_and_nothing_is_recorded(
    client: httpx2.Client, open_session: Callable[..., str]
) -> None:
    path = open_session(client, agent_id="shop")
    answer = chat(client, path, "busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert answer.json()["code"] == "slow_down"
    assert history(client, path) == []
    assert said(chat(client, path, "busy")) == "Now."
    assert history(client, path) == ["busy", "Now."]


def test_the_greeting_knows_the_session(client: httpx2.Client) -> None:
    body = {"agent_id": "shop", "metadata": {"name": "Ada"}}
    made = client.post("/sessions?allow_greeting=true", json=body)
    path = f"/sessions/{made.json()['id']}"
    assert history(client, path) == ["Welcome to the shop, Ada."]


def test_an_event_that_the_document_forbids_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "fallback:\n  - event: { event: citaton, data: { url: 'https://a.example' } }\n"
    )
    command = [sys.executable, "-m", "sparring.cli", "serve", "--port", "0", "--script", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert re.search(r'2:[0-9]+ S111 .*Did you mean "citation"\?', done.stderr)
