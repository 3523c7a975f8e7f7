"""What changed between two documents: operations, parameters, answers, keys, streams, meaning."""

import copy
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.spec.diff.change import Change, Severity
from sparring.spec.diff.compare import compare
from sparring.spec.openapi.document import Document, compile_document, load_document
from sparring.spec.text.source import load, parse

B, U, A = Severity.BREAKING, Severity.UNKNOWN, Severity.ADDITIVE
Tree = dict[str, Any]
Edit = Callable[[Tree], object]

HERE = Path(__file__).parent
BASE = (HERE / "talk.yaml").read_text(encoding="utf-8")
TREE: Tree = yaml.safe_load(BASE)


def document(tree: Tree) -> Document:
    return compile_document(parse(json.dumps(tree).encode(), "talk.json"))


def edited(edit: Edit) -> Document:
    tree = copy.deepcopy(TREE)
    edit(tree)
    return document(tree)


def at(*keys: Any) -> Callable[[Tree], Any]:
    def find(tree: Tree) -> Any:
        for key in keys:
            tree = tree[key]
        return tree

    return find


lists, creates = at("paths", "/sessions", "get"), at("paths", "/sessions", "post")
gets, chats = at("paths", "/sessions/{id}", "get"), at("paths", "/sessions/{id}/chat", "post")
schemas = at("components", "schemas")
query = at("paths", "/sessions", "get", "parameters")
found = at("paths", "/sessions", "get", "responses", "200")
made = at("paths", "/sessions", "post", "responses")
TEXT = {"type": "string"}
EMPTY = {"description": "ok"}
NOTE = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {"event": {"const": "note"}, "data": {"type": "object"}},
}


def parameter(**more: Any) -> Edit:
    return lambda t: query(t).append({"name": "q", "in": "query", "schema": TEXT, **more})


def moved(old: str, new: str) -> Edit:
    return lambda t: t["paths"].update({new: t["paths"].pop(old)})


