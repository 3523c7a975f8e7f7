"""Finds the parts of a message or an event in the schema of one row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sparring.spec import pointers
from sparring.spec.openapi.schemas import items_of
from sparring.spec.pointers import EACH, LAST

from .names import ACTIVITY, KINDS, SPEAKERS, STATES, flat, pick, ranked, speakers, translate, words
from .schemas import Location, Reader, Schema
from .texts import OUTPUT, Texts, examples, in_example

Row = dict[str, Any]

_ENVELOPES = words(
    "info message data attributes payload meta metadata event item llmmessage details msg header"
)
_ID = ranked("id uuid sid messageid msgid eventid itemid key guid activityid turnid")
_CREATED = ranked(
    "createdat created datecreated creationtime creationutc creationdate createdon createdtime "
    "createtime timestamp date datetime sentat sentdate time ts insertedat occurredat postedat "
    "receivedat createdtimestamp eventtime createddate received receivedon"
)
_OFFSET = ranked(
    "offset sequence sequencenumber seq seqid seqnum seqno sequenceid position index messageindex"
)
_TURN = ranked(
    "turnid correlationid requestid runid traceid invocationid interactionid responseid taskid "
    "parentrunid replytoid jobid"
)
_ROLE = ranked(
    "role authorrole senderrole messagerole sendertype authortype participanttype actortype "
    "speakertype speaker author sender source from fromtype actor participant createdby "
    "messagetype type kind direction origin who"
)
_ROLE_INSIDE = ranked("role type kind sendertype name")
_IS_USER = words("isuser fromuser isfromuser ishuman isuserinput isusermessage isinbound byuser")
_IS_AGENT = words("isbot isai isassistant isagent fromagent frombot isbotmessage isaimessage")
_KIND = ranked("kind type eventtype messagetype event eventkind itemtype eventname objecttype")
_STATE = ranked("status state messagestatus deliverystatus")
_MEDIA = words("text image audio video file files location document card html markdown link gif")
_TOOL = {
    "id": ranked("toolcallid callid tooluseid functioncallid invocationid"),
    "name": ranked("toolname functionname name tool function"),
    "arguments": ranked("arguments args toolargs input parameters toolinput rawarguments"),
    "result": ranked("result output toolresult return toolreturn response content observation"),
}
_TOOL_HOLDERS = words("data payload toolcalls toolcall function tools call tool action calls")
_WORD_IN_TEXT = re.compile(r"[A-Za-z_]+")


class Rows:
    """Reads rows; the readings of one document are kept."""

    def __init__(self, reader: Reader, ids: Sequence[str] = ()) -> None:
        """`ids`: how a document calls the ids of its messages, as flat names."""
        self._reader = reader
        self._ids = (*_ID[:2], *ids, *_ID[2:])
        self.texts = Texts(reader, OUTPUT, EACH)
        self._known: dict[int, tuple[Schema, Row]] = {}

    def read(self, schema: Schema) -> Row:
        """The row block of a schema: only the parts that it has."""
        schema = self._reader.resolve(schema)
        known = self._known.get(id(schema))
        if known is None:
            known = self._known[id(schema)] = (schema, self._read(schema))
        return known[1]

    def is_event(self, schema: Schema) -> bool:
        """Whether a list of such rows holds more than messages."""
        kind = self.read(schema).get("kind")
        if kind is None:
            return False
        label = self._reader.at(schema, pointers.split(kind["at"]))
        listed = {flat(str(word)) for word in self._reader.words(label or {})}
        return len(kind) > 2 or len(listed - _MEDIA) > 1

    def is_talk(self, schema: Schema) -> bool:
        """Whether rows of this schema say who said what."""
        row = self.read(schema)
        shows_many = f"/{LAST}/" in row.get("text", "")
        return "text" in row and not shows_many and ("role" in row or self.is_event(schema))

    def _read(self, schema: Schema) -> Row:
        reader = self._reader
        branch = self._message_branch(schema)
        merged = reader.members(schema)
        row: Row = {}
        if (text := self._text(branch, schema)) is not None:
            row["text"] = pointers.join(text)
        roots = list(self._roots(branch, text or ()))
        for part, names in (("id", self._ids), ("offset", _OFFSET), ("turn", _TURN)):
            if (at := self._first(roots, names, part)) is not None:
                row[part] = pointers.join(at)
        if (at := self._created(roots)) is not None:
            row["created"] = pointers.join(at)
        if (role := self._role(schema, roots)) is not None:
            row["role"] = role
        kind = self._kind(merged, row)
        if kind:
            row["kind"] = kind
            row |= self._event_parts(schema, kind)
        if (state := self._state(roots)) is not None and state["at"] != row.get("status"):
            row["state"] = state
        return row

    def _message_branch(self, schema: Schema) -> Schema:
        """The alternative that is a message."""
        branches = self._reader.branches(schema)
        if len(branches) == 1:
            return branches[0]

        def cost(branch: Schema) -> float:
            found = self.texts.best(branch)
            return self.texts.strangeness(branch) + (found.cost if found else 100)

        return min(branches, key=cost)

    def _text(self, branch: Schema, schema: Schema) -> Location | None:
        found = self.texts.find(branch)
        if found is None:
            for example in (*examples(branch), *examples(schema)):
                at = in_example(example, OUTPUT)
                if at is not None and self._reader.at(branch, at) is not None:
                    return at
        return found

    def _roots(self, branch: Schema, text: Location) -> Iterator[tuple[Location, Schema]]:
        """Where parts may stand, the nearest first: the row, what wraps its parts."""
        reader = self._reader
        yield (), branch
        for name, member in reader.members(branch).items():
            if flat(name) in _ENVELOPES and "object" in reader.types(member):
                yield (name,), reader.resolve(member)
        if len(text) > 1 and text[0] not in _ENVELOPES and text[1] not in (EACH, LAST):
            below = reader.at(branch, text[:1])
            if below is not None and "object" in reader.types(below):
                yield text[:1], below
        # A row that holds a list of messages: the parts of each stand beside its text.
        holder = next((i for i, token in enumerate(text) if token in (EACH, LAST)), None)
        if holder is not None and holder < len(text) - 1:
            below = reader.at(branch, text[: holder + 1])
            if below is not None and {flat(n) for n in reader.members(below)} & {"role", "sender"}:
                yield text[: holder + 1], below

    def _first(
        self, roots: Sequence[tuple[Location, Schema]], names: Sequence[str], part: str
    ) -> Location | None:
        wanted = {"offset": {"integer", "number"}}.get(part, {"string", "integer"})
        for base, schema in roots:
            members = self._reader.members(schema)
            for name in names:
                key = pick(members, (name,))
                if key is None:
                    continue
                types = self._reader.types(members[key])
                if not types or types & wanted:
                    return (*base, key)
        return None

    def _created(self, roots: Sequence[tuple[Location, Schema]]) -> Location | None:
        for base, schema in roots:
            members = self._reader.members(schema)
            for name in _CREATED:
                key = pick(members, (name,))
                if key is None:
                    continue
                types = self._reader.types(members[key])
                if "object" in types:
                    inner = pick(self._reader.members(members[key]), _CREATED)
                    if inner is not None:
                        return (*base, key, inner)
                elif not types or types & {"string", "integer", "number"}:
                    return (*base, key)
        return None

    # Who speaks

    def _role(self, schema: Schema, roots: Sequence[tuple[Location, Schema]]) -> Row | None:
        reader = self._reader
        bases = [((), schema), *((base, reader.at(schema, base) or {}) for base, _ in roots[1:])]
        for base, node in bases:
            members = reader.members(node)
            for name in _ROLE:
                key = pick(members, (name,))
                if key is not None and (found := self._speaker(name, members[key])):
                    inner, said = found
                    return {"at": pointers.join((*base, key, *inner)), **said}
            for key, member in members.items():
                if flat(key) in _IS_USER | _IS_AGENT and "boolean" in reader.types(member):
                    is_user = flat(key) in _IS_USER
                    return {
                        "at": pointers.join((*base, key)),
                        "user": is_user,
                        "agent": not is_user,
                    }
        return None

    def _speaker(self, name: str, member: Schema) -> tuple[Location, Row] | None:
        """The words for the two sides in a member, or in the object that it is."""
        reader = self._reader
        listed = reader.words(member)
        said = speakers(listed)
        if listed:
            if "user" in said and "agent" in said:
                return (), said
            return ((), said) if said and name in _ROLE[:1] else None
        if "string" in reader.types(member):
            said = translate(self._told(member), SPEAKERS)
            if "user" in said and "agent" in said:
                return (), said
            return ((), {"user": "user", "agent": "assistant"}) if name == "role" else None
        for inner in _ROLE_INSIDE:
            members = reader.members(member)
            key = pick(members, (inner,))
            if key is not None and (found := self._speaker(inner, members[key])):
                return (key, *found[0]), found[1]
        return None

    def _told(self, member: Schema) -> list[str]:
        """The words that a free string's prose, pattern and examples name."""
        node = self._reader.resolve(member)
        prose = [node.get("description"), node.get("pattern"), node.get("example")]
        texts = [text for text in (*prose, *items_of(node, "examples")) if isinstance(text, str)]
        return [word for text in texts for word in _WORD_IN_TEXT.findall(text)]

    # Kinds and states

    def _kind(self, members: dict[str, Schema], row: Row) -> Row | None:
        for name in _KIND:
            key = pick(members, (name,))
            if key is None or "/" + key == row.get("role", {}).get("at"):
                continue
            said = translate(self._reader.words(members[key]), KINDS)
            if "message" in said and not (said.keys() == {"message"} and "text" not in row):
                return {"at": "/" + key, **said}
        return None

    def _state(self, roots: Sequence[tuple[Location, Schema]]) -> Row | None:
        for base, schema in roots:
            members = self._reader.members(schema)
            key = pick(members, _STATE)
            if key is None:
                continue
            said = translate(self._reader.words(members[key]), STATES)
            if "done" in said and flat(str(said["done"])).startswith(("complete", "finished")):
                stopped = said.get("stopped", said.get("failed"))
                state = {"at": pointers.join((*base, key)), "complete": said["done"]}
                return state | ({"stopped": stopped} if stopped is not None else {})
        return None

    def _event_parts(self, schema: Schema, kind: Row) -> Row:
        """Where a status event has its word, and tool events their parts."""
        found: Row = {}
        if "status" in kind and (at := self._status(schema)) is not None:
            found["status"] = pointers.join(at)
        if kind.keys() & {"tool_call", "tool_result"} and (tool := self._tool(schema, (), 0)):
            found["tool"] = tool
        return found

    def _status(self, schema: Schema) -> Location | None:
        """Where a status event has its word: by its words, rather than a message's state."""
        reader = self._reader
        places: list[tuple[int, Location]] = []
        for base in ((), ("data",), ("payload",)):
            members = reader.members(reader.at(schema, base) or {})
            for name in ("status", "state"):
                key = pick(members, (name,))
                if key is not None and "string" in reader.types(members[key]):
                    listed = reader.words(members[key])
                    doubt = 0 if translate(listed, ACTIVITY) else (2 if listed else 1)
                    places.append((doubt, (*base, key)))
        return min(places)[1] if places else None

    def _tool(self, schema: Schema, base: Location, depth: int) -> Row | None:
        reader = self._reader
        best: Row | None = None
        for branch in reader.branches(reader.resolve(schema)):
            members = reader.members(branch)
            if pick(members, _TOOL["id"]) is not None:
                parts = {part: pick(members, names) for part, names in _TOOL.items()}
                tool = {
                    part: pointers.join((*base, key))
                    for part, key in parts.items()
                    if key is not None
                    and not (part == "result" and flat(key) == "content" and best)
                }
                best = tool | (best or {}) if best else tool
        if best or depth > 2:
            return best
        for name, member in reader.members(reader.resolve(schema)).items():
            if flat(name) in _TOOL_HOLDERS:
                items = reader.items(member)
                at = (*base, name) if items is None else (*base, name, EACH)
                if found := self._tool(items if items is not None else member, at, depth + 1):
                    return found
        return None
