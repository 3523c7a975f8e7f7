"""The roles of operations on messages."""

from __future__ import annotations

from ...meaning.binding import Role
from .evidence import Call, Evidence
from .paths import ITEM
from .shapes import only_streams
from .verdict import Verdict, nothing
from .words import ASKED, MESSAGE, Noun, Verb, singular, words_of

_ONE = {
    "GET": (Role.MESSAGE_GET, 0.0),
    "DELETE": (Role.MESSAGE_DELETE, 0.0),
    "PUT": (Role.MESSAGE_UPDATE, 0.0),
    "PATCH": (Role.MESSAGE_UPDATE, 0.0),
    "POST": (Role.MESSAGE_UPDATE, 0.1),
}
_ALL = {
    "GET": (Role.MESSAGE_LIST, 0.0),
    "POST": (Role.MESSAGE_CREATE, 0.0),
    "PUT": (Role.MESSAGE_CREATE, 0.15),
    "DELETE": (Role.MESSAGE_CLEAR, 0.0),
    "PATCH": (Role.MESSAGE_UPDATE, 0.3),
}
_CALLED = {
    Verb.GET: Role.MESSAGE_GET,
    Verb.UPDATE: Role.MESSAGE_UPDATE,
    Verb.DELETE: Role.MESSAGE_DELETE,
    Verb.CLEAR: Role.MESSAGE_CLEAR,
    Verb.STOP: Role.RUN_ACT,
}
_SENDING = (Verb.CREATE, Verb.SEND, Verb.STREAM, Verb.WAIT, Verb.BATCH)


def message_role(call: Call, evidence: Evidence) -> Verdict:
    """The role of a call whose path ends at messages."""
    value, holder = evidence.talk(call)
    if value <= 0:
        return nothing(f"nothing shows that {call.part.text} belongs to a talk")
    if call.verb is not None:
        return _called(call, value, holder)
    return (_one if call.part.item else _all)(call, evidence, value, holder)


def _one(call: Call, evidence: Evidence, value: float, holder: str) -> Verdict:
    """A request to one message, or to those of the talk whose id stands where one's would."""
    if call.method in ("GET", "DELETE") and _is_keyed_by_holder(call, evidence):
        return Verdict(_ALL[call.method][0], value - 0.08, f"{call.what}, the messages of one talk")
    methods = evidence.paths.methods((*call.part.key, ITEM))
    if call.method == "POST" and methods & {"PUT", "PATCH"}:  # those update it
        return Verdict(Role.MESSAGE_CREATE, value - 0.25, f"{call.what} replies to one message")
    role, less = _ONE.get(call.method, (None, 0.0))
    return Verdict(role, value - less, f"{call.what}, one message of {holder}")


def _is_keyed_by_holder(call: Call, evidence: Evidence) -> bool:
    """Whether the id in `messages/{id}` is that of a talk: it answers with a list."""
    parameter = call.part.text.rsplit("/", 1)[-1]
    if MESSAGE.intersection(map(singular, words_of(parameter))):
        return False
    return any(
        operation.method == "GET" and evidence.shapes.answer(operation).array == ""
        for operation in evidence.paths.operations((*call.part.key, ITEM))
    )


def _all(call: Call, evidence: Evidence, value: float, holder: str) -> Verdict:
    """A request to all messages of a talk."""
    if evidence.is_beside_messages(call):
        followed = ("event", "history", "transcript", "memory")
        if call.method == "POST" or call.part.term.head not in followed:
            return nothing(f"{call.what} is no message: there are messages beside it")
        value -= 0.12
    if call.method == "GET" and only_streams(call.operation):
        return Verdict(Role.MESSAGE_SUBSCRIBE, value - 0.05, f"{call.what} streams {holder}")
    reads = call.reads or call.part.term.head == "history"  # nobody writes to a history
    if call.method == "POST" and reads and not evidence.shapes.carries_text(call.operation):
        return Verdict(Role.MESSAGE_LIST, value - 0.1, f"{call.what} reads messages of {holder}")
    role, less = _ALL.get(call.method, (None, 0.0))
    return Verdict(role, value - less, f"{call.what}, the messages of {holder}")


def _called(call: Call, value: float, holder: str) -> Verdict:
    """A verb in the path, on one message or on all."""
    verb, part, action = call.verb, call.part, call.action
    said = set(map(singular, words_of(call.reading.action)))
    if said & ASKED and verb is not Verb.STOP:
        return Verdict(Role.SESSION_ACT, value - 0.15, f"{action} answers what the agent asked")
    several = part.term.plural and not part.item and not said & {"retrieve", "info", "detail"}
    if verb is Verb.LIST or (verb is Verb.GET and several):
        return Verdict(Role.MESSAGE_LIST, value - 0.03, f"{action}, the messages of {holder}")
    if verb is Verb.SEARCH:
        above = call.reading.above()
        if above is None or above.noun is not Noun.SESSION or not above.item:
            return nothing(f"{action} searches across sessions")
        return Verdict(Role.MESSAGE_LIST, value - 0.06, f"{action}, the messages of {holder}")
    if verb is Verb.STREAM and call.method == "GET":
        return Verdict(Role.MESSAGE_SUBSCRIBE, value - 0.05, f"{action} follows {holder}")
    if verb in _SENDING and call.method in ("POST", "PUT") and not part.item:
        return Verdict(Role.MESSAGE_CREATE, value - 0.02, f"{action} says something to {holder}")
    if verb in _CALLED:
        return Verdict(_CALLED[verb], value - 0.05, f"{action}, messages of {holder}")
    return nothing(f"{action} does nothing to messages")