# What is edited, the change that it is, and how bad; then how bad the way back is, where that is
# another kind.
EDITS: list[tuple[str, Edit, str, Severity, str, Severity]] = [
    (
        "an operation is gone",
        lambda t: t["paths"]["/sessions"].pop("post"),
        "operation-removed",
        B,
        "operation-added",
        A,
    ),
    (
        "a path is gone",
        lambda t: t["paths"].pop("/sessions/{id}"),
        "operation-removed",
        B,
        "operation-added",
        A,
    ),
    (
        "a path is renamed",
        moved("/sessions/{id}/chat", "/sessions/{id}/talk"),
        "operation-moved",
        B,
        "operation-moved",
        B,
    ),
    (
        "another method",
        lambda t: t["paths"]["/sessions"].update(put=t["paths"]["/sessions"].pop("post")),
        "operation-moved",
        B,
        "operation-moved",
        B,
    ),
    (
        "a role moves to another path",
        lambda t: (
            moved("/sessions/{id}/chat", "/talk/{id}")(t),
            t["paths"]["/talk/{id}"]["post"].pop("operationId"),
        ),
        "operation-moved",
        B,
        "operation-moved",
        B,
    ),
    (
        "deprecated",
        lambda t: lists(t).update(deprecated=True),
        "operation-deprecated",
        A,
        "operation-undeprecated",
        A,
    ),
    (
        "another operationId",
        lambda t: lists(t).update(operationId="all"),
        "operation-id",
        U,
        "operation-id",
        U,
    ),
    (
        "another base path",
        lambda t: t.update(servers=[{"url": "https://api.example.com/v2"}]),
        "base-path",
        B,
        "base-path",
        B,
    ),
    (
        "another host",
        lambda t: t.update(servers=[{"url": "https://b.example.com/v1"}]),
        "server-removed",
        U,
        "server-removed",
        U,
    ),
    ("a parameter", parameter(), "parameter-added", A, "parameter-removed", B),
    (
        "a required parameter",
        parameter(required=True),
        "parameter-added-required",
        B,
        "parameter-removed",
        B,
    ),
    (
        "a parameter becomes required",
        lambda t: query(t)[0].update(required=True),
        "parameter-required",
        B,
        "parameter-optional",
        A,
    ),
    (
        "a parameter moves to a header",
        lambda t: query(t)[2].update({"in": "header"}),
        "parameter-moved",
        B,
        "parameter-moved",
        B,
    ),
    (
        "a parameter of another type",
        lambda t: query(t)[0]["schema"].update(type="string"),
        "type-changed",
        B,
        "type-changed",
        B,
    ),
    (
        "a tighter limit of a parameter",
        lambda t: query(t)[1]["schema"].update(maximum=50),
        "limit-tightened",
        B,
        "limit-loosened",
        A,
    ),
    (
        "another default of a parameter",
        lambda t: query(t)[0]["schema"].update(default=1),
        "default-changed",
        B,
        "default-changed",
        B,
    ),
    (
        "no default of a parameter",
        lambda t: query(t)[0]["schema"].pop("default"),
        "default-stated",
        U,
        "default-stated",
        U,
    ),
    (
        "another style",
        lambda t: query(t)[2].update(style="pipeDelimited"),
        "parameter-style",
        B,
        "parameter-style",
        B,
    ),
    (
        "not exploded",
        lambda t: query(t)[2].update(explode=False),
        "parameter-style",
        B,
        "parameter-style",
        B,
    ),
    (
        "a parameter as JSON",
        lambda t: query(t)[2].update(
            content={"application/json": {"schema": query(t)[2].pop("schema")}}
        ),
        "parameter-style",
        B,
        "parameter-style",
        B,
    ),
    (
        "a parameter may be empty",
        lambda t: query(t)[1].update(allowEmptyValue=True),
        "parameter-may-be-empty",
        A,
        "parameter-empty",
        B,
    ),
    (
        "reserved characters",
        lambda t: query(t)[2].update(allowReserved=True),
        "parameter-reserved",
        U,
        "parameter-reserved",
        U,
    ),
    (
        "a deprecated parameter",
        lambda t: query(t)[0].update(deprecated=True),
        "schema-deprecated",
        A,
        "",
        A,
    ),
    (
        "a path parameter of another type",
        lambda t: at("paths", "/sessions/{id}", "parameters", 0)(t).update(
            schema={"type": "integer"}
        ),
        "type-changed",
        B,
        "type-changed",
        B,
    ),
    ("no body", lambda t: creates(t).pop("requestBody"), "body-removed", U, "body-added", A),
    (
        "no required body",
        lambda t: chats(t).pop("requestBody"),
        "body-removed",
        U,
        "body-required",
        B,
    ),
    (
        "the body becomes required",
        lambda t: creates(t)["requestBody"].update(required=True),
        "body-required",
        B,
        "body-optional",
        A,
    ),
    (
        "a form is taken too",
        lambda t: creates(t)["requestBody"]["content"].update(
            {"multipart/form-data": {"schema": {}}}
        ),
        "media-type-added",
        A,
        "media-type-removed",
        B,
    ),
    (
        "no success any more",
        lambda t: lists(t)["responses"].pop("200"),
        "success-removed",
        B,
        "success-added",
        U,
    ),
    (
        "another success",
        lambda t: lists(t)["responses"].update({"202": EMPTY}),
        "success-added",
        U,
        "success-removed",
        B,
    ),
    (
        "a redirect",
        lambda t: lists(t)["responses"].update({"307": EMPTY}),
        "success-added",
        U,
        "error-removed",
        A,
    ),
    (
        "an error",
        lambda t: lists(t)["responses"].update({"429": EMPTY}),
        "error-added",
        A,
        "error-removed",
        A,
    ),
    (
        "an answer in XML too",
        lambda t: found(t)["content"].update({"application/xml": {}}),
        "media-type-added",
        A,
        "media-type-removed",
        B,
    ),
    (
        "no body of an answer",
        lambda t: found(t).pop("content"),
        "media-type-removed",
        B,
        "media-type-added",
        A,
    ),
    (
        "no header",
        lambda t: found(t)["headers"].pop("Link"),
        "header-removed",
        B,
        "header-added",
        A,
    ),
    (
        "a header that may be missing",
        lambda t: found(t)["headers"]["X-Count"].update(required=False),
        "header-optional",
        B,
        "header-required",
        A,
    ),
    (
        "another header",
        lambda t: found(t)["headers"]["X-Count"].update(schema=TEXT),
        "type-changed",
        B,
        "type-changed",
        B,
    ),
    (
        "an error of its own",
        lambda t: made(t).update(
            {
                "422": {
                    "description": "no",
                    "content": {"application/json": {"schema": {"type": "array"}}},
                }
            }
        ),
        "type-changed",
        B,
        "type-changed",
        B,
    ),
    (
        "a property of a component",
        lambda t: schemas(t)["Session"]["properties"].update(owner=TEXT),
        "property-added",
        A,
        "property-removed",
        B,
    ),
    (
        "a key is asked for",
        lambda t: chats(t).pop("security"),
        "security-added",
        B,
        "security-removed",
        A,
    ),
    (
        "a way to give a key is gone",
        lambda t: t["security"].pop(),
        "security-scheme-removed",
        B,
        "security-scheme-added",
        A,
    ),
    (
        "two keys at once",
        lambda t: t.update(security=[{"bearer": ["read"], "key": []}]),
        "security-scheme-removed",
        B,
        "security-scheme-added",
        A,
    ),
    (
        "a scope",
        lambda t: t["security"][0].update(bearer=["read", "write"]),
        "scope-added",
        B,
        "scope-removed",
        A,
    ),
    (
        "a key in another header",
        lambda t: t["components"]["securitySchemes"]["key"].update(name="X-API-Key"),
        "security-scheme-removed",
        B,
        "security-scheme-removed",
        B,
    ),
    (
        "a key is optional",
        lambda t: t["security"].append({}),
        "security-removed",
        A,
        "security-added",
        B,
    ),
    (
        "an event",
        lambda t: (
            schemas(t).update(Note=NOTE),
            schemas(t)["Event"]["oneOf"].append({"$ref": "#/components/schemas/Note"}),
        ),
        "event-added",
        B,
        "event-removed",
        U,
    ),
    (
        "the terminal event is gone",
        lambda t: schemas(t)["Event"]["oneOf"].pop(),
        "terminal-removed",
        B,
        "event-added",
        B,
    ),
    (
        "the payload of an event",
        lambda t: schemas(t)["Piece"]["properties"]["data"]["properties"].update(
            text={"type": "integer"}
        ),
        "type-changed",
        B,
        "type-changed",
        B,
    ),
    (
        "a member of an event",
        lambda t: schemas(t)["Piece"]["properties"]["data"]["properties"].update(n=TEXT),
        "property-added",
        A,
        "property-removed",
        B,
    ),
    (
        "no stream",
        lambda t: chats(t)["responses"]["200"].update(content={"application/json": {}}),
        "stream-removed",
        B,
        "media-type-removed",
        B,
    ),
    (
        "a stream of lines",
        lambda t: chats(t)["responses"]["200"].update(
            content={
                "application/jsonl": chats(t)["responses"]["200"]["content"].pop(
                    "text/event-stream"
                )
            }
        ),
        "stream-form",
        B,
        "stream-form",
        B,
    ),
    (
        "another role",
        lambda t: gets(t)["x-session"].update(role="session.act", effect="cancel"),
        "role-changed",
        B,
        "role-changed",
        B,
    ),
    (
        "no role",
        lambda t: gets(t)["x-session"].update(role="none"),
        "role-changed",
        B,
        "role-added",
        A,
    ),
    (
        "another style of pages",
        lambda t: lists(t)["x-session"]["page"].update(style="page"),
        "binding-changed",
        B,
        "binding-changed",
        B,
    ),
    (
        "where a reply is",
        lambda t: chats(t)["x-session"].update(reply={"via": "poll"}),
        "binding-changed",
        B,
        "binding-changed",
        B,
    ),
    (
        "where the text of a message is",
        lambda t: t["x-session-model"]["message"].update(text="/body"),
        "model-changed",
        B,
        "model-changed",
        B,
    ),
    (
        "who a message is from",
        lambda t: t["x-session-model"]["message"].update(created="/at"),
        "model-added",
        A,
        "model-changed",
        B,
    ),
    (
        "another order is promised",
        lambda t: t["x-session-promises"]["list.order"].update(dir="asc"),
        "promise-changed",
        B,
        "promise-changed",
        B,
    ),
    (
        "a promise is withdrawn",
        lambda t: lists(t).update(
            {"x-session-promises": {"list.total": {"withdrawn": "it is an estimate"}}}
        ),
        "promise-withdrawn",
        B,
        "promise-added",
        A,
    ),
    (
        "a promise is stated",
        lambda t: chats(t).update({"x-session-promises": {"talk.serial": None}}),
        "promise-added",
        A,
        "promise-withdrawn",
        B,
    ),
]


