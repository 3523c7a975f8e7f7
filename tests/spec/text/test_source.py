"""Text to tree: types, positions, and limits that no input can widen."""

import json
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.spec.errors import SparringError
from sparring.spec.text.json_text import MAX_DEPTH, decode_answer, decode_json
from sparring.spec.text.source import Source, load, parse

DEEP = 100_000


def refused(data: bytes, name: str = "x.yaml") -> Any:
    with pytest.raises(SparringError) as caught:
        parse(data, name)
    (defect,) = caught.value.defects
    return defect


def yaml(text: str) -> Source:
    return parse(text.encode(), "x.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("y", "y"),
        ("12:30:45", "12:30:45"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("12", 12),
        ("+1", 1),
        ("-0", 0),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("9" * 5000, "9" * 5000),
        ("=", "="),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ('!!int "5"', 5),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_a_scalar_of_yaml_has_the_type_of_the_core_schema(text: str, value: Any) -> None:
    found = yaml(f"a: {text}").tree["a"]
    assert (found, type(found)) == (value, type(value))


def test_every_key_is_a_string() -> None:
    tree = yaml("200: a\nNO: b\n1.0: c\nnull: d\n12:30: e\ntrue: f").tree
    assert tree == {"200": "a", "NO": "b", "1.0": "c", "null": "d", "12:30": "e", "true": "f"}


@pytest.mark.parametrize("text", ["", "  \n", "# a comment\n", "---\n", "\ufeff"])
def test_a_text_without_a_node_is_null(text: str) -> None:
    assert yaml(text).tree is None


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    for data in (b"\xef\xbb\xbfa: 1", b'\xef\xbb\xbf{"a": 1}'):
        source = parse(data, "x")
        assert source.tree == {"a": 1}
        assert source.position(("a",)).line == 1


@pytest.mark.parametrize(
    ("data", "name", "code", "position"),
    [
        (b"a: \x01", "x.yaml", "D102", "x.yaml:1:4"),
        (b"a: 1\nb: \xff", "x.yaml", "D102", "x.yaml:2:4"),
        ("a: 1".encode("utf-16"), "x.yaml", "D102", "x.yaml:1:1"),
        (b"a:\n\tb: 1", "x.yaml", "D102", "x.yaml:2:1"),
        (b"a: [1, 2\n", "x.yaml", "D102", "x.yaml:2:1"),
        (b"a: b: c", "x.yaml", "D102", "x.yaml:1:5"),
        (b'{"a": 1,}', "x.json", "D102", "x.json:1:9"),
        (b'{"a": "NaN",\n "b": NaN}', "x.json", "D102", "x.json:2:7"),
        (b'{"a": "1e999",\n "b": 1e999}', "x.json", "D102", "x.json:2:7"),
        (b'{"a": "\\ud800"}', "x.json", "D102", "x.json:1:7"),
        (b"--- a\n--- b", "x.yaml", "D105", "x.yaml:2:1"),
        (b"a: !!python/object:os.system x", "x.yaml", "D105", "x.yaml:1:4"),
        (b"a: !!binary aGk=", "x.yaml", "D105", "x.yaml:1:4"),
        (b"? [1]\n: 2", "x.yaml", "D105", "x.yaml:1:3"),
        (b"a: *b", "x.yaml", "D105", "x.yaml:1:4"),
        (b"a: &b [*b]", "x.yaml", "D105", "x.yaml:1:8"),
        (b"a: &b {<<: *b}", "x.yaml", "D105", "x.yaml:1:12"),
        (b"a: &b 1\n*b : 2", "x.yaml", "D105", "x.yaml:2:1"),
        (b"<<: 5", "x.yaml", "D105", "x.yaml:1:5"),
        (b'{"a": ' + b"9" * 5000 + b"}", "x.json", "D103", "x.json:1:1"),
    ],
)
def test_what_can_not_be_read_is_refused_where_it_stands(
    data: bytes, name: str, code: str, position: str
) -> None:
    defect = refused(data, name)
    assert (defect.code, str(defect.position)) == (code, position)


def test_an_escaped_backslash_begins_no_surrogate() -> None:
    text = r'{"a": "\\ud800", "b": "\ud83d\ude00"}'
    assert parse(text.encode(), "x.json").tree == {"a": r"\ud800", "b": "😀"}


def test_a_tab_is_named_as_the_cause() -> None:
    assert "spaces" in refused(b"a:\n\tb: 1").remedy


@pytest.mark.parametrize(
    "data",
    [
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b"a: " + b"[" * DEEP,
        b"- " * DEEP,
        b"{" * DEEP,
        b'{"a":' * DEEP,
        b"? " * DEEP,
        b"a: " + b"{a: " * DEEP,
        b"!!map " * DEEP,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    ],
    ids=lambda data: f"{data[:6]!r}",
)
@pytest.mark.parametrize("name", ["x.yaml", "x.json"])
def test_nesting_has_a_limit(data: bytes, name: str) -> None:
    assert refused(data, name).code in ("D102", "D103", "D105")


def test_nesting_up_to_the_limit_is_read() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    for name in ("x.yaml", "x.json"):
        assert parse(text.encode(), name).tree is not None
    assert parse(("- " * MAX_DEPTH + "a").encode(), "x.yaml").tree is not None


def test_bombs_of_aliases_and_merges_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    merges = ["a0: &a0 {k: x}"]
    merges += [
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 12)}], k{n}: *a{n - 1}}}"
        for n in range(1, 40)
    ]
    for text in ("\n".join(lines), "\n".join(merges)):
        began = time.process_time()
        assert refused(text.encode()).code == "D103"
        assert time.process_time() - began < 5


