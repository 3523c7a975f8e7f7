"""The store of sessions, and the turns that run in them."""

import asyncio
from datetime import datetime
from functools import partial
from time import monotonic

from starlette.responses import Response

from . import agent, tools
from .damage import attributes_as_stored, new_attributes_as_stored
from .model import (
    STORED,
    TICK,
    Entry,
    Input,
    JsonObject,
    Session,
    Turn,
    Wedged,
    new_id,
    now,
)
from .problem import Problem
from .values import same
from .views import stamp

DEFAULTS: JsonObject = {
    "title": None,
    "situation": None,
    "metadata": {},
    "render_templates": False,
}
GHOST = 0.5  # seconds
GREETING = "Grüezi! I am the agent of this session; ask me whatever you like."


class Backend:
    def __init__(self, faults: frozenset[str], pace: float) -> None:
        self.faults = faults
        self.pace = pace
        self.sessions: dict[str, Session] = {}
        self.deleted: dict[str, Session] = {}
        self.made_under: dict[tuple[str, str], Session] = {}
        self.cache: dict[tuple[str, ...], tuple[float, Response]] = {}
        self._revision = 0
        self._now = now()

    # Sessions

    def _unused_id(self) -> str:
        return f"session-{len(self.sessions)}" if "ids_are_counts" in self.faults else new_id()

    def create(self, owner: str, body: JsonObject, *, greeting: bool = False) -> Session:
        chosen = body.get("id")
        if "client_id_ignored" in self.faults:
            chosen = None
        user = body.get("user_id")
        if user is None or "user_id_ignored" in self.faults:
            user = f"guest_{new_id()}"
        moment = self._clock()
        session = Session(
            id=chosen or self._unused_id(),
            owner=owner,
            agent_id=body.get("agent_id", "agent"),
            user_id=user,
            attributes=new_attributes_as_stored(_attributes(DEFAULTS, body), self.faults),
            created_at=moment,
            updated_at=moment,
            revision=self._next_revision(),
            id_was_chosen=chosen is not None,
        )
        if "situation_lost_without_title" in self.faults and session.attributes["title"] is None:
            session.attributes = session.attributes | {"situation": None}
        if "create_takes_created_at" in self.faults and "created_at" in body:
            session.created_at = datetime.fromisoformat(body["created_at"])
        if "create_takes_message_count" in self.faults:
            session.miscounted = body.get("message_count", 0)
        self.sessions.pop(session.id, None)  # a session made anew is the last one made
        self.sessions[session.id] = session
        if "recreated_with_old_history" in self.faults and session.id in self.deleted:
            old = self.deleted[session.id]
            session.position, session.offset = old.position, old.offset
            session.log.entries = old.log.entries
        if (greeting and "greeting_missing" not in self.faults) or "greeting_always" in self.faults:
            self._greet(session)
        return session

    def update(self, session: Session, attributes: JsonObject) -> None:
        attributes = attributes_as_stored(_attributes(DEFAULTS, attributes), self.faults)
        if same(attributes, session.attributes):
            return
        session.attributes = attributes
        if "created_at_moves" in self.faults:
            session.created_at = self._clock() + TICK
        self.touch(session)

    def assign(self, session: Session, body: JsonObject) -> None:
        """The faults that take what only the server sets."""
        if "update_takes_user_id" in self.faults and "user_id" in body:
            session.user_id = body["user_id"]
        if "update_takes_updated_at" in self.faults and "updated_at" in body:
            session.updated_at = datetime.fromisoformat(body["updated_at"])

    def hang_up(self, session: Session, turn: Turn) -> None:
        """The faults of a turn whose client has gone away."""
        if turn.task is None:
            return
        if {"disconnect_stops_turn", "disconnect_keeps_half"} & set(self.faults):
            turn.task.cancel()
        if "disconnect_keeps_half" in self.faults:
            first = next((e.data for e in turn.feed.entries if e.name == "chunk"), None)
            if first is not None:
                self._reply(session, turn, first["message_id"], first["text"], "complete")
        if "disconnect_loses_question" in self.faults:
            session.unrecorded |= {e["id"] for e in session.messages()[-1:]}
        if "disconnect_wedges_session" in self.faults:
            turn.task.add_done_callback(lambda _: setattr(session, "turns", Wedged()))

    def touch(self, session: Session, *, talk: bool = False) -> None:
        """Note that the session is another one than before."""
        if "updated_at_frozen" not in self.faults:
            session.updated_at = max(self._clock(), session.updated_at + TICK)
        if not (talk and "etag_ignores_talk" in self.faults):
            session.revision = self._next_revision()

    def delete(self, session: Session) -> None:
        del self.sessions[session.id]
        session.deleted = True
        session.deleted_at = monotonic()
        if self.faults:
            self.deleted[session.id] = session
        if session.turn is not None:
            session.turn.stop.set()  # the turn says why it ends, then closes the log
        else:
            self._close_log(session)

    async def clear(self, session: Session) -> None:
        """Forget the talk, once the running turn is over."""
        async with session.turns:
            if session.log.entries:
                self.touch(session, talk=True)
            if "clear_keeps_message_count" in self.faults:
                session.miscounted += len(session.messages())
            if "clear_keeps_events" in self.faults:
                session.unrecorded |= {event["id"] for event in session.messages()}
            else:
                session.log.entries.clear()
            session.waiting = None
            if "clear_keeps_suggestions" not in self.faults:
                session.suggestions.clear()

    # Turns

    def begin(self, session: Session, inputs: list[Input], *, streamed: bool) -> Turn:
        """Start a turn, which goes on whether or not anyone waits for it."""
        if session.wedged:
            raise Problem(409, "The agent still speaks.")
        turn = Turn(inputs, streamed)
        if session.stop_waits:
            session.stop_waits = False
            turn.stop.set()
        session.begun += 1
        turn.task = asyncio.create_task(self._run(session, turn))
        return turn

    async def _run(self, session: Session, turn: Turn) -> None:
        decides = any(said.kind == "decision" for said in turn.inputs)
        is_free = "turns_interleave" in self.faults or (decides and "decisions_race" in self.faults)
        lock = asyncio.Lock() if is_free else session.turns
        turn.late = lock.locked()
        async with lock:
            before = session.attributes
            try:
                if not session.deleted:
                    session.turn = turn
                    await self._play(session, turn)
            finally:
                session.turn = None
                session.begun -= 1
                if "turn_writes_session_back" in self.faults:
                    session.attributes = before
                turn.feed.close()
                turn.started.set()
                turn.finished.set()
                if session.deleted:
                    self._close_log(session)

    async def _play(self, session: Session, turn: Turn) -> None:
        said = turn.inputs[-1]
        settled = tools.settle(session, said, self.faults)
        if said.kind == "decision" and settled is None:
            turn.finish_reason = "stop"
            self._end(session, turn)
            return
        is_lost = settled is not None and "awaited_result_not_stored" in self.faults
        for heard in turn.inputs:
            if heard.kind in STORED and not is_lost:
                self.store(session, turn, heard.kind, heard.source, heard.data)
        self.store(session, turn, "status", "agent", {"state": "typing"})
        turn.started.set()
        text, message_id, said_so_far = agent.reply_to(said.text), new_id(), ""
        turn.finish_reason = await tools.act(self, session, turn, said, settled)
        if turn.finish_reason == "stop":
            said_so_far = await self._speak(session, turn, message_id, text)
        if session.deleted:
            error = {"code": "session_deleted", "message": "The session was deleted."}
            self.emit(session, turn, "error", {"turn_id": turn.id, **error})
        elif turn.stop.is_set():
            self._end_stopped(session, turn, message_id, said_so_far, text)
        elif turn.finish_reason == "error":
            tools.break_off(self, session, turn)
            if "done_after_error" in self.faults:
                self._end(session, turn)
        else:
            if turn.finish_reason == "stop":
                turn.reply = self._reply(session, turn, message_id, text, "complete")
                self._suggest(session, turn, message_id, said.text)
            self._end(session, turn)

    async def _speak(self, session: Session, turn: Turn, message_id: str, text: str) -> str:
        """Send the text piece by piece; the answer is how far that went."""
        pieces = agent.pieces_of(text)
        for index, piece in enumerate(pieces):
            if await turn.stopped_within(self.pace):
                return "".join(pieces[:index])
            if "last_chunk_lost" in self.faults and index == len(pieces) - 1:
                continue
            chunk = {"turn_id": turn.id, "message_id": message_id, "index": index, "text": piece}
            if "chunk_ascii_only" in self.faults:
                chunk["text"] = piece.encode("ascii", "replace").decode()
            if "chunk_index_stuck" in self.faults:
                chunk["index"] = 0
            if "chunk_message_id_differs" in self.faults:
                chunk["message_id"] = message_id[::-1]
            self.emit(session, turn, "chunk", chunk)
            if "chunk_sent_twice" in self.faults and index == 1:
                self.emit(session, turn, "chunk", chunk)
        return text

    def _end_stopped(
        self, session: Session, turn: Turn, message_id: str, said: str, whole: str
    ) -> None:
        turn.finish_reason = "stopped"
        if said and "stop_loses_partial_text" not in self.faults:
            if "stop_stores_whole_reply" in self.faults:
                said = whole
            status = "complete" if "stop_not_marked" in self.faults else "stopped"
            turn.reply = self._reply(session, turn, message_id, said, status)
        if "stopped_agent_goes_on" in self.faults:
            store = partial(self.store, session, turn, "message", "agent")
            data = {"content": whole, "status": "complete"}
            asyncio.get_running_loop().call_later(GHOST, store, data, new_id())
        if "stopped_event_missing" in self.faults:
            self._end(session, turn)
            return
        cut_short = message_id if said else None
        self.emit(session, turn, "stopped", {"turn_id": turn.id, "message_id": cut_short})

    def _reply(
        self, session: Session, turn: Turn, message_id: str, text: str, status: str
    ) -> JsonObject:
        if "not_recorded_after_stream" in self.faults and turn.streamed:
            session.unrecorded.add(message_id)
        if "reply_not_recorded" in self.faults and not turn.streamed:
            session.unrecorded.add(message_id)
        if "late_reply_lost" in self.faults and turn.streamed and turn.late:
            session.unrecorded.add(message_id)
        if "tool_reply_not_recorded" in self.faults and tools.called(turn):
            session.unrecorded.add(message_id)
        data = {"content": text, "status": status}
        return self.store(session, turn, "message", "agent", data, message_id)

    def _suggest(self, session: Session, turn: Turn, message_id: str, asked: str) -> None:
        if "suggestion_of_wrong_message" in self.faults and turn.inputs:
            message_id = session.events()[-3]["id"]
        texts = agent.suggestions_after(asked)
        created_at = stamp(self._clock())
        for text in texts:
            suggestion = {
                "id": new_id(),
                "session_id": session.id,
                "message_id": message_id,
                "content": text,
                "created_at": created_at,
            }
            session.suggestions.append(suggestion)
        told = {"turn_id": turn.id, "message_id": message_id, "suggestions": texts}
        self.emit(session, turn, "suggestions", told)

    def _greet(self, session: Session) -> None:
        turn = Turn([], streamed=False)
        message_id = new_id()
        turn.finish_reason = "stop"
        self._reply(session, turn, message_id, GREETING, "complete")
        self._suggest(session, turn, message_id, "your plans")
        self._end(session, turn)

    def _end(self, session: Session, turn: Turn) -> None:
        if "finish_stop_where_call_waits" in self.faults and session.waiting:
            turn.finish_reason = "stop"
        done = {"turn_id": turn.id, "finish_reason": turn.finish_reason}
        if "done_missing" in self.faults:
            return
        if "tool_turn_without_done" not in self.faults or not tools.called(turn):
            self.emit(session, turn, "done", done)

    # The log

    def store(
        self,
        session: Session,
        turn: Turn,
        kind: str,
        source: str,
        data: JsonObject,
        event_id: str | None = None,
    ) -> JsonObject:
        event: JsonObject = {
            "id": event_id or new_id(),
            "offset": session.offset,
            "turn_id": turn.id,
            "type": kind,
            "source": source,
            "created_at": stamp(self._clock()),
            "data": data,
        }
        if "turn_id_differs" in self.faults and source == "agent":
            event["turn_id"] = new_id()
        if kind != "tool_result" or "tool_offsets_repeat" not in self.faults:
            session.offset += 1
        self.emit(session, turn, kind, event)
        if kind != "status":
            self.touch(session, talk=True)
        return event

    def emit(self, session: Session, turn: Turn, name: str, data: JsonObject) -> None:
        session.position += 1
        shown = session.position
        if "ids_restart" in self.faults:
            shown = len(turn.feed.entries) + 1
        if "tool_ids_repeat" in self.faults and name.startswith("tool_"):
            shown -= 1
        entry = Entry(session.position, name, data, shown)
        session.log.append(entry)
        turn.feed.append(entry)
        if "events_reach_everyone" in self.faults:
            for other in self.sessions.values():
                if other.owner != session.owner:
                    other.position += 1
                    other.log.append(Entry(other.position, name, data, other.position))

    def _close_log(self, session: Session) -> None:
        if "subscribe_outlives_session" not in self.faults:
            session.log.close()

    # Time and versions

    def _clock(self) -> datetime:
        """The time; it never runs backwards."""
        self._now = max(self._now, now())
        return self._now

    def _next_revision(self) -> int:
        self._revision += 1
        return self._revision


def _attributes(defaults: JsonObject, given: JsonObject) -> JsonObject:
    return {name: given.get(name, default) for name, default in defaults.items()}
