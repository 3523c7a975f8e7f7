"""Documents: the bundled ones keep their own rules, broken ones are refused with a position."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparring.mockserver.app import create_app
from sparring.spec import pointers
from sparring.spec.errors import SparringError
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import BUNDLED, Document, compile_document, load_document
from sparring.spec.openapi.references import bundle
from sparring.spec.openapi.schemas import View
from sparring.spec.text.source import parse

ROOT = Path(__file__).resolve().parents[3]
PAGE = {"style": "offset", "in": "not_declared"}
LEAST = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}


@pytest.fixture(scope="module", params=BUNDLED)
def document(request: pytest.FixtureRequest) -> Document:
    return load_document(request.param)


def compiled(tree: dict[str, Any], name: str = "x.json") -> Document:
    source = parse(json.dumps(LEAST | tree, indent=1).encode(), name)
    bundle(source, Path(name))
    return compile_document(source)


def defects(tree: dict[str, Any]) -> list[str]:
    with pytest.raises(SparringError) as caught:
        create_app(compiled(tree))
    return [defect.code for defect in caught.value.defects]


def operation(**parts: Any) -> dict[str, Any]:
    return {"paths": {"/a/{id}": {"get": {"responses": {"200": {"description": "ok"}}, **parts}}}}


def test_a_bundled_document_has_no_warning_and_is_served(document: Document) -> None:
    assert document.warnings == ()
    assert create_app(document).document is document


def test_every_example_is_valid_against_its_own_schema(document: Document) -> None:
    checked = 0
    stack: list[tuple[Any, tuple[str, ...]]] = [(document.source.tree, ())]
    while stack:
        node, path = stack.pop()
        if not isinstance(node, (dict, list)):
            continue
        members = node.items() if isinstance(node, dict) else enumerate(node)
        stack += [(value, (*path, str(key))) for key, value in members if key != "x-session-model"]
        if not isinstance(node, dict) or path[-1:] == ("properties",):
            continue
        view = View.REQUEST if {"requestBody", "parameters"} & set(path) else View.RESPONSE
        beside = (*path, "schema") if "schema" in node else path
        shown = [node["example"]] if "example" in node else []
        listed = node.get("examples", [])
        shown += [e["value"] for e in listed.values()] if isinstance(listed, dict) else listed
        if isinstance(node.get("content"), dict):
            continue
        for value in shown:
            violations = document.schemas.at(beside, view).violations(value)
            assert violations == [], pointers.join(path)
            checked += 1
    assert checked > 20


def test_every_operation_declares_the_errors_that_it_can_answer(document: Document) -> None:
    refusals = {"401", "403"}
    for o in document.operations:
        assert refusals & set(o.responses) or not o.security, o.label
        missing_is = "400" if not o.promises.holds("session.missing") else "404"
        wanted = {missing_is} if "{" in o.path else set()
        wanted |= {"422"} if o.parameters or o.body else set()
        wanted |= {"400", "413", "415"} if o.body else set()
        assert wanted <= set(o.responses), o.label
        for status, response in o.responses.items():
            assert response.content or status == "204", (o.label, status)


def test_every_role_of_sessions_and_their_talk_is_in_the_canonical_document() -> None:
    document = load_document("sessions")
    absent = {role.value for role in Role if not document.with_role(role)}
    single = {f"message.{verb}" for verb in ("get", "update", "delete")}
    assert {role for role in absent if not role.startswith("run.")} == single
    assert [o.id for o in document.with_role(Role.MESSAGE_CREATE)] == ["chat", "createEvent"]


@pytest.mark.parametrize("node", ["x-session", "x-session-model", "x-session-promises"])
def test_an_unknown_key_is_an_error_with_its_line_and_column(tmp_path: Path, node: str) -> None:
    lines = (ROOT / "spec" / "sessions.yaml").read_text().split("\n")
    at = next(n for n, line in enumerate(lines) if line.strip() == f"{node}:")
    indent = len(lines[at + 1]) - len(lines[at + 1].lstrip())
    lines.insert(at + 1, f"{' ' * indent}misspelt.key: {{}}")
    file = tmp_path / "document.yaml"
    file.write_text("\n".join(lines))
    with pytest.raises(SparringError) as caught:
        load_document(str(file))
    assert f"{file}:{at + 2}:{indent + 1} D140" in str(caught.value)


def test_a_misspelt_key_is_told_with_the_nearest_one() -> None:
    block = {"x-session": {"rol": "session.get", "role": "session.get"}}
    with pytest.raises(SparringError, match='Did you mean "role"'):
        compiled(operation(**block))


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        ({"paths": None}, "D110"),
        (operation(**{"x-session": {"role": ["session.get"]}}), "D140"),
        (operation(**{"x-session": {"role": "session.fly"}}), "D140"),
        (operation(**{"x-session": {"role": "session.get", "id": "no/slash"}}), "D140"),
        (operation(**{"x-session": {"role": "session.get", "session": "$response.x"}}), "D140"),
        (operation(**{"x-session": {"role": "session.act", "body": {"a": "$turn.x"}}}), "D141"),
        (operation(**{"x-session": {"role": "session.list", "page": PAGE}}), "D142"),
        (operation(**{"x-session-promises": {"list.ordr": {}}}), "D140"),
        (operation(**{"x-session-promises": {"list.order": {"bye": "x"}}}), "D140"),
        (operation(**{"x-session-promises": {"list.order": {"by": 5}}}), "D140"),
        ({"x-session-model": {"events": {"chunk": {"data": "$chunk.txt"}}}}, "D141"),
        ({"x-session-model": {"turn": ["reply", "replay"]}}, "D140"),
    ],
)  # fmt: skip
def test_a_broken_annotation_is_refused_with_a_code(tree: dict[str, Any], code: str) -> None:
    assert defects(tree) == [code]


def test_all_that_is_wrong_is_told_in_one_run() -> None:
    tree = {
        "x-session-promises": {"nothing": None},
        "x-session-model": {"nothing": 1},
        "paths": {"/a": {"get": {"x-session": {"role": "x"}}}},
    }
    assert sorted(defects(tree)) == ["D140", "D140", "D140"]


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://x/api", "/api"),
        ("http://x/api/", "/api"),
        ("http://x", ""),
        ("/v1", "/v1"),
        ("http://[::1/broken", ""),
        ("https://{host}/v1", "/v1"),
        ("https://x/{version}", ""),
        ("{root}/v1", ""),
        ("v1/", "/v1"),
        ("./", ""),
        ("api.example:8080/v1", "/v1"),
        ("https://x/{known}", "/v2"),
        (None, ""),
    ],
)
def test_the_base_path_is_that_of_the_first_server(url: str | None, base: str) -> None:
    variables = {"known": {"default": "v2"}}
    document = compiled({"servers": [{"url": url, "variables": variables}], **operation()})
    assert (document.base_path, document.operations[0].path) == (base, f"{base}/a/{{id}}")


def test_what_stands_beside_a_reference_counts() -> None:
    schema = {"$ref": "#/components/schemas/A", "default": 5, "example": 6}
    tree = operation(parameters=[{"name": "id", "in": "path", "schema": schema}])
    tree["components"] = {"schemas": {"A": {"type": "integer", "default": 1, "title": "A"}}}
    document = compiled(tree)
    found = document.schema(document.operations[0].parameters[0].schema)
    assert found == {"type": "integer", "default": 5, "example": 6, "title": "A"}


JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    "",
    "x",
    "/",
    "*",
    "$turn.id",
    "http://[",
    "/-1/*",
    [],
    [None],
]
JUNK += [["a"], {}, {"a": None}, {"$ref": "#/nope"}, {"$ref": 5}, {"type": "object"}]
JUNK += [{"$ref": "#/components/schemas/Session"}, "$request.body#/a"]


@pytest.mark.parametrize("name", BUNDLED)
def test_a_document_that_was_mangled_is_served_or_refused_never_a_crash(name: str) -> None:
    whole = load_document(name).source.tree
    paths: list[tuple[Any, ...]] = []
    stack: list[tuple[Any, tuple[Any, ...]]] = [(whole, ())]
    while stack:
        node, path = stack.pop()
        keys = (
            list(node)
            if isinstance(node, dict)
            else range(len(node) if isinstance(node, list) else 0)
        )
        paths += [(*path, key) for key in keys]
        stack += [(node[key], (*path, key)) for key in keys]
    chance, served = random.Random(name), 0
    for _ in range(60):
        tree = copy.deepcopy(whole)
        *parents, last = path = chance.choice(paths)
        node = tree
        for key in parents:
            node = node[key]
        if chance.random() < 0.25:
            del node[last]
        else:
            node[last] = chance.choice(JUNK)
        try:
            document = compiled(tree)
            create_app(document)
            told = document.check()
            served += 1
        except SparringError as error:
            told = error.defects
        assert all(defect.position for defect in told), path
    assert 10 < served < 60


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_document_is_yaml_for_every_reader(name: str) -> None:
    text = (ROOT / "spec" / f"{name}.yaml").read_text("utf-8")
    assert yaml.safe_load(text)["openapi"].startswith("3.")
