"""What callers see at one instant: their answers have to fit one order of what they did."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import part_of, put

from ..checks import Context, NotChecked, first_reason, scenario
from ..driving.comparing import at, differences, readable
from ..driving.linear import Call, linear
from ..driving.lists import bounds, history_operation
from ..driving.together import together
from ..driving.turns import answers_json, message_draft
from ..world import entity, succeeded
from .talk import talkable
from .updates import MERGE_PATCH, UPDATE, both, changeable, free_objects

MANY = 8

After = Callable[[Hashable], Iterable[Hashable]]
Sent = tuple[Call, Exchange]
Row = list[Callable[[], Sent]]
"""What one caller sends, one request after the other."""
NOTHING = frozenset({404, 410})


def _timed(send: Callable[[], Exchange], after: Callable[[Exchange], After]) -> Sent:
    begin = time.perf_counter()
    exchange = send()
    return Call(begin, time.perf_counter(), after(exchange)), exchange


def _one_after_the_other(*sends: Callable[[], Sent]) -> list[Sent]:
    return [send() for send in sends]


def _burst(rows: list[Row]) -> list[Sent]:
    """Begins all rows at one instant, each of which sends one request after the other."""
    results = together([partial(_one_after_the_other, *row) for row in rows])
    for result in results:
        if isinstance(result, Exception):
            raise result
    return [sent for result in results for sent in result]


class _Register:
    """What callers do to one session, as the search sees it: the number of each value stored, in
    some of its cells, or None where there is no session."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.inside = ""
        operation, bodies = context.operation, context.world.bodies
        self.replaces = operation.method == "PUT"
        free = free_objects(context) if MERGE_PATCH in operation.body else []
        if free:
            self.inside, names = free[0], [f"key{n}" for n in range(MANY // 2)]
            self.bodies = [{names[n % len(names)]: n} for n in range(MANY)]
        else:
            full = [bodies.rich(operation, n=n) for n in range(MANY)]
            names = [n for n in changeable(context) if all(n in body for body in full)]
            least = bodies.least(operation)
            self.bodies = full
            if not self.replaces:
                picked = [(names[n % len(names)], body) for n, body in enumerate(full) if names]
                self.bodies = [least | {name: body[name]} for name, body in picked]
        self.names = names
        self.values: dict[str, list[Any]] = {
            name: [body[name] for body in self.bodies if name in body] for name in names
        }

    def number(self, name: str, value: Any) -> int:
        """Which of the known values of a cell this is; NotChecked for one that nobody wrote."""
        document, schemas = self.context.document, readable(self.context.world)
        for n, known in enumerate(self.values[name]):
            if not differences(document, schemas, {name: known}, {name: value}):
                return n
        raise NotChecked(f"{name} is read as nobody wrote it, of which update.read_back speaks")

    def begin(self, session: str) -> tuple[int, ...]:
        """What the session holds before anybody writes."""
        found = self.inner(self.context.alice.read(session))
        for name in self.names:
            self.values[name].append(found.get(name))
        return self.cells(found)

    def inner(self, session: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part of a session that has the cells."""
        found = session.get(self.inside) if self.inside else session
        return found if isinstance(found, dict) else {}

    def cells(self, found: Mapping[str, Any]) -> tuple[int, ...]:
        """The numbers of what the cells hold."""
        return tuple(self.number(name, found.get(name)) for name in self.names)

    def write(self, session: str, n: int) -> Sent:
        """Changes the session."""
        body = {self.inside: self.bodies[n]} if self.inside else self.bodies[n]
        draft = self.context.alice.draft(self.context.operation, session)
        draft.body, draft.media_type = dict(body), MERGE_PATCH if self.inside else ""
        self.context.alice.aim(draft, session)
        return _timed(partial(self.context.alice.send, draft), partial(self._written, n))

    def _written(self, n: int, exchange: Exchange) -> After:
        body, status = self.bodies[n], exchange.response.status
        new = {i: self.number(k, body[k]) for i, k in enumerate(self.names) if k in body}

        def after(now: Hashable) -> Iterable[Hashable]:
            old = now if isinstance(now, tuple) else ()
            then = tuple(new.get(i, n) for i, n in enumerate(old)) if _is(now) else None
            if succeeded(exchange):
                return [then] if then is not None else []
            if status in NOTHING:
                return [] if _is(now) else [now]
            return [now] if status < 500 else {now, then}

        return after

    def read(self, session: str) -> Sent:
        """Reads the session."""
        return _timed(partial(self.context.alice.get, session), self._read)

    def _read(self, exchange: Exchange) -> After:
        found = entity(self.context.world.need(Role.SESSION_GET), exchange)
        known = succeeded(exchange) and isinstance(found, dict)
        marked = self.context.document.model.session.get("deleted")
        gone = exchange.response.status in NOTHING or bool(known and marked and at(found, marked))
        cells = self.cells(self.inner(found)) if known and not gone else None
        return lambda now: [now] if (cells == now or not (known or gone)) else []

    def delete(self, session: str) -> Sent:
        """Deletes the session."""
        return _timed(partial(self.context.alice.delete, session), self._deleted)

    def _deleted(self, exchange: Exchange) -> After:
        status = exchange.response.status
        if succeeded(exchange):
            return lambda now: [None]
        if status in NOTHING:
            return lambda now: [] if _is(now) else [now]
        return lambda now: [now] if status < 500 else {now, None}


def _is(stored: Hashable) -> bool:
    return stored is not None


@scenario("race.order", UPDATE, needs=both)
def bursts_have_an_order(context: Context) -> None:
    """What readers and writers of one session see at one instant fits one order of their calls."""
    register = _Register(context)
    if not register.names:
        raise NotChecked("the update changes nothing that reading shows")
    for number in range(4):
        session = context.alice.create().id
        start = len(context.world.journal)
        stored = register.begin(session)
        rows: list[Row] = [
            [partial(register.write, session, n), partial(register.read, session)]
            for n in range(MANY // 2)
        ]
        rows += [[partial(register.read, session)] * 2]
        if number % 2 and context.world.one(Role.SESSION_DELETE):
            rows += [[partial(register.delete, session), partial(register.read, session)]]
        sent = _burst(rows)
        sent += [register.read(session)]
        if not linear([call for call, _ in sent], stored):
            seen = ", ".join(
                f"{e.request.method} {e.response.status}" + _cells(register, e) for _, e in sent
            )
            expected = "answers at one instant that fit one order of the calls"
            context.fail(expected, seen[:600], exchanges=context.world.exchanges(start))
            return


def _cells(register: _Register, exchange: Exchange) -> str:
    found = entity(register.context.world.need(Role.SESSION_GET), exchange)
    if exchange.request.method != "GET" or not isinstance(found, dict):
        return ""
    return f" {list(register.cells(register.inner(found)))}"


def answered_at_once(document: Document, operation: Operation) -> str:
    """The answer to a message is JSON, and comes when the turn is over."""
    binding = operation.binding
    whole = binding is not None and binding.via == "body" and answers_json(operation)
    return "" if whole else "the answer is no JSON body"


@scenario(
    "race.talk",
    Role.MESSAGE_CREATE,
    needs=first_reason(answered_at_once, talkable),
)
def histories_have_an_order(context: Context) -> None:
    """What readers of a history see while turns run fits one order of what was said."""
    alice, history = context.alice, history_operation(context.world)
    session = alice.create().id
    start = len(context.world.journal)

    def say(n: int) -> Sent:
        draft = message_draft(alice, context.operation, session, [f"Order {n}."])
        draft.accept = "application/json"
        return _timed(partial(alice.send, draft), partial(_said, f"Order {n}."))

    def read() -> Sent:
        draft = alice.draft(history, session)
        page = history.binding.page if history.binding else None
        most = bounds(context.document, history, page.limit) if page else None
        if page and page.limit and most:
            put(context.document, draft, part_of(str(page.limit)), most)
        return _timed(partial(alice.send, draft), partial(_heard, context, history))

    before = _texts(context, history, read()[1])
    rows: list[Row] = [[partial(say, n), read, read] for n in range(MANY // 2)]
    sent = [*_burst([*rows, [read, read, read]]), read()]
    if before is not None and not linear([call for call, _ in sent], before):
        expected = "histories at one instant that fit one order of what was said"
        seen = str([_texts(context, history, e) for _, e in sent if e.request.method == "GET"])
        context.fail(expected, seen[:600], exchanges=context.world.exchanges(start))


def _texts(context: Context, history: Operation, exchange: Exchange) -> tuple[str, ...] | None:
    """What users said, as an answer shows it; None where it shows nothing."""
    location = history.binding.items if history.binding else ()
    items = pointers.first(exchange.response.json(), location)
    if not succeeded(exchange) or not isinstance(items, list):
        return None
    lines = context.alice.lines(history, items)
    said = [line.text or "" for line in lines if line.role == "user" and line.kind == "message"]
    return tuple(sorted(said))


def _heard(context: Context, history: Operation, exchange: Exchange) -> After:
    texts = _texts(context, history, exchange)
    return lambda now: [now] if texts in (None, now) else []


def _said(text: str, exchange: Exchange) -> After:
    def after(now: Hashable) -> Iterable[Hashable]:
        then = tuple(sorted((*now, text))) if isinstance(now, tuple) else now
        return [then] if succeeded(exchange) else {now, then}

    return after
