"""Finds how the agent's words come back: in the answer, in a stream, or later somewhere else."""

from __future__ import annotations

import re
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.pointers import EACH

from .inputs import flag
from .names import flat, pick, ranked, speakers, split, words
from .runs import from_example, is_run, output_place, words_below
from .schemas import Location, Schema
from .subjects import Api, Subject

Block = dict[str, Any]

_REPLY = ranked(
    "reply answer agentmessage assistantmessage botmessage aimessage botresponse airesponse "
    "agentresponse assistantresponse fulfillmenttext "
    "fulfillmentmessages queryresult replies generatedtext generation answertext responsetext "
    "outputtext chatresponse modelresponse completion completions choices candidates response "
    "responses output outputs messages message content text result results data values artifacts "
    "task state body events parts"
)
_SURE = frozenset(_REPLY[: _REPLY.index("messages") + 1])
_WRAPPERS = ("result", "data")
_TALKS = words(
    "chat ask query answer reply respond generate completion completions converse prompt"
)
_SAYS = re.compile(
    r"(?i)\b(agent|assistant|ai|bot|model|llm|chatbot)('s|s)? (\w+ )?(repl|response|answer|message)"
    r"|\b(repl(y|ies)|answers?|respond(s|ed)?|generates?|converse) "
)
_OF_TURN = words("usage stopreason finishreason tokenusage latency tokens finish completionid")
_FLAGS = ("stream", "streaming", "isstream", "streamresponse", "sse", "enablestreaming")
_MODES = ("responsemode", "mode", "streammode", "executionmode", "deliverymode", "outputmode")
_STREAMED = ("stream", "streaming", "sse", "streamed")
_ANSWER = ranked(
    "run autorun triggerrun generate respond autorespond autoreply reply triggerresponse "
    "generatereply generateresponse invokeagent triggeragent"
)
_NO_ANSWER = ranked("noreply skipreply noresponse skipresponse silent storeonly recordonly")
_WAITS = ranked(
    "waitfordata wait waitseconds waittimeout longpoll longpolltimeout polltimeout pollwait block "
    "waittime timeout timeoutseconds waitforseconds maxwait"
)
_LATER = words("background async asynchronous asynchronously poll polling queue queued webhook")


GOES_ON = ("regenerate", "edit", "approve", "answer")


def reply_block(api: Api, subject: Subject, effect: str = "") -> Block:
    """The `reply` of an operation that starts a turn, or that waits for what comes of one.

    `effect` is that of an act; after some the agent goes on.
    """
    if subject.verb in ("list", "subscribe") and subject.resource in ("message", "run"):
        wait = wait_place(api, subject)
        via = "subscribe" if subject.verb == "subscribe" else "poll"
        return {"via": via, "wait": wait} if wait else {}
    if subject.role in (Role.RUN_GET, Role.RUN_ACT):
        at = output_place(api, subject)
        if subject.role is Role.RUN_ACT:
            return _of_run(api, subject) if effect in GOES_ON else {}
        wait = wait_place(api, subject)
        if at is None:
            return {"via": "poll", "wait": wait} if wait else {}
        return {"via": "body", "at": at, **({"wait": wait} if wait else {})}
    if subject.role is Role.SESSION_ACT and effect in GOES_ON:
        return _of_act(api, subject)
    if subject.verb != "create" or subject.resource not in ("message", "run"):
        return {}
    if subject.streams and (subject.response is None or _is_stream_only(subject)):
        return {"via": "sse"}
    if subject.resource == "run" or is_run(api, subject):
        return _of_run(api, subject)
    return _of_message(api, subject)


def _of_act(api: Api, subject: Subject) -> Block:
    """The agent's words after an act of a session: in its stream, in its answer, or later."""
    if subject.streams and (subject.response is None or _is_stream_only(subject)):
        return {"via": "sse"}
    at = _reply_place(api, subject)
    if subject.streams:
        return _streamed(api, subject, at)
    return {"via": "body", "at": at} if at is not None else {"via": "poll"}


def _is_stream_only(subject: Subject) -> bool:
    """Whether the path says that the answer is a stream, whatever else is declared."""
    return bool(set(split(subject.literals[-1] if subject.literals else "")) & set(_STREAMED))


