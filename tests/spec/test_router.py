"""The router: concrete before templated, values decoded once."""

import pytest

from sparring.spec.router import Router


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
    methods, _, found = router.find(path)
    assert methods.get("GET") == (f"GET {target}" if target else None)
    assert found == values


def test_the_names_of_the_parameters_are_those_of_the_method(router: Router[str]) -> None:
    _, names, _ = router.find("/sessions/x")
    assert names == {"GET": ("id",), "PUT": ("session_id",)}


def test_of_two_templates_of_one_path_the_first_wins() -> None:
    router: Router[str] = Router()
    router.add("GET", "/a/{x}", "first")
    router.add("GET", "/a/{y}", "second")
    assert router.find("/a/1")[0] == {"GET": "first"}
    assert router.find("/a/1")[1] == {"GET": ("x",)}
