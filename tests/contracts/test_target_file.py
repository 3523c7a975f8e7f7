"""A target file: what it gives to requests, and every mistake of it in one run."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from tests.contracts.conftest import Zoo
from tests.contracts.test_command import told

from sparring.contracts.driving.bodies import Bodies
from sparring.contracts.driving.driver import User
from sparring.contracts.target.file import TargetFile, json_schema, read_target
from sparring.contracts.target.starter import starter
from sparring.contracts.target.target import Target
from sparring.contracts.world import World
from sparring.spec.errors import SparringError
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import BUNDLED, Document, load_document
from sparring.spec.text.source import parse

WHOLE = """
users:
  - key: $ONE
    headers: {X-Org: "org-$$-${ONE}"}
  - {key: bob-key}
auth: {header: X-API-Key}
parameters: {session_id: known}
bodies:
  session.create: {agent_id: $AGENT, metadata: {team: x}}
  POST /sessions: {agent_id: weather}
texts: [Good morning.]
media_types: [application/json]
wait: 3s
operations: ["!deleteSession"]
"""


def read(text: str, document: Document) -> TargetFile:
    return read_target(parse(text.encode(), "target.yaml"), document)


def mistakes(text: str, document: Document) -> list[tuple[str, int, int]]:
    with pytest.raises(SparringError) as caught:
        read(text, document)
    found = []
    for defect in caught.value.defects:
        assert defect.position is not None, defect
        assert defect.remedy or defect.code.startswith("S"), defect
        found.append((defect.code, defect.position.line, defect.position.column))
    return found


def test_everything_is_read(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "s3cret")
    monkeypatch.setenv("AGENT", "support")
    given = read(WHOLE, document)
    one, two = given.users
    assert one.key == "s3cret"
    assert one.headers == {"X-Org": "org-$-s3cret"}
    assert two.key == "bob-key"
    assert given.auth is not None
    assert (given.auth.place, given.auth.parameter) == ("header", "X-API-Key")
    assert given.wait == 3
    assert given.bodies["POST /sessions"] == {"agent_id": "weather"}


def test_every_mistake_has_its_place_and_a_remedy(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    text = """users:
  - key: $NOT_SET
  - key: 12
    name: bob
auth: digest
parameters: {sesion_id: x}
bodies:
  session.crate: {}
operations: ["!deleteSesion"]
media_types: [application/jsn]
waits: 3s
"""
    assert mistakes(text, document) == [
        ("C105", 2, 10),
        ("S102", 3, 10),
        ("S101", 4, 5),
        ("S103", 5, 7),
        ("C104", 6, 14),
        ("C104", 8, 3),
        ("C104", 9, 14),
        ("C104", 10, 15),
        ("S101", 11, 1),
    ]


def test_the_nearest_name_is_told(document: Document) -> None:
    for text, meant in (
        ("operations: [deleteSesion]", "deleteSession"),
        ("parameters: {sesion_id: 1}", "session_id"),
        ("bodies: {session.crate: {}}", "session.create"),
    ):
        with pytest.raises(SparringError, match=f'Did you mean "{meant}"'):
            read(text, document)


@pytest.mark.parametrize("text", ["[]", "users: []", "users: [{}, {}, {}]", "bodies: {x: 1}", "7"])
def test_what_is_no_target_file_is_refused(text: str, document: Document) -> None:
    assert mistakes(text, document)


def test_an_empty_file_says_nothing(document: Document) -> None:
    assert read("", document) == TargetFile()


def world_of(given: TargetFile, document: Document) -> World:
    return World(document, Target("http://h"), Bodies(document, 0, given), given=given)


def test_bodies_parameters_and_keys_reach_the_request(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE", "s3cret")
    monkeypatch.setenv("AGENT", "support")
    given = read(WHOLE, document)
    world = world_of(given, document)
    user = User(world, "s3cret", given.users[0])
    request = user.request(user.create_draft())
    assert b'"agent_id":"weather"' in request.body
    assert request.headers["X-Org"] == "org-$-s3cret"
    assert "X-Org" not in user.request(user.create_draft(), anonymous=True).headers
    assert "/known" in user.request(user.draft(world.need(Role.SESSION_GET))).url
    create = world.need(Role.SESSION_CREATE)
    assert world.bodies.rich(create)["agent_id"] == "weather"
    assert world.words("Hello.") == "Good morning."


def test_a_null_takes_out_and_the_rest_is_merged(document: Document) -> None:
    given = read("bodies: {session.create: {metadata: {a: 1, b: null}}}", document)
    create = next(iter(document.with_role(Role.SESSION_CREATE)))
    bodies = Bodies(document, 0, given)
    merged = bodies.merged(create, {"metadata": {"b": 2, "c": 3}, "agent_id": "x"})
    assert merged == {"metadata": {"a": 1, "c": 3}, "agent_id": "x"}


def test_the_json_schema_takes_what_the_grammar_takes() -> None:
    validator = Draft202012Validator(json_schema())
    assert validator.is_valid(parse(WHOLE.encode(), "t.yaml").tree)
    assert not validator.is_valid({"user": []})
    assert not validator.is_valid({"users": [{}, {}, {}]})


@pytest.mark.parametrize("spec", BUNDLED)
def test_the_starter_reads_without_a_mistake_commented_or_not(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARRING_KEY", "a")
    monkeypatch.setenv("SPARRING_OTHER_KEY", "b")
    document = load_document(spec)
    text = starter(document)
    assert read(text, document).users[1].key == "b"
    keys = ("auth", "parameters", "bodies", "texts", "wait", "operations", "  ")
    lines = [
        line[2:] if line.startswith(tuple(f"# {key}" for key in keys)) else line
        for line in text.splitlines()
    ]
    assert read("\n".join(lines), document).texts


def test_a_starter_is_written_once(tmp_path: Path) -> None:
    file = tmp_path / "target.yaml"
    assert told(url="", write_target=file)[0] == 0
    code, text = told(url="", write_target=file)
    assert code == 2
    assert "is there already" in text


def test_the_file_comes_before_flags_and_environment(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARRING_KEY", "nobody's key")
    file = tmp_path / "target.yaml"
    file.write_text("users: [{key: alice-key}, {key: bob-key}]\n")
    arguments: dict[str, Any] = {"url": zoo(), "suites": ["races"], "target": file}
    assert told(**arguments)[0] == 0
    file.write_text("users: [{kee: alice-key}]\n")
    code, text = told(**arguments)
    assert code == 2
    assert "target.yaml:1:10 S101" in text
    assert 'Did you mean "key"?' in text
