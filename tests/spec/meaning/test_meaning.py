"""What a document declares wins over what is inferred, and its own documents mean what they say."""

import pytest

from sparring.spec.meaning.meaning import INFERRED
from sparring.spec.openapi.document import BUNDLED, load_document


@pytest.mark.parametrize("name", BUNDLED)
def test_rows_are_left_to_a_declared_model(name: str) -> None:
    assert not any("row" in meaning.block for meaning in load_document(name).meanings)


@pytest.mark.parametrize("name", BUNDLED)
def test_nothing_is_inferred_where_our_own_documents_say_nothing(name: str) -> None:
    guessed = [
        meaning.operation.label
        for meaning in load_document(name).meanings
        if meaning.source == INFERRED and meaning.role is not None
    ]
    assert guessed == []
