"""The implementation under test: sends requests, and reads streams as they arrive."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

import httpcore2

from sparring.spec.errors import Defect, SparringError
from sparring.spec.exchange import Exchange, Request, Response
from sparring.spec.streams.framing import SSE, framing_of
from sparring.spec.streams.sse import Overflow, ServerEvent

from .budget import RESENT, Meter, Refused
from .deadlines import Clock, Connections

_HOST = r"[^\s@]+"
_UNQUOTED = "!$%&'()*+,/:;=?@[]~"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
MAX_BODY = 4 * 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BROKEN = (httpcore2.NetworkError, httpcore2.ProtocolError)


class NoAnswer(Exception):
    """A request was not answered in time, or not whole."""

    def __init__(self, request: Request, reason: str) -> None:
        super().__init__(reason)
        self.request = request
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event of a stream, and how many seconds after the request it arrived."""

    event: ServerEvent
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a stream is read at most."""

    seconds: float = 20.0
    events: int = 5000
    size: int = MAX_BODY


class Stream:
    """A response that is read while it arrives. `ended` says that the server closed it."""

    def __init__(
        self,
        request: Request,
        head: Response,
        content: Iterator[bytes],
        start: float,
        limits: Limits,
        clock: Clock,
    ):
        self.request = request
        self.head = head
        self.headers_after = time.perf_counter() - start
        self.arrivals: list[Arrival] = []
        self.ended = False
        self.broken = ""
        framing = framing_of(head.media_type) or SSE
        self.parser = framing.parser()
        self._start = start
        self._limits = limits
        self._clock = clock
        self._body = BytesIO()
        self._bytes = content

    @property
    def exchange(self) -> Exchange:
        """What was sent, and what has come back so far."""
        response = replace(self.head, body=self._body.getvalue())
        return Exchange(self.request, response, time.perf_counter() - self._start)

    def events(self) -> Iterator[Arrival]:
        """The events as they arrive, until the server ends the stream or a limit is reached."""
        while chunk := self._read():
            now = time.perf_counter() - self._start
            try:
                found = self.parser.feed(chunk)
            except Overflow as error:
                self.broken = str(error)
                return
            for event in found[: self._limits.events - len(self.arrivals)]:
                self.arrivals.append(Arrival(event, now))
                yield self.arrivals[-1]
            if len(self.arrivals) >= self._limits.events or now > self._limits.seconds:
                return

    def drain(self) -> Stream:
        """Reads on to the end, or to a limit."""
        for _ in self.events():
            pass
        return self

    def _read(self) -> bytes:
        if self.broken:
            return b""
        try:
            with self._clock.until(self._start + self._limits.seconds):
                chunk = next(self._bytes, b"")
        except httpcore2.TimeoutException:
            return b""
        except BROKEN as error:
            self.broken = f"the connection broke: {error}"
            return b""
        self.ended = not chunk
        self._body.write(chunk)
        if self._body.tell() > self._limits.size:
            self.broken = f"the stream has more than {self._limits.size} bytes"
        return chunk


class Target:
    """One base URL. It may already end with the base path of the document, or not."""

    def __init__(
        self,
        url: str,
        *,
        base_path: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        meter: Meter | None = None,
    ) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not re.fullmatch(_HOST, parts.netloc):
            raise _no_url(url)
        try:
            host, port = (parts.hostname or "").encode("idna"), parts.port
        except ValueError:
            raise _no_url(url) from None
        path = parts.path.rstrip("/")
        if base_path and path.endswith(base_path):
            path = path[: -len(base_path)]
        self.root = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
        self.headers: dict[str, str] = dict(headers or {})
        self.timeout = timeout
        self.meter = meter or Meter()
        self.strays: dict[str, None] = {}
        """Redirects to other hosts, none of which was followed."""
        self._clock = Clock()
        self._connections = Connections(self._clock)
        self._url = httpcore2.URL(scheme=parts.scheme, host=host, port=port)
        named = b"[%b]" % host if b":" in host else host
        self._usual = {
            b"host": named + (b":%d" % port if port else b""),
            b"accept": b"*/*",
            b"accept-encoding": b"identity",
            b"user-agent": b"sparring",
        }

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return self.meter.sent

    def close(self) -> None:
        """Closes the connections."""
        self._connections.close()

    def url(self, path: str, query: Sequence[tuple[str, str]] = ()) -> str:
        """The URL of an encoded path below the target."""
        return f"{self.root}{path}{'?' + urlencode(query) if query else ''}"

    def probe(self) -> None:
        """Raises SparringError (C103) when nobody answers."""
        try:
            self.send(Request("GET", self.root + "/"))
        except NoAnswer as error:
            raise self._unreachable(error.reason) from None

    def send(self, request: Request) -> Exchange:
        """Sends one request. Raises NoAnswer, Stopped, Refused, or SparringError (C103)."""
        longest = 2 * self.timeout
        with self._answer(request, longest, self.timeout) as (head, content, start):
            body = BytesIO()  # which gives its bytes away uncopied
            for chunk in content:
                body.write(chunk)
                if body.tell() > MAX_BODY:
                    raise NoAnswer(request, f"the answer has more than {MAX_BODY} bytes")
                if time.perf_counter() - start > longest:
                    raise NoAnswer(request, f"no end of the answer in {longest:g} s")
            seconds = time.perf_counter() - start
            return Exchange(request, replace(head, body=body.getvalue()), seconds)

    @contextmanager
    def open(self, request: Request, limits: Limits | None = None) -> Iterator[Stream]:
        """Sends a request and hands out its response while that arrives."""
        limits = limits or Limits()
        longest = min(limits.seconds, max(self.meter.left(), 0.1))
        limits = replace(limits, seconds=longest)
        pause = min(self.timeout, longest)
        with self._answer(request, max(longest, pause), pause, whole=False) as (
            head,
            content,
            start,
        ):
            yield Stream(request, head, content, start, limits, self._clock)

    @contextmanager
    def _answer(
        self, request: Request, longest: float, pause: float, *, whole: bool = True
    ) -> Iterator[tuple[Response, Iterator[bytes], float]]:
        """The head of an answer, its body as it comes, and when it was asked for; after the pauses
        that the target wants. `longest` are the seconds for all of it, or for its head only."""
        timeouts = dict.fromkeys(("connect", "write", "pool"), self.timeout) | {"read": pause}
        url, headers = self._address(request), self._headers(request)
        content = request.body or (b"" if request.method in _WITH_BODY else None)
        for again in range(RESENT + 1):
            self.meter.admit(request.method)
            start = time.perf_counter()
            end = start + min(longest, max(self.meter.left(), 0.1))
            with self._guard(request), ExitStack() as stack:
                with self._clock.until(end):
                    opened = stack.enter_context(self._connections.one()).stream(
                        request.method,
                        url,
                        headers=headers,
                        content=content,
                        extensions={"timeout": timeouts},
                    )
                    response = stack.enter_context(opened)
                head = Response(response.status, _text_of(response.headers))
                self.meter.answered(head.status)
                self._stray(request, head)
                if again < RESENT and self.meter.asked(head):
                    continue
                if whole:
                    stack.enter_context(self._clock.until(end))
                try:
                    yield head, response.iter_stream(), start
                finally:
                    if head.status >= 500:  # many servers close the connection then, unannounced
                        response.extensions["network_stream"].close()
                return

    def _stray(self, request: Request, head: Response) -> None:
        """Notes a redirect that leads away from the target."""
        location = head.headers.get("location", "")
        if head.status not in REDIRECTS or not location:
            return
        to = urlsplit(urljoin(request.url, location))
        if (to.scheme, to.netloc) != urlsplit(self.root)[:2]:
            path = urlsplit(request.url).path
            text = f"{request.method} {path} redirects to {to.scheme}://{to.hostname or ''}"
            self.strays[f"{text}, which was not called"] = None

    def _address(self, request: Request) -> httpcore2.URL:
        parts = urlsplit(request.url)
        if parts[:2] != urlsplit(self.root)[:2]:
            raise Refused(f"{request.url} is not at {self.root}")
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        found = self._url
        return httpcore2.URL(
            scheme=found.scheme,
            host=found.host,
            port=found.port,
            target=quote(path, safe=_UNQUOTED),
        )

    def _headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        given = {**self.headers, **request.headers}.items()
        found = [(_bytes_of(name), _bytes_of(value)) for name, value in given]
        names = {name.lower() for name, _ in found}
        return [(n, value) for n, value in self._usual.items() if n not in names] + found

    @contextmanager
    def _guard(self, request: Request) -> Iterator[None]:
        try:
            yield
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            self.meter.unanswered()
            raise self._unreachable(str(error)) from None
        except httpcore2.TimeoutException:
            self.meter.unanswered()
            raise NoAnswer(request, f"no answer in {self.timeout:g} s") from None
        except BROKEN as error:
            self.meter.unanswered()
            raise NoAnswer(request, f"the connection broke: {error}") from None

    def _unreachable(self, reason: str) -> SparringError:
        remedy = "Start it, or name another URL."
        return SparringError(
            Defect("C103", f"{self.root} can't be reached: {reason}", None, remedy)
        )


def _no_url(text: str) -> SparringError:
    return SparringError(Defect("C101", f"{text} is not a URL such as http://127.0.0.1:8000"))


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text_of(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as text; a name that stands there twice has both values (RFC 9110 5.3)."""
    found: dict[str, str] = {}
    for raw, data in headers:
        name = raw.decode("latin-1").lower()
        try:
            value = data.decode()
        except UnicodeDecodeError:
            value = data.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
