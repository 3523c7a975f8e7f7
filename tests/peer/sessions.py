"""The operations on sessions."""

import asyncio
import html

from aiohttp import web

from .base import Base
from .model import Session, Turn, fresh_id, merge
from .turns import silence
from .wire import JSON, Json, Problem, dump, json_response


def _tagged(session: Session, status: int = 200, **headers: str) -> web.Response:
    return json_response(session.shown(), status, ETag=session.etag, **headers)


class Sessions(Base):
    async def create(self, request: web.Request) -> web.Response:
        caller = self.caller(request)
        default = "true" if "greeting-unasked" in self.faults else "false"
        other = {"true", "false"} - {default}
        if request.query.get("allow_greeting") in {"1", "True"} and (
            "boolean-loose" in self.faults
        ):
            greeting = "true"
        else:
            greeting = self.choice(request, "allow_greeting", default, *other)
        body = await self.body(request, "create")
        session = await self.store.create(caller, body)
        if greeting == "true":
            self._greet(session)
        status = 200 if "id" in body and "chosen-id-200" in self.faults else 201
        place = session.id.lower() if "location-lowercase" in self.faults else session.id
        return _tagged(session, status, Location=f"sessions/{place}")

    def _greet(self, session: Session) -> None:
        turn = Turn(fresh_id("trn"))
        session.store(turn, "status", "agent", {"state": "typing"})
        greeting = {"content": "Good to see you. What is it about?", "status": "complete"}
        session.store(turn, "message", "agent", greeting)
        session.show(turn, "done", {"finish_reason": "stop", "turn_id": turn.id})

    async def list_sessions(self, request: web.Request) -> web.Response:
        caller = self.caller(request)
        offset, limit = self.page(request)
        sort_by = self.choice(request, "sort_by", "created_at", "updated_at")
        order = self.choice(request, "order", "desc", "asc")
        wanted = self.wanted_metadata(request)
        if offset and "filter-lost-on-later-page" in self.faults:
            wanted = None
        found, mine = self.store.listed(caller, wanted, sort_by, order)
        total = len(mine) if "filter-counts-all" in self.faults else len(found)
        if "total-counts-deleted" in self.faults:
            total += self.store.count_left(caller)
        if "filter-after-page" in self.faults:
            found = [one for one in mine[offset : offset + limit] if one in found]
            offset = 0
        return json_response(
            self.paged([self.store.row(one) for one in found], offset, limit, total)
        )

    async def active(self, request: web.Request) -> web.Response:
        caller = self.caller(request)
        session = self.store.active(caller)
        if session is None:
            session = await self.store.create(caller, {"agent_id": "house-agent"})
        return self._read(request, session)

    async def get(self, request: web.Request) -> web.Response:
        session = self.session(request)
        if "read-counts-as-change" in self.faults:
            session.touch()
        if request.method == "HEAD" and "head-not-allowed" in self.faults:
            raise Problem(405, "HEAD is not allowed.", headers={"Allow": "GET"})
        return self._read(request, session)

    def _read(self, request: web.Request, session: Session) -> web.Response:
        if self.unchanged(request, session):
            return web.Response(status=304, headers={"ETag": session.etag})
        return _tagged(session)

    async def replace(self, request: web.Request) -> web.Response:
        session = self.session(request)
        self.if_match_syntax(request)
        body = await self.body(request, "replace")
        self.store.get(session.owner, session.id)
        before = session.etag
        self.precondition(request, session)
        session.title = body.get("title")
        if session.title and "put-escapes-title" in self.faults:
            session.title = html.escape(session.title)
        if "situation" in body or "put-keeps-situation" not in self.faults:
            session.situation = body.get("situation")
        kept = session.metadata if "put-merges-metadata" in self.faults else {}
        session.metadata = kept | body.get("metadata", {})
        if "render_templates" in body or "put-keeps-templates" not in self.faults:
            session.render_templates = body.get("render_templates", False)
        session.touch()
        answer = _tagged(session)
        if "put-returns-old-etag" in self.faults:
            answer.headers["ETag"] = before
        if "put-omits-nulls" in self.faults:
            shown = {key: value for key, value in session.shown().items() if value is not None}
            answer = json_response(shown, ETag=session.etag)
        return answer

    async def patch(self, request: web.Request) -> web.Response:
        session = self.session(request)
        self.if_match_syntax(request)
        tag = session.etag
        try:
            body = await self.body(request, "patch", JSON, "application/merge-patch+json")
        except Problem as fail:
            if fail.status == 422 and "invalid-patch-half-done" in self.faults:
                title = (await request.json())["title"]
                session.title = title if isinstance(title, str) else None
            raise
        self.store.get(session.owner, session.id)
        if "patch-written-before-if-match" in self.faults:
            self._change(session, body)
            session.version -= 1
        if "if-match-race" in self.faults and tag in request.headers.get("If-Match", ""):
            await asyncio.sleep(0.2)
        else:
            self.precondition(request, session)
        if "patch-race" in self.faults:
            await self._slow_change(session, body)
        else:
            self._change(session, body)
        answer = _tagged(session)
        if "patch-etag-unquoted" in self.faults:
            answer.headers["ETag"] = session.etag.strip('"')
        return answer

    async def _slow_change(self, session: Session, body: Json) -> None:
        """What a read, a pause and a write are."""
        seen = dict(session.metadata)
        await asyncio.sleep(0.2)
        session.metadata = seen
        self._change(session, body)

    def _change(self, session: Session, body: Json) -> None:
        before = dump(session.shown())
        if "title" in body and not (body["title"] is None and "patch-keeps-title" in self.faults):
            session.title = body["title"]
        if "title-cut-at-astral" in self.faults and session.title:
            astral = [place for place, char in enumerate(session.title) if char > "\uffff"]
            session.title = session.title[: astral[0]] if astral else session.title
        if "situation" in body:
            session.situation = body["situation"]
        if "metadata" in body:
            session.metadata = merge(session.metadata, body["metadata"], self.faults)
        if "render_templates" in body and (
            body["render_templates"] or "patch-ignores-false" not in self.faults
        ):
            session.render_templates = body["render_templates"]
        if "user_id" in body:
            session.user_id = body["user_id"]
        if dump(session.shown()) != before:
            session.touch()

    async def delete(self, request: web.Request) -> web.Response:
        if "second-delete-204" in self.faults and self.store.left(self.path_id(request)):
            return web.Response(status=204)
        session = self.session(request)
        self.if_match_syntax(request)
        if "delete-ignores-if-match" not in self.faults:
            self.precondition(request, session)
        self.store.delete(session)
        ran = session.running is not None
        await silence(session)
        if ran and "delete-undone-by-turn" in self.faults:
            self.store.keep(session)
        if "delete-leaves-streams" not in self.faults:
            session.close()
        return web.Response(status=204)
