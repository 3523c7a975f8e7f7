"""Faults spoil the delivery at exact places, and nothing else; a raw socket tells."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sparring.fixtures.script import compile_script
from sparring.fixtures.script.cast import Cast
from sparring.mockserver.app import create_app
from sparring.mockserver.worlds.clock import ManualClock
from sparring.mockserver.worlds.world import World
from sparring.spec.openapi.document import load_document
from sparring.spec.streams.sse import Parser, ServerEvent
from sparring.spec.text.source import parse

from .wire import Call, Seen, call

FOLDER = Path(__file__).resolve().parent
LINES = FOLDER / "lines.yaml"
SCRIPT = f"""
rules:
  - {{user: weather, reply: [{{status: thinking}}, {{say: "naïve café 🙂 ok", suggest: [more]}}]}}
  - {{user: paced, reply: {{say: "one two three four"}}, pace: {{rate: 100/s}}}}
  - {{user: long, reply: "{"x" * 400_000}"}}
  - user: explode
    reply: [{{say: I was about to}}, {{error: {{code: timeout, message: It broke.}}}}]
fallback: "You said: {{{{ user.text }}}}"
"""
TEXTS = ["weather", "paced", "explode", "anything else"]


class Backend(NamedTuple):
    """One document as it is served, and how its turns are asked for."""

    url: str
    talk: str
    body: Callable[[str], Any]
    create: Mapping[str, Any]

    def session(self) -> str:
        seen = call(self.url, "/sessions", self.create)
        assert seen.status == 201, seen
        return str(json.loads(seen.body)["id"])

    def ask(self, fault: Any = None, text: str = "weather", session: str = "", **more: Any) -> Seen:
        path = f"/sessions/{session or self.session()}{self.talk}"
        return call(self.url, path, self.body(text), fault, **more)


@pytest.fixture(scope="module")
def backends(serve: Any, tmp_path_factory: Any) -> dict[str, Backend]:
    script = tmp_path_factory.mktemp("script") / "script.yaml"
    script.write_text(SCRIPT)
    sessions, lines = (serve(d, "--script", script).url for d in ("sessions", LINES))

    def event(text: str) -> Any:
        return {"type": "message", "content": text}

    def chat(text: str) -> Any:
        return {"messages": [{"role": "user", "content": text}]}

    def plain(text: str) -> Any:
        return {"text": text}

    return {
        "named": Backend(sessions, "/events/stream", event, {"agent_id": "a"}),
        "chat": Backend(sessions, "/chat", chat, {"agent_id": "a"}),
        "lines": Backend(lines, "/lines", plain, {}),
        "nameless": Backend(lines, "/nameless", plain, {}),
        "body": Backend(lines, "/talk", plain, {}),
    }


STREAMS = ("named", "lines", "nameless")
BODIES = ("chat", "body")
streams = pytest.mark.parametrize("kind", STREAMS)
bodies = pytest.mark.parametrize("kind", BODIES)


def shape(events: list[ServerEvent]) -> list[tuple[str, str]]:
    """What does not differ from session to session: the events without ids and times."""
    return [(e.event, re.sub(r'"(\w*id|created_at)":"[^"]*"', "", e.data)) for e in events]


@streams
@pytest.mark.parametrize("text", TEXTS)
def test_a_cut_delivers_exactly_so_many_events_and_ends_as_asked(
    backends: dict[str, Backend], kind: str, text: str
) -> None:
    backend = backends[kind]
    whole = shape(backend.ask(text=text).events)

    def cut(case: tuple[int, str]) -> Seen:
        return backend.ask({"cut": {"after_events": case[0], "close": case[1]}}, text)

    cases = list(product(range(len(whole) + 2), ("clean", "reset")))
    with ThreadPoolExecutor(8) as pool:
        for (count, close), seen in zip(cases, pool.map(cut, cases), strict=True):
            assert seen.status == 200
            assert shape(seen.events) == whole[:count], (count, close)
            broken = close == "reset" and count <= len(whole)
            assert seen.end == ("reset" if broken else "whole"), (count, close)


@pytest.mark.parametrize("kind", STREAMS + BODIES)
def test_a_cut_delivers_exactly_so_many_bytes(backends: dict[str, Backend], kind: str) -> None:
    backend = backends[kind]
    size = len(backend.ask().body)
    for count, close in product((0, 1, 7, 20, size - 1), ("clean", "reset")):
        seen = backend.ask({"cut": {"after_bytes": count, "close": close}})
        assert len(seen.body) == count
        clean = "whole" if kind in STREAMS else "closed"
        assert seen.end == (clean if close == "clean" else "reset")
        if kind in BODIES:
            assert int(seen.headers["content-length"]) == size


@bodies
def test_a_cut_answer_promises_its_whole_length(backends: dict[str, Backend], kind: str) -> None:
    seen = backends[kind].ask({"cut": 3})
    assert seen.end == "closed"
    assert 0 < len(seen.body) < int(seen.headers["content-length"])
    assert backends[kind].ask({"cut": 0}).body == b""


def test_a_fault_spoils_the_delivery_and_never_the_log(backends: dict[str, Backend]) -> None:
    backend = backends["named"]
    faults: list[Any] = [
        *({"cut": {"after_events": n, "close": c}} for n in (0, 2, 4) for c in ("clean", "reset")),
        *({kind: "chunk"} for kind in ("drop", "duplicate", "reorder", "malform")),
        {"rename": {"at": 1, "to": "other"}},
        [{"drop": 1}, {"malform": -1}, {"cut": {"after_bytes": 300}}],
    ]
    stored = []
    for fault in [None, *faults]:
        session = backend.session()
        assert backend.ask(fault, session=session).status == 200
        path = f"/sessions/{session}/events/stream?wait=1"
        stored.append(shape(call(backend.url, path, Last_Event_ID="0").events))
    assert len(stored[0]) > 5
    assert all(log == stored[0] for log in stored)


@streams
def test_places_count_events_as_a_client_sees_them(backends: dict[str, Backend], kind: str) -> None:
    backend = backends[kind]
    whole = shape(backend.ask().events)
    assert len(whole) > 5

    def seen(fault: Any) -> list[tuple[str, str]]:
        answer = backend.ask(fault)
        assert answer.end == "whole"
        return shape(answer.events)

    last = len(whole)
    for at in (1, 3, last):
        place = at if at < last else -1
        assert seen({"drop": place}) == whole[: at - 1] + whole[at:]
        assert seen({"duplicate": place}) == whole[:at] + whole[at - 1 :]
        swapped = [*whole[: at - 1], *whole[at : at + 1], whole[at - 1], *whole[at + 1 :]]
        assert seen({"reorder": place}) == swapped
    assert seen({"reorder": -2}) == [*whole[:-2], whole[-1], whole[-2]]
    assert seen([{"drop": 2}, {"drop": 4}]) == [whole[0], whole[2], *whole[4:]]
    assert seen([{"drop": 2}, {"cut": 3}]) == [whole[0], *whole[2:4]], "3 are delivered"
    assert seen({"drop": last + 1}) == whole
    assert seen({"drop": "no such event"}) == whole
    chunks = [i for i, (name, data) in enumerate(whole) if name == "chunk" or '"chunk"' in data]
    assert len(chunks) == 4
    for nth in (1, 2, 4, -1, -4):
        at = chunks[nth - 1 if nth > 0 else nth]
        found = seen({"drop": {"event": "chunk", "nth": nth}})
        assert found == whole[:at] + whole[at + 1 :], nth


@streams
def test_a_malformed_event_is_no_json_and_the_others_are_whole(
    backends: dict[str, Backend], kind: str
) -> None:
    backend = backends[kind]
    whole = backend.ask().events
    for at in range(1, len(whole) + 1):
        events = backend.ask({"malform": at}).events
        assert [e.event for e in events] == [e.event for e in whole]
        assert [e.id for e in events] == [e.id for e in whole]
        with pytest.raises(ValueError, match=r"."):
            json.loads(events.pop(at - 1).data)
        rest = whole[: at - 1] + whole[at:]
        assert shape(events) == shape(rest)


@bodies
def test_a_malformed_answer_is_no_json(backends: dict[str, Backend], kind: str) -> None:
    seen = backends[kind].ask({"malform": 1})
    assert (seen.status, seen.end) == (200, "whole")
    with pytest.raises(ValueError, match=r"."):
        json.loads(seen.body)


def test_an_event_can_have_the_wrong_name(backends: dict[str, Backend]) -> None:
    fault = {"rename": {"at": {"event": "chunk", "nth": 2}, "to": "lump"}}
    named = backends["named"].ask(fault).events
    assert [e.event for e in named if e.event in ("chunk", "lump")] == [
        *("chunk", "lump", "chunk", "chunk")
    ]
    for kind in ("lines", "nameless"):
        data = [e.data for e in backends[kind].ask(fault).events if e.data != "[DONE]"]
        types = [json.loads(d)["type"] for d in data]
        assert [t for t in types if t in ("chunk", "lump")] == ["chunk", "lump", "chunk", "chunk"]


@bodies
@pytest.mark.parametrize(
    "fault", [{"drop": 1}, {"duplicate": 1}, {"reorder": 1}, {"rename": {"at": 1, "to": "x"}}]
)
def test_an_answer_has_no_events_to_be_spoiled(
    backends: dict[str, Backend], kind: str, fault: Any
) -> None:
    seen = backends[kind].ask(fault)
    assert (seen.status, seen.end) == (200, "whole")
    assert json.loads(seen.body)


@pytest.mark.parametrize("kind", STREAMS + BODIES)
@pytest.mark.parametrize("fault", [{"stall": "150ms"}, {"ttft": "150ms"}])
def test_a_delay_makes_it_late_and_spoils_nothing(
    backends: dict[str, Backend], kind: str, fault: Any
) -> None:
    begin = time.monotonic()
    seen = backends[kind].ask(fault)
    assert time.monotonic() - begin >= 0.14
    assert (seen.status, seen.end) == (200, "whole")
    usual = backends[kind].ask()
    if kind in STREAMS:
        assert shape(seen.events) == shape(usual.events)
    else:
        assert len(seen.body) == len(usual.body)


def test_a_stall_comes_behind_its_event(backends: dict[str, Backend]) -> None:
    backend = backends["named"]
    whole = len(backend.ask().events)
    path = f"/sessions/{backend.session()}/events/stream"
    fault = {"stall": {"for": "300ms", "after_events": 3}}
    waiting = Call(backend.url, path, backend.body("weather"), fault)
    waiting.until(b"\n\n", 3)
    early = waiting.raw.count(b"\n\n")
    begin = time.monotonic()
    assert len(waiting.finish().events) == whole
    assert early == 3
    assert time.monotonic() - begin > 0.2


def test_a_stall_for_ever_lasts_until_the_client_leaves(backends: dict[str, Backend]) -> None:
    backend = backends["named"]
    session = backend.session()
    path = f"/sessions/{session}/events/stream"
    fault = {"stall": {"for": "forever", "after_events": 2}}
    waiting = Call(backend.url, path, backend.body("weather"), fault)
    waiting.until(b"\n\n", 2)
    waiting.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        waiting.read()
    waiting.socket.close()
    assert backend.ask(session=session).end == "whole", "the session is free"
    for kind in BODIES:
        session = backends[kind].session()
        path = f"/sessions/{session}{backends[kind].talk}"
        waiting = Call(backends[kind].url, path, backends[kind].body("hello"), {"stall": "forever"})
        waiting.until(b"\r\n\r\n")
        waiting.socket.close()
        assert backends[kind].ask(session=session).end == "whole"


def recorded(app: Any, path: str, body: Any, fault: Any) -> list[bytes]:
    """What the application writes, piece by piece, in this process."""
    sent: list[bytes] = []
    asked = [json.dumps(body).encode()]
    headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer alice-key")]
    if fault is not None:
        headers.append((b"x-sparring-fault", json.dumps(fault).encode()))

    async def receive() -> Any:
        if asked:
            return {"type": "http.request", "body": asked.pop()}
        return await asyncio.get_running_loop().create_future()

    async def send(message: Any) -> None:
        if message.get("body"):
            sent.append(message["body"])

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b""}
    asyncio.run(app({**scope, "headers": headers}, receive, send))
    return sent


def local(script: str = SCRIPT, document: str | Path = "sessions") -> Any:
    loaded = load_document(str(document))
    return create_app(loaded, World(cast=Cast([compile_script(parse(script.encode(), "s.yaml"))])))


SPLITS: list[tuple[Any, Callable[[bytes], bool]]] = [
    ({"split_bytes": 1}, lambda write: len(write) == 1),
    ({"split_bytes": 5}, lambda write: len(write) <= 5),
    ({"split_bytes": 3, "at": 2}, lambda write: True),
    ({"split_bytes": 1, "at": {"inside": "utf8"}}, lambda write: True),
    ({"split_bytes": 2, "at": {"inside": "utf8"}}, lambda write: True),
    ({"split_bytes": 2, "at": {"inside": "data"}}, lambda write: True),
]


@pytest.mark.parametrize(("fault", "holds"), SPLITS)
@pytest.mark.parametrize("talk", STREAMS + BODIES)
def test_split_bytes_are_written_apart_and_are_the_same_bytes(
    fault: Any, holds: Callable[[bytes], bool], talk: str
) -> None:
    is_own = talk in ("named", "chat")
    app = local(document="sessions" if is_own else LINES)
    first = recorded(app, "/sessions", {"agent_id": "a"} if is_own else {}, None)
    session = f"/sessions/{json.loads(first[0])['id']}"
    text: Any = {"text": "weather"}
    if talk == "named":
        text = {"type": "message", "content": "weather"}
    if talk == "chat":
        text = {"messages": [{"role": "user", "content": "weather"}]}
    path = {"named": "/events/stream", "body": "/talk"}.get(talk, f"/{talk}")
    writes = recorded(app, session + path, text, fault)
    assert all(map(holds, writes))
    whole = b"".join(writes)
    inside = fault.get("at") == {"inside": "utf8"}
    halves = [w for w in writes if w[-1:] >= b"\xc2" or (w[-1:] >= b"\x80" and not _whole(w))]
    if inside:
        assert halves, "a character of several bytes is written in parts"
        assert all(not _whole(write) for write in halves)
    if fault.get("at") == {"inside": "data"} and talk in ("named", "nameless"):
        assert sum(w.endswith(b"da") for w in writes) == whole.count(b"data:")
    whole.decode()


def _whole(write: bytes) -> bool:
    try:
        write.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("kind", STREAMS + BODIES)
def test_an_http_fault_answers_instead_and_nothing_is_recorded(
    backends: dict[str, Backend], kind: str
) -> None:
    backend = backends[kind]
    session = backend.session()
    headers = {"X-Hint": "later"}
    fault = {"http": 503, "retry_after": "1200ms", "code": "busy", "message": "Not now."}
    seen = backend.ask({**fault, "headers": headers}, session=session)
    assert (seen.status, seen.end) == (503, "whole")
    assert seen.headers["retry-after"] == "2", "whole seconds, rounded up"
    assert seen.headers["x-hint"] == "later"
    body = json.loads(seen.body)
    if kind in ("lines", "body"):  # no 503 is declared, but a shape of errors is
        assert body == {"error": {"message": "Not now.", "code": "busy"}}
    else:
        assert (body["code"], body["detail"]) == ("busy", "Not now.")
    listing = "/history" if kind in ("named", "chat") else "/messages"
    assert b"weather" not in call(backend.url, f"/sessions/{session}{listing}").body
    assert backend.ask({"http": 529}).status == 529


def test_an_http_fault_may_have_the_media_type_of_what_stands_before_a_backend(
    backends: dict[str, Backend],
) -> None:
    path = f"/sessions/{backends['chat'].session()}/chat"
    fault = {"http": 502, "headers": {"Content-Type": "text/html"}}
    waiting = Call(backends["chat"].url, path, backends["chat"].body("hi"), fault)
    assert waiting.finish().status == 502
    assert re.findall(rb"content-type: (.*)\r", waiting.raw.lower()) == [b"text/html"]


def test_the_header_applies_to_every_operation(backends: dict[str, Backend]) -> None:
    url = backends["body"].url
    whole = call(url, "/fortune")
    assert json.loads(whole.body) == {"text": "All will be well."}
    assert call(url, "/fortune", fault={"http": 429}).status == 429
    cut = call(url, "/fortune", fault={"cut": {"after_bytes": 5, "close": "reset"}})
    assert (cut.body, cut.end) == (whole.body[:5], "reset")
    made = call(url, "/sessions", {}, {"cut": {"after_bytes": 0}})
    assert (made.status, made.body, made.end) == (201, b"", "closed")
    url = backends["named"].url
    session = backends["named"].session()
    deleting = Call(url, f"/sessions/{session}", fault={"malform": 1}, method="DELETE")
    assert (deleting.finish().status, deleting.raw[-4:]) == (204, b"\r\n\r\n")
    session = backends["named"].session()
    backends["named"].ask(session=session)
    path = f"/sessions/{session}/events/stream?wait=1"
    followed = call(url, path, fault={"cut": 3}, Last_Event_ID="1")
    assert [e.id for e in followed.events] == ["2", "3", "4"]


def test_a_declared_stream_is_spoiled_too(serve: Any) -> None:
    url = serve(FOLDER / "plain.yaml").url
    assert len(call(url, "/lines").events) == 2
    assert len(call(url, "/lines", fault={"cut": 1}).events) == 1
    assert call(url, "/feed", fault={"cut": 0}).events == []


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("{cutt: 3}", "X-Sparring-Fault:1:2"),
        ("{cut: x}", "X-Sparring-Fault:1:7"),
        ("[{cut: 1}, {stall: soon}]", "X-Sparring-Fault:1:20"),
        ("{cut: 3", "X-Sparring-Fault:"),
        ("{rate_limit: {requests: 1, per: 1s}}", "not for one request"),
        ("{http: 500, headers: {Content-Length: '3'}}", "X-Sparring-Fault:1:39"),
        ('{http: 500, headers: {X-A: "b\\rc"}}', "X-Sparring-Fault:1:28"),
        ('{rename: {at: 1, to: "a\\nb"}}', "X-Sparring-Fault:1:22"),
        ("cut", "X-Sparring-Fault:1:1"),
    ],
)
def test_a_broken_header_is_a_400_with_its_place(
    backends: dict[str, Backend], header: str, told: str
) -> None:
    for kind in ("named", "body"):
        seen = backends[kind].ask(header)
        assert seen.status == 400
        assert told in json.loads(seen.body)["detail"]


def test_streams_with_faults_of_their_own_never_meet(backends: dict[str, Backend]) -> None:
    def talk(number: int) -> tuple[int, Seen]:
        backend = backends[STREAMS[number % 3]]
        close = "reset" if number % 2 else "clean"
        fault = [{"cut": {"after_events": number % 5, "close": close}}, {"duplicate": 1}]
        return number, backend.ask(fault[: 1 + number % 2], "paced")

    with ThreadPoolExecutor(100) as pool:
        for number, seen in pool.map(talk, range(100)):
            assert len(seen.events) == number % 5
            assert seen.end == ("reset" if number % 2 else "whole")


def test_a_reset_waits_until_all_has_arrived(backends: dict[str, Backend]) -> None:
    backend = backends["named"]
    path = f"/sessions/{backend.session()}/events/stream"
    size = 400_000
    fault = {"cut": {"after_bytes": size, "close": "reset"}}
    waiting = Call(backend.url, path, backend.body("long"), fault)
    time.sleep(0.3)  # a slow reader
    seen = waiting.finish()
    assert (len(seen.body), seen.end) == (size, "reset")


def test_other_servers_hang_up(backends: dict[str, Backend]) -> None:
    app = local()
    made = recorded(app, "/sessions", {"agent_id": "a"}, None)
    path = f"/sessions/{json.loads(made[0])['id']}/events/stream"
    said = {"type": "message", "content": "weather"}
    assert len(recorded(app, path, said, {"cut": 2})) == 2
    with pytest.raises(ConnectionAbortedError):
        recorded(app, path, said, {"cut": {"after_events": 2, "close": "reset"}})


# What a script says of faults goes the same way.

SPOILED = """
rules:
  - {user: twice, fault: {http: 429, retry_after: 2s, times: 2}, reply: At last.}
  - {user: cut, fault: {cut: 3, times: 1}, reply: "one two three four five"}
