"""A conversation is told to the mock in no time, through any document's ways to speak."""

from pathlib import Path

import pytest
from tests.wild.test_documents import DOCUMENTS

from sparring.fixtures.script.cast import Cast
from sparring.mockserver.datasets.telling import Teller, talks
from sparring.spec.openapi.document import BUNDLED, Document, load_document
from sparring.spec.openapi.schemas import View

URL = "http://127.0.0.1:8000"
LINES = ("Hello!", "What's the weather in SF?")
OVERLAYS = Path(__file__).parents[1] / "wild" / "overlays"


def tell(document: Document) -> None:
    found = talks(document)
    assert found
    for talk in found:
        told, log = Teller(document, Cast(), seed="1", url=URL).converse(talk, LINES)
        spoken = [t for t in told if t.operation is talk.operation]
        assert len(spoken) == len(LINES)
        said = [entry.text for entry in log if entry.role == "user" and entry.text]
        assert said in ([], list(LINES[:1]), list(LINES))  # some make a session with each message
        for each in told:
            response = each.exchange.response
            about = f"{talk.operation.label} > {each.operation.label}: {response.body[:300]!r}"
            assert response.status < 300, about
            media = each.operation.media(response.status, response.media_type)
            if media is not None and media.schema is not None and response.body[:1] in b"{[":
                validator = document.schemas.at(media.schema, View.RESPONSE)
                assert validator.violations(response.json(), 3) == [], about
            if each.is_stream:
                assert b"".join(piece for _, piece in each.pieces) == response.body


@pytest.mark.parametrize("name", BUNDLED)
def test_every_way_to_speak_of_a_bundled_document_is_told(name: str) -> None:
    tell(load_document(name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_way_to_speak_of_a_real_document_is_told(shared: Path, name: str) -> None:
    overlay = OVERLAYS / f"{Path(name).stem}.yaml"
    tell(load_document(shared / "specs" / name, [overlay] if overlay.exists() else []))


def test_the_same_seed_tells_the_same_to_the_byte() -> None:
    document = load_document("sessions")
    first, second, other = (
        [t.exchange for t in Teller(document, Cast(), seed=seed, url=URL).converse(talk, LINES)[0]]
        for seed in "112"
        for talk in talks(document)[:1]
    )
    assert first == second
    assert first != other


def test_the_pieces_of_a_stream_come_in_the_time_of_their_script() -> None:
    document = load_document("sessions")
    told, _ = Teller(document, Cast(), seed="1", url=URL).converse(talks(document)[0], LINES)
    streams = [t for t in told if t.is_stream]
    assert len(streams) == len(LINES)
    for each in streams:
        waits = [seconds for seconds, _ in each.pieces]
        assert max(waits) > 0.05
        assert sum(waits) == pytest.approx(each.exchange.seconds)
