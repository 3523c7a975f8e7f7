"""The role of each operation of a sessions API, from its document alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from ..binding import Role
from ..document import Document, Operation
from .paths import Key, Paths, Reading, Resource
from .shapes import Shapes, only_streams, streams
from .words import (
    ASKED,
    CONVERSATION,
    CREDENTIALS,
    IDENTIFIERS,
    MESSAGE,
    NESTED,
    PART,
    VERBS,
    Noun,
    Verb,
    names_a_session,
    names_an_agent,
    singular,
    term_of,
    words_of,
)

_STRONG_OWNERS = frozenset({"agent", "assistant", "bot", "chatbot", "copilot", "persona", "team"})
_ABOUT_A_TALK = frozenset(
    "message history turn agent assistant bot conversation instruction transcript".split()
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What an operation seems to mean; `role` is None where it is no part of a sessions API."""

    operation: Operation
    role: Role | None
    confidence: float
    reason: str


Found = tuple[Role | None, float, str]


def infer_roles(document: Document) -> list[Guess]:
    """The role of each operation, in document order, how sure it is (0 to 1), and why."""
    reader = _Reader(document)
    guesses = []
    for operation in document.operations:
        role, confidence, reason = reader.guess(operation)
        guesses.append(Guess(operation, role, round(confidence, 2), reason))
    return guesses


def _nothing(reason: str = "nothing in it speaks of sessions, messages or runs") -> Found:
    return None, 0.9, reason


def _session_of(name: str) -> str:
    """The word for a session in the name of a parameter that carries one's id."""
    return [w for w in map(singular, words_of(name)) if w not in IDENTIFIERS][-1]


def _said(operation: Operation) -> Verb | None:
    """The first verb in the name of an operation; nouns that double as verbs are none."""
    named = not operation.id.startswith(f"{operation.method.lower()} /")
    words = words_of(operation.id) if named else ()
    if words and words[-1] == operation.method.lower():
        words = words[:-1]  # a generated name ends with the path and the method
    verbs = (VERBS[word] for word in words if word in VERBS)
    return next((verb for verb in verbs if verb is not Verb.SEND), None)


