"""Real documents are broken: each defect is a warning where it stands, and the rest is read."""

import json
from pathlib import Path
from typing import Any

import pytest

from sparring.spec.openapi.document import Document, Operation, compile_document, load_document
from sparring.spec.openapi.references import bundle
from sparring.spec.openapi.schemas import View
from sparring.spec.text.source import parse

HEAD = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}
OK = {"responses": {"200": {"description": "ok"}}}
REF = {"$ref": "#/components/schemas/A"}


def compiled(tree: dict[str, Any]) -> Document:
    source = parse(json.dumps(HEAD | tree, indent=1).encode(), "x.json")
    bundle(source, Path("x.json"))
    return compile_document(source)


def told(document: Document) -> list[str]:
    """The codes of all warnings, each of which has a place and says what becomes of the part."""
    warnings = document.check()
    assert all(w.position and w.position.file == "x.json" for w in warnings)
    return [w.code for w in warnings]


def operation(path: str = "/a/{id}", **parts: Any) -> dict[str, Any]:
    declared = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    item = {"get": OK | parts}
    return {"paths": {path: item | ({"parameters": declared} if "{id}" in path else {})}}


def only(document: Document) -> Operation:
    (found,) = document.operations
    return found


def body_of(schema: Any, version: str = "3.1.0", **components: Any) -> Any:
    """The validator of a request body with this schema, and the codes of the warnings."""
    body = {"content": {"application/json": {"schema": schema}}}
    tree = operation(requestBody=body) | {"openapi": version, "components": {"schemas": components}}
    document = compiled(tree)
    at = only(document).body["application/json"].schema
    assert at is not None
    return document.schemas.at(at, View.REQUEST), told(document)


@pytest.mark.parametrize(
    ("tree", "codes"),
    [
        ({"paths": {"/a": None}}, ["D111"]),
        ({"paths": {"/a": {"get": []}}}, ["D111"]),
        ({"paths": {"/a": {"GET": OK}}}, ["D111"]),
        ({"paths": {"a": {"get": OK}}}, ["D111"]),
        ({"paths": {"/a/{id}": {"get": OK}}}, ["D111"]),
        ({"paths": {"/a": {"get": {}}}}, []),
        ({"paths": {"/a": {"$ref": "#/components/pathItems/A", "get": OK}}}, ["D120"]),
        (operation(parameters={}), ["D111"]),
        (operation(parameters=None), ["D111"]),
        (operation(parameters=[{"name": "x"}]), ["D111"]),
        (operation(parameters=[{"name": "id"}]), ["D111"]),
        (operation(parameters=[{"name": "x", "in": ["query"]}]), ["D111"]),
        (operation(parameters=[{"name": "x", "in": "path"}]), ["D111"]),
        (operation(parameters=[{"name": "x", "in": "query", "style": ["form"]}]), []),
        (operation(parameters=[{"name": "x", "in": "query", "schema": {"type": 5}}]), ["D130"]),
        (operation(parameters=[{"name": "x", "in": "query", "content": {"a/b": 5}}]), ["D111"]),
        (operation(security=[{"nobody": []}]), ["D111"]),
        (operation(security={"nobody": []}), ["D111"]),
        (operation(security=["nobody"]), []),
        (operation(responses=5), ["D111"]),
        (operation(responses={"200": None, "OK": {}}), ["D111"]),
        (operation(responses={"200": {"content": ["a/b"], "headers": 5}}), ["D111", "D111"]),
        (operation(requestBody=[]), ["D111"]),
        (operation(requestBody={"content": {"a/b": {"schema": None}}}), ["D130"]),
        (operation(operationId=5), []),
        (operation(servers=5), []),
        ({**operation(), "components": []}, ["D111"]),
        ({**operation(), "components": {"securitySchemes": {"a": 5}}}, ["D111"]),
        ({**operation(), "servers": [{"url": 5}], "info": None, "tags": 5}, []),
        ({"openapi": 3.1, **operation()}, ["D110"]),
        ({"openapi": 3, **operation()}, ["D110"]),
        ({"openapi": "3.0", **operation()}, ["D110"]),
        ({"openapi": "4.0.0", **operation()}, ["D110"]),
        ({"openapi": None, **operation()}, ["D110"]),
        ({"openapi": None, "swagger": 2, **operation()}, ["D110"]),
        ({"openapi": "2.0", **operation()}, ["D110"]),
        ({"openapi": None, "swagger": "3.0.1", **operation()}, ["D110"]),
        ({"openapi": None, "basePath": "/a", **operation()}, ["D110"]),
    ],
)
def test_an_operation_with_a_broken_part_is_read_without_it(
    tree: dict[str, Any], codes: list[str]
) -> None:
    document = compiled(tree)
    assert told(document) == codes
    assert len(document.operations) == (0 if tree["paths"].get("/a", 0) is None else 1)


