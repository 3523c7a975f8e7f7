"""Names as people spell them: `threadId`, `thread_id` and `Thread-ID` are one name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=8192)
def flat(name: str) -> str:
    """A name without its case and separators: `thread_id` is `threadid`."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


@lru_cache(maxsize=8192)
def split(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `newThread_id` is `new`, `thread`, `id`."""
    return tuple(word.lower() for word in _WORD.findall(name))


def singular(noun: str) -> str:
    """One of what a flat noun names: `histories` is `history`."""
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("sses", "xes")):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us")) else noun


def pick(members: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The member whose flat name comes first among those wanted."""
    by_name: dict[str, str] = {}
    for name in members:
        by_name.setdefault(flat(name), name)
    return next((by_name[want] for want in wanted if want in by_name), None)


def words(text: str) -> frozenset[str]:
    """Flat names separated by spaces."""
    return frozenset(text.split())


def ranked(text: str) -> tuple[str, ...]:
    """Flat names separated by spaces, the likeliest first."""
    return tuple(text.split())


_VERBS = words(
    "create new start add open get fetch read retrieve list search find query update edit patch "
    "delete remove end close send post"
)


def noun(segment: str) -> str:
    """The flat singular of what a path segment names: `create-chat` and `chats` are `chat`."""
    said = [word for word in split(segment) if word not in _VERBS]
    return singular("".join(said) or flat(segment))


SESSION_NOUNS = words(
    "session thread conversation chat dialog dialogue talk channel room topic chatsession "
    "chatthread agentsession ticket discussion"
)
RUN_NOUNS = words("run response task job turn execution invocation interaction completion")
MESSAGE_NOUNS = words("message event item turn activity entry part post utterance msg")

# Words for who speaks, which kind an event has and how far a run is, the likeliest first.
SPEAKERS = {
    "user": ranked(
        "user human customer client enduser visitor contact person usermessage humanmessage "
        "customermessage inputuser userinput caller guest member inbound incoming question "
        "fromuser inputmessage messageinput inputevent request consumer requester lead"
    ),
    "agent": ranked(
        "assistant ai aiagent agent bot model chatbot assistantmessage aimessage agentmessage "
        "botmessage modelmessage outbound outgoing answer reply virtualagent virtualassistant "
        "machine robot business operator admin representative staff "
        "agentoutput outputmessage messageoutput assistantoutput outputevent llm response"
    ),
    "system": ranked("system systemmessage developer developermessage environment"),
}
KINDS = {
    "message": ranked(
        "message messagecompleted msg chatmessage messageevent messagecreated textmessage text "
        "utterance"
    ),
    "status": ranked("status statusevent statusupdate statuschange statusmessage typing"),
    "tool_call": ranked(
        "toolcall functioncall tooluse actionevent toolcallmessage toolcallevent toolinvocation "
        "toolcalls functioncallevent toolrequest tool action"
    ),
    "tool_result": ranked(
        "toolresult functioncalloutput toolreturn toolreturnmessage toolcallresult toolcalloutput "
        "tooloutput toolresponse functionresponse functionresult observationevent observation "
        "toolmessage"
    ),
}
ACTIVITY = {
    "thinking": ranked("thinking processing working busy running inprogress"),
    "typing": ranked("typing composing generating writing responding"),
}
STATES = {
    "queued": ("queued", "pending", "created", "submitted", "waiting", "new", "scheduled"),
    "running": ranked(
        "running inprogress processing working active started executing busy generating "
        "streaming ongoing thinking"
    ),
    "done": ranked(
        "completed complete success succeeded done finished successful ok ended idle resolved"
    ),
    "stopped": ranked(
        "cancelled canceled stopped interrupted aborted terminated cancelling canceling killed "
        "halted"
    ),
    "failed": ("failed", "error", "failure", "errored", "rejected", "fault", "incomplete"),
    "waiting": ranked(
        "requiresaction actionrequired inputrequired requiresinput awaitinginput "
        "waitingforinput needsinput needsaction awaitingaction requiresapproval awaitingapproval "
        "waitingforapproval pendingapproval approvalrequired needsapproval waitingfortool "
        "awaitingtool suspended paused waiting onhold"
    ),
}


def translate(listed: Iterable[Any], table: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Our word to the first of a document's words that a table has for it.

    A dotted word counts by its last part as well: `thread.user_message` is `usermessage`.
    """
    by_flat: dict[str, Any] = {}
    for word in listed:
        if isinstance(word, str):
            by_flat.setdefault(flat(word), word)
            by_flat.setdefault(flat(word.replace("/", ".").rpartition(".")[2]), word)
    found: dict[str, Any] = {}
    for ours, theirs in table.items():
        for word in theirs:
            if word in by_flat and by_flat[word] not in found.values():
                found[ours] = by_flat[word]
                break
    return found


def speakers(listed: Iterable[Any]) -> dict[str, Any]:
    """Our words for who speaks to a document's; a name such as `SUPPORT_BOT` counts by its end."""
    listed = list(listed)
    found = translate(listed, SPEAKERS)
    ends = {
        split(word)[-1]: word for word in reversed(listed) if isinstance(word, str) and split(word)
    }
    for ours, end in translate(ends, SPEAKERS).items():
        if ours not in found and ends[end] not in found.values():
            found[ours] = ends[end]
    return found
