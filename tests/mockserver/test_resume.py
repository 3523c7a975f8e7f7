"""A stream that broke is resumed by the same POST: exactly the rest, and no new turn."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest

from sparring.spec.streams.sse import ServerEvent

from .wire import Call, Seen, call

FOLDER = Path(__file__).resolve().parent
OWN = """
pace: {rate: 200/s}
rules:
  - {user: weather, reply: [{status: thinking}, {say: It is sunny in SF., suggest: [more]}]}
  - user: tool
    reply:
      - tool_call: {name: get_weather, arguments: {city: SF}, id: call_1}
      - tool_result: {temperature: 21}
      - say: It is 21 degrees.
  - user: hurry
    reply:
      - tool_call: {name: look_up, arguments: {}, id: call_2}
      - await_tool: call_2
        timeout: 50ms
      - It took too long.
  - {user: explode, reply: [{say: I was about to}, {error: {code: timeout, message: It broke.}}]}
  - {user: slowly, reply: [{say: one two three four five six}], pace: {rate: 20/s}}
fallback: "You said: {{ user.text }}"
"""
# What is said in a fresh session, by script.
SAMPLES = [
    *(("own.yaml", text) for text in ("weather", "tool", "explode", "hm")),
    *(("1_hello.yaml", text) for text in ("hello", "weather", "hm")),
    ("2_refund.yaml", "I want a refund"),
    ("2_refund.yaml", "hm"),
    ("3_resilience.yaml", "garble"),
    ("3_resilience.yaml", "forecast for Oslo"),
    ("3_resilience.yaml", "explode"),
]

Start = Callable[[str], str]


@pytest.fixture(scope="module")
def start(serve: Any, shared: Path, tmp_path_factory: Any) -> Start:
    """Serves a script once; its URL."""
    own = tmp_path_factory.mktemp("script") / "own.yaml"
    own.write_text(OWN)
    urls: dict[str, str] = {}

    def url(name: str) -> str:
        if name not in urls:
            path = own if name == own.name else shared / "scripts" / name
            urls[name] = serve("sessions", "--script", path).url
        return urls[name]

    return url


@pytest.fixture(scope="module")
def url(start: Start) -> str:
    return start("own.yaml")


def session(url: str) -> str:
    made = call(url, "/sessions", {"agent_id": "support-bot"})
    return f"/sessions/{json.loads(made.body)['id']}"


def say(url: str, path: str, text: str, fault: Any = None, **headers: str) -> Seen:
    body = {"type": "message", "content": text}
    return call(url, f"{path}/events/stream", body, fault, **headers)


def log(url: str, path: str) -> list[ServerEvent]:
    """All that the session streams, from its beginning."""
    return call(url, f"{path}/events/stream?wait=0", Last_Event_ID="0").events


def plain(events: list[ServerEvent]) -> list[tuple[str | None, str, str]]:
    return [(event.id, event.event, event.data) for event in events]


@pytest.mark.parametrize(("script", "text"), SAMPLES)
def test_a_cut_at_every_event_is_made_good_by_the_same_post(
    start: Start, script: str, text: str
) -> None:
    url = start(script)
    count = len(say(url, session(url), text).events)
    assert count > 2

    def cut(place: tuple[int, str]) -> None:
        at, close = place
        path = session(url)
        seen = say(url, path, text, {"cut": {"after_events": at, "close": close}})
        assert len(seen.events) == at
        assert seen.end == ("reset" if close == "reset" else "whole")
        if at == 0:
            return
        last = seen.events[-1].id or ""
        rest = say(url, path, text, Last_Event_ID=last)
        assert (rest.status, rest.end) == (200, "whole")
        assert plain(seen.events + rest.events) == plain(log(url, path))
        assert len(seen.events + rest.events) == count
        again = say(url, path, text, Last_Event_ID=last)
        assert plain(again.events) == plain(rest.events)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(cut, product(range(count + 1), ("clean", "reset"))))


def test_no_turn_starts_and_only_the_turn_of_the_event_is_told(url: str) -> None:
    path = session(url)
    turns = [say(url, path, text).events for text in ("weather", "hm", "tool")]
    for events in turns:
        for index, event in enumerate(events):
            rest = say(url, path, "something else", Last_Event_ID=str(event.id)).events
            assert plain(rest) == plain(events[index + 1 :])
    assert plain(log(url, path)) == plain(list(chain(*turns)))


def test_a_turn_that_still_runs_is_followed_to_its_end(url: str) -> None:
    path = session(url)
    body = {"type": "message", "content": "slowly"}
    fault = {"cut": {"after_events": 3, "close": "reset"}}
    seen = Call(url, f"{path}/events/stream", body, fault).finish()
    assert not any(event.event == "done" for event in log(url, path)), "it runs"
    rest = say(url, path, "slowly", Last_Event_ID="3")
    assert rest.events[-1].event == "done"
    assert plain(seen.events + rest.events) == plain(log(url, path))


def test_a_resumed_stream_can_be_cut_again(url: str) -> None:
    path = session(url)
    events = say(url, path, "slowly", {"cut": 2}).events
    while events[-1].event != "done":
        events += say(url, path, "slowly", {"cut": 2}, Last_Event_ID=events[-1].id or "").events
    assert plain(events) == plain(log(url, path))


@pytest.mark.parametrize("last", ["0", "99", "abc", "-1", "9" * 30, "\u00b2"])
def test_an_event_that_never_was_is_a_422_and_starts_no_turn(url: str, last: str) -> None:
    path = session(url)
    say(url, path, "hm")
    before = plain(log(url, path))
    seen = say(url, path, "hm", Last_Event_ID=last)
    assert seen.status == 422
    assert f"{path.rpartition('/')[2]} has the id" in json.loads(seen.body)["detail"]
    assert plain(log(url, path)) == before


def test_an_empty_id_is_none(url: str) -> None:
    path = session(url)
    assert say(url, path, "hm", Last_Event_ID="").events[-1].event == "done"
    assert say(url, path, "hm", Last_Event_ID="").events[-1].event == "done"
    assert len([e for e in log(url, path) if e.event == "done"]) == 2


def test_nobody_resumes_what_is_not_theirs(url: str) -> None:
    path = session(url)
    say(url, path, "hm")
    assert say(url, path, "hm", Last_Event_ID="1", Authorization="Bearer bob-key").status == 404


def test_ids_of_the_events_themselves_are_known(serve: Any, tmp_path: Path) -> None:
    script = tmp_path / "own.yaml"
    script.write_text(OWN)
    url = serve("flux0", "--script", script).url
    made = call(url, "/api/sessions", {"agent_id": "vUfk4PgjTm"})
    path = f"/api/sessions/{json.loads(made.body)['id']}/events/stream"
    body = {"type": "message", "source": "user", "content": "weather"}
    events = call(url, path, body).events
    own = [(i, e) for i, e in enumerate(events) if "id" in e.fields]
    assert 1 < len(own) < len(events)
    for index, event in own:
        rest = call(url, path, body, Last_Event_ID=event.id or "").events
        assert [(e.event, e.data) for e in rest] == [(e.event, e.data) for e in events[index + 1 :]]


def test_an_answer_that_was_replaced_is_resumed_to_its_own_end(url: str) -> None:
    path = session(url)
    old = say(url, path, "weather").events
    again = f"{path}/regenerate"
    new = call(url, again, {}, {"cut": 3}, Accept="text/event-stream").events
    while_it_runs = say(url, path, "weather", Last_Event_ID="3")
    rest = call(url, again, {}, Accept="text/event-stream", Last_Event_ID=new[-1].id or "").events
    assert plain(new + rest) == plain([e for e in log(url, path) if int(e.id or "") > len(old)])
    assert plain(while_it_runs.events) == plain(old[3:])
    assert plain(say(url, path, "weather", Last_Event_ID="3").events) == plain(old[3:])
    assert say(url, path, "weather", Last_Event_ID=old[-1].id or "").events == []


def test_what_comes_after_a_pause_is_not_the_rest_of_what_came_before(url: str) -> None:
    path = session(url)
    paused = say(url, path, "hurry").events
    following = Call(url, f"{path}/events/stream?wait=5", Last_Event_ID=paused[-1].id or "")
    following.until(b"event: done")
    following.socket.close()
    assert plain(say(url, path, "hurry", Last_Event_ID="2").events) == plain(paused[2:])


def test_a_run_is_resumed_and_streams_without_ids_are_not(serve: Any, tmp_path: Path) -> None:
    script = tmp_path / "own.yaml"
    script.write_text(OWN)
    url = serve(FOLDER / "lines.yaml", "--script", script).url
    path = f"/sessions/{json.loads(call(url, '/sessions', {}).body)['id']}"
    whole = call(url, f"{path}/runs", {"text": "weather"}).events
    assert len(whole) == 6
    for index, event in enumerate(whole):
        rest = call(url, f"{path}/runs", {"text": "hm"}, Last_Event_ID=event.id or "").events
        assert plain(rest) == plain(whole[index + 1 :])
    for kind in ("lines", "nameless"):
        seen = call(url, f"{path}/{kind}", {"text": "weather"}, Last_Event_ID=whole[0].id or "")
        assert len(seen.events) > 5, "there is nothing to resume by, so it is a new turn"
