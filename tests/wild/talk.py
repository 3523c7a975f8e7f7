"""One conversation through any sessions API: create, get, send, reply, history, list, delete."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Binding, Role, Row
from sparring.spec.openapi.document import Operation
from sparring.spec.streams.events import EventStream
from sparring.spec.streams.framing import framing_of
from sparring.spec.turn import Kind

from .client import Answer, Client

TEXT = "What is the weather in Oslo?"
REPLY = f"You said: {TEXT}"
PATIENCE = 10.0


def converse(client: Client, talk: Operation) -> list[str]:
    """Goes through every step that the document has operations for; returns those it took."""
    steps = []
    create = client.nearest(Role.SESSION_CREATE, talk)
    session = open_session(client, talk, create)
    steps.append("create" if create is not None and session else "implicit")
    if _binding(talk).input is None:  # the agent answers what was said before
        send = client.nearest(Role.MESSAGE_CREATE, talk)
        assert send is not None, f"{talk.label} does not say where its text is"
        assert client.call(send, session=session, text=TEXT).status_code < 300
    said, session, run = _say(client, talk, session)
    steps.append("send")
    if said is not None:
        assert said == REPLY, f"{talk.label} answered {said!r}"
        steps.append("reply")
    get = client.nearest(Role.SESSION_GET, talk)
    if get is not None and session is not None:
        answer = client.call(get, session=session)
        assert answer.status_code < 300, f"{get.label}: {answer.text}"
        assert _id(get, answer.json()) in (session, None)
        steps.append("get")
    history = client.nearest(Role.MESSAGE_LIST, talk) or get
    if history is not None and session is not None and _shows_talk(history):
        replies = _replies(client, talk)
        _wait_for(client, history, session, run, REPLY if replies else TEXT)
        texts = _texts(client, history, session, run)
        assert texts.count(TEXT) == 1, f"{history.label}: {texts}"
        if replies:
            assert texts.count(REPLY) == 1, f"{history.label}: {texts}"
        steps.append("history")
    listing = client.nearest(Role.SESSION_LIST, talk)
    if listing is not None and session is not None:
        assert session in _ids(client, listing, session), f"{listing.label} does not have {session}"
        steps.append("list")
    delete = client.nearest(Role.SESSION_DELETE, talk)
    if delete is not None and session is not None:
        assert client.call(delete, session=session).status_code < 300
        if get is not None:
            assert client.call(get, session=session).status_code >= 400
        steps.append("delete")
    return steps


def _binding(operation: Operation) -> Binding:
    assert operation.binding is not None
    return operation.binding


def _id(operation: Operation, body: Any) -> str | None:
    found = pointers.first(body, _binding(operation).id)
    return None if found is None else str(found)


def open_session(client: Client, talk: Operation, create: Operation | None) -> str | None:
    """The session to talk in: a new one, or an id of our own choice where none is made first."""
    binding = _binding(talk)
    place = client.session_place(talk)
    if create is not None and (place is not None or not binding.implicit):
        answer = client.call(create)
        assert answer.status_code < 300, f"{create.label}: {answer.text}"
        return _id(create, answer.json())
    if place is None or (place.part == "body" and binding.implicit and binding.run.session):
        return None
    return client.new_id(talk)


def _say(
    client: Client, talk: Operation, session: str | None
) -> tuple[str | None, str | None, str | None]:
    """Sends the text; returns the reply where it comes with the answer, the session, the run."""
    binding = _binding(talk)
    if binding.via == "sse":
        return stream(client, talk, session), session, None
    text = TEXT if binding.input is not None else None
    answer = client.call(talk, session=session, text=text)
    assert answer.status_code < 300, f"{talk.label}: {answer.text}"
    body = answer.json() if answer.content else None
    if session is None and binding.run.session is not None:
        session = str(pointers.first(body, binding.run.session))
    run = _id(talk, body) if binding.role is Role.RUN_CREATE else None
    if binding.via == "body" and binding.reply_at is not None:
        row = binding.row or client.document.model.message
        found = list(pointers.find(body, binding.reply_at))
        said = "".join(text for item in found for text in _text_of(row, item))
        return said, session, run
    return None, session, run


def stream(client: Client, talk: Operation, session: str | None) -> str:
    """Sends the text and returns the reply as it is streamed: its pieces, or its messages."""
    stream_type = stream_type_of(talk) or "text/event-stream"
    answer = client.call(talk, session=session, text=TEXT, stream=stream_type)
    assert answer.status_code < 300, f"{talk.label}: {answer.text}"
    events = EventStream.of(client.document, talk, defaults=True)
    parser = events.framing.parser()
    seen = [events.read(event) for event in parser.feed(answer.content)]
    pieces = "".join(s.text or "" for s in seen if s.kind is Kind.CHUNK)
    whole = "".join(s.text or "" for s in seen if s.kind is Kind.MESSAGE and s.role != "user")
    return pieces or whole


def stream_type_of(operation: Operation) -> str | None:
    """The media type of the stream that an operation may answer with."""
    found = operation.success
    names = found[1].content if found else {}
    return next(filter(framing_of, names), None)


def _replies(client: Client, talk: Operation) -> bool:
    """Whether what the agent answers can be in the history."""
    return _binding(talk).via != "none"


def _wait_for(client: Client, history: Operation, session: str, run: str | None, text: str) -> None:
    end = time.monotonic() + PATIENCE
    while text not in _texts(client, history, session, run) and time.monotonic() < end:
        pass


def _shows_talk(operation: Operation) -> bool:
    binding = _binding(operation)
    return binding.role is Role.MESSAGE_LIST or binding.history is not None


def _texts(client: Client, history: Operation, session: str, run: str | None) -> list[str]:
    binding = _binding(history)
    answer = client.call(history, session=session, target=run)
    assert answer.status_code < 300, f"{history.label}: {answer.text}"
    row = binding.row or client.document.model.message
    at = binding.items if binding.history is None else binding.history
    rows = pointers.first(answer.json(), at, [])
    return ["".join(_text_of(row, item)) for item in rows]


def _text_of(row: Row, item: Any) -> Iterator[str]:
    if isinstance(item, str):
        yield item
    elif row.text is not None:
        yield from (text for text in pointers.find(item, row.text) if isinstance(text, str))


def _ids(client: Client, listing: Operation, session: str) -> list[str]:
    binding = _binding(listing)
    rows = pointers.first(client.call(listing, session=session).json(), binding.items, [])
    place = binding.id or ("id",)
    return [str(pointers.first(row, place)) for row in rows]


def answer_of(answer: Answer) -> Any:
    """The JSON of an answer."""
    return answer.json()