fallback: ok
"""


def turn(app: Any, session: str, text: str, kind: str) -> bytes:
    said: Any = {"type": "message", "content": text}
    if kind == "chat":
        said = {"messages": [{"role": "user", "content": text}]}
    return b"".join(recorded(app, f"{session}/{kind}", said, None))


@pytest.mark.parametrize("kind", ["events/stream", "chat"])
def test_an_http_fault_of_a_script_keeps_only_the_cursor(kind: str) -> None:
    app = local(SPOILED)
    made = json.loads(recorded(app, "/sessions", {"agent_id": "a"}, None)[0])
    session = f"/sessions/{made['id']}"
    for _ in range(2):
        assert json.loads(turn(app, session, "twice", kind))["status"] == 429
    assert b"At last." in turn(app, session, "twice", "chat")


def test_a_script_cuts_a_turn_once() -> None:
    app = local(SPOILED)
    made = json.loads(recorded(app, "/sessions", {"agent_id": "a"}, None)[0])
    session = f"/sessions/{made['id']}"
    parser = Parser()
    assert len(parser.feed(turn(app, session, "cut", "events/stream"))) == 3
    assert len(parser.feed(turn(app, session, "cut", "events/stream"))) > 3


@pytest.mark.parametrize("close", ["clean", "reset"])
def test_where_a_subscription_shows_the_turn_it_is_what_is_spoiled(
    serve: Any, tmp_path: Path, close: str
) -> None:
    script = tmp_path / "script.yaml"
    fault = f"{{cut: {{after_events: 3, close: {close}}}, times: 1}}"
    script.write_text(f"fallback: one two three four\nfault: {fault}\n")
    url = serve(LINES, "--script", script).url
    path = f"/sessions/{json.loads(call(url, '/sessions', {}).body)['id']}/events"
    following = Call(url, f"{path}?wait=5", Last_Event_ID="0")
    following.until(b"\r\n\r\n")
    posted = call(url, path, {"text": "hi"})
    seen = following.finish()
    assert (posted.status, posted.end) == (202, "whole")
    assert len(seen.events) == 3
    assert seen.end == ("reset" if close == "reset" else "whole")
    rest = call(url, f"{path}?wait=1", Last_Event_ID=seen.events[-1].id or "").events
    assert [e.event for e in rest] == ["chunk", "done"]
    following = Call(url, f"{path}?wait=1", Last_Event_ID=rest[-1].id or "")
    following.until(b"\r\n\r\n")
    call(url, path, {"text": "hi"})
    assert len(following.finish().events) == 5, "the second turn is whole"


def limited(app: Any, user: str = "alice") -> Iterator[tuple[int, dict[str, str]]]:
    """Answers to one request after the other."""
    import httpx2

    async def ask(path: str, body: Any) -> httpx2.Response:
        transport = httpx2.ASGITransport(app)
        headers = {"Authorization": f"Bearer {user}-key"}
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://mock", headers=headers
        ) as client:
            return await client.post(path, json=body)

    session = asyncio.run(ask("/sessions", {"agent_id": "a"})).json()["id"]
    while True:
        body = {"messages": [{"role": "user", "content": "hi"}]}
        answer = asyncio.run(ask(f"/sessions/{session}/chat", body))
        yield answer.status_code, dict(answer.headers)


def test_a_rate_limit_counts_per_caller_on_the_clock_of_the_world() -> None:
    clock = ManualClock()
    limit = "fault: {rate_limit: {requests: 2, per: 10s}}"
    script = compile_script(parse(f"{limit}\nfallback: ok".encode(), "s.yaml"))
    world = World(cast=Cast([script]), clock=clock)
    app = create_app(load_document("sessions"), world)
    alice, bob = limited(app), limited(app, "bob")
    start = clock.now() // 1_000_000
    for left in (1, 0):
        status, headers = next(alice)
        assert (status, headers["x-ratelimit-limit"]) == (200, "2")
        assert headers["x-ratelimit-remaining"] == str(left)
        assert headers["x-ratelimit-reset"] == str(start + 11)
    asyncio.run(clock.advance(4.5))
    status, headers = next(alice)
    assert (status, headers["x-ratelimit-remaining"]) == (429, "0")
    assert headers["retry-after"] == "6", "rounded up"
    assert next(bob)[0] == 200
    asyncio.run(clock.advance(6))
    assert next(alice)[0] == 200
