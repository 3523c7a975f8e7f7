"""Swagger 2.0: the same operations as OpenAPI 3 would declare, with the places of the old text."""

from pathlib import Path
from typing import Any

import pytest

from sparring.spec.openapi.document import Document, compile_document
from sparring.spec.openapi.references import bundle
from sparring.spec.openapi.schemas import View
from sparring.spec.text.source import parse

TEXT = """\
swagger: '2.0'
info: {title: Talks, version: '1'}
host: talks.example
basePath: /v1
schemes: [https, http]
consumes: [application/json]
produces: [application/json, text/plain]
securityDefinitions:
  plain: {type: basic}
  key: {type: apiKey, in: header, name: X-Key}
  login: {type: oauth2, flow: accessCode, authorizationUrl: /a, tokenUrl: /t, scopes: {a: b}}
security: [{plain: []}, {key: [], login: [a]}]
parameters:
  limit: {name: limit, in: query, type: integer, maximum: 10, default: 3}
  talk: {name: talk, in: body, required: true, schema: {$ref: '#/definitions/Talk'}}
responses:
  none: {description: none, schema: {$ref: '#/definitions/Error'}, headers: {X-A: {type: integer}}}
x-session-model:
  session: {id: /id}
paths:
  /talks:
    parameters:
      - $ref: '#/parameters/limit'
    get:
      operationId: list
      parameters:
        - {name: tags, in: query, type: array, items: {type: integer}}
        - {name: ids, in: query, type: array, items: {type: string}, collectionFormat: multi}
        - {name: bars, in: query, type: array, items: {type: string}, collectionFormat: pipes}
      responses:
        200:
          description: ok
          schema: {type: array, items: {$ref: '#/definitions/Talk'}}
          examples: {application/json: []}
        404: {$ref: '#/responses/none'}
    post:
      x-session: {role: session.create}
      parameters: [{$ref: '#/parameters/talk'}]
      responses:
        201: {description: made, schema: {$ref: '#/definitions/Talk'}}
        204: {description: nothing}
  /talks/{id}/files:
    parameters:
      - {name: id, in: path, required: true, type: string}
      - {name: note, in: formData, type: string, minLength: 2}
    post:
      parameters:
        - {name: upload, in: formData, type: file, required: true}
      produces: [application/octet-stream]
      responses:
        200: {description: ok, schema: {type: file}}
    put:
      consumes: [application/x-www-form-urlencoded]
      responses: {default: {description: ok}}
definitions:
  Talk:
    type: object
    discriminator: kind
    required: [id]
    properties:
      id: {type: string, readOnly: true}
      kind: {type: string}
      note: {type: string, x-nullable: true}
      next: {$ref: '#/definitions/Talk'}
      level: {type: integer, minimum: 0, exclusiveMinimum: true}
  Error: {type: object}
"""


def compiled(text: str) -> Document:
    source = parse(text.encode(), "talks.yaml")
    bundle(source, Path("talks.yaml"))
    return compile_document(source)


@pytest.fixture(scope="module")
def document() -> Document:
    return compiled(TEXT)


def operation(document: Document, label: str) -> Any:
    (found,) = [o for o in document.operations if o.label == label]
    return found


def test_a_swagger_document_has_no_warning_and_its_base_path(document: Document) -> None:
    assert document.warnings == ()
    assert [o.label for o in document.operations] == [
        "GET /v1/talks",
        "POST /v1/talks",
        "POST /v1/talks/{id}/files",
        "PUT /v1/talks/{id}/files",
    ]
    tree = document.source.tree
    assert [server["url"] for server in tree["servers"]] == [
        "https://talks.example/v1",
        "http://talks.example/v1",
    ]


@pytest.mark.parametrize(
    ("name", "sent", "value"),
    [
        ("limit", ["7"], 7),
        ("tags", ["1,2"], [1, 2]),
        ("ids", ["a", "b,c"], ["a", "b,c"]),
        ("bars", ["a|b"], ["a", "b"]),
    ],
)
def test_parameters_are_read_as_their_collection_format_says(
    document: Document, name: str, sent: list[str], value: Any
) -> None:
    (parameter,) = [p for p in operation(document, "GET /v1/talks").parameters if p.name == name]
    assert parameter.decode(sent) == value


