"""Infers what the events of a stream say: which one is a piece of text, which one is the end.

Where a document declares nothing, its stream has `chunk` events with a `text`, the `message` as
its list shows it, and `done`: names and members that a front end can parse without a document.
Where it declares plain text, each piece is the data of an event without a name; its end is the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any


from ..binding import StreamedEvent
from ..event_schema import Alternative, EventSchema, Form, event_schema

from ..schemas import Path
from ..turn import Kind
from .event_fields import Field, Names, fields_of, sample_fields, text_of

if TYPE_CHECKING:
    from ..document import Document, Operation

UNDECLARED: dict[str, Any] = {
    "chunk": {"name": "chunk", "id": True, "data": {"text": "$chunk.text"}},
    "message": {"name": "message", "id": True, "data": "event"},
    "error": {
        "name": "error",
        "id": True,
        "data": {"code": "$error.code", "message": "$error.message"},
    },
    "done": {"name": "done", "id": True, "data": {}},
}
TEXT: dict[str, Any] = {"chunk": {"data": "$chunk.text"}}

_SUBJECTS = (
    frozenset(),
    {"stream", "run", "response", "turn", "chat", "reply", "completion", "request", "invocation"},
    {"workflow", "execution", "generation", "answer", "task", "agent", "flow", "graph"},
    {"conversation", "session", "thread", "assistant"},
    {"message"},
)
_FILLERS = {"event", "events", "data", "sse", "dto", "schema", "model", "output", "final", "v1"}
_ENDS = {"done", "completed", "complete", "end", "ended", "finish", "finished", "stop", "close"}
_ENDS |= {"eos", "eof", "closed", "succeeded", "success", "idle", "terminated", "reason", "ending"}
_STOPPED = {"cancelled", "canceled", "aborted", "stopped", "interrupted", "expired", "abort"}
_ERRORS = {"error", "errors", "failed", "failure", "exception", "errored", "fail"}
_PIECES = {"delta", "chunk", "token", "partial", "piece", "fragment", "part", "tokens", "append"}
_TOOLS = {"tool", "function", "tools", "action"}
_RESULTS = {"result", "results", "return", "returned", "output", "response", "completed", "end"}
_RESULTS |= {"finished", "done", "observation"}
_CALLS = {"call", "calls", "use", "start", "started", "invocation", "request", "invoke", "calling"}
_SUGGESTIONS = {"suggestion", "suggestions", "followup", "followups", "suggested"}
_NOT_SAID = {"reasoning", "thinking", "thought", "thoughts", "refusal", "audio", "image", "usage"}
_NOT_SAID |= {"transcript", "code", "input", "user", "system", "ping", "heartbeat", "keepalive"}
_NOT_SAID |= {"log", "debug", "metadata", "citation", "citations", "annotation", "title", "source"}
_NOT_SAID |= {"arguments", "args", "removed", "deleted", "sources", "search", "custom", "step"}
_NOT_SAID |= {"created", "started", "start", "begin", "hidden", "approval", "speech", "mcp", "shell"}
_STATUS = {"status", "state", "progress", "thinking", "typing", "processing"}


@dataclass(frozen=True, slots=True)
class Guess:
    """One declared event and what it says; of two of one kind the one of lower rank is better."""

    kind: Kind
    alternative: Alternative
    template: Any
    rank: float


def infer_events(
    document: Document, operation: Operation, row: Path | None = None
) -> dict[str, Any]:
    """The `events` block of a stream, made from how the document declares it.

    `row` is the schema of the rows that the message or event list answers with: an event of that
    schema is the stored message itself.
    """
    schema = event_schema(document, operation)
    if schema is None:
        return {}
    block = _block(schema, guesses(schema, row))
    if {"chunk", "message"} & set(block):
        return block
    if schema.form is Form.TEXT:
        return TEXT | block
    if schema.form is Form.NONE or not schema.alternatives[0].label:
        return _undeclared(schema)
    return block


def declared_events(schema: EventSchema, row: Path | None = None) -> dict[str, Any]:
    """The `events` block that a document itself tells: nothing that is our choice."""
    found = [] if schema.form in (Form.NONE, Form.TEXT) else guesses(schema, row)
    return _block(schema, found)


def _undeclared(schema: EventSchema) -> dict[str, Any]:
    block = {kind: dict(shape) for kind, shape in UNDECLARED.items()}
    if not schema.framing.names:
        for kind, shape in block.items():
            del shape["name"], shape["id"]
            if shape["data"] != "event":
                shape["data"] = {"type": kind, **shape["data"]}
    if schema.sentinel:
        block["done"] = {"data": schema.sentinel}
    return block


def _block(schema: EventSchema, found: list[Guess]) -> dict[str, Any]:
    best: dict[Kind, Guess] = {}
    for guess in found:
        if guess.kind not in best or guess.rank < best[guess.kind].rank:
            best[guess.kind] = guess
    block: dict[str, Any] = {}
    for kind in Kind:
        if kind in best:
            block[kind.value] = _shape(schema, best[kind])
    if Kind.DONE not in best and schema.sentinel:
        block["done"] = {"data": schema.sentinel}
    return block


def _shape(schema: EventSchema, guess: Guess) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    name = guess.alternative.name
    if name is None and schema.form is Form.EVENT and "event" in _fields(schema, guess):
        name = guess.kind.value
    if name is not None and schema.framing.names:
        shape["name"] = name
    if guess.alternative.has_id:
        shape["id"] = True
    return shape | {"data": guess.template}


def _fields(schema: EventSchema, guess: Guess) -> set[str]:
    return {n for path in guess.alternative.whole for n in schema.reader.members(path)}


def declared_kinds(schema: EventSchema) -> list[tuple[Kind, StreamedEvent]]:
    """Every declared event that says something, for reading; `_block` has the best of each kind."""
    return [(guess.kind, StreamedEvent.of(_shape(schema, guess))) for guess in guesses(schema)]


def guesses(schema: EventSchema, row: Path | None = None) -> list[Guess]:
    """What each declared event says, as far as that can be told."""
    found: list[Guess] = []
    for alternative in schema.alternatives:
        found += _guess(schema, alternative, row)
    if len([g for g in found if g.kind in (Kind.CHUNK, Kind.MESSAGE)]) == 0:
        for alternative in schema.alternatives:
            found += _only_text(schema, alternative)
        replies = [g.alternative for g in found if g.kind is Kind.MESSAGE]
        found = [g for g in found if g.kind is not Kind.DONE or g.alternative not in replies]
    ranks = [g.rank // 1 for g in found if g.kind is Kind.DONE]
    # Of what ends a message, a run and a stream, only the outermost ends the turn.
    outermost = min(ranks, default=0)
    return [g for g in found if g.kind is not Kind.DONE or g.rank // 1 == outermost]


def _guess(schema: EventSchema, alternative: Alternative, row: Path | None) -> Iterator[Guess]:
    tokens = words(alternative.label)
    known = set(tokens)
    literal = alternative.literal
    if literal is not None:
        if literal == schema.sentinel or (known & _ENDS and len(tokens) < 3):
            yield Guess(Kind.DONE, alternative, literal, 0)
        return
    fields = _all_fields(schema, alternative)
    text = text_of(fields)
    names = Names(alternative, fields, text)
    end = _end_rank(tokens, _ENDS)
    if known & _ERRORS and not known & _TOOLS:
        yield Guess(Kind.ERROR, alternative, names.error(), len(tokens))
    elif known & _STOPPED and (rank := _end_rank(tokens, _STOPPED)) is not None:
        yield Guess(Kind.STOPPED, alternative, names.end(), rank)
    elif known & _TOOLS:
        yield from _tool(alternative, names, known, len(tokens))
    elif known & _SUGGESTIONS:
        if template := names.suggestions():
            yield Guess(Kind.SUGGESTIONS, alternative, template, len(tokens))
    elif end is not None and not (end >= 4 and text is not None):
        yield Guess(Kind.DONE, alternative, names.end(), end + len(tokens) / 100)
    elif known & _STATUS and not known & _PIECES and (template := names.status()):
        agrees = words_in_constants(alternative) & _STATUS
        yield Guess(Kind.STATUS, alternative, template, len(tokens) + (not agrees))
    elif text is not None and not known & _NOT_SAID:
        yield from _said(schema, alternative, names, text, known, row)


def _said(
    schema: EventSchema,
    alternative: Alternative,
    names: Names,
    text: Field,
    known: set[str],
    row: Path | None,
) -> Iterator[Guess]:
    """A piece of text, or the whole of it; a flag or a reason in it may say that it is the last."""
    reader = schema.reader
    if row is not None and alternative.payload is not None:
        if reader.resolve(row)[0] == reader.resolve(alternative.payload)[0]:
            yield Guess(Kind.MESSAGE, alternative, "event", -1)
            return
    in_pieces = bool((known | set(map(str.lower, text.location))) & (_PIECES | {"patches"}))
    in_pieces = in_pieces or bool(words_in_constants(alternative) & _PIECES)
    whole = names.has_author or bool(known & {"message", "reply", "answer", "completed", "done"})
    whole = whole or bool(known & {"final", "result", "response", "full", "assistant"})
    depth = len(text.location) / 10
    if in_pieces or not whole:
        rank = depth + (0 if in_pieces else 1) + (0 if known & {"text", "content"} else 0.5)
        yield Guess(Kind.CHUNK, alternative, names.chunk(), rank)
        if (last := names.last()) is not None:
            yield Guess(Kind.DONE, alternative, last, 9)
    else:
        rank = depth + len(known & (_ENDS | {"updated"})) * -0.01
        yield Guess(Kind.MESSAGE, alternative, names.message(), rank)


def _only_text(schema: EventSchema, alternative: Alternative) -> Iterator[Guess]:
    """In a stream without an event that is called text: any that has some."""
    tokens = set(words(alternative.label))
    fields = _all_fields(schema, alternative)
    text = text_of(fields)
    if text is None or tokens & (_NOT_SAID | _ERRORS | _TOOLS | _STATUS):
        return
    yield Guess(Kind.MESSAGE, alternative, Names(alternative, fields, text).message(), 1)


def _tool(
    alternative: Alternative, names: Names, known: set[str], length: int
) -> Iterator[Guess]:
    if known & {"delta", "partial", "approval", "arguments"}:
        return
    if known & _RESULTS and (template := names.tool_result()):
        yield Guess(Kind.TOOL_RESULT, alternative, template, length)
    elif (known & _CALLS or len(known) == 1) and (template := names.tool_call()):
        yield Guess(Kind.TOOL_CALL, alternative, template, length)


def _all_fields(schema: EventSchema, alternative: Alternative) -> list[Field]:
    if alternative.sample is not None:
        return sample_fields(alternative.sample)
    if alternative.payload is None:
        return []
    fields = fields_of(schema.reader, alternative.payload)
    for base in alternative.around:
        fields += fields_of(schema.reader, base)
    known = {at: v[0] for at, v in alternative.constants.items() if len(v) == 1}
    return [f for f in fields if all(known.get(at, v) == v for at, v in f.given.items())]


def _end_rank(tokens: list[str], ends: set[str]) -> int | None:
    """How much of a stream ends with an event: the lower, the more. None where it is no end."""
    rest = [token for token in tokens if token not in _FILLERS]
    if not set(rest) & ends:
        return None
    subject = [token for token in rest if token not in ends]
    for rank, known in enumerate(_SUBJECTS):
        if (not subject and rank == 0) or (subject and set(subject) <= known):
            return rank
    outer = [t for t in subject if any(t in s for s in _SUBJECTS)]
    if outer == subject:
        return max(r for t in subject for r, s in enumerate(_SUBJECTS) if t in s)
    return None


def words(label: str) -> list[str]:
    """The words of a name, however they are put together."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", label)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def words_in_constants(alternative: Alternative) -> set[str]:
    """The words of the constants of an event."""
    values = [v for found in alternative.constants.values() for v in found if isinstance(v, str)]
    return {word for value in values for word in words(value)}


__all__ = ["Guess", "guesses", "infer_events", "words"]