def worst(changes: tuple[Change, ...]) -> Severity | None:
    return min((change.severity for change in changes), key=lambda s: s.rank, default=None)


@pytest.mark.parametrize(
    ("edit", "kind", "severity", "kind_back", "severity_back"),
    [pytest.param(*rest, id=name) for name, *rest in EDITS],
)
def test_an_edit_is_what_it_is_and_as_bad_as_that(
    edit: Edit, kind: str, severity: Severity, kind_back: str, severity_back: Severity
) -> None:
    old, new = document(TREE), edited(edit)
    there, back = compare(old, new), compare(new, old)
    assert kind in {change.kind.id for change in there if change.severity is severity}
    assert worst(there) is severity, there
    if kind_back:
        assert kind_back in {c.kind.id for c in back if c.severity is severity_back}
        assert worst(back) is severity_back, back
    else:
        assert back == ()


REWRITES: list[tuple[str, Edit]] = [
    (
        "a parameter of a path by another name",
        lambda t: t["paths"].update(
            {
                "/sessions/{key}": {
                    **t["paths"].pop("/sessions/{id}"),
                    "parameters": [{"name": "key", "in": "path", "required": True, "schema": TEXT}],
                }
            }
        ),
    ),
    (
        "the base path in the paths",
        lambda t: t.update(
            servers=[{"url": "https://api.example.com/v1"}],
            paths={f"/v1{path}": item for path, item in t["paths"].items()},
        ),
    ),
    ("the order of parameters", lambda t: query(t).reverse()),
    ("a header in another case", lambda t: query(t)[3].update(name="x-trace")),
    ("a style that is the default", lambda t: query(t)[2].update(style="form", explode=True)),
    ("the style of a scalar", lambda t: query(t)[0].update(explode=False)),
    (
        "a media type with a charset",
        lambda t: found(t)["content"].update(
            {"Application/JSON; charset=utf-8": found(t)["content"].pop("application/json")}
        ),
    ),
    (
        "headers of answers in another case",
        lambda t: found(t)["headers"].update(LINK=found(t)["headers"].pop("Link")),
    ),
    (
        "a response that is inlined",
        lambda t: lists(t)["responses"].update({"404": t["components"]["responses"]["Problem"]}),
    ),
    (
        "a component by another name",
        lambda t: (
            schemas(t).update(Chat=schemas(t).pop("Session"))
            or t.update(json.loads(json.dumps(t).replace("schemas/Session", "schemas/Chat")))
        ),
    ),
    (
        "a security scheme by another name",
        lambda t: (
            t["components"]["securitySchemes"].update(
                k=t["components"]["securitySchemes"].pop("key")
            ),
            t.update(security=[{"k": []}, {"bearer": ["read"]}]),
        ),
    ),
    (
        "security of each operation",
        lambda t: [
            item[m].setdefault("security", t["security"])
            for item in t["paths"].values()
            for m in ("get", "post")
            if m in item
        ],
    ),
    (
        "texts for people",
        lambda t: (t["info"].update(version="2"), lists(t).update(summary="x", tags=["a"])),
    ),
    (
        "4xx in small letters",
        lambda t: gets(t)["responses"].update({"4xx": gets(t)["responses"].pop("4XX")}),
    ),
    (
        "a promise that is implied is stated",
        lambda t: gets(t).update({"x-session-promises": {"session.missing": None}}),
    ),
    (
        "a status that a range covers",
        lambda t: gets(t)["responses"].update({"404": {"$ref": "#/components/responses/Problem"}}),
    ),
    ("events in another order", lambda t: schemas(t)["Event"]["oneOf"].reverse()),
]


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in REWRITES])
def test_the_same_api_written_in_two_ways_is_no_change(edit: Edit) -> None:
    old, new = document(TREE), edited(edit)
    assert compare(old, new) == ()
    assert compare(new, old) == ()


