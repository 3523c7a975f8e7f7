"""Bindings inferred from documents that say only their paths, names and types."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparring.spec import pointers
from sparring.spec.binding import Role, check, read_binding
from sparring.spec.document import Document, Operation, compile_document, load_document
from sparring.spec.errors import SparringError
from sparring.spec.inference.bindings import infer_bindings
from sparring.spec.inference.models import infer_model
from sparring.spec.inference.schemas import Reader, request_schema, response_schema
from sparring.spec.schemas import View
from sparring.spec.source import Source

Block = Mapping[str, Any]

ABSENT = object()


def schema(short: Any) -> Any:
    """A schema in shorthand: names of types, words of an enum `a|b`, `=a` a constant, dicts, lists,
    tuples of alternatives; a name that ends with `!` is required."""
    if isinstance(short, dict) and "$" in short:
        return short["$"]
    if isinstance(short, dict):
        required = [name[:-1] for name in short if name.endswith("!")]
        members = {name.rstrip("!"): schema(value) for name, value in short.items()}
        return {"type": "object", "properties": members, "required": required}
    if isinstance(short, list):
        return {"type": "array", "items": schema(short[0])}
    if isinstance(short, tuple):
        return {"oneOf": [schema(choice) for choice in short]}
    if short == "any":
        return {}
    if short.startswith("="):
        return {"const": short[1:]}
    if "|" in short:
        return {"type": "string", "enum": short.split("|")}
    return {"type": short}


def operation(path: str, said: Mapping[str, Any]) -> dict[str, Any]:
    names = [part.split("}")[0] for part in path.split("{")[1:]]
    found: dict[str, Any] = {
        "summary": said.get("summary", ""),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
        + [
            {"name": name.rstrip("!"), "in": "query", "required": "!" in name, "schema": schema(s)}
            for name, s in said.get("query", {}).items()
        ],
    }
    if "body" in said:
        media = said.get("media", "application/json")
        found["requestBody"] = {"content": {media: {"schema": schema(said["body"])}}}
    content: dict[str, Any] = {}
    if "ok" in said:
        content["application/json"] = {"schema": schema(said["ok"])}
        if "example" in said:
            content["application/json"]["example"] = said["example"]
    if said.get("sse"):
        content["text/event-stream"] = {}
    found["responses"] = {"200": {"description": "", **({"content": content} if content else {})}}
    return found


def document(operations: Mapping[str, Mapping[str, Any]]) -> tuple[Document, dict[str, Role]]:
    """A document of operations by their labels, and their roles."""
    paths: dict[str, Any] = {}
    roles = {}
    for label, said in operations.items():
        method, path = label.split(" ")
        paths.setdefault(path, {})[method.lower()] = operation(path, said)
        roles[label] = Role(said["role"])
    tree = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
    return compile_document(Source("", "", tree, {})), roles


MESSAGE = {
    "id!": "string",
    "role!": "user|assistant|system",
    "content!": "string",
    "created_at": "string",
}
SESSION = {
    "id!": "string",
    "user_id": "string",
    "title": "string",
    "metadata": "object",
    "created_at": "string",
}
RUN = {
    "id!": "string",
    "thread_id": "string",
    "status!": "queued|in_progress|completed|cancelled|failed",
}
HOME: dict[str, dict[str, Any]] = {
    "POST /sessions": {"role": "session.create", "body": {"title": "string"}, "ok": SESSION},
    "GET /sessions/{session_id}": {"role": "session.get", "ok": SESSION},
    "GET /sessions/{session_id}/messages": {"role": "message.list", "ok": [MESSAGE]},
}
SEND = "POST /sessions/{session_id}/messages"
CHAT = "POST /chat"
LIST = "GET /sessions"
TALK = "GET /sessions/{session_id}/messages"
USERS = {"at": "/role", "user": "user", "agent": "assistant", "system": "system"}


def send(body: Any, ok: Any = None, **said: Any) -> dict[str, Any]:
    return {"role": "message.create", "body": body, **({} if ok is None else {"ok": ok}), **said}


def lists(ok: Any, query: Any = None, **said: Any) -> dict[str, Any]:
    return {"role": "session.list", "ok": ok, "query": query or {}, **said}


def talk(row: Any, **said: Any) -> dict[str, Any]:
    return {"role": "message.list", "ok": [row], **said}


PARTS = [({"type!": "=text", "text!": "string"}, {"type!": "=image", "url!": "string"})]

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # Where the user's text is
    "a plain text": (SEND, send({"content": "string"}), {"input": "/content"}),
    "a query beside free inputs": (
        CHAT,
        send({"inputs": "object", "query": "string"}),
        {"input": "/query"},
    ),
    "the text of the last of several messages": (
        SEND,
        send({"messages": [{"role": "user|assistant", "content": "string"}]}),
        {"input": "/messages/-1/content", "messages": "/messages"},
    ),
    "a string or parts": (SEND, send({"content": ("string", PARTS)}), {"input": "/content"}),
    "parts only": (SEND, send({"parts": PARTS}), {"input": "/parts/0/text"}),
    "the parts of the last message": (
        SEND,
        send({"messages": [{"role": "string", "parts": PARTS}]}),
        {"input": "/messages/-1/parts/0/text"},
    ),
    "a message in a call": (
        CHAT,
        send({"jsonrpc": "=2.0", "params": {"message": {"contextId": "string", "parts": PARTS}}}),
        {
            "input": "/params/message/parts/0/text",
            "session": "$request.body#/params/message/contextId",
        },
    ),
    "a form": (
        CHAT,
        send({"message!": "string", "files": ["string"]}, media="multipart/form-data"),
        {"input": "/message"},
    ),
    "a query parameter": (
        CHAT,
        {"role": "message.create", "query": {"message!": "string"}},
        {"input": "$request.query.message"},
    ),
    "any input holds messages by convention": (
        "POST /threads/{thread_id}/runs",
        {"role": "run.create", "body": {"input": ("object", ["any"], "string", "number")}},
        {"input": "/input/messages/-1/content", "messages": ABSENT},
    ),
    "messages before an input in one string": (
        CHAT,
        send({"input": "string", "messages": [{"role": "string", "content": "string"}]}),
        {"input": "/messages/-1/content"},
    ),
    "the history is not the input": (
        CHAT,
        send({"message": "string", "history": [{"role": "string", "content": "string"}]}),
        {"input": "/message", "messages": ABSENT},
    ),
    "an id and a model are no text": (
        SEND,
        send({"model!": "string", "message_id!": "string", "utterance!": "string"}),
        {"input": "/utterance"},
    ),
    "nested under its event": (
        SEND,
        send({"event": {"type": "string", "data": {"text": "string"}}}),
        {"input": "/event/data/text"},
    ),
    # Kinds, tools, flags
    "the kind of a posted event": (
        SEND,
        send({"type": "message|status|tool_result", "content": "string"}),
        {"kind": "/type", "input": "/content"},
    ),
    "the kind of content is no kind of event": (
        SEND,
        send({"type": "text|image", "content": "string"}),
        {"kind": ABSENT},
    ),
    "tool outputs": (
        "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
        {
            "role": "run.act",
            "body": {"tool_outputs": [{"tool_call_id": "string", "output": "string"}]},
        },
        {
            "tool": {
                "call": "/tool_outputs/*/tool_call_id",
                "output": "$request.body#/tool_outputs/*/output",
            },
            "effect": "answer",
            "target": "$request.path.run_id",
            "session": "$request.path.thread_id",
        },
    ),
    "a greeting that may be asked for": (
        "POST /sessions",
        {"role": "session.create", "query": {"allow_greeting": "boolean"}, "ok": SESSION},
        {"greeting": "$request.query.allow_greeting"},
    ),
    "a turn that is not to be recorded": (
        SEND,
        send({"message": "string", "record": "boolean"}),
        {"record": "$request.body#/record"},
    ),
    # Sessions and targets
    "the id behind the collection": (
        SEND,
        send({"content": "string"}),
        {"session": "$request.path.session_id", "implicit": ABSENT},
    ),
    "an id in the body": (
        CHAT,
        send({"session_id!": "string", "message": "string"}),
        {"session": "$request.body#/session_id"},
    ),
    "an id that may be left out makes a session": (
        CHAT,
        send(
            {"conversationId": "string", "message": "string"},
            {"answer": "string", "conversationId": "string"},
        ),
        {
            "session": "$request.body#/conversationId",
            "implicit": True,
            "run": {"session": "/conversationId"},
        },
    ),
    "an id in a query": (
        "GET /messages",
        talk(MESSAGE, query={"conversation_id!": "string"}),
        {"session": "$request.query.conversation_id", "filter": ABSENT},
    ),
    "messages of an agent without sessions": (
        "POST /agents/{agent_id}/messages",
        send({"content": "string"}),
        {"session": "$request.path.agent_id", "implicit": True},
    ),
    "a permission is not the session": (
        "POST /sessions/{id}/permissions/{permission_id}",
        {"role": "session.act", "body": {"response": "once|always"}},
        {"session": "$request.path.id", "effect": "none"},
    ),
    "the message spoken of": (
        "GET /sessions/{session_id}/messages/{message_id}",
        {"role": "message.get", "ok": MESSAGE},
        {"target": "$request.path.message_id", "session": "$request.path.session_id"},
    ),
    "a run named in a query": (
        "GET /chat/retrieve",
        {
            "role": "run.get",
            "query": {"conversation_id!": "string", "chat_id!": "string"},
            "ok": RUN,
        },
        {"session": "$request.query.conversation_id", "target": "$request.query.chat_id"},
    ),
    "events of one run": (
        "GET /runs/{run_id}/events",
        talk(MESSAGE),
        {"target": "$request.path.run_id", "session": ABSENT},
    ),
    "the caller's active session": (
        "GET /sessions/active",
        {"role": "session.get", "ok": SESSION},
        {"select": "active"},
    ),
    "one stream of all sessions": (
        "GET /events",
        {"role": "message.subscribe", "sse": True},
        {"scope": "all"},
    ),
    "a client may choose the id": (
        "POST /threads",
        {"role": "session.create", "body": {"thread_id": "string"}, "ok": {"thread_id!": "string"}},
        {"client_id": "$request.body#/thread_id", "id": "/thread_id"},
    ),
    "another's id is not the client's": (
        "POST /sessions",
        {
            "role": "session.create",
            "body": {"agent_id!": "string", "user_id": "string"},
            "ok": SESSION,
        },
        {"client_id": ABSENT},
    ),
    "a wrapped entity": (
        "GET /conversations/{conversation_id}",
        {"role": "session.get", "ok": {"conversation": {"id": "string", "title": "string"}}},
        {"entity": "/conversation", "id": "/conversation/id"},
    ),
    "what was said in a session": (
        "GET /chats/{chat_id}",
        {"role": "session.get", "ok": {"id": "string", "messages": [MESSAGE]}},
        {"history": "/messages"},
    ),
    "what was said, wrapped once more": (
        "GET /chats/{chat_id}",
        {
            "role": "session.get",
            "ok": {
                "id": "string",
                "parts": {"parts": [{"body": "string", "author": {"type": "admin|user|bot"}}]},
            },
        },
        {
            "history": "/parts/parts",
            "row": {
                "text": "/body",
                "role": {"at": "/author/type", "user": "user", "agent": "bot"},
            },
        },
    ),
    # Lists
    "a bare array": (LIST, lists([SESSION]), {"items": ABSENT, "id": ABSENT}),
    "data": (LIST, lists({"data": [SESSION], "tags": ["string"]}), {"items": "/data"}),
    "an array by its noun": (
        LIST,
        lists({"sessions": [SESSION], "users": [SESSION]}),
        {"items": "/sessions"},
    ),
    "rows beside a total": (
        LIST,
        lists({"total": "integer", "rows": [SESSION]}, {"limit": "integer", "offset": "integer"}),
        {
            "items": "/rows",
            "page": {"style": "offset", "in": "offset", "limit": "limit", "total": "/total"},
        },
    ),
    "a list in an envelope": (
        LIST,
        lists(
            {"success": "boolean", "data": {"items": [SESSION], "total": "integer"}},
            {"size": "integer"},
        ),
        {
            "items": "/data/items",
            "page": {"style": "none", "limit": "size", "total": "/data/total"},
        },
    ),
    "an array or a page of it": (
        LIST,
        lists(([SESSION], {"items": [SESSION], "next_cursor": "string"}), {"cursor": "string"}),
        {"items": "/items", "page": {"style": "cursor", "in": "cursor", "out": "/next_cursor"}},
    ),
    "pages by number": (
        LIST,
        lists(
            {
                "data": [SESSION],
                "meta": {
                    "page": "integer",
                    "limit": "integer",
                    "total_pages": "integer",
                    "total_count": "integer",
                },
            },
            {"page": "integer", "limit": "integer"},
        ),
        {
            "page": {
                "style": "page",
                "in": "page",
                "limit": "limit",
                "total": "/meta/total_count",
                "pages": "/meta/total_pages",
                "start": "/meta/page",
                "size": "/meta/limit",
            }
        },
    ),
    "cursors by id": (
        LIST,
        lists(
            {"data": [SESSION], "first_id": "string", "last_id": "string", "has_more": "boolean"},
            {"after": "string", "before": "string", "limit": "integer", "order": "asc|desc"},
        ),
        {
            "page": {
                "style": "cursor",
                "in": "after",
                "before": "before",
                "limit": "limit",
                "more": "/has_more",
                "first": "/first_id",
                "last": "/last_id",
            },
            "order": {"dir": "$request.query.order"},
        },
    ),
    "page tokens": (
        LIST,
        lists(
            {"sessions": [SESSION], "nextPageToken": "string"},
            {"pageToken": "string", "pageSize": "integer"},
        ),
        {
            "page": {
                "style": "cursor",
                "in": "pageToken",
                "limit": "pageSize",
                "out": "/nextPageToken",
            }
        },
    ),
    "a watermark that is a token": (
        "GET /conversations/{conversationId}/activities",
        {
            "role": "message.list",
            "query": {"watermark": "string"},
            "ok": {
                "activities": [
                    {"type": "message|typing", "from": {"role": "user|bot"}, "text": "string"}
                ],
                "watermark": "string",
            },
        },
        {
            "items": "/activities",
            "shape": "event",
            "page": {"style": "cursor", "in": "watermark", "out": "/watermark"},
            "row": {
                "text": "/text",
                "role": {"at": "/from/role", "user": "user", "agent": "bot"},
                "kind": {"at": "/type", "message": "message", "status": "typing"},
            },
        },
    ),
    "numbered pages of resource objects": (
        LIST,
        lists(
            {
                "data": [{"id": "string", "attributes": {"title": "string"}}],
                "meta": {"total": "integer"},
            },
            {"page[number]": "integer", "page[size]": "integer", "filter[title]": "string"},
        ),
        {
            "items": "/data",
            "page": {
                "style": "page",
                "in": "page[number]",
                "limit": "page[size]",
                "total": "/meta/total",
            },
            "filter": {"filter[title]": {"at": "/attributes/title", "how": "exact"}},
        },
    ),
    "embedded rows": (
        LIST,
        lists(
            {
                "_embedded": {"sessions": [SESSION]},
                "page": {"totalElements": "integer", "totalPages": "integer"},
            },
            {"page": "integer", "size": "integer"},
        ),
        {
            "items": "/_embedded/sessions",
            "page": {
                "style": "page",
                "in": "page",
                "limit": "size",
                "total": "/page/totalElements",
                "pages": "/page/totalPages",
            },
        },
    ),
    "parameters with a dollar": (
        LIST,
        lists({"value": [SESSION]}, {"$top": "integer", "$skip": "integer"}),
        {"page": {"style": "offset", "in": "$request.query.$skip", "limit": "$request.query.$top"}},
    ),
    "a page that is a token": (
        LIST,
        lists({"items": [SESSION]}, {"page": "string"}),
        {"page": {"style": "cursor", "in": "page"}},
    ),
    "a search with a body": (
        "POST /sessions/search",
        lists(
            [SESSION],
            body={"metadata": "object", "ids": ["string"], "limit": "integer", "offset": "integer"},
        ),
        {
            "page": {
                "style": "offset",
                "in": "$request.body#/offset",
                "limit": "$request.body#/limit",
            },
            "filter": {
                "$request.body#/metadata": {"at": "/metadata", "how": "exact-json"},
                "$request.body#/ids": {"at": "/id", "how": "any-of"},
            },
        },
    ),
    "a filter needs a member": (
        LIST,
        lists([SESSION], {"user_id": "string", "workspace": "string"}),
        {"filter": {"user_id": {"at": "/user_id", "how": "exact"}}},
    ),
    "sorting by a member": (
        LIST,
        lists([SESSION], {"sort_by": "created_at|updated_at", "sort_order": "asc|desc"}),
        {"order": {"by": "$request.query.sort_by", "dir": "$request.query.sort_order"}},
    ),
    "events from an offset on": (
        "GET /sessions/{session_id}/events",
        talk(
            {
                "id": "string",
                "offset": "integer",
                "type": "message|status|tool",
                "source": "customer|ai_agent",
                "data": {"message": "string", "status": "string"},
            },
            query={"min_offset": "integer", "wait_for_data": "integer", "types": ["string"]},
        ),
        {
            "shape": "event",
            "page": {"style": "watermark", "in": "min_offset"},
            "filter": {"types": {"at": "/type", "how": "any-of"}},
            "reply": {"via": "poll", "wait": "$request.query.wait_for_data"},
            "row": {
                "text": "/data/message",
                "id": "/id",
                "offset": "/offset",
                "status": "/data/status",
                "role": {"at": "/source", "user": "customer", "agent": "ai_agent"},
                "kind": {
                    "at": "/type",
                    "message": "message",
                    "status": "status",
                    "tool_call": "tool",
                },
            },
        },
    ),
    # Rows
    "a message": (
        TALK,
        talk(MESSAGE),
        {
            "shape": ABSENT,
            "row": {"text": "/content", "id": "/id", "created": "/created_at", "role": USERS},
        },
    ),
    "a flag for the user": (
        TALK,
        talk({"is_user": "boolean", "text": "string"}),
        {"row": {"text": "/text", "role": {"at": "/is_user", "user": True, "agent": False}}},
    ),
    "upper case words": (
        TALK,
        talk({"author": "HUMAN|BOT", "body": "string", "timestamp": "integer"}),
        {
            "row": {
                "text": "/body",
                "created": "/timestamp",
                "role": {"at": "/author", "user": "HUMAN", "agent": "BOT"},
            }
        },
    ),
    "who speaks stands in the author": (
        TALK,
        talk({"author": {"id": "string", "type": "customer|agent"}, "text": "string"}),
        {
            "row": {
                "text": "/text",
                "role": {"at": "/author/type", "user": "customer", "agent": "agent"},
            }
        },
    ),
    "parts among others": (
        TALK,
        talk({"role": "user|model", "parts": PARTS}),
        {
            "row": {
                "text": "/parts/*/text",
                "role": {"at": "/role", "user": "user", "agent": "model"},
            }
        },
    ),
    "text beside other kinds of parts": (
        TALK,
        talk(
            {
                "role": "user|assistant",
                "content": [
                    (
                        {"type": "=image", "image": {"text": "string"}},
                        {"type": "=text", "text": {"value": "string"}},
                    )
                ],
            }
        ),
        {
            "row": {
                "text": "/content/*/text/value",
                "role": {"at": "/role", "user": "user", "agent": "assistant"},
            }
        },
    ),
    "the branch that is a message": (
        TALK,
        talk(
            (
                {"kind": "=ErrorEvent", "detail": "string", "text": "string"},
                {
                    "kind": "=MessageEvent",
                    "source": "user|agent",
                    "llm_message": {"content": PARTS},
                },
                {"kind": "=ActionEvent", "tool_call_id": "string", "tool_name": "string"},
                {"kind": "=ObservationEvent", "tool_call_id": "string", "observation": "string"},
            )
        ),
        {
            "shape": "event",
            "row": {
                "text": "/llm_message/content/*/text",
                "role": {"at": "/source", "user": "user", "agent": "agent"},
                "kind": {
                    "at": "/kind",
                    "message": "MessageEvent",
                    "tool_call": "ActionEvent",
                    "tool_result": "ObservationEvent",
                },
                "tool": {"id": "/tool_call_id", "name": "/tool_name", "result": "/observation"},
            },
        },
    ),
    "a kind for each speaker": (
        TALK,
        talk(
            (
                {"type": "=thread.user_message", "content": "string"},
                {"type": "=thread.assistant_message", "content": "string"},
            )
        ),
        {
            "row": {
                "text": "/content",
                "role": {
                    "at": "/type",
                    "user": "thread.user_message",
                    "agent": "thread.assistant_message",
                },
            }
        },
    ),
    "an envelope around its facts": (
        TALK,
        talk(
            {
                "info": {"id": "string", "role": "user|assistant", "time": {"created": "number"}},
                "parts": PARTS,
            }
        ),
        {
            "row": {
                "text": "/parts/*/text",
                "id": "/info/id",
                "created": "/info/time/created",
                "role": {"at": "/info/role", "user": "user", "agent": "assistant"},
            }
        },
    ),
    "how far a message is, and its turn": (
        TALK,
        talk({**MESSAGE, "run_id": "string", "status": "in_progress|completed|incomplete"}),
        {
            "row": {
                "text": "/content",
                "id": "/id",
                "turn": "/run_id",
                "created": "/created_at",
                "role": USERS,
                "state": {"at": "/status", "complete": "completed", "stopped": "incomplete"},
            }
        },
    ),
    "a free role says its words": (
        TALK,
        talk(
            {
                "role": {"$": {"type": "string", "description": "`human` or `ai`"}},
                "content": "string",
            }
        ),
        {"row": {"text": "/content", "role": {"at": "/role", "user": "human", "agent": "ai"}}},
    ),
    "text where the example has it": (
        TALK,
        talk({"source": "user|bot", "data": {"$": {"example": {"message": "Hi", "tags": []}}}}),
        {
            "row": {
                "text": "/data/message",
                "role": {"at": "/source", "user": "user", "agent": "bot"},
            }
        },
    ),
    # Replies
    "an answer in the body": (
        CHAT,
        send({"message": "string"}, {"answer": "string", "usage": "object"}),
        {"reply": {"via": "body", "at": "/answer"}},
    ),
    "rows in the body": (
        "POST /sessions/{session_id}/chat",
        send({"message": "string"}, {"messages": [MESSAGE]}),
        {"reply": {"via": "body", "at": "/messages/*"}},
    ),
    "the first of several choices": (
        CHAT,
        send({"message": "string"}, {"response": [[MESSAGE]]}),
        {"reply": {"via": "body", "at": "/response/0/*"}},
    ),
    "an assistant's message is no echo": (
        SEND,
        send({"content": "string"}, {"id": "string", "role": "=assistant", "content": "string"}),
        {"reply": {"via": "body", "at": ""}},
    ),
    "the user's and the agent's message": (
        SEND,
        send({"content": "string"}, {"user_message": MESSAGE, "assistant_message": MESSAGE}),
        {"reply": {"via": "body", "at": "/assistant_message"}},
    ),
    "an echo is no reply": (
        SEND,
        send({"content": "string"}, MESSAGE),
        {"reply": {"via": "poll"}},
    ),
    "a note of success is no reply": (
        SEND,
        send({"content": "string"}, {"success": "boolean", "message": "string"}),
        {"reply": {"via": "poll"}},
    ),
    "only a stream": (SEND, send({"content": "string"}, sse=True), {"reply": {"via": "sse"}}),
    "a stream by flag": (
        CHAT,
        send({"message": "string", "stream": "boolean"}, {"reply": "string"}, sse=True),
        {"reply": {"via": "body", "at": "/reply", "when": "$request.body#/stream"}},
    ),
    "a stream by mode": (
        CHAT,
        send(
            {"query": "string", "response_mode": "blocking|streaming"},
            {"answer": "string"},
            sse=True,
        ),
        {
            "reply": {
                "via": "body",
                "at": "/answer",
                "when": {"$request.body#/response_mode": "streaming"},
            }
        },
    ),
    "a stream by Accept": (
        CHAT,
        send({"message": "string"}, {"reply": "string"}, sse=True),
        {"reply": {"via": "body", "at": "/reply"}},
    ),
    "a path of streams": (
        "POST /chat/stream",
        send({"message": "string"}, "any", sse=True),
        {"reply": {"via": "sse"}},
    ),
    "a run that is waited for": (
        "POST /threads/{thread_id}/runs",
        {"role": "run.create", "body": {"input": "string"}, "ok": {**RUN, "output": "string"}},
        {
            "reply": {"via": "body", "at": "/output"},
            "run": {
                "session": "/thread_id",
                "status": "/status",
                "states": {
                    "queued": "queued",
                    "running": "in_progress",
                    "done": "completed",
                    "stopped": "cancelled",
                    "failed": "failed",
                },
            },
        },
    ),
    "a run in the background": (
        "POST /threads/{thread_id}/runs",
        {"role": "run.create", "body": {"input": "string"}, "ok": RUN},
        {"reply": {"via": "poll"}, "input": "/input"},
    ),
    "what a run was given is not what came of it": (
        "POST /runs",
        {
            "role": "run.create",
            "body": {"messages": [MESSAGE]},
            "ok": {**RUN, "messages": [MESSAGE]},
        },
        {"reply": {"via": "poll"}},
    ),
    "a run starts as soon as a flag says so": (
        SEND,
        send({"content": "string", "run": "boolean"}, {"success": "boolean"}),
        {"reply": {"via": "poll", "when": "$request.body#/run"}},
    ),
    "no reply where a flag says so": (
        SEND,
        send({"content": "string", "noReply": "boolean"}, {"reply": "string"}),
        {
            "reply": {
                "via": "body",
                "at": "/reply",
                "when": {"$request.body#/noReply": {"not": True}},
            }
        },
    ),
    "the first of several completions": (
        CHAT,
        send({"prompt": "string"}, {"choices": [{"index": "integer", "message": MESSAGE}]}),
        {"reply": {"via": "body", "at": "/choices/0/message"}},
    ),
    "words in a part of their own": (
        SEND,
        send({"input": {"text": "string"}}, {"output": {"generic": [{"text": "string"}]}}),
        {"input": "/input/text", "reply": {"via": "body", "at": "/output/generic/*/text"}},
    ),
    "events as the answer of a run": (
        "POST /run",
        {
            "role": "run.create",
            "body": {"newMessage": {"parts": PARTS}},
            "ok": [{"content": {"role": "string", "parts": PARTS}}],
        },
        {"input": "/newMessage/parts/0/text", "reply": {"via": "body", "at": "/*"}},
    ),
    "a run in an envelope": (
        "POST /chat/runs",
        {"role": "run.create", "body": {"input": "string"}, "ok": {"data": RUN}, "sse": True},
        {
            "entity": "/data",
            "id": "/data/id",
            "reply": {"via": "poll"},
            "run": {
                "session": "/data/thread_id",
                "status": "/data/status",
                "states": {
                    "queued": "queued",
                    "running": "in_progress",
                    "done": "completed",
                    "stopped": "cancelled",
                    "failed": "failed",
                },
            },
        },
    ),
    "an act cancels": (
        "POST /runs/{run_id}/cancel",
        {"role": "run.act", "ok": RUN},
        {"effect": "cancel", "target": "$request.path.run_id"},
    ),
    "an act copies": (
        "POST /sessions/{session_id}/copy",
        {"role": "session.act"},
        {"effect": "fork"},
    ),
}


@pytest.mark.parametrize("claim", CASES)
def test_a_document_says(claim: str) -> None:
    label, said, expected = CASES[claim]
    compiled, roles = document({**HOME, label: said})
    block = infer_bindings(compiled, roles)[label]
    assert {key: block.get(key, ABSENT) for key in expected} == expected, block
    assert_valid(compiled, label, block)


def test_a_run_that_answers_leaves_its_messages_without_a_reply() -> None:
    run = {"role": "run.create", "body": {"agent_id": "string"}, "ok": RUN}
    compiled, roles = document(
        {
            **HOME,
            SEND: send({"content": "string"}, MESSAGE),
            "POST /sessions/{session_id}/runs": run,
        }
    )
    assert infer_bindings(compiled, roles)[SEND]["reply"] == {"via": "none"}


def test_a_subscription_brings_what_a_message_does_not_answer() -> None:
    stream = {"role": "message.subscribe", "sse": True}
    compiled, roles = document(
        {
            **HOME,
            SEND: send({"content": "string"}, MESSAGE),
            "GET /sessions/{session_id}/events": stream,
        }
    )
    assert infer_bindings(compiled, roles)[SEND]["reply"] == {"via": "subscribe"}


def test_a_store_of_both_sides_words_has_no_agent() -> None:
    body = {"messages": [{"role": "string", "content": "string"}]}
    compiled, roles = document({**HOME, SEND: send(body, "string")})
    assert infer_bindings(compiled, roles)[SEND]["reply"] == {"via": "none"}


def test_without_a_create_the_first_message_makes_the_session() -> None:
    label = "POST /conversations/{conversation_id}/messages"
    compiled, roles = document({label: send({"text": "string"})})
    assert infer_bindings(compiled, roles)[label]["implicit"] is True


def test_the_same_document_gives_the_same_blocks() -> None:
    compiled, roles = document({**HOME, SEND: send({"content": "string"}, MESSAGE)})
    turned = dict(reversed(roles.items()))
    assert infer_bindings(compiled, roles) == infer_bindings(compiled, turned)


def test_the_model_is_read_from_the_blocks() -> None:
    compiled, roles = document({**HOME, SEND: send({"content": "string"}, MESSAGE)})
    model = infer_model(compiled, infer_bindings(compiled, roles))
    assert model == {
        "session": {"id": "/id", "user": "/user_id", "created": "/created_at"},
        "message": {"text": "/content", "id": "/id", "created": "/created_at", "role": USERS},
    }
    assert not check("x-session-model", model, compiled.source, ())


def test_a_model_without_a_list_has_the_rows_of_the_history() -> None:
    shown = {"chat_id": "string", "messages": [MESSAGE]}
    compiled, roles = document({"GET /chats/{chat_id}": {"role": "session.get", "ok": shown}})
    model = infer_model(compiled, infer_bindings(compiled, roles))
    assert model["session"] == {"id": "/chat_id"}
    assert model["message"]["text"] == "/content"


# What holds for every block


def assert_valid(compiled: Document, label: str, block: Block) -> None:
    """A block obeys the vocabulary, and each of its locations stands in the schemas."""
    _, defects = read_binding(block, compiled.source, ())
    assert not defects, (label, block, defects)
    found = next(op for op in compiled.operations if op.label == label)
    missing = list(places(compiled, found, block))
    assert not missing, (label, missing, block)


def places(compiled: Document, op: Operation, block: Block) -> Iterator[str]:
    """The locations of a block that the operation's schemas do not have."""
    requests, responses = Reader(compiled, View.REQUEST), Reader(compiled, View.RESPONSE)
    body, answer = request_schema(compiled, op), response_schema(compiled, op)
    parameters = {(p.place, p.name) for p in op.parameters}

    def in_request(place: str) -> bool:
        if place.startswith("/"):
            place = f"$request.body#{place}"
        if not place.startswith("$"):
            place = f"$request.query.{place}"
        if place.startswith("$request.body#"):
            location = pointers.split(place.partition("#")[2])
            return not op.body or requests.at(body, location) is not None
        _, part, name = place.split(".", 2)
        return (part, name) in parameters or (part == "path" and f"{{{name}}}" in op.path)

    def in_answer(*location: str) -> bool:
        tokens = tuple(token for part in location for token in pointers.split(part))
        return responses.at(answer, tokens) is not None

    for key in (
        "session",
        "target",
        "client_id",
        "input",
        "messages",
        "kind",
        "greeting",
        "record",
    ):
        if key in block and not in_request(block[key]):
            yield f"{key} {block[key]}"
    page, reply = block.get("page", {}), block.get("reply", {})
    spoken = [page.get("in"), page.get("before"), page.get("limit"), *block.get("filter", {})]
    spoken += [*block.get("order", {}).values(), reply.get("wait"), *block.get("tool", {}).values()]
    when = reply.get("when", [])
    spoken += [when] if isinstance(when, str) else list(when)
    yield from (place for place in spoken if place is not None and not in_request(place))
    wrapper = block.get("entity", "")
    rows = f"{block.get('items', '')}/*" if block["role"].endswith("list") else wrapper
    if "history" in block:
        rows = f"{block['history']}/*"
    elif block["role"] == "message.create":
        rows = reply.get("at", f"{block['items']}/*" if "items" in block else wrapper)
    base = f"{block.get('items', '')}/*" if block["role"].endswith("list") else ""
    shown = [block.get("entity"), block.get("items"), block.get("history"), reply.get("at")]
    shown += [
        page.get(k) for k in ("out", "more", "first", "last", "total", "pages", "start", "size")
    ]
    run = [at for k, at in block.get("run", {}).items() if k != "states"]
    yield from (at for at in shown if at is not None and not in_answer(at))
    yield from (at for at in [block.get("id"), *run] if at is not None and not in_answer(base, at))
    yield from (at for at in locations(block.get("row", {})) if not in_answer(rows, at))
    for rule in block.get("filter", {}).values():
        if block["role"].endswith("list") and not in_answer(base, rule["at"]):
            yield rule["at"]


