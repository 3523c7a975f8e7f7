"""Promises: the registry, and what a document says of them, the nearest place first."""

import pytest

from sparring.spec.meaning.promises import REGISTRY, Promises
from sparring.spec.openapi.document import BUNDLED, load_document


def test_every_promise_is_a_sentence_for_some_role() -> None:
    for id, promise in REGISTRY.items():
        assert promise.id == id
        assert promise.sentence.endswith(".")
        assert promise.roles
    assert len({p.sentence for p in REGISTRY.values()}) == len(REGISTRY)


def test_a_promise_holds_unless_it_is_withdrawn() -> None:
    said = Promises({"list.order": {"by": "/a"}, "delete.gone": {"withdrawn": "it stays"}})
    assert said.holds("list.order")
    assert said.holds("text.verbatim")
    assert not said.holds("delete.gone")
    nearer = said | Promises({"delete.gone": {}, "list.order": {"withdrawn": "any order"}})
    assert nearer.holds("delete.gone")
    assert not nearer.holds("list.order")


@pytest.mark.parametrize("name", BUNDLED)
def test_what_an_operation_says_comes_before_what_the_document_says(name: str) -> None:
    document = load_document(name)
    whole = document.source.tree["x-session-promises"]
    for operation in document.operations:
        node = document.source.tree["paths"][operation.path.removeprefix(document.base_path)]
        own = node[operation.method.lower()].get("x-session-promises", {})
        assert dict(operation.promises) == {k: v or {} for k, v in {**whole, **own}.items()}
