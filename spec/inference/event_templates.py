"""Writes the templates of events whose payloads are known: names of ours at their places."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any

from sparring.spec import pointers
from sparring.spec.streams.event_schema import Alternative, Location

from .event_fields import Field, score

_AGENT = ("assistant", "agent", "ai", "bot", "model")
_TYPES = {"type", "kind", "message_type"}
_ROLES = {"role", "source", "author", "sender", "sender_type", "author_type"}
_IDS = {
    "session.id": r"(session|conversation|thread|chat|dialog|dialogue|room)_?id",
    "turn.id": r"(turn|run|correlation|response|request|trace|task|exchange|invocation)_?id",
    "message.id": r"(message|msg|event|item|part)_?id",
}
_INDEX = {"index", "seq", "sequence", "chunk_index", "position", "sequence_number", "seq_no"}
COUNTERS = {
    "seq",
    "seq_no",
    "seqno",
    "sequence",
    "sequence_no",
    "sequence_number",
    "sequencenumber",
}
COUNTERS |= {"event_seq", "event_index", "event_number", "event_sequence"}
"""What counts the events of a stream, where more than one kind of them has it."""
_CREATED = {"created_at", "createdat", "created", "timestamp", "date", "time", "sent_at"}
_LAST = {"done", "finished", "is_final", "final", "is_last", "last", "complete", "completed"}
_LAST |= {"end", "is_end", "is_finished", "eos", "stop", "is_done", "is_complete", "finish"}
_REASON = {"finish_reason", "stop_reason", "finishreason", "done_reason", "reason"}
_ENDED = {"done", "completed", "complete", "finished", "end", "ended", "success", "succeeded"}
_GOING_ON = {"streaming", "in_progress", "running", "generating", "partial", "processing"}
_GOING_ON |= {"pending", "incomplete", "progress", "delta", "continue", "working", "ongoing"}
_STATE = {"status", "state", "phase", "stage"}
_NAME = {"name", "tool_name", "function_name", "tool", "toolname", "toolcallname"}
_NAME |= {"tool_call_name"}
_ARGUMENTS = {"arguments", "args", "input", "parameters", "params", "tool_args", "tool_input"}
_RESULT = {"result", "output", "content", "tool_return", "return", "response", "tool_output"}
_CALL_ID = {"tool_call_id", "call_id", "tool_use_id", "toolcallid", "callid", "id"}
_ERROR_TEXT: tuple[str, ...] = (
    "message",
    "detail",
    "error_message",
    "error",
    "description",
    "reason",
    "msg",
    "text",
)
_ERROR_TEXT += ("content", "title", "errortext", "error_text", "errormessage")
_ERROR_CODE = ("code", "error_code", "error_type", "type")


class Names:
    """Writes the templates of one event."""

    def __init__(
        self,
        alternative: Alternative,
        fields: list[Field],
        text: Field | None,
        *,
        shared: frozenset[str] = frozenset(),
    ) -> None:
        """`shared`: the members that more than one event has. Of these an `index` counts the parts
        of a message, not its pieces, and a `seq` all events."""
        self._alternative = alternative
        self._fields = fields
        self._text = text
        beside = text.location[:-1] if text is not None else ()
        self._beside = beside
        self._counters = COUNTERS & shared
        self._parts = {"index"} & shared
        self._counted = _INDEX - self._counters - self._parts
        near = [f for f in fields if beside[: len(f.location) - 1] == f.location[:-1]]
        by_type = (f for f in near if f.name in _TYPES and len(f.constants) > 1 and _agent_word(f))
        self._author = next((f for f in near if f.name in _ROLES), next(by_type, None))

    @property
    def has_author(self) -> bool:
        """Whether the event says who speaks."""
        return self._author is not None

    def chunk(self) -> Any:
        """A piece of text."""
        places = {**self._spoken("$chunk.text"), **self._ids(), **self._whose()}
        for found in self._fields:
            inside = any(token.isdigit() for token in found.location)
            if found.name in self._counted and found.may("integer") and not inside:
                places.setdefault(found.location, "$chunk.index")
                break
        if (flag := self._flag()) is not None:
            places.setdefault(flag.location, False)
        if (state := self._state()) is not None:
            places.setdefault(state[0].location, state[1])
        for found in self._fields:  # what has been said so far is not known here
            known = all(places.get(at, value) == value for at, value in found.given.items())
            if found.required and known and found.location not in places and score(found) > 0:
                places |= {**found.given, found.location: ""}
        return self._template(places)

    def message(self) -> Any:
        """A whole message."""
        return self._template(self.message_places())

    def message_places(self) -> dict[Location, Any]:
        """Where a message has its text, its id and its time."""
        if self._text is None:
            return self._ids()
        places = {**self._spoken("$message.text"), **self._ids()}
        above = self._author.location[:-1] if self._author else self._beside
        if "0" in above:
            above = above[: above.index("0") - 1]
        while True:
            here = {f.name: f for f in self._at(above)}
            for name in _CREATED & set(here):
                if not here[name].constants:
                    places.setdefault(here[name].location, "$message.created")
            if "id" in here and here["id"].may("string", "integer"):
                places.setdefault(here["id"].location, "$message.id")
                return places
            if not above:
                return places
            above = above[:-1]

    def last(self) -> Any:
        """The same event as the sign that nothing follows; None where it has no such sign."""
        if self._text is None or (sign := self._sign()) is None:
            return None
        text = {**self._text.given, self._text.location: ""}
        return self._template({**text, **self._ids(), **self._whose(), sign[0]: sign[1]})

    def _sign(self) -> tuple[Location, Any] | None:
        if (flag := self._flag()) is not None:
            return flag.location, True
        if (state := self._state()) is not None:
            return state[0].location, state[2]
        for found in self._fields:
            near = found.location[:-1] == self._beside[: len(found.location) - 1]
            if found.name in _REASON and found.may("string") and near and found.may_lack:
                return found.location, "$turn.finish"
        return None

    def _state(self) -> tuple[Field, Any, Any] | None:
        """A member whose words say whether more follows: one for that, and one for the end."""
        for found in self._at(()):
            words = [word for word in found.constants if isinstance(word, str)]
            ends = [word for word in words if word.lower() in _ENDED]
            rest = [word for word in words if word.lower() in _GOING_ON]
            if found.name in _STATE and ends and rest:
                return found, rest[0], ends[0]
        return None

    def end(self) -> Any:
        """The end of a turn, which may repeat all that was said in it."""
        places = {**self.message_places(), **self._ids()}
        for found in self._fields:
            if found.name in _REASON and found.may("string") and len(found.location) < 3:
                places[found.location] = "$turn.finish"
                break
        return self._template(places)

    def error(self) -> Any:
        """What went wrong."""
        places: dict[Location, Any] = dict(self._ids())
        for names, part in ((_ERROR_TEXT, "$error.message"), (_ERROR_CODE, "$error.code")):
            found = [
                (len(f.location), names.index(f.name), f)
                for f in self._fields
                if f.name in names
                and (not f.types or "string" in f.types)
                and not f.constants
                and len(f.location) < 5
                and f.location not in places
            ]
            if found:
                best = min(found, key=lambda f: ("error" not in f[2].location[:-1], *f[:2]))[2]
                places |= {**best.given, best.location: part}
        return self._template(places)

    def status(self) -> Any:
        """A status of the agent; None where the event has no place for one."""
        found = [f for f in self._fields if f.name in _STATE and f.may("string")]
        found = [f for f in found if len(f.constants) != 1]
        if not found:
            return None
        best = min(found, key=lambda f: len(f.location))
        places = {**best.given, best.location: "$status.state", **self._ids()}
        if (flag := self._flag()) is not None:
            places[flag.location] = False
        return self._template(places)

    def last_status(self) -> Any:
        """The status after which nothing follows; None where no member says so."""
        flag = self._flag()
        if flag is None:
            return None
        places = {**flag.given, flag.location: True, **self._ids()}
        for found in self._fields:
            ends = [word for word in found.constants if str(word).lower() in _ENDED]
            if found.name in _STATE and ends:
                places |= {**found.given, found.location: ends[0]}
                break
        return self._template(places)

    def _flag(self) -> Field | None:
        """The member that is true at the end."""
        found = (f for f in self._fields if f.name in _LAST and "boolean" in f.types)
        return next((f for f in found if len(f.location) < 3 and "0" not in f.location), None)

    def suggestions(self) -> Any:
        """Suggestions of what the user may say next; None where there is no place for them."""
        for found in self._fields:
            if "array" in found.types and any(
                f.location == (*found.location, "0") and "string" in f.types for f in self._fields
            ):
                return self._template({found.location: "$suggestion.texts", **self._ids()})
        return None

    def tool_call(self) -> Any:
        """A call of a tool; None where it has no name."""
        arguments = {f.location[:-1] for f in self._fields if f.name in _ARGUMENTS}
        name = self._first(_NAME, "string", beside=arguments)
        if name is None:
            return None
        above = name.location[:-1]
        places = {**name.given, name.location: "$tool.name", **self._ids()}
        self._beside_tool(places, above, _ARGUMENTS, "$tool.arguments", "object", "string")
        self._call_id(places, above)
        return self._template(places)

    def tool_chunk(self) -> Any:
        """A piece of a call's arguments; None where it has no place."""
        found = [f for f in self._fields if "string" in f.types and not f.constants]
        pieces = [f for f in found if "delta" in f.name or "partial" in f.name]
        pieces = pieces or [f for f in found if f.name in _ARGUMENTS | {"chunk", "text", "value"}]
        if not pieces:
            return None
        best = min(pieces, key=lambda f: len(f.location))
        places = {**best.given, best.location: "$chunk.text", **self._ids()}
        above = best.location[:-1]
        for counted in self._at(above):
            if counted.name in self._counted - {"index"} and counted.may("integer"):
                places.setdefault(counted.location, "$chunk.index")
        self._beside_tool(places, above, _NAME, "$tool.name", "string")
        self._call_id(places, above)
        return self._template(places)

    def tool_result(self) -> Any:
        """What a tool gave back; None where there is no place for it."""
        result = self._first(_RESULT, "string", "object")
        if result is None:
            return None
        places = {**result.given, result.location: "$tool.result", **self._ids()}
        self._beside_tool(places, result.location[:-1], _NAME, "$tool.name", "string")
        self._call_id(places, result.location[:-1])
        return self._template(places)

    def _first(
        self, names: set[str], *types: str, beside: Container[Location] = ()
    ) -> Field | None:
        found = [f for f in self._fields if f.name in names and f.types & set(types)]
        found = [f for f in found if not f.constants]
        return min(
            found, key=lambda f: (f.location[:-1] not in beside, len(f.location)), default=None
        )

    def _beside_tool(
        self, places: dict[Location, Any], above: Location, names: set[str], part: str, *types: str
    ) -> None:
        for f in self._fields:
            depth = len(f.location) - len(above)
            is_beside = f.location[: len(above)] == above and depth < 3
            fits = f.name in names and f.may(*types) and not f.constants
            if is_beside and fits and f.location not in places:
                places[f.location] = part
                return

    def _call_id(self, places: dict[Location, Any], above: Location) -> None:
        found = [f for f in self._fields if f.name in _CALL_ID and not f.constants]
        found = [f for f in found if f.name != "id" or f.location[:-1] == above]
        found = [f for f in found if f.may("string") and f.location[:-1] in ((), above)]
        if found:
            best = min(found, key=lambda f: (f.name == "id", len(f.location)))
            places[best.location] = "$tool.id"

    def _spoken(self, name: str) -> dict[Location, Any]:
        if self._text is None:
            return {}
        places: dict[Location, Any] = {**self._text.given, self._text.location: name}
        if self._author is not None and (role := _agent_word(self._author)):
            places[self._author.location] = role
        above, names = self._beside, {f.name: f for f in self._at(self._beside)}
        if {"op", "path", "value"} <= set(names):  # an operation of a JSON Patch (RFC 6902)
            places |= {(*above, "op"): "add", (*above, "path"): "/-"}
        return places

    def _at(self, above: Location) -> Iterator[Field]:
        return (f for f in self._fields if f.location[:-1] == above)

    def _ids(self) -> dict[Location, Any]:
        """The ids that the event names, where they are no part of something else."""
        places: dict[Location, Any] = {}
        for name, pattern in _IDS.items():
            for found in self._fields:
                fits = re.fullmatch(pattern, found.name) and found.may("string", "integer")
                if fits and not found.constants and _is_near(found.location):
                    places.setdefault(found.location, f"${name}")
                    break
        for found in self._at(()):
            if found.name in self._counters and found.may("integer"):
                places.setdefault(found.location, "$event.position")
        for found in self._fields:  # of the one choice, part and output that there is
            of_part = re.fullmatch(r"(choice|output|content|part)_?index", found.name)
            is_index = found.name == "index" and ("0" in found.location or "index" in self._parts)
            near = found.location[:-1] == self._beside[: len(found.location) - 1]
            if (of_part or is_index) and near and "integer" in found.types and found.required:
                places.setdefault(found.location, 0)
        return places

    def _whose(self) -> dict[Location, Any]:
        """The id of an event whose pieces have one id, where it does not call it another's."""
        return {f.location: "$message.id" for f in self._at(()) if f.name == "id" and f.types}

    def _template(self, places: Mapping[Location, Any]) -> Any:
        template: dict[str, Any] = {}
        if self._alternative.sample is not None:
            template = _copied(self._alternative.sample)
        for at, values in self._alternative.constants.items():
            if len(values) == 1:
                pointers.put(template, at, values[0])
        for location, value in sorted(places.items(), key=lambda p: str(p[1]).startswith("$")):
            pointers.put(template, location, value)
        return template


def _is_near(location: Location) -> bool:
    """Whether a place is no part of an item or of something deep inside."""
    return len(location) < 4 and "0" not in location


def _agent_word(author: Field) -> str | None:
    """The document's word for the agent as the one who speaks."""
    if not author.constants:
        return None if author.special or not author.may("string") else "assistant"
    for agent in _AGENT:
        for word in author.constants:
            if isinstance(word, str) and agent in re.split(r"[^a-z]+", word.lower()):
                return word
    return None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_copied(inner) for inner in value]
    return f"${value}" if isinstance(value, str) and value.startswith("$") else value
