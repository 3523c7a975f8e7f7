"""What makes the agent go on without a new message: an old question, a decision, a result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sparring.fixtures.playing.player import Heard
from sparring.spec import model, pointers
from sparring.spec.meaning.binding import Binding
from sparring.spec.model import Entry, Session
from sparring.spec.streams.framing import framing_of
from sparring.spec.turn import Kind

from ..requests.requests import Request
from ..responses.problems import Problem
from ..worlds.turns import Journal, read_log
from .incoming import Incoming, Said, plain
from .sessions import SessionHandler

Find = Callable[[Request, list[Entry]], Entry]
Read = Callable[[Request, Journal, Session], Awaitable[Said]]


def form_of(handler: SessionHandler) -> str:
    """How the agent's words come after an act whose document does not say it: as the only stream
    that it may answer with, else later."""
    if handler.binding.via != "none":
        return handler.binding.via
    offered = handler.responder.offered
    return "sse" if offered and all(map(framing_of, offered)) else "poll"


def compile_read(binding: Binding, incoming: Incoming, find: Find) -> Read | None:
    """What reads the requests of an act after which the agent goes on, None for other acts.

    `find` gives the question that is to be answered again.
    """

    async def results(request: Request, journal: Journal, session: Session) -> Said:
        return incoming.results(request, journal, session)

    async def decision(request: Request, journal: Journal, session: Session) -> Said:
        call = _call_of(binding, request) or session.waiting
        data = {"id": call, "approved": binding.decision(request)}
        entry = journal.entry(session, Kind.APPROVAL, "user", data=data)
        return Said([entry], Heard(kind="approval", tool=data))

    async def again(request: Request, journal: Journal, session: Session) -> Said:
        """The question; what stood behind it is taken back."""
        log = await read_log(request.world, session.id)
        question = find(request, log)
        journal.turn = question.turn
        text, entries = question.text, []
        if binding.effect == "edit":
            text = plain(binding.input.read(request)) or "" if binding.input is not None else text
            edit = {"of": question.id, "text": text, "extra": {}}
            entries.append(journal.entry(session, Kind.EDIT, "user", data=edit))
        attempt = 1 + sum(e.kind is Kind.DELETION and "behind" in e.data for e in log)
        point = model.before(log, question.position)
        if model.take_back(session, log, point, question.position):
            gone = {"behind": question.position}
            entries.append(journal.entry(session, Kind.DELETION, "user", data=gone))
        return Said(entries, Heard(text), attempt=attempt)

    known = {"answer": results, "approve": decision, "regenerate": again, "edit": again}
    return known.get(binding.effect)


def _call_of(binding: Binding, request: Request) -> str | None:
    """The tool call that a request names, None where it names none."""
    if binding.tool_call is not None:
        id = pointers.first(request.body, binding.tool_call)
    else:
        id = binding.target.read(request) if binding.target is not None else None
    return None if id is None else str(id)


def last_question(entries: list[Entry]) -> Entry:
    """What the user said last. Raises Problem 409."""
    for entry in reversed(entries):
        if entry.kind is Kind.MESSAGE and entry.role != "agent":
            return entry
    raise Problem(409, "H409", "The user has said nothing that could be answered again.")
