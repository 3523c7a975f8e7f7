"""The router: concrete before templated, values decoded once."""

import sys

import pytest

from sparring.spec.openapi.router import Router, parameter_names


@pytest.fixture(scope="module")
def router() -> Router[str]:
    made: Router[str] = Router()
    for method, path in (
        ("GET", "/"),
        ("GET", "/sessions"),
        ("GET", "/sessions/active"),
        ("GET", "/sessions/{id}"),
        ("PUT", "/sessions/{session_id}"),
        ("GET", "/sessions/{id}/history"),
        ("GET", "/sessions/active/history/{n}"),
        ("GET", "/files/{name}:copy"),
        ("GET", "/files/{name}.{ext}"),
        ("GET", "/files/{name}"),
        ("GET", "/a b/{x}"),
        ("GET", "/trailing/"),
        ("GET", "/deep/{a}/{b}/c"),
        ("GET", "/deep/{a}/x/d"),
    ):
        made.add(method, path, f"{method} {path}")
    return made


@pytest.mark.parametrize(
    ("path", "target", "values"),
    [
        ("/", "/", ()),
        ("/sessions", "/sessions", ()),
        ("/sessions/", "/sessions", ()),
        ("/sessions/active", "/sessions/active", ()),
        ("/sessions/activ", "/sessions/{id}", ("activ",)),
        ("/sessions/%61ctive", "/sessions/active", ()),
        ("/sess%69ons", "/sessions", ()),
        ("/sessions/a%2Fb", "/sessions/{id}", ("a/b",)),
        ("/sessions/a%252Fb", "/sessions/{id}", ("a%2Fb",)),
        ("/sessions/caf%C3%A9", "/sessions/{id}", ("café",)),
        ("/sessions/a+b", "/sessions/{id}", ("a+b",)),
        ("/sessions/active/history", "/sessions/{id}/history", ("active",)),
        ("/sessions/active/history/5", "/sessions/active/history/{n}", ("5",)),
        ("/files/a:copy", "/files/{name}:copy", ("a",)),
        ("/files/a%3Acopy", "/files/{name}:copy", ("a",)),
        ("/files/a.b.txt", "/files/{name}.{ext}", ("a.b", "txt")),
        ("/files/a", "/files/{name}", ("a",)),
        ("/a%20b/1", "/a b/{x}", ("1",)),
        ("/trailing", "/trailing/", ()),
        ("/deep/1/x/d", "/deep/{a}/x/d", ("1",)),
        ("/deep/1/x/c", "/deep/{a}/{b}/c", ("1", "x")),
        ("/session", None, ()),
        ("/sessions//history", None, ()),
        ("/sessions/a/b", None, ()),
        ("/SESSIONS", None, ()),
    ],
)
def test_a_path_finds_its_operation(
    router: Router[str], path: str, target: str | None, values: tuple[str, ...]
) -> None:
    methods, found = router.find(path)
    assert methods.get("GET") == (f"GET {target}" if target else None)
    assert found == values


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("/a/{x}/{y}", ("x", "y")),
        ("/a/{x}:verb/{y}.{z}", ("x", "y", "z")),
        ("/a/{+x}/{y*}/{z:path}", ("x", "y", "z")),
    ],
)
def test_parameters_are_named_by_the_template(template: str, names: tuple[str, ...]) -> None:
    assert parameter_names(template) == names


def test_of_two_templates_of_one_path_the_first_wins() -> None:
    router: Router[str] = Router()
    assert router.add("GET", "/a/{x}", "first") == "first"
    assert router.add("GET", "/a/{y}", "second") == "first"
    assert router.find("/a/1") == ({"GET": "first"}, ("1",))


@pytest.mark.parametrize("rest", ["{+rest}", "{rest*}", "{rest+}", "{rest:path}"])
def test_a_parameter_may_go_on_over_slashes(rest: str) -> None:
    router: Router[str] = Router()
    router.add("GET", f"/files/{rest}", "any")
    router.add("GET", f"/files/{rest}/meta", "meta")
    router.add("GET", "/files/one", "one")
    assert router.find("/files/a/b%2Fc") == ({"GET": "any"}, ("a/b/c",))
    assert router.find("/files/a/b/meta") == ({"GET": "meta"}, ("a/b",))
    assert router.find("/files/one") == ({"GET": "one"}, ())
    assert router.find("/files")[0] == {}


def test_the_cost_of_a_request_does_not_grow_with_the_document() -> None:
    def steps(router: Router[str]) -> int:
        seen = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal seen
            seen += event == "call"

        sys.setprofile(count)
        try:
            assert router.find("/r7/x/parts/y")[0]
        finally:
            sys.setprofile(None)
        return seen

    def made(size: int) -> Router[str]:
        router: Router[str] = Router()
        for number in range(size):
            router.add("GET", f"/r{number}/{{id}}/parts/{{part}}", "x")
        return router

    small, large = made(10), made(2000)  # a finalizer may run in between, but not each time
    assert min(steps(small) for _ in range(5)) == min(steps(large) for _ in range(5))
