"""Infers what the events of a stream say: which one is a piece of text, which one is the end.

Where a document declares nothing, its stream has `chunk` events with a `text`, the `message` as
its list shows it, and `done`: names and members that a front end can parse without a document.
Where it declares plain text, each piece is the data of an event without a name; its end is the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sparring.spec.meaning.binding import StreamedEvent
from sparring.spec.openapi.schemas import Path, types_of
from sparring.spec.streams.event_declaration import event_schema
from sparring.spec.streams.event_schema import Alternative, EventSchema, Form
from sparring.spec.turn import Kind

from .event_fields import Field, fields_of, only_string, sample_fields, text_of
from .event_templates import Names

if TYPE_CHECKING:
    from sparring.spec.openapi.document import Document, Operation

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

# What can end, the outermost first. The end of one thing inside another does not end the turn.
_SUBJECTS: tuple[set[str], ...] = (
    set(),
    {"stream", "run", "response", "turn", "chat", "reply", "completion", "request", "invocation"},
    {"workflow", "execution", "generation", "answer", "task", "agent", "flow", "graph"},
    {"conversation", "session", "thread", "assistant"},
    {"message"},
)
_MESSAGE, _SAME_EVENT = 4, 9  # ranks of an end: of a message, by a member of its last piece
_FILLERS = {"event", "events", "data", "sse", "dto", "schema", "model", "output", "final", "v1"}
_FILLERS |= {"server", "api", "internal", "fatal", "unexpected"}
_ENDS = {"done", "completed", "complete", "end", "ended", "finish", "finished", "stop", "close"}
_ENDS |= {"eos", "eof", "closed", "succeeded", "success", "idle", "terminated", "reason", "ending"}
_STOPPED = {"cancelled", "canceled", "aborted", "stopped", "interrupted", "expired", "abort"}
_ERRORS = {"error", "errors", "failed", "failure", "exception", "errored", "fail"}
_PIECES = {"delta", "chunk", "token", "partial", "piece", "fragment", "part", "tokens", "append"}
_PIECES |= {"patches"}
_WHOLE = {"message", "reply", "answer", "completed", "done", "final", "result", "response", "full"}
_WHOLE |= {"assistant"}
_TOOLS = {"tool", "function", "tools", "action"}
_RESULTS = {"result", "results", "return", "returned", "output", "response", "completed", "end"}
_RESULTS |= {"finished", "done", "observation"}
_CALLS = {"call", "calls", "use", "start", "started", "invocation", "request", "invoke", "calling"}
_PARTLY = {"delta", "partial", "approval", "arguments", "args"}
_ARGUMENTS = {"arguments", "args", "argument", "input"}
_OTHERS = {"mcp", "custom", "code", "server"}
_SUGGESTIONS = {"suggestion", "suggestions", "followup", "followups", "suggested"}
_STATUS = {"status", "state", "progress", "thinking", "typing", "processing"}
_NOT_REPLY = {"reasoning", "thinking", "thought", "thoughts", "refusal", "audio", "image", "usage"}
_NOT_REPLY |= {"transcript", "code", "input", "user", "system", "ping", "heartbeat", "keepalive"}
_NOT_REPLY |= {"log", "debug", "metadata", "citation", "citations", "annotation", "title", "search"}
_NOT_REPLY |= {"arguments", "args", "removed", "deleted", "sources", "custom", "hidden", "shell"}
_NOT_REPLY |= {"approval", "speech", "mcp"}
_NOT_YET = {"created", "started", "start", "begin", "step", "source", "added"}
_IN_PIECES = re.compile(
    r"chunk|increment|partial|fragment|\bdelta|\btokens?\b|\bpieces?\b", re.IGNORECASE
)


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
    """The `events` block of a stream, for writing: what the document tells, else our choice.

    `row` is the schema of the rows that the message or event list answers with: an event of that
    schema is the stored message itself.
    """
    schema = event_schema(document, operation)
    if schema is None:
        return {}
    block = _block(schema, guesses(schema, row))
    if {"chunk", "message"} & set(block):
        return block
    if schema.form is Form.TEXT and schema.framing.names:
        return TEXT | block
    if schema.form in (Form.NONE, Form.TEXT) or not any(a.label for a in schema.alternatives):
        return _undeclared(schema) if _is_open(schema) else block
    return _in_envelope(schema) | block


def declared_events(schema: EventSchema, row: Path | None = None) -> dict[str, Any]:
    """The `events` block that a document itself tells: nothing that is our choice.

    Where events have no schema, those that an example of the stream shows are told.
    """
    if schema.form in (Form.NONE, Form.TEXT):
        schema = replace(schema, alternatives=tuple(a for a in schema.alternatives if a.sample))
    return _block(schema, guesses(schema, row))


def declared_kinds(schema: EventSchema) -> list[tuple[Kind, StreamedEvent]]:
    """Every declared event that says something; a block has but the best of each kind."""
    return [(guess.kind, StreamedEvent.of(_shape(schema, guess))) for guess in guesses(schema)]


def _in_envelope(schema: EventSchema) -> dict[str, Any]:
    """A piece in the first member of a payload that may hold anything."""
    for alternative in schema.alternatives:
        if alternative.payload is None:
            continue
        for name, path in schema.reader.members(alternative.payload).items():
            resolved, node = schema.reader.resolve(path)
            if "object" in types_of(node) and node.get("additionalProperties") is not False:
                if schema.reader.members(resolved) or schema.reader.branches(resolved):
                    continue
                field = Field((name, "text"), frozenset({"string"}))
                names = Names(alternative, [field], field)
                guess = Guess(Kind.CHUNK, alternative, names.chunk(), 0)
                return {"chunk": _shape(schema, guess)}
    return {}


def _is_open(schema: EventSchema) -> bool:
    """Whether the payloads may be anything."""
    payloads = [a.payload for a in schema.alternatives if a.payload is not None]
    return not any(schema.reader.members(payload) for payload in payloads)


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
    block = {kind.value: _shape(schema, best[kind]) for kind in Kind if kind in best}
    if schema.sentinel:
        done = block.setdefault("done", {"data": schema.sentinel})
        if done["data"] != schema.sentinel:
            done["then"] = schema.sentinel
    return block


def _shape(schema: EventSchema, guess: Guess) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    name = guess.alternative.name
    fields = {n for path in guess.alternative.whole for n in schema.reader.members(path)}
    if name is None and "event" in fields:
        name = guess.kind.value
    if name is not None and schema.framing.names:
        shape["name"] = name
    if guess.alternative.has_id:
        shape["id"] = True
    return shape | {"data": guess.template}


def guesses(schema: EventSchema, row: Path | None = None) -> list[Guess]:
    """What each declared event says, as far as that can be told."""
    guesser = _Guesser(schema, row)
    found = [guess for a in schema.alternatives for guess in guesser.guess(a)]
    if not any(guess.kind in (Kind.CHUNK, Kind.MESSAGE) for guess in found):
        found += [guess for a in schema.alternatives for guess in guesser.any_text(a)]
        replies = [guess.alternative for guess in found if guess.kind is Kind.MESSAGE]
        found = [g for g in found if g.kind is not Kind.DONE or g.alternative not in replies]
    outermost = min((guess.rank // 1 for guess in found if guess.kind is Kind.DONE), default=0)
    return [g for g in found if g.kind is not Kind.DONE or g.rank // 1 == outermost]


class _Guesser:
    def __init__(self, schema: EventSchema, row: Path | None) -> None:
        self._schema = schema
        self._row = row
        labels = [words(a.label) for a in schema.alternatives]
        # Where there is `message_end`, a `message` is a piece.
        self._ended = {label[-2] for label in labels if len(label) > 1 and label[-1] in _ENDS}
        payloads = {a.payload for a in schema.alternatives if a.payload is not None}
        counts = Counter(name for p in payloads for name in schema.reader.members(p))
        self._shared = frozenset(name for name, count in counts.items() if count > 1)

    def guess(self, alternative: Alternative) -> Iterator[Guess]:
        """What one declared event says: one thing, nothing, or a piece and the end as well."""
        tokens = words(alternative.label)
        known, length = set(tokens), len(tokens)
        literal = alternative.literal
        if literal is not None:
            if literal == self._schema.sentinel or (known & _ENDS and length < 3):
                yield Guess(Kind.DONE, alternative, literal, 0)
            return
        end, failure = _end_rank(tokens, _ENDS), _end_rank(tokens, _ERRORS)
        speaks = known & (_STOPPED | _TOOLS | _SUGGESTIONS | _STATUS) or end is not None
        if known & (_NOT_REPLY | _NOT_YET | _ERRORS) and not speaks and failure is None:
            return
        fields = self._fields(alternative)
        if not fields and not self._is_closed(alternative):
            yield from _open(alternative, tokens)
            return
        text = text_of(fields)
        names = Names(alternative, fields, text, shared=self._shared)
        if failure is not None:
            yield Guess(Kind.ERROR, alternative, names.error(), length)
        elif known & _STOPPED and (rank := _end_rank(tokens, _STOPPED)) is not None:
            yield Guess(Kind.STOPPED, alternative, names.end(), rank)
        elif known & _TOOLS:
            yield from _tool(alternative, names, known, length)
        elif known & _SUGGESTIONS and (template := names.suggestions()):
            yield Guess(Kind.SUGGESTIONS, alternative, template, length)
        elif end is not None and not (end >= _MESSAGE and text is not None):
            yield Guess(Kind.DONE, alternative, names.end(), end + length / 100)
        elif known & _STATUS and not known & _PIECES and (template := names.status()):
            template = "event" if self._is_row(alternative) else template
            agrees = _words_of_constants(alternative) & _STATUS
            yield Guess(Kind.STATUS, alternative, template, length + (not agrees))
            if (last := names.last_status()) is not None:
                yield Guess(Kind.DONE, alternative, last, _SAME_EVENT)
        elif text is not None and not known & (_NOT_REPLY | _NOT_YET):
            yield from self._said(alternative, names, text, tokens)

    def any_text(self, alternative: Alternative) -> Iterator[Guess]:
        """In a stream without an event that is called text: any that has some is the message."""
        tokens = set(words(alternative.label))
        fields = self._fields(alternative)
        text = text_of(fields) or only_string(fields)
        if text is None or tokens & (_NOT_REPLY | _ERRORS | _TOOLS | _STATUS):
            return
        names = Names(alternative, fields, text)
        if text_of(fields) is None and not tokens:  # one unnamed member, sent again and again
            yield Guess(Kind.CHUNK, alternative, names.chunk(), 1)
        else:
            yield Guess(Kind.MESSAGE, alternative, names.message(), len(tokens & _NOT_YET))

    def _said(
        self, alternative: Alternative, names: Names, text: Field, tokens: list[str]
    ) -> Iterator[Guess]:
        """A piece of text, or the whole of it; a member of the last piece may say that it is."""
        if self._is_row(alternative):
            yield Guess(Kind.MESSAGE, alternative, "event", -1)
            return
        known = set(tokens)
        signs = known | set(map(str.lower, text.location)) | _words_of_constants(alternative)
        in_pieces = (
            bool(signs & _PIECES)
            or (bool(tokens) and tokens[-1] in self._ended)
            or _IN_PIECES.search(f"{text.description} {self._description(alternative)}") is not None
        )
        depth = len(text.location) / 10
        if in_pieces or not (names.has_author or known & _WHOLE):
            rank = depth + (not in_pieces) + (0 if known & {"text", "content"} else 0.5)
            yield Guess(Kind.CHUNK, alternative, names.chunk(), rank)
            if (last := names.last()) is not None:
                yield Guess(Kind.DONE, alternative, last, _SAME_EVENT)
        else:
            rank = depth - 0.01 * len(known & (_ENDS | {"updated"}))
            yield Guess(Kind.MESSAGE, alternative, names.message(), rank)

    def _is_row(self, alternative: Alternative) -> bool:
        if self._row is None or alternative.payload is None:
            return False
        resolve, paths = self._schema.reader.resolve, (alternative.payload, *alternative.around)
        return resolve(self._row)[0] in [resolve(path)[0] for path in paths]

    def _is_closed(self, alternative: Alternative) -> bool:
        """Whether there is nothing that a payload may hold, or that is not for us to choose."""
        if alternative.sample:
            return True
        if alternative.payload is None:
            return alternative.sample is None and alternative.is_json and not alternative.whole
        node = self._schema.reader.resolve(alternative.payload)[1]
        return node.get("additionalProperties") is False

    def _description(self, alternative: Alternative) -> str:
        if alternative.payload is None:
            return ""
        return str(self._schema.reader.resolve(alternative.payload)[1].get("description", ""))

    def _fields(self, alternative: Alternative) -> list[Field]:
        if alternative.sample is not None:
            return sample_fields(alternative.sample)
        paths = () if alternative.payload is None else (alternative.payload, *alternative.around)
        fields = [found for path in paths for found in fields_of(self._schema.reader, path)]
        known = {at: v[0] for at, v in alternative.constants.items() if len(v) == 1}
        return [f for f in fields if all(known.get(at, v) == v for at, v in f.given.items())]


def _open(alternative: Alternative, tokens: list[str]) -> Iterator[Guess]:
    """What an event says of whose data a document tells no more than its name."""
    known, is_json = set(tokens), alternative.is_json or alternative.payload is not None
    said = {"text", "content", "message", "reply", "answer", "response", "output"}

    def data(name: str) -> Any:
        return {name.partition(".")[2]: f"${name}"} if is_json else f"${name}"

    if known & _ERRORS:
        yield Guess(Kind.ERROR, alternative, data("error.message"), len(tokens))
    elif (rank := _end_rank(tokens, _ENDS)) is not None:
        yield Guess(Kind.DONE, alternative, {} if is_json else "[DONE]", rank)
    elif known & (_PIECES | said) and not known & (_NOT_REPLY | _NOT_YET | _TOOLS):
        yield Guess(Kind.CHUNK, alternative, data("chunk.text"), not known & _PIECES)


def _tool(alternative: Alternative, names: Names, known: set[str], length: int) -> Iterator[Guess]:
    if known & (_PARTLY | {"chunk", "fragment"}):
        in_pieces = known & _PIECES or (known & _ARGUMENTS and not known & _WHOLE)
        given = known & {"output", "outputs", "result", "results", "return", "approval"}
        if in_pieces and not given and (template := names.tool_chunk()):
            told = known & _ARGUMENTS and not known & _OTHERS
            yield Guess(Kind.TOOL_CHUNK, alternative, template, length + (not told))
        return
    if known & _RESULTS and (template := names.tool_result()):
        yield Guess(Kind.TOOL_RESULT, alternative, template, length)
    elif (known & _CALLS or len(known) == 1) and (template := names.tool_call()):
        yield Guess(Kind.TOOL_CALL, alternative, template, length)


def _end_rank(tokens: list[str], ends: set[str]) -> int | None:
    """How much of a stream ends with an event: the lower, the more. None where it is no end."""
    rest = [token for token in tokens if token not in _FILLERS]
    subject = [token for token in rest if token not in ends]
    if len(subject) == len(rest):
        return None
    ranks = [rank for token in subject for rank, s in enumerate(_SUBJECTS) if token in s]
    return max(ranks, default=0) if len(ranks) == len(subject) else None


def words(label: str) -> list[str]:
    """The words of a name, however they are put together."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", label)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def _words_of_constants(alternative: Alternative) -> set[str]:
    values = [v for found in alternative.constants.values() for v in found if isinstance(v, str)]
    return {word for value in values for word in words(value)}
