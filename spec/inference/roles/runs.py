"""The roles of operations on the runs of an agent."""

from __future__ import annotations

from ...meaning.binding import Role
from .evidence import Call, Evidence
from .verdict import NOTHING, Verdict, nothing
from .words import Verb

_ONE = {
    "GET": Role.RUN_GET,
    "DELETE": Role.RUN_DELETE,
    "PUT": Role.RUN_UPDATE,
    "PATCH": Role.RUN_UPDATE,
    "POST": Role.RUN_UPDATE,
}
_ACTING = (Verb.ACT, Verb.STOP, Verb.EXECUTE)


def run_role(call: Call, evidence: Evidence) -> Verdict:
    """The role of a call whose path ends at runs."""
    value = evidence.run(call)
    if value <= 0:
        return nothing(f"nothing shows that {call.part.text} is an agent at work")
    return (_one if call.part.item else _all)(call, value)


def _one(call: Call, value: float) -> Verdict:
    verb, method = call.verb, call.method
    if verb is None and method == "POST" and call.said is not Verb.UPDATE:
        sure = value - (0.04 if call.said in _ACTING else 0.2)
        return Verdict(Role.RUN_ACT, sure, f"{call.what}, one run")
    if verb is None:
        return Verdict(_ONE.get(method), value, f"{call.what}, one run")
    reason = f"{call.action}, one run"
    if verb is Verb.STREAM:
        return Verdict(Role.RUN_SUBSCRIBE, value - 0.02, f"{call.action} follows one run")
    if method == "GET" and verb in (Verb.WAIT, Verb.GET, Verb.ACT):
        return Verdict(Role.RUN_GET, value - 0.04, reason)
    if verb in (*_ACTING, Verb.SEND):
        return Verdict(Role.RUN_ACT, value - 0.02, reason)
    if verb is Verb.UPDATE:
        return Verdict(Role.RUN_UPDATE, value - 0.05, reason)
    if verb is Verb.DELETE:
        return Verdict(Role.RUN_DELETE, value - 0.05, reason)
    return nothing(f"{call.action} does nothing to a run")


def _all(call: Call, value: float) -> Verdict:
    verb, method = call.verb, call.method
    if verb is None:
        reason = f"{call.what}, a collection of runs"
        if method in ("POST", "PUT"):
            return Verdict(Role.RUN_CREATE, value, f"{call.what} sets an agent to work")
        if method == "GET":
            return Verdict(Role.RUN_LIST, value, reason)
        if method == "DELETE":
            return Verdict(Role.RUN_DELETE, value - 0.15, reason)
        return NOTHING
    if verb in (Verb.LIST, Verb.SEARCH) or (verb is Verb.GET and call.part.term.plural):
        return Verdict(Role.RUN_LIST, value - 0.04, f"{call.action}, a collection of runs")
    if verb is Verb.STOP:
        return Verdict(Role.RUN_ACT, value - 0.05, f"{call.action}, runs that the request names")
    begins = (Verb.CREATE, Verb.STREAM, Verb.WAIT, Verb.BATCH, Verb.EXECUTE)
    if verb in begins and method == "POST":
        return Verdict(Role.RUN_CREATE, value - 0.02, f"{call.action} sets an agent to work")
    if verb is Verb.GET:
        return Verdict(Role.RUN_GET, value - 0.1, f"{call.action}, one run")
    return nothing(f"{call.action} does nothing to runs")
