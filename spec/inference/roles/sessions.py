"""The roles of operations on sessions."""

from __future__ import annotations

from ...meaning.binding import Role
from .evidence import Call, Evidence
from .paths import ITEM
from .shapes import Shape
from .verdict import NOTHING, Verdict, nothing
from .words import MESSAGE, Verb, names_a_session, singular, words_of

_ONE = {
    "GET": Role.SESSION_GET,
    "DELETE": Role.SESSION_DELETE,
    "PUT": Role.SESSION_UPDATE,
    "PATCH": Role.SESSION_UPDATE,
}
_NAMES = ("name", "title", "rename")


def session_role(call: Call, evidence: Evidence) -> Verdict:
    """The role of a call whose path ends at sessions."""
    value = evidence.session(call.part)
    if value <= 0:
        return nothing(f"nothing shows that {call.part.text} is a talk")
    if call.verb is not None:
        return _called(call, evidence, value)
    return (_one if call.part.item else _all)(call, evidence, value)


def _one(call: Call, evidence: Evidence, value: float) -> Verdict:
    """A request to one session."""
    reason = f"{call.what}, one session"
    if call.method == "GET" and evidence.shapes.answer(call.operation).array == "":
        return Verdict(Role.MESSAGE_LIST, value - 0.2, f"{call.what} answers with a list")
    if call.method != "POST":
        return Verdict(_ONE.get(call.method), value, reason)
    if evidence.shapes.carries_text(call.operation):
        return Verdict(Role.MESSAGE_CREATE, value - 0.1, f"{reason}, with a text")
    if call.said is Verb.CREATE:
        return Verdict(Role.SESSION_CREATE, value - 0.1, f"{call.what} creates it by its id")
    if call.said in (Verb.ACT, Verb.STOP, Verb.EXECUTE):
        return Verdict(Role.SESSION_ACT, value - 0.2, reason)
    sure = value - (0.02 if call.said is Verb.UPDATE else 0.12)
    return Verdict(Role.SESSION_UPDATE, sure, reason)


def _all(call: Call, evidence: Evidence, value: float) -> Verdict:
    """A request to the collection, or to the only session that there is."""
    reason = f"{call.what}, a collection of sessions"
    single = not call.part.term.plural and not evidence.paths.has_items(call.part.key)
    answer = evidence.shapes.answer(call.operation)
    if call.method == "GET":
        if single and _lists_messages(answer):
            return Verdict(Role.MESSAGE_LIST, value - 0.12, f"{call.what}, messages of a session")
        if single and answer.array is None:
            return Verdict(Role.SESSION_GET, value - 0.15, f"{call.what}, the only session")
        return Verdict(Role.SESSION_LIST, value, reason)
    if call.method == "POST":
        if evidence.shapes.carries_text(call.operation):
            if evidence.shapes.carries_session(call.operation):
                reason = f"{call.what} carries a text and the session it is for"
                return Verdict(Role.MESSAGE_CREATE, 0.92, reason)
            if single:
                if any(map(names_a_session, answer.members)):
                    return Verdict(Role.MESSAGE_CREATE, 0.75, f"{call.what} carries a text")
                return nothing(f"{call.what} keeps no session")
        if call.reads:
            return Verdict(Role.SESSION_LIST, value - 0.1, f"{call.what} reads sessions")
        return Verdict(Role.SESSION_CREATE, value, reason)
    role, less = {
        "DELETE": (Role.SESSION_DELETE, 0.02),
        "PUT": (Role.SESSION_CREATE, 0.25),
        "PATCH": (Role.SESSION_UPDATE, 0.25),
    }.get(call.method, (None, 0.0))
    return Verdict(role, value - less, reason)


def _lists_messages(answer: Shape) -> bool:
    words = set(map(singular, words_of(answer.array or "")))
    return bool(words & (MESSAGE | {"history", "item", "event"}))


