"""Schemas of two documents: what is sent may be widened, what is received may be narrowed."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.spec.diff.change import Change, Severity
from sparring.spec.diff.compare import compare
from sparring.spec.openapi.document import Document, compile_document
from sparring.spec.text.source import parse

B, U, A, N = Severity.BREAKING, Severity.UNKNOWN, Severity.ADDITIVE, None
Schema = dict[str, Any]


def document(tree: dict[str, Any]) -> Document:
    whole = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, **tree}
    return compile_document(parse(json.dumps(whole).encode(), "d.json"))


def with_schema(schema: Any, way: str, **tree: Any) -> Document:
    content = {"content": {"application/json": {"schema": schema}}}
    operation: dict[str, Any] = {"responses": {"204": {"description": "done"}}}
    if way == "sent":
        operation["requestBody"] = content
    else:
        operation["responses"] = {"200": {"description": "ok", **content}}
    return document({"paths": {"/a": {"post": operation}}, **tree})


def changes(old: Any, new: Any, way: str, **tree: Any) -> tuple[Change, ...]:
    return compare(with_schema(old, way, **tree), with_schema(new, way, **tree))


def worst(found: tuple[Change, ...]) -> Severity | None:
    return min((change.severity for change in found), key=lambda s: s.rank, default=None)


def obj(*required: str, closed: bool = False, **properties: Any) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "required": list(required)}
    return schema | ({"additionalProperties": False} if closed else {})


TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
CAT = obj("kind", kind={"const": "cat"}, lives=WHOLE)
DOG = obj("kind", kind={"const": "dog"}, tail=TEXT)

# What changes, the old and the new schema, the severity where it is sent and where it is received.
# `<>` in front: the other way round it is as severe for the other side.
CHANGES: list[tuple[str, Any, Any, Severity | None, Severity | None]] = [
    ("<> a type more", TEXT, {"type": ["string", "integer"]}, A, B),
    ("another type", TEXT, WHOLE, B, B),
    ("<> integers become numbers", WHOLE, NUMBER, A, B),
    ("<> null", TEXT, {"type": ["string", "null"]}, A, B),
    ("<> null in a union", CAT, {"anyOf": [CAT, {"type": "null"}]}, A, B),
    ("<> any value", TEXT, {}, A, B),
    ("<> nothing but null", {"type": "null"}, {"type": ["null", "boolean"]}, A, B),
    ("a type that goes without saying is stated", {"properties": {"a": TEXT}}, obj(a=TEXT), U, A),
    ("a stated type goes without saying", obj(a=TEXT), {"properties": {"a": TEXT}}, A, U),
    ("<> a value of an enum", {"enum": ["a"]}, {"enum": ["a", "b"]}, A, B),
    ("a value is replaced", {"enum": ["a", "b"]}, {"enum": ["a", "c"]}, B, B),
    ("another constant", {"const": "a"}, {"const": "b"}, B, B),
    ("<> a constant becomes an enum", {"const": "a"}, {"enum": ["a", "b"]}, A, B),
    ("<> an enum is opened", {"type": "string", "enum": ["a"]}, TEXT, A, B),
    (
        "an enum becomes a rule that some break",
        {"enum": ["a", "bb"]},
        TEXT | {"minLength": 2},
        B,
        B,
    ),
    ("<> true alone", {"const": True}, {"type": "boolean"}, A, B),
    ("true is not 1", {"const": True}, {"const": 1}, B, B),
    ("<> the least number", WHOLE | {"minimum": 1}, WHOLE | {"minimum": 0}, A, B),
    ("<> the greatest number", WHOLE | {"maximum": 1}, WHOLE | {"maximum": 2}, A, B),
    (
        "<> a limit that is itself excluded",
        NUMBER | {"exclusiveMinimum": 0},
        NUMBER | {"minimum": 0},
        A,
        B,
    ),
    (
        "a range is moved",
        WHOLE | {"minimum": 0, "maximum": 5},
        WHOLE | {"minimum": 1, "maximum": 6},
        B,
        B,
    ),
    ("<> multiples", WHOLE | {"multipleOf": 4}, WHOLE | {"multipleOf": 2}, A, B),
    ("other multiples", WHOLE | {"multipleOf": 2}, WHOLE | {"multipleOf": 3}, B, B),
    ("<> no multiples", WHOLE | {"multipleOf": 2}, WHOLE, A, B),
    ("<> shorter texts", TEXT | {"minLength": 1}, TEXT, A, B),
    ("<> longer texts", TEXT | {"maxLength": 9}, TEXT | {"maxLength": 10}, A, B),
    ("<> a pattern", TEXT | {"pattern": "^a"}, TEXT, A, B),
    ("another pattern", TEXT | {"pattern": "^a"}, TEXT | {"pattern": "^[ab]"}, U, U),
    ("<> a format", TEXT | {"format": "date"}, TEXT, A, B),
    ("another format", TEXT | {"format": "date"}, TEXT | {"format": "date-time"}, B, B),
    ("<> a wider format", WHOLE | {"format": "int32"}, WHOLE | {"format": "int64"}, A, B),
    ("a format that nobody checks", TEXT, TEXT | {"format": "fancy"}, U, U),
    ("another encoding", TEXT, TEXT | {"contentEncoding": "base64"}, B, B),
    ("<> other items", {"type": "array", "items": TEXT}, {"type": "array", "items": {}}, A, B),
    ("<> fewer items", {"type": "array", "minItems": 1}, {"type": "array"}, A, B),
    ("<> more items", {"type": "array", "maxItems": 1}, {"type": "array"}, A, B),
    ("<> items may repeat", {"type": "array", "uniqueItems": True}, {"type": "array"}, A, B),
    (
        "the first item",
        {"type": "array", "prefixItems": [TEXT]},
        {"type": "array", "prefixItems": [WHOLE]},
        B,
        B,
    ),
    ("<> contained items", {"type": "array", "contains": TEXT}, {"type": "array"}, A, B),
    ("a new optional property", obj(a=TEXT), obj(a=TEXT, b=TEXT), A, A),
    ("a new required property", obj(a=TEXT), obj("b", a=TEXT, b=TEXT), B, A),
    (
        "a new property in a closed object",
        obj(a=TEXT, closed=True),
        obj(a=TEXT, b=TEXT, closed=True),
        A,
        B,
    ),
    (
        "a new required property in a closed object",
        obj(a=TEXT, closed=True),
        obj("b", a=TEXT, b=TEXT, closed=True),
        B,
        B,
    ),
    ("a property is gone", obj(a=TEXT, b=TEXT), obj(a=TEXT), U, B),
    ("a required property is gone", obj("b", a=TEXT, b=TEXT), obj(a=TEXT), U, B),
    (
        "a property is gone from a closed object",
        obj(a=TEXT, b=TEXT, closed=True),
        obj(a=TEXT, closed=True),
        B,
        B,
    ),
    (
        "a property is gone and the rest is refused",
        obj(a=TEXT, b=TEXT),
        obj(a=TEXT, closed=True),
        B,
        B,
    ),
    ("<> a required property", obj("a", a=TEXT), obj(a=TEXT), A, B),
    (
        "a demanded property gets a type",
        {"type": "object", "required": ["a"]},
        obj("a", a=TEXT),
        B,
        A,
    ),
    ("<> a property of a property", obj(a=obj(b=WHOLE)), obj(a=obj(b=NUMBER)), A, B),
    ("<> other properties", obj(a=TEXT, closed=True), obj(a=TEXT), A, B),
    (
        "<> the type of other properties",
        {"type": "object", "additionalProperties": WHOLE},
        {"type": "object", "additionalProperties": NUMBER},
        A,
        B,
    ),
    (
        "a property that others had to be like",
        {"type": "object", "additionalProperties": TEXT},
        obj(a=WHOLE) | {"additionalProperties": TEXT},
        B,
        B,
    ),
    ("<> how many properties", {"type": "object", "maxProperties": 2}, {"type": "object"}, A, B),
    (
        "properties by a pattern",
        {"type": "object", "patternProperties": {"^a": TEXT}},
        {"type": "object", "patternProperties": {"^a": WHOLE}},
        U,
        U,
    ),
    (
        "<> names of properties",
        {"type": "object", "propertyNames": {"maxLength": 2}},
        {"type": "object"},
        A,
        B,
    ),
    ("a property becomes read-only", obj(a=TEXT), obj(a=TEXT | {"readOnly": True}), U, N),
    ("a property may be written", obj(a=TEXT | {"readOnly": True}), obj(a=TEXT), A, N),
    ("a property becomes write-only", obj(a=TEXT), obj(a=TEXT | {"writeOnly": True}), N, B),
    ("a property may be read", obj(a=TEXT | {"writeOnly": True}), obj(a=TEXT), N, A),
    (
        "what is read-only is demanded",
        obj(a=TEXT | {"readOnly": True}),
        obj("a", a=TEXT | {"readOnly": True}),
        N,
        A,
    ),
    ("a new required read-only property", obj(), obj("a", a=TEXT | {"readOnly": True}), N, A),
    ("<> an alternative", CAT, {"anyOf": [CAT, DOG]}, A, B),
    ("<> an alternative told apart", {"oneOf": [CAT]}, {"oneOf": [CAT, DOG]}, A, B),
    ("an alternative is replaced", {"anyOf": [CAT, TEXT]}, {"anyOf": [CAT, WHOLE]}, B, B),
    (
        "<> inside an alternative",
        {"oneOf": [CAT, DOG]},
        {"oneOf": [obj("kind", kind={"const": "cat"}, lives=NUMBER), DOG]},
        A,
        B,
    ),
    (
        "an alternative that another covers",
        {"anyOf": [obj("a", a=TEXT), TEXT]},
        {"anyOf": [obj("a", a=TEXT), obj("a", "b", a=TEXT, b=TEXT), TEXT]},
        A,
        A,
    ),
    (
        "alternatives that overlap exclude each other",
        {"anyOf": [obj("a"), obj("b")]},
        {"oneOf": [obj("a"), obj("b")]},
        U,
        U,
    ),
    (
        "a wider alternative takes values from another",
        {"oneOf": [obj("a", "b"), obj("c")]},
        {"oneOf": [obj("a"), obj("c")]},
        U,
        B,
    ),
    (
        "another discriminator",
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind"}},
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "sort"}},
        B,
        B,
    ),
    (
        "a discriminator is new",
        {"oneOf": [CAT, DOG]},
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind"}},
        U,
        U,
    ),
    ("<> one more of all", {"allOf": [obj("a"), obj("b")]}, {"allOf": [obj("a")]}, A, B),
    ("<> what it must not be", {"type": "string", "not": {"const": "a"}}, TEXT, A, B),
    (
        "another thing it must not be",
        {"type": "string", "not": {"const": "a"}},
        {"type": "string", "not": {"const": "b"}},
        U,
        U,
    ),
    (
        "another condition",
        obj() | {"if": obj("a"), "then": obj("b")},
        obj() | {"if": obj("a"), "then": obj("c")},
        U,
        U,
    ),
    ("another default", TEXT | {"default": "a"}, TEXT | {"default": "b"}, B, A),
    ("a default", TEXT, TEXT | {"default": "b"}, U, A),
    ("deprecated", obj(a=TEXT), obj(a=TEXT | {"deprecated": True}), A, A),
    ("nothing is allowed any more", obj(a=TEXT), obj(a=False), B, B),
]


def both_ways() -> list[Any]:
    found = []
    for name, old, new, sent, received in CHANGES:
        found.append(pytest.param(old, new, sent, received, id=name))
        if name.startswith("<>"):
            found.append(pytest.param(new, old, received, sent, id=f"{name}, backwards"))
    return found


@pytest.mark.parametrize(("old", "new", "sent", "received"), both_ways())
def test_a_change_of_a_schema_breaks_senders_and_readers_each_in_its_way(
    old: Schema, new: Schema, sent: Severity | None, received: Severity | None
) -> None:
    assert worst(changes(old, new, "sent")) is sent
    assert worst(changes(old, new, "received")) is received
    assert worst(changes(obj(x=old), obj(x=new), "sent")) is sent, "below a property"
    inside = changes({"type": "array", "items": old}, {"type": "array", "items": new}, "received")
    assert worst(inside) is received, "below items"


SAME: list[tuple[str, Any, Any]] = [
    ("allOf of one", obj("a", a=TEXT), {"allOf": [obj("a", a=TEXT)]}),
    ("anyOf of one", TEXT, {"anyOf": [TEXT]}),
    ("an inlined reference", {"$ref": "#/components/schemas/Cat"}, CAT),
    (
        "a reference in allOf",
        {"$ref": "#/components/schemas/Cat"},
        {"allOf": [{"$ref": "#/components/schemas/Cat"}], "description": "a cat"},
    ),
    (
        "a reference with a description",
        {"$ref": "#/components/schemas/Cat"},
        {"$ref": "#/components/schemas/Cat", "description": "a cat"},
    ),
    (
        "allOf merged",
        {"allOf": [obj("a", a=TEXT), obj("b", b=WHOLE)]},
        obj("a", "b", a=TEXT, b=WHOLE),
    ),
    ("the order of properties", obj(a=TEXT, b=WHOLE), obj(b=WHOLE, a=TEXT)),
    ("the order of required", obj("a", "b"), obj("b", "a")),
    ("the order of an enum", {"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
    ("an enum of one", {"const": "a"}, {"enum": ["a"]}),
    ("the type of a constant", {"const": "a"}, {"type": "string", "const": "a"}),
    (
        "constants as alternatives",
        {"enum": ["a", "b"]},
        {"oneOf": [{"const": "a"}, {"const": "b"}]},
    ),
    ("nullable", {"type": "string", "nullable": True}, {"type": ["string", "null"]}),
    ("null as an alternative", {"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}),
    (
        "null in an enum",
        {"type": ["string", "null"], "enum": ["a", None]},
        {"oneOf": [{"enum": ["a"]}, {"type": "null"}]},
    ),
    ("types as alternatives", {"type": ["string", "integer"]}, {"anyOf": [WHOLE, TEXT]}),
    ("the order of alternatives", {"anyOf": [CAT, DOG, TEXT]}, {"anyOf": [TEXT, DOG, CAT]}),
    ("alternatives that can't overlap", {"anyOf": [CAT, DOG]}, {"oneOf": [CAT, DOG]}),
    ("nested alternatives", {"anyOf": [CAT, {"anyOf": [DOG, TEXT]}]}, {"anyOf": [CAT, DOG, TEXT]}),
    ("an alternative within another", {"anyOf": [TEXT, {"enum": ["a", "b"]}]}, TEXT),
    (
        "exclusiveMinimum as a flag",
        NUMBER | {"minimum": 0, "exclusiveMinimum": True},
        NUMBER | {"exclusiveMinimum": 0},
    ),
    ("the next integer", WHOLE | {"exclusiveMinimum": 0}, WHOLE | {"minimum": 1}),
    ("1.0 is 1", WHOLE | {"minimum": 1}, WHOLE | {"minimum": 1.0}),
    ("no least length", TEXT | {"minLength": 0}, TEXT),
    ("multiples of one", WHOLE | {"multipleOf": 1}, WHOLE),
    ("open in so many words", obj(a=TEXT), obj(a=TEXT) | {"additionalProperties": True}),
    ("any items", {"type": "array"}, {"type": "array", "items": {}}),
    ("both booleans", {"type": "boolean"}, {"enum": [True, False]}),
    ("true", {}, True),
    ("titles and examples", TEXT, TEXT | {"title": "t", "examples": ["x"], "x-y": 1}),
    ("not, in another order", {"not": obj("a", "b")}, {"not": obj("b", "a")}),
]


@pytest.mark.parametrize(
    ("old", "new"), [pytest.param(old, new, id=name) for name, old, new in SAME]
)
@pytest.mark.parametrize("way", ["sent", "received"])
def test_the_same_schema_written_in_two_ways_is_no_change(old: Any, new: Any, way: str) -> None:
    tree = {"components": {"schemas": {"Cat": CAT}}}
    assert changes(old, new, way, **tree) == ()
    assert changes(new, old, way, **tree) == ()


def test_recursive_schemas_are_compared_to_their_end() -> None:
    def tree(leaf: Schema) -> dict[str, Any]:
        below = {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}
        union = {"anyOf": [{"$ref": "#/components/schemas/Union"}, leaf]}
        node = obj(leaf=leaf, below=below, union={"$ref": "#/components/schemas/Union"})
        return {"components": {"schemas": {"Tree": node, "Union": union}}}

    root = {"$ref": "#/components/schemas/Tree"}
    old = with_schema(root, "sent", **tree(TEXT))
    assert compare(old, with_schema(root, "sent", **tree(TEXT))) == ()
    found = compare(old, with_schema(root, "sent", **tree(WHOLE)))
    assert worst(found) is B
    assert {change.new.pointer for change in found if change.new} == {
        "/components/schemas/Tree/properties/leaf",
        "/components/schemas/Union",
    }


# What follows is drawn: no change that is called harmless takes a value away.

NAMES = ("a", "b")
scalars = st.one_of(
    st.sampled_from([{"type": "string"}, {"type": "null"}, {"type": "boolean"}, {}]),
    st.builds(lambda n: {"type": "string", "minLength": n}, st.integers(0, 2)),
    st.builds(lambda n: {"type": "string", "maxLength": n}, st.integers(0, 2)),
    st.builds(
        lambda n, t: {"type": t, "minimum": n},
        st.integers(0, 2),
        st.sampled_from(["integer", "number"]),
    ),
    st.builds(lambda n: {"type": "number", "exclusiveMaximum": n}, st.integers(0, 2)),
    st.builds(
        lambda v: {"enum": v},
        st.lists(
            st.sampled_from(["", "x", "xy", 0, 1, 2, True, None]),
            min_size=1,
            max_size=3,
            unique_by=repr,
        ),
    ),
)


def composed(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        st.builds(lambda i: {"type": "array", "items": i}, inner),
        st.builds(
            lambda p, r, c: {
                "type": "object",
                "properties": {name: p[i] for i, name in enumerate(NAMES)},
                "required": r,
                **({"additionalProperties": False} if c else {}),
            },
            st.tuples(inner, inner),
            st.lists(st.sampled_from(NAMES), unique=True),
            st.booleans(),
        ),
        st.builds(
            lambda k, b: {k: b},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    )


schemas = st.recursive(scalars, composed, max_leaves=5)
leaves = st.sampled_from([None, True, False, 0, 1, 2, 0.5, "", "x", "xy", "xyz"])
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from((*NAMES, "c")), inner, max_size=3),
    ),
    max_leaves=4,
)


RELATED: list[Callable[[Schema, Schema], tuple[Schema, Schema]]] = [
    lambda a, b: (a, b),
    lambda a, b: (a, {"anyOf": [a, b]}),
    lambda a, b: (a, {"allOf": [a, b]}),
    lambda a, b: ({"oneOf": [a, b]}, {"anyOf": [a, b]}),
    lambda a, b: (obj("x", x=a), obj(x=b)),
]


@settings(max_examples=200, deadline=None)
@given(schemas, schemas, st.sampled_from(RELATED), st.lists(values, min_size=20, max_size=40))
def test_what_is_called_harmless_takes_no_value_away(
    one: Schema,
    other: Schema,
    relate: Callable[[Schema, Schema], tuple[Schema, Schema]],
    drawn: list[Any],
) -> None:
    old, new = relate(one, other)
    before, after = map(jsonschema_rs.Draft202012Validator, (old, new))
    if all(change.severity is A for change in changes(old, new, "sent")):
        assert [v for v in drawn if before.is_valid(v) and not after.is_valid(v)] == []
    if all(change.severity is A for change in changes(old, new, "received")):
        assert [v for v in drawn if after.is_valid(v) and not before.is_valid(v)] == []


@settings(max_examples=100, deadline=None)
@given(schemas)
def test_a_schema_is_the_same_as_itself(schema: Schema) -> None:
    rewritten = {"allOf": [{"anyOf": [schema]}]}
    for way in ("sent", "received"):
        assert changes(schema, rewritten, way) == ()
