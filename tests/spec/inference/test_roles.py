"""Roles are inferred from the document alone, in whatever dialect it is written.

A small document is written as lines: the method, the path, the role that a reader would give it
(`-` for none), then, if it matters, the members of the request `(a b)` (query parameters of a GET)
and of the answer `-> a b`; `rows[]` is an array of objects, `[]` a bare array, `SSE` a stream.
"""

import json
import re
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from time import process_time
from types import ModuleType
from typing import Any

import pytest

from sparring.spec.inference.roles import Guess, infer_roles
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, load_document

ROOT = Path(__file__).resolve().parents[3]
LINE = re.compile(
    r"(?P<method>\w+) +(?P<path>\S+) +(?P<role>\S+)( \((?P<asks>.*?)\))?( -> (?P<tells>.*))?"
)
Load = Callable[[str], Document]

TALKS = {
    "plain REST": """
        GET    /sessions                          session.list
        POST   /sessions                          session.create
        GET    /sessions/{id}                     session.get
        PATCH  /sessions/{id}                     session.update
        DELETE /sessions/{id}                     session.delete
        GET    /sessions/{id}/messages            message.list
        POST   /sessions/{id}/messages            message.create (content)
        DELETE /sessions/{id}/messages            message.clear
        GET    /sessions/{id}/messages/{mid}      message.get
        PUT    /sessions/{id}/messages/{mid}      message.update
        DELETE /sessions/{id}/messages/{mid}      message.delete
        GET    /sessions/{id}/stream              message.subscribe -> SSE
        GET    /sessions/{id}/suggestions         suggestion.list
        POST   /sessions/{id}/archive             session.act
        POST   /sessions/{id}/files               -
        GET    /sessions/{id}/files               -
        POST   /sessions/{id}/feedback            -
        GET    /customers                         -
    """,
    "runs": """
        POST   /threads                           session.create
        POST   /threads/search                    session.list
        POST   /threads/{thread_id}/runs          run.create
        GET    /threads/{thread_id}/runs          run.list
        GET    /threads/{thread_id}/runs/{id}     run.get
        PATCH  /threads/{thread_id}/runs/{id}     run.update
        DELETE /threads/{thread_id}/runs/{id}     run.delete
        POST   /threads/{thread_id}/runs/wait     run.create
        GET    /threads/{thread_id}/runs/{id}/join      run.get
        GET    /threads/{thread_id}/runs/{id}/stream    run.subscribe -> SSE
        POST   /threads/{thread_id}/runs/{id}/cancel    run.act
        POST   /threads/{thread_id}/runs/{id}/submit-outputs run.act
        GET    /threads/{thread_id}/runs/{id}/usage     -
        POST   /runs                              run.create (assistant_id input)
        POST   /runs/count                        -
    """,
    "calls": """
        POST   /conversation/create               session.create (bot_id)
        GET    /conversation/retrieve             session.get (conversation_id)
        POST   /conversation/update               session.update (conversation_id title)
        POST   /conversation/delete               session.delete (conversation_id)
        GET    /conversation/list                 session.list
        POST   /conversation/message/create       message.create (conversation_id content)
        GET    /conversation/message/list         message.list (conversation_id)
        POST   /conversation/message/delete       message.delete (conversation_id message_id)
        POST   /bot/publish                       -
    """,
    "calls of one segment": """
        POST   /api/create-chat-session           session.create (persona)
        GET    /api/get-chat-sessions             session.list
        GET    /api/get-chat-session/{id}         session.get
        DELETE /api/delete-chat-session/{id}      session.delete
        POST   /api/send-chat-message             message.create (chat_session_id message)
        POST   /api/listchats                     session.list
        POST   /api/reset-password                -
    """,
    "dotted calls": """
        POST   /api/conversations.create          session.create (name)
        GET    /api/conversations.list            session.list
        GET    /api/conversations.info            session.get (conversation)
        GET    /api/conversations.history         message.list (conversation)
        GET    /api/files.info                    -
    """,
    "verbs after a colon": """
        POST   /v2beta/projects/{p}/agents/{a}/sessions               session.create
        GET    /v2beta/projects/{p}/agents/{a}/sessions/{s}           session.get
        POST   /v2beta/projects/{p}/agents/{a}/sessions/{s}:ask       message.create (query)
        POST   /v2beta/projects/{p}/agents/{a}/sessions/{s}:cancel    session.act
        GET    /v2beta/projects/{p}/agents/{a}/sessions/{s}/turns     message.list
        POST   /v2beta/projects/{p}/agents/{a}:train                  -
    """,
    "message protocol": """
        POST   /v1/message:send                   message.create (message)
        POST   /v1/message:stream                 message.create (message) -> SSE
        GET    /v1/tasks/{id}                     run.get -> id contextId status
        POST   /v1/tasks/{id}:cancel              run.act
        GET    /v1/tasks/{id}:subscribe           run.subscribe -> SSE
        GET    /v1/card                           -
    """,
    "below an agent": """
        GET    /agents                            -
        POST   /agents                            -
        GET    /agents/{agent_id}                 -
        DELETE /agents/{agent_id}                 -
        GET    /agents/{agent_id}/messages        message.list
        POST   /agents/{agent_id}/messages        message.create (messages)
        PATCH  /agents/{agent_id}/reset-messages  message.clear
        POST   /agents/{agent_id}/messages/cancel run.act
        GET    /agents/{agent_id}/tools           -
        GET    /feeds/{feed_id}/messages          -
        POST   /feeds/{feed_id}/messages          - (body)
    """,
    "sessions below an agent": """
        POST   /assistants/{id}/sessions          session.create
        DELETE /assistants/{id}/sessions/{sid}    session.delete
        POST   /assistants/{id}/sessions/{sid}/message  message.create (input)
        POST   /assistants/{id}/message           - (input)
    """,
    "id in the body": """
        POST   /ask                               message.create (question threadId) -> threadId
        GET    /threads                           session.list
        GET    /messages/{threadId}               message.list
        DELETE /messages/{threadId}               message.clear
        GET    /messages/{threadId}/{messageId}   message.get
        POST   /stop                              session.act (threadId)
        POST   /moderations                       - (input)
    """,
    "turns of another session": """
        POST   /session                           session.create (assistantId)
        GET    /session                           session.list -> []
        GET    /session/{id}                      session.get
        POST   /chat                              message.create (input sessionId)
        GET    /chat                              message.list (sessionId)
        GET    /chat/{id}                         message.get
    """,
    "no session at all": """
        POST   /message                           message.create (content) -> ok
        GET    /messages                          message.list -> messages[]
        GET    /events                            message.subscribe -> SSE
        GET    /status                            -
    """,
    "singular": """
        GET    /session                           session.list -> []
        POST   /session                           session.create
        GET    /session/{sessionID}               session.get
        POST   /session/{sessionID}/fork          session.act
        DELETE /session/{sessionID}/share         session.act
        GET    /session/{sessionID}/message       message.list
        POST   /session/{sessionID}/message       message.create (parts)
        POST   /session/{sessionID}/permissions/{permissionID} session.act (response)
        GET    /session/{sessionID}/todo          -
        GET    /event                             message.subscribe -> SSE
    """,
    "camel case": """
        GET    /Api/V3/DialogSessions                         session.list
        POST   /Api/V3/DialogSessions                         session.create
        GET    /Api/V3/DialogSessions/{dialogSessionId}       session.get
        POST   /Api/V3/DialogSessions/{dialogSessionId}/SendMessage message.create (text)
        GET    /Api/V3/DialogSessions/{dialogSessionId}/ChatHistory message.list
        GET    /Api/V3/Products                               -
    """,
    "state above the messages": """
        GET    /conversations/{id}/state          session.get
        POST   /conversations/{id}/state/events   message.create (text)
        POST   /conversations/{id}/trigger_intent message.create (name)
        GET    /conversations/{id}/story          -
    """,
    "tasks with steps": """
        POST   /agent/tasks                       session.create (input)
        GET    /agent/tasks                       session.list
        GET    /agent/tasks/{task_id}             session.get
        POST   /agent/tasks/{task_id}/steps       message.create (input)
        GET    /agent/tasks/{task_id}/steps       message.list
        GET    /agent/tasks/{task_id}/artifacts   -
    """,
    "events beside messages": """
        POST   /conversations                     session.create
        POST   /conversations/{id}/messages       message.create (content)
        POST   /conversations/{id}/activity       - (kind)
        GET    /conversations/{id}/events         message.subscribe -> SSE
        GET    /conversations/{id}/messages/{mid}/events message.subscribe -> SSE
    """,
    "chats that are messages": """
        POST   /space/{slug}/thread/new           session.create
        POST   /space/{slug}/thread/{t}/update    session.update (name)
        DELETE /space/{slug}/thread/{t}           session.delete
        GET    /space/{slug}/thread/{t}/chats     message.list
        POST   /space/{slug}/thread/{t}/chat      message.create (message)
        GET    /widget/{id}/chats/{sessionUuid}   message.list
        GET    /admin/space-chats                 -
    """,
    "calls on messages": """
        POST   /api/add-chat                      session.create (Chat)
        GET    /api/get-chats                     session.list (user)
        POST   /api/add-message                   message.create (Message)
        GET    /api/get-messages                  message.list (chat)
        POST   /api/delete-message                message.delete (Message)
        POST   /api/add-product                   -
    """,
    "pseudo ids": """
        GET    /chats                             session.list
        GET    /chats/pinned                      session.list
        GET    /chats/current                     session.get
        POST   /chats/{id}/read                   session.act
        POST   /chats/{id}/messages               message.create (content)
        PUT    /chats/{id}/title                  session.update (title)
        POST   /chats/archive                     session.act (chat_ids)
    """,
    "chats that are assistants": """
        POST   /chats                             - (name)
        GET    /chats                             -
        POST   /chats/{chat_id}/sessions          session.create
        GET    /chats/{chat_id}/sessions          session.list
        POST   /chats/{chat_id}/completions       message.create (question session_id)
    """,
}

