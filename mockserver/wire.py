"""How the mock writes sessions, messages and events: the shapes of one document, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter, itemgetter
from typing import Any

from sparring.fixtures.shapes import Build, Location, Shaper, Slot
from sparring.spec.binding import Role, Row
from sparring.spec.document import Document, Operation
from sparring.spec.events import EventStream
from sparring.spec.expressions import names_in
from sparring.spec.model import Entry, Record
from sparring.spec.schemas import Path, View
from sparring.spec.turn import Kind

from .ids import MakeId, compile_ids


class Wire:
    """The document's own forms of everything that the mock stores."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.model = document.model
        self.shaper = Shaper(document)
        self.request_shaper = Shaper(document, View.REQUEST)
        lists = {
            operation.binding.shape: operation
            for operation in reversed(document.with_role(Role.MESSAGE_LIST))
            if operation.binding is not None
        }
        self.messages = self.rows(lists.get("message"))
        self.events = self.rows(lists.get("event")) if "event" in lists else self.messages
        self.stream = EventStream(self.model, self.events)
        session = self._session_schema()
        id_at, user_at = self.model.session["id"], self.model.session.get("user")
        self.new_session = compile_ids(document, self.shaper.at(session, id_at))
        self.new_user = compile_ids(document, self.shaper.at(session, user_at)) if user_at else None
        self.new_message = self._id_of_row("id")
        self.new_turn = self._turn_ids()

    def rows(self, operation: Operation | None) -> RowShape:
        """The shape of the rows that a list operation answers with."""
        row = self.model.message
        schema: Path | None = None
        if operation is not None and operation.binding is not None:
            row = self.model.event if operation.binding.shape == "event" else row
            body = success_schema(operation)
            schema = self.shaper.at(body, (*operation.binding.items, "*"))
        return RowShape(self.shaper, schema, row)

    def _session_schema(self) -> Path | None:
        for role in (Role.SESSION_GET, Role.SESSION_CREATE):
            for operation in self.document.with_role(role):
                schema = success_schema(operation)
                if schema is not None and operation.binding is not None:
                    return self.shaper.at(schema, operation.binding.entity)
        return None

    def _id_of_row(self, part: str) -> MakeId:
        for rows in (self.messages, self.events):
            location = getattr(rows.row, part)
            schema = self.shaper.at(rows.schema, location) if location else None
            if schema is not None:
                return compile_ids(self.document, schema)
        return compile_ids(self.document, None)

    def _turn_ids(self) -> MakeId:
        """Turns are named in messages or, where they are not, in the answer to a message."""
        for operation in self.document.with_role(Role.MESSAGE_CREATE):
            binding, schema = operation.binding, success_schema(operation)
            places = names_in(binding.body_template) if binding else {}
            if "turn.id" in places and (at := self.shaper.at(schema, places["turn.id"])):
                return compile_ids(self.document, at)
        return self._id_of_row("turn")


class RowShape:
    """Entries of the log as the rows of a list; one compiled shape a kind and role."""

    def __init__(self, shaper: Shaper, schema: Path | None, row: Row) -> None:
        self.schema = schema
        self.row = row
        self._shaper = shaper
        self._compiled: dict[tuple[Kind, str], Build] = {}
        self._beside: Location = row.text[:-1] if row.text else ()
        parent = shaper.at(schema, self._beside)
        self._extra = frozenset(shaper.members(parent)) if parent is not None else None

    def __call__(self, entry: Entry) -> Any:
        """The row of an entry."""
        key = (entry.kind, entry.role)
        build = self._compiled.get(key)
        if build is None:
            build = self._compiled[key] = self._compile(*key)
        built = build(entry)
        if "extra" in entry.data:
            self._add(built, entry.data["extra"])
        return built

    def _add(self, built: Any, extra: Mapping[str, Any]) -> None:
        for token in self._beside:
            built = built[0] if isinstance(built, list) else built[token]
        for name, value in extra.items():
            if self._extra is None or name in self._extra:
                built[name] = value

    def _compile(self, kind: Kind, role: str) -> Build:
        row = self.row
        places: dict[Location, Any] = {}
        for name in ("id", "offset", "turn"):
            if location := getattr(row, name):
                places[location] = Slot(attrgetter(name))
        if row.created:
            write = self._shaper.time(self._shaper.at(self.schema, row.created))
            places[row.created] = Slot(lambda entry: write(entry.created))
        if row.role:
            places[row.role.at] = row.role.words.get(role, role)
        if row.kind:
            places[row.kind.at] = row.kind.words.get(kind.value, kind.value)
        if kind is Kind.MESSAGE:
            if row.text:
                places[row.text] = Slot(attrgetter("text"))
            if row.state:
                states = row.state.words
                places[row.state.at] = Slot(lambda entry: states.get(entry.state, entry.state))
        elif kind is Kind.STATUS and row.status:
            places[row.status] = Slot(_datum("state"))
        for name in _TOOL_PARTS.get(kind, ()):
            if name in row.tool:
                places[row.tool[name]] = Slot(_datum(name))
        return self._shaper.compile(self.schema, places)


