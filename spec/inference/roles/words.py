"""The words that sessions APIs use for their resources and actions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class Noun(Enum):
    """What a path segment names."""

    SESSION = "session"
    MESSAGE = "message"
    RUN = "run"
    SUGGESTION = "suggestion"
    OWNER = "owner"  # what sessions belong to: an agent, an assistant, a team
    OTHER = "other"


class Verb(Enum):
    """What a path segment says is done."""

    CREATE = "create"
    LIST = "list"
    SEARCH = "search"
    GET = "get"
    UPDATE = "update"
    DELETE = "delete"
    CLEAR = "clear"
    SEND = "send"
    STREAM = "stream"
    WAIT = "wait"
    BATCH = "batch"
    STOP = "stop"
    ACT = "act"
    EXECUTE = "execute"  # sends where there is text, acts where there is none
    ASIDE = "aside"  # says something about the resource and does nothing to it


def _of(text: str) -> frozenset[str]:
    return frozenset(text.split())


# In each of these, the singular stands for the plural as well.
CONVERSATION = _of("conversation convo chat dialog dialogue chatroom")
SESSION = CONVERSATION | _of("session thread")
# These are sessions where their items are spoken to: `/tasks/{id}/steps`.
SPOKEN_TO = _of("task room case ticket")
MESSAGE = _of("message msg turn utterance reply")
# These are messages only inside a session: everywhere else they are anything.
PART = _of("event item history memory entry activity interaction transcript input step exchange")
RUN = _of("run response invocation execution interaction task")
SUGGESTION = _of("suggestion suggested")
OWNER = _of(
    "agent assistant bot chatbot team crew group workflow flow chatflow agentflow graph persona "
    "character workspace app application copilot"
)
STRONG_OWNER = _of("agent assistant bot chatbot copilot persona team")  # owners of nothing else
# What may stand before the head of a compound without changing what it is: `chat-messages`.
NEUTRAL = (
    CONVERSATION
    | SESSION
    | OWNER
    | _of(
        "message user ai llm all global my new active background stateless interaction human client"
    )
)
# A path below one of these is about something else, whatever its words are.
ELSEWHERE = _of(
    "admin analytic audit auth authentication batch benchmark billing browser checkout container "
    "dataset debug embedding eval evaluation experiment finetune fine training internal knowledge "
    "login log metric monitoring oauth observability organization payment realtime recording "
    "report reporting sandbox schedule scheduled schema scim sso storage store telemetry template "
    "test trace tracing tuning upload usage vector verification video webhook"
)

_VERBS = {
    Verb.CREATE: "create new start open begin initiate add post",
    Verb.LIST: "list all recent active index pinned archived starred shared mine unread",
    Verb.SEARCH: "search query find filter",
    Verb.GET: "get retrieve fetch read detail info show view describe load",
    Verb.UPDATE: "update edit modify patch change set upsert put",
    Verb.DELETE: "delete remove destroy",
    Verb.CLEAR: "clear reset purge truncate wipe",
    Verb.SEND: "send ask say talk prompt chat converse respond speak tell utter command shell "
    "intent recognize question message text followup",
    Verb.STREAM: "stream sse subscribe listen watch ws websocket live tail",
    Verb.WAIT: "wait poll async sync blocking background streaming",
    Verb.BATCH: "batch bulk",
    Verb.STOP: "stop cancel abort interrupt terminate kill halt",
    Verb.ACT: "launch activate deactivate suspend "
    "pause resume close end finish complete archive unarchive fork copy clone duplicate "
    "branch share unshare rename title name summarize summarise compact condense compress "
    "revert unrevert undo redo rollback retry regenerate restore handoff handover transfer "
    "retake escalate assign unassign approve reject confirm answer acknowledge init initialize "
    "refresh renew extend pin unpin mute restart resubmit recompile predict mark reopen join "
    "leave steer resolve pass toggle favorite favourite star unstar bookmark",
    Verb.EXECUTE: "execute invoke submit continue run generate trigger process step inject",
    Verb.ASIDE: "count stat statistic usage metric preview export import download validate token "
    "cost health estimate",
}
VERBS = {word: verb for verb, words in _VERBS.items() for word in words.split()}
# The way an answer travels; it does not change what is done.
TRANSPORT = _of("stream sse async sync wait batch ws websocket streaming")
# Collections that often stand below a session and are neither its messages nor done to it.
NESTED = _of(
    "artifact attachment audio checkpoint child children comment content diff document feedback "
    "file image label log member memory metadata note participant permission rating reaction "
    "recording schema score state status step story subscription summary tag task todo tool trace "
    "upload usage user variable version vote webhook"
)
# These stand where an id would: `/sessions/current`.
PSEUDO_ID = _of("current latest last me self")
# A reply to what the agent asked: these are answered below a session rather than created.
ASKED = _of("permission approval confirmation interrupt elicitation clarification consent")

IDENTIFIERS = _of("id ids uuid sid uid guid key slug name identifier handle")
TEXT = _of(
    "message messages input inputs text query question prompt content contents utterance parts "
    "command msg"
)
_SAID_BY = _of("user new input query chat additional human next current client text")
CREDENTIALS = _of("password email username otp secret credentials granttype")

# Words that some write as one: `listchats`, `chatmessage`.
_GLUED = re.compile(
    "(create|new|start|list|get|fetch|update|delete|remove|clear|send|stream|stop|cancel|end|close"
    "|rename|ask|chat|user|bot|agent|dialog)(all)?"
    "(chat|message|session|thread|conversation|history|run)(s?)"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NOISE = re.compile(r"v\d+\w*|api|rest|public|beta|alpha|json|\d+")


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a name in any case style, in lower case and as they are written."""
    found: list[str] = []
    for word in (word.lower() for word in _WORD.findall(text)):
        glued = _GLUED.fullmatch(word)
        if glued:
            first, every, last, end = glued.groups("")
            found += [part for part in (first, every, last + end) if part]
        else:
            found.append(word)
    return tuple(found)