def _streamed(api: Api, subject: Subject, at: str | None) -> Block:
    block: Block = {"via": "body"}
    if at is not None:
        block["at"] = at
    if (when := stream_condition(api, subject)) is not None:
        block["when"] = when
    return block


def stream_condition(api: Api, subject: Subject) -> str | Block | None:
    """The part of a request that asks for a stream: a flag, or a word among several."""
    said = {
        f"$request.body#{pointers.join((name,))}": (name, api.requests.resolve(member))
        for name, member in api.requests.members(subject.request or {}).items()
    }
    said |= {
        f"$request.query.{name}": (name, api.document.schema(parameter.schema, api.requests.view))
        for name, parameter in subject.parameters("query").items()
    }
    for expression, (name, schema) in said.items():
        if flat(name) in _FLAGS and "boolean" in api.requests.types(schema):
            return {expression: {"not": False}} if schema.get("default") is True else expression
        listed = api.requests.words(schema) if flat(name) in _MODES else []
        asked = [word for word in listed if flat(str(word)) in _STREAMED]
        if asked and schema.get("default") in asked:
            return {expression: {"not": [word for word in listed if word not in asked]}}
        if asked:
            return {expression: asked[0]}
    return None


def wait_place(api: Api, subject: Subject) -> str | None:
    """The parameter that says how long to wait for something new."""
    for name in _WAITS:
        for key, parameter in subject.parameters("query").items():
            schema = api.document.schema(parameter.schema, api.requests.view)
            types = api.requests.types(schema)
            if flat(key) == name and (not types or types & {"integer", "number"}):
                return f"$request.query.{key}"
    return None


def _of_run(api: Api, subject: Subject) -> Block:
    at = output_place(api, subject)
    later = {word for segment in subject.literals[-1:] for word in split(segment)} & _LATER
    if subject.streams:
        block = _streamed(api, subject, at)
        waits = at is None and is_run(api, subject)
        return {**block, "via": "poll"} if waits else block
    if subject.response is None:
        return {"via": "none"} if not _lists(api, subject) else {"via": "poll"}
    if at is None and api.says_nothing(subject) and not _shows_runs(api):
        return {"via": "body"}
    if at is None or later:
        return {"via": "poll"}
    return {"via": "body", "at": at}


# Messages


def _of_message(api: Api, subject: Subject) -> Block:
    at = _reply_place(api, subject)
    if subject.streams:
        return _streamed(api, subject, at)
    block = _in_json(api, subject, at)
    if (asked := flag(api, subject, *_ANSWER)) is not None:
        later = "subscribe" if api.siblings(subject, Role.MESSAGE_SUBSCRIBE) else "poll"
        return {**block, "via": block["via"] if block["via"] != "none" else later, "when": asked}
    if (unasked := flag(api, subject, *_NO_ANSWER)) is not None:
        block["when"] = {unasked: {"not": True}}
    return block


def _in_json(api: Api, subject: Subject, at: str | None) -> Block:
    if at is not None:
        return {"via": "body", "at": at}
    if subject.response is not None and api.says_nothing(subject):
        at = from_example(api, subject)
        return {"via": "body", "at": at} if at is not None else {"via": "body"}
    return {"via": _elsewhere(api, subject)}


def _shows_runs(api: Api) -> bool:
    return any(subject.role is Role.RUN_GET for subject in api.subjects)


def _elsewhere(api: Api, subject: Subject) -> str:
    """How words come that are not in the answer to a message."""
    if any(api.collection(s) for s in api.siblings(subject, Role.RUN_CREATE)):
        return "none"
    if api.siblings(subject, Role.MESSAGE_SUBSCRIBE):
        return "subscribe"
    return "poll" if _lists(api, subject) and not _stores(api, subject) else "none"


def _lists(api: Api, subject: Subject) -> bool:
    return bool(api.siblings(subject, Role.MESSAGE_LIST) or api.siblings(subject, Role.SESSION_GET))


def _stores(api: Api, subject: Subject) -> bool:
    """Whether clients say who spoke, so that both sides' words are only kept."""
    if subject.request is None:
        return False
    reader = api.requests
    members = reader.members(subject.request)
    if (key := pick(members, ("messages", "items", "turns"))) is not None:
        items = reader.items(members[key])
        return items is not None and "role" in {flat(n) for n in reader.members(items)}
    role = pick(members, ("role",))
    if role is None:
        return False
    said = speakers(reader.words(members[role]))
    return "agent" in said or not said


