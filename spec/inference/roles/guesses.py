"""The role of each operation of a sessions API, from its document alone."""

from __future__ import annotations

from dataclasses import dataclass

from ...meaning.binding import Role
from ...openapi.document import Document, Operation
from .evidence import Call, Evidence
from .messages import message_role
from .paths import Reading
from .runs import run_role
from .sessions import session_role
from .shapes import streams
from .verdict import ELSEWHERE, NOTHING, Verdict, nothing
from .words import ASKED, NESTED, STRONG_OWNER, Noun, Verb, names_a_session, singular, words_of

_NOT_SAID = (Verb.ASIDE, Verb.SEARCH, Verb.ACT, Verb.STOP)


@dataclass(frozen=True, slots=True)
class Guess:
    """What an operation seems to mean; `role` is None where it is no part of a sessions API."""

    operation: Operation
    role: Role | None
    confidence: float
    reason: str


def infer_roles(document: Document) -> list[Guess]:
    """The role of each operation, in document order, how sure it is (0 to 1), and why."""
    evidence = Evidence(document)
    if not evidence.has_a_talk and (unnamed := evidence.unnamed()):
        evidence = Evidence(document, unnamed)
    guesses = []
    for operation in document.operations:
        found = _verdict(operation, evidence)
        guesses.append(Guess(operation, found.role, round(found.confidence, 2), found.reason))
    return guesses


def _verdict(operation: Operation, evidence: Evidence) -> Verdict:
    reading = evidence.paths.read(operation.path)
    if reading.elsewhere:
        return ELSEWHERE
    found = NOTHING
    if reading.last is not None:
        found = _by_path(Call(operation, reading, reading.last), evidence)
    if found.role is None:
        found = max(found, _by_request(operation, reading, evidence), key=_has_role)
    return found


def _has_role(verdict: Verdict) -> bool:
    return verdict.role is not None


def _by_path(call: Call, evidence: Evidence) -> Verdict:
    """What the last resource of the path makes of an operation."""
    match call.part.noun:
        case Noun.SESSION if call.part.key in evidence.turns:
            return message_role(call, evidence)
        case Noun.SESSION:
            return session_role(call, evidence)
        case Noun.MESSAGE:
            return message_role(call, evidence)
        case Noun.RUN:
            return run_role(call, evidence)
        case Noun.SUGGESTION:
            return _suggestion(call, evidence)
        case Noun.OTHER:
            return _below(call, evidence)
    return NOTHING


def _suggestion(call: Call, evidence: Evidence) -> Verdict:
    above = call.reading.above()
    held = above is not None and above.noun in (Noun.SESSION, Noun.MESSAGE, Noun.RUN)
    if call.method in ("GET", "POST") and (held or evidence.shapes.carries_session(call.operation)):
        return Verdict(Role.SUGGESTION_LIST, 0.92, f"{call.what}, what to say next")
    return NOTHING


def _below(call: Call, evidence: Evidence) -> Verdict:
    """Something unknown, perhaps below a session, a message or a run."""
    part, above, upper = call.part, call.reading.above(), call.above()
    if call.method == "POST" and ASKED.intersection(part.term.words):
        held = [upper.noun for upper in call.reading.chain if upper.item]
        acts = {Noun.SESSION: Role.SESSION_ACT, Noun.RUN: Role.RUN_ACT}
        asked = next((acts[noun] for noun in held if noun in acts), None)
        if asked is not None:
            return Verdict(asked, 0.83, f"{call.what} answers what the agent asked")
    if above is None or upper is None or not above.item or part.item:
        return NOTHING
    if above.noun is Noun.MESSAGE and call.method == "GET" and part.term.head == "event":
        value, holder = evidence.talk(upper)
        if value > 0 and streams(call.operation):
            return Verdict(Role.MESSAGE_SUBSCRIBE, value - 0.1, f"{call.what} streams {holder}")
        if value > 0:
            return Verdict(Role.MESSAGE_LIST, value - 0.25, f"{call.what}, events of {holder}")
    if above.noun is Noun.RUN and call.method == "POST":
        value = evidence.run(upper)
        if value > 0 and call.verb in (Verb.EXECUTE, Verb.ACT, Verb.STOP):
            return Verdict(Role.RUN_ACT, value - 0.03, f"{call.what} acts on one run")
    if above.noun is Noun.SESSION and evidence.session(above) > 0:
        return _below_session(call, evidence, evidence.session(above))
    return NOTHING


