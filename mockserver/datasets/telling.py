"""Tells a conversation to the mock as a client would, in no time, and keeps what was exchanged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import Message, Scope

from sparring.fixtures.content import Conversation
from sparring.fixtures.exchanges import Told
from sparring.fixtures.playing.dialogue import lines_of
from sparring.fixtures.requests import Requests
from sparring.fixtures.script import Script
from sparring.fixtures.script.cast import Cast
from sparring.spec import pointers
from sparring.spec.exchange import Exchange, Request, Response
from sparring.spec.meaning.binding import Role
from sparring.spec.model import Entry
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.streams.framing import EVENT_STREAM, framing_of, is_json

from ..api import Api
from ..worlds.clock import ManualClock
from ..worlds.turns import SESSIONS, decode_session, read_log
from ..worlds.world import World

LINES = ("Hello!", "What's the weather in SF?", "Tell me a story.", "Thanks, bye!")
_SPOKEN = (Role.MESSAGE_CREATE, Role.RUN_CREATE)
_VIA = ("sse", "body", "subscribe", "poll", "none")
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Talk:
    """One way to speak with the agent: an operation, and the media type of the stream of its
    answer; without one the answer is a whole body."""

    operation: Operation
    stream: str | None = None

    def rank(self) -> tuple[bool, int]:
        """Less for what shows more."""
        binding = self.operation.binding
        assert binding is not None
        via = "sse" if self.stream else binding.via
        return binding.input is None, _VIA.index(via) if via in _VIA else len(_VIA)


class Teller:
    """A client of a mock of its own, whose clock it moves: the same seed, the same exchanges."""

    def __init__(self, document: Document, cast: Cast, *, seed: str, url: str) -> None:
        self.document = document
        self._cast = cast
        self._begin(seed)
        self.requests = Requests(document, base=url, key=next(iter(self.world.keys)), seed=seed)
        self._api = Api(document, self.world)

    def begin_again(self, seed: str) -> None:
        """Goes on in a new world, where nothing has been said; what is compiled stays."""
        self._begin(seed)
        self._api.world = self.world
        self.requests.begin_again(seed)
        self.requests.key = next(iter(self.world.keys))

    def _begin(self, seed: str) -> None:
        self.clock = ManualClock()
        self.world = World(cast=self._cast, seed=seed, clock=self.clock)
        self.told: list[Told] = []
        self._chance = random.Random(f"{seed}/teller")

    def call(self, operation: Operation, **said: Any) -> Told:
        """Calls an operation; what is said goes to `Requests.write`."""
        return asyncio.run(self.ask(operation, **said))

    def converse(
        self, talk: Talk, lines: Sequence[str], **create: Any
    ) -> tuple[list[Told], list[Entry]]:
        """Makes a session, says each line, and reads whatever there is to read of it: what was
        exchanged, and the log of the session. `create` goes to the request that makes it."""
        return asyncio.run(self._converse(talk, lines, create))

    def stage(self, script: Script, seed: str = "told") -> list[str]:
        """Lets a script play, with what it draws from a seed: the lines to converse with."""
        self.world.cast, self.world.play_seed = Cast([script]), seed
        return lines_of(script, f"{self.world.seed}/{seed}") or list(LINES)

    async def _converse(
        self, way: Talk, lines: Sequence[str], create: Mapping[str, Any]
    ) -> tuple[list[Told], list[Entry]]:
        first, talk = len(self.told), way.operation
        session = await self.speak(way, lines, create)
        await self.clock.advance(1)
        for role in (Role.SESSION_GET, Role.MESSAGE_LIST, Role.SUGGESTION_LIST, Role.SESSION_LIST):
            found = self.requests.nearest(role, talk)
            if found is not None and session is not None:
                await self.ask(found, session=session)
        log = await read_log(self.world, session) if session is not None else []
        return self.told[first:], log

    async def speak(
        self, way: Talk, lines: Sequence[str], create: Mapping[str, Any], own: str | None = None
    ) -> str | None:
        """Makes a session and says each line: the id of the session, where it has one; `own` is
        that which the client gives it, where clients do."""
        session = await self._open(way.operation, create, own)
        for line in lines:
            await self.clock.advance(2 + self._chance.random() * 8)
            session = await self._say(way, line, session)
        return session

    async def _open(
        self, talk: Operation, create: Mapping[str, Any], own: str | None
    ) -> str | None:
        """The session to talk in: a new one, or an id of the client's where none is made first."""
        binding, operation = talk.binding, self.requests.nearest(Role.SESSION_CREATE, talk)
        assert binding is not None
        place = self.requests.session_place(talk)
        if operation is not None and (place is not None or not binding.implicit):
            greeting = operation.binding.greeting if operation.binding else None
            also = [(greeting, True)] if greeting is not None else []
            told = await self.ask(operation, also=also, **create)
            return made_id(operation, told)
        if place is None or (place.part == "body" and binding.implicit and binding.run.session):
            return None
        return own or self.requests.new_id(talk)

    async def _say(self, way: Talk, line: str, session: str | None) -> str | None:
        talk, binding = way.operation, way.operation.binding
        assert binding is not None
        if binding.input is None:  # the agent answers what was said before
            before = self.requests.nearest(Role.MESSAGE_CREATE, talk)
            if before is not None:
                await self.ask(before, session=session, text=line)
        text = line if binding.input is not None else None
        told = await self.ask(talk, session=session, text=text, stream=way.stream)
        if session is None and binding.run.session is not None:
            found = pointers.first(told.exchange.response.json(), binding.run.session)
            session = await self._newest() if found is None else str(found)
        get = self.requests.nearest(Role.RUN_GET, talk)
        if binding.role is Role.RUN_CREATE and binding.via == "poll" and get is not None:
            await self._settle()
            run = await self.ask(get, session=session, target=made_id(talk, told))
            if run.exchange.response.status >= 400:
                self.told.pop()  # it is of runs of another kind
        await self._settle()
        return session

    async def _newest(self) -> str | None:
        """The session that was made last, where only a stream says which it is."""
        owner = self.world.somebody
        found = await self.world.store.page(SESSIONS, owner, 0, 1, newest_first=True)
        return decode_session(found[0]).id if found else None

    async def _settle(self) -> None:
        """Moves the time until nothing is left that waits for it."""
        while await self.clock.advance_to_next() is not None:
            pass

    async def ask(self, operation: Operation, **said: Any) -> Told:
        """Calls an operation, inside an event loop."""
        request = self.requests.write(operation, **said)
        response, pieces, seconds = await self._send(request)
        told = Told(operation, Exchange(request, response, seconds), pieces)
        self.told.append(told)
        return told

    async def _send(self, request: Request) -> tuple[Response, list[tuple[float, bytes]], float]:
        messages: list[Message] = []
        pieces: list[tuple[float, bytes]] = []
        began = last = self.clock.monotonic()
        asked = [{"type": "http.request", "body": request.body, "more_body": False}]

        async def receive() -> Message:
            if not asked:
                await asyncio.get_running_loop().create_future()  # the client stays
            return asked.pop()

        async def send(message: Message) -> None:
            nonlocal last
            messages.append(message)
            if message["type"] == "http.response.body" and message.get("body"):
                now = self.clock.monotonic()
                pieces.append((now - last, bytes(message["body"])))
                last = now

        scope = _scope(request, urlsplit(self.requests.base).path)
        task = asyncio.ensure_future(self._api(scope, receive, send))
        while not task.done():
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            if not task.done():
                await self.clock.advance_to_next()
        await task
        headers = {
            k.decode("latin-1").lower(): v.decode("latin-1") for k, v in messages[0]["headers"]
        }
        response = Response(messages[0]["status"], headers, b"".join(p for _, p in pieces))
        kept = pieces if framing_of(headers.get("content-type", "")) else []
        return response, kept, self.clock.monotonic() - began