NOT_TALKS = {
    "a shop": """
        POST /checkout/sessions               - (success_url line_items)
        GET  /checkout/sessions/{session}     -
        GET  /events                          -
        POST /orders/{id}/cancel              -
    """,
    "a login": """
        POST   /sessions                      - (email password) -> token
        DELETE /sessions/{id}                 -
        GET    /users/{id}/sessions           - -> id ip user_agent
    """,
    "browsers for rent": """
        POST /v1/sessions                     - (proxy userAgent timeout) -> id websocketUrl
        GET  /v1/sessions/{id}                -
        GET  /v1/sessions/{id}/events         - -> []
    """,
    "traces": """
        GET  /public/sessions                 -
        GET  /public/sessions/{id}            - -> id traces[]
        GET  /public/traces                   -
    """,
    "a build server": """
        GET  /repos/{owner}/actions/runs      -
        GET  /repos/{owner}/actions/runs/{id} -
        POST /repos/{owner}/workflows/{id}/runs -
        GET  /notifications/threads/{id}      -
    """,
    "a model without memory": """
        POST /v1/chat/completions             - (model messages)
        POST /v1/messages                     - (model messages)
        POST /v1/completions                  - (model prompt)
        GET  /v1/fine_tuning/jobs/{id}/events -
        POST /v1/evals/{id}/runs              - (model messages)
    """,
    "text messages": """
        POST /accounts/{id}/messages          - (to from body)
        GET  /accounts/{id}/messages          -
    """,
    "a list of things to do": """
        GET  /tasks                           -
        POST /tasks                           - (title)
        POST /tasks/{id}/comments             - (text)
    """,
}


