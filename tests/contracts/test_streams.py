"""In every convention the suites let a right server pass and find what is wrong with a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.contracts.conftest import served
from tests.conventions import CONVENTIONS, document

from sparring.contracts.suites import run
from sparring.fixtures.shaping.shapes import Shaper
from sparring.fixtures.shaping.streams import compile_stream
from sparring.spec import model
from sparring.spec.model import Entry, Session
from sparring.spec.openapi.document import Document
from sparring.spec.streams.events import EventStream
from sparring.spec.turn import Kind

PROMISES = ("stream.schema", "stream.terminal", "stream.media_type")
PIECES = ["It ", "is ", "said."]
# What the documents say nothing of can't be wrong.
SILENT = {"text", "nothing", "names in words"}
LENIENT = {*SILENT, "names and text"}


def frames(stream: EventStream, turn: int) -> list[bytes]:
    """A turn: the pieces of a message, the message, the end."""
    session = Session("s1", "alice", 1, 1, {})
    lengths = list(map(len, PIECES))
    now, text = 1_767_225_600_000_000, "".join(PIECES)
    message = Entry(0, None, Kind.MESSAGE, f"m{turn}", f"t{turn}", "agent", now, text, {}, lengths)
    data = {"message": message.id, "finish": "stop", "text": text}
    end = Entry(0, None, Kind.DONE, "", f"t{turn}", "agent", now, "", data)
    for entry in (message, end):
        model.append(session, entry, stored=False)
    return [frame for entry in (message, end) for _, frame in stream.frames(entry, {"id": "s1"})]


def broken(fault: str, said: list[bytes]) -> list[bytes]:
    """What a server with a fault streams."""
    if fault == "no end":
        return said[:-1]
    if fault == "no JSON":
        return [said[0].replace(b"{", b"<"), *said[1:]]
    if fault == "JSON over lines":
        return [*said[:-1], re.sub(rb"data: \{", b'data: {\n  "more": 1,\ndata: ', said[-1])]
    if fault == "another name":
        return [re.sub(rb"event: \w+", b"event: surprise", frame) for frame in said]
    return said


def serving(found: Document, fault: str) -> Starlette:
    operation = next(o for o in found.operations if "{" in o.path)
    stream = compile_stream(found, operation, Shaper(found), lambda e: {"id": e.id})
    turns = iter(range(1, 1000))
    media_type = stream.schema.media_type if stream.schema else "text/event-stream"

    async def create(request: Request) -> Response:
        return JSONResponse({"id": f"c{next(turns)}"}, 201)

    async def say(request: Request) -> Response:
        body = b"".join(broken(fault, frames(stream, next(turns))))
        return Response(body, media_type=media_type)

    return Starlette(
        routes=[
            Route("/chats", create, methods=["POST"]),
            Route("/chats/{chat_id}/messages", say, methods=["POST"]),
        ]
    )


@pytest.fixture
def found_in() -> Iterator[Any]:
    """Runs the stream suites against a server with a fault: the promises that it breaks."""
    with ExitStack() as stack:

        def start(convention: str, fault: str) -> set[str]:
            chats = document(convention, with_roles=True)
            url = stack.enter_context(served(serving(chats, fault)))
            report = run(url, chats, promises=PROMISES, retries=1)
            return {finding.promise for finding in report.findings}

        yield start


DECLARED = [name for name in CONVENTIONS if name != "JSON alone"]


@pytest.mark.parametrize("convention", DECLARED)
def test_a_right_server_passes(convention: str, found_in: Any) -> None:
    assert found_in(convention, "") == set()


@pytest.mark.parametrize("convention", [c for c in DECLARED if c not in SILENT])
def test_a_missing_end_is_found(convention: str, found_in: Any) -> None:
    assert found_in(convention, "no end") == {"stream.terminal"}


@pytest.mark.parametrize("convention", [c for c in DECLARED if c not in LENIENT])
def test_what_is_no_json_is_found(convention: str, found_in: Any) -> None:
    assert "stream.schema" in found_in(convention, "no JSON")


@pytest.mark.parametrize("convention", ["event with an object", "event with content", "itemSchema"])
def test_another_name_is_found(convention: str, found_in: Any) -> None:
    assert {"stream.schema", "stream.terminal"} <= found_in(convention, "another name")


def test_a_line_that_every_reader_passes_over_is_found(found_in: Any) -> None:
    assert found_in("event with an object", "JSON over lines") >= {"stream.media_type"}
