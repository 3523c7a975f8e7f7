"""Overlays: what an author adds, with positions in the overlay, and mistakes told at once."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sparring.spec.errors import SparringError
from sparring.spec.openapi import overlay
from sparring.spec.openapi.document import load_document
from sparring.spec.text.source import Source, load, parse

ROOT = Path(__file__).resolve().parents[3]


def source(tree: Any, name: str = "document.json") -> Source:
    return parse(json.dumps(tree).encode(), name)


def applied(tree: Any, *actions: dict[str, Any]) -> Any:
    document = source(tree)
    overlay.apply(document, source({"overlay": "1.0.0", "actions": actions}, "overlay.json"))
    return document.tree


def test_an_update_is_merged_and_arrays_are_appended() -> None:
    tree = {"a": {"b": 1, "c": {"d": [1]}}, "l": [1]}
    done = applied(
        tree,
        {"target": "$.a", "update": {"b": 2, "c": {"e": 3, "d": [2]}}},
        {"target": "$.l", "update": {"x": 1}},
    )
    assert done["a"]["b"] == 2
    assert done["a"]["c"] == {"d": [1, 2], "e": 3}
    assert done["l"] == [1, {"x": 1}]


def test_a_list_gets_the_items_of_a_list_and_a_plain_value_is_replaced() -> None:
    tree = {"l": [1], "s": "old", "n": None, "items": ["a", "b"]}
    done = applied(
        tree,
        {"target": "$.l", "update": [2, [3]]},
        {"target": "$.s", "update": "new"},
        {"target": "$.n", "update": 5},
        {"target": "$.items[1]", "update": "c"},
    )
    assert done == {"l": [1, 2, [3]], "s": "new", "n": 5, "items": ["a", "c"]}


@pytest.mark.parametrize(
    ("target", "value"),
    [("$", 5), ("$", []), ("$.o", "x"), ("$.o", [1]), ("$.s", {}), ("$.s", []), ("$", {"o": 1})],
)
def test_what_can_not_be_merged_is_an_error_where_the_overlay_says_it(
    target: str, value: Any
) -> None:
    document = source({"o": {"a": 1}, "s": "text", "l": []})
    actions = [{"target": target, "update": value}]
    with pytest.raises(SparringError) as caught:
        overlay.apply(document, source({"overlay": "1.1.0", "actions": actions}, "overlay.json"))
    (defect,) = caught.value.defects
    assert str(defect).startswith("overlay.json:1:")
    assert defect.code == "O104"


def test_a_copy_is_merged_into_every_target() -> None:
    tree = {"a": {"x": 1, "y": {"z": 2}}, "b": {"x": 0}, "c": {"y": {"w": 3}}}
    done = applied(tree, {"target": "$['b', 'c']", "copy": "$.a"})
    assert done["b"] == tree["a"]
    assert done["c"] == {"x": 1, "y": {"w": 3, "z": 2}}
    for wrong, code in (("$.none", "O103"), ("$[", "O102"), ("$.*", "O102")):
        with pytest.raises(SparringError, match=code):
            applied(tree, {"target": "$.b", "copy": wrong})


def test_what_was_copied_has_the_position_of_its_model() -> None:
    document = parse(b"a:\n  x: {y: 1}\nb: {}\n", "document.yaml")
    actions = [{"target": "$.b", "copy": "$.a"}]
    overlay.apply(document, source({"overlay": "1.1.0", "actions": actions}, "overlay.json"))
    assert str(document.position(("b", "x", "y"))) == "document.yaml:2:7"


def test_later_actions_see_what_earlier_ones_did() -> None:
    done = applied(
        {"a": {}},
        {"target": "$.a", "update": {"b": {"keep": 1, "drop": 2}}},
        {"target": "$.a.b.drop", "remove": True},
    )
    assert done == {"a": {"b": {"keep": 1}}}


def test_every_match_is_changed_and_every_removed_one_is_gone() -> None:
    tree = {"l": [{"x": n} for n in range(6)]}
    assert applied(tree, {"target": "$.l[?@.x > 2]", "remove": True}) == {
        "l": [{"x": 0}, {"x": 1}, {"x": 2}]
    }
    done = applied({"l": [{"x": 1}, {"x": 2}]}, {"target": "$.l[*]", "update": {"y": {"z": 1}}})
    done["l"][0]["y"]["z"] = 2
    assert done["l"][1]["y"]["z"] == 1, "each match has a copy of its own"


@pytest.mark.parametrize(
    ("tree", "codes"),
    [
        (None, ["O101"]),
        ([], ["O101"]),
        ({"overlay": "2.0.0", "actions": [{"target": "$"}]}, ["O101"]),
        ({"overlay": "1.0.0"}, ["O101"]),
        ({"overlay": "1.0.0", "actions": []}, ["O101"]),
        ({"overlay": "1.0.0", "actions": [5, {"update": {}}]}, ["O101", "O101"]),
        ({"overlay": "1.0.0", "actions": [{"target": "$", "updat": {}}]}, ["O101"]),
        ({"overlay": "1.0.0", "actions": [{"target": "$["}, {"target": "$.z"}]}, ["O102", "O103"]),
    ],
)
def test_every_mistake_has_a_code_and_a_position(tree: Any, codes: list[str]) -> None:
    with pytest.raises(SparringError) as caught:
        overlay.apply(source({"a": 1}), source(tree, "overlay.json"))
    assert [defect.code for defect in caught.value.defects] == codes
    assert all(str(d).startswith("overlay.json:1:") for d in caught.value.defects)


def test_a_mistake_in_an_annotation_is_told_where_the_overlay_says_it(tmp_path: Path) -> None:
    document, added = tmp_path / "document.yaml", tmp_path / "overlay.yaml"
    document.write_text(
        "openapi: 3.1.0\npaths:\n  /a:\n    get: {responses: {}}\n    post: {responses: {}}\n"
    )
    added.write_text(
        "overlay: 1.0.0\nactions:\n"
        "  - target: $.paths['/a'].get\n    remove: true\n"
        "  - target: $.paths['/a'].post\n"
        "    update:\n      x-session:\n        role: session.create\n        rol: x\n"
    )
    with pytest.raises(SparringError) as caught:
        load_document(str(document), [added])
    assert str(caught.value).startswith(f"{added}:9:9 D140")


def test_after_a_removal_the_positions_of_the_rest_are_still_right() -> None:
    document = parse(b"list:\n  - a: 1\n  - b: 2\n  - c: 3\n", "document.yaml")
    actions = [{"target": "$.list[0]", "remove": True}, {"target": "$.list", "update": {"d": 4}}]
    overlay.apply(document, source({"overlay": "1.0.0", "actions": actions}, "overlay.json"))
    assert document.tree == {"list": [{"b": 2}, {"c": 3}, {"d": 4}]}
    assert str(document.position(("list", 0, "b"))) == "document.yaml:3:5"
    assert document.position(("list", 2, "d")).file == "overlay.json"


SUITES = Path(os.environ.get("SPARRING_SHARED") or ROOT.parent / "shared") / "suites"
SETS = sorted(
    file.parent.name for file in (SUITES / "overlay-compliant-sets").glob("*/overlay.yaml")
)
OVERLAYS = sorted(str(file.relative_to(SUITES)) for file in (SUITES / "overlay").rglob("*.yaml"))


@pytest.mark.parametrize("name", SETS)
def test_a_published_overlay_gives_the_published_result(shared: Path, name: str) -> None:
    folder = shared / "suites" / "overlay-compliant-sets" / name
    document = load(folder / "openapi.yaml")
    overlay.apply(document, load(folder / "overlay.yaml"))
    assert document.tree == load(folder / "output.yaml").tree


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_published_overlay_is_taken_or_refused_as_it_should_be(shared: Path, name: str) -> None:
    file = shared / "suites" / name
    codes: set[str] = set()
    try:
        overlay.apply(parse(b"openapi: 3.1.0", "x.yaml"), load(file))
    except SparringError as error:
        codes = {defect.code for defect in error.defects}
    if file.parent.name == "fail":
        assert codes == {"O101"}
    else:
        assert codes <= {"O103"}, "the document is empty: its targets match nothing, no more"


def test_the_published_suites_are_there(shared: Path) -> None:
    assert len(SETS) > 5
    assert len(OVERLAYS) > 20
