"""What the collections of a document are, judged by everything that the document says of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ...openapi.document import Document, Operation
from .paths import ITEM, Key, Paths, Reading, Resource
from .shapes import Shapes
from .words import (
    CONVERSATION,
    CREDENTIALS,
    MESSAGE,
    NESTED,
    PART,
    STRONG_OWNER,
    VERBS,
    Noun,
    Verb,
    is_user_agent,
    names_a_session,
    names_an_agent,
    session_of,
    singular,
    term_of,
    words_of,
)

STRONG = 0.9  # from here on a collection is taken for what it seems to be, wherever it stands
_ABOUT_A_TALK = {"agent", "assistant", "bot", "messages", "turns", "transcript", "instructions"}
_TALK_PREFIXES = ("chat", "agent", "assistant", "bot", "dialog", "convers")


@dataclass(frozen=True, slots=True)
class Call:
    """An operation and its reading: what is done to `part`, the last resource of its path."""

    operation: Operation
    reading: Reading
    part: Resource

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.operation.method

    @property
    def verb(self) -> Verb | None:
        """What the path says is done."""
        return self.reading.verb

    @property
    def what(self) -> str:
        """`GET on /threads`."""
        return f"{self.method} on {self.part.text}"

    @property
    def action(self) -> str:
        """`cancel on /runs/{id}`, or `GET on /list-runs` where one segment says both."""
        verb = self.reading.action
        inside = len(self.part.term.words) > 1 and self.part.term.verb is self.verb
        return self.what if inside else f"{verb.lstrip(':')} on {self.part.text}"

    @property
    def said(self) -> Verb | None:
        """The first verb in the operation's own name; nouns that double as verbs are none."""
        written = self.operation.id
        if written.startswith(f"{self.method.lower()} /"):
            return None  # it has no name
        words = words_of(written)
        if "or" in words and "create" in words:
            return Verb.CREATE  # `get_or_create_session`
        if words and words[-1] == self.method.lower():
            words = words[:-1]  # a generated name ends with the path and the method
        verbs = (VERBS[word] for word in words if word in VERBS)
        return next((verb for verb in verbs if verb is not Verb.SEND), None)

    @property
    def reads(self) -> bool:
        """Whether the operation's own name says that it only reads."""
        return self.said in (Verb.GET, Verb.LIST, Verb.SEARCH)

    def above(self) -> Call | None:
        """The same call one resource further up."""
        reading = replace(self.reading, chain=self.reading.chain[:-1])
        return Call(self.operation, reading, reading.last) if reading.last else None


