"""The parts of the room `contracts`, each for itself."""

import re
from pathlib import Path
from typing import Any

import pytest

from sparring.contracts.checks import checks, same
from sparring.contracts.conformance.conformance import tried
from sparring.contracts.driving.attributes import names_another
from sparring.contracts.driving.bodies import Bodies
from sparring.contracts.driving.driver import User
from sparring.contracts.driving.negatives import negatives
from sparring.contracts.driving.requests import request_fits
from sparring.contracts.findings.report import causes
from sparring.contracts.replaying.replay import PROMISE as EXPECTATION
from sparring.contracts.scenarios.updates import merge
from sparring.contracts.target.target import Target
from sparring.contracts.world import World
from sparring.spec.exchange import Request
from sparring.spec.finding import Finding, Severity
from sparring.spec.meaning.binding import Role
from sparring.spec.meaning.promises import REGISTRY
from sparring.spec.openapi.document import Document, compile_document, load_document
from sparring.spec.openapi.schemas import View
from sparring.spec.openapi.security import SecurityScheme, credentials
from sparring.spec.text.source import Source

ROOM = Path(__file__).parents[2] / "contracts"
ANSWERED = {
    "error.status",
    "response.answered",
    "response.headers",
    "response.media_type",
    "response.schema",
    "response.status",
}


@pytest.mark.parametrize(
    ("url", "base", "wanted"),
    [
        ("http://h:1", "", "http://h:1/sessions"),
        ("http://h:1/", "", "http://h:1/sessions"),
        ("http://h:1", "/api", "http://h:1/api/sessions"),
        ("http://h:1/api", "/api", "http://h:1/api/sessions"),
        ("http://h:1/api/", "/api", "http://h:1/api/sessions"),
        ("http://h:1/proxy/api", "/api", "http://h:1/proxy/api/sessions"),
        ("http://h:1/proxy", "/api", "http://h:1/proxy/api/sessions"),
        ("h:1", "", "http://h:1/sessions"),
    ],
)
def test_the_base_path_is_never_doubled(url: str, base: str, wanted: str) -> None:
    target = Target(url, base_path=base)
    assert target.url(f"{base}/sessions") == wanted


@pytest.mark.parametrize(
    ("scheme", "headers", "query"),
    [
        (SecurityScheme("a", "bearer"), {"Authorization": "Bearer k"}, []),
        (SecurityScheme("a", "basic"), {"Authorization": "Basic azo="}, []),
        (SecurityScheme("a", "apiKey", "header", "X-Key"), {"X-Key": "k"}, []),
        (SecurityScheme("a", "apiKey", "query", "key"), {}, [("key", "k")]),
        (SecurityScheme("a", "apiKey", "cookie", "key"), {"Cookie": "key=k"}, []),
    ],
)
def test_a_key_travels_as_its_scheme_says(
    scheme: SecurityScheme, headers: dict[str, str], query: list[tuple[str, str]]
) -> None:
    assert credentials([scheme], "k") == (headers, query)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (None, False, False),
        ([1, {"a": None}], [1, {"a": None}], True),
        ([True], [1], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
    ],
)
def test_json_values_are_compared_with_their_types(left: Any, right: Any, equal: bool) -> None:
    assert same(left, right) is equal


THREADS = Path(__file__).resolve().parents[1] / "threads" / "openapi.yaml"


def test_a_merge_patch_is_that_of_the_rfc() -> None:
    target = {"a": "b", "c": {"d": "e", "f": "g"}}
    assert merge(target, {"a": "z", "c": {"f": None}}) == {"a": "z", "c": {"d": "e"}}
    assert merge({"a": [1]}, {"a": {"b": None, "c": 1}}) == {"a": {"c": 1}}


@pytest.mark.parametrize("name", ["sessions", "julep"])
def test_every_negative_breaks_its_schema_and_every_body_fits(name: str) -> None:
    document = load_document(name)
    bodies = Bodies(document)
    seen = set()
    for operation in document.operations:
        media = bodies.media(operation)
        if media is None or media.schema is None or operation.binding is None:
            continue
        body = bodies.rich(operation)
        if operation.binding.role is Role.MESSAGE_CREATE:
            body = bodies.message(operation, ["Hello."]) or {}
        validator = document.schemas.at(media.schema, View.REQUEST)
        assert validator.is_valid(body), operation.label
        assert validator.is_valid(bodies.least(operation)), operation.label
        for negative in negatives(document, media.schema, body):
            assert not validator.is_valid(negative.value), negative
            seen.add(negative.kind)
    assert {"a missing required member", "a wrong type"} <= seen


