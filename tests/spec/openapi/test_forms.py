"""Forms: from their fields to the object that a schema speaks of."""

from typing import Any

import pytest

from sparring.spec.openapi.forms import compile_form

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "ok": {"type": ["boolean", "null"]},
        "list": {"type": "array", "items": {"type": "integer"}},
        "points": {"type": "array", "items": {"type": "object"}},
        "place": {"type": "object", "properties": {"x": {"type": "integer"}}},
    },
    "allOf": [{"properties": {"text": {"type": "string"}}}],
}


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({}, {}),
        ({"n": ["1"], "ok": ["true"], "text": ["1"]}, {"n": 1, "ok": True, "text": "1"}),
        ({"n": ["x"], "ok": [""]}, {"n": "x"}),
        ({"list": ["1", "2"]}, {"list": [1, 2]}),
        ({"list[]": ["1"]}, {"list": [1]}),
        ({"list": ["[1, 2]"]}, {"list": [1, 2]}),
        ({"list": ["[1, 2"]}, {"list": ["[1, 2"]}),
        ({"points": ['{"x": 1}', "no"]}, {"points": [{"x": 1}, "no"]}),
        ({"place": ['{"x": 1}']}, {"place": {"x": 1}}),
        ({"place[x]": ["1"]}, {"place": {"x": 1}}),
        ({"place": ["{"]}, {"place": "{"}),
        ({"more": ["1"], "twice": ["1", "2"]}, {"more": "1", "twice": ["1", "2"]}),
    ],
)
def test_a_field_has_the_type_of_its_schema(given: dict[str, list[str]], value: Any) -> None:
    assert compile_form(FORM, lambda schema: schema)(given) == value


@pytest.mark.parametrize(
    ("encoding", "given", "value"),
    [
        ({"style": "pipeDelimited", "explode": False}, "1|2", [1, 2]),
        ({"style": "form", "explode": False}, "1,2", [1, 2]),
        ({"contentType": "application/json"}, "[1, 2]", [1, 2]),
        ("nonsense", "1", [1]),
    ],
)
def test_an_encoding_says_how_a_field_is_written(encoding: Any, given: str, value: Any) -> None:
    read = compile_form(FORM, lambda schema: schema, {"list": encoding})
    assert read({"list": [given]}) == {"list": value}