def _answers_with_one(call: Call, evidence: Evidence) -> bool:
    """Whether the answer is what reading one session by its id gives: `/sessions/active`."""
    members = evidence.shapes.answer(call.operation).members
    one = evidence.paths.operations((*call.part.key, ITEM))
    reads = (evidence.shapes.answer(o).members for o in one if o.method == "GET")
    return bool(members) and not call.part.item and members in reads


def _called(call: Call, evidence: Evidence, value: float) -> Verdict:
    """A verb in the path, on one session or on the collection."""
    verb, part, action = call.verb, call.part, call.action
    says = evidence.shapes.carries_text(call.operation)
    one = part.item or evidence.shapes.carries_session(call.operation)
    if call.method == "POST" and not evidence.paths.has_items(part.key):
        one = one or bool(evidence.shapes.request(call.operation).members)  # a call by any id
    compound = len(part.term.words) > 1 and part.term.verb is verb  # `get-sessions`
    begins = not part.item and call.reading.action.startswith("init")
    far = 0.0 if part.item else 0.08  # the path does not name the session
    if (verb is Verb.CREATE or begins) and call.method != "GET":
        if compound and part.term.plural:
            return nothing(f"{action} does not create one session")
        return Verdict(Role.SESSION_CREATE, value - 0.03, f"{action}, a collection of sessions")
    if verb is Verb.LIST and call.method == "GET" and _answers_with_one(call, evidence):
        return Verdict(Role.SESSION_GET, value - 0.08, f"{action}, one session that it chooses")
    if verb in (Verb.LIST, Verb.SEARCH):
        if part.item:
            return nothing(f"{action} looks into one session")
        return Verdict(Role.SESSION_LIST, value - 0.03, f"{action}, a collection of sessions")
    if verb is Verb.GET and part.item and call.method != "GET":
        return Verdict(Role.SESSION_ACT, value - 0.28, f"{action} marks one session")
    if verb is Verb.GET:
        several = compound and part.term.plural and not one
        role = Role.SESSION_LIST if several else Role.SESSION_GET
        reason = f"{action}, sessions" if several else f"{action}, one session"
        return Verdict(role, value - 0.05 - far / 2, reason)
    if verb in (Verb.UPDATE, Verb.DELETE):
        role = Role.SESSION_UPDATE if verb is Verb.UPDATE else Role.SESSION_DELETE
        return Verdict(role, value - 0.05 - far, f"{action}, one session")
    if verb is Verb.CLEAR and one and call.reading.action == "reset":
        return Verdict(Role.SESSION_ACT, value - 0.28, f"{action} begins one session anew")
    if verb is Verb.CLEAR and one:
        return Verdict(Role.MESSAGE_CLEAR, value - 0.1, f"{action}, one session")
    if verb is Verb.CLEAR:
        return Verdict(Role.SESSION_DELETE, value - 0.3, f"{action}, a collection of sessions")
    if verb is Verb.SEND and call.method in ("POST", "PUT"):
        sure = value if says else value - 0.12
        return Verdict(Role.MESSAGE_CREATE, sure, f"{action} says something to the session")
    if verb in (Verb.STREAM, Verb.WAIT) and call.method == "POST" and says:
        sure = value - (0.04 if one else 0.25)
        return Verdict(Role.MESSAGE_CREATE, sure, f"{action} carries a text to the session")
    if verb is Verb.STREAM and part.item:
        return Verdict(Role.MESSAGE_SUBSCRIBE, value - 0.06, f"{action} follows one session")
    if verb is Verb.EXECUTE and says:
        return Verdict(Role.MESSAGE_CREATE, value - 0.15, f"{action} carries a text to the session")
    if verb in (Verb.ACT, Verb.STOP, Verb.EXECUTE) and one:
        if call.method in ("PUT", "PATCH") and words_of(call.reading.action)[0] in _NAMES:
            return Verdict(Role.SESSION_UPDATE, value - 0.2, f"{action} changes one session")
        sure = value - (0.2 if says or not part.item else 0.05)
        return Verdict(Role.SESSION_ACT, sure, f"{action}, one session")
    return NOTHING
