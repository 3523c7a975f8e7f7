"""Finds where a request names its session, message or run, and a response the entity's id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role

from .names import MESSAGE_NOUNS, RUN_NOUNS, SESSION_NOUNS, flat, pick, ranked, singular
from .schemas import Location, Schema
from .subjects import Api, Subject

_MADE = re.compile(
    r"(?i)(does ?n[o']t|not) (already |yet )?exist|(missing|absent|omitted)|"
    r"not (provided|given|supplied|specified)|new (session|conversation|thread|chat)|"
    r"(created|made|generated) (automatically|on|if|when|implicitly)|auto(matically)?[- ]?create"
)
_WRAPPERS = ranked(
    "data result payload item response object entity record body resource content value"
)
_OF_ONE_SESSION = (Role.SESSION_GET, Role.SESSION_UPDATE, Role.SESSION_DELETE, Role.SESSION_ACT)
_OWN_IDS = ["id", "uuid", "guid", "key", "sid"]


def session_place(api: Api, subject: Subject) -> tuple[str, bool] | None:
    """The expression of the session's id, and whether the request may leave it out."""
    if subject.role in (Role.SESSION_CREATE, Role.SESSION_LIST, Role.RUN_LIST):
        in_path = _session_in_path(api, subject)
        if in_path is None or subject.resource == "session":
            return None
        return f"$request.path.{in_path}", False
    if (name := _session_in_path(api, subject)) is not None:
        return f"$request.path.{name}", False
    container = _container(api, subject)
    reads = subject.verb in ("list", "get", "delete", "clear", "update")
    if container and reads:
        return f"$request.path.{container}", False
    if subject.role in _OF_ONE_SESSION and (own := _own_id(api, subject)) is not None:
        return own, False
    said = [found for found in (_in_body(api, subject), *_in_parameters(api, subject)) if found]
    if said:
        return min(said, key=lambda found: _rank(api, *found))
    return (f"$request.path.{container}", False) if container else None


def _own_id(api: Api, subject: Subject) -> str | None:
    """Where a call that speaks of one session gives its plain `id`."""
    key = pick(api.requests.members(subject.request or {}), ("id", "uuid"))
    if key is not None:
        return f"$request.body#/{key}"
    key = pick(subject.parameters("query"), ("id", "uuid"))
    return f"$request.query.{key}" if key is not None else None


def _in_parameters(api: Api, subject: Subject) -> Iterator[tuple[str, bool]]:
    for place in ("query", "header"):
        names = subject.parameters(place)
        key = _session_name(api, subject, names)
        if key is not None:
            yield f"$request.{place}.{key}", not names[key].required


def _rank(api: Api, expression: str, optional: bool) -> tuple[bool, bool, int]:
    """How likely an expression names the session: by the document's own noun, or as it must."""
    name = flat(re.split(r"[./#]", expression)[-1])
    is_own = name.removesuffix("id") in api.nouns
    place = api.session_names.index(name) if name in api.session_names else 0
    return not is_own, optional, place


def _session_in_path(api: Api, subject: Subject) -> str | None:
    if not subject.holders:
        return None
    if collection := api.collection(subject):
        rest = subject.path[len(collection) + 1 :].split("/")[0]
        for name, _ in subject.holders:
            if "{" + name in rest:
                return name
    names = set(api.session_names)
    for name, before in reversed(subject.holders):
        noun = singular(flat(before))
        if flat(name) in names or noun in api.nouns | SESSION_NOUNS:
            return name
    if subject.resource == "session" and subject.verb in ("get", "update", "delete", "act"):
        return subject.holders[-1][0] if subject.verb != "act" else subject.holders[0][0]
    return None


def _container(api: Api, subject: Subject) -> str | None:
    """What holds the messages where no session does: `/agents/{agent_id}/messages`."""
    if subject.resource not in ("message", "run") or api.collection(subject):
        return None
    for index, segment in enumerate(subject.segments[:-1]):
        following = subject.segments[index + 1]
        if segment.startswith("{") and not following.startswith("{"):
            before = singular(flat(subject.segments[index - 1])) if index else ""
            noun = singular(flat(re.split(r"[-_:]", following)[-1]))
            known = MESSAGE_NOUNS | {"history", "chat", "memory", "talk", "ask"}
            if noun in known and before not in RUN_NOUNS | MESSAGE_NOUNS:
                return segment.strip("{}")
    return None


