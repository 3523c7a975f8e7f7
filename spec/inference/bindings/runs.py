"""Finds what a run shows: its session, how far it is, what it was given and what came of it."""

from __future__ import annotations

from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.pointers import EACH, LAST

from .inputs import input_block
from .lists import items_place
from .names import STATES, flat, pick, ranked, split, translate, words
from .schemas import Location, Schema
from .subjects import Api, Subject
from .texts import OUTPUT, Texts, in_example

Block = dict[str, Any]

_OUTPUTS = ranked(
    "output outputs outputtext answer reply response result results content messages text values "
    "message outputmessage outputmessages artifacts completion data generatedtext"
)
_INPUTS = ranked(
    "input inputs runinput prompt query question inputtext message usermessage inputmessages"
)
_ALTERNATIVES = words("choices candidates generations alternatives completions")
STATUS = ranked("status state runstatus phase taskstatus jobstatus")


def run_block(api: Api, subject: Subject) -> Block:
    """Where a run says whose it is, what it was given and how far it is, and the words for that."""
    if subject.response is None:
        return {}
    reader = api.responses
    base: Location = ()
    node: Schema | None = subject.response
    if subject.verb == "list":
        node = reader.at(node, (*(items_place(api, subject) or ()), EACH))
    if node is None:
        return {}
    members = reader.members(node)
    wrapped = pick(members, ("run", "task", "data", "result"))
    inside = reader.members(members[wrapped]) if wrapped is not None else {}
    if wrapped is not None and pick(inside, STATUS) and not pick(members, STATUS):
        base, node, members = (wrapped,), members[wrapped], inside
    run: Block = {}
    if (session := named_session(api, members)) is not None:
        run["session"] = pointers.join((*base, *session))
    if (given := _given(api, node)) is not None:
        run["input"] = pointers.join((*base, *given))
    key = pick(members, STATUS)
    at: Location = (key,) if key else ()
    if key and "object" in reader.types(members[key]):
        inner = pick(reader.members(members[key]), ("state", "status", "type"))
        at = (key, inner) if inner else ()
    if at:
        found = reader.at(node, at)
        states = translate(reader.words(found or {}), STATES)
        if "string" in reader.types(found or {}):
            run["status"] = pointers.join((*base, *at))
            if states:
                run["states"] = states
    return run


def named_session(api: Api, members: dict[str, Schema]) -> Location | None:
    """Where an answer names its session: by a member, or whole with its id."""
    for name in api.session_names:
        key = pick(members, (name,))
        if key is None:
            continue
        if api.responses.types(members[key]) <= {"string", "integer"}:
            return (key,)
        if inner := pick(api.responses.members(members[key]), ("id",)):
            return (key, inner)
    return None


def _inputs(api: Api) -> list[Location]:
    """Where the bodies that create runs have the user's text."""
    if api.run_inputs is None:
        creates = [s for s in api.subjects if s.role is Role.RUN_CREATE]
        texts = [input_block(api, subject).get("input", "$") for subject in creates]
        api.run_inputs = [pointers.split(text) for text in texts if text.startswith("/")]
    return api.run_inputs


def _given(api: Api, run: Schema) -> Location | None:
    """Where a run repeats the user's text: where the request had it, else by its name."""
    reader = api.responses
    members = reader.members(run)
    for location in _inputs(api):
        if location[0] in members and reader.at(run, location) is not None:
            return location
    key = pick(members, _INPUTS)
    if key is None:
        return None
    if reader.is_text(members[key]):
        return (key,)
    below = Texts(reader, OUTPUT, LAST).find(members[key])
    return (key, *below) if below is not None else None


def is_run(api: Api, subject: Subject) -> bool:
    """Whether a message is answered with how far its run is, not with words."""
    if subject.response is None:
        return False
    if pick(api.responses.members(subject.response), ("role", "sender", "parts", "content")):
        return False
    said = run_block(api, subject).get("states", {})
    return len(said.keys() - {"waiting"}) > 2 and bool(said.keys() & {"queued", "running"})