def members(text: str) -> dict[str, Any]:
    rows = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}}
    return {
        name.removesuffix("[]"): rows if name.endswith("[]") else {"type": "string"}
        for name in text.split()
    }


def answer(tells: str) -> dict[str, Any]:
    if tells == "SSE":
        return {"text/event-stream": {}}
    schema: dict[str, Any] = {"type": "object", "properties": members(tells)}
    if tells == "[]":
        schema = {"type": "array", "items": {"type": "object"}}
    return {"application/json": {"schema": schema}}


def written(text: str) -> tuple[dict[str, Any], dict[str, str | None]]:
    """The document that lines describe, and the wanted role of each operation."""
    paths: dict[str, Any] = {}
    wanted: dict[str, str | None] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        found = LINE.fullmatch(line)
        assert found, line
        method, path, role, asks, tells = found.group("method", "path", "role", "asks", "tells")
        names = re.findall(r"{(\w+)}", path)
        parameters = [{"name": n, "in": "path", "required": True, "schema": {}} for n in names]
        operation: dict[str, Any] = {"parameters": parameters}
        if asks and method == "GET":
            parameters += [{"name": n, "in": "query", "schema": {}} for n in asks.split()]
        elif asks:
            schema = {"type": "object", "properties": members(asks)}
            operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
        operation["responses"] = {"200": {"description": "", "content": answer(tells or "")}}
        paths.setdefault(path, {})[method.lower()] = operation
        wanted[f"{method} {path}"] = None if role == "-" else role
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}, wanted


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str) -> Document:
        file = tmp_path / "document.json"
        file.write_text(json.dumps(written(text)[0]), "utf-8")
        return load_document(file)

    return load


def shown(guesses: list[Guess]) -> dict[str, str | None]:
    return {g.operation.label: g.role.value if g.role else None for g in guesses}


@pytest.mark.parametrize("dialect", TALKS)
def test_each_operation_gets_its_role_in(dialect: str, load: Load) -> None:
    assert shown(infer_roles(load(TALKS[dialect]))) == written(TALKS[dialect])[1]