def _below_session(call: Call, evidence: Evidence, value: float) -> Verdict:
    """A name below one session: something it has, or something that is done to it."""
    part, above, verb = call.part, call.reading.above(), call.verb
    if call.method == "GET" and above is not None and evidence.is_state(above, part):
        reason = f"{call.what}, the state that holds the messages"
        return Verdict(Role.SESSION_GET, value - 0.15, reason)
    kept = evidence.paths.methods(part.key) != {"POST"} or evidence.paths.has_items(part.key)
    if call.method != "POST" or kept:
        return nothing(f"{part.text} is something else that a session has")
    nested = bool(NESTED.intersection(part.term.words))
    says = verb in (None, Verb.EXECUTE) and evidence.shapes.carries_text(call.operation)
    if not nested and (says or verb is Verb.SEND):
        reason = f"{call.what} says something to one session"
        return Verdict(Role.MESSAGE_CREATE, value - 0.1, reason)
    less = None if nested else 0.25 if verb is None and not part.term.plural else None
    if not nested and verb in (Verb.ACT, Verb.STOP, Verb.EXECUTE, Verb.CLEAR):
        less = 0.1
    elif not nested and (verb is Verb.UPDATE or (verb is None and call.said is Verb.UPDATE)):
        less = 0.18
    if less is not None:
        return Verdict(Role.SESSION_ACT, value - less, f"{call.what} acts on one session")
    return nothing(f"{part.text} is something else that a session has")


def _by_request(operation: Operation, reading: Reading, evidence: Evidence) -> Verdict:
    """What a request makes of an operation whose path says little: it names a session."""
    last, verb, shapes = reading.last, reading.verb, evidence.shapes
    what = f"{operation.method} on {operation.path}"
    if operation.method == "GET" and len(reading.chain) < 2 and streams(operation):
        words = set(map(singular, words_of(operation.path.rsplit("/", 1)[-1])))
        if words & {"event", "stream", "subscribe"} and evidence.has_a_talk:
            return Verdict(Role.MESSAGE_SUBSCRIBE, 0.85, f"{what} streams events")
    if operation.method != "POST":
        return NOTHING
    to_agent = any(
        part.item and (part.term.head in STRONG_OWNER or (part is last and part.noun is Noun.OWNER))
        for part in reading.chain
    )
    if verb is Verb.SEND and to_agent and shapes.carries_text(operation):
        return Verdict(Role.MESSAGE_CREATE, 0.8, f"{what} asks an agent")
    if last is not None and evidence.is_something_else(last):
        return NOTHING
    owned = last is None or last.noun is Noun.OWNER
    if shapes.carries_session(operation):
        if shapes.carries_text(operation) and verb not in _NOT_SAID:
            reason = f"{what} carries a text and the session it is for"
            return Verdict(Role.MESSAGE_CREATE, 0.85, reason)
        if owned and verb in (Verb.ACT, Verb.STOP):
            return Verdict(Role.SESSION_ACT, 0.75, f"{what} acts on the session it names")
    answers = any(map(names_a_session, shapes.answer(operation).members))
    asks = verb in (None, Verb.SEND, Verb.EXECUTE, Verb.STREAM) and shapes.asks(operation)
    if asks and answers:
        reason = f"{what} takes a text and answers with its session"
        return Verdict(Role.MESSAGE_CREATE, 0.75, reason)
    return NOTHING