@lru_cache(maxsize=4096)
def singular(word: str) -> str:
    """The singular of an English word, well enough for names."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def is_noise(text: str) -> bool:
    """Whether a segment is a prefix such as `api` or `v1`."""
    return _NOISE.fullmatch(text.lower()) is not None


@dataclass(frozen=True, slots=True)
class Term:
    """A path segment as words: `reset-messages` is the verb CLEAR and the head `message`."""

    words: tuple[str, ...]  # singular
    verb: Verb | None
    head: str
    plural: bool
    modifiers: tuple[str, ...]


@lru_cache(maxsize=4096)
def term_of(text: str) -> Term:
    """Reads a path segment."""
    written = words_of(text)
    words = tuple(singular(word) for word in written)
    first, last = 0, len(words)
    verb: Verb | None = None
    if len(words) > 1:
        while last - first > 1 and words[last - 1] in TRANSPORT:
            last -= 1
            verb = VERBS[words[last]]
        lead = VERBS.get(words[first])
        if lead is not None and words[first] not in SESSION | MESSAGE | RUN | OWNER:
            first += 1
            verb = lead
            if lead in (Verb.EXECUTE, Verb.STREAM) and VERBS.get(words[-1]) is Verb.SEND:
                verb = Verb.SEND  # `trigger_intent`
            if words[first] == "or" and words[-1] == "create":
                verb, first = Verb.CREATE, last  # `get-or-create`
        elif (
            verb is None
            and VERBS.get(words[last - 1])
            and words[last - 1] not in (SESSION | MESSAGE | RUN)
        ):
            last -= 1
            verb = VERBS[words[last]]
    elif words:
        verb = VERBS.get(words[0])
        if verb is not Verb.SEND and verb is not Verb.ASIDE and written[0] != words[0]:
            verb = None  # `batches` are things, `commands` are said
    head = words[last - 1] if last > first else ""
    plural = bool(head) and written[last - 1] != head
    return Term(words, verb, head, plural, words[first : last - 1])


def names_a_session(name: str) -> bool:
    """Whether a property or parameter says which session is meant: `thread_id`, `sessionUuid`."""
    words = [singular(word) for word in words_of(name)]
    if words and words[-1] in IDENTIFIERS:
        words = words[:-1]
        return bool(words) and words[-1] in SESSION and NEUTRAL.issuperset(words)
    return len(words) == 1 and words[0] in SESSION - {"chat"}


def session_of(name: str) -> str:
    """The word for a session in a name that `names_a_session`."""
    return [word for word in map(singular, words_of(name)) if word not in IDENTIFIERS][-1]


def is_user_agent(name: str) -> bool:
    """Whether a name means the HTTP client."""
    return words_of(name)[-2:] == ("user", "agent")


def names_an_agent(name: str) -> bool:
    """Whether a property or parameter says which agent is meant."""
    words = [singular(word) for word in words_of(name)]
    if words and words[-1] in IDENTIFIERS:
        words = words[:-1]
    agents = {"agent", "assistant", "bot", "chatbot", "graph"}
    return bool(words) and words[-1] in agents and not is_user_agent(name)


def is_text(name: str) -> bool:
    """Whether a property carries what the user says."""
    words = words_of(name)
    if len(words) == 2 and words[0] in _SAID_BY:
        words = words[1:]
    return "".join(words) in TEXT
