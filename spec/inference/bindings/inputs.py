"""Finds where a request has the user's text, and what else it says of the turn that it starts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.pointers import EACH, LAST

from .names import KINDS, flat, pick, ranked, split, translate, words
from .schemas import Location, Schema
from .subjects import Api, Subject
from .texts import INPUT, Texts

Block = dict[str, Any]

_KIND = ranked("kind type eventtype messagetype event itemtype")
_IDS = re.compile(r"(id|ids|key|token|uuid|url|uri)$")
_WEAK = ranked("text arguments instruction instructions command name")
_OUTPUTS = ranked("tooloutputs toolresults toolreturns outputs functionresults tooloutput")
_CALL_ID = ranked("toolcallid callid tooluseid functioncallid invocationid id")
_OUTPUT = ranked("output result toolreturn toolresult content response value")
_RPC_TEXT: Location = ("params", "message", "parts", "0", "text")
_ENVELOPES = words("params data message payload event input body")


def input_block(api: Api, subject: Subject) -> Block:
    """Where the text is, and the messages when the body has several of them."""
    at = _text(api, subject)
    if at is not None:
        block: Block = {"input": pointers.join(at)}
        if LAST in at and at.index(LAST) < len(at) - 1:
            block["messages"] = pointers.join(at[: at.index(LAST)])
            if not _is_declared_list(api, subject, at[: at.index(LAST)]):
                del block["messages"]
        return block
    names = [name for name in INPUT if name not in ("data", "parts", "items", "events", "value")]
    texts = {
        name: parameter
        for name, parameter in subject.parameters("query").items()
        if api.requests.is_text(api.document.schema(parameter.schema, api.requests.view))
    }
    key = pick(texts, names)
    return {"input": f"$request.query.{key}"} if key else {}


def _is_declared_list(api: Api, subject: Subject, at: Location) -> bool:
    here = api.requests.at(subject.request, at)
    return bool(at) and here is not None and "array" in api.requests.types(here)


def _text(api: Api, subject: Subject) -> Location | None:
    if subject.request is None:
        return _RPC_TEXT if api.is_call(subject) else None
    found = api.asked.find(subject.request)
    if found is not None:
        return found
    says = subject.role in (Role.MESSAGE_CREATE, Role.SESSION_ACT)
    return _only_string(api, subject.request) if says else None


def _only_string(api: Api, schema: Schema) -> Location | None:
    """The text by elimination: the one free string that the body must have."""
    reader = api.requests
    members = reader.members(schema)
    required = reader.required(schema)
    texts = [n for n, m in members.items() if reader.is_text(m) and not _IDS.search(n.lower())]
    texts = [n for n in texts if not {"model", "agent", "event", "method"} & set(split(n))]
    needed = [name for name in texts if name in required]
    if len(needed) == 1:
        return (needed[0],)
    key = pick(dict.fromkeys(needed), _WEAK)
    return (key,) if key else None


def first_messages(api: Api, subject: Subject) -> Location | None:
    """Where the body that creates a session has what was said in it before."""
    if subject.request is None:
        return None
    found = Texts(api.requests, ("messages", "items", "content", "text"), "0").find(subject.request)
    is_list = found is not None and len(found) > 2 and found[1] == LAST
    return found[:1] if found is not None and is_list else None


def kind_place(api: Api, subject: Subject) -> Location | None:
    """Where the body says what kind of event it posts."""
    if subject.request is None or subject.resource != "message":
        return None
    reader = api.requests
    members = reader.members(subject.request)
    for name in _KIND:
        key = pick(members, (name,))
        if key is None:
            continue
        listed = reader.words(members[key])
        said = translate(listed, KINDS)
        if len(listed) > 1 and "message" in said and len(said) > 1:
            return (key,)
    return None


def call_id(members: Iterable[str]) -> str | None:
    """The member that names a tool call."""
    return pick(members, _CALL_ID[:-1])


def tool_block(api: Api, subject: Subject) -> Block:
    """Where the body names a tool call and has its result."""
    if subject.request is None:
        return {}
    reader = api.requests
    members = reader.members(subject.request)
    key = pick(members, _OUTPUTS)
    if key is not None:
        items = reader.items(members[key])
        base: Location = (key,) if items is None else (key, EACH)
        inner = reader.members(items if items is not None else members[key])
        call, output = pick(inner, _CALL_ID), pick(inner, _OUTPUT)
        if call and output:
            return {
                "call": pointers.join((*base, call)),
                "output": f"$request.body#{pointers.join((*base, output))}",
            }
    call = call_id(members)
    output = pick(members, [name for name in _OUTPUT if name not in ("content", "value")])
    if call and output:
        return {"call": f"/{call}", "output": f"$request.body#{pointers.join((output,))}"}
    return {}


def flag(api: Api, subject: Subject, *names: str) -> str | None:
    """The expression of a boolean that has one of these flat names, in the query or the body."""
    for name, parameter in subject.parameters("query").items():
        schema = api.document.schema(parameter.schema, api.requests.view)
        if flat(name) in names and "boolean" in api.requests.types(schema):
            return f"$request.query.{name}"
    for name, member in api.requests.members(subject.request or {}).items():
        if flat(name) in names and "boolean" in api.requests.types(member):
            return f"$request.body#{pointers.join((name,))}"
    return None


GREETING = ranked(
    "allowgreeting greeting greet sendgreeting withgreeting includegreeting welcome sendwelcome "
    "autogreet enablegreeting initialgreeting"
)
RECORD = ranked("record recordhistory savehistory persist storehistory savemessages addtohistory")