def locations(row: Block) -> list[str]:
    found = [at for at in row.values() if isinstance(at, str)]
    found += [part["at"] for part in row.values() if isinstance(part, dict) and "at" in part]
    return found + list(row.get("tool", {}).values())


REAL = (
    "acp-beeai.yaml",
    "agno.yaml",
    "flux0.json",
    "julep-v0-2024-04.yaml",
    "langchain-agent-protocol.json",
    "langgraph-platform.json",
    "letta.json",
    "openai.yaml",
    "opencode.yml",
    "openhands.json",
    "parlant.json",
    "rasa.yml",
    "zep-v0.json",
)


@pytest.fixture(scope="module", params=REAL)
def real(request: pytest.FixtureRequest, shared: Path) -> tuple[Document, dict[str, Role]]:
    name = request.param
    try:
        compiled = load_document(shared / "specs" / name)
    except SparringError as error:
        pytest.skip(f"absent: {error.defects[0].message}")
    labels = yaml.safe_load((shared / "specs" / "roles.yaml").read_text())[name.rpartition(".")[0]]
    roles = {}
    for op in compiled.operations:
        said = labels.get(op.label, labels.get(f"{op.method} {op.path[len(compiled.base_path) :]}"))
        if said is not None:
            roles[op.label] = Role(said)
    assert len(roles) == len(labels)
    return compiled, roles