_TOOL_PARTS = {
    Kind.TOOL_CALL: ("id", "name", "arguments"),
    Kind.TOOL_RESULT: ("id", "result"),
}


def _datum(name: str) -> Build:
    return lambda entry: entry.data.get(name)


class RecordShape:
    """Records as a response shows them: the model's parts, and what the clients have set."""

    def __init__(
        self, shaper: Shaper, schema: Path | None, entity: Location, model: Mapping[str, Location]
    ) -> None:
        inner = shaper.at(schema, entity)
        members: dict[str, Path | None] = dict(shaper.members(inner)) if inner is not None else {}
        required = set(shaper.required(inner)) if inner is not None else set()
        parts = {location[0]: name for name, location in model.items() if len(location) == 1}
        parts = {name: part for name, part in parts.items() if part != "user"}
        # The attributes that the schema has, and whether they may be null; None: it is open.
        self._takes: dict[str, bool] | None = {} if members else None
        if not members:
            members = {name: None for name, part in parts.items() if part != "count"}
        self._blank: dict[str, Any] = {}
        self._parts: list[tuple[str, Build]] = []
        for name, path in members.items():
            if name in parts:
                self._blank[name] = None
                self._parts.append((name, _part(parts[name], shaper, path)))
            elif self._takes is not None and path is not None:
                node = shaper.document.schema(path)
                if name in required or "default" in node:
                    self._blank[name] = shaper.default(path)
                schemas = shaper.document.schemas
                self._takes[name] = schemas.at(path, shaper.view).is_valid(None)
        self._wrap = shaper.compile(schema, {entity: Slot(lambda built: built)}) if entity else None

    def __call__(self, record: Record) -> Any:
        """The record as a response body."""
        built = self._blank.copy()
        takes = self._takes
        if takes is None:
            built |= record.attributes
        else:
            for name, value in record.attributes.items():
                if name in takes and (value is not None or takes[name]):
                    built[name] = value
        for name, read in self._parts:
            built[name] = read(record)
        return self._wrap(built) if self._wrap else built


def _part(part: str, shaper: Shaper, path: Path | None) -> Build:
    if part == "id" and "integer" in shaper.types(path):
        return lambda record: int(record.id)
    if part in ("id", "owner", "count"):
        return attrgetter(part)
    write = shaper.time(path)
    if part == "created":
        return lambda record: write(record.created)
    return lambda record: write(record.updated)  # updated, and deleted as the last update


class ListShape:
    """A list response around its rows."""

    def __init__(
        self, shaper: Shaper, schema: Path | None, items: Location, total: Location | None
    ) -> None:
        places: dict[Location, Any] = {items: Slot(itemgetter(0))}
        if total is not None:
            places[total] = Slot(itemgetter(1))
        self._build = shaper.compile(schema, places)

    def __call__(self, items: list[Any], total: int) -> Any:
        """The response body."""
        return self._build((items, total))


def success_schema(operation: Operation) -> Path | None:
    """The schema of the JSON that the operation answers with when all is well."""
    for media_type, media in operation.success[1].content.items() if operation.success else ():
        if "json" in media_type:
            return media.schema
    return None


def usage(prompt: str, completion: str) -> dict[str, int]:
    """Token counts; a word is a token here."""
    sent, said = len(prompt.split()), len(completion.split())
    return {"prompt_tokens": sent, "completion_tokens": said, "total_tokens": sent + said}
