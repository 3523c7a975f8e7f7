"""Documents of others: paths that share a template, bodies everywhere, parts that are broken."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sparring.spec.openapi.document import load_document

TEXT = """\
openapi: 3.1.0
info: {title: Oddities, version: '1'}
servers: [{url: 'https://api.example/{version}', variables: {version: {default: v1}}}]
paths:
  /things?beta=true: {get: &get {responses: {'200': {description: ok,
    content: {application/json: {schema: {const: beta}}}}}}}
  /things:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {const: plain}}}}}
  /things?beta=true&deep=1:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {const: deep}}}}}
  /alone?beta=true:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {const: alone}}}}}
  /talks/{id}:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {const: whole}}}}}
  /talks/{talk}#lines:
    get:
      responses: {'200': {description: ok, content: {application/x+json: {schema: {const: lines}}}}}
  /bodies:
    get: &body
      requestBody: {content: {application/json: {schema: {type: object, required: [a]}}}}
      responses: {'200': {description: ok, content: {application/json: {schema: {const: read}}}}}
    head: *body
    delete: *body
    options: *body
  /other:
    servers: [{url: /v2}]
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {const: v2}}}}}
  /files/{name}:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {const: file}}}}}
  /files/{name}:copy:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {const: copy}}}}}
  /files/{name}.{ext}:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {const: ext}}}}}
  no/slash/:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {const: slash}}}}}
  /never:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: false}}}}
  /broken:
    get:
      responses: {'200': {description: ok, content: {application/json: {schema: {
        type: object, required: [x], properties: {x: {type: string, pattern: '['}}}}}}}
"""


@pytest.fixture(scope="module")
def client(
    serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx2.Client]:
    file = tmp_path_factory.mktemp("documents") / "oddities.yaml"
    file.write_text(TEXT)
    with httpx2.Client(base_url=serve(file).url, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/things", "plain"),
        ("/things", "plain"),
        ("/things?beta=false", "plain"),
        ("/things?beta=true", "beta"),
        ("/things?other=1&beta=true", "beta"),
        ("/things?deep=1&beta=true", "deep"),
        ("/alone?beta=true", "alone"),
        ("/alone", "alone"),
        ("/talks/5", "whole"),
        ("/v2/other", "v2"),
        ("/other", "v2"),
        ("/files/a", "file"),
        ("/files/a:copy", "copy"),
        ("/files/a.b", "ext"),
        ("/no/slash", "slash"),
        ("/no/slash/", "slash"),
    ],
)
def test_a_request_finds_its_operation(client: httpx2.Client, path: str, answer: str) -> None:
    found = client.get(path)
    assert (found.status_code, found.json()) == (200, answer)


def test_of_operations_that_differ_in_their_answers_accept_chooses(client: httpx2.Client) -> None:
    for accept, answer in (
        ("application/x+json", "lines"),
        ("text/html, application/x+json;q=0.5", "lines"),
        ("application/json", "whole"),
        ("*/*", "whole"),
    ):
        assert client.get("/talks/5", headers={"Accept": accept}).json() == answer


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS"])
def test_a_body_is_read_whatever_the_method(client: httpx2.Client, method: str) -> None:
    assert client.request(method, "/bodies", json={"a": 1}).json() == "read"
    assert client.request(method, "/bodies", json={}).status_code == 422
    assert client.request(method, "/bodies").status_code == 200


def test_what_can_not_be_served_is_a_501_with_the_reason(client: httpx2.Client) -> None:
    answer = client.get("/never")
    assert answer.status_code == 501
    assert answer.json()["detail"]
    assert client.get("/never").json() == answer.json()
    assert client.get("/things").status_code == 200


def test_a_broken_part_of_a_schema_does_not_keep_the_rest_from_being_served(
    client: httpx2.Client,
) -> None:
    answer = client.get("/broken")
    assert answer.status_code == 200
    assert isinstance(answer.json()["x"], str)


@pytest.mark.parametrize("name", ["openai.yaml", "zep-v0.json", "opencode.yml", "acp-beeai.yaml"])
def test_every_operation_of_a_real_document_is_answered(
    shared: Path, serve: Callable[..., Any], name: str
) -> None:
    file = shared / "specs" / name
    server = serve(file)
    headers = {"Authorization": "Bearer alice-key"}
    with httpx2.Client(base_url=server.url, timeout=30, headers=headers) as client:
        for operation in load_document(str(file)).operations:
            path = re.sub(r"\{[^{}]+\}", "1", operation.template)
            answer = client.request(operation.method, path, params=operation.query)
            assert answer.status_code not in (405, 415), operation.label
            assert "has no path" not in answer.text, operation.label
    assert "Traceback" not in server.stop()
