"""What sparring refuses or warns of: one registry of codes, one value per defect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CODES = {
    # documents
    "D101": "the file can't be read",
    "D102": "the text is not YAML or JSON",
    "D103": "the text is larger or deeper than the limits allow",
    "D104": "a key stands twice in one mapping",
    "D105": "the YAML uses something that JSON can't say",
    "D110": "this is not an OpenAPI document",
    "D111": "a part of the document has the wrong type",
    "D120": "a reference leads nowhere",
    "D121": "a reference leaves the document's folder",
    "D130": "a schema can't be compiled",
    "D140": "an x-session block breaks its schema",
    "D141": "an expression can't be read",
    "D142": "an annotation points at what the document does not have",
    # overlays
    "O101": "this is not an OpenAPI overlay",
    "O102": "a target is not a JSONPath",
    "O103": "a target matches nothing",
    "O104": "an update does not fit its target",
    # scripts
    "S101": "unknown key",
    "S102": "wrong type",
    "S103": "wrong value or unit",
    "S104": "a required key is missing",
    "S105": "unknown name",
    "S106": "a rule or a step can never be reached",
    "S107": "the flow goes round without the user, or has no end",
    "S108": "a pattern is broken",
    "S109": "an expression can't be read",
    "S110": "an id is taken",
    "S111": "the document has no such event",
    "S201": "the script has nothing to say to this",
    "S202": "a value grows too large while the script plays",
    # values for fixtures
    "F101": "no value satisfies the schema",
    "F102": "a provider of values can't be used",
    "F103": "the dictionary of values is broken",
    # the command line and the target of a contract run
    "C101": "wrong usage",
    "C102": "a part of sparring is not installed",
    "C103": "the target can't be reached",
    "C104": "the document has no such operation, parameter or media type",
    "C105": "an environment variable is not set",
    # what the mock server answers
    "H400": "the request can't be read",
    "H401": "the key is missing or wrong",
    "H404": "there is no such thing",
    "H405": "the path does not take this method",
    "H406": "no acceptable media type",
    "H409": "the id is taken",
    "H412": "the precondition does not hold",
    "H413": "the body is too large",
    "H415": "the operation does not take this media type",
    "H422": "the request breaks its schema",
    "H429": "too many requests",
    "H500": "the mock server failed",
    "H501": "the mock server can't play this operation",
}


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text: line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong: what, where, and what to do about it.

    `excerpt` is the line of text that `position` names, without its line end.
    """

    code: str
    message: str
    position: Position | None = None
    remedy: str = ""
    excerpt: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise KeyError(f"{self.code} is not in the registry of error codes")

    def __str__(self) -> str:
        where = f"{self.position} " if self.position else ""
        text = f"{where}{self.code} {self.message}"
        if self.remedy:
            text += f"{'' if text.endswith(('.', '?', '!')) else '.'} {self.remedy}"
        if self.excerpt and self.position:
            indent = "".join(
                c if c == "\t" else " " for c in self.excerpt[: self.position.column - 1]
            )
            text += f"\n    {self.excerpt}\n    {indent}^"
        return text


class SparringError(Exception):
    """Carries every defect that was found in one go."""

    def __init__(self, defects: Defect | Iterable[Defect]) -> None:
        self.defects = (defects,) if isinstance(defects, Defect) else tuple(defects)
        super().__init__("\n".join(map(str, self.defects)))


def line_of(text: str, number: int) -> str:
    """A line of a text as an excerpt; empty when it is too long to be shown."""
    lines = text.split("\n", number)
    line = lines[number - 1].rstrip("\r") if number <= len(lines) else ""
    return line if len(line) <= 200 else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """A clause that suggests the known word nearest to `word`, or an empty string."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=3, cutoff=0.6)
    found = next((known for known in near if _is_alike(word, known)), None)
    return f'Did you mean "{found}"?' if found else ""


def _is_alike(word: str, known: str) -> bool:
    """Whether a word is another one with a slip: not merely one with some of its letters."""
    from difflib import SequenceMatcher

    if SequenceMatcher(None, word, known).ratio() >= 0.7 or sorted(word) == sorted(known):
        return True
    if len(word) == len(known) and sum(map(str.__ne__, word, known)) == 1:
        return True
    short, long = sorted((word, known), key=len)
    letters = iter(long)
    return short[:1] == long[:1] and all(letter in letters for letter in short)
