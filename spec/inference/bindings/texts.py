"""Finds where the plain text of a message stands in a schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparring.spec.openapi.schemas import items_of
from sparring.spec.pointers import EACH, LAST

from .names import flat, pick, ranked, words
from .schemas import Location, Reader, Schema

_DEPTH = 7
# Names of what holds the words, the likeliest first. A name says how near its text is to what a
# person has typed or an agent has said; what is not listed holds no words.
INPUT = ranked(
    "usermessage userinput userquery usertext inputtext messagetext newmessage latestmessage "
    "message content contents text query question prompt utterance chatinput textinput userprompt "
    "messages input inputs body msg msgs parts value items payload data params queryinput event "
    "events activity part request thread additionalmessages instruction q attributes "
    "action fragments segments"
)
OUTPUT = ranked(
    "content contents text message messages value body parts data msg utterance answer reply "
    "response output outputs payload llmmessage result info values msgs activity messagecontent "
    "part blocks texts delta snippet attributes "
    "fulfillmenttext answertext responsetext outputtext generatedtext fragments segments"
)
_ARRAYS = words("messages input items events additionalmessages history turns contents msgs inputs")
_HOLDERS = words("event events activity part parts request thread items params additionalmessages")
_PLAIN = words("text content inputtext outputtext markdown plain texts textpart string textcontent")
_STRANGE = words(
    "image imageurl imagefile file audio video refusal reasoning thinking tool toolcall tooluse "
    "toolresult toolreturn functioncall snapshot summary summarytext reasoningtext document patch "
    "data uri url blob resource functionresponse inputimage inputfile redactedthinking location"
)
_FREE_TALK = words("input inputs values output result state")
_PLAIN_FREE = words("content text message")
_LABELS = ("type", "kind", "contenttype", "object", "event", "eventtype", "partkind", "messagetype")


@dataclass(frozen=True, slots=True)
class Found:
    """A text, and how sure its names make us: the lower the cost, the surer."""

    cost: float
    at: Location


class Texts:
    """Looks for text in the schemas of one view."""

    def __init__(self, reader: Reader, names: Sequence[str], each: str) -> None:
        """`each` says which item of an array of parts is meant: `*`, or `0` in a request."""
        self._reader = reader
        self._rank = {name: index for index, name in enumerate(names)}
        self._each = each
        self._known: dict[int, tuple[Schema, Found | None]] = {}

    def find(self, schema: Schema) -> Location | None:
        """Where the text stands, None where nothing by its name holds any."""
        found = self.best(schema)
        items = self._reader.items(schema) if "array" in self._reader.types(schema) else None
        if found is None and items is not None:
            found = self.best(items)
            return (LAST if self._each == "0" else EACH, *found.at) if found else None
        return found.at if found else None

    def best(self, schema: Schema) -> Found | None:
        """The surest text in a schema, arrays aside."""
        schema = self._reader.resolve(schema)
        if id(schema) not in self._known:
            self._known[id(schema)] = (schema, None)  # what is found inside itself is no nearer
            best = min(self._all(schema), key=lambda found: found.cost, default=None)
            self._known[id(schema)] = (schema, best)
        return self._known[id(schema)][1]

    def _all(self, schema: Schema) -> Iterator[Found]:
        for branch in self._reader.branches(schema):
            extra = self.strangeness(branch)
            for found in self._in(branch):
                yield Found(found.cost + extra, found.at)

    def _in(self, branch: Schema) -> Iterator[Found]:
        reader = self._reader
        for name, member in reader.members(branch).items():
            rank = self._rank.get(flat(name))
            if rank is None or reader.resolve(member).get("readOnly"):
                continue
            if (free := self._free(name, member)) is not None:
                yield Found(free.cost + rank, free.at)
                continue
            if reader.is_text(member) and flat(name) not in _HOLDERS:
                yield Found(rank, (name,))
                continue
            found = self._array(name, member) or self.best(member)
            if found:
                # A list of messages is as good a place as a single text.
                near = found.cost / 50 if found.at[0] == LAST else found.cost / 2 + 4
                yield Found(near + rank, (name, *found.at))

    def _free(self, name: str, member: Schema) -> Found | None:
        """Text in a member that takes any JSON: where its example has it, or by convention.

        Agents that take or give any object by convention keep a list of messages in it.
        """
        reader = self._reader
        node = reader.resolve(member)
        types = reader.types(node)
        anything = not types or ("object" in types and types & {"number", "boolean"})
        if not reader.is_free(node) or not (anything or types <= {"object", "array"}):
            return None
        for example in (*examples(member), *examples(node)):
            if (at := in_example(example, tuple(self._rank))) is not None:
                return Found(5, (name, *at))
        if flat(name) in _FREE_TALK:
            return Found(15, (name, "messages", LAST, "content"))
        if flat(name) == "payload":
            return Found(16, (name, "text"))  # as chat platforms fill it
        return Found(3, (name,)) if not types and flat(name) in _PLAIN_FREE else None

    def _array(self, name: str, member: Schema) -> Found | None:
        """Text in the items of an array; a string beside the array is found before it."""
        reader = self._reader
        items = reader.items(member)
        if items is None:
            return None
        each = self._each
        if flat(name) in _ARRAYS and self.is_message(items):
            each = LAST  # in a row, too: what shows all messages at a time shows a newest one
        if reader.is_text(items):
            return Found(0, (each,))
        found = self.best(items)
        return Found(found.cost, (each, *found.at)) if found else None

    def is_message(self, schema: Schema) -> bool:
        """Whether the items of an array are messages, not the parts of one."""
        names = {flat(name) for name in self._reader.members(schema)}
        return bool(names & _MESSAGE_PARTS)

    def strangeness(self, branch: Schema) -> float:
        """How unlikely an alternative is to be plain text, by the word that tells it apart."""
        members = self._reader.members(branch)
        label = pick(members, _LABELS)
        if label is None:
            return 0
        listed = [flat(str(word)) for word in self._reader.words(members[label])]
        if not listed or any(word in _PLAIN for word in listed):
            return 0
        if any("message" in word and "tool" not in word for word in listed):
            return 0.5
        return 40 if len(listed) == 1 and listed[0] in _STRANGE else (20 if len(listed) == 1 else 1)


_MESSAGE_PARTS = words("role sender author source from isuser speaker participant")


def in_example(example: Any, names: Sequence[str], depth: int = 0) -> Location | None:
    """Where an example has its text, by the names of its members."""
    if isinstance(example, Mapping) and depth < _DEPTH:
        for name in names:
            key = pick(example, (name,))
            if key is None:
                continue
            if isinstance(example[key], str):
                return (key,)
            if (below := in_example(example[key], names, depth + 1)) is not None:
                return (key, *below)
    if isinstance(example, list) and example:
        below = in_example(example[0], names, depth + 1)
        return (EACH, *below) if below is not None else None
    return None


def examples(schema: Schema) -> Iterator[Any]:
    """The examples that a schema gives."""
    if "example" in schema:
        yield schema["example"]
    yield from items_of(schema, "examples")
