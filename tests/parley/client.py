"""A client for probes: what one user can ask for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Barrier
from typing import Any, TypeVar

import httpx2

from .app import ADA, ADA_VIEW, BERT

Frame = dict[str, list[str]]
Thread = dict[str, Any]
Result = TypeVar("Result")


def frames(text: str) -> list[Frame]:
    """The fields of each event of a stream, as they are written."""
    found = []
    for block in text.split("\n\n"):
        fields: Frame = {}
        for line in filter(None, block.split("\n")):
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        if fields:
            found.append(fields)
    return found


def events(response: httpx2.Response) -> list[dict[str, Any]]:
    """The data of each event of a stream."""
    return [json.loads("\n".join(fields["data"])) for fields in frames(response.text)]


def path_of(thread: Thread, *more: str) -> str:
    return "/".join(("/threads", thread["id"], *more))


class Api:
    """What the user of a key can do; paths begin behind `/v1`."""

    def __init__(self, url: str, key: str | None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.url = url + "/v1"
        self.http = httpx2.Client(base_url=self.url, headers=headers, timeout=10, verify=False)

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return self.http.request(method, self.url + path, **options)

    def status(self, method: str, path: str, **options: Any) -> int:
        return self.ask(method, path, **options).status_code

    def data(self, path: str, method: str = "GET", **options: Any) -> Any:
        return self.ask(method, path, **options).json()

    def new(self, **body: Any) -> Thread:
        """A new thread."""
        thread: Thread = self.data("/threads", "POST", json=body)
        return thread

    def some(self, count: int) -> list[Thread]:
        return [self.new() for _ in range(count)]

    def get(self, thread: Thread) -> Thread:
        shown: Thread = self.data(path_of(thread))
        return shown

    def patch(self, thread: Thread, headers: Any = None, **changes: Any) -> httpx2.Response:
        return self.ask("PATCH", path_of(thread), json=changes, headers=headers)

    def say(
        self, thread: Thread, text: str, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        headers = {"Idempotency-Key": key} if key else None
        body = {"text": text, **more}
        return self.ask("POST", path_of(thread, "messages"), json=body, headers=headers)

    def history(self, thread: Thread, **query: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.data(path_of(thread, "messages"), params=query)["items"]
        return items

    def walk(self, path: str, **query: str) -> list[dict[str, Any]]:
        """The items of all pages, at most 50."""
        items: list[dict[str, Any]] = []
        for _ in range(50):
            page = self.data(path, params=query)
            items += page["items"]
            if page["next_cursor"] is None:
                break
            query["after"] = page["next_cursor"]
        return items


class Users:
    """All who may come: `ada`, her key that only reads, `bert`, and somebody without a key."""

    def __init__(self, url: str) -> None:
        self.ada, self.view = Api(url, ADA), Api(url, ADA_VIEW)
        self.bert, self.nobody = Api(url, BERT), Api(url, None)
        self.tail = Api(url, ADA + "x")


@contextmanager
def users(url: str) -> Iterator[Users]:
    with ExitStack() as stack:
        them = Users(url)
        for api in vars(them).values():
            stack.enter_context(api.http)
        yield them


def at_once(call: Callable[[int], Result], count: int) -> list[Result]:
    """What a call gives for 0, 1, 2..., all made at the same time."""
    start = Barrier(count)

    def wait(number: int) -> Result:
        start.wait(10)
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait, range(count)))
