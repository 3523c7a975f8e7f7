"""The events of streams: which there are, what they hold, which one is the end."""

from __future__ import annotations

from collections.abc import Mapping

from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.schemas import Path
from sparring.spec.streams.event_declaration import event_schema
from sparring.spec.streams.event_schema import Alternative, EventSchema, Form
from sparring.spec.streams.events import events_of

from .change import Way
from .changes import Changes
from .differences import Pair
from .shapes import key_of
from .wire import Wire

_Sign = tuple[str, tuple[tuple[str, str], ...], str]
_PART = "event stream"


class Streams:
    """Compares what operations stream."""

    def __init__(self, old: Document, new: Document, wire: Wire, changes: Changes) -> None:
        self._old, self._new = old, new
        self._wire = wire
        self._changes = changes

    def compare(self, old: Operation, new: Operation) -> None:
        """Notes how the streams of two operations differ."""
        before, after = event_schema(self._old, old), event_schema(self._new, new)
        if before is None and after is None:
            return
        paths = (_path(old, before), _path(new, after))

        def say(kind: str, message: str, places: tuple[Path | None, Path | None] = paths) -> None:
            self._changes.add(kind, message, *places, operation=new.label, part=_PART)

        if before is None or after is None:
            if after is None:
                say("stream-removed", "it no longer streams")
            else:
                say("stream-added", f"it streams as {after.media_type}")
            return
        if before.framing is not after.framing:
            say("stream-form", f"it streams as {after.media_type}, not as {before.media_type}")
            return
        if before.form is not after.form:
            declared = Form.NONE not in (before.form, after.form)
            kind = "stream-form" if declared else "stream-undeclared"
            say(kind, f"a stream is {after.form.value}, not {before.form.value}")
            return
        if before.sentinel != after.sentinel:
            say("sentinel", f"the stream ends with {after.sentinel}, not with {before.sentinel}")
        self._events(new.label, before, after, paths)
        self._end(old, new, paths)

    def _events(
        self, operation: str, before: EventSchema, after: EventSchema, paths: tuple[Path, Path]
    ) -> None:
        first, second = _by_sign(before), _by_sign(after)
        common = first.keys() & second.keys()
        skipped: set[Pair] = set()
        shown = before.form in (Form.NONE, Form.TEXT)  # known from examples and descriptions
        for kind, mine, word in (("event-removed", first, "gone"), ("event-added", second, "new")):
            for sign in mine.keys() - common:
                event = mine[sign]
                at = _where(event)
                places = (at or paths[0], paths[1]) if mine is first else (paths[0], at or paths[1])
                self._changes.add(
                    "stream-undeclared" if shown else kind,
                    f"the event {event.label or '(unnamed)'} is {word}",
                    *places,
                    operation=operation,
                    part=_PART,
                )
        pairs: dict[Pair, None] = {}
        for sign in common:
            a, b = first[sign], second[sign]
            for one, other in zip(_schemas(a), _schemas(b), strict=False):
                pairs[(one,), (other,)] = None
            if first.keys() != second.keys():  # the words that tell events apart are told already
                skipped |= _told(before, a, after, b)
        for pair in pairs:
            self._wire.schemas(Way.RECEIVED, pair, operation, _PART, skipped)
        roots = None if common else _roots(before, after)
        if roots is not None:
            self._wire.schemas(Way.RECEIVED, roots, operation, _PART)

    def _end(self, old: Operation, new: Operation, paths: tuple[Path, Path]) -> None:
        """Whether a turn still ends with an event."""
        before, after = (
            events_of(document, operation, defaults=False)
            for document, operation in ((self._old, old), (self._new, new))
        )
        if ("done" in before) == ("done" in after):
            return
        kind = "terminal-added" if "done" in after else "terminal-removed"
        message = f"{'an' if 'done' in after else 'no'} event ends a turn"
        self._changes.add(kind, message, *paths, operation=new.label, part=_PART)


def _path(operation: Operation, schema: EventSchema | None) -> Path:
    for status, response in sorted(operation.responses.items()) if schema else ():
        for name, media in response.content.items():
            if schema is not None and name == schema.media_type:
                if media.schema is not None:
                    return media.schema[:-1]
                return (*operation.pointer, "responses", status, "content", name)
    return operation.pointer


def _by_sign(schema: EventSchema) -> Mapping[_Sign, Alternative]:
    """The events by what tells them apart: the name, the words of the payload, the text."""
    found: dict[_Sign, Alternative] = {}
    for event in schema.alternatives:
        words = tuple(
            sorted(("/".join(at), key_of(list(values))) for at, values in event.constants.items())
        )
        known = bool(event.name or words or event.literal)
        label = "" if known else event.label
        found.setdefault((event.name or label, words, event.literal or ""), event)
    return found


def _where(event: Alternative) -> Path | None:
    return event.payload or next(iter(event.whole), None)


def _schemas(event: Alternative) -> list[Path]:
    payload = [event.payload] if event.payload is not None else []
    return [*payload, *event.whole]


def _told(before: EventSchema, old: Alternative, after: EventSchema, new: Alternative) -> set[Pair]:
    """The members whose words are the names of events."""
    found: set[Pair] = set()
    for first, second in ((old.payload, new.payload), *zip(old.whole, new.whole, strict=False)):
        if first is None or second is None:
            continue
        mine, theirs = before.reader.members(first), after.reader.members(second)
        tags = {at[0] for at in old.constants} | {"event"}
        found |= {((mine[tag],), (theirs[tag],)) for tag in tags & mine.keys() & theirs.keys()}
    return found


def _roots(before: EventSchema, after: EventSchema) -> Pair | None:
    first = next(filter(None, map(_where, before.alternatives)), None)
    second = next(filter(None, map(_where, after.alternatives)), None)
    return ((first,), (second,)) if first is not None and second is not None else None