def conversations(
    document: Document, scripts: Iterable[Script], *, seed: str, url: str
) -> Iterator[Conversation]:
    """A conversation with each script, whole and streamed as far as the document has both."""
    teller = Teller(document, Cast(), seed=seed, url=url)
    best = best_talks(document)
    for script in scripts:
        for talk in best:
            teller.begin_again(f"{seed}/{script.name}")
            told, log = teller.converse(talk, teller.stage(script))
            yield Conversation(script.name, told, log, talk.stream is not None)


def best_talks(document: Document) -> list[Talk]:
    """The best way to speak that is answered as a whole, and the best that is streamed."""
    found: dict[bool, Talk] = {}
    for talk in talks(document):
        found.setdefault(talk.stream is not None, talk)
    return [talk for _, talk in sorted(found.items())]


def talks(document: Document) -> list[Talk]:
    """The ways in which a user speaks with the agent, the best to show first: those whose answer
    has the reply, streamed before whole; what answers in both forms stands twice."""
    found = []
    for operation in (o for role in _SPOKEN for o in document.with_role(role)):
        content = operation.success[1].content if operation.success else {}
        binding, stream = operation.binding, next(filter(framing_of, content), None)
        assert binding is not None
        if stream or binding.via == "sse":
            found.append(Talk(operation, stream or EVENT_STREAM))
        if binding.via != "sse" or any(map(is_json, content)):
            found.append(Talk(operation))
    return sorted(found, key=Talk.rank)


def made_id(operation: Operation, told: Told) -> str | None:
    """The id of what an operation has made."""
    binding = operation.binding
    found = pointers.first(told.exchange.response.json(), binding.id) if binding else None
    return None if found is None else str(found)


def _scope(request: Request, root: str) -> Scope:
    parts = urlsplit(request.url)
    headers = {"Host": parts.netloc, **request.headers}
    if request.body:
        headers["Content-Length"] = str(len(request.body))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode("ascii"),
        "root_path": root,
        "query_string": parts.query.encode("ascii"),
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": (parts.hostname, parts.port),
    }
