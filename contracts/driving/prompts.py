"""What makes an agent do more than answer: call tools, ask first, fail."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from sparring.spec import pointers
from sparring.spec.openapi.document import Operation
from sparring.spec.openapi.drafts import template_place
from sparring.spec.turn import Kind

from ..world import Blocked, Prompts
from .driver import User
from .turns import Turn, say, streams

ORDINARY = ("Good morning!", "Tell me a story about the sea.")
USUAL = (
    "What's the weather in Paris right now?",
    "Search the web with your tool: a lookup of today's news, please.",
    "Calculate 17 * 23 with your calculator.",
    "Propose to book a table for two, and do nothing before I approve it.",
    "Please fail: end this turn with an error.",
)
"""What agents that are made for trials answer with tools, with a question, or with an error; none
of it asks for anything that could not be undone."""
MOST = 4  # texts of one effect
SHOWN = 6  # texts of the document
AT_ONCE = 6  # texts
FAILED = "it fails"


def texts(user: User, operation: Operation) -> list[str]:
    """What may bring out more than a reply: the texts of the target's file; without any those that
    the document shows, then the usual ones."""
    if user.world.given.texts:
        return list(user.world.given.texts)
    return list(dict.fromkeys([*islice(_shown(user, operation), SHOWN), *USUAL]))


def _shown(user: User, operation: Operation) -> Iterator[str]:
    """The texts that the document has an example send."""
    place = operation.binding.input if operation.binding else None
    if place is None or place.part != "body":
        return
    for media in operation.body.values():
        path = tuple(map(str, media.schema[:-1])) if media.schema else ()
        node = pointers.first(user.world.document.source.tree, path)
        node = node if isinstance(node, dict) else {}
        examples = node.get("examples")
        more = examples.values() if isinstance(examples, dict) else ()
        for value in (node.get("example"), *(e.get("value") for e in more if e)):
            text = pointers.first(value, pointers.split(place.name))
            if isinstance(text, str):
                yield text


def prompts(user: User, operation: Operation) -> Prompts:
    """What makes the agent do more than answer, when it is said with an operation.

    It is found by saying it; not where a run may say only so much.
    """
    world = user.world
    with world.learning:
        if operation.label not in world.prompts:
            few = world.target.meter.budget.messages is not None and not world.given.texts
            world.prompts[operation.label] = Prompts() if few else _learn(user, operation)
        return world.prompts[operation.label]


def talk_on(
    user: User, operation: Operation, session: str, *texts: str, stream: bool
) -> Iterator[Turn]:
    """Turns of one session: of these texts, then of those that make the agent do more, as long as
    they are taken: a call that waits may have to be answered first. Raises Blocked."""
    for text in texts:
        yield say(user, operation, session, text, stream=stream)
    for text in prompts(user, operation).telling:
        try:
            yield say(user, operation, session, text, stream=stream)
        except Blocked:
            return


def _learn(user: User, operation: Operation) -> Prompts:
    apart = replace(user.world, journal=[], made=[])  # what is said here is evidence of nothing
    speaker = User(apart, user.key, user.person, user.number)
    said = [*ORDINARY, *texts(user, operation)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        learned = list(pool.map(partial(_found, speaker, operation), said))
    known: set[str] = set()
    telling: list[str] = []
    failing: list[str] = []
    for text, found in zip(said, learned, strict=True):
        if FAILED in found:
            failing += [text]
            continue
        telling += [text] if text not in ORDINARY and found - known else []
        known |= found
    return Prompts(tuple(telling[:MOST]), tuple(failing[:MOST]))


def _found(user: User, operation: Operation, text: str) -> frozenset[str]:
    """What tells the answer to a text from others; the answer itself, which may be large, goes."""
    try:
        turn = say(user, operation, user.create().id, text, stream=streams(operation))
        failed = any(seen.kind is Kind.ERROR for seen in turn.events)
        return frozenset({FAILED} if failed else _traits(user, operation, turn))
    except Exception:  # no answer, or one of any shape: it tells nothing
        return frozenset()


def _traits(user: User, operation: Operation, turn: Turn) -> Iterator[str]:
    """What tells an answer from others: the kinds of its events, what is filled in, how it ends."""
    shapes = user.world.stream(operation).events
    for seen in turn.events:
        kind = seen.kind or seen.raw.event
        yield from (f"{kind} {place}" for place in _filled(seen.data))
        shape = shapes.get(Kind.DONE) if seen.kind is Kind.DONE else None
        if shape and (place := shape.places.get("turn.finish")):
            yield f"ends with {pointers.first(seen.data, place)}"
    if turn.events and not turn.finished:
        yield "nothing says that it ends"
    if not turn.events:
        body = turn.exchange.response.json()
        yield from _filled(body)
        at = template_place(user.world.document, operation, "turn.finish")
        yield f"ends with {pointers.first(body, at) if at else None}"
    if turn.run is not None:
        yield f"the run is {turn.run.state}"


def _filled(value: Any, at: str = "") -> Iterator[str]:
    """The places in a value where something stands; all items of an array are in one."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _filled(inner, f"{at}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _filled(inner, f"{at}/*")
    elif value not in (None, ""):
        yield at
