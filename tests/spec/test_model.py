"""The session model and its event streams: one log, of which all else is a view."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.spec import model
from sparring.spec.model import Entry, Session
from sparring.spec.openapi.document import load_document
from sparring.spec.streams import sse
from sparring.spec.streams.events import EventStream
from sparring.spec.turn import Kind

STREAM = EventStream(load_document("sessions").model, lambda entry: {"id": entry.id})
PIECES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=8)
SAID = frozenset(Kind) - {Kind.CHUNK, Kind.EDIT, Kind.DELETION}
KINDS = st.sampled_from(sorted(SAID))


def session() -> Session:
    return Session("s", "alice", 1, 1, {})


def entry(kind: Kind, text: str = "", pieces: tuple[str, ...] = (), **data: Any) -> Entry:
    lengths = [len(piece) for piece in pieces]
    return Entry(0, None, kind, "e", "t", "agent", 1, text, data, lengths)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(KINDS, PIECES, st.booleans()), max_size=12))
def test_positions_and_offsets_count_without_a_gap(steps: list[Any]) -> None:
    one, log = session(), []
    for kind, said, stored in steps:
        pieces = tuple(said) if kind is Kind.MESSAGE else ()
        log.append(entry(kind, "".join(pieces), pieces, texts=["a", "b"]))
        model.append(one, log[-1], stored=stored)
    taken = [p for e in log for p in (*(at for at, _, _ in model.pieces(e)), e.position)]
    assert taken == list(range(1, len(taken) + 1))
    assert one.position == len(taken) + 1
    stored_entries = model.stored(log)
    assert [e.offset for e in stored_entries] == list(range(len(stored_entries)))
    assert one.count == len(model.history(log))
    for e in model.history(log):
        found = list(model.pieces(e))
        assert "".join(text for _, _, text in found) == e.text
        assert [index for _, index, _ in found] == list(range(len(found)))
    newest = [e.position for e, _, _ in model.suggestions(log)]
    assert newest == sorted(newest, reverse=True)


def test_an_edit_and_a_deletion_change_what_is_shown_and_leave_the_log() -> None:
    log = [entry(Kind.MESSAGE, "one"), entry(Kind.MESSAGE, "two"), entry(Kind.MESSAGE, "three")]
    for number, message in enumerate(log):
        message.id = f"m{number}"
    before = [message.text for message in log]
    for kind, data in (
        (Kind.EDIT, {"of": "m1", "text": "zwei", "extra": {"metadata": {"a": 1}}}),
        (Kind.EDIT, {"of": "m2", "text": None, "extra": {"x": 2}}),
        (Kind.DELETION, {"of": "m0"}),
    ):
        log.append(entry(kind))
        log[-1].data = data
    shown = model.history(log)
    assert [(m.id, m.text) for m in shown] == [("m1", "zwei"), ("m2", "three")]
    assert [m.data["extra"] for m in shown] == [{"metadata": {"a": 1}}, {"x": 2}]
    assert [message.text for message in log[:3]] == before


def test_the_suggestions_of_one_entry_keep_their_order() -> None:
    log = [entry(Kind.SUGGESTIONS, texts=["a", "b"]), entry(Kind.SUGGESTIONS, texts=["c"])]
    assert [text for _, _, text in model.suggestions(log)] == ["c", "a", "b"]


def test_every_change_makes_a_record_newer() -> None:
    one = session()
    for now in (5, 5, 3, 9):
        before = (one.updated, one.version)
        model.touch(one, now)
        assert one.updated > before[0]
        assert one.version == before[1] + 1
    assert one.updated == 9


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(PIECES, st.integers(1, 7))
def test_what_is_streamed_is_read_back_however_it_is_cut(said: list[str], size: int) -> None:
    one = session()
    message = entry(Kind.MESSAGE, "".join(said), tuple(said))
    model.append(one, message, stored=True)
    frames = list(STREAM.frames(message))
    assert [position for position, _ in frames] == list(range(1, len(said) + 2))
    data = b"".join(frame for _, frame in frames)
    parser = sse.Parser()
    events = [e for at in range(0, len(data), size) for e in parser.feed(data[at : at + size])]
    seen = [STREAM.read(event) for event in events]
    assert "".join(s.text or "" for s in seen[:-1]) == message.text
    assert [s.kind for s in seen] == [*[Kind.CHUNK] * len(said), Kind.MESSAGE]
    assert [s.id for s in seen] == [str(position) for position, _ in frames]
    assert {(s.turn, s.message) for s in seen[:-1]} <= {("t", "e")}


def test_an_event_that_the_document_does_not_know_has_no_kind() -> None:
    for raw in (
        sse.ServerEvent("{}", "surprise"),
        sse.ServerEvent("not json", "chunk"),
        sse.ServerEvent("[" * 100_000, "chunk"),
        sse.ServerEvent("[DONE]"),
    ):
        assert STREAM.read(raw).kind is None
    odd = STREAM.read(sse.ServerEvent(json.dumps({"text": 5, "turn_id": None}), "chunk"))
    assert (odd.kind, odd.text, odd.turn) == (Kind.CHUNK, None, None)


def test_a_document_without_events_streams_nothing() -> None:
    silent = EventStream(load_document("julep").model)
    assert list(silent.frames(entry(Kind.MESSAGE, "ab", ("a", "b")))) == []
