"""Bindings inferred from documents that say only their paths, names and types."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparring.spec import pointers
from sparring.spec.errors import SparringError
from sparring.spec.inference.bindings import infer_bindings, infer_model
from sparring.spec.inference.bindings.schemas import Reader, request_schema, response_schema
from sparring.spec.meaning.annotations import check, read_binding
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation, compile_document, load_document
from sparring.spec.openapi.schemas import View
from sparring.spec.text.source import Source

Block = Mapping[str, Any]

SHAPES: dict[str, Any] = {
    "Message": {
        "id!": "string",
        "role!": "user|assistant|system",
        "content!": "string",
        "created_at": "string",
    },
    "Session": {
        "id!": "string",
        "user_id": "string",
        "title": "string",
        "metadata": "object",
        "created_at": "string",
    },
    "Run": {
        "id!": "string",
        "thread_id": "string",
        "status!": "queued|in_progress|completed|cancelled|failed",
    },
    "Parts": [
        [{"type!": "=text", "text!": "string"}, {"type!": "=image", "url!": "string"}],
    ],
}
CASES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "bindings.yaml").read_text()
)
HOME: dict[str, dict[str, Any]] = {
    "POST /sessions": {"role": "session.create", "body": {"title": "string"}, "ok": "Session"},
    "GET /sessions/{session_id}": {"role": "session.get", "ok": "Session"},
    "GET /sessions/{session_id}/messages": {"role": "message.list", "ok": ["Message"]},
}
SEND = "POST /sessions/{session_id}/messages"
ECHO = {"role": "message.create", "body": {"content": "string"}, "ok": "Message"}


def schema(short: Any) -> Any:
    """A schema in the shorthand of `bindings.yaml`."""
    if isinstance(short, dict) and "$" in short:
        return short["$"]
    if isinstance(short, dict):
        required = [name[:-1] for name in short if name.endswith("!")]
        members = {name.rstrip("!"): schema(value) for name, value in short.items()}
        return {"type": "object", "properties": members, "required": required}
    if isinstance(short, list) and len(short) == 1:
        return {"type": "array", "items": schema(short[0])}
    if isinstance(short, list):
        return {"oneOf": [schema(choice) for choice in short]}
    if short in SHAPES:
        return schema(SHAPES[short])
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


@pytest.mark.parametrize("claim", CASES)
def test_a_document_says(claim: str) -> None:
    said = CASES[claim]
    label, expected = said["for"], said["says"]
    compiled, roles = document({**HOME, label: said})
    block = infer_bindings(compiled, roles)[label]
    assert {key: block.get(key) for key in expected} == expected, block
    assert_valid(compiled, label, block)


def test_a_run_that_answers_leaves_its_messages_without_a_reply() -> None:
    run = {"role": "run.create", "body": {"agent_id": "string"}, "ok": "Run"}
    compiled, roles = document(
        {
            **HOME,
            SEND: ECHO,
            "POST /sessions/{session_id}/runs": run,
        }
    )
    assert infer_bindings(compiled, roles)[SEND]["reply"] == {"via": "none"}


def test_a_subscription_brings_what_a_message_does_not_answer() -> None:
    stream = {"role": "message.subscribe", "sse": True}
    compiled, roles = document(
        {
            **HOME,
            SEND: ECHO,
            "GET /sessions/{session_id}/events": stream,
        }
    )
    assert infer_bindings(compiled, roles)[SEND]["reply"] == {"via": "subscribe"}


def test_a_store_of_both_sides_words_has_no_agent() -> None:
    body = {"messages": [{"role": "string", "content": "string"}]}
    send = {"role": "message.create", "body": body, "ok": "string"}
    compiled, roles = document({**HOME, SEND: send})
    assert infer_bindings(compiled, roles)[SEND]["reply"] == {"via": "none"}


def test_without_a_create_the_first_message_makes_the_session() -> None:
    label = "POST /conversations/{conversation_id}/messages"
    compiled, roles = document({label: {"role": "message.create", "body": {"text": "string"}}})
    assert infer_bindings(compiled, roles)[label]["implicit"] is True


def test_the_same_document_gives_the_same_blocks() -> None:
    compiled, roles = document({**HOME, SEND: ECHO})
    turned = dict(reversed(roles.items()))
    assert infer_bindings(compiled, roles) == infer_bindings(compiled, turned)


def test_a_schema_that_holds_itself_many_times_is_read_once() -> None:
    label = "POST /talk"
    tree: Any = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}
    node = {"$ref": "#/components/schemas/Node"}
    names = ("message", "content", "parts", "data", "payload", "body", "value", "output", "result")
    members = {name: {"anyOf": [node, {"type": "array", "items": node}, node]} for name in names}
    said = {"type": "object", "anyOf": [{"properties": members}, node, node], "allOf": [node]}
    media = {"application/json": {"schema": node}}
    tree["components"] = {"schemas": {"Node": said, "Loop": {"$ref": "#/components/schemas/Loop"}}}
    tree["paths"] = {
        "/talk": {
            "post": {"requestBody": {"content": media}, "responses": {"200": {"content": media}}}
        }
    }
    compiled = compile_document(Source("", "", tree, {}))
    begun = time.process_time()
    for role in Role:
        assert_valid(compiled, label, infer_bindings(compiled, {label: role})[label])
    assert time.process_time() - begun < 5


def test_the_model_is_read_from_the_blocks() -> None:
    compiled, roles = document({**HOME, SEND: ECHO})
    model = infer_model(compiled, infer_bindings(compiled, roles))
    users = {"at": "/role", "user": "user", "agent": "assistant", "system": "system"}
    assert model == {
        "session": {"id": "/id", "user": "/user_id", "created": "/created_at"},
        "message": {"text": "/content", "id": "/id", "created": "/created_at", "role": users},
    }
    assert not check("x-session-model", model, compiled.source, ())


def test_a_model_without_a_list_has_the_rows_of_the_history() -> None:
    shown = {"chat_id": "string", "messages": ["Message"]}
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
    base = f"{block.get('items', '')}/*" if block["role"].endswith("list") else ""
    rows = f"{block.get('items', '')}/*" if block["role"].endswith("list") else wrapper
    if "history" in block:
        rows = f"{block['history']}/*"
    elif block["role"] in ("message.create", "session.act") or block["role"].startswith("run."):
        rows = (base if block["role"].endswith("list") else "") + reply.get(
            "at", f"{block['items']}/*" if "items" in block else wrapper
        )
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


@pytest.mark.parametrize(
    ("name", "parts"),
    [("sessions", ["session", "message", "event", "suggestion", "stored"]), ("julep", ["message"])],
)
def test_the_model_of_a_bundled_document_could_have_been_inferred(
    name: str, parts: list[str]
) -> None:
    compiled = load_document(name)
    declared = compiled.source.tree.pop("x-session-model")
    roles = {op.label: op.binding.role for op in compiled.operations if op.binding}
    model = infer_model(compiled, infer_bindings(compiled, roles))
    assert {part: model[part] for part in parts} == {part: declared[part] for part in parts}


# What is found in the real documents, counted: how replies come (body, sse, poll, subscribe, none)
# | texts in requests, sessions made implicitly, pages, filters.
COUNTS = {
    "acp-beeai": "1 0 0 0 0 | 1 1 0 0",
    "agno": "7 3 0 0 0 | 10 10 1 2",
    "flux0": "0 1 0 0 0 | 1 0 1 2",
    "julep-v0-2024-04": "1 0 0 0 0 | 1 0 3 1",
    "langchain-agent-protocol": "1 1 1 1 0 | 3 3 3 2",
    "langgraph-platform": "2 2 3 0 0 | 7 4 4 3",
    "letta": "2 1 1 1 0 | 5 4 7 3",
    "openai": "2 0 2 0 2 | 6 3 5 2",
    "opencode": "2 0 0 1 0 | 3 0 0 1",
    "openhands": "1 0 2 0 0 | 2 0 2 3",
    "parlant": "0 0 1 0 0 | 1 0 3 3",
    "rasa": "1 0 3 0 0 | 2 4 0 0",
    "zep-v0": "0 0 0 0 1 | 1 0 1 0",
}


def test_as_much_is_found_in_real_documents_as_before(
    real: tuple[Document, dict[str, Role]], request: pytest.FixtureRequest
) -> None:
    blocks = infer_bindings(*real).values()
    vias = [b["reply"]["via"] for b in blocks if b["role"].endswith(".create") and "reply" in b]
    ways = " ".join(str(vias.count(via)) for via in ("body", "sse", "poll", "subscribe", "none"))
    counted = [sum(key in b for b in blocks) for key in ("input", "implicit", "page", "filter")]
    name = request.node.callspec.params["real"].rpartition(".")[0]
    assert f"{ways} | {' '.join(map(str, counted))}" == COUNTS[name]
