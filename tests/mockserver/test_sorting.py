"""A list of sessions is sorted as one parameter asks for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from sparring.mockserver.app import create_app
from sparring.spec.meaning.binding import sorted_by
from sparring.spec.openapi.document import load_document

TITLES = ["pears", "Apples", None, "quinces"]
DOCUMENT = """
openapi: 3.1.0
info: {title: Talks, version: '1'}
paths:
  /talks:
    post:
      x-session: {role: session.create}
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Draft'}}}}
      responses: {'201': {description: Made.,
        content: {application/json: {schema: {$ref: '#/components/schemas/Talk'}}}}}
    get:
      x-session: {role: session.list, order: {by: $request.query.sort}}
      parameters:
        - {name: sort, in: query, schema: {type: string, enum: [%s]}}
      responses: {'200': {description: All., content: {application/json: {schema: {type: array,
        items: {$ref: '#/components/schemas/Talk'}}}}}}
components:
  schemas:
    Draft: {type: object, properties: {title: {type: [string, 'null']}}}
    Talk:
      type: object
      required: [id, title]
      properties: {id: {type: string}, title: {type: [string, 'null']}}
"""
BOTH = "title, -title, 'title:asc', 'title:desc', '-created_at'"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    file = tmp_path / "talks.yaml"
    file.write_text(DOCUMENT % BOTH)
    with TestClient(create_app(load_document(str(file)))) as client:
        for title in TITLES:
            assert client.post("/talks", json={"title": title}).status_code == 201
        yield client


@pytest.mark.parametrize(
    ("sort", "titles"),
    [
        ("title", ["Apples", "pears", "quinces", None]),
        ("-title", ["quinces", "pears", "Apples", None]),
        ("title:asc", ["Apples", "pears", "quinces", None]),
        ("title:desc", ["quinces", "pears", "Apples", None]),
        ("-created_at", TITLES[::-1]),
    ],
)
def test_one_parameter_says_by_what_and_which_way(
    sort: str, titles: list[Any], client: TestClient
) -> None:
    answer = client.get("/talks", params={"sort": sort})
    assert [talk["title"] for talk in answer.json()] == titles


def test_without_it_the_list_is_as_it_was_made(client: TestClient) -> None:
    assert [talk["title"] for talk in client.get("/talks").json()] == TITLES


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("-createdAt", ("createdAt", True)),
        ("+title", ("title", False)),
        ("title:desc", ("title", True)),
        ("created_at_desc", ("created_at", True)),
        ("created_at asc", ("created_at", False)),
        ("updated_at", ("updated_at", None)),
        ("descendants", ("descendants", None)),
        ("-", ("-", None)),
    ],
)
def test_a_word_says_by_what_and_perhaps_which_way(word: str, told: tuple[str, Any]) -> None:
    assert sorted_by(word) == told
