"""A client with two users, as terse as the probes need it."""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Barrier
from time import monotonic
from typing import Any, TypeVar

import httpx2

T = TypeVar("T")
JsonObject = dict[str, Any]
SSE = {"Accept": "text/event-stream"}


@dataclass(frozen=True)
class Frame:
    id: int
    event: str
    data: JsonObject
    at: float
    """When it arrived."""


class Api:
    def __init__(self, url: str) -> None:
        def client(headers: dict[str, str]) -> httpx2.Client:
            return httpx2.Client(base_url=url, headers=headers, timeout=10)

        self.http = client({"Authorization": "Bearer alice-key"})
        self.bob = client({"Authorization": "Bearer bob-key"})
        self.nobody = client({})

    def close(self) -> None:
        for client in (self.http, self.bob, self.nobody):
            client.close()

    # Sessions

    def create(self, **body: Any) -> httpx2.Response:
        return self.http.post("/sessions", json={"agent_id": "agent", **body})

    def new(self, **body: Any) -> JsonObject:
        return read(self.create(**body))

    def new_id(self, **body: Any) -> str:
        return str(self.new(**body)["id"])

    def get(self, session: str) -> JsonObject:
        return read(self.http.get(f"/sessions/{session}"))

    def etag(self, session: str) -> str:
        return str(self.http.get(f"/sessions/{session}").headers["ETag"])

    def listing(self, **params: Any) -> JsonObject:
        if isinstance(params.get("metadata_filter"), dict):
            params["metadata_filter"] = json.dumps(params["metadata_filter"])
        return read(self.http.get("/sessions", params=params))

    def ids(self, **params: Any) -> list[str]:
        return [item["id"] for item in self.listing(**params)["items"]]

    def put(self, session: str, body: JsonObject, etag: str = "*") -> httpx2.Response:
        return self.http.put(f"/sessions/{session}", json=body, headers={"If-Match": etag})

    def patch(self, session: str, body: JsonObject, etag: str = "*") -> httpx2.Response:
        return self.http.patch(f"/sessions/{session}", json=body, headers={"If-Match": etag})

    def delete(self, session: str) -> int:
        return self.http.delete(f"/sessions/{session}").status_code

    # Talk

    def chat(
        self, session: str, *messages: JsonObject, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        body = {"messages": messages}
        return self.http.post(f"/sessions/{session}/chat", json=body, headers=headers)

    def say(self, session: str, text: Any = "Hello there") -> JsonObject:
        return read(self.chat(session, user(text)))

    def history(self, session: str, **params: Any) -> JsonObject:
        return read(self.http.get(f"/sessions/{session}/history", params=params))

    def texts(self, session: str, **params: Any) -> list[str]:
        return [item["content"] for item in self.history(session, **params)["items"]]

    def events(self, session: str, **params: Any) -> list[JsonObject]:
        items = read(self.http.get(f"/sessions/{session}/events", params=params))["items"]
        return list(items)

    def offsets(self, session: str, **params: Any) -> list[int]:
        return [event["offset"] for event in self.events(session, **params)]

    def suggestions(self, session: str) -> list[JsonObject]:
        return list(read(self.http.get(f"/sessions/{session}/suggestions"))["items"])

    def stop(self, session: str) -> JsonObject:
        return read(self.http.post(f"/sessions/{session}/stop"))

    def asked_to_approve(self) -> tuple[str, str]:
        """A session in which a call waits for a decision, and the call."""
        session = self.new_id()
        call = named(self.whole_turn(session, "Let me approve it."), "tool_call")
        return session, str(call.data["data"]["tool_call_id"])

    def decide(self, session: str, call: str, *, approved: bool = True) -> JsonObject:
        body = {"tool_call_id": call, "approved": approved}
        return read(self.http.post(f"/sessions/{session}/approvals", json=body))

    # Streams

    @contextmanager
    def stream(
        self, method: str, path: str, client: httpx2.Client | None = None, **options: Any
    ) -> Iterator[Iterator[Frame]]:
        with (client or self.http).stream(method, path, **options) as response:
            yield frames(response.iter_lines())

    @contextmanager
    def turn(self, session: str, text: str = "Hello there") -> Iterator[Iterator[Frame]]:
        body = {"type": "message", "content": text}
        with self.stream("POST", f"/sessions/{session}/events/stream", json=body) as incoming:
            yield incoming

    def whole_turn(self, session: str, text: str = "Hello there") -> list[Frame]:
        with self.turn(session, text) as incoming:
            return list(incoming)

    @contextmanager
    def following(
        self, session: str, last: int | str | None = None, wait: int = 0
    ) -> Iterator[Iterator[Frame]]:
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        path = f"/sessions/{session}/events/stream"
        with self.stream("GET", path, headers=headers, params={"wait": wait}) as incoming:
            yield incoming

    def rest(self, session: str, last: int | None = None, wait: int = 0) -> list[Frame]:
        with self.following(session, last, wait) as incoming:
            return list(incoming)


def read(response: httpx2.Response) -> JsonObject:
    assert response.status_code in (200, 201), response.text
    body: JsonObject = response.json()
    return body


def user(text: Any, **more: Any) -> JsonObject:
    return {"role": "user", "content": text, **more}


def system(text: str) -> JsonObject:
    return {"role": "system", "content": text}


def frames(lines: Iterable[str]) -> Iterator[Frame]:
    """The server-sent events in these lines, as they come."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            data = json.loads(fields["data"])
            event = fields.get("event", "")
            yield Frame(int(fields["id"]), event, data, monotonic())
            fields = {}


def names(incoming: Iterable[Frame]) -> list[str]:
    return [frame.event for frame in incoming]


def named(incoming: Iterable[Frame], event: str) -> Frame:
    """The first frame with this name."""
    return next(frame for frame in incoming if frame.event == event)


def spoken(incoming: Iterable[Frame]) -> str:
    return "".join(frame.data["text"] for frame in incoming if frame.event == "chunk")


def until(incoming: Iterator[Frame], event: str) -> list[Frame]:
    """The frames up to the first with this name."""
    seen = []
    for frame in incoming:
        seen.append(frame)
        if frame.event == event:
            break
    return seen


def together(*calls: Callable[[], T]) -> list[T]:
    """What the calls answer when all are made at one time."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
