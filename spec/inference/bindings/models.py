"""Infers what sessions and messages look like on the wire of a document that does not say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document
from sparring.spec.pointers import EACH

from .names import ACTIVITY, pick, ranked, translate
from .schemas import Location, Schema
from .subjects import Api, Subject

Block = dict[str, Any]

_SHOWS = (Role.SESSION_GET, Role.SESSION_CREATE, Role.SESSION_UPDATE, Role.SESSION_LIST)
_PARTS = {
    "owner": ranked("owner ownerid createdby accountid"),
    "user": ranked("userid user customerid enduserid clientid visitorid contactid customer"),
    "created": ranked(
        "createdat created createdtime creationtime creationutc creationdate createtime createdon "
        "createddate startedat starttime datecreated insertedat timestamp"
    ),
    "updated": ranked(
        "updatedat updated updatetime lastupdated lastupdatedat modifiedat lastmodified "
        "updatedtime lastupdatetime updateddate dateupdated"
    ),
    "deleted": ranked("deletedat deletedtime deletiontime"),
    "count": ranked("messagecount messagescount nummessages totalmessages messagetotal"),
}
_TYPES = {
    "owner": {"string", "integer"},
    "user": {"string", "integer"},
    "count": {"integer", "number"},
}
_TIMES = {"string", "integer", "number"}


def infer_model(document: Document, blocks: Mapping[str, Mapping[str, Any]]) -> Block:
    """An `x-session-model` of the document's main kind of session, from its operations' blocks.

    `blocks` has an `x-session` block for each label of an operation.
    """
    api = Api(document, {label: Role(block["role"]) for label, block in blocks.items()})
    main = _main_collection(api)
    subjects = [s for s in api.subjects if api.collection(s) in (main, "") or s.path == main]
    model: Block = {}
    if session := _session(api, subjects, blocks) or _session(api, api.subjects, blocks):
        model["session"] = session
    for subject in subjects:
        block = blocks[subject.operation.label]
        shape = block.get("shape", "message")
        if subject.role is Role.MESSAGE_LIST and "text" in block.get("row", {}):
            model.setdefault(shape, block["row"])
            if shape == "event" and "stored" not in model:
                model |= _stored(api, subject, block)
        if subject.role is Role.SUGGESTION_LIST and (said := _suggestion(api, subject, block)):
            model["suggestion"] = said
    if "message" not in model:
        row = model.get("event") or _other_row(subjects, blocks)
        if row:
            model["message"] = row
    return model


def _main_collection(api: Api) -> str:
    """The collection of sessions that most operations with a role stand under."""
    counted = Counter(api.collection(s) or s.path for s in api.subjects if s.resource != "run")
    among = [(counted[path], -index, path) for index, path in enumerate(api.collections)]
    return max(among)[2] if among else ""


def _session(api: Api, subjects: list[Subject], blocks: Mapping[str, Mapping[str, Any]]) -> Block:
    """Where the parts of a session stand in the entity that the surest of its operations shows."""
    shown = [s for s in subjects if s.role in _SHOWS and s.response is not None]
    for subject in sorted(shown, key=lambda s: _SHOWS.index(s.role)):
        block = blocks[subject.operation.label]
        at = entity = pointers.split(block.get("entity", ""))
        id_at = pointers.split(block.get("id", "/id"))
        if subject.role is Role.SESSION_LIST:
            at = (*pointers.split(block.get("items", "")), EACH)
        elif id_at[: len(entity)] == entity:
            id_at = id_at[len(entity) :]
        schema = api.responses.at(subject.response, at)
        if schema is not None and api.responses.at(schema, id_at) is not None:
            found = {"id": pointers.join(id_at), **_parts(api, schema, id_at)}
            return _deleted(api, subjects) | found
    return {}


def _deleted(api: Api, subjects: list[Subject]) -> Block:
    """Where the answer to a delete says when that was."""
    for subject in subjects:
        if subject.role is Role.SESSION_DELETE and subject.response is not None:
            members = api.responses.members(subject.response)
            key = pick(members, _PARTS["deleted"])
            if key is not None and "boolean" not in api.responses.types(members[key]):
                return {"deleted": pointers.join((key,))}
    return {}


def _suggestion(api: Api, subject: Subject, block: Mapping[str, Any]) -> Block:
    """Where the parts of a suggestion stand; a bare string is its own text."""
    at = (*pointers.split(block.get("items", "")), EACH)
    schema = api.responses.at(subject.response, at)
    if schema is None or "string" in api.responses.types(schema):
        return {} if schema is None else {"text": ""}
    row = api.rows.read(schema)
    found: Block = {part: row[part] for part in ("id", "text", "created") if part in row}
    members = api.responses.members(schema)
    for part, names in (("message", ["messageid"]), ("session", api.session_names)):
        if (key := pick(members, names)) is not None:
            found[part] = pointers.join((key,))
            if found[part] == found.get("id"):
                del found["id"]
    return found if "text" in found else {}


def _parts(api: Api, schema: Schema, id_at: Location) -> Block:
    reader = api.responses
    members = reader.members(schema)
    found: Block = {}
    for part, names in _PARTS.items():
        wanted = _TYPES.get(part, _TIMES)
        fitting = {
            name: member
            for name, member in members.items()
            if (name,) != id_at and (reader.types(member) & wanted or not reader.types(member))
        }
        if (key := pick(fitting, names)) is not None:
            found[part] = pointers.join((key,))
            continue
        for holder in ("time", "timestamps", "dates", "attributes", "metadata", "meta"):
            outer = pick(members, (holder,))
            inner = pick(reader.members(members[outer]), names) if outer is not None else None
            if outer is not None and inner is not None:
                found[part] = pointers.join((outer, inner))
                break
    return found


def _stored(api: Api, subject: Subject, block: Mapping[str, Any]) -> Block:
    """Which kinds of events a list holds, and the document's words of its status events."""
    row = block["row"]
    kinds = [kind for kind in row.get("kind", {}) if kind != "at"]
    found: Block = {"stored": kinds} if kinds else {}
    if "status" in row:
        at = (*pointers.split(block.get("items", "")), EACH, *pointers.split(row["status"]))
        schema = api.responses.at(subject.response, at)
        if said := translate(api.responses.words(schema or {}), ACTIVITY):
            found["status"] = said
    return found


def _other_row(
    subjects: list[Subject], blocks: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The row of a session's history, of one message, or of an answer, where no list has one."""
    wanted = ("session.get", "message.get", "session.create", "message.create", "run.get")
    rows = {
        block["role"]: block["row"]
        for subject in reversed(subjects)
        if "text" in (block := blocks[subject.operation.label]).get("row", {})
    }
    return next((rows[role] for role in wanted if role in rows), None)
