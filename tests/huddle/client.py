"""A client for probes: what one person can ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
from tests.parley.client import frames

from .state import AMBER, BIRCH

Data = dict[str, Any]
ANY = {"If-Match": "*"}
SSE = {"Accept": "text/event-stream"}


def path_of(huddle: Data, *more: str) -> str:
    return "/".join(("/huddles", huddle["huddleId"], *more))


def utterance_path(said: Data, *more: str) -> str:
    return path_of(said, "utterances", said["utteranceId"], *more)


def told(text: str) -> list[tuple[str, str, Data]]:
    """The id, the name and the data of each event of a stream."""
    return [
        (fields["id"][0], fields["event"][0], json.loads("\n".join(fields["data"])))
        for fields in frames(text)
    ]


class Api:
    """What the person of a key can do; paths begin behind `/v1`."""

    def __init__(self, url: str, key: str | None) -> None:
        headers = {"Huddle-Key": key} if key else {}
        self.url = url + "/v1"
        self.http = httpx2.Client(base_url=self.url, headers=headers, timeout=10, verify=False)

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return self.http.request(method, self.url + path, **options)

    def status(self, method: str, path: str, **options: Any) -> int:
        return self.ask(method, path, **options).status_code

    def data(self, path: str, method: str = "GET", **options: Any) -> Any:
        return self.ask(method, path, **options).json()["data"]

    def new(self, **body: Any) -> Data:
        """A new huddle."""
        huddle: Data = self.data("/huddles", "POST", json=body)
        return huddle

    def get(self, huddle: Data) -> Data:
        shown: Data = self.data(path_of(huddle))
        return shown

    def change(self, huddle: Data, headers: Any = None, **changes: Any) -> httpx2.Response:
        return self.ask("PATCH", path_of(huddle), json=changes, headers=headers or ANY)

    def say(self, huddle: Data, text: str, headers: Any = None) -> httpx2.Response:
        path = path_of(huddle, "utterances")
        return self.ask("POST", path, json={"text": text}, headers=headers)

    def reply(self, huddle: Data, text: str = "hi") -> Data:
        said: Data = self.say(huddle, text).json()["data"]["reply"]
        return said

    def stream(self, huddle: Data, text: str) -> list[tuple[str, str, Data]]:
        return told(self.say(huddle, text, SSE).text)

    @contextmanager
    def listening(self, huddle: Data, text: str) -> Iterator[Iterator[str]]:
        """What a stream sends, as it comes."""
        path, body = self.url + path_of(huddle, "utterances"), {"text": text}
        with self.http.stream("POST", path, json=body, headers=SSE) as response:
            yield response.iter_text()

    def history(self, huddle: Data, **query: str) -> list[Data]:
        items: list[Data] = self.data(path_of(huddle, "utterances"), params=query)
        return items

    def walk(self, path: str, **query: str) -> list[Data]:
        """The items of all pages, at most 50."""
        items: list[Data] = []
        for _ in range(50):
            page = self.ask("GET", path, params=query).json()
            items += page["data"]
            if page["meta"]["nextPageToken"] is None:
                break
            query["pageToken"] = page["meta"]["nextPageToken"]
        return items


class People:
    """All who may come: `amber`, `birch`, somebody without a key, and a key that is too long."""

    def __init__(self, url: str) -> None:
        self.amber, self.birch = Api(url, AMBER), Api(url, BIRCH)
        self.nobody, self.tail = Api(url, None), Api(url, AMBER + "x")


@contextmanager
def people(url: str) -> Iterator[People]:
    with ExitStack() as stack:
        them = People(url)
        for api in vars(them).values():
            stack.enter_context(api.http)
        yield them
