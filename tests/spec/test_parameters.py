"""Parameters: from strings to the values that their schemas speak of."""

from typing import Any

import pytest

from sparring.spec.parameters import compile_decoder

INTEGERS = {"type": "array", "items": {"type": "integer"}}


def decode(schema: dict[str, Any], *given: str, style: str = "form", explode: bool = True) -> Any:
    return compile_decoder(schema, lambda s: s, style=style, explode=explode, is_json=False)(given)


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, "7", 7),
        ({"type": "integer"}, "-7", -7),
        ({"type": "integer"}, "07", "07"),
        ({"type": "integer"}, "7.0", "7.0"),
        ({"type": "integer"}, " 7", " 7"),
        ({"type": "integer"}, "7\n", "7\n"),
        ({"type": "integer"}, "\u0667", "\u0667"),
        ({"type": "integer"}, "9" * 5000, "9" * 5000),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "number"}, "7", 7.0),
        ({"type": "number"}, "nan", "nan"),
        ({"type": "number"}, "Infinity", "Infinity"),
        ({"type": "number"}, "1e999", "1e999"),
        ({"type": "number"}, "9" * 400, "9" * 400),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "True", "True"),
        ({"type": "boolean"}, "1", "1"),
        ({"type": "string"}, "7", "7"),
        ({}, "7", "7"),
        ({"type": ["string", "null"]}, "null", None),
        ({"type": ["integer", "null"]}, "", None),
        ({"enum": [1, 2]}, "1", 1),
        ({"const": True}, "true", True),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "x", "x"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "5", 5),
    ],
)
def test_a_scalar_is_read_as_its_schema_says_and_left_alone_else(
    schema: dict[str, Any], text: str, value: Any
) -> None:
    found = decode(schema, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("style", "explode", "given", "value"),
    [
        ("form", True, ("1", "2"), [1, 2]),
        ("form", True, ("1,2",), ["1,2"]),
        ("form", False, ("1,2",), [1, 2]),
        ("form", False, ("",), []),
        ("spaceDelimited", False, ("1 2",), [1, 2]),
        ("pipeDelimited", False, ("1|x",), [1, "x"]),
        ("simple", False, ("3,4",), [3, 4]),
    ],
)
def test_an_array_is_cut_as_its_style_says(
    style: str, explode: bool, given: tuple[str, ...], value: list[Any]
) -> None:
    assert decode(INTEGERS, *given, style=style, explode=explode) == value


def test_an_object_in_a_path_is_read_in_both_forms() -> None:
    schema = {"type": "object"}
    assert decode(schema, "a,1,b,2", style="simple", explode=False) == {"a": "1", "b": "2"}
    assert decode(schema, "a=1,b=2", style="simple", explode=True) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a": 1e999}', '"\\ud800"', "[" * 9999])
def test_a_parameter_in_json_that_is_none_is_a_value_error(text: str) -> None:
    read = compile_decoder({}, lambda s: s, style="form", explode=True, is_json=True)
    assert read(['{"a": [1]}']) == {"a": [1]}
    with pytest.raises(ValueError, match="is not JSON"):
        read([text])