def test_bodies_answers_and_headers_keep_their_schemas(document: Document) -> None:
    made = operation(document, "POST /v1/talks")
    assert made.body_required
    assert list(made.body) == ["application/json"]
    taken = document.schemas.at(made.body["application/json"].schema, View.REQUEST)
    assert taken.is_valid({"note": None, "level": 1, "next": {}})
    assert not taken.is_valid({"note": 5})
    assert not taken.is_valid({"level": 0})
    given = document.schemas.at(
        made.responses["201"].content["application/json"].schema, View.RESPONSE
    )
    assert not given.is_valid({}), "an answer has the id"
    assert list(made.responses["201"].content) == ["application/json", "text/plain"]
    assert made.responses["204"].content == {}
    listed = operation(document, "GET /v1/talks")
    assert listed.responses["404"].headers["X-A"].schema is not None
    tree = document.source.tree
    assert tree["paths"]["/talks"]["get"]["responses"]["200"]["content"]["application/json"] == {
        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Talk"}},
        "example": [],
    }


def test_form_fields_are_a_body_and_a_file_makes_it_multipart(document: Document) -> None:
    upload = operation(document, "POST /v1/talks/{id}/files")
    assert list(upload.body) == ["multipart/form-data"]
    assert upload.body_required
    assert document.schema(upload.body["multipart/form-data"].schema) == {
        "type": "object",
        "properties": {
            "note": {"type": "string", "minLength": 2},
            "upload": {"type": "string", "format": "binary"},
        },
        "required": ["upload"],
    }
    assert list(upload.responses["200"].content) == ["application/octet-stream"]
    note = operation(document, "PUT /v1/talks/{id}/files")
    assert list(note.body) == ["application/x-www-form-urlencoded"]
    assert not note.body_required


def test_credentials_are_those_of_openapi_3(document: Document) -> None:
    (plain,), (key, login) = operation(document, "GET /v1/talks").security
    assert (plain.kind, key.kind, key.place, key.parameter) == (
        "basic",
        "apiKey",
        "header",
        "X-Key",
    )
    assert login.kind == "bearer"


def test_annotations_stay_where_they_are(document: Document) -> None:
    assert document.model.session["id"] == ("id",)
    assert operation(document, "POST /v1/talks").binding is not None


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("components", "schemas", "Talk", "properties", "kind"), "      kind:"),
        (("paths", "/talks", "get", "responses", "404", "content"), "  none:"),
        (("paths", "/talks", "post", "requestBody", "content"), "  talk:"),
        (("paths", "/talks", "get", "parameters", "1"), "        - {name: ids"),
        (("paths", "/talks", "parameters", "0", "schema", "maximum"), "  limit:"),
        (("components", "securitySchemes", "key"), "  key:"),
        (("openapi",), "swagger:"),
        (("servers",), "basePath:"),
    ],
)
def test_a_defect_names_the_line_of_the_original(
    document: Document, path: tuple[str, ...], line: str
) -> None:
    position = document.source.position(path)
    assert TEXT.split("\n")[position.line - 1].startswith(line)


@pytest.mark.parametrize(
    "change",
    [
        ("definitions:", "definitions: 5\nx-was:"),
        ("securityDefinitions:", "securityDefinitions: []\nx-was:"),
        ("responses:\n  none", "responses: []\nx-was:\n  none"),
        ("host: talks.example", "host: {}"),
        ("consumes: [application/json]", "consumes: {}"),
        ("    parameters:\n      - $ref", "    x-was:\n      - $ref"),
        ("schema: {type: file}", "schema: [file]"),
        ("in: formData, type: string", "in: [formData]"),
        ("headers: {X-A: {type: integer}}", "headers: {X-A: 5}"),
        ("examples: {application/json: []}", "examples: 5"),
        ("discriminator: kind", "discriminator: [kind]"),
        ("type: basic", "type: [basic]"),
        ("flow: accessCode", "flow: 5"),
    ],
)
def test_a_swagger_document_that_is_half_valid_is_read(change: tuple[str, str]) -> None:
    assert change[0] in TEXT
    assert len(compiled(TEXT.replace(*change)).operations) == 4
