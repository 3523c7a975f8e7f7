"""Streams are read from documents that are broken or odd, and never judged by what they are not."""

from typing import Any

import pytest
import yaml
from tests.conventions import CONVENTIONS, document

from sparring.spec.inference.events import infer_events
from sparring.spec.openapi.document import Document, compile_document
from sparring.spec.streams.event_declaration import event_schema
from sparring.spec.streams.event_schema import EventSchema, Form
from sparring.spec.streams.framing import LINES, SEQUENCE, SSE
from sparring.spec.streams.sse import ServerEvent
from sparring.spec.text.source import parse

FORMS = {
    "text": Form.TEXT,
    "names in words": Form.TEXT,
    "nothing": Form.NONE,
    "event with an object": Form.EVENT,
    "event with content": Form.EVENT,
    "itemSchema": Form.EVENT,
    "an array of events": Form.EVENT,
    "names and text": Form.EVENT,
    "data alone": Form.EVENT,
}


def streams(media: Any, schemas: Any = None, media_type: str = "text/event-stream") -> Document:
    responses = {"200": {"description": "Events.", "content": {media_type: media}}}
    tree = {
        "openapi": "3.1.0",
        "info": {"title": "A stream", "version": "1"},
        "paths": {"/events": {"get": {"responses": responses}}},
        "components": {"schemas": schemas or {}},
    }
    return compile_document(parse(yaml.safe_dump(tree).encode(), "stream.yaml"))


def schema_of(found: Document) -> EventSchema:
    schema = event_schema(found, found.operations[0])
    assert schema is not None
    return schema


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_each_convention_is_known(convention: str) -> None:
    schema = schema_of(document(convention))
    assert schema.form is FORMS.get(convention, Form.PAYLOAD)
    framings = {"lines": LINES, "a sequence of items": SEQUENCE}
    assert schema.framing is framings.get(convention, SSE)


def test_what_is_no_stream_has_no_events() -> None:
    found = streams({"schema": {"type": "object"}}, media_type="application/json")
    assert event_schema(found, found.operations[0]) is None
    assert infer_events(found, found.operations[0]) == {}


@pytest.mark.parametrize(
    "media",
    [
        {"schema": {"oneOf": [{"$ref": "#/components/schemas/Loop"}, {"type": "object"}]}},
        {"schema": {"$ref": "#/components/schemas/Loop"}},
        {"schema": {"$ref": "#/components/schemas/Missing"}},
        {"schema": {"allOf": [{"$ref": "#/components/schemas/Both"}]}},
        {"schema": {"oneOf": []}},
        {"schema": {"oneOf": [{"type": "null"}]}},
        {"schema": {"type": "array"}},
        {"schema": {"discriminator": "type", "anyOf": [{}, {}]}},
        {"schema": {"type": "string"}, "example": 7, "examples": []},
        {"example": "data: {\n\nnot: a stream"},
        {"x-stream": {"schema": {"type": "object"}, "terminator": "END"}},
    ],
)
def test_odd_declarations_are_read(media: Any) -> None:
    """Unions that hold themselves among them."""
    loop = {"oneOf": [{"$ref": "#/components/schemas/Loop"}] * 9 + [{"type": "object"}]}
    both = {"allOf": [{"$ref": "#/components/schemas/Both"}] * 9}
    found = streams(media, {"Loop": loop, "Both": both})
    schema = schema_of(found)
    assert schema.framing is SSE
    infer_events(found, found.operations[0])


def test_examples_give_events_their_names() -> None:
    shown = 'event: delta\ndata: {"text": "Hi"}\n\nevent: done\ndata: {"reason": "stop"}\n\n'
    found = streams({"examples": {"one": {"value": shown}}})
    assert infer_events(found, found.operations[0]) == {
        "chunk": {"name": "delta", "data": {"text": "$chunk.text"}},
        "done": {"name": "done", "data": {"reason": "$turn.finish"}},
    }
    assert schema_of(found).violations(ServerEvent("{}", "other", fields=("event", "data"))) == []


def test_an_end_inside_a_turn_is_not_its_end() -> None:
    """Where a run ends, neither the end of a message nor that of a part of it is the last event."""
    words = ["part.done", "message.completed", "run.completed", "tool_call.failed", "run.failed"]
    branches = [
        {"type": "object", "required": ["type"], "properties": {"type": {"const": word}}}
        for word in words
    ]
    found = streams({"schema": {"oneOf": branches}})
    block = infer_events(found, found.operations[0])
    assert block["done"] == {"data": {"type": "run.completed"}}
    assert block["error"] == {"data": {"type": "run.failed"}}


@pytest.mark.parametrize(("shared", "what"), [(True, "$event.position"), (False, "$chunk.index")])
def test_a_number_that_all_events_have_counts_the_events(shared: bool, what: str) -> None:
    """And one that pieces alone have counts the pieces."""
    number = {"seq": {"type": "integer"}}
    delta = {"type": {"const": "delta"}, "text": {"type": "string"}, **number}
    done = {"type": {"const": "done"}, **(number if shared else {})}
    branches = [
        {"type": "object", "required": list(each), "properties": each} for each in (delta, done)
    ]
    found = streams({"schema": {"oneOf": branches}})
    block = infer_events(found, found.operations[0])
    assert block["chunk"]["data"] == {"type": "delta", "text": "$chunk.text", "seq": what}
    assert block["done"]["data"].get("seq") == (what if shared else None)
