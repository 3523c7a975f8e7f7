"""What holds however many sessions there are, and however slowly one reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import median

from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.streams.events import Seen
from sparring.spec.turn import TERMINAL, Kind

from ..checks import Context, NotChecked, first_reason, scenario, show
from ..driving.comparing import has
from ..driving.lists import bounds
from ..driving.turns import say, talk_of
from ..target.target import Limits
from .resuming import SUBSCRIBE, subscription, talkable
from .streams import modelled

FEW, MANY, SAMPLES, ENOUGH = 2, 60, 15, 3.0
FILLER = "\N{WHALE}"  # four bytes for each character that the document allows
LEAST = 0.005
"""Seconds below which a growth is noise."""


def stated(promise: str, *names: str) -> Callable[[Document, Operation], str]:
    """Needs parameters that the document states."""

    def reason(document: Document, operation: Operation) -> str:
        said = operation.promises.get(promise, {})
        return "" if any(name in said for name in names) else "the document states no bound"

    reason.__doc__ = f"The document states {' or '.join(f'`{name}`' for name in names)}."
    return reason


@scenario(
    "response.time",
    Role.SESSION_GET,
    Role.SESSION_LIST,
    needs=first_reason(
        stated("response.time", "median", "growth"), has(Role.SESSION_CREATE, Role.SESSION_GET)
    ),
)
def reads_stay_fast(context: Context) -> None:
    """The median of many reads is within its bound, and the fastest one among many sessions is
    not much slower than among few."""
    said = context.operation.promises["response.time"]
    binding = context.operation.binding
    assert binding is not None
    first, *_ = [context.alice.create().id for _ in range(FEW)]
    query = {}
    if binding.page.limit:
        query = {
            str(binding.page.limit): min(
                20, bounds(context.document, context.operation, binding.page.limit) or 20
            )
        }

    def read() -> Exchange:
        if binding.role is Role.SESSION_LIST:
            return context.alice.page(context.operation, None, query).exchange
        if binding.active:
            return context.alice.expect(context.alice.draft(context.operation))
        return context.alice.get(first, context.operation)

    read()
    among_few, least_few = usual(read)
    most, growth = (float(said.get(name, math.inf)) for name in ("median", "growth"))
    if among_few > most:
        context.fail(f"an answer within {most:g} s", f"{among_few:.2f} s among few sessions")
        return
    for _ in range(MANY):
        context.alice.create()
    among_many, least_many = usual(read)
    if among_many > most:
        context.fail(f"an answer within {most:g} s", f"{among_many:.2f} s among many sessions")
    if least_many > max(least_few, LEAST) * growth:
        told = f"{least_many * 1000:.1f} ms with {MANY} more, {least_few * 1000:.1f} ms without"
        context.fail(f"at most {growth:g} times as long among many sessions", told)


def usual(read: Callable[[], Exchange]) -> tuple[float, float]:
    """The median and the least of the seconds that a read takes; of a slow one fewer are made."""
    seconds = [read().seconds]
    while len(seconds) < SAMPLES and sum(seconds) < ENOUGH:
        seconds.append(read().seconds)
    return median(seconds), min(seconds)


@scenario(
    "stream.slow",
    SUBSCRIBE,
    needs=first_reason(stated("stream.slow", "bytes"), modelled, talkable),
)
def slow_readers_miss_nothing(context: Context) -> None:
    """Who begins to read when much has been said already gets all of it, in order."""
    talk = talk_of(context.world)
    most = int(context.operation.promises["stream.slow"]["bytes"])
    sizes = (90_000, 30_000, 10_000, 2_000, 500)
    fits = [n for n in sizes if context.world.bodies.message(talk, [FILLER * (n + 9)]) is not None]
    if not fits:
        raise NotChecked("the operation does not take this text")
    size = fits[0] * len(FILLER.encode())
    texts = [f"{n} {FILLER * fits[0]}" for n in range(min(math.ceil(most / size), 100))]
    session = context.alice.create()
    reader = context.world.stream(context.operation)
    got: list[Seen] = []
    limits = Limits(seconds=30, size=4 * most + 2**20)
    with context.alice.open(subscription(context, session.id, None, 2), limits) as stream:
        for text in texts:
            say(context.alice, talk, session.id, text)
        for arrival in stream.events():
            got.append(reader.read(arrival.event))
            if sum(seen.kind in TERMINAL for seen in got) == len(texts):
                break
    ends = sum(seen.kind in TERMINAL for seen in got)
    if ends != len(texts):
        seen = f"the ends of {ends} turns of {len(texts)}"
        context.fail("every turn for a reader that was behind", seen)
    said = [s.text for s in got if s.kind is Kind.MESSAGE and s.role == "user"]
    if said and said != texts:
        seen = f"messages {show([text.split(' ')[0] for text in said if text])}"
        context.fail("every message, in order, for a reader that was behind", seen)
