"""The operations that say something, and those that read what was said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from .base import Base
from .model import Queue, Session, Turn, fresh_id
from .turns import forget, halt, of_turn, record, silence
from .wire import JSON, STREAM, Json, Problem, choose, frame, json_response


class Talk(Base):
    @asynccontextmanager
    async def floor(self, session: Session) -> AsyncIterator[None]:
        """Waits until no other turn runs. The turn that is begun within frees the session."""
        await session.lock.acquire()
        try:
            self.store.get(session.owner, session.id)
            yield
        finally:
            if session.running is None:
                session.lock.release()

    async def chat(self, request: web.Request) -> web.StreamResponse:
        session = self.session(request)
        try:
            form = self._form(request)
            body = await self.body(request, "chat")
        except Problem as fail:
            if (fail.status == 406 and "not-acceptable-recorded" in self.faults) or (
                fail.status == 422 and "invalid-chat-half-recorded" in self.faults
            ):
                first = (await request.json())["messages"][:1]
                record(session, Turn(fresh_id("trn")), first, self.faults)
            raise
        known = len(session.entries)
        async with self.floor(session):
            turn, queue = Turn(fresh_id("trn")), session.follow()
            turn.quiet = form == JSON and "json-turns-not-live" in self.faults
            if "chat-race" in self.faults:
                while len(session.entries) > known:
                    session.entries.pop()
            record(session, turn, body["messages"], self.faults)
            last = session.history()[-1].data["content"]
            self.agent.begin(session, turn, last)
        return await self._answer(request, session, turn, queue, form)

    async def regenerate(self, request: web.Request) -> web.StreamResponse:
        session = self.session(request)
        form = self._form(request)
        async with self.floor(session):
            said = session.history()
            asked = next((one for one in reversed(said) if one.source == "user"), None)
            if asked is None and session.once_said is None:
                raise Problem(409, "There is nothing to answer.")
            turn, queue = Turn(asked.turn if asked else fresh_id("trn")), session.follow()
            text = session.once_said
            if asked is not None:
                text = asked.data["content"]
                behind = said[said.index(asked) + 1 :]
                again = any(one.past for one in session.entries)
                if "regenerate-keeps-old" not in self.faults and not (
                    again and "second-regenerate-keeps-old" in self.faults
                ):
                    forget(session, [one for one in behind if one.source == "agent"])
                if "regenerate-repeats-user" in self.faults:
                    record(session, turn, [{"role": "user", "content": text}], self.faults)
            self.agent.begin(session, turn, text)
        return await self._answer(request, session, turn, queue, form)

    async def edit(self, request: web.Request) -> web.StreamResponse:
        session = self.session(request)
        message_id = self.path_id(request, "message_id")
        self.store.message(session, message_id)
        form = self._form(request)
        if "edit-never-streams" in self.faults:
            form = JSON
        body = await self.body(request, "edit")
        async with self.floor(session):
            message = self.store.message(session, message_id)
            if message.source != "user" and "edit-of-agent-taken" not in self.faults:
                raise Problem(409, "This is not a message of the user.")
            said = session.history()
            behind = said[said.index(message) + 1 :] if message in said else []
            forget(session, behind[:1] if "edit-keeps-tail" in self.faults else behind)
            if "edit-unseen-by-events" in self.faults:
                message.first = message.data
            message.data = message.data | {"content": body["content"]}
            if "edit-loses-name" in self.faults:
                message.data.pop("name", None)
            session.touch()
            turn, queue = Turn(message.turn), session.follow()
            self.agent.begin(session, turn, body["content"])
        return await self._answer(request, session, turn, queue, form)

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """This agent calls no tools: there is never a call that waits, so nothing is said."""
        session = self.session(request)
        form = self._form(request)
        await self.body(request, "decide")
        async with self.floor(session):
            turn, queue = Turn(fresh_id("trn")), session.follow()
            self.agent.begin(session, turn, None)
        return await self._answer(request, session, turn, queue, form)

    async def stop(self, request: web.Request) -> web.Response:
        session = self.session(request)
        last = session.entries[-1].turn if session.entries else None
        if "stop-stops-another" in self.faults:
            busy = [one for one in self.store.mine(session.owner) if one.running is not None]
            session = busy[0] if busy else session
        turn = await halt(session)
        answer: Json = {"turn_id": turn.id if turn else None, "stopped": turn is not None}
        if turn is None and last and "stop-always-true" in self.faults:
            answer = {"turn_id": last, "stopped": True}
        if turn is None and "stop-omits-null-turn" in self.faults:
            del answer["turn_id"]
        return json_response(answer)

    async def history(self, request: web.Request) -> web.Response:
        session = self.session(request)
        offset, limit = self.page(request)
        rows = [one.message() for one in session.history()]
        total = len(rows)
        if "history-null-names" in self.faults:
            rows = [{"name": None} | row for row in rows]
        if "history-newest-page" in self.faults and not offset:
            rows = rows[-limit:]
        if "history-total-zero-behind" in self.faults and offset >= total:
            total = 0
        return json_response(self.paged(rows, offset, limit, total))

    async def clear(self, request: web.Request) -> web.Response:
        session = self.session(request)
        await silence(session)
        session.clear()
        if "clear-answers-200" in self.faults:
            return json_response({})
        return web.Response(status=204)

    async def suggestions(self, request: web.Request) -> web.Response:
        session = self.session(request)
        offset, limit = self.page(request)
        rows = session.suggestions[::-1]
        if "suggestions-oldest-first" in self.faults:
            rows.reverse()
        if "suggestions-of-all-sessions" in self.faults:
            rows = [row for one in self.store.mine(session.owner) for row in one.suggestions]
        if "suggestion-time-with-space" in self.faults:
            rows = [row | {"created_at": row["created_at"].replace("T", " ")} for row in rows]
        total = len(rows)
        if "suggestions-limit-before-offset" in self.faults:
            rows = rows[:limit]
        page = self.paged(rows, offset, limit, total)
        if "suggestion-total-text" in self.faults:
            page["total"] = str(page["total"])
        return json_response(page)

    def _form(self, request: web.Request) -> str:
        """The media type that the client would have."""
        return choose(request.headers.getall("Accept", []), (JSON, STREAM), self.faults)

    async def _answer(
        self, request: web.Request, session: Session, turn: Turn, queue: Queue, form: str
    ) -> web.StreamResponse:
        try:
            if form == STREAM:
                return await self.stream_turn(request, session, turn, queue)
        finally:
            session.unfollow(queue)
        await turn.over.wait()
        prompt, completion = turn.words
        messages = [one.message() for one in turn.said]
        if "reply-repeats-user" in self.faults:
            messages = [one.message() for one in session.history() if one.turn == turn.id]
        if "reply-with-other-id" in self.faults:
            messages = [message | {"id": fresh_id("msg")} for message in messages]
        answer: Json = {
            "messages": messages,
            "usage": {
                "total_tokens": prompt + completion,
                "completion_tokens": completion,
                "prompt_tokens": prompt,
            },
            "finish_reason": turn.finish,
            "turn_id": turn.id,
        }
        if turn.finish == "stopped" and "usage-null-when-stopped" in self.faults:
            answer["usage"] = None
        if not messages and "approval-without-turn" in self.faults:
            answer["turn_id"] = None
        return json_response(answer)

    async def stream_turn(
        self, request: web.Request, session: Session, turn: Turn, queue: Queue
    ) -> web.StreamResponse:
        """A turn as an event stream."""
        response = await self.open_stream(request)
        try:
            async for position, event, data in of_turn(queue, turn):
                await response.write(frame(position, event, data, self.faults))
        except ConnectionError:
            if "disconnect-holds-session" in self.faults:
                await turn.over.wait()
                await session.lock.acquire()
        if "frame-after-done" in self.faults:
            late = session.store(turn, "status", "agent", {"state": "ready"})
            await response.write(frame(session.position, "status", late.event(), self.faults))
        if "streamed-reply-forgotten" in self.faults:
            forget(session, turn.said)
        return response

    async def open_stream(self, request: web.Request, kind: str = STREAM) -> web.StreamResponse:
        headers = {"Cache-Control": "no-store", "Content-Type": kind, "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        if request.method != "HEAD":
            await response.write(b": here it comes\n\n")
        return response
