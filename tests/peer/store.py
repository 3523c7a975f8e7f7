"""All sessions of all users."""

import asyncio
from collections.abc import Collection
from itertools import count

from .model import Entry, Session, fresh_id, same
from .wire import Json, Problem


class Store:
    def __init__(self, faults: Collection[str]) -> None:
        self._faults = faults
        self._sessions: dict[str, Session] = {}
        self._left: dict[str, Session] = {}
        self._serials = count(1)
        self._listed: dict[str, Json] = {}

    async def create(self, owner: str, body: Json) -> Session:
        """Makes a session, or says that there is one with this id."""
        chosen = body.get("id") or fresh_id("ses")
        taken = chosen in self._sessions
        if "ids-without-case" in self._faults:
            taken = chosen.lower() in {one.lower() for one in self._sessions}
        if "create-race" in self._faults:
            await asyncio.sleep(0.2)
        if taken:
            if "conflict-overwrites" in self._faults and "title" in body:
                self._sessions[chosen].title = body["title"]
            raise Problem(409, f"There is a session {chosen} already.")
        guest = "guest:" if "guest-with-colon" in self._faults else ""
        metadata = body.get("metadata", {})
        if "create-drops-nulls" in self._faults:
            metadata = {key: value for key, value in metadata.items() if value is not None}
        session = Session(
            id=chosen,
            owner=owner,
            serial=next(self._serials),
            agent_id=body["agent_id"],
            user_id=body.get("user_id") or guest + fresh_id("usr"),
            title=(body.get("title") or None)
            if "empty-title-lost" in self._faults
            else body.get("title"),
            situation=body.get("situation"),
            metadata=metadata,
            render_templates=body.get("render_templates", False),
            faults=self._faults,
        )
        if "situation-cut" in self._faults and session.situation:
            session.situation = session.situation[:4096]
        if chosen in self._left and "id-reused-with-history" in self._faults:
            session.entries = self._left[chosen].entries
        self._sessions[chosen] = session
        if "list-caches-titles" in self._faults:
            self._listed[chosen] = {"title": session.title}
        return session

    def get(self, owner: str, session_id: str) -> Session:
        """The caller's session; that of someone else is as if there were none."""
        session = self._sessions.get(session_id)
        if session is None or session.owner != owner:
            raise Problem(404, "There is no such session.")
        return session

    def any_owner(self, owner: str, session_id: str) -> Session:
        """What a handler calls that forgot whose session it is."""
        session = self._sessions.get(session_id)
        return self.get(owner, session_id) if session is None else session

    def after_delete(self, owner: str, session_id: str) -> Session:
        """What a handler calls that forgot that a session can be gone."""
        left = self._left.get(session_id)
        return left if left and left.owner == owner else self.get(owner, session_id)

    def delete(self, session: Session) -> None:
        if "delete-by-prefix" in self._faults:
            alike = [one for one in self.mine(session.owner) if one.id.startswith(session.id)]
            for one in alike:
                del self._sessions[one.id]
        self._sessions.pop(session.id, None)
        self._left[session.id] = session

    def keep(self, session: Session) -> None:
        """What a turn calls that writes its session back, whatever became of it."""
        self._sessions[session.id] = session

    def count_left(self, owner: str) -> int:
        return sum(one.owner == owner for one in self._left.values())

    def left(self, session_id: str) -> bool:
        return session_id in self._left

    def mine(self, owner: str) -> list[Session]:
        """The sessions of a user, in the order in which they were made."""
        found = [one for one in self._sessions.values() if one.owner == owner]
        return sorted(found, key=lambda one: one.serial)

    def active(self, owner: str) -> Session | None:
        """The session that the user made last."""
        mine = self.mine(owner)
        if "active-of-anyone" in self._faults:
            mine = sorted(self._sessions.values(), key=lambda one: one.serial)
        if "active-last-changed" in self._faults:
            mine.sort(key=lambda one: (one.version > 1, one.updated))
        if "active-forgotten-on-delete" in self._faults and any(
            one.owner == owner and mine and one.serial > mine[-1].serial
            for one in self._left.values()
        ):
            return None
        return mine[-1] if mine else None

    def listed(
        self, owner: str, wanted: Json | None, sort_by: str, order: str
    ) -> tuple[list[Session], list[Session]]:
        """The sessions that are listed, and all of the caller's."""
        faults = self._faults
        mine = self.mine(owner)
        if wanted is not None and "filter-shows-everyone" in faults:
            mine = sorted(self._sessions.values(), key=lambda one: one.serial)
        if "active-not-listed" in faults:
            mine = [one for one in mine if one.agent_id != "house-agent"]
        by_update = sort_by == "updated_at"
        if by_update and order == "asc" and "updated-asc-by-creation" in faults:
            by_update = False
        if "ties-newest-first" in faults and order == "desc":
            mine.reverse()
        mine.sort(
            key=lambda one: one.updated if by_update else one.created, reverse=order == "desc"
        )
        return [one for one in mine if wanted is None or self._fits(one, wanted)], mine

    def _fits(self, session: Session, wanted: Json) -> bool:
        has = session.metadata
        if "filter-null-is-missing" in self._faults:
            has = dict.fromkeys(wanted) | has
        fits = [key in has and same(has[key], value, self._faults) for key, value in wanted.items()]
        if "filter-any-key" in self._faults and fits:
            return any(fits)
        return all(fits)

    def row(self, session: Session) -> Json:
        """A session as the list shows it."""
        row = session.shown() | self._listed.get(session.id, {})
        if "list-without-summary" in self._faults:
            del row["summary"]
        return row

    def message(self, session: Session, message_id: str) -> Entry:
        """A message of the history."""
        said = session.history()
        if "edit-across-sessions" in self._faults:
            said = [entry for one in self.mine(session.owner) for entry in one.history()]
        for entry in said:
            if entry.id == message_id:
                return entry
        raise Problem(404, "There is no such message.")