def test_every_promise_has_a_check(document: Document) -> None:
    with_runs = load_document(str(THREADS))
    checked = {check.promise for found in (document, with_runs) for check in checks(found)}
    assert checked | ANSWERED | {EXPECTATION} == set(REGISTRY)


def test_a_withdrawn_promise_is_not_checked() -> None:
    found = [c for c in checks(load_document("julep")) if c.promise == "time.updated"]
    assert found
    assert all(not check.runs and "withdrawn" in check.reason for check in found)


def test_ids_of_checks_are_unique(document: Document) -> None:
    ids = [check.id for check in checks(document)]
    assert len(set(ids)) == len(ids)


def test_subscriptions_are_not_let_at_schemathesis(document: Document) -> None:
    roles = {o.binding.role for o in tried(document) if o.binding}
    assert Role.MESSAGE_SUBSCRIBE not in roles
    assert Role.SESSION_CREATE in roles


def test_requests_of_the_driver_fit_the_document(document: Document) -> None:
    world = World(document, Target("http://h"), Bodies(document))
    user = User(world, "key")
    for operation in document.operations:
        draft = user.draft(operation, "zv3h4j5Fjv")
        if world.bodies.media(operation):
            draft.body = world.bodies.rich(operation)
        assert request_fits(document, operation, user.request(draft)), operation.label


def test_a_request_outside_the_document_does_not_fit(document: Document) -> None:
    operation = next(o for o in document.operations if o.id == "replaceSession")
    url, json = "http://h/sessions/zv3h4j5Fjv", {"Content-Type": "application/json"}
    assert request_fits(document, operation, Request("PUT", url, json, b"{}"))
    assert not request_fits(document, operation, Request("PUT", f"{url}!", json, b"{}"))
    assert not request_fits(document, operation, Request("PUT", url, json, b'{"x": 1}'))
    stale = {**json, "If-Match": "0"}
    assert not request_fits(document, operation, Request("PUT", url, stale, b"{}"))


@pytest.mark.parametrize(
    ("style", "query", "fits"),
    [
        ("deepObject", "at[since]=5&at[kind]=a", True),
        ("deepObject", "at[since]=5&other=1", True),
        ("deepObject", "at[kind]=a", False),
        ("deepObject", "at[since]=soon", False),
        ("deepObject", "", False),
        ("form", "since=5&kind=a", True),
        ("form", "since=5&limit=many", False),
        ("form", "kind=a", False),
    ],
)
def test_an_object_that_travels_under_several_names_is_judged_whole(
    style: str, query: str, fits: bool
) -> None:
    at = {
        "type": "object",
        "required": ["since"],
        "properties": {"since": {"type": "integer"}, "kind": {"type": "string"}},
    }
    parameters = [
        {"name": "at", "in": "query", "required": True, "style": style, "schema": at},
        {"name": "limit", "in": "query", "schema": {"type": "integer"}},
    ]
    get = {"parameters": parameters, "responses": {"200": {"description": "Found."}}}
    tree = {"openapi": "3.1.0", "paths": {"/a": {"get": get}}}
    document = compile_document(Source("", "", tree, {}))
    request = Request("GET", f"http://h/a?{query}")
    assert request_fits(document, document.operations[0], request) is fits


def test_causes_are_grouped_and_the_worst_comes_first() -> None:
    def finding(promise: str, operation: str, severity: Severity) -> Finding:
        return Finding(promise, operation, "m", "expected", "s", "promises", severity=severity)

    found = causes(
        [
            finding("input.refused", "GET /a", Severity.MINOR),
            finding("auth.required", "GET /a", Severity.CRITICAL),
            finding("auth.required", "GET /b", Severity.CRITICAL),
        ]
    )
    assert [cause.finding.promise for cause in found] == ["auth.required", "input.refused"]
    assert found[0].operations == ("GET /a", "GET /b")


def test_no_path_of_a_document_stands_in_the_code() -> None:
    paths = re.compile(r"""["']/(?!-1|\*)[a-z_]+""")
    fields = re.compile(r"""["'](chat|metadata|turn_id|message_id|created_at)["']""")
    for file in ROOM.rglob("*.py"):
        code = re.sub(r'"""(?s:.*?)"""', "", file.read_text())
        lines = [line for line in code.splitlines() if paths.search(line) or fields.search(line)]
        assert lines == [], file.name


@pytest.mark.parametrize("name", ["assistant_id", "fileIds", "model", "user-id", "parentId"])
def test_what_a_target_may_not_have_is_known_by_its_name(name: str) -> None:
    assert names_another(name)


@pytest.mark.parametrize("name", ["title", "idea", "external_id", "id", "client_id", "paid", ""])
def test_what_any_target_takes_names_nothing(name: str) -> None:
    assert not names_another(name)