def test_every_block_of_a_real_document_holds(real: tuple[Document, dict[str, Role]]) -> None:
    compiled, roles = real
    blocks = infer_bindings(compiled, roles)
    assert blocks.keys() == roles.keys()
    for label, block in blocks.items():
        assert_valid(compiled, label, block)
    model = infer_model(compiled, blocks)
    assert not check("x-session-model", model, compiled.source, ())


# Operations of real documents that take a body without a text that its schema tells of.
TEXTLESS = {"rasa": 2, "langchain-agent-protocol": 1}


def test_every_list_and_every_text_is_found(
    real: tuple[Document, dict[str, Role]], request: pytest.FixtureRequest
) -> None:
    compiled, roles = real
    blocks = infer_bindings(compiled, roles)
    operations = {op.label: op for op in compiled.operations}
    textless = 0
    for label, block in blocks.items():
        if block["role"].endswith(".list"):
            reader = Reader(compiled, View.RESPONSE)
            at = pointers.split(block.get("items", ""))
            found = reader.at(response_schema(compiled, operations[label]), at)
            assert found is not None, label
            assert "array" in reader.types(found), label
        if block["role"] in ("message.create", "run.create") and operations[label].body:
            textless += "input" not in block
        if block["role"] == "message.list":
            assert "text" in block["row"], label
    name = request.node.callspec.params["real"].rpartition(".")[0]
    assert textless == TEXTLESS.get(name, 0)