def test_a_document_is_the_same_in_yaml_and_in_json(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BASE)
    (tmp_path / "b.json").write_text(json.dumps(TREE))
    assert compare(load_document(tmp_path / "a.yaml"), load_document(tmp_path / "b.json")) == ()


SWAGGER = (HERE / "swagger.yaml").read_text(encoding="utf-8")
MODERN = (HERE / "modern.yaml").read_text(encoding="utf-8")


def test_swagger_2_and_openapi_3_of_the_same_api_do_not_differ(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(SWAGGER)
    (tmp_path / "new.yaml").write_text(MODERN)
    old, new = load_document(tmp_path / "old.yaml"), load_document(tmp_path / "new.yaml")
    assert compare(old, new) == ()
    assert compare(new, old) == ()


def test_a_pointer_into_swagger_2_is_one_into_its_own_text(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(SWAGGER)
    (tmp_path / "new.yaml").write_text(SWAGGER.replace("id: {type: string}", "id: {type: integer}"))
    (change,) = compare(load_document(tmp_path / "old.yaml"), load_document(tmp_path / "new.yaml"))
    assert change.old is not None
    assert change.old.pointer == "/definitions/Session/properties/id"
    assert change.old.position.line == SWAGGER[: SWAGGER.index("Session: {")].count("\n") + 1


def test_one_cause_is_one_change_however_many_operations_it_is_met_in() -> None:
    new = edited(lambda t: schemas(t)["Session"]["properties"]["title"].update(maxLength=5))
    (change,) = compare(document(TREE), new)
    assert change.severity is B
    assert change.operations == ("POST /v1/sessions",), "only it takes the title"
    severities = {(site.operation, site.part.split()[0], site.severity) for site in change.sites}
    assert severities == {
        ("POST /v1/sessions", "request", B),
        ("POST /v1/sessions", "response", A),
        ("GET /v1/sessions", "response", A),
        ("GET /v1/sessions/{id}", "response", A),
    }
    new = edited(lambda t: at("components", "responses", "Problem")(t)["content"].clear())
    (change,) = compare(document(TREE), new)
    assert len(change.operations) == 3
    new = edited(lambda t: t["security"].pop())
    (change,) = compare(document(TREE), new)
    assert len(change.operations) == 3
    new = edited(lambda t: t.update(servers=[{"url": "/v2"}]))
    (change,) = compare(document(TREE), new)
    assert len(change.operations) == 4


def test_what_is_inferred_never_breaks_by_itself() -> None:
    def without(tree: Tree) -> None:
        for item in tree["paths"].values():
            for operation in item.values():
                if isinstance(operation, dict):
                    operation.pop("x-session", None)
        tree.pop("x-session-model")

    def by_cursor(tree: Tree) -> None:
        without(tree)
        query(tree)[0].update(name="cursor", schema=TEXT)

    old, new = edited(without), edited(by_cursor)
    kinds = {change.kind.id: change.severity for change in compare(old, new)}
    assert kinds["parameter-removed"] is B
    assert kinds.get("binding-inferred", U) is U


def test_every_change_has_its_places_in_both_documents(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(BASE)
    (tmp_path / "new.yaml").write_text(BASE.replace("{const: done}", "{const: end}"))
    old, new = load_document(tmp_path / "old.yaml"), load_document(tmp_path / "new.yaml")
    changes = compare(old, new)
    assert {change.kind.id for change in changes} == {"event-removed", "event-added"}
    for change in changes:
        assert change.message
        assert change.remedy
        for place, document in ((change.old, old), (change.new, new)):
            assert place is not None
            assert place.position.file == document.source.name
            assert place.position.line > 1


@pytest.fixture(scope="session")
def wild(shared: Path) -> list[Path]:
    return sorted(
        f for f in (shared / "specs").iterdir() if f.name not in ("README.md", "roles.yaml")
    )


def reordered(node: Any, order: random.Random, key: str = "") -> Any:
    if isinstance(node, dict):
        keys = list(node)
        if key not in ("content", "responses"):  # the first of those is the one that answers
            order.shuffle(keys)
        return {name: reordered(node[name], order, name) for name in keys}
    if isinstance(node, list):
        items = [reordered(item, order) for item in node]
        if key in ("required", "enum", "type", "anyOf", "oneOf", "allOf", "parameters"):
            order.shuffle(items)
        return items
    return node


def test_real_documents_do_not_differ_from_themselves(wild: list[Path], tmp_path: Path) -> None:
    for file in wild:
        old = load_document(file)
        assert compare(old, load_document(file)) == (), file.name
        if file.stat().st_size < 1_000_000:
            copied = tmp_path / f"{file.stem}.json"
            tree = reordered(load(file).tree, random.Random(1))
            copied.write_text(json.dumps(tree, default=str))
            assert compare(old, load_document(copied)) == (), file.name


def test_a_large_document_is_compared_in_seconds(wild: list[Path], tmp_path: Path) -> None:
    largest = max(wild, key=lambda file: file.stat().st_size)
    tree = load(largest).tree
    for number, schema in enumerate(tree["components"]["schemas"].values()):
        if number % 50 == 0 and isinstance(schema.get("properties"), dict):
            schema["properties"]["added"] = TEXT
            schema["properties"].pop(next(iter(schema["properties"])))
    copied = tmp_path / "edited.json"
    copied.write_text(json.dumps(tree, default=str))
    old, new = load_document(largest), load_document(copied)
    start = time.process_time()
    changes = compare(old, new)
    assert time.process_time() - start < 5
    assert worst(changes) is B


seeds = st.integers(0, 2**32)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_order_of_a_document_does_not_count(seed: int) -> None:
    tree = reordered(TREE, random.Random(seed))
    assert compare(document(TREE), document(tree)) == ()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_an_operation_less_always_breaks_and_one_more_never_does(data: st.DataObject) -> None:
    names = [(path, m) for path, item in TREE["paths"].items() for m in item if m != "parameters"]
    removed = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    tree = copy.deepcopy(TREE)
    for path, method in removed:
        del tree["paths"][path][method]
    full, less = document(TREE), document(tree)
    assert [c.severity for c in compare(full, less) if c.kind.id == "operation-removed"] == [
        B
    ] * len(removed)
    assert {c.severity for c in compare(less, full)} == {A}