def _reply_place(api: Api, subject: Subject) -> str | None:
    """Where the agent's words stand in the answer, None where it has none."""
    if subject.response is None:
        return None
    reader = api.responses
    branches = [b for b in reader.branches(subject.response) if not _is_error(api, b)]
    for branch in branches:
        if (found := _reply_in(api, subject, branch)) is not None:
            return pointers.join(found)
    return None


def _is_error(api: Api, branch: Schema) -> bool:
    members = api.responses.members(branch)
    return (
        "error" in members
        and "result" not in members
        and "string" in api.responses.types(members["error"])
    )


def _reply_in(api: Api, subject: Subject, schema: Schema) -> Location | None:
    reader = api.responses
    items = reader.items(schema) if "array" in reader.types(schema) else None
    if items is not None:
        return (EACH,) if _answers(api, subject, items) and "text" in api.rows.read(items) else None
    if api.rows.is_talk(schema) and not pick(reader.members(schema), _SURE - {"messages"}):
        return () if _answers(api, subject, schema) else None
    members = reader.members(schema)
    if _is_session(api, members) and not subject.streams:
        return None
    for name in _REPLY:
        key = pick(members, (name,))
        if key is None or _only_acknowledges(api, subject, name, members):
            continue
        below = None
        if name in _WRAPPERS and pick(reader.members(members[key]), _SURE - {"messages"}):
            below = _reply_in(api, subject, members[key])
        if below is None:
            below = words_below(api, key, members[key])
        if below is None and name in _WRAPPERS:
            below = _reply_in(api, subject, members[key])
        if below is None:
            continue
        items = reader.items(members[key]) if "array" in reader.types(members[key]) else None
        row = items if items is not None else (members[key] if below else schema)
        sure = name in _SURE and name != "messages"
        if sure or _answers(api, subject, row or {}):
            return (key, *below)
    return None


def _is_session(api: Api, members: dict[str, Schema]) -> bool:
    """Whether the answer is the whole session, with all that was said before."""
    own = {flat(name) for name in members}
    return bool(own & {"events", "history"}) and bool(own & set(api.session_names[:6]))


def _only_acknowledges(api: Api, subject: Subject, name: str, members: dict[str, Schema]) -> bool:
    """Whether a `message` is a note to the developer: beside a success flag or a status."""
    flags = {flat(key) for key in members} & {"success", "ok", "code", "error", "statuscode"}
    return (
        name in ("message", "text")
        and bool(flags)
        and api.responses.is_text(members[pick(members, (name,)) or ""])
    )


def _answers(api: Api, subject: Subject, row: Schema) -> bool:
    """Whether a row in the answer is the agent's, not what the user has just said."""
    role = api.rows.read(row).get("role", {})
    if "agent" in role and "user" not in role:
        return True
    if "user" in role and "agent" not in role:
        return False
    last = {word for literal in subject.literals[-1:] for word in split(literal)}
    around = {flat(name) for name in api.responses.members(subject.response or {})}
    if last & _TALKS or subject.streams or around & _OF_TURN:
        return True
    if any(api.collection(s) for s in api.siblings(subject, Role.RUN_CREATE)):
        return False
    if api.siblings(subject, Role.MESSAGE_SUBSCRIBE) and _same_as_listed(api, subject, row):
        return False
    return bool(_SAYS.search(subject.prose)) or not _same_as_listed(api, subject, row)


def _same_as_listed(api: Api, subject: Subject, row: Schema) -> bool:
    """Whether a row looks like those of the list of messages, so that it may be the user's own."""
    own = {flat(name) for name in api.responses.members(row)}
    for role in (Role.MESSAGE_LIST, Role.MESSAGE_GET):
        for other in api.siblings(subject, role):
            schema = other.response
            while schema is not None:
                listed = {flat(name) for name in api.responses.members(schema)}
                if own and (own == listed or (own < listed and len(own) > 2)):
                    return True
                inner = api.responses.items(schema)
                arrays = [
                    m
                    for m in api.responses.members(schema).values()
                    if "array" in api.responses.types(m)
                ]
                schema = (
                    inner
                    if inner is not None
                    else (api.responses.items(arrays[0]) if arrays else None)
                )
    return False
