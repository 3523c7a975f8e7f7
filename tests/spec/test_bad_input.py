"""Documents that were written to do harm: each is a message or a fast normal answer."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sparring.mockserver.app import create_app
from sparring.spec.errors import SparringError
from sparring.spec.openapi.document import Document, load_document
from sparring.spec.openapi.schemas import View

DEEP = 100_000
SECRET = "the-secret-of-another-file"
HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"
GET = "paths:\n  /a:\n    get:\n      responses: {'200': {description: ok}}\n"
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "outside.yaml").write_text(f"{SECRET}: [")
    (tmp_path / "home").mkdir()

    def make(text: str) -> Path:
        file = tmp_path / "home" / "document.yaml"
        file.write_text(text)
        return file

    return make


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < 10


def loaded(file: Path) -> Document:
    document = load_document(str(file))
    create_app(document)
    assert SECRET not in "".join(map(str, document.check()))
    return document


def refused(file: Path) -> str:
    with pytest.raises(SparringError) as caught:
        load_document(str(file))
    assert SECRET not in str(caught.value)
    assert len(str(caught.value)) < 2000
    return str(caught.value)


@pytest.mark.parametrize(
    "reference",
    ["../outside.yaml", "link.yaml", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:9/x"],
)
def test_nothing_outside_the_folder_is_read_or_shown(
    write: Write, tmp_path: Path, reference: str
) -> None:
    file = write(f"{HEAD}{GET}components: {{schemas: {{A: {{$ref: '{reference}'}}}}}}\n")
    (tmp_path / "home" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    assert [w.code for w in loaded(file).warnings] == ["D121"]


@pytest.mark.parametrize("where", ["components: {schemas: {A: ", "x-anything: ", "paths: "])
@pytest.mark.parametrize("kind", ["[", "{a: ", "- "])
def test_a_hundred_thousand_levels_are_refused(write: Write, where: str, kind: str) -> None:
    assert ":3:" in refused(write(HEAD + where + kind * DEEP))


def test_a_hundred_thousand_levels_of_json_are_refused(write: Write) -> None:
    for kind in ('{"a":', "["):
        assert "D10" in refused(write('{"openapi": "3.1.0", "paths": ' + kind * DEEP))


def test_bombs_are_refused(write: Write) -> None:
    aliases = ["x-a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    aliases += [f"x-a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    assert "D103" in refused(write(HEAD + GET + "\n".join(aliases)))


CYCLES = ("schemas", "parameters", "responses", "pathItems")


@pytest.mark.parametrize("kind", CYCLES)
def test_references_in_a_circle_are_warnings(write: Write, kind: str) -> None:
    uses = {
        "schemas": "parameters: [{name: x, in: query, schema: {$ref: '#/components/schemas/A'}}]",
        "parameters": "parameters: [{$ref: '#/components/parameters/A'}]",
        "responses": "responses: {'200': {$ref: '#/components/responses/A'}}",
        "pathItems": "responses: {'200': {description: ok}}",
    }
    item = "$ref: '#/components/pathItems/A'" if kind == "pathItems" else f"get: {{{uses[kind]}}}"
    to = f"$ref: '#/components/{kind}/"
    parts = f"{{A: {{{to}B'}}, B: {{{to}A'}}}}"
    file = write(f"{HEAD}paths:\n  /a: {{{item}}}\ncomponents: {{{kind}: {parts}}}\n")
    document = loaded(file)
    assert "D120" in {w.code for w in document.warnings}
    assert all("circle" in w.message for w in document.warnings if w.code == "D120")


ENDLESS = {
    "allOf": {"allOf": [{"$ref": "#/components/schemas/A"}, {"type": "object"}]},
    "anyOf": {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]},
    "items": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/A"}},
    "required": {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"$ref": "#/components/schemas/A"}},
    },
    "not": {"not": {"$ref": "#/components/schemas/A"}},
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_schema_that_contains_itself_is_answered(
    write: Write, serve: Callable[..., Any], kind: str
) -> None:
    schema = {"$ref": "#/components/schemas/A"}
    answer = {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}
    parameter = {"name": "x", "in": "query", "schema": schema}
    body = {"content": {"application/json": {"schema": schema}}}
    tree = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/a": {
                "get": {"parameters": [parameter], "responses": answer},
                "put": {"requestBody": body, "responses": answer},
            }
        },
        "components": {"schemas": {"A": ENDLESS[kind]}},
    }
    server = serve(write(json.dumps(tree)))
    with httpx2.Client(base_url=server.url, timeout=20) as client:
        assert client.get("/a?x=1").status_code in (200, 422, 501)
        assert client.get("/a").status_code in (200, 422, 501)
        assert client.put("/a", json={"a": [[]]}).status_code in (200, 422, 501)
    assert "Traceback" not in server.stop()


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|aa)+$", "^(?=a)(a+)+$", r"^(a|aa)+\1$"])
def test_a_pattern_that_backtracks_is_answered_at_once(
    write: Write, serve: Callable[..., Any], pattern: str
) -> None:
    parameter = f"{{name: x, in: query, schema: {{type: string, pattern: '{pattern}'}}}}"
    server = serve(write(f"{HEAD}{GET}      parameters: [{parameter}]\n"))
    began = time.monotonic()
    answer = httpx2.get(f"{server.url}/a", params={"x": "a" * 5000 + "!"}, timeout=20)
    assert answer.status_code in (422, 501)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "D110"),
        (b"\n\n# nothing\n", "D110"),
        (b"just a text", "D110"),
        (b"[1, 2]", "D110"),
        (b"\x00\x01\x02\xff", "D102"),
        (b"\x7fELF\x02\x01\x01\x00", "D102"),
        (b"\x89PNG\r\n\x1a\n", "D102"),
        ("openapi: 3.1.0".encode("utf-16"), "D102"),
        (b"openapi: 3.1.0\ninfo: {title: \xe9}", "D102"),
        (b'{"openapi": "3.1.0", "paths": {}, "x": NaN}', "D102"),
        (b'{"openapi": "3.1.0", "paths": {}, "x": 1e999}', "D102"),
        (b'{"openapi": "3.1.0", "paths": {}, "x": ' + b"9" * 5000 + b"}", "D103"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_no_document_says_so(tmp_path: Path, data: bytes, code: str) -> None:
    for name in ("document.json", "document.yaml"):
        file = tmp_path / name
        file.write_bytes(data)
        if name == "document.yaml" and (b"NaN" in data or b"1e999" in data or b"999" in data):
            continue  # in YAML that is a text
        assert f"{file}" in refused(file)
        assert code in refused(file) or name == "document.json"


@pytest.mark.parametrize(
    "name", [".", "missing.yaml", "missing", "a\x00b", "a\x00.yaml", "x" * 5000]
)
def test_a_path_that_leads_to_no_file_says_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(SparringError, match="D101"):
        load_document(f"{tmp_path}/{name}")


def test_a_number_that_is_too_large_for_a_float_is_kept_or_refused(write: Write) -> None:
    document = loaded(write(f"{HEAD}{GET}x-large: {'9' * 300}\nx-more: 1e400\nx-nan: .nan\n"))
    assert document.source.tree["x-large"] == int("9" * 300)
    assert document.source.tree["x-nan"] == ".nan"


def test_a_key_that_stands_twice_is_a_warning_in_a_document_of_others(write: Write) -> None:
    document = loaded(write(HEAD + GET + GET.replace("/a", "/b")))
    assert [w.code for w in document.warnings] == ["D104"]
    assert [o.path for o in document.operations] == ["/b"]


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_a_chain_that_refers_twice_to_the_next_is_cut(write: Write, keyword: str) -> None:
    def link(number: int) -> Any:
        further = {"$ref": f"#/components/schemas/S{number + 1}"}
        return {keyword: [further, {"type": "object", "allOf": [further]}]}

    schemas = {f"S{number}": link(number) for number in range(40)}
    schemas["S40"] = {"type": "object", "properties": {"id": {"type": "string"}}}
    schemas["Whole"] = {"required": ["a"], "properties": {"a": {"$ref": "#/components/schemas/S0"}}}
    schemas["Short"] = {"$ref": "#/components/schemas/S36"}
    components = json.dumps({"schemas": schemas})
    document = loaded(write(f"{HEAD}{GET}components: {components}\n"))
    whole = document.schemas.at(("components", "schemas", "Whole"), View.RESPONSE)
    assert [w.code for w in document.warnings] == ["D130"] * len(document.warnings) != []
    assert "its branches are ignored" in document.warnings[0].message
    assert whole.is_valid({"a": {"id": "x"}})
    assert list(whole.violations({"a": {"id": 1}})) == []
    assert [v.keyword for v in whole.violations({})] == ["required"]
    if keyword != "oneOf":  # which nothing can be when both sides say the same
        short = document.schemas.at(("components", "schemas", "Short"), View.RESPONSE)
        assert short.is_valid({"id": "x"})
        assert not short.is_valid({"id": 1})
