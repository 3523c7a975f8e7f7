"""Infers where the parts of an operation's meaning stand, once its role is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document
from sparring.spec.pointers import EACH

from .acts import act_block
from .inputs import GREETING, RECORD, first_messages, flag, input_block, kind_place, tool_block
from .lists import filter_block, history_place, items_place, order_block, page_block
from .places import client_id, entity_id, is_implicit, session_place, target_place
from .replies import reply_block
from .runs import is_run, named_session, run_block
from .schemas import NOTHING, Location, Schema
from .subjects import Api, Subject

Block = dict[str, Any]

# What the rows of a talk look like that a document says nothing of.
_CONVENTION = {
    "text": "/content",
    "role": {"at": "/role", "user": "user", "agent": "assistant"},
}


def infer_bindings(document: Document, roles: Mapping[str, Role]) -> dict[str, Block]:
    """An `x-session` block for each operation that has a role; both by the operation's label."""
    api = Api(document, roles)
    return {subject.operation.label: _block(api, subject) for subject in api.subjects}


def _block(api: Api, subject: Subject) -> Block:
    block: Block = {"role": subject.role.value}
    session = session_place(api, subject)
    if session is not None:
        block["session"] = session[0]
    if (target := target_place(api, subject, session[0] if session else None)) is not None:
        block["target"] = target
    if is_implicit(api, subject, session):
        block["implicit"] = True
    if subject.role is Role.SESSION_GET and session is None:
        block["select"] = "active"
    if subject.role is Role.MESSAGE_SUBSCRIBE and session is None and "target" not in block:
        block["scope"] = "all"
    if (client := client_id(api, subject)) is not None:
        block["client_id"] = client
    _BY_VERB.get(subject.verb, _entity)(api, subject, block)
    if subject.verb == "create":
        _turn(api, subject, block)
    if subject.verb == "act":
        block |= act_block(api, subject, block.get("target"))
    if subject.resource == "run" and subject.verb != "delete" and (run := run_block(api, subject)):
        block["run"] = run
    if reply := reply_block(api, subject, block.get("effect", "")):
        block["reply"] = reply
        _row_of_reply(api, subject, block)
    return block


def _entity(api: Api, subject: Subject, block: Block) -> None:
    """Where the response has the entity, its id, and what was said in it."""
    if subject.response is None:
        return
    found = entity_id(api, subject)
    wrapper: Location = ()
    if found is not None:
        wrapper, at = found
        if wrapper:
            block["entity"] = pointers.join(wrapper)
        if at != ("id",) and (subject.verb != "act" or subject.resource == "run"):
            block["id"] = pointers.join(at)
    entity = api.responses.at(subject.response, wrapper)
    if subject.resource == "session" and subject.verb in ("get", "create", "update"):
        history = history_place(api, entity)
        if history is not None:
            at, row = history
            block["history"] = pointers.join((*wrapper, *at))
            _row(api, row, block)
            if "text" not in block.get("row", {}):
                block["row"] = _CONVENTION
    if subject.role in (Role.MESSAGE_GET, Role.MESSAGE_UPDATE) and entity is not None:
        items = api.responses.items(entity) if "array" in api.responses.types(entity) else None
        if items is not None and not wrapper:
            block["entity"] = "/0"
        _row(api, items if items is not None else entity, block)


def _delete(api: Api, subject: Subject, block: Block) -> None:
    filters = filter_block(api, subject, _session_row(api), _session_id(api), "")
    if "session" not in block and "target" not in block and filters:
        block["filter"] = filters


def _list(api: Api, subject: Subject, block: Block) -> None:
    items = items_place(api, subject)
    if items is None:
        return
    if items:
        block["items"] = pointers.join(items)
    row = api.responses.at(subject.response, (*items, EACH))
    id_at: Location = ("id",)
    if subject.resource == "message":
        _row(api, row or NOTHING, block)
        id_at = pointers.split(block.get("row", {}).get("id", "/id"))
        if row is not None and api.rows.is_event(row):
            block["shape"] = "event"
    elif row is not None and (found := entity_id(api, subject, row)) is not None:
        id_at = found[1]
        if id_at != ("id",):
            block["id"] = pointers.join(id_at)
    if page := page_block(api, subject, items):
        block["page"] = page
    if order := order_block(api, subject, row):
        block["order"] = order
    if filters := filter_block(api, subject, row, id_at, block.get("session", "")):
        block["filter"] = filters