def _session_name(api: Api, subject: Subject, names: Iterable[str]) -> str | None:
    """The member or parameter that names the session rather than the thing spoken of."""
    members = dict.fromkeys(names)
    if subject.resource == "session":
        return pick(members, api.session_names)
    nouns = {singular(flat(literal)) for literal in subject.literals}
    own = {f"{noun}id" for noun in nouns if subject.resource == "run" or noun in MESSAGE_NOUNS}
    key = pick(members, [name for name in api.session_names if name not in own])
    speaks_of_one = subject.verb not in ("create", "list", "clear")
    return key if key is not None or speaks_of_one else pick(members, api.session_names)


def _in_body(api: Api, subject: Subject) -> tuple[str, bool] | None:
    if subject.request is None:
        return ("$request.body#/params/message/contextId", True) if api.is_call(subject) else None
    reader = api.requests
    for base in _bases(reader.members(subject.request)):
        node = reader.at(subject.request, base)
        if node is None:
            continue
        members = reader.members(node)
        names = {
            name: member
            for name, member in members.items()
            if _is_id(reader.types(member)) and not reader.resolve(member).get("readOnly")
        }
        key = _session_name(api, subject, names)
        if key is not None:
            optional = key not in reader.required(node)
            return f"$request.body#{pointers.join((*base, key))}", optional
        for name in members:  # a session that stands there whole: `session: {id}`
            inner = reader.members(members[name])
            if flat(name) in api.nouns | SESSION_NOUNS and (own := pick(inner, _OWN_IDS)):
                return f"$request.body#{pointers.join((*base, name, own))}", True
    return None


def _bases(members: dict[str, Schema]) -> list[Location]:
    """Where in a body ids stand: at its top, or in what wraps a message or a call."""
    found: list[Location] = [()]
    for name in members:
        if flat(name) in ("params", "message", "data", "session", "configuration", "request"):
            found.append((name,))
            if flat(name) == "params":
                found.append((name, "message"))
    return found


def _is_id(types: set[str]) -> bool:
    return not types or bool(types & {"string", "integer"})


def target_place(api: Api, subject: Subject, session: str | None) -> str | None:
    """The expression of the id of the message or run that is spoken of."""
    taken = session.rpartition(".")[2] if session and session.startswith("$request.path") else None
    others = [(name, before) for name, before in subject.holders if name != taken]
    if subject.role is Role.MESSAGE_LIST or subject.role is Role.MESSAGE_SUBSCRIBE:
        follows = subject.role is Role.MESSAGE_SUBSCRIBE
        said = [s for s in api.subjects if s.role is Role.MESSAGE_LIST and follows]
        messages = {literal for s in said for literal in s.literals[-1:]}
        others = [h for h in others if singular(flat(h[1])) in RUN_NOUNS or h[1] in messages]
        return f"$request.path.{others[-1][0]}" if others else None
    if subject.resource == "suggestion":
        return f"$request.path.{others[-1][0]}" if others else None
    if subject.verb in ("create", "list", "clear") or subject.resource not in ("message", "run"):
        return None
    nouns = RUN_NOUNS if subject.resource == "run" else MESSAGE_NOUNS
    named = [
        h for h in others if flat(h[0]).removesuffix("id") in nouns or singular(flat(h[1])) in nouns
    ]
    if named:
        return f"$request.path.{named[-1][0]}"
    if others and subject.segments[-1].startswith("{"):
        return f"$request.path.{others[-1][0]}"
    own = [singular(flat(literal)) for literal in reversed(subject.literals)]
    names = [f"{noun}id" for noun in (*own, *sorted(nouns))]
    if subject.request is not None:
        members = api.requests.members(subject.request)
        texts = {n: m for n, m in members.items() if _is_id(api.requests.types(m))}
        if (key := pick(texts, names)) and f"$request.body#/{key}" != session:
            return f"$request.body#{pointers.join((key,))}"
    key = pick(subject.parameters("query"), names)
    return f"$request.query.{key}" if key and f"$request.query.{key}" != session else None