class _Reader:
    """Reads one document: first what its collections are, then each operation."""

    def __init__(self, document: Document) -> None:
        self.paths = Paths(document.operations)
        self.shapes = Shapes(document)
        self.operations = document.operations
        self._below: dict[Key, set[Noun]] = defaultdict(set)
        self._spoken: set[str] = set()  # the session words that requests carry with a text
        self._sessions: dict[Key, float] = {}
        self._runs: dict[Key, float] = {}
        self._turns: set[Key] = set()  # collections named like sessions whose items are messages
        for operation in self.operations:
            self._gather(operation)
        self._gather_sessions()
        self._implicit = not any(self._sessions.values()) and self._talks_at_the_top()

    # What the collections are

    def _gather(self, operation: Operation) -> None:
        reading = self.paths.read(operation.path)
        if reading.elsewhere:
            return
        for index, part in enumerate(reading.chain):
            if part.noun is not Noun.SESSION:
                continue
            self._sessions.setdefault(part.key, 0.0)
            if part is reading.last and operation.method == "POST" and not part.item:
                self._gather_turns(operation, part)
            for lower in reading.chain[index + 1 :]:
                if lower.noun is Noun.RUN or (
                    lower.noun is Noun.MESSAGE
                    and (lower.term.head not in PART or self._speaks(operation))
                ):
                    self._below[part.key].add(lower.noun)
            if part.item and part is reading.last and reading.verb is Verb.SEND:
                self._below[part.key].add(Noun.MESSAGE)
        last = reading.last
        says = self.shapes.carries_text(operation)
        if says or (last is not None and last.noun in (Noun.MESSAGE, Noun.RUN)):
            for name in self.shapes.names(operation):
                if names_a_session(name):
                    self._spoken.add(_session_of(name))

    def _speaks(self, operation: Operation) -> bool:
        """Whether somebody says something in the body of a request or of its answer."""
        says = operation.method == "POST" and self.shapes.carries_text(operation)
        return says or self.shapes.carries_role(operation)

    def _gather_turns(self, operation: Operation, part: Resource) -> None:
        """A collection whose items are made for a session of another name holds its turns."""
        if self.paths.has_items(part.key) and self.shapes.carries_text(operation):
            others = set(map(_session_of, filter(names_a_session, self.shapes.names(operation))))
            if others - {part.term.head}:
                self._turns.add(part.key)

    def _gather_sessions(self) -> None:
        strong: set[str] = set()
        for key in self._sessions:
            value = self._session_value(key)
            self._sessions[key] = value
            if value >= 0.9:
                strong.add(self._head(key))
        for key, value in self._sessions.items():
            if 0 <= value < 0.9 and self._head(key) in strong:
                self._sessions[key] = 0.88

    @staticmethod
    def _head(key: Key) -> str:
        words = [singular(word) for segment in key[-1:] for word in words_of(segment)]
        return next((word for word in reversed(words) if word in CONVERSATION), "") or (
            words[-1] if words else ""
        )

    def _session_value(self, key: Key) -> float:
        """How surely a collection is one of sessions."""
        nodes = [self.paths.nodes[at] for at in (key, (*key, "{}")) if at in self.paths.nodes]
        operations = [operation for node in nodes for operation in node.operations]
        members = {
            word
            for operation in operations
            for shape in (self.shapes.request(operation), self.shapes.answer(operation))
            for name in (*shape.members, *shape.below)
            if words_of(name)[-2:] != ("user", "agent")
            for word in map(singular, words_of(name))
        }
        if self._below[key]:
            return 0.98
        asked = {
            "".join(words_of(name))
            for operation in operations
            if operation.method == "POST"
            for name in self.shapes.request(operation).members
        }
        if asked & CREDENTIALS:
            return -1.0
        head = self._head(key)
        if head in self._spoken:
            return 0.94
        near = any(
            word.startswith(("chat", "agent", "assistant", "bot", "dialog", "convers"))
            for segment in key
            for word in words_of(segment)
        )
        if head in CONVERSATION or near:
            return 0.86
        if members & _ABOUT_A_TALK:
            return 0.75
        return 0.0

    def _talks_at_the_top(self) -> bool:
        """Whether messages are sent and listed without any session being named."""
        methods: set[str] = set()
        for operation in self.operations:
            reading = self.paths.read(operation.path)
            last = reading.last
            if len(reading.chain) == 1 and last is not None and last.noun is Noun.MESSAGE:
                stateless = "model" in self.shapes.request(operation).members
                if reading.verb is None and not last.item and not stateless:
                    methods.add(operation.method)
        return {"GET", "POST"} <= methods

    def _run_value(self, part: Resource, above: Resource | None) -> float:
        """How surely a collection is one of the runs of an agent."""
        if above is not None and above.noun is Noun.SESSION:
            return self._sessions.get(above.key, 0.0)
        if part.key not in self._runs:
            self._runs[part.key] = self._run_evidence(part, above)
        return self._runs[part.key]

    def _run_evidence(self, part: Resource, above: Resource | None) -> float:
        operations = [
            operation
            for key, node in self.paths.nodes.items()
            if key[: len(part.key)] == part.key and len(key) <= len(part.key) + 2
            for operation in node.operations
        ]
        asked = {name for operation in operations for name in self.shapes.names(operation)}
        told = {name for op in operations for name in self.shapes.answer(op).members}
        session = any(names_a_session(name) for name in asked)
        agent = any(names_an_agent(name) for name in asked | told)
        text = any(self.shapes.carries_text(op) for op in operations if op.method == "POST")
        if part.term.head == "task":  # most tasks are no runs: only those that a talk has
            session = any(map(names_a_session, asked | told)) or "contextId" in told
            stops = any(self.paths.read(o.path).verb is Verb.STOP for o in operations)
            return 0.86 if session and stops else 0.0
        chained = any(name.startswith("previous") for name in asked)
        owned = above is not None and above.noun is Noun.OWNER
        if session and (text or agent):
            return 0.95
        if owned and above is not None and above.term.head in _STRONG_OWNERS:
            return 0.92
        if text and (chained or agent):
            return 0.92
        if agent and not owned:
            return 0.8
        return 0.0

    # What the operations are

    def guess(self, operation: Operation) -> Found:
        """The role of one operation."""
        reading = self.paths.read(operation.path)
        if reading.elsewhere:
            return _nothing("its path is about something else than a talk")
        last = reading.last
        if last is None or last.noun is Noun.OWNER:
            return self._carried(operation, reading)
        if last.noun is Noun.SESSION and last.key in self._turns:
            found = self._message(operation, reading, last)
        elif last.noun is Noun.SESSION:
            found = self._session(operation, reading, last)
        elif last.noun is Noun.MESSAGE:
            found = self._message(operation, reading, last)
        elif last.noun is Noun.RUN:
            found = self._run(operation, reading, last)
        elif last.noun is Noun.SUGGESTION:
            found = self._suggestion(operation, reading, last)
        else:
            found = self._other(operation, reading, last)
        return found if found[0] is not None else self._carried(operation, reading)

    def _session(self, operation: Operation, reading: Reading, part: Resource) -> Found:
        value = self._sessions.get(part.key, 0.0)
        if value <= 0:
            return _nothing(f"nothing shows that {part.text} is a talk")
        method, verb = operation.method, reading.verb
        what = f"{method} on {part.text}"
        says = self.shapes.carries_text(operation)
        if verb is None and part.item:
            if method == "POST":
                return self._post_to_session(operation, value, what)
            if method == "GET" and self.shapes.answer(operation).array == "":
                return Role.MESSAGE_LIST, value - 0.2, f"{what} answers a list"
            role = {
                "GET": Role.SESSION_GET,
                "DELETE": Role.SESSION_DELETE,
                "PUT": Role.SESSION_UPDATE,
                "PATCH": Role.SESSION_UPDATE,
            }.get(method)
            return role, value, f"{what}, one session"
        if verb is None:
            return self._sessions_root(operation, part, value, what)
        one = part.item or self.shapes.carries_session(operation)
        if method == "POST" and not self.paths.has_items(part.key):
            one = one or bool(self.shapes.request(operation).members)  # a call by any id
        action = f"{reading.action.lstrip(':')} on {part.text}"
        begins = not part.item and reading.action.startswith("init")
        if (verb is Verb.CREATE or begins) and method != "GET":
            if part.term.plural and len(part.term.words) > 1 and part.term.verb is verb:
                return _nothing(f"{action} does not create one session")
            return Role.SESSION_CREATE, value - 0.03, f"{action}, a collection of sessions"
        if verb in (Verb.LIST, Verb.SEARCH):
            if part.item:
                return _nothing(f"{action} looks into one session")
            return Role.SESSION_LIST, value - 0.03, f"{action}, a collection of sessions"
        if verb is Verb.GET:
            compound = part.term.verb is Verb.GET and len(part.term.words) > 1
            several = part.term.plural and not one and compound
            role = Role.SESSION_LIST if several else Role.SESSION_GET
            return role, value - (0.05 if part.item else 0.1), f"{action}, a session"
        if verb in (Verb.UPDATE, Verb.DELETE):
            role = Role.SESSION_UPDATE if verb is Verb.UPDATE else Role.SESSION_DELETE
            return role, value - (0.05 if part.item else 0.13), f"{action}, a session"
        if verb is Verb.CLEAR:
            role = Role.MESSAGE_CLEAR if one else Role.SESSION_DELETE
            return role, value - (0.1 if one else 0.3), action
        if verb is Verb.SEND:
            if method in ("POST", "PUT"):
                sure = value if says else value - 0.12
                return Role.MESSAGE_CREATE, sure, f"{action} says something to the session"
            return _nothing(f"{action} does not send anything")
        if verb in (Verb.STREAM, Verb.WAIT):
            if method == "POST" and says:
                sure = value - 0.04 if one else value - 0.25
                return Role.MESSAGE_CREATE, sure, f"{action} carries a text to the session"
            if verb is Verb.STREAM and part.item:
                return Role.MESSAGE_SUBSCRIBE, value - 0.06, f"{action} follows one session"
            return _nothing(f"{action} names no session")
        if verb is Verb.EXECUTE and says:
            return Role.MESSAGE_CREATE, value - 0.15, f"{action} carries a text to the session"
        if verb in (Verb.ACT, Verb.STOP, Verb.EXECUTE) and one:
            word = singular(words_of(reading.action)[0])
            if method in ("PUT", "PATCH") and word in ("name", "title", "rename"):
                return Role.SESSION_UPDATE, value - 0.2, f"{action} changes one session"
            sure = value - (0.2 if says or not part.item else 0.05)
            return Role.SESSION_ACT, sure, f"{action}, one session"
        return _nothing(f"{action} does nothing to a session")

    def _post_to_session(self, operation: Operation, value: float, what: str) -> Found:
        """POST on one session: what it says of itself decides."""
        verb = _said(operation)
        if self.shapes.carries_text(operation):
            return Role.MESSAGE_CREATE, value - 0.1, f"{what}, one session, with a text"
        if verb is Verb.CREATE:
            return Role.SESSION_CREATE, value - 0.1, f"{what} creates the session of that name"
        if verb in (Verb.ACT, Verb.STOP, Verb.EXECUTE):
            return Role.SESSION_ACT, value - 0.2, f"{what}, one session"
        sure = value - (0.02 if verb is Verb.UPDATE else 0.12)
        return Role.SESSION_UPDATE, sure, f"{what}, one session"

    def _sessions_root(
        self, operation: Operation, part: Resource, value: float, what: str
    ) -> Found:
        """A request to the collection itself, or to the only session there is."""
        method = operation.method
        single = not self.paths.has_items(part.key) and not part.term.plural
        if method == "GET":
            answered = self.shapes.answer(operation)
            listed = set(map(singular, words_of(answered.array or "")))
            if single and listed & (MESSAGE | {"history", "item", "event"}):
                return Role.MESSAGE_LIST, value - 0.12, f"{what}, the messages of a session"
            if single and self.shapes.answer(operation).array is None:
                return Role.SESSION_GET, value - 0.15, f"{what}, the only session"
            return Role.SESSION_LIST, value, f"{what}, a collection of sessions"
        if method == "POST":
            if self.shapes.carries_text(operation):
                if self.shapes.carries_session(operation):
                    reason = f"{what} carries a text and the session it is for"
                    return Role.MESSAGE_CREATE, 0.92, reason
                if single:
                    answered = self.shapes.answer(operation)
                    named = any(names_a_session(name) for name in answered.members)
                    return (
                        (Role.MESSAGE_CREATE, 0.75, f"{what} carries a text")
                        if named
                        else _nothing(f"{what} keeps no session")
                    )
            if _said(operation) in (Verb.GET, Verb.LIST, Verb.SEARCH):
                return Role.SESSION_LIST, value - 0.1, f"{what} reads a collection of sessions"
            return Role.SESSION_CREATE, value, f"{what}, a collection of sessions"
        if method == "DELETE":
            return Role.SESSION_DELETE, value - 0.02, f"{what}, a collection of sessions"
        if method == "PUT":
            return Role.SESSION_CREATE, value - 0.25, f"{what}, a collection of sessions"
        if method == "PATCH":
            return Role.SESSION_UPDATE, value - 0.25, f"{what}, a collection of sessions"
        return _nothing()

    def _holder(self, operation: Operation, reading: Reading) -> tuple[float, str]:
        """How surely messages belong to a talk, and what holds them."""
        above, base = reading.above(), reading.last
        if base is not None and base.key in self._turns:
            return 0.85, "the session that its requests name"
        if above is not None and above.noun is Noun.OTHER and not above.item:
            above = reading.above(2)
        if above is None or (above.noun is Noun.OTHER and not above.item):
            if self.shapes.carries_session(operation):
                return 0.92, "the session that the request names"
            if self._implicit:
                return 0.85, "the only session"
            if reading.action.startswith(":") and operation.method == "POST":
                return 0.86, "the context that the message names"
            if base is not None and base.item and self._has_messages():
                return 0.85, "a session"
            if base is not None and not above and self._listed_by_session(base.key):
                return 0.9, "a session"
            return 0.0, ""
        if above.noun is Noun.SESSION:
            value = self._sessions.get(above.key, 0.0)
            if above.item or self.shapes.carries_session(operation):
                return value, f"a session of {above.text}"
            return value - 0.15, "a session"
        if above.noun is Noun.RUN and above.item:
            return self._run_value(above, reading.above(2)), "a run"
        if above.noun is Noun.OWNER and not above.item:
            named = self.shapes.carries_session(operation)
            return 0.88 if named else 0.0, "the session that the request names"
        if above.noun is Noun.OWNER and above.item:
            if self._has_sessions(above) and not self.shapes.carries_session(operation):
                return 0.0, ""
            if above.term.head in _STRONG_OWNERS:
                return 0.93, f"the {above.term.head} that the path names"
            if base is not None and base.term.head in CONVERSATION:
                return 0.86, f"the {above.term.head} that the path names"
            spoken = reading.verb in (Verb.SEND, Verb.STREAM) or self._spoken_below(above)
            return 0.92 if spoken else 0.0, f"the {above.term.head} that the path names"
        if above.item and self.shapes.carries_role(operation):
            return 0.8, f"the {above.term.head} that the path names"
        return 0.0, ""

    def _has_sessions(self, owner: Resource) -> bool:
        """Whether an owner has sessions below it: what is said outside of them is kept nowhere."""
        return any(
            len(key) > len(owner.key) and key[: len(owner.key)] == owner.key and value >= 0.9
            for key, value in self._sessions.items()
        )

    def _has_messages(self) -> bool:
        return any(
            Noun.MESSAGE in below and self._sessions.get(key, 0) >= 0.9
            for key, below in self._below.items()
        )

    def _listed_by_session(self, key: Key) -> bool:
        node = self.paths.nodes.get(key)
        return node is not None and any(map(self.shapes.carries_session, node.operations))

    def _spoken_below(self, owner: Resource) -> bool:
        """Whether what is below an item is said by somebody in a role."""
        item = (*owner.key, "{}")
        return any(
            self.shapes.carries_role(operation)
            for child in self.paths.below_items(owner.key)
            for operation in self.paths.nodes[(*item, child)].operations
            if (last := self.paths.read(operation.path).last) and last.noun is Noun.MESSAGE
        )

    def _message(self, operation: Operation, reading: Reading, part: Resource) -> Found:
        value, holder = self._holder(operation, reading)
        if value <= 0:
            return _nothing(f"nothing shows that {part.text} belongs to a talk")
        method, verb = operation.method, reading.verb
        what = f"{method} on {part.text}"
        if verb is None and part.item and self._keyed_by_holder(part):
            several = {"GET": Role.MESSAGE_LIST, "DELETE": Role.MESSAGE_CLEAR}
            if method in several:
                return several[method], value - 0.08, f"{what}, the messages of one talk"
        if verb is None and part.item:
            role = {
                "GET": Role.MESSAGE_GET,
                "DELETE": Role.MESSAGE_DELETE,
                "PUT": Role.MESSAGE_UPDATE,
                "PATCH": Role.MESSAGE_UPDATE,
                "POST": Role.MESSAGE_UPDATE,
            }.get(method)
            sure = value - (0.1 if method == "POST" else 0.0)
            return role, sure, f"{what}, one message of {holder}"
        if verb is None:
            if method == "GET":
                if self._is_secondary(operation, reading, part):
                    if part.term.head not in ("event", "history", "transcript", "memory"):
                        return _nothing(f"{what}: the messages are beside it")
                    value -= 0.12
                if only_streams(operation):
                    return Role.MESSAGE_SUBSCRIBE, value - 0.05, f"{what} streams {holder}"
                return Role.MESSAGE_LIST, value, f"{what}, the messages of {holder}"
            if method == "POST" and self._is_secondary(operation, reading, part):
                return _nothing(f"{what} says nothing: messages are sent beside it")
            if method == "POST" and self._asks_for_a_list(operation, part):
                return Role.MESSAGE_LIST, value - 0.1, f"{what} reads the messages of {holder}"
            role = {
                "POST": Role.MESSAGE_CREATE,
                "PUT": Role.MESSAGE_CREATE,
                "DELETE": Role.MESSAGE_CLEAR,
                "PATCH": Role.MESSAGE_UPDATE,
            }.get(method)
            sure = value - {"PUT": 0.15, "PATCH": 0.3}.get(method, 0.0)
            return role, sure, f"{what}, the messages of {holder}"
        action = f"{reading.action.lstrip(':')} on {part.text}"
        if verb is not Verb.STOP and ASKED.intersection(map(singular, words_of(reading.action))):
            return Role.SESSION_ACT, value - 0.15, f"{action} answers what the agent asked"
        several = part.term.plural and reading.action not in ("retrieve", "info", "detail")
        if verb is Verb.LIST or (verb is Verb.GET and several and not part.item):
            return Role.MESSAGE_LIST, value - 0.03, f"{action}, the messages of {holder}"
        if verb is Verb.SEARCH:
            above = reading.above()
            if above is None or not above.item or above.noun is not Noun.SESSION:
                return _nothing(f"{action} searches across sessions")
            return Role.MESSAGE_LIST, value - 0.06, f"{action}, the messages of {holder}"
        if verb is Verb.STREAM and method == "GET":
            return Role.MESSAGE_SUBSCRIBE, value - 0.05, f"{action} follows {holder}"
        if verb in (Verb.CREATE, Verb.SEND, Verb.STREAM, Verb.WAIT, Verb.BATCH):
            if method in ("POST", "PUT") and not part.item:
                return Role.MESSAGE_CREATE, value - 0.02, f"{action} says something to {holder}"
            return _nothing(f"{action} sends nothing")
        simple = {
            Verb.GET: (Role.MESSAGE_GET, 0.05),
            Verb.UPDATE: (Role.MESSAGE_UPDATE, 0.05),
            Verb.DELETE: (Role.MESSAGE_DELETE, 0.05),
            Verb.CLEAR: (Role.MESSAGE_CLEAR, 0.05),
            Verb.STOP: (Role.RUN_ACT, 0.05),
        }
        if verb in simple:
            role, less = simple[verb]
            return role, value - less, f"{action} of {holder}"
        return _nothing(f"{action} does nothing to the messages")

    def _is_secondary(self, operation: Operation, reading: Reading, part: Resource) -> bool:
        """Whether events or activities are no messages, as there are messages beside them."""
        above = reading.above()
        if part.term.head not in PART or above is None or self.shapes.carries_text(operation):
            return False
        beside = self.paths.below_items(above.key)
        return any(
            term_of(name).head in MESSAGE and len(term_of(name).words) == 1
            for name in beside
            if not name.startswith(":")
        )

    def _keyed_by_holder(self, part: Resource) -> bool:
        """Whether `messages/{id}` takes the id of a talk: it answers with a list."""
        if MESSAGE.intersection(map(singular, words_of(part.text.rsplit("/", 1)[-1]))):
            return False
        return any(
            operation.method == "GET" and self.shapes.answer(operation).array == ""
            for operation in self.paths.nodes[(*part.key, "{}")].operations
        )

    def _asks_for_a_list(self, operation: Operation, part: Resource) -> bool:
        """Whether a POST only reads: by its name, or because a history is not written to."""
        if self.shapes.carries_text(operation):
            return False
        reads = _said(operation) in (Verb.GET, Verb.LIST, Verb.SEARCH)
        return reads or part.term.head == "history"

    def _run(self, operation: Operation, reading: Reading, part: Resource) -> Found:
        value = self._run_value(part, reading.above())
        if value <= 0:
            return _nothing(f"nothing shows that {part.text} is an agent at work")
        method, verb = operation.method, reading.verb
        what = f"{method} on {part.text}"
        action = f"{reading.action.lstrip(':')} on {part.text}"
        if part.item:
            if verb is None:
                return self._one_run(operation, value, what)
            if verb is Verb.STREAM:
                return Role.RUN_SUBSCRIBE, value - 0.02, f"{action} follows one run"
            if method == "GET" and verb in (Verb.WAIT, Verb.GET, Verb.ACT):
                return Role.RUN_GET, value - 0.04, f"{action}, one run"
            if verb in (Verb.STOP, Verb.ACT, Verb.EXECUTE, Verb.SEND):
                return Role.RUN_ACT, value - 0.02, f"{action}, one run"
            if verb in (Verb.UPDATE, Verb.DELETE):
                role = Role.RUN_UPDATE if verb is Verb.UPDATE else Role.RUN_DELETE
                return role, value - 0.05, f"{action}, one run"
            return _nothing(f"{action} does nothing to a run")
        if verb is None:
            if method == "GET":
                return Role.RUN_LIST, value, f"{what}, a collection of runs"
            if method in ("POST", "PUT"):
                return Role.RUN_CREATE, value, f"{what} sets an agent to work"
            if method == "DELETE":
                return Role.RUN_DELETE, value - 0.15, f"{what}, a collection of runs"
            return _nothing()
        if verb in (Verb.LIST, Verb.SEARCH) or (verb is Verb.GET and part.term.plural):
            return Role.RUN_LIST, value - 0.04, f"{action}, a collection of runs"
        if verb is Verb.STOP:
            return Role.RUN_ACT, value - 0.05, f"{action}, runs that the request names"
        if method == "POST" and verb in (
            Verb.CREATE,
            Verb.STREAM,
            Verb.WAIT,
            Verb.BATCH,
            Verb.EXECUTE,
        ):
            return Role.RUN_CREATE, value - 0.02, f"{action} sets an agent to work"
        if verb is Verb.GET:
            return Role.RUN_GET, value - 0.1, f"{action}, one run"
        return _nothing(f"{action} does nothing to a run")

    def _one_run(self, operation: Operation, value: float, what: str) -> Found:
        role = {
            "GET": Role.RUN_GET,
            "DELETE": Role.RUN_DELETE,
            "PUT": Role.RUN_UPDATE,
            "PATCH": Role.RUN_UPDATE,
            "POST": Role.RUN_UPDATE,
        }.get(operation.method)
        if operation.method == "POST":
            verb = _said(operation)
            if verb is not Verb.UPDATE:
                sure = value - (0.04 if verb in (Verb.ACT, Verb.STOP, Verb.EXECUTE) else 0.2)
                return Role.RUN_ACT, sure, f"{what}, one run"
        return role, value, f"{what}, one run"

    def _suggestion(self, operation: Operation, reading: Reading, part: Resource) -> Found:
        above = reading.above()
        held = above is not None and above.noun in (Noun.SESSION, Noun.MESSAGE, Noun.RUN)
        if (held or self.shapes.carries_session(operation)) and operation.method in ("GET", "POST"):
            return Role.SUGGESTION_LIST, 0.92, f"what to say next, at {part.text}"
        return _nothing()

    def _other(self, operation: Operation, reading: Reading, part: Resource) -> Found:
        """A segment that is no resource of a talk, perhaps below one that is."""
        above, verb, method = reading.above(), reading.verb, operation.method
        held = any(p.noun is Noun.SESSION and p.item for p in reading.chain)
        if held and method == "POST" and ASKED.intersection(part.term.words):
            return Role.SESSION_ACT, 0.83, f"POST on {part.text} answers what the agent asked"
        if above is None or not above.item:
            return _nothing()
        if above.noun is Noun.MESSAGE and method == "GET" and streams(operation):
            upper = replace(reading, chain=reading.chain[:-1])
            value, holder = self._holder(operation, upper)
            return Role.MESSAGE_SUBSCRIBE, value - 0.1, f"GET on {part.text} streams {holder}"
        if above.noun is Noun.RUN and not part.item:
            value = self._run_value(above, reading.above(2))
            if value > 0 and method == "POST" and verb in (Verb.EXECUTE, Verb.ACT, Verb.STOP):
                return Role.RUN_ACT, value - 0.03, f"{method} on {part.text} acts on one run"
        if above.noun is not Noun.SESSION:
            return _nothing()
        value = self._sessions.get(above.key, 0.0)
        if value <= 0:
            return _nothing()
        what = f"{method} on {part.text}"
        words = set(part.term.words)
        if part.item:
            return _nothing(f"{part.text} is something else that a session has")
        node = self.paths.nodes[part.key]
        if method == "GET" and self._is_state(above, part):
            return Role.SESSION_GET, value - 0.15, f"{what}, the state that holds the messages"
        if method != "POST" or node.methods() - {"POST"} or self.paths.has_items(part.key):
            return _nothing(f"{part.text} is something else that a session has")
        if verb is Verb.SEND or (verb in (None, Verb.EXECUTE) and self.shapes.carries_text(operation)):
            if not words & NESTED:
                return Role.MESSAGE_CREATE, value - 0.1, f"{what} says something to one session"
        if verb in (Verb.ACT, Verb.STOP, Verb.EXECUTE, Verb.CLEAR):
            sure = value - (0.3 if words & NESTED else 0.1)
            return Role.SESSION_ACT, sure, f"{what} acts on one session"
        if verb is Verb.UPDATE and not words & NESTED:
            return Role.SESSION_ACT, value - 0.22, f"{what} sets something of one session"
        if verb is None and not words & NESTED:
            if _said(operation) is Verb.UPDATE:
                return Role.SESSION_ACT, value - 0.14, f"{what} sets something of one session"
            if not part.term.plural:
                return Role.SESSION_ACT, value - 0.25, f"{what} acts on one session"
        return _nothing(f"{part.text} is something else that a session has")

    def _is_state(self, above: Resource, part: Resource) -> bool:
        """Whether a part of a session is the session itself: it holds the messages."""
        item = self.paths.nodes.get((*above.key, "{}"))
        if item is None or "GET" in item.methods():
            return False
        node = self.paths.nodes[part.key]
        return any(
            (last := self.paths.read(operation.path).last) is not None
            and last.noun is Noun.MESSAGE
            for child in node.children
            for operation in self.paths.nodes[(*part.key, child)].operations
        )

    def _is_managed(self, key: Key) -> bool:
        """Whether a collection has items that can be read, changed or deleted."""
        item = self.paths.nodes.get((*key, "{}"))
        return item is not None and bool(item.methods() - {"POST"})

    def _carried(self, operation: Operation, reading: Reading) -> Found:
        """An operation whose request alone, not its path, speaks of a session."""
        method = operation.method
        last = reading.last
        if last is not None and NESTED.intersection(last.term.words):
            return _nothing()
        if last is not None and last.noun is Noun.OTHER and self._is_managed(last.key):
            return _nothing(f"{last.text} is a collection of something else")
        if method == "POST" and self.shapes.carries_session(operation):
            if self.shapes.carries_text(operation) and reading.verb not in (
                Verb.ASIDE,
                Verb.SEARCH,
                Verb.ACT,
                Verb.STOP,
            ):
                reason = f"POST on {operation.path} carries a text and the session it is for"
                return Role.MESSAGE_CREATE, 0.85, reason
        if method == "POST" and reading.verb in (Verb.ACT, Verb.STOP) and (
            self.shapes.carries_session(operation) and (last is None or last.noun is Noun.OWNER)
        ):
            return Role.SESSION_ACT, 0.75, f"POST on {operation.path} acts on the session it names"
        told = self.shapes.answer(operation).members
        plain = reading.verb in (None, Verb.SEND, Verb.EXECUTE, Verb.STREAM)
        if method == "POST" and plain and self.shapes.asks(operation) and any(map(names_a_session, told)):
            reason = f"POST on {operation.path} takes a text and answers with its session"
            return Role.MESSAGE_CREATE, 0.75, reason
        if method == "POST" and last is not None and last.noun is Noun.OWNER and last.item:
            if reading.verb is Verb.SEND and self.shapes.carries_text(operation):
                return Role.MESSAGE_CREATE, 0.8, f"POST on {operation.path} asks an agent"
        if method == "GET" and streams(operation) and (self._implicit or any(self._sessions.values())):
            words = {singular(word) for word in words_of(operation.path.rsplit("/", 1)[-1])}
            if words & {"event", "stream", "subscribe"} and (last is None or len(reading.chain) < 2):
                return Role.MESSAGE_SUBSCRIBE, 0.85, f"GET on {operation.path} streams events"
        return _nothing()