def _clear(api: Api, subject: Subject, block: Block) -> None:
    page = page_block(api, subject, ())
    if page.get("style") == "watermark":
        block["page"] = page


_BY_VERB: Mapping[str, Callable[[Api, Subject, Block], None]] = {
    "list": _list,
    "delete": _delete,
    "clear": _clear,
    "subscribe": lambda api, subject, block: None,
}


def _session_row(api: Api) -> Schema | None:
    for role in (Role.SESSION_GET, Role.SESSION_CREATE):
        for subject in api.subjects:
            if subject.role is role and subject.response is not None:
                found = entity_id(api, subject)
                return api.responses.at(subject.response, found[0] if found else ())
    return None


def _session_id(api: Api) -> Location:
    for subject in api.subjects:
        if subject.role in (Role.SESSION_GET, Role.SESSION_CREATE):
            found = entity_id(api, subject)
            if found is not None:
                return found[1][len(found[0]) :]
    return ("id",)


def _turn(api: Api, subject: Subject, block: Block) -> None:
    """What a request that creates says of the talk."""
    if (greeting := flag(api, subject, *GREETING)) is not None:
        block["greeting"] = greeting
    if subject.role is Role.SESSION_CREATE and (said := first_messages(api, subject)):
        block["messages"] = pointers.join(said)
    if subject.resource not in ("message", "run"):
        return
    block |= input_block(api, subject)
    if (kind := kind_place(api, subject)) is not None:
        block["kind"] = pointers.join(kind)
    if tool := tool_block(api, subject):
        block["tool"] = tool
    if (record := flag(api, subject, *RECORD)) is not None:
        block["record"] = record


def _row_of_reply(api: Api, subject: Subject, block: Block) -> None:
    """The row that the answer to a message is: the agent's words, or the message as it is kept."""
    if subject.resource == "run":
        _row_of_output(api, subject, block)
        return
    says = subject.resource == "message" and subject.verb == "create"
    if not (says or subject.role is Role.SESSION_ACT) or subject.response is None:
        return
    at: Location = pointers.split(block.get("entity", ""))
    if "at" in block["reply"]:
        at = pointers.split(block["reply"]["at"])
    node = api.responses.at(subject.response, at)
    echoes = node is not None and not api.rows.is_talk(node) and block["reply"]["via"] != "body"
    if echoes and (items := items_place(api, subject)) is not None:
        at = (*items, EACH)
        node = api.responses.at(subject.response, at)
    if node is not None and api.rows.is_talk(node):
        _row(api, node, block)
        if at[-1:] == (EACH,) and "at" not in block["reply"] and at[:-1]:
            block["items"] = pointers.join(at[:-1])
    run = run_block(api, subject) if is_run(api, subject) else {}
    in_path = block.get("session", "").startswith("$request.path")
    makes = block.get("implicit") and not in_path
    if not run and (makes or subject.verb == "act"):  # a branch is a session of its own
        run = _session_of_answer(api, subject)
    if run:
        block["run"] = run


def _row_of_output(api: Api, subject: Subject, block: Block) -> None:
    """The row that stands at the place of a run's reply, where it is one."""
    at = block.get("reply", {}).get("at")
    if at is None or subject.response is None:
        return
    above = (*pointers.split(block.get("items", "")), EACH) if subject.verb == "list" else ()
    node = api.responses.at(subject.response, (*above, *pointers.split(at)))
    if node is not None and api.rows.is_talk(node):
        _row(api, node, block)


def _session_of_answer(api: Api, subject: Subject) -> Block:
    """Where the answer names the session that the message has made."""
    for base in ((), ("result",), ("data",), ("message",)):
        node = api.responses.at(subject.response, base)
        found = named_session(api, api.responses.members(node)) if node else None
        if found is not None:
            return {"session": pointers.join((*base, *found))}
    return {}


def _row(api: Api, schema: Schema, block: Block) -> None:
    row = api.rows.read(schema)
    if "text" in row:
        block["row"] = row
