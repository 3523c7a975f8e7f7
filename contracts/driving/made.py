"""Which sessions a request has made, so that they are cleared away."""

from __future__ import annotations

from collections.abc import Iterator

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Operation
from sparring.spec.openapi.drafts import scalar, template_place
from sparring.spec.streams.framing import framing_of
from sparring.spec.streams.sse import Overflow

from ..world import World, succeeded

TALKING = (Role.MESSAGE_CREATE, Role.RUN_CREATE)
"""The roles of requests that make an agent work."""
LONGEST_ID = 4096


def id_in(operation: Operation, exchange: Exchange) -> str:
    """The id of the session in the answer of a create; empty when there is none of use."""
    binding = operation.binding
    return _id(pointers.first(exchange.response.json(), binding.id if binding else ("id",)))


def makes_sessions(operation: Operation) -> bool:
    """Whether an operation may make a session: by itself, as a copy, or by the first message."""
    binding = operation.binding
    return binding is not None and (
        binding.role is Role.SESSION_CREATE or binding.role in TALKING or _copies(operation)
    )


def sessions_in(
    world: World, operation: Operation, exchange: Exchange, aimed: object = None
) -> list[str]:
    """The ids of the sessions that a request has made: those of which its answer or an event of it
    speaks; `aimed`, which it names, where the first use of an id makes a session."""
    binding = operation.binding
    if binding is None or not makes_sessions(operation) or not succeeded(exchange):
        return []
    named = _id(aimed)
    found = list(dict.fromkeys(filter(None, _told(world, operation, exchange))))
    if not binding.implicit:
        return [id for id in found if id != named]
    return found or ([named] if named else [])


def _told(world: World, operation: Operation, exchange: Exchange) -> Iterator[str]:
    """The ids of which an answer speaks."""
    assert operation.binding is not None
    if framing_of(exchange.response.media_type):
        yield _streamed(world, operation, exchange)
        return
    if operation.binding.role is Role.SESSION_CREATE or _copies(operation):
        yield id_in(operation, exchange)
    if at := template_place(world.document, operation, "session.id"):
        yield _id(pointers.first(exchange.response.json(), at))


def _streamed(world: World, operation: Operation, exchange: Exchange) -> str:
    """The id in the first event that has one."""
    stream = world.stream(operation)
    framing = framing_of(exchange.response.media_type)
    if framing is None or not any("session.id" in e.places for e in stream.events.values()):
        return ""
    try:
        events = framing.parser().feed(exchange.response.body)
    except Overflow:
        return ""
    return next((_id(id) for event in events if (id := stream.read(event).session)), "")


def _copies(operation: Operation) -> bool:
    binding = operation.binding
    return binding is not None and (binding.effect == "fork" or binding.branches)


def _id(value: object) -> str:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_ID else ""
    return scalar(value) if isinstance(value, int) and not isinstance(value, bool) else ""
