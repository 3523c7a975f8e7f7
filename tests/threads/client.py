"""A client for probes: what one user can ask for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import httpx2

Event = tuple[str, str, Any]


def parse_events(text: str) -> list[Event]:
    """The events of a stream: id, name and data, which is JSON but for `[DONE]`."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if fields:
            data = fields.get("data", "")
            parsed = data if data == "[DONE]" else json.loads(data)
            events.append((fields.get("id", ""), fields.get("event", ""), parsed))
    return events


class Api:
    """The threads of one user; paths begin behind `/v1/workspaces/ws_main/threads`."""

    def __init__(self, url: str, key: str | None = "alice-key") -> None:
        headers = {} if key is None else {"X-Api-Key": key}
        self.root = url
        self.others: list[Api] = []
        self.base = f"{url}/v1/workspaces/ws_main/threads"
        self.http = httpx2.Client(base_url=self.base, headers=headers, timeout=10, verify=False)

    def with_key(self, key: str | None) -> Api:
        """The same server, asked with another key."""
        self.others.append(Api(self.root, key))
        return self.others[-1]

    def close(self) -> None:
        for api in self.others:
            api.close()
        self.http.close()

    def ask(self, method: str, path: str = "", **options: Any) -> httpx2.Response:
        return self.http.request(method, self.base + path, **options)

    def status(self, method: str, path: str = "", **options: Any) -> int:
        return self.ask(method, path, **options).status_code

    def data(self, method: str, path: str = "", json: Any = None, **options: Any) -> Any:
        """What a request that must succeed gives."""
        response = self.ask(method, path, **(options if json is None else options | {"json": json}))
        assert response.status_code < 300, response.text
        return response.json()["data"]

    def new(self, **fields: Any) -> str:
        """A new thread; gives its path."""
        return "/" + str(self.data("POST", json=fields)["id"])

    def pages(self, path: str = "", **query: Any) -> list[Any]:
        """The items of all pages."""
        items: list[Any] = []
        while len(items) < 200:
            page = self.ask("GET", path, params=query).json()
            items += page["data"]
            if page["nextCursor"] is None:
                break
            query["cursor"] = page["nextCursor"]
        return items

    def start(self, thread: str, text: str) -> str:
        """Starts a run; gives its path."""
        run = self.data("POST", f"{thread}/runs", {"input": text})
        return f"{thread}/runs/{run['id']}"

    def until(self, run: str, *states: str) -> Any:
        """Polls a run until it has one of the states."""
        for _ in range(400):
            shown = self.data("GET", run)
            if shown["status"] in states:
                return shown
            time.sleep(0.01)
        raise AssertionError(f"the run is {shown['status']}")

    def say(self, thread: str, text: str) -> Any:
        """A whole run; gives it when it is completed."""
        return self.until(self.start(thread, text), "completed")

    def tool(self, thread: str, text: str = "weather") -> tuple[str, list[dict[str, str]]]:
        """A run that waits for tool outputs; gives its path and the outputs to submit."""
        run = self.start(thread, text)
        calls = self.until(run, "requiresAction")["requiredAction"]["toolCalls"]
        return run, [{"toolCallId": call["id"], "output": "3 degrees"} for call in calls]

    def submit(self, run: str, outputs: list[dict[str, str]]) -> httpx2.Response:
        return self.ask("POST", f"{run}/toolOutputs", json={"toolOutputs": outputs})

    def stream(self, thread: str, text: str) -> list[Event]:
        body = {"input": text, "stream": True}
        return parse_events(self.ask("POST", f"{thread}/runs", json=body).text)

    def events(self, run: str, after: str | None = None) -> list[Event]:
        headers = {} if after is None else {"Last-Event-ID": after}
        return parse_events(self.ask("GET", f"{run}/events", headers=headers).text)

    def contents(self, thread: str) -> list[str]:
        return [message["content"] for message in self.pages(f"{thread}/messages")]

    def half(self, thread: str) -> str:
        """A run that has said something and is cancelled; gives its path."""
        run = self.start(thread, "please talk for a long time about the ferries of Norway " * 3)
        self.until(run, "running")
        time.sleep(0.1)
        self.data("POST", f"{run}/cancel")
        return run


@contextmanager
def users(url: str) -> Iterator[tuple[Api, Api]]:
    """Alice and Bob."""
    with closing(Api(url)) as alice, closing(Api(url, "bob-key")) as bob:
        yield alice, bob


def together(*acts: Callable[[], Any]) -> list[Any]:
    """What the acts give when they are all done at one time."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result() for future in [pool.submit(act) for act in acts]]