def test_a_large_document_is_read_quickly(shared: Path) -> None:
    compiled = load_document(shared / "specs" / "openai.yaml")
    roles = {
        op.label: Role.RUN_CREATE if "responses" in op.path else Role.MESSAGE_CREATE
        for op in compiled.operations
        if op.method == "POST" and ("responses" in op.path or "messages" in op.path)
    }
    took = []
    for _ in range(3):
        begun = time.process_time()
        infer_bindings(compiled, roles)
        took.append(time.process_time() - begun)
    assert min(took) < 0.1


# The bundled documents say themselves what their operations mean.


@pytest.mark.parametrize("name", ["sessions", "julep"])
def test_what_a_bundled_document_declares_is_not_contradicted(name: str) -> None:
    compiled = load_document(name)
    roles = {op.label: op.binding.role for op in compiled.operations if op.binding}
    blocks = infer_bindings(compiled, roles)
    for op in compiled.operations:
        node: Any = pointers.first(compiled.source.tree, tuple(map(str, op.pointer)))
        declared = node.get("x-session", {})
        inferred = blocks.get(op.label, {})
        assert_valid(compiled, op.label, inferred) if op.binding else None
        differs = {k: (v, inferred[k]) for k, v in declared.items() if inferred.get(k, v) != v}
        assert not differs, (op.label, differs)
