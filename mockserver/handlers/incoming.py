"""What a client sends into a session, as entries of its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import msgspec

from sparring.fixtures.playing.player import Heard
from sparring.fixtures.shaping.wire import Wire
from sparring.spec import pointers
from sparring.spec.meaning.binding import Binding
from sparring.spec.model import Entry, Session
from sparring.spec.openapi.document import Operation
from sparring.spec.turn import Kind

from ..requests.requests import Request
from ..worlds.turns import Journal


@dataclass(slots=True)
class Said:
    """The entries that record what came; `heard` is for the agent, None where there is nothing to
    answer. `results` are those of tools, by the id of the call; `attempt` counts how often this was
    answered before."""

    entries: list[Entry] = field(default_factory=list)
    heard: Heard | None = None
    results: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 0

    @property
    def text(self) -> str | None:
        """The text of the user."""
        return self.heard.text if self.heard is not None else None


class Incoming:
    """Turns the requests of one operation into entries."""

    def __init__(self, wire: Wire, operation: Operation, binding: Binding) -> None:
        self._binding = binding
        self._row = binding.row or wire.model.message
        self._kinds = (binding.row or wire.model.event).kind
        self._read_input = binding.input.read if binding.input else None
        at = binding.messages
        text = self._row.text or ("content",)
        if at is not None and binding.input is not None:
            text = pointers.split(binding.input.name)[len(at) + 1 :]
        self._read_text = pointers.getter(text)
        words = self._row.role
        self._roles = {theirs: ours for ours, theirs in words.words.items()} if words else {}
        # Where a message stands inside the answer, it may not do so in what is sent.
        own = self._row.text or ()
        above = own[: -len(text)] if own[-len(text) :] == text else ()
        role_at = words.at[len(above) :] if words and words.at[: len(above)] == above else ("role",)
        self._read_role = pointers.getter(role_at) if words else None
        self._known = frozenset({text[0], *(role_at[:1] if words else ())})
        self._read_messages = pointers.getter(at) if at is not None else None
        self._role_places = self._where_role_is()
        shaper, each = wire.request_shaper, (*(at or ()), pointers.EACH)
        elements = [shaper.at(media.schema, each) for media in operation.body.values()]
        self._names = frozenset(name for schema in elements for name in shaper.named(schema))

    def _where_role_is(self) -> list[tuple[str, ...]]:
        """Where a body with one message may say whose it is: beside its text, as the row does."""
        words, place = self._row.role, self._binding.input
        if words is None or place is None or place.part != "body":
            return []
        text, at = self._row.text or (), pointers.split(place.name)
        before = at[: len(at) - len(text)] if text and at[-len(text) :] == text else at[:-1]
        return [(*before, *words.at), (*at[:-1], words.at[-1])]

    def read(self, request: Request, journal: Journal, session: Session) -> Said:
        """What a request says."""
        binding, body = self._binding, request.body
        if binding.kind is not None and self._kinds is not None:
            word = pointers.first(body, binding.kind)
            ours = self._kinds.ours(word)
            if ours == Kind.TOOL_RESULT.value:
                return self.results(request, journal, session)
        if self._read_messages is not None:
            return self._each(self._read_messages(body), journal, session)
        if self._read_input is None:
            return Said(heard=Heard())
        text = plain(self._read_input(request))
        if text is None:
            found = self.results(request, journal, session)
            return found if found.entries else Said()
        words = (pointers.first(body, at) for at in self._role_places)
        role = next((self._role(word) for word in words if isinstance(word, str)), "user")
        if role in _TOOL_ROLES and (call := _call_of(body)) is not None:
            result = {call: _decoded(text)}
            entry = journal.entry(session, Kind.MESSAGE, role, text=text)
            return Said([entry], _told(session, result), result)
        entry = journal.entry(session, Kind.MESSAGE, role, text=text)
        return Said([entry], None if role == "agent" else Heard(text))

    def _each(self, messages: Any, journal: Journal, session: Session) -> Said:
        """Records each message; the last ones may be the results of tools."""
        entries: list[Entry] = []
        results: dict[str, Any] = {}
        text, call = "", None
        for element in messages or ():
            text = plain(self._read_text(element)) or ""
            extra = self._extra(element)
            data = {"extra": extra} if extra else None
            role = self._role(self._read_role(element)) if self._read_role else "user"
            entries.append(journal.entry(session, Kind.MESSAGE, role, text=text, data=data))
            call = _call_of(element) if role in _TOOL_ROLES else None
            if call is None:
                results = {}
            else:
                results[call] = _decoded(text)
        heard = Heard(text) if call is None else _told(session, results)
        return Said(entries, heard, results)

    def _role(self, word: Any) -> str:
        return self._roles.get(word, word) if isinstance(word, str) else "user"

    def _extra(self, element: Any) -> dict[str, Any]:
        if not isinstance(element, dict) or element.keys() <= self._known:
            return {}
        extra = {k: v for k, v in element.items() if k not in self._known and v is not None}
        return {k: v for k, v in extra.items() if k in self._names} if self._names else extra

    def results(self, request: Request, journal: Journal, session: Session) -> Said:
        """The results of tools that a request gives."""
        at, place = self._binding.tool_call, self._binding.tool_output
        if at is not None and place is not None and place.part == "body":
            calls = pointers.find(request.body, at)
            found = chain(pointers.find(request.body, pointers.split(place.name)), repeat(None))
            results = {str(call): result for call, result in zip(calls, found, strict=False)}
        else:  # of the call that is named, else of the one that waits
            call = pointers.first(request.body, at) if at is not None else None
            call = session.waiting if call is None else str(call)
            result = place.read(request) if place is not None else request.body
            results = {call: result} if call else {}
        entries = [
            journal.entry(session, Kind.TOOL_RESULT, "user", data={"id": id, "result": result})
            for id, result in results.items()
        ]
        return Said(entries, _told(session, results) if results else None, results)


_TOOL_ROLES = ("tool", "function", "tool_result")


def _told(session: Session, results: Mapping[str, Any]) -> Heard:
    """What the agent is told of several results: the one that it waits for, else the last."""
    id = session.waiting if session.waiting in results else list(results)[-1]
    return Heard(kind="tool_result", tool={"id": id, "result": results[id]})


def _call_of(element: Any) -> str | None:
    """The tool call of which a message is the result."""
    for name in ("tool_call_id", "toolCallId", "tool_use_id", "call_id", "callId", "name"):
        if isinstance(element, dict) and isinstance(call := element.get(name), str):
            return call
    return None


def _decoded(text: str) -> Any:
    """The object or array that a text is as JSON, else the text."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return value if isinstance(value, dict | list) else text


def plain(content: Any) -> str | None:
    """The text of a message's content: a string, or the `text` or `content` of each of its parts;
    None where there is none."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        found = [text for part in content if (text := plain(part)) is not None]
        return "".join(found) if found or not content else None
    if isinstance(content, dict):
        for name in ("text", "content", "value", "message", "parts"):
            if (text := plain(content.get(name))) is not None:
                return text
    return None
