"""The operations on the log of a session."""

import asyncio
import re
from time import monotonic

from aiohttp import web

from .model import Entry, Frame, Queue, Session, Turn, fresh_id
from .talk import Talk
from .turns import record
from .wire import STREAM, Json, choose, frame, json_response

_KINDS = ("message", "status", "tool_call", "tool_result")


class Events(Talk):
    async def list_events(self, request: web.Request) -> web.Response:
        session = self.session(request)
        first = self.integer(request, "min_offset", 0)
        limit = self.integer(request, "limit", 100, 1, 1000)
        kinds = self._kinds(request)
        if first and "min-offset-exclusive" in self.faults:
            first += 1
        found = [one for one in session.entries if one.offset >= first]
        if "greeting-lost-to-events" in self.faults:
            found = [
                one
                for one in found
                if (one.offset, one.source, one.kind) != (1, "agent", "message")
            ]
        if "types-after-limit" in self.faults:
            found = found[:limit]
        items = [one.event() for one in found if one.kind in kinds][:limit]
        if "user-event-with-extra" in self.faults:
            items = [
                one | {"key_hint": "ali..."} if one["source"] == "user" else one for one in items
            ]
        return json_response({"items": items})

    def _kinds(self, request: web.Request) -> tuple[str, ...]:
        text = self.query(request, "types")
        if text is None:
            return _KINDS
        kinds = tuple(text.split(","))
        if not set(kinds) <= set(_KINDS) and "types-unknown-ignored" not in self.faults:
            raise self.refuse("query", "types", f"There are only {', '.join(_KINDS)}.")
        return kinds[:1] if "types-first-only" in self.faults else kinds

    async def create(self, request: web.Request) -> web.StreamResponse:
        session = self.session(request)
        if "create-event-any-accept" not in self.faults:
            choose(request.headers.getall("Accept", []), (STREAM,), self.faults)
        body = await self.body(request, "event")
        async with self.floor(session):
            turn, queue = Turn(fresh_id("trn")), session.follow()
            if "first-frame-status" in self.faults:
                session.store(turn, "status", "agent", {"state": "thinking"})
            if body["type"] == "message":
                record(session, turn, [{"role": "user"} | body], self.faults)
                text = body["content"]
            else:
                data = {"result": body["result"], "tool_call_id": body["tool_call_id"]}
                if not body["result"] and "falsy-result-lost" in self.faults:
                    del data["result"]
                session.store(turn, "tool_result", "user", data)
                text = f"what {body['tool_call_id']} came back with"
            self.agent.begin(session, turn, text)
        try:
            return await self.stream_turn(request, session, turn, queue)
        finally:
            session.unfollow(queue)

    async def subscribe(self, request: web.Request) -> web.StreamResponse:
        session = self.session(request)
        wait = self.integer(request, "wait", 60, 0, 3600)
        if "wait-zero-is-default" in self.faults:
            wait = wait or 60
        seen = self._seen(request)
        choose(request.headers.getall("Accept", []), (STREAM,), self.faults)
        plain = seen is not None and "resume-as-text" in self.faults
        response = await self.open_stream(request, "text/plain" if plain else STREAM)
        if request.method == "HEAD":
            return response
        queue = self._queue(session)
        try:
            replay = self._replay(session, seen)
            if seen is not None and "resume-misses-running-turn" in self.faults:
                queue = asyncio.Queue() if session.running else queue
            for one in replay:
                await self._send(response, one)
            await self._follow(response, session, queue, wait)
        except ConnectionError:
            pass
        finally:
            for each in self.store.mine(session.owner):
                each.unfollow(queue)
        return response

    def _seen(self, request: web.Request) -> int | None:
        """The position up to which the client has seen the log."""
        text = request.headers.get("Last-Event-ID")
        if text is None:
            return None
        if not re.fullmatch("[0-9]{1,15}", text):
            if "last-event-id-unchecked" in self.faults:
                return None
            raise self.refuse("header", "Last-Event-ID", "It is not the id of an event.")
        if not int(text) and "resume-zero-is-none" in self.faults:
            return None
        return int(text)

    def _queue(self, session: Session) -> Queue:
        if "subscriber-hears-all-sessions" in self.faults:
            queue: Queue = asyncio.Queue()
            for one in self.store.mine(session.owner):
                one.followers.append(queue)
            return queue
        queue = session.follow()
        if "subscribers-share-queue" in self.faults and len(session.followers) > 1:
            session.followers.pop()
            return session.followers[0]
        return queue

    def _replay(self, session: Session, seen: int | None) -> list[Frame]:
        if seen is None:
            return list(session.frames) if "fresh-stream-replays" in self.faults else []
        frames = [one for one in session.frames if one.position > seen]
        if "resume-inclusive" in self.faults:
            frames = [one for one in session.frames if one.position >= seen]
        if "resume-stored-only" in self.faults:
            frames = [one for one in frames if isinstance(one.data, Entry)]
        return frames

    async def _follow(
        self, response: web.StreamResponse, session: Session, queue: Queue, wait: int
    ) -> None:
        """Sends what happens, until there is silence or no session."""
        until = monotonic() + wait
        while not (session.deleted and queue.empty()):
            try:
                if queue.empty():
                    one = await asyncio.wait_for(queue.get(), max(0, until - monotonic()))
                else:
                    one = queue.get_nowait()
            except TimeoutError:
                return
            if one is None:
                return
            if one.run and one.run.quiet:
                continue
            if "long-event-not-live" in self.faults and len(str(one.payload())) > 8000:
                continue
            await self._send(response, one)
            if "wait-counts-from-start" not in self.faults:
                until = monotonic() + wait
            elif monotonic() >= until:
                return

    async def _send(self, response: web.StreamResponse, one: Frame) -> None:
        payload: Json = one.payload()
        raw = frame(one.position, one.event, payload, self.faults)
        if "subscription-in-latin-1" in self.faults:
            raw = raw.decode().encode("latin-1", "replace")
        await response.write(raw)
