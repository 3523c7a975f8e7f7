"""Parameters: from strings to the values that their schemas speak of."""

from typing import Any

import pytest

from sparring.spec.openapi.parameters import compile_decoder, compile_gather

INTEGERS = {"type": "array", "items": {"type": "integer"}}


def decode(schema: dict[str, Any], *given: str, style: str = "form", explode: bool = True) -> Any:
    read = compile_decoder(
        schema, lambda s: s, style=style, explode=explode, is_json=False, name="n"
    )
    return read(given)


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
        ("pipeDelimited", True, ("1", "2"), [1, 2]),
        ("simple", False, ("3,4",), [3, 4]),
        ("simple", False, ("3, 4",), [3, 4]),
        ("label", False, (".3,4",), [3, 4]),
        ("label", True, (".3.4",), [3, 4]),
        ("matrix", False, (";n=3,4",), [3, 4]),
        ("matrix", True, (";n=3;n=4",), [3, 4]),
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


POINT = {"type": "object", "properties": {"x": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("style", "explode", "text"),
    [
        ("simple", False, "x,1,y,a"),
        ("simple", True, "x=1,y=a"),
        ("label", False, ".x,1,y,a"),
        ("label", True, ".x=1.y=a"),
        ("matrix", False, ";n=x,1,y,a"),
        ("matrix", True, ";x=1;y=a"),
        ("form", False, "x,1,y,a"),
        ("pipeDelimited", False, "x|1|y|a"),
        ("spaceDelimited", False, "x 1 y a"),
    ],
)
def test_the_members_of_an_object_have_their_types(style: str, explode: bool, text: str) -> None:
    assert decode(POINT, text, style=style, explode=explode) == {"x": 1, "y": "a"}


@pytest.mark.parametrize(
    ("style", "given", "value"),
    [
        ("form", {"x": ["1"], "z": ["2"]}, {"x": 1}),
        ("form", {"z": ["2"]}, None),
        ("deepObject", {"n[x]": ["1"], "n[y]": ["a"], "x": ["5"]}, {"x": 1, "y": "a"}),
        (
            "deepObject",
            {"n[y][z]": ["a"], "n[l][]": ["a", "b"]},
            {"y": {"z": "a"}, "l": ["a", "b"]},
        ),
        ("deepObject", {"n[": ["1"], "n[x": ["1"], "n[x]y": ["1"]}, None),
        ("deepObject", {"n" + "[a]" * 5000: ["1"]}, None),
    ],
)
def test_an_object_is_gathered_from_several_names(
    style: str, given: dict[str, list[str]], value: Any
) -> None:
    gather = compile_gather("n", POINT, lambda s: s, style=style)
    assert gather is not None
    assert gather(given) == value


@pytest.mark.parametrize("style", ["form", "deepObject"])
@pytest.mark.parametrize("schema", [POINT, {"type": "object"}])
def test_an_object_may_be_a_json_text_under_its_own_name(style: str, schema: Any) -> None:
    gather = compile_gather("n", schema, lambda s: s, style=style)
    assert gather is not None
    assert gather({"n": ['{"x": 2}'], "more": ["1"]}) == {"x": 2}
    assert gather({"n": ["{"]}) == "{"
    assert gather({"more": ["1"]}) is None


@pytest.mark.parametrize(
    ("types", "given", "value"),
    [
        (["object", "string"], ["5"], "5"),
        (["object", "integer"], ["5"], 5),
        (["object", "array"], ["1", "x"], [1, "x"]),
        (["object", "null"], ["null"], None),
    ],
)
def test_what_may_be_an_object_may_be_something_else(
    types: list[str], given: list[str], value: Any
) -> None:
    schema = {"type": types, "items": {"type": "integer"}}
    gather = compile_gather("n", schema, lambda s: s, style="form")
    assert gather is not None
    assert gather({"n": given}) == value
    assert gather({"n": ['{"x": 1}']}) == {"x": 1}


def test_a_schema_that_refers_to_itself_is_read() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "integer"}}}
    schema["anyOf"] = [schema, {"oneOf": [schema] * 9}]
    assert decode(schema, "x,1", style="simple", explode=False) == {"x": 1}


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a": 1e999}', '"\\ud800"', "[" * 9999])
def test_a_parameter_in_json_that_is_none_is_a_value_error(text: str) -> None:
    read = compile_decoder({}, lambda s: s, style="form", explode=True, is_json=True)
    assert read(['{"a": [1]}']) == {"a": [1]}
    with pytest.raises(ValueError, match="is not JSON"):
        read([text])