def test_a_document_without_paths_may_have_schemas() -> None:
    document = compiled({"components": {"schemas": {"A": {"type": "string"}}}})
    assert document.operations == ()
    assert told(document) == []


def test_an_operation_id_that_stands_twice_names_the_first() -> None:
    same = {"operationId": "same", **OK}
    document = compiled({"paths": {"/a": {"get": same, "put": same}}})
    assert [o.id for o in document.operations] == ["same", "put /a"]
    assert told(document) == ["D111"]


def test_parameters_of_the_path_that_nothing_declares_are_strings() -> None:
    path = "/a/{x}:verb/{y}.{z}"
    document = compiled({"paths": {path: {"get": OK}}})
    found = only(document).parameters
    assert [(p.name, p.place, p.decode(["5"])) for p in found] == [
        (name, "path", "5") for name in "xyz"
    ]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "strin"}, [5, "a"], []),
        ({"type": "object", "properties": {"x": {"pattern": "["}, "y": 5}}, [{"x": "a"}], [5]),
        ({"type": "object", "properties": {"x": {"required": True}}}, [{}], [5]),
        ({"type": "object", "properties": ["x"]}, [{}], [5]),
        ({"type": "object", "required": "x"}, [{}], [5]),
        ({"type": "object", "required": ["x", "x", 5]}, [{"x": 1}], [5, {}]),
        ({"type": ["string", "nothing"]}, [5], []),
        ({"allOf": {"type": "string"}}, [5], []),
        ({"allOf": [None, {"type": "string"}]}, ["a"], [5]),
        ({"type": "array", "items": None}, [[5]], [5]),
        ({"type": "array", "items": [{"type": "string"}]}, [["a", 5]], [5, [5]]),
        ({"type": "string", "minLength": "2"}, ["a"], [5]),
        ({"type": "string", "enum": "a"}, ["a", "b"], [5]),
        ({"type": "string", "format": ["a"]}, ["a"], [5]),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, [2], [1]),
        ({"type": "file"}, ["a"], [5]),
        ({"type": "string", "nullable": True}, ["a", None], [5]),
        ({"type": "string", "enum": ["a"], "nullable": True}, ["a", None], ["b"]),
        ({"type": ["string", "null"]}, ["a", None], [5]),
        ({"$id": "http://127.0.0.1/a", "properties": {"x": REF}}, [{"x": "a"}], [{"x": 5}]),
        ({"$schema": "http://127.0.0.1/none", "type": "string"}, ["a"], [5]),
        ({"$ref": "#/components/schemas/Missing"}, [5, "a"], []),
        ({"$ref": "#here"}, [5, "a"], []),
        ({"$ref": 5}, [5, "a"], []),
        ({"$dynamicRef": "#nowhere"}, [5, "a"], []),
        ({**REF, "description": "x", "example": 5}, ["a"], [5]),
        (True, [5, "a"], []),
        ("string", [5, "a"], []),
    ],
)
@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_a_schema_keeps_what_can_be_understood_of_it(
    schema: Any, good: list[Any], bad: list[Any], version: str
) -> None:
    validator, _ = body_of(schema, version, A={"type": "string"})
    assert [value for value in good if not validator.is_valid(value)] == []
    assert [value for value in bad if validator.is_valid(value)] == []
    assert all(validator.violations(value) for value in bad)


