"""The paths of a document, read as chains of resources: a session, its messages, one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ...openapi.document import Operation
from .words import (
    ELSEWHERE,
    IDENTIFIERS,
    MESSAGE,
    NEUTRAL,
    OWNER,
    PART,
    PSEUDO_ID,
    RUN,
    SESSION,
    SPOKEN_TO,
    SUGGESTION,
    Noun,
    Term,
    Verb,
    is_noise,
    singular,
    term_of,
    words_of,
)

Key = tuple[str, ...]
ITEM = "{}"
_DOTTED = re.compile(r"[A-Za-z_]+(\.[A-Za-z_]+)+")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a chain: a collection, or one item of it."""

    noun: Noun
    term: Term
    key: Key  # the node of the collection
    text: str  # the path up to here
    item: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A path: its resources from left to right, and what is done to the last of them."""

    chain: tuple[Resource, ...]
    verb: Verb | None
    action: str  # the segment that says the verb
    elsewhere: bool  # whether it lies below something that has nothing to do with sessions
    key: Key

    @property
    def last(self) -> Resource | None:
        """The resource that the path ends at."""
        return self.chain[-1] if self.chain else None

    def above(self, back: int = 1) -> Resource | None:
        """The resource before the last one."""
        return self.chain[-1 - back] if len(self.chain) > back else None


@dataclass(slots=True)
class Node:
    """A place in the tree of paths."""

    operations: list[Operation] = field(default_factory=list)
    children: set[str] = field(default_factory=set)


class Paths:
    """The tree of all paths, and the readings of them; `known` says what some collections hold,
    whatever they are called."""

    def __init__(self, operations: Iterable[Operation], known: Mapping[Key, Noun]) -> None:
        self._known = known
        self._nodes: dict[Key, Node] = {(): Node()}
        self._readings: dict[str, Reading] = {}
        self._has_sessions = False  # by that name
        for operation in operations:
            segments = segments_of(operation.path)
            key: Key = ()
            for segment in segments:
                name = ITEM if segment.startswith("{") else segment
                self._has_sessions = self._has_sessions or term_of(name).head in SESSION
                self._nodes[key].children.add(name)
                key = (*key, name)
                self._nodes.setdefault(key, Node())
            self._nodes[key].operations.append(operation)

    def operations(self, key: Key) -> list[Operation]:
        """The operations at a node."""
        return self._nodes[key].operations if key in self._nodes else []

    def methods(self, key: Key) -> set[str]:
        """The methods that are declared at a node."""
        return {operation.method for operation in self.operations(key)}

    def children(self, key: Key) -> set[str]:
        """The segments that follow a node."""
        return self._nodes[key].children if key in self._nodes else set()

    def has_items(self, key: Key) -> bool:
        """Whether there are paths of the form `collection/{id}`."""
        return (*key, ITEM) in self._nodes

    def below_items(self, key: Key) -> set[str]:
        """The segments that follow `collection/{id}`."""
        return self.children((*key, ITEM))

    def below_one_another(self) -> Iterator[tuple[Key, Key]]:
        """The collections, each with one that is below its items."""
        for key in self._nodes:
            for name in self.below_items(key) if key[-1:] != (ITEM,) else ():
                yield key, (*key, ITEM, name)

    def around(self, key: Key) -> list[Operation]:
        """The operations of a collection, of its items, and one segment further down."""
        below = [(*key, name) for name in self.children(key)]
        further = [(*at, name) for at in below for name in self.children(at)]
        return [operation for at in (key, *below, *further) for operation in self.operations(at)]

    def read(self, path: str) -> Reading:
        """The reading of a path template."""
        if path not in self._readings:
            self._readings[path] = self._read(path)
        return self._readings[path]

    def _read(self, path: str) -> Reading:
        chain: list[Resource] = []
        verb: Verb | None = None
        action = ""
        elsewhere = False
        key: Key = ()
        text = ""
        for segment in segments_of(path):
            parameter = segment.startswith("{")
            key = (*key, ITEM if parameter else segment)
            text += f":{segment[1:]}" if segment.startswith(":") else f"/{segment}"
            if parameter:
                self._parameter(chain, segment, verb, key, text)
                continue
            if segment.lower() in PSEUDO_ID:
                if chain and not chain[-1].item:
                    chain[-1] = replace(chain[-1], item=True, text=text)
                continue
            if is_noise(segment.lstrip(":")):
                continue
            term = term_of(segment)
            noun = self._noun(term, chain, key)
            if term.verb is not None and (noun is Noun.OTHER or noun is None):
                if chain and chain[-1].noun is Noun.OWNER and term.head and noun is Noun.OTHER:
                    chain.append(Resource(Noun.OTHER, term, key, text))
                else:
                    verb, action = term.verb, segment
                    if noun is Noun.OTHER:
                        chain.append(Resource(Noun.OTHER, term, key, text))
                continue
            if noun is None:
                continue
            if not chain or all(part.noun is Noun.OTHER for part in chain):
                elsewhere = elsewhere or bool(ELSEWHERE.intersection(term.words))
            chain.append(Resource(noun, term, key, text))
            if term.verb is not None and len(term.words) > 1:
                verb, action = term.verb, segment
        return Reading(tuple(chain), verb, action, elsewhere, key)

    def _parameter(
        self, chain: list[Resource], segment: str, verb: Verb | None, key: Key, text: str
    ) -> None:
        words = [singular(word) for word in words_of(segment)]
        if words and words[-1] in IDENTIFIERS:
            words = words[:-1]
        session = bool(words) and words[-1] in SESSION
        if not chain and not session:
            return  # a tenant or a version
        if not chain or (session and chain[-1].item and chain[-1].noun is not Noun.SESSION):
            held = term_of(words[-1])
            chain.append(Resource(Noun.SESSION, held, key[:-1], text, item=True))
        elif session and not chain[-1].item and _said_in(words[-1], chain[-1]):
            # `/history/{session_id}`: the messages of that session
            messages = replace(chain.pop(), noun=Noun.MESSAGE)
            holder = Resource(Noun.SESSION, term_of(words[-1]), messages.key, text, item=True)
            chain += [holder, replace(messages, text=text)]
        elif not chain[-1].item:
            chain[-1] = replace(chain[-1], item=True, text=text)

    def _noun(self, term: Term, chain: list[Resource], key: Key) -> Noun | None:
        """What a literal segment names here; None where it is only a verb, or a namespace."""
        head = term.head
        if key in self._known:
            return self._known[key]
        if not head:
            return None
        last = chain[-1] if chain else None
        in_session = last is not None and last.noun is Noun.SESSION and last.item
        if not NEUTRAL.issuperset(term.modifiers):
            return Noun.OTHER
        if head in SUGGESTION or "suggested" in term.words:
            return Noun.SUGGESTION
        if head in SESSION:
            return self._session_noun(head, term, last, key)
        parent = last.noun if last else None
        if head in SPOKEN_TO and not self._has_sessions and self._is_spoken_to(key):
            return Noun.SESSION
        if head in MESSAGE:
            if parent is Noun.MESSAGE or (parent is Noun.OTHER and last and last.item):
                return Noun.OTHER
            return Noun.MESSAGE
        if head in RUN and not in_session:
            if parent is Noun.OTHER and last and last.item:
                return Noun.OTHER
            return Noun.RUN if parent is not Noun.MESSAGE else Noun.OTHER
        if head in PART:
            return Noun.MESSAGE if self._holds_parts(chain, term) else Noun.OTHER
        if head in RUN:
            return Noun.RUN
        if head in OWNER:
            return Noun.OWNER if not in_session else Noun.OTHER
        if len(term.words) == 1 and term.verb is not None:
            return None
        return Noun.OTHER

    def _is_spoken_to(self, key: Key) -> bool:
        """Whether something is sent to the items of a collection."""
        return any(
            term_of(name).head in MESSAGE | {"step"} and "POST" in self.methods((*key, ITEM, name))
            for name in self.below_items(key)
        )

    def _holds_sessions(self, key: Key) -> bool:
        """Whether the items of a collection have sessions below them rather than messages."""
        below = {name: term_of(name) for name in self.below_items(key)}
        if any(term.head in MESSAGE for term in below.values()):
            return False
        return any(
            self.has_items((*key, ITEM, name)) or (term.plural and term.head != "chat")
            for name, term in below.items()
            if term.head in SESSION
        )

    def _session_noun(self, head: str, term: Term, last: Resource | None, key: Key) -> Noun | None:
        if last is not None and last.item and last.noun is Noun.SESSION:
            if head in ("chat", "conversation", "dialog", "dialogue", "convo"):
                return Noun.SESSION if self.below_items(key) else Noun.MESSAGE
            return Noun.SESSION if self.has_items(key) else Noun.OTHER
        if self._holds_sessions(key):
            return Noun.OWNER
        if head == "chat":
            owned = last is not None and last.item and last.noun is Noun.OWNER
            if owned and not self.has_items(key):
                siblings = self.children(key[:-1])
                if not term.plural or siblings & {"chat", "stream-chat"}:
                    return Noun.MESSAGE
        return Noun.SESSION

    @staticmethod
    def _holds_parts(chain: list[Resource], term: Term) -> bool:
        """Whether an event, an item and the like is a message here."""
        if term.head == "history" and set(term.modifiers) & (SESSION | MESSAGE):
            return True
        for part in reversed(chain):
            if part.noun is Noun.SESSION:
                return part.item or term.head == "history"
            if part.noun is Noun.RUN:
                return part.item and term.head == "event"
            if part.noun is not Noun.OTHER or part.item:
                return False
        return False


def _said_in(session: str, part: Resource) -> bool:
    """Whether the id of a session after this collection says whose messages are meant."""
    chats = part.term.head == "chat" and part.term.plural and session != "chat"
    return part.noun is Noun.MESSAGE or chats


def segments_of(path: str) -> list[str]:
    """The segments of a path template; `:verb` at the end of one is a segment of its own."""
    found = []
    for segment in re.split("[?#]", path, maxsplit=1)[0].split("/"):
        if not segment:
            continue
        name, _, verb = segment.partition(":") if not segment.startswith(":") else (segment, "", "")
        inside = segment.rfind("}")
        if segment.startswith("{"):
            found.append(segment[: inside + 1])
            name, _, verb = segment[inside + 1 :].partition(":")
        elif name:
            name = name.removesuffix(".json").removesuffix(".xml")
            dotted = _DOTTED.fullmatch(name)  # `conversations.history`: a resource and a verb
            found += name.split(".") if dotted else [name]
        if verb and "{" not in verb:
            found.append(f":{verb}")
    return found
