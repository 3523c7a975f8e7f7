"""What callers see at one instant has to fit one order of what they did."""

from collections.abc import Iterable
from itertools import permutations
from time import monotonic

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.contracts.conftest import Zoo, served
from tests.zoo.server import create_app

from sparring.contracts.driving.linear import Call, linear
from sparring.contracts.findings.report import Report
from sparring.contracts.suites import run
from sparring.spec.openapi.document import Document

ORDER = ["race.order", "race.talk"]


def write(begin: float, end: float, value: int) -> Call:
    return Call(begin, end, lambda now: [value])


def read(begin: float, end: float, value: int) -> Call:
    return Call(begin, end, lambda now: [now] if now == value else [])


class Stale:
    """Answers reads from copies for a while, as a cache does that no write clears."""

    def __init__(self, app: ASGIApp, age: float) -> None:
        self.app, self.age = app, age
        self.copies: dict[str, tuple[float, list[Message]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "GET" or path.count("/") < 2:
            await self.app(scope, receive, send)
            return
        made, copy = self.copies.get(path, (0.0, []))
        if monotonic() - made > self.age:
            copy = []

            async def keep(message: Message) -> None:
                copy.append(message)

            await self.app(scope, receive, keep)
            self.copies[path] = monotonic(), copy
        for message in copy:
            await send(message)


def broken(report: Report) -> set[str]:
    return {f"{finding.promise} {finding.operation}" for finding in report.findings}


def test_calls_at_one_instant_may_stand_in_any_order() -> None:
    assert linear([write(0, 9, 1), write(1, 8, 2), read(2, 7, 1), read(10, 11, 2)], 0)
    assert linear([write(0, 9, 1), read(1, 2, 0), read(3, 4, 1)], 0)


def test_a_call_that_has_ended_stands_before_what_begins_later() -> None:
    assert not linear([write(0, 1, 1), read(2, 3, 0)], 0)
    assert not linear([write(0, 9, 1), read(1, 2, 1), read(3, 4, 0)], 0)
    assert not linear([write(0, 1, 1), write(2, 3, 2), read(4, 5, 1)], 0)


def _explained(calls: Iterable[Call], order: tuple[int, ...]) -> bool:
    listed = list(calls)
    if any(listed[b].end < listed[a].begin for i, a in enumerate(order) for b in order[i + 1 :]):
        return False
    states: set[object] = {0}
    for n in order:
        states = {then for now in states for then in listed[n].after(now)}
    return bool(states)


CALLS = st.builds(
    lambda kind, begin, length, value: kind(begin, begin + length, value),
    st.sampled_from((write, read)),
    st.integers(0, 6),
    st.integers(1, 4),
    st.integers(0, 2),
)


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(st.lists(CALLS, max_size=5))
def test_the_search_finds_what_trying_every_order_finds(calls: list[Call]) -> None:
    orders = permutations(range(len(calls)))
    assert linear(calls, 0) == any(_explained(calls, order) for order in orders)


def test_the_right_server_has_an_order(zoo: Zoo, document: Document) -> None:
    report = run(zoo(), document, promises=ORDER)
    assert broken(report) == set()
    assert sum(outcome.state.value == "passed" for outcome in report.outcomes) >= 3


def test_a_lost_update_has_none(zoo: Zoo, document: Document) -> None:
    report = run(zoo("patch_lost"), document, promises=["race.order"])
    assert broken(report) == {"race.order PATCH /sessions/{session_id}"}


def test_a_stale_read_after_a_write_has_none(document: Document) -> None:
    with served(Stale(create_app(pace=0.002), age=0.5)) as url:
        found = broken(run(url, document, promises=ORDER))
    assert "race.order PUT /sessions/{session_id}" in found
    assert "race.talk POST /sessions/{session_id}/chat" in found