def test_many_broken_parts_of_one_schema_are_each_told() -> None:
    broken = {f"p{n}": {"type": "string", "pattern": "["} for n in range(30)}
    validator, codes = body_of({"type": "object", "properties": broken})
    assert codes == ["D130"] * 30
    assert not validator.is_valid({"p7": 5})


def test_a_document_with_more_broken_parts_than_can_be_told_is_read_all_the_same() -> None:
    broken = {f"p{n}": {"pattern": "["} for n in range(1000)}
    validator, codes = body_of({"type": "object", "properties": broken})
    assert validator.is_valid(5)
    assert set(codes) == {"D130"}


def test_what_openapi_3_2_adds_is_read() -> None:
    media = {"$ref": "#/components/mediaTypes/Events"}
    tree = {
        "openapi": "3.2.0",
        "$self": "https://api.example/openapi.json",
        "paths": {
            "/a": {
                "query": {"operationId": "ask", **OK},
                "additionalOperations": {
                    "COPY": {
                        "operationId": "copy",
                        "responses": {"200": {"content": {"text/event-stream": media}}},
                    }
                },
                "get": {
                    "operationId": "get",
                    "parameters": [
                        {
                            "name": "all",
                            "in": "querystring",
                            "content": {
                                "application/x-www-form-urlencoded": {
                                    "schema": {
                                        "type": "object",
                                        "properties": {"n": {"type": "integer"}},
                                        "required": ["n"],
                                    }
                                }
                            },
                        }
                    ],
                },
            }
        },
        "components": {
            "mediaTypes": {
                "Events": {
                    "itemSchema": {"$ref": "https://api.example/openapi.json#/components/schemas/E"}
                }
            },
            "schemas": {"E": {"type": "object", "required": ["data"]}},
        },
    }
    document = compiled(tree)
    assert told(document) == []
    found = {o.method: o for o in document.operations}
    assert {m: o.id for m, o in found.items()} == {"QUERY": "ask", "COPY": "copy", "GET": "get"}
    (parameter,) = found["GET"].parameters
    assert (parameter.name, parameter.place, parameter.required) == ("n", "query", True)
    assert parameter.decode(["5"]) == 5
    stream = found["COPY"].media(200, "text/event-stream")
    assert stream is not None
    assert stream.schema is not None
    assert not document.schemas.at(stream.schema, View.RESPONSE).is_valid({})


def test_a_path_has_the_base_of_its_own_server() -> None:
    own = {"servers": [{"url": "https://other.example/v2"}]}
    tree = {
        "servers": [{"url": "/v1"}],
        "paths": {"/a": {"get": OK}, "/b": {**own, "get": OK}, "/c": {"get": OK | own}},
    }
    assert [o.path for o in compiled(tree).operations] == ["/v1/a", "/v2/b", "/v2/c"]


def test_what_ends_a_path_is_no_part_of_its_template() -> None:
    document = compiled(operation("/a/{id}?beta=true&x={y}#stream"))
    found = only(document)
    assert (found.template, found.query) == ("/a/{id}", {"beta": "true"})
    assert told(document) == []


def test_every_real_document_is_read_and_each_warning_has_its_place(shared: Path) -> None:
    files = [
        f for f in sorted((shared / "specs").iterdir()) if f.suffix in (".json", ".yaml", ".yml")
    ]
    read = 0
    for file in files:
        if file.stem == "roles":
            continue
        document = load_document(str(file))
        assert len(document.operations) >= 8, file
        assert all(w.position and w.position.line > 1 for w in document.check()), file
        read += 1
    assert read >= 13