@pytest.mark.parametrize("other", NOT_TALKS)
def test_no_operation_gets_a_role_in(other: str, load: Load) -> None:
    assert shown(infer_roles(load(NOT_TALKS[other]))) == written(NOT_TALKS[other])[1]


@pytest.mark.parametrize("name", ["session_id", "threadId", "conversation", "chatUuid"])
def test_a_text_beside_the_id_of_a_session_is_a_message_wherever_it_goes(
    name: str, load: Load
) -> None:
    guess, _ = infer_roles(load(f"POST /process - (prompt {name})\nGET /threads/{{id}}/messages -"))
    assert guess.role is Role.MESSAGE_CREATE
    assert guess.confidence < 0.9


def test_the_operations_own_name_tells_a_search_from_a_creation(load: Load) -> None:
    document = written("POST /sessions/{id}/messages -\nPOST /sessions -")[0]
    document["paths"]["/sessions"]["post"]["operationId"] = "list_sessions_sessions_post"
    file = load("GET / -").source.name
    Path(file).write_text(json.dumps(document), "utf-8")
    roles = shown(infer_roles(load_document(Path(file))))
    assert roles["POST /sessions"] == "session.list"


def test_a_reason_says_what_was_seen(load: Load) -> None:
    guesses = {g.operation.label: g for g in infer_roles(load(TALKS["runs"]))}
    assert guesses["POST /threads"].reason == "POST on /threads, a collection of sessions"
    cancel = guesses["POST /threads/{thread_id}/runs/{id}/cancel"]
    assert cancel.reason == "cancel on /threads/{thread_id}/runs/{id}, one run"


def test_what_is_shown_by_a_word_alone_is_less_sure_than_what_its_messages_show(
    load: Load,
) -> None:
    word = infer_roles(load("GET /conversations -"))[0]
    shown = infer_roles(load("GET /conversations -\nGET /conversations/{id}/messages -"))[0]
    assert word.role is shown.role is Role.SESSION_LIST
    assert word.confidence < 0.9 <= shown.confidence


OWN_NAMES = """
openapi: 3.0.3
info: {title: Campfire, version: '1'}
paths:
  /campfires:
    post: {operationId: light, responses: {'201': {description: Lit.}}}
    get: {operationId: see, responses: {'200': {description: All.}}}
  /campfires/{fire}:
    get: {operationId: sit, responses: {'200': {description: One.}}}
  /campfires/{fire}/yarns:
    get:
      operationId: hear
      responses:
        '200':
          description: What was told.
          content:
            application/json:
              schema:
                type: object
                properties:
                  data: {type: array, items: {type: object, properties: {text: {type: string},
                    teller: {type: string, enum: [%s]}}}}
    post:
      operationId: tell
      requestBody:
        content: {application/json: {schema: {type: object, properties: {text: {type: string}}}}}
      responses: {'201': {description: Told.}}
"""


@pytest.mark.parametrize(
    ("tellers", "found"),
    [
        ("guest, assistant", ["create", "list", "get", "list", "create"]),
        ("anna, boris", [None] * 5),
    ],
)
def test_sessions_of_any_name_are_known_by_what_two_sides_say_below_them(
    tellers: str, found: list[str | None], tmp_path: Path
) -> None:
    file = tmp_path / "api.yaml"
    file.write_text(OWN_NAMES % tellers)
    roles = [guess.role for guess in infer_roles(load_document(str(file)))]
    assert [role and role.value.partition(".")[2] for role in roles] == found


def test_an_empty_document_has_no_roles(load: Load) -> None:
    assert [g.role for g in infer_roles(load("GET / -\nPOST /{id} -"))] == [None, None]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The benchmark of this inference: it keeps the figures and the disputed labels."""
    spec = spec_from_file_location("benchmark_of_roles", ROOT / "benchmarks" / "roles.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_published_documents_get_the_roles_that_readers_gave_them(
    benchmark: ModuleType, shared: Path
) -> None:
    cases = benchmark.cases_of(shared / "specs")
    assert len(benchmark.DISPUTED) <= 10
    for name, some in cases.items():
        figures = benchmark.score(some)
        assert min(figures.precision, figures.recall) >= 0.8, name
    figures = benchmark.score([case for some in cases.values() for case in some])
    assert figures.precision >= 0.95
    assert figures.recall >= 0.94
    assert figures.sure_wrong <= figures.sure / 100


def test_a_document_of_hundreds_of_operations_is_read_in_a_moment(load: Load) -> None:
    document = load("\n".join(TALKS["plain REST"].replace(" /", f" /area{i}/") for i in range(20)))
    begin = process_time()
    guesses = infer_roles(document)
    assert len(guesses) == 20 * len(written(TALKS["plain REST"])[1])
    assert process_time() - begin < 0.5