def output_place(api: Api, subject: Subject) -> str | None:
    """Where what the agent has said stands in a run, or in what is answered instead of one."""
    if subject.response is None:
        return None
    reader = api.responses
    if api.says_nothing(subject):
        if (at := from_example(api, subject)) is not None:
            return at
        for other in api.subjects:  # what is answered here may be what is shown later
            shown = None if api.says_nothing(other) else output_place(api, other)
            if other.role is Role.RUN_GET and subject.verb != "get" and shown is not None:
                return shown
        waits = {w for literal in subject.literals[-1:] for w in split(literal)} & {"wait", "join"}
        return "/messages/-1/content" if waits else None
    items = reader.items(subject.response) if "array" in reader.types(subject.response) else None
    if items is not None:
        return "/*" if subject.verb != "list" and api.rows.is_talk(items) else None
    members = reader.members(subject.response)
    names = [name for name in _OUTPUTS if flat(name) != "input"]
    wrapped = pick(members, ("run", "data", "result", "response"))
    for base, node in (
        ((), subject.response),
        *([((wrapped,), members[wrapped])] if wrapped else []),
    ):
        if (found := _words_in(api, node, names)) is not None:
            return pointers.join((*base, *found))
    return None


def from_example(api: Api, subject: Subject) -> str | None:
    """Where the example of an answer without a schema has the agent's words."""
    for example in api.examples(subject):
        at = in_example(example, _OUTPUTS)
        if at is not None:
            return pointers.join(at)
    return None


def _words_in(api: Api, schema: Schema, names: list[str]) -> Location | None:
    """The first of these members that has words: rows, a row, or a string.

    A run repeats what it was given: such members are not what came of it.
    """
    reader = api.responses
    members = reader.members(schema)
    given: set[str] = set()
    if pick(members, STATUS) is not None:
        given = {
            name
            for s in api.subjects
            if s.role is Role.RUN_CREATE and s.request is not None
            for name in api.requests.members(s.request)
        }
    for name in names:
        key = pick(members, (name,))
        if key is None or key in given:
            continue
        if (below := words_below(api, key, members[key])) is not None:
            return (key, *below)
        if reader.is_free(members[key]) and flat(key) in ("output", "values", "result"):
            return (key, "messages", "-1", "content")
    return None


def words_below(api: Api, name: str, schema: Schema) -> Location | None:
    """Where words stand in a named value: of several alternatives, in the first."""
    items = api.responses.items(schema) if "array" in api.responses.types(schema) else None
    if items is None or flat(name) not in _ALTERNATIVES:
        return words_of(api, schema)
    members = api.responses.members(items)
    key = pick(members, ("message",))
    below = words_of(api, members[key]) if key is not None else words_of(api, items)
    if below is None:
        return None
    return ("0", *((key,) if key is not None else ()), *below)


def words_of(api: Api, schema: Schema, depth: int = 0) -> Location | None:
    """Where words stand in a value: `()` for a string or a row, `*` for rows, else down to them."""
    reader = api.responses
    if reader.is_text(schema):
        return ()
    items = reader.items(schema)
    if items is not None and "array" in reader.types(schema):
        if reader.items(items) is not None:
            below = words_of(api, items)
            return ("0", *below) if below is not None else None
        if reader.is_text(items) or api.rows.is_talk(items):
            return (EACH,)
        below = api.rows.texts.find(items)
        return (EACH, *below) if below is not None else None
    if api.rows.is_talk(schema):
        return ()
    found = api.rows.texts.find(schema)
    if found is not None or depth > 2:
        return found
    for name, member in reader.members(schema).items():
        if reader.types(member) & {"array", "object"} and not reader.is_text(member):
            below = words_of(api, member, depth + 1)
            if below is not None and below != (EACH,):
                return (name, *below)
    return None
