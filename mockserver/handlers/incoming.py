"""What a client sends into a session, as entries of its log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sparring.fixtures.wire import Wire
from sparring.spec import pointers
from sparring.spec.binding import Binding
from sparring.spec.document import Operation
from sparring.spec.model import Entry, Session
from sparring.spec.turn import Kind

from ..requests import Request
from ..turns import Journal


@dataclass(slots=True)
class Said:
    """The entries that record what came; `text` is for the agent, None where there is nothing to
    answer."""

    entries: list[Entry] = field(default_factory=list)
    text: str | None = None


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
        self._read_role = pointers.getter(words.at) if words else None
        self._known = frozenset({text[0], *(words.at[:1] if words else ())})
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
                return Said([self._tool_result(request, journal, session)])
        if self._read_messages is not None:
            return self._each(self._read_messages(body), journal, session)
        if self._read_input is None:
            return Said(text="")
        text = plain(self._read_input(request))
        if text is None:
            return Said()
        words = (pointers.first(body, at) for at in self._role_places)
        role = next((self._role(word) for word in words if isinstance(word, str)), "user")
        entry = journal.entry(session, Kind.MESSAGE, role, text=text)
        return Said([entry], None if role == "agent" else text)

    def _each(self, messages: Any, journal: Journal, session: Session) -> Said:
        said = Said(text="")
        for element in messages or ():
            said.text = plain(self._read_text(element)) or ""
            extra = self._extra(element)
            data = {"extra": extra} if extra else None
            role = self._role(self._read_role(element)) if self._read_role else "user"
            said.entries.append(
                journal.entry(session, Kind.MESSAGE, role, text=said.text, data=data)
            )
        return said

    def _role(self, word: Any) -> str:
        return self._roles.get(word, word) if isinstance(word, str) else "user"

    def _extra(self, element: Any) -> dict[str, Any]:
        if not isinstance(element, dict) or element.keys() <= self._known:
            return {}
        extra = {k: v for k, v in element.items() if k not in self._known and v is not None}
        return {k: v for k, v in extra.items() if k in self._names} if self._names else extra

    def _tool_result(self, request: Request, journal: Journal, session: Session) -> Entry:
        binding = self._binding
        data = {
            "id": pointers.first(request.body, binding.tool_call or ("tool_call_id",)),
            "result": binding.tool_output.read(request) if binding.tool_output else None,
        }
        return journal.entry(session, Kind.TOOL_RESULT, "user", data=data)


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