def test_a_text_larger_than_the_limit_is_not_read(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sparring.spec.text.source.MAX_BYTES", 1000)
    file = tmp_path / "large.yaml"
    file.write_bytes(b"#" * 1001)
    with pytest.raises(SparringError, match="D103"):
        load(file)
    with pytest.raises(SparringError, match="D103"):
        load(type(file)("/dev/zero"))


def test_a_file_that_is_none_says_so(tmp_path: Any) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(SparringError, match="D101"):
            load(path)


def test_a_repeated_key_is_a_warning_at_its_second_place() -> None:
    for text, name in (('{"a": 1,\n "a": 2}', "x.json"), ("a: 1\nb: 0\na: 2", "x.yaml")):
        source = parse(text.encode(), name)
        assert source.tree["a"] == 2
        (warning,) = source.warnings
        assert warning.code == "D104"
        assert warning.position is not None
        assert warning.position.line == text.count("\n") + 1


def test_a_hundred_thousand_repeated_keys_are_told_in_short() -> None:
    flat = "".join(f'"k{n % 50_000}": 1,\n' for n in range(100_000))
    for text, name in ((f'{{{flat}"a": 1}}', "x.json"), (f"{flat.replace(',', '')}", "x.yaml")):
        began = time.process_time()
        source = parse(text.encode(), name)
        assert len(source.tree) >= 50_000
        assert 0 < len(source.warnings) <= 100
        assert time.process_time() - began < 20


def test_a_merged_key_may_be_said_again() -> None:
    source = yaml("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\nc: {x: 4, <<: *a}\n")
    assert source.tree["b"] == {"x": 3, "y": 2}
    assert source.tree["c"] == {"x": 4, "y": 2}
    assert source.warnings == []
    assert source.position(("b", "x")).line == 4
    assert source.position(("b", "y")).line == 1
    inline = yaml("c: {<<: [{x: 1}, {x: 2, y: 2}], z: 3}\nd:\n  <<: {x: 5}\n")
    assert inline.tree == {"c": {"x": 1, "y": 2, "z": 3}, "d": {"x": 5}}
    twice = yaml("a: &a {x: 1}\nb:\n  <<: *a\n  x: 3\n  x: 4\n")
    assert [w.code for w in twice.warnings] == ["D104"]


def test_of_several_merged_mappings_the_first_wins() -> None:
    source = yaml("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}")
    assert source.tree["c"] == {"x": 1, "y": 2}
    assert yaml('"<<": 5').tree == {"<<": 5}, "in quotes it is a plain key"


TEXT = """\
openapi: 3.1.0
paths:
  /a:
    get: {operationId: x, tags: [one, two]}
  '/b~c':
    - first
    -   key: value
      # a comment
        "other": 5
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("openapi",), (1, 1)),
        (("paths", "/a"), (3, 3)),
        (("paths", "/a", "get", "tags"), (4, 27)),
        (("paths", "/a", "get", "tags", 1), (4, 39)),
        (("paths", "/a", "get", "tags", "1"), (4, 39)),
        (("paths", "/b~c", 1, "other"), (9, 9)),
        (("paths", "/b~c", 1, "missing", "deep"), (7, 9)),
        (("missing",), (1, 1)),
    ],
)
def test_yaml_nodes_have_positions(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    position = yaml(TEXT).position(path)
    assert (position.line, position.column) == place


def test_json_nodes_have_positions() -> None:
    text = '{\n "a": [1, {"b": "}"}, {"c\\"d": {"e": null}}],\n\t"f": "\\u0061"}'
    source = parse(text.encode(), "x.json")
    for path, place in (
        ((), (1, 1)),
        (("a",), (2, 2)),
        (("a", 0), (2, 8)),
        (("a", 1, "b"), (2, 12)),
        (("a", "2", 'c"d', "e"), (2, 33)),
        (("f",), (3, 2)),
        (("a", 9), (2, 2)),
        (("f", "deeper"), (3, 2)),
    ):
        position = source.position(path)
        assert (position.line, position.column) == place, path


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("ab/~ \n\"'", max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(JSON_VALUES.map(lambda value: [value]))
def test_json_is_read_as_it_was_written_and_every_node_is_found(value: Any) -> None:
    text = json.dumps(value, indent=1)
    source = parse(text.encode(), "x.json")
    assert source.tree == value
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(value, ())]
    while stack:
        node, path = stack.pop()
        position = source.position(path)
        line = text.split("\n")[position.line - 1][position.column - 1 :]
        written = json.dumps(path[-1] if path and isinstance(path[-1], str) else node)
        assert line.startswith(written[0])
        children = (
            node.items()
            if isinstance(node, dict)
            else enumerate(node)
            if isinstance(node, list)
            else ()
        )
        stack += [(child, (*path, key)) for key, child in children]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "1e400",
        '"\\ud800"',
        "9" * 5000,
        "[" * 9999,
        "[" * 201 + "]" * 201,
        "1 2",
        "\ufeff1",
    ],
    ids=lambda text: text[:9],
)
def test_json_of_the_wire_that_is_none_is_a_value_error(text: str) -> None:
    for given_text in (text, text.encode()):
        with pytest.raises(ValueError, match=r"."):
            decode_json(given_text)
    with pytest.raises(ValueError, match=r"."):
        decode_json(b"\xff")


def test_half_a_surrogate_pair_in_an_answer_is_read_as_a_replacement() -> None:
    text = rb'{"half": "\uD800x", "pair": "\ud83d\ude00", "none": "\\ud800", "two": "\udc00\ud800"}'
    found = decode_answer(text)
    assert found == {"half": "\ufffdx", "pair": "😀", "none": "\\ud800", "two": "\ufffd\ufffd"}
    assert decode_answer(text.decode()) == found
    for bad in (b'{"a": "\\ud800}', b'{"a": "\\ud800", "b": NaN}', b"\xed\xa0\x80"):
        with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
            decode_answer(bad)
