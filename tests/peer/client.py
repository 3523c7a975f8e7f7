"""A client that knows only HTTP and the event stream format, for probes."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

ALICE = {"X-API-Key": "alice-key"}
BOB = {"Authorization": "Bearer bob-key"}


class Reply:
    """A response that is read."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()

    @property
    def kind(self) -> str:
        return str(self.headers.get_content_type())

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def pointers(self) -> list[tuple[str, str]]:
        return [(error["in"], error["pointer"]) for error in self.json["errors"]]


class Frame:
    """A server-sent event."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.id = fields.get("id")
        self.event = fields.get("event", "message")
        self.data: Any = json.loads(fields["data"])


class Stream:
    """An event stream that is being read."""

    def __init__(self, response: HTTPResponse, look: Callable[[Frame], None]) -> None:
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._look = look

    def __iter__(self) -> Iterator[Frame]:
        fields: dict[str, str] = {}
        while raw := self._response.readline():
            name, _, value = raw.decode().rstrip("\r\n").partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            elif "data" in fields:
                frame = Frame(fields)
                self._look(frame)
                yield frame
                fields = {}


class Client:
    """Calls the server as Alice, unless the headers say otherwise."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc

    def _send(
        self,
        method: str,
        path: str,
        body: object,
        headers: dict[str, str] | None,
        query: dict[str, object],
        timeout: float = 3,
    ) -> tuple[HTTPConnection, HTTPResponse]:
        sent = {"Connection": "close"} | (ALICE if headers is None else headers)
        if not sent.keys() & {"X-API-Key", "Authorization"} and "anonymous" not in sent:
            sent |= ALICE
        sent.pop("anonymous", None)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent = {"Content-Type": "application/json"} | sent
        if query:
            path += "?" + urlencode(query, quote_via=quote)
        connection = HTTPConnection(self._host, timeout=timeout)
        try:
            connection.request(method, path, body, sent)
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        **query: object,
    ) -> Reply:
        connection, response = self._send(method, path, body, headers, query)
        try:
            reply = Reply(response)
        finally:
            response.close()
            connection.close()
        self.look_at_reply(method, path, reply)
        return reply

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        timeout: float = 3,
        **query: object,
    ) -> Iterator[Stream]:
        headers = {"Accept": "text/event-stream"} | (headers or {})
        connection, response = self._send(method, path, body, headers, query, timeout)
        try:
            yield Stream(response, self.look_at_frame)
        finally:
            response.close()
            connection.close()

    def look_at_reply(self, method: str, path: str, reply: Reply) -> None:
        """Sees every reply."""

    def look_at_frame(self, frame: Frame) -> None:
        """Sees every event of a stream."""

    def session(self, headers: dict[str, str] | None = None, **body: Any) -> str:
        """Makes a session and gives its path."""
        reply = self("POST", "/sessions", {"agent_id": "a"} | body, headers)
        assert reply.status == 201, reply.raw
        return "/sessions/" + str(reply.json["id"])

    def chat(self, path: str, *texts: str) -> Any:
        """Says these texts in one turn, and gives the reply."""
        messages = [{"role": "user", "content": text} for text in texts or ("Hello there",)]
        reply = self("POST", f"{path}/chat", {"messages": messages})
        assert reply.status == 200, reply.raw
        return reply.json

    def get(self, path: str, **query: object) -> Any:
        reply = self("GET", path, None, None, **query)
        assert reply.status == 200, reply.raw
        return reply.json

    def items(self, path: str, **query: object) -> list[Any]:
        found: list[Any] = self.get(path, **query)["items"]
        return found
