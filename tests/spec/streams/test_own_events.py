"""Events of a script's own are held to what the document declares; arguments come in pieces."""

from typing import Any

import pytest
import yaml

from sparring.spec.model import Entry
from sparring.spec.openapi.document import Document, compile_document, load_document
from sparring.spec.streams.events import EventStream, events_of
from sparring.spec.streams.sse import Parser
from sparring.spec.text.source import parse
from sparring.spec.turn import Kind

TEXT = {"type": "string"}


def document(schema: Any, media_type: str = "text/event-stream") -> Document:
    content = {media_type: {"schema": schema} if schema is not None else {}}
    tree = {
        "openapi": "3.1.0",
        "info": {"title": "A stream", "version": "1"},
        "paths": {
            "/chats/{chat_id}/messages": {
                "parameters": [
                    {
                        "name": "chat_id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                    }
                ],
                "post": {
                    "x-session": {"role": "message.create"},
                    "responses": {"200": {"description": "Events.", "content": content}},
                },
            }
        },
    }
    return compile_document(parse(yaml.safe_dump(tree).encode(), "stream.yaml"))


def stream(schema: Any, media_type: str = "text/event-stream") -> EventStream:
    found = document(schema, media_type)
    return EventStream.of(found, found.operations[0], defaults=True)


def payload(word: str, **members: Any) -> dict[str, Any]:
    properties = {"type": {"const": word}, **members}
    return {"type": "object", "required": list(properties), "properties": properties}


PIECE = payload("text.delta", delta=TEXT)
MOOD = payload("mood", score={"type": "integer"})
CLOSED = {"oneOf": [PIECE, MOOD]}


@pytest.mark.parametrize(
    ("name", "data", "wrong"),
    [
        (None, {"type": "mood", "score": 3}, ""),
        (None, {"type": "mood", "score": "high"}, "/score"),
        (None, {"type": "mode", "score": 3}, "text.delta, mood"),
        ("mood", {"type": "mood"}, "score"),
        (None, "no JSON", "not JSON"),
    ],
)
def test_an_event_is_held_to_the_payloads_of_its_document(
    name: str | None, data: Any, wrong: str
) -> None:
    found = stream(CLOSED).violations(name, data)
    assert bool(found) is bool(wrong)
    assert not found or wrong in f"{found[0].pointer} {found[0].message}"


@pytest.mark.parametrize("schema", [None, {"type": "object"}, {"type": "string"}, {}])
def test_where_a_document_is_open_any_event_may_be_sent(schema: Any) -> None:
    assert stream(schema).violations("anything", {"at": ["all"]}) == []
    assert stream(schema).violations(None, "text") == []


def test_names_are_held_to_those_that_are_declared() -> None:
    found = load_document("sessions")
    operation = next(o for o in found.operations if o.id == "createEvent")
    events = EventStream.of(found, operation)
    assert events.violations("done", {"turn_id": "abcdefgh", "finish_reason": "stop"}) == []
    (wrong,) = events.violations("beep", {})
    assert "tool_call_delta" in wrong.message
    assert events.violations("done", {"turn_id": "abcdefgh"})[0].message
    assert "tool_call_delta" in events.names


ARGUMENTS = {
    "a delta": payload("tool_call.arguments.delta", call_id=TEXT, delta=TEXT),
    "one word": payload("ToolCallArgs", toolCallId=TEXT, delta=TEXT),
    "partial JSON": payload("tool_input_delta", tool_use_id=TEXT, partial_json=TEXT),
    "a part of the call": payload("function_call_chunk", call_id=TEXT, name=TEXT, arguments=TEXT),
    "inside an object": payload(
        "tool_delta",
        tool={"type": "object", "properties": {"id": TEXT, "name": TEXT, "arguments": TEXT}},
    ),
}


@pytest.mark.parametrize("convention", ARGUMENTS)
@pytest.mark.parametrize("media_type", ["text/event-stream", "application/x-ndjson"])
def test_pieces_of_arguments_are_known_by_what_they_are_called(
    convention: str, media_type: str
) -> None:
    call = payload("tool_call", call_id=TEXT, name=TEXT, arguments={"type": "object"})
    schema = {"oneOf": [PIECE, ARGUMENTS[convention], call, payload("done")]}
    found = document(schema, media_type)
    events = EventStream.of(found, found.operations[0], defaults=True)
    assert {"chunk", "tool_chunk", "tool_call", "done"} <= set(events.events)
    data = {"id": "call-1", "name": "search", "arguments": {"q": 1}}
    entry = Entry(5, None, Kind.TOOL_CALL, "e", "t", "agent", 1, '{"q": 1}', data, [4, 4])
    frames = b"".join(frame for _, frame in events.frames(entry))
    seen = [events.read(event) for event in events.framing.parser().feed(frames)]
    assert [one.kind for one in seen] == [Kind.TOOL_CHUNK, Kind.TOOL_CHUNK, Kind.TOOL_CALL]
    assert "".join(one.text or "" for one in seen) == '{"q": 1}'
    assert {one.tool for one in seen} == {"call-1"}


@pytest.mark.parametrize(
    "other",
    [
        payload("tool_call.arguments.done", call_id=TEXT, arguments=TEXT),
        payload("tool_approval", call_id=TEXT, text=TEXT),
        payload("tool_output.delta", call_id=TEXT, output={"type": "object"}),
    ],
)
def test_what_only_looks_like_a_piece_of_arguments_is_none(other: Any) -> None:
    found = document({"oneOf": [PIECE, other, payload("done")]})
    assert "tool_chunk" not in events_of(found, found.operations[0], defaults=True)


def test_a_document_without_such_an_event_streams_the_whole_call() -> None:
    events = stream({"oneOf": [PIECE, payload("tool_call", call_id=TEXT, name=TEXT)]})
    data = {"id": "call-1", "name": "search", "arguments": {}}
    entry = Entry(5, None, Kind.TOOL_CALL, "e", "t", "agent", 1, "{}", data, [1, 1])
    (frame,) = (frame for _, frame in events.frames(entry))
    (event,) = Parser().feed(frame)
    assert events.read(event).kind is Kind.TOOL_CALL


def test_a_call_that_was_stopped_is_nothing_but_its_pieces() -> None:
    found = load_document("sessions")
    operation = next(o for o in found.operations if o.id == "createEvent")
    events = EventStream.of(found, operation)
    data = {"id": "call-1", "name": "search", "arguments": {}}
    entry = Entry(3, None, Kind.TOOL_CHUNK, "e", "t", "agent", 1, '{"q', data, [1, 2])
    assert [position for position, _ in events.frames(entry)] == [1, 2]
