"""Streams are cut into events as their media type says, however the bytes arrive."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.spec.streams import sse
from sparring.spec.streams.framing import LINES, SEQUENCE, SSE, Framing, LineParser, framing_of

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5)


@pytest.mark.parametrize(
    ("media_type", "framing"),
    [
        ("text/event-stream", SSE),
        ("Text/Event-Stream; charset=utf-8", SSE),
        ("application/x-ndjson", LINES),
        ("application/jsonl", LINES),
        ("application/json-seq", SEQUENCE),
        ("application/json", None),
        ("", None),
    ],
)
def test_media_types_of_streams(media_type: str, framing: Framing | None) -> None:
    assert framing_of(media_type) is framing


@pytest.mark.parametrize("framing", [LINES, SEQUENCE])
@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.lists(st.integers()), st.integers(1, 9))
def test_lines_are_read_back_however_they_are_cut(
    framing: Framing, numbers: list[int], size: int
) -> None:
    data = b"".join(framing.encode(str(n).encode(), "name", "1") for n in numbers)
    parser = framing.parser()
    events = [e for at in range(0, len(data), size) for e in parser.feed(data[at : at + size])]
    assert [int(event.data) for event in events] == numbers
    assert not parser.pending


def test_a_line_without_an_end_is_pending() -> None:
    parser = LineParser()
    assert [e.data for e in parser.feed(b'\r\n{"a":1}\r\n\n{"b"')] == ['{"a":1}']
    assert parser.pending
    with pytest.raises(sse.Overflow):
        LineParser(max_event=8).feed(b"123456789")


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(TEXTS)
def test_any_text_is_data_of_one_event(texts: list[str]) -> None:
    """Only the kind of a line's end is lost."""
    data = b"".join(sse.encode_text(text, "piece") for text in texts)
    found = [event.data for event in sse.Parser().feed(data)]
    assert found == [t.replace("\r\n", "\n").replace("\r", "\n") for t in texts]