def is_implicit(api: Api, subject: Subject, session: tuple[str, bool] | None) -> bool:
    """Whether the first use of an id, or leaving it out, makes the session."""
    if subject.verb != "create" or subject.resource not in ("message", "run"):
        return False
    if session is None or session[1]:
        return True
    place, _, name = session[0].rpartition("/")
    own = {f"{noun}id" for noun in api.nouns} | api.nouns | {"sessionid"}
    if place.startswith("$request.body") and flat(name) not in own:
        return True  # an id of another kind than those that are created
    creates = [s for s in api.subjects if s.role is Role.SESSION_CREATE]
    collection = api.collection(subject)
    if any(s.path == collection and s.verb == "create" for s in api.subjects):
        return False
    if collection and api.noun_of(collection) not in {api.noun(s) for s in creates}:
        return True
    if not creates or (session[0].startswith("$request.path") and not collection):
        return True
    spoken = any(noun in subject.prose.lower() for noun in api.nouns | SESSION_NOUNS)
    return spoken and bool(_MADE.search(subject.prose))


def client_id(api: Api, subject: Subject) -> str | None:
    """Where a client may choose the id of what it creates."""
    if subject.role is not Role.SESSION_CREATE:
        return None
    if subject.holders and subject.segments[-1].startswith("{"):
        return f"$request.path.{subject.holders[-1][0]}"
    shown = entity_id(api, subject)
    names = [f"{noun}id" for noun in [api.noun(subject)]]
    names += [flat(shown[1][-1])] if shown else []
    names += ["id", "uuid", "sessionid"]
    if subject.request is not None:
        members = api.requests.members(subject.request)
        free = {
            name: member
            for name, member in members.items()
            if _is_id(api.requests.types(member))
            and not api.requests.resolve(member).get("readOnly")
        }
        if key := pick(free, names):
            return f"$request.body#{pointers.join((key,))}"
    key = pick(subject.parameters("query"), names)
    return f"$request.query.{key}" if key else None


def entity_id(
    api: Api, subject: Subject, schema: Schema | None = None
) -> tuple[Location, Location] | None:
    """The wrapper of the entity in a response, and where its id stands."""
    schema = subject.response if schema is None else schema
    if schema is None:
        return None
    reader = api.responses
    names = _id_names(api, subject)
    members = _ids(reader, schema)
    if (key := pick(members, names)) is not None:
        return (), (key,)
    nouns = [api.noun(subject), subject.resource]
    if subject.resource == "session":
        nouns += [*sorted(api.nouns), *sorted(SESSION_NOUNS)]
    nouns += [singular(flat(literal)) for literal in reversed(subject.literals)]
    objects = {n: m for n, m in reader.members(schema).items() if "object" in reader.types(m)}
    wrapper = pick(objects, [*nouns, *_WRAPPERS])
    if wrapper is not None:
        inner = _ids(reader, objects[wrapper])
        if (key := pick(inner, names)) is not None:
            return (wrapper,), (wrapper, key)
    return None


def _ids(reader: Any, schema: Schema) -> dict[str, Schema]:
    members = reader.members(schema)
    return {name: m for name, m in members.items() if _is_id(reader.types(m))}


def _id_names(api: Api, subject: Subject) -> list[str]:
    """Names of the entity's id: as its path parameter is called, as its noun, then `id`."""
    named = [
        flat(s.holders[-1][0])
        for s in api.subjects
        if s.resource == subject.resource
        and s.verb in ("get", "update", "delete")
        and s.holders
        and (
            subject.resource != "session"
            or api.collection(s) in ("", api.collection(subject), subject.path)
        )
    ]
    others = [
        flat(s.holders[-1][0]) for s in api.subjects if s.role is Role.SESSION_GET and s.holders
    ]
    own = [name for name in dict.fromkeys(named) if name not in _OWN_IDS]
    nouns = [subject.resource]
    if subject.resource == "session":
        nouns = [api.noun(subject), *sorted(api.nouns & SESSION_NOUNS), "session"]
    if subject.resource == "run":
        nouns = ["run", "response", "task", "job", "execution", "invocation", "turn"]
    if subject.resource == "message":
        nouns = ["message", "event", "item", "msg", api.noun(subject)]
    return [
        *own,
        *(["id"] if subject.resource != "session" else []),
        *(f"{noun}id" for noun in nouns),
        *_OWN_IDS,
        *(others if subject.resource == "session" else []),
        *(["name"] if own else []),
    ]
