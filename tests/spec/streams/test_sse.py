"""Vectors of the WHATWG text (HTML, section 9.2) for the parser of event streams."""

import json
import time

import pytest

from sparring.spec.streams import sse
from sparring.spec.streams.framing import LineParser
from sparring.spec.streams.sse import Overflow, Parser, ServerEvent

Told = tuple[str, str, str | None]

M = "message"
VECTORS: list[tuple[str, bytes, list[Told]]] = [
    ("nothing", b"", []),
    ("one line", b"data: hello\n\n", [("hello", M, None)]),
    ("two lines", b"data: YHOO\ndata: +2\ndata: 10\n\n", [("YHOO\n+2\n10", M, None)]),
    ("no space", b"data:test\n\ndata: test\n\n", [("test", M, None)] * 2),
    ("one space is removed", b"data:  two\n\n", [(" two", M, None)]),
    ("a tab stays", b"data:\ttab\n\n", [("\ttab", M, None)]),
    ("empty data", b"data\n\n", [("", M, None)]),
    ("empty data with a colon", b"data:\n\n", [("", M, None)]),
    ("two empty lines of data", b"data\ndata\n\n", [("\n", M, None)]),
    ("an unfinished last event", b"data: one\n\ndata: two\n", [("one", M, None)]),
    ("an unfinished last line", b"data: one\n\ndata: two", [("one", M, None)]),
    ("a comment", b": keep alive\n\ndata: x\n\n", [("x", M, None)]),
    ("a comment inside", b"data: a\n:b\ndata: c\n\n", [("a\nc", M, None)]),
    ("a name", b"event: add\ndata: 7\n\n", [("7", "add", None)]),
    ("an empty name", b"event:\ndata: 7\n\n", [("7", M, None)]),
    ("the last name counts", b"event: a\nevent: b\ndata: 7\n\n", [("7", "b", None)]),
    ("a name without data", b"event: add\n\ndata: 7\n\n", [("7", M, None)]),
    ("an id", b"id: 1\ndata: x\n\n", [("x", M, "1")]),
    ("an id lasts", b"id: 1\ndata: x\n\ndata: y\n\n", [("x", M, "1"), ("y", M, "1")]),
    ("an id alone lasts", b"id: 5\n\ndata: y\n\n", [("y", M, "5")]),
    ("an id is reset", b"id: 1\ndata: x\n\nid\ndata: y\n\n", [("x", M, "1"), ("y", M, "")]),
    ("an id with NUL is ignored", b"id: 1\ndata: x\n\nid: 2\x003\ndata: y\n\n",
     [("x", M, "1"), ("y", M, "1")]),
    ("unknown fields", b"foo: bar\ndata: x\nbaz\n\n", [("x", M, None)]),
    ("names are case sensitive", b"Data: no\nDATA: no\ndata: yes\n\n", [("yes", M, None)]),
    ("a space before the name", b" data: no\ndata: yes\n\n", [("yes", M, None)]),
    ("a colon in the value", b"data: a:b: c\n\n", [("a:b: c", M, None)]),
    ("CR", b"data: a\rdata: b\r\r", [("a\nb", M, None)]),
    ("CR LF", b"data: a\r\ndata: b\r\n\r\n", [("a\nb", M, None)]),
    ("all line ends", b"data: a\rdata: b\ndata: c\r\n\n", [("a\nb\nc", M, None)]),
    ("CR then LF is one line end", b"data: a\r\n\r\ndata: b\r\r\n",
     [("a", M, None), ("b", M, None)]),
    ("a byte order mark", b"\xef\xbb\xbfdata: x\n\n", [("x", M, None)]),
    ("only one byte order mark", b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", []),
    ("a byte order mark later", b"data: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n",
     [("a", M, None), ("c", M, None)]),
    ("not ASCII", "data: \u20ac \U0001f40b\n\n".encode(), [("\u20ac \U0001f40b", M, None)]),
    ("not UTF-8", b"data: \xff\n\n", [("\ufffd", M, None)]),
    ("a line separator is no line end", "data: a\u2028b\u0085c\n\n".encode(),
     [("a\u2028b\u0085c", M, None)]),
    ("NUL in data", b"data: a\x00b\n\n", [("a\x00b", M, None)]),
    ("a NUL in the id of an event", b"id: 1\x00\ndata: x\n\n", [("x", M, None)]),
    ("an id with spaces", b"id:  a b \ndata: x\n\n", [("x", M, " a b ")]),
    ("a field without a name", b":\n::\ndata: x\n\n", [("x", M, None)]),
    ("a retry between", b"retry: 5\ndata: x\nretry: x\n\n", [("x", M, None)]),
    ("a mark alone", b"\xef\xbb\xbf", []),
    ("a mark inside the data", b"data: \xef\xbb\xbfx\n\n", [("\ufeffx", M, None)]),
    ("a last line end of CR", b"data: x\r\r", [("x", M, None)]),
    ("an event behind an unfinished one", b"event: a\n\nid: 2\n\ndata: x\n\n", [("x", M, "2")]),
    ("a cut character at the end", b"data: x\n\ndata: \xe2\x82", [("x", M, None)]),
    ("many blank lines", b"\n\n\ndata: x\n\n\n\n", [("x", M, None)]),
]  # fmt: skip


def told(events: list[ServerEvent]) -> list[Told]:
    return [(event.data, event.event, event.id) for event in events]


@pytest.mark.parametrize(("data", "events"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS])
def test_a_stream_is_read_as_the_standard_says(data: bytes, events: list[Told]) -> None:
    assert told(Parser().feed(data)) == events


@pytest.mark.parametrize(("data", "events"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS])
def test_a_stream_is_read_alike_however_it_is_cut(data: bytes, events: list[Told]) -> None:
    for cut in range(len(data) + 1):
        parser = Parser()
        assert told(parser.feed(data[:cut]) + parser.feed(data[cut:])) == events, cut
    parser = Parser()
    found = [event for byte in data for event in parser.feed(bytes([byte]))]
    assert told(found) == events


@pytest.mark.parametrize(
    ("line", "retry"),
    [
        (b"retry: 1000", 1000),
        (b"retry:7", 7),
        (b"retry: 007", 7),
        (b"retry", None),
        (b"retry: 1e3", None),
        (b"retry: -1", None),
        (b"retry: 1.5", None),
        (b"retry:  5", None),
        ("retry: \u0661".encode(), None),
    ],
)
def test_only_digits_are_a_retry_time(line: bytes, retry: int | None) -> None:
    parser = Parser()
    parser.feed(line + b"\n")
    assert parser.retry == retry


def test_an_event_without_an_id_is_told_from_one_that_repeats_it() -> None:
    first, second, third = Parser().feed(b"id: 1\ndata: a\n\ndata: b\n\nid: 1\ndata: c\n\n")
    assert (first.id, second.id, third.id) == ("1", "1", "1")
    assert ["id" in event.fields for event in (first, second, third)] == [True, False, True]


def test_a_comment_is_counted_and_an_unfinished_event_is_pending() -> None:
    parser = Parser()
    assert parser.feed(b": ping\n\n") == []
    assert (parser.comments, parser.pending) == (1, False)
    parser.feed(b"data: x\n")
    assert parser.pending


FLAWS = [
    (b"data: x\ntime: 7\nx-y\n: hello\n\n", ""),
    ("data: \ufffd \u20ac\n\n".encode(), ""),
    (b'data: {\n  "text": "x"\n}\n\n', 'a line that says nothing: \'  "text": "x"\''),
    (b"Data: x\n\n", "a line that says nothing: 'Data: x'"),
    (b" data: x\n\n", "a line that says nothing: ' data: x'"),
    (b"id: 1\x002\ndata: x\n\n", "a line that says nothing: 'id: 1\\x002'"),
    (b"retry: 1.5\n\n", "a line that says nothing: 'retry: 1.5'"),
    (b"data: \xff\n\n", "bytes that are no UTF-8"),
    (b"data: \xe2\x82\n\n", "bytes that are no UTF-8"),
]


@pytest.mark.parametrize(("data", "flaw"), FLAWS)
def test_what_is_passed_over_and_no_server_means_is_told(data: bytes, flaw: str) -> None:
    for cut in range(len(data) + 1):
        parser = Parser()
        parser.feed(data[:cut])
        parser.feed(data[cut:])
        assert parser.flaw == flaw, cut


def test_bytes_that_are_no_utf_8_are_told_in_lines_too() -> None:
    parser = LineParser()
    parser.feed(b'{"a": "\xff"}\n')
    assert parser.flaw == "bytes that are no UTF-8"


def test_a_long_line_is_read_in_time_that_grows_with_it_alone() -> None:
    def seconds(chunks: int) -> float:
        parser, start = Parser(), time.process_time()
        for _ in range(chunks):
            parser.feed(b"x" * 16)
        return time.process_time() - start

    assert seconds(120_000) < 40 * max(seconds(12_000), 0.01)


def test_an_event_that_never_ends_is_refused() -> None:
    parser = Parser(max_event=100)
    with pytest.raises(Overflow):
        parser.feed(b"data: " + b"x" * 200)


def test_many_lines_that_make_one_large_event_are_refused() -> None:
    parser = Parser(max_event=100)
    parser.feed(b"data: 123456789\n" * 5)
    with pytest.raises(Overflow):
        parser.feed(b"data: 123456789\n" * 5)


@pytest.mark.parametrize("text", ["one", "two\nlines", "", " space", "\r\n", "a\n\nb"])
def test_what_is_written_is_read(text: str) -> None:
    (event,) = Parser().feed(sse.encode(json.dumps(text).encode(), "note", "7"))
    assert (json.loads(event.data), event.event, event.id) == (text, "note", "7")