class Evidence:
    """How surely each collection is one of sessions or of runs, from 0 (not at all) to 1."""

    def __init__(self, document: Document, known: Mapping[Key, Noun] | None = None) -> None:
        self.paths = Paths(document.operations, known or {})
        self.shapes = Shapes(document)
        self.calls = list(self._calls(document))
        self._below: dict[Key, set[Noun]] = defaultdict(set)
        self._spoken_for: set[str] = set()  # the words for sessions that a sent text comes with
        self._sessions: dict[Key, float] = {}
        self._runs: dict[Key, float] = {}
        self.turns: set[Key] = set()  # collections named like sessions, whose items are messages
        for operation in document.operations:
            self._gather_words(operation)
        for call in self.calls:
            self._gather(call)
        self._weigh()
        self.any_session = any(value > 0 for value in self._sessions.values())
        self.implicit = not self.any_session and self._talks_at_the_top()
        self.has_a_talk = self.any_session or self.implicit

    def _calls(self, document: Document) -> Iterator[Call]:
        for operation in document.operations:
            reading = self.paths.read(operation.path)
            if reading.last is not None and not reading.elsewhere:
                yield Call(operation, reading, reading.last)

    def unnamed(self) -> dict[Key, Noun]:
        """The sessions and messages that have names of their own: below an item texts are sent, and
        what is answered tells the words of a user from those of an agent."""
        found: dict[Key, Noun] = {}
        for key, below in self.paths.below_one_another():
            held = self.paths.read(_template(key)).last
            operations = self.paths.operations(below)
            sends = [o for o in operations if o.method == "POST" and self.shapes.carries_text(o)]
            more = self.paths.operations((*below, ITEM))
            if (
                held is None
                or held.noun is not Noun.OTHER
                or not sends
                or not self.paths.operations(key)
            ):
                continue
            if any(map(self.shapes.tells_sides, (*operations, *more))):
                found |= {key: Noun.SESSION, below: Noun.MESSAGE}
        return found

    # Sessions

    def session(self, part: Resource) -> float:
        """How surely this is a collection of sessions, or an item of one."""
        return self._sessions.get(part.key, 0.0)

    def _gather(self, call: Call) -> None:
        operation, last = call.operation, call.part
        for index, part in enumerate(call.reading.chain):
            if part.noun is not Noun.SESSION:
                continue
            self._sessions.setdefault(part.key, 0.0)
            for lower in call.reading.chain[index + 1 :]:
                talks = lower.noun is Noun.MESSAGE and (
                    lower.term.head not in PART or self._speaks(operation)
                )
                if part.item and (talks or lower.noun is Noun.RUN):
                    self._below[part.key].add(lower.noun)
            said = part is last or (index == len(call.reading.chain) - 2 and not last.item)
            if part.item and said and call.verb is Verb.SEND:
                self._below[part.key].add(Noun.MESSAGE)
        named = self._named(operation)
        says = self.shapes.carries_text(operation)
        makes = call.method == "POST" and last.noun is Noun.SESSION and not last.item
        if makes and says and self.paths.has_items(last.key) and named - {last.term.head}:
            self.turns.add(last.key)  # its items are made for a session of another name

    def _gather_words(self, operation: Operation) -> None:
        reading = self.paths.read(operation.path)
        about = reading.last is not None and reading.last.noun in (Noun.MESSAGE, Noun.RUN)
        if not reading.elsewhere and (about or self.shapes.carries_text(operation)):
            self._spoken_for |= self._named(operation)

    def _named(self, operation: Operation) -> set[str]:
        """The words for the sessions whose ids a request carries."""
        return set(map(session_of, filter(names_a_session, self.shapes.names(operation))))

    def _speaks(self, operation: Operation) -> bool:
        """Whether somebody says something in the body of a request or of its answer."""
        says = operation.method == "POST" and self.shapes.carries_text(operation)
        return says or self.shapes.carries_role(operation)

    def _weigh(self) -> None:
        for key in self._sessions:
            self._sessions[key] = self._weight(key)
        strong = {_head(key) for key, value in self._sessions.items() if value >= STRONG}
        shown = {_head(key) for key in self._sessions if self._below[key]}
        for key, value in self._sessions.items():
            namesake = value < STRONG and _head(key) in strong
            if value >= 0 and not self._below[key] and (namesake or _head(key) in shown):
                self._sessions[key] = 0.88  # the messages are those of another one of that name

    def _weight(self, key: Key) -> float:
        if self._below[key]:
            return 0.98
        shown: set[str] = set()
        for at in (key, (*key, ITEM)):
            for operation in self.paths.operations(at):
                asked = self.shapes.request(operation)
                names = {"".join(words_of(name)) for name in asked.members}
                if operation.method == "POST" and names & CREDENTIALS:
                    return -1.0
                for shape in (asked, self.shapes.answer(operation)):
                    shown |= shape.members | shape.below
        head = _head(key)
        if head in self._spoken_for:
            return 0.94
        near = (word.startswith(_TALK_PREFIXES) for name in key for word in words_of(name))
        if head in CONVERSATION or any(near):
            return 0.86
        words = {w for name in shown if not is_user_agent(name) for w in words_of(name)}
        return 0.75 if words & _ABOUT_A_TALK else 0.0

    def _talks_at_the_top(self) -> bool:
        """Whether messages are sent and listed without any session being named."""
        methods = set()
        for call in self.calls:
            plain = len(call.reading.chain) == 1 and call.verb is None and not call.part.item
            stateless = "model" in self.shapes.request(call.operation).members  # a completion
            if plain and call.part.noun is Noun.MESSAGE and not stateless:
                methods.add(call.method)
        return {"GET", "POST"} <= methods

    # Runs

    def run(self, call: Call) -> float:
        """How surely the runs that a call is about are those of an agent."""
        part, above = call.part, call.reading.above()
        if above is not None and above.noun is Noun.SESSION:
            if part.term.head == "task":
                return 0.0  # what a session has to do is no run of it
            made_with_it = part.term.head == "run" and not part.item  # `/threads/runs`
            if above.item or made_with_it:
                return self.session(above)
        if part.key not in self._runs:
            owner = above.term.head if above is not None and above.noun is Noun.OWNER else None
            self._runs[part.key] = self._weight_of_runs(part, owner)
        return self._runs[part.key]

    def _weight_of_runs(self, part: Resource, owner: str | None) -> float:
        operations = self.paths.around(part.key)
        asked = {name for operation in operations for name in self.shapes.names(operation)}
        told = {name for operation in operations for name in self.shapes.answer(operation).members}
        text = any(o.method == "POST" and self.shapes.carries_text(o) for o in operations)
        agent = any(map(names_an_agent, asked | told))
        if part.term.head == "task":  # most tasks are no runs: only those that a talk has
            held = any(map(names_a_session, asked | told)) or "contextId" in told
            stops = any(self.paths.read(o.path).verb is Verb.STOP for o in operations)
            return 0.86 if held and stops else 0.0
        if any(map(names_a_session, asked)) and (text or agent):
            return 0.95
        chained = any(name.startswith("previous") for name in asked)
        if owner in STRONG_OWNER or (text and (chained or agent)):
            return 0.92
        return 0.8 if agent and owner is None else 0.0

    # Messages

    def talk(self, call: Call) -> tuple[float, str]:
        """How surely the messages of a call belong to a talk, and what that is."""
        above, part, operation = call.reading.above(), call.part, call.operation
        if part.key in self.turns:
            return 0.85, "the session that its requests name"
        if above is not None and above.noun is Noun.OTHER and not above.item:
            above = call.reading.above(2)
        if above is None:
            return self._unheld_talk(call)
        if above.noun is Noun.SESSION:
            value = self.session(above)
            if above.item:
                return value, f"a session of {above.text}"
            if self.shapes.carries_session(operation):
                return max(value, 0.92), "the session that the request names"
            return value - 0.15, "a session"
        owner = f"the {above.term.head} that the path names"
        if above.noun is Noun.RUN and above.item:
            upper = call.above()
            return (self.run(upper) if upper else 0.0), "a run"
        if above.noun is Noun.OWNER and not above.item:
            named = self.shapes.carries_session(operation)
            return 0.88 if named else 0.0, "the session that the request names"
        if above.noun is Noun.OWNER:
            named = self.shapes.carries_session(operation)
            if not named and self._has_sessions(above) and not self._lists_messages(above):
                return 0.0, owner  # what is said outside of its sessions is kept nowhere
            if above.term.head in STRONG_OWNER:
                return 0.93, owner
            if part.term.head in CONVERSATION:
                return 0.86, owner
            spoken = call.verb in (Verb.SEND, Verb.STREAM) or self._speaks_below(above)
            return 0.92 if spoken else 0.0, owner
        return (0.8, owner) if above.item and self.shapes.carries_role(operation) else (0.0, owner)

    def _unheld_talk(self, call: Call) -> tuple[float, str]:
        """Messages that stand below nothing."""
        if self.shapes.carries_session(call.operation):
            return 0.92, "the session that the request names"
        if self.implicit:
            return 0.85, "the only session"
        if call.reading.action.startswith(":") and call.method == "POST":
            return 0.86, "the context that the message names"
        kept = any(
            Noun.MESSAGE in below and self._sessions[key] >= STRONG
            for key, below in self._below.items()
        )
        if call.part.item and kept:
            return 0.85, "a session"
        term = call.part.term
        if self.any_session and len(term.words) > 1 and term.verb is call.verb is not None:
            return 0.84, "a session"  # a call of one segment: `/add-message`
        listed = any(map(self.shapes.carries_session, self.paths.operations(call.part.key)))
        return (0.9, "a session") if listed else (0.0, "")

    def _has_sessions(self, owner: Resource) -> bool:
        size = len(owner.key)
        return any(
            len(key) > size and key[:size] == owner.key and value >= STRONG
            for key, value in self._sessions.items()
        )

    def _speaks_below(self, owner: Resource) -> bool:
        """Whether what is below an item is said by somebody in a role."""
        return any(map(self.shapes.carries_role, self._on_messages_of(owner)))

    def _lists_messages(self, owner: Resource) -> bool:
        return any(operation.method == "GET" for operation in self._on_messages_of(owner))

    def _on_messages_of(self, owner: Resource) -> list[Operation]:
        return [
            operation
            for name in self.paths.below_items(owner.key)
            for operation in self.paths.operations((*owner.key, ITEM, name))
            if (last := self.paths.read(operation.path).last) and last.noun is Noun.MESSAGE
        ]

    def is_beside_messages(self, call: Call) -> bool:
        """Whether events or activities are no messages, as there are messages beside them."""
        above = call.reading.above()
        if call.part.term.head not in PART or above is None:
            return False
        if self.shapes.carries_text(call.operation):
            return False
        beside = [term_of(name) for name in self.paths.below_items(above.key) if name[0] != ":"]
        return any(term.head in MESSAGE and len(term.words) == 1 for term in beside)

    def is_state(self, session: Resource, part: Resource) -> bool:
        """Whether a part of a session stands for it: it holds the messages."""
        if "GET" in self.paths.methods((*session.key, ITEM)):
            return False
        return any(
            (last := self.paths.read(operation.path).last) and last.noun is Noun.MESSAGE
            for name in self.paths.children(part.key)
            for operation in self.paths.operations((*part.key, name))
        )

    def is_something_else(self, part: Resource) -> bool:
        """Whether a resource has a life of its own: it is kept, or known to be no talk."""
        if NESTED.intersection(part.term.words):
            return True
        kept = bool(self.paths.methods((*part.key, ITEM)) - {"POST"})
        return kept and (part.noun is Noun.OTHER or not part.item)


def _template(key: Key) -> str:
    return "/" + "/".join(key)


def _head(key: Key) -> str:
    """The word for what a collection holds."""
    words = [singular(word) for word in words_of(key[-1])] if key else []
    talks = [word for word in words if word in CONVERSATION]
    return (talks or words or [""])[-1]
