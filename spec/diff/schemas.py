"""Compares the schemas of two documents: pair by pair of what stands in the same place.

Each pair is compared once; what is found below a place is collected along the pairs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sparring.spec.document import Document
from sparring.spec.references import local_tokens
from sparring.spec.schemas import BadSchema, Validator, View, members_of, reference

from .change import Severity, Way
from .facets import Difference, facets
from .kinds import KINDS
from .matching import Matching, are_disjoint, matched
from .shapes import TYPES, Member, Shape, ShapeReader, Shapes, Term, key_of
from .unchanged import Unchanged

Pair = tuple[Term, Term]
MAX_PAIRS = 200_000
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Step:
    """From a pair to one below it; `doubtful`: through alternatives that may overlap, where a
    wider one can take a value away from the union."""

    pair: Pair
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A difference somewhere below a place, and how much it hurts there."""

    difference: Difference
    severity: Severity


class SchemaDiff:
    """The schemas of two documents as they travel one way."""

    def __init__(self, old: Document, new: Document, way: Way) -> None:
        view = View.REQUEST if way is Way.SENT else View.RESPONSE
        self.way = way
        self.old, self.new = ShapeReader(old, view), ShapeReader(new, view)
        self._readers = (self.old, self.new)
        self._unchanged = Unchanged(self.old.tree, self.new.tree)
        self._compared: dict[Pair, tuple[list[Difference], list[Step]]] = {}
        self._running: set[Pair] = set()
        self._clean: set[Pair] = set()
        self._validators: dict[tuple[bool, Term], Validator | None] = {}

    def below(self, pair: Pair, skipped: Collection[Pair] = ()) -> list[Found]:
        """All differences of a pair and of what it holds, but for what the skipped pairs hold."""
        found: dict[tuple[Difference, bool], None] = {}
        seen = {(pair, False)}
        stack = [Step(pair)]
        while stack and len(seen) < MAX_PAIRS:
            step = stack.pop()
            differences, steps = self._compare(step.pair)
            found |= dict.fromkeys((difference, step.doubtful) for difference in differences)
            for below in reversed(steps):
                doubtful = step.doubtful or below.doubtful
                if (below.pair, doubtful) in seen or below.pair in self._clean:
                    continue
                if below.pair not in skipped:
                    seen.add((below.pair, doubtful))
                    stack.append(Step(below.pair, doubtful))
        if not found and not skipped and not self._running:
            self._clean |= {known for known, _ in seen}
        return [Found(one, self._severity(one, doubtful)) for one, doubtful in found]

    def _severity(self, difference: Difference, doubtful: bool) -> Severity:
        severity = KINDS[difference.kind].severity(self.way)
        if doubtful and severity is Severity.ADDITIVE:
            return Severity.UNKNOWN
        return severity

    def _compare(self, pair: Pair) -> tuple[list[Difference], list[Step]]:
        known = self._compared.get(pair)
        if known is not None:
            return known
        if pair in self._running:  # it is held by itself: what is asked is what is being found out
            return [], []
        if len(pair[0]) == len(pair[1]) and all(map(self._unchanged, *pair)):
            result: tuple[list[Difference], list[Step]] = [], []
        else:
            self._running.add(pair)
            comparison = _Comparison(self, *pair)
            result = comparison.differences, comparison.steps
            self._running.discard(pair)
        self._compared[pair] = result
        return result

    def is_implied(self, old: Shape, new: Shape) -> bool:
        """Whether the change of one alternative into another hurts nobody."""
        differences, steps = self.between(old, new)
        found = [self._severity(one, doubtful=False) for one in differences]
        found += [f.severity for step in steps for f in self.below(step.pair)]
        return all(severity is Severity.ADDITIVE for severity in found)

    def is_same(self, old: Shape, new: Shape) -> bool:
        """Whether two alternatives do not differ."""
        differences, steps = self.between(old, new)
        return not differences and not any(self.below(step.pair) for step in steps)

    def between(self, old: Shape, new: Shape) -> tuple[list[Difference], list[Step]]:
        """How two alternatives of one type differ, and what they hold."""
        differences: list[Difference] = []
        steps: list[Step] = []
        if (old.values is None) != (new.values is None):
            opened = new.values is None
            kind = "values-opened" if opened else "values-stated"
            listed = _listed((old if opened else new).values or {})
            message = f"{'values beyond' if opened else 'only the values'} {listed} are allowed"
            return [Difference(kind, message, old.path, new.path)], []
        if old.values is not None:
            return [], []
        differences += facets(old, new, self._is_target_same)
        if old.type == "object":
            self._members(old, new, differences, steps)
        if old.type == "array":
            indices: list[int | None] = [*range(max(old.prefix, new.prefix)), None]
            steps += [Step((old.item(index), new.item(index))) for index in indices]
        return differences, [step for step in steps if step.pair != ((), ())]

    def _is_target_same(self, target: str) -> bool:
        path = local_tokens(target) or ()
        return self._unchanged(path, path) or not self.below(((path,), (path,)))

    # Objects

    def _members(
        self, old: Shape, new: Shape, differences: list[Difference], steps: list[Step]
    ) -> None:
        for name in dict.fromkeys((*old.properties, *new.properties, *old.required, *new.required)):
            before, after = old.member(name), new.member(name)
            differences += self._member(name, before, after, old, new)
            hidden = self.old.is_hidden(before.term) or self.new.is_hidden(after.term)
            silent = not before.named and not before.term and name not in old.required
            silent = silent or (not after.named and not after.term)
            told = before.refused or after.refused or silent  # a new one narrows nothing
            if not hidden and not told:
                steps.append(Step((before.term, after.term)))
        if old.patterns == new.patterns:
            rest, new_rest = old.member(None), new.member(None)
            if rest.refused != new_rest.refused:
                kind = "object-closed" if new_rest.refused else "object-opened"
                verb = "refused" if new_rest.refused else "allowed"
                message = f"other properties are {verb}"
                differences.append(Difference(kind, message, _closing(old), _closing(new)))
            elif not rest.refused:
                steps.append(Step((rest.term, new_rest.term)))

    def _member(
        self, name: str, before: Member, after: Member, old: Shape, new: Shape
    ) -> Iterator[Difference]:
        required, demanded = name in old.required, name in new.required
        there = (*old.path, "properties", name) if before.named else old.path
        here = (*new.path, "properties", name) if after.named else new.path
        if before.named and before.term:
            there = before.term[0]
        if after.named and after.term:
            here = after.term[0]
        hidden, now_hidden = self.old.is_hidden(before.term), self.new.is_hidden(after.term)
        if hidden or now_hidden:
            if before.named and after.named and hidden != now_hidden:
                sent = self.way is Way.SENT
                kind = (
                    ("read-only" if now_hidden else "read-write")
                    if sent
                    else ("write-only" if now_hidden else "readable")
                )
                message = f'"{name}" is {"no longer" if now_hidden else "now"} {self.way.value}'
                yield Difference(kind, message, there, here)
            return
        if after.named and not before.named and not (before.term and not before.refused):
            kind = "property-added-required" if demanded and not required else "property-added"
            kind += "-closed" if before.refused else ""
            what = "required" if demanded and not required else "optional"
            yield Difference(kind, f'the {what} property "{name}" is new', None, here)
        elif before.named and not after.named:
            kind = "property-refused" if after.refused else "property-removed"
            yield Difference(kind, f'the property "{name}" is gone', there, None)
        elif required != demanded:
            kind = "property-required" if demanded else "property-optional"
            message = f'"{name}" is {"now" if demanded else "no longer"} required'
            places = (old.required.get(name, there), new.required.get(name, here))
            yield Difference(kind, message, *places)

    def validator(self, term: Term, *, of_new: bool) -> Validator | None:
        """What validates a term; None where that can't be compiled."""
        key = (of_new, term)
        if key not in self._validators:
            reader = self._readers[of_new]
            schema = {"allOf": [{"$ref": reference(path)} for path in term]} if term else {}
            try:
                self._validators[key] = reader.document.schemas.compile(schema, reader.view)
            except BadSchema:
                self._validators[key] = None
        return self._validators[key]


def _closing(shape: Shape) -> tuple[str | int, ...]:
    for keyword in ("additionalProperties", "unevaluatedProperties"):
        for path, value in shape.said(keyword):
            if value is False:
                return path
    return shape.path


def _listed(values: dict[str, Any] | Any) -> str:
    shown = list(values)[:_SHOWN]
    return ", ".join(shown) + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else "")


class _Comparison:
    """One pair of terms: its own differences, and the steps below."""

    def __init__(self, diff: SchemaDiff, old: Term, new: Term) -> None:
        self.diff = diff
        self.terms = (old, new)
        self.old, self.new = diff.old.shapes(old), diff.new.shapes(new)
        self.differences: list[Difference] = []
        self.steps: list[Step] = []
        self.places = (
            diff.old.target(old[0]) if old else None,
            diff.new.target(new[0]) if new else None,
        )
        self._notes()
        if self.old.whole and self.new.whole:
            self._types()
            self._discriminators()
            listed = self._values()
            for type in TYPES:
                if type in self.old.by_type and type in self.new.by_type and type not in listed:
                    self._alternatives(self.old.by_type[type], self.new.by_type[type])
            self._unions()
        else:
            self._say("union-changed", "the union has too many branches to be compared")

    def _say(self, kind: str, message: str, *places: Any) -> None:
        old, new = places or self.places
        self.differences.append(Difference(kind, message, old, new))

    def _notes(self) -> None:
        """What a schema says beside what is valid: its default, and that it is deprecated."""
        before = self.diff.old.first_said(self.terms[0], "default")
        after = self.diff.new.first_said(self.terms[1], "default")
        places = [
            found[0] if found else at
            for found, at in zip((before, after), self.places, strict=True)
        ]
        if before and after:
            if key_of(before[1]) != key_of(after[1]):
                told = f"{key_of(before[1])} to {key_of(after[1])}"
                self._say("default-changed", f"the default goes from {told}", *places)
        elif before or after:
            value = next(found[1] for found in (before, after) if found)
            told = f"the default {key_of(value)} is {'new' if after else 'gone'}"
            self._say("default-stated", told, *places)
        was, now = (
            (reader.first_said(term, "deprecated") or ((), False))[1] is True
            for reader, term in zip((self.diff.old, self.diff.new), self.terms, strict=True)
        )
        if now and not was:
            self._say("schema-deprecated", "it is deprecated")

    def _types(self) -> None:
        old, new = self.old.by_type, self.new.by_type
        gone = [type for type in old if type not in new]
        come = [type for type in new if type not in old]
        if "null" in gone and len(old) < len(TYPES):
            gone.remove("null")
            self._say("null-removed", "null is no longer allowed")
        if "null" in come and len(new) < len(TYPES):
            come.remove("null")
            self._say("null-added", "null is allowed")
        told = f"{_types_in(old)} became {_types_in(new)}"
        if gone and come:
            self._say("type-changed", told)
        elif gone:
            hinted = all(shape.hinted for type in gone for shape in old[type])
            self._say("type-stated" if hinted else "type-removed", told)
        elif come:
            hinted = all(shape.hinted for type in come for shape in new[type])
            self._say("type-unstated" if hinted else "type-added", told)
        if "number" in old and "number" in new:
            before, after = (
                all(shape.integer or shape.values is not None for shape in shapes["number"])
                for shapes in (old, new)
            )
            if before != after and not any(
                shape.values is not None for shapes in (old, new) for shape in shapes["number"]
            ):
                self._say("type-removed" if after else "type-added", told)

    def _values(self) -> set[str]:
        """Compares the values that are listed, by validating them: returns the types for which that
        settles everything."""
        settled: set[str] = set()
        gone: dict[str, Any] = {}
        come: dict[str, Any] = {}
        for type in self.old.by_type.keys() & self.new.by_type.keys():
            before, after = _values_of(self.old.by_type[type]), _values_of(self.new.by_type[type])
            if before is not None and after is not None:
                settled.add(type)
                if before.keys() == after.keys() and self._are_plain(type):
                    continue
            if before is not None:
                gone |= self._lost(before, after or {}, of_new=True)
            if after is not None:
                come |= self._lost(after, before or {}, of_new=False)
        if gone:
            noun = "values" if len(gone) > 1 else "value"
            self._say("value-removed", f"the {noun} {_listed(gone)} went", *self._enums())
        if come:
            noun = "values" if len(come) > 1 else "value"
            verb = "are" if len(come) > 1 else "is"
            self._say("value-added", f"the {noun} {_listed(come)} {verb} new", *self._enums())
        return settled

    def _are_plain(self, type: str) -> bool:
        shapes = (*self.old.by_type[type], *self.new.by_type[type])
        return all(shape.is_plain for shape in shapes)

    def _enums(self) -> list[Any]:
        found = []
        for shapes, place in zip((self.old, self.new), self.places, strict=True):
            said = [
                (path, keyword)
                for mine in shapes.by_type.values()
                for shape in mine
                for keyword in ("enum", "const")
                for path, _ in shape.said(keyword)
            ]
            paths = {path for path, _ in said}
            found.append(said[0][0] if len(paths) == 1 else place)
        return found

    def _lost(
        self, values: dict[str, Any], known: dict[str, Any], *, of_new: bool
    ) -> dict[str, Any]:
        """The values that the other side does not allow; what neither allows is not lost."""
        other = self.diff.validator(self.terms[of_new], of_new=of_new)
        own = self.diff.validator(self.terms[not of_new], of_new=not of_new)
        if other is None or own is None:
            return {key: value for key, value in values.items() if key not in known}
        return {k: v for k, v in values.items() if own.is_valid(v) and not other.is_valid(v)}

    def _alternatives(self, old: tuple[Shape, ...], new: tuple[Shape, ...]) -> None:
        diff = self.diff
        if len(old) == len(new) == 1:
            matching = Matching([(old[0], new[0])])
        else:
            matching = matched(old, new, (diff.old, diff.new), diff.is_same)
        for pair in matching.pairs:
            differences, steps = diff.between(*pair)
            self.differences += differences
            self.steps += steps
        for shape in matching.gone:
            covered = diff.way is Way.SENT and any(diff.is_implied(shape, one) for one in new)
            kind = "branch-covered" if covered else "branch-removed"
            self._say(kind, f"the alternative {_title(shape)} is gone", shape.path, self.places[1])
        for shape in matching.new:
            covered = diff.way is Way.RECEIVED and any(diff.is_implied(one, shape) for one in old)
            kind = "branch-covered" if covered else "branch-added"
            self._say(kind, f"the alternative {_title(shape)} is new", self.places[0], shape.path)

    def _discriminators(self) -> None:
        before, after = (_discriminator(shapes) for shapes in (self.old, self.new))
        if before is None and after is None:
            return
        places = [
            found[0] if found else at
            for found, at in zip((before, after), self.places, strict=True)
        ]
        if before is None or after is None:
            told = "new" if after else "gone"
            self._say("discriminator-stated", f"the discriminator is {told}", *places)
            return
        (_, name, words), (_, new_name, new_words) = before, after
        if name != new_name:
            message = f'alternatives are told apart by "{new_name}", not by "{name}"'
            self._say("discriminator-changed", message, *places)
        renamed = [
            word
            for word, target in words.items()
            if new_words
            and new_words.get(word) != target
            and (word in new_words or target in new_words.values())
        ]
        if renamed and name == new_name:
            told = ", ".join(f'"{word}"' for word in renamed)
            self._say("discriminator-changed", f"{told} names another alternative", *places)

    def _unions(self) -> None:
        """What follows from it that exactly one branch must fit."""
        if not self.old.exclusive and not self.new.exclusive:
            return
        differs = bool(self.differences or self.steps)
        if not differs and bool(self.old.exclusive) == bool(self.new.exclusive):
            return
        if are_disjoint(self.old, self.diff.old) and are_disjoint(self.new, self.diff.new):
            return
        if bool(self.old.exclusive) != bool(self.new.exclusive) and not self.differences:
            verb = "exclude" if self.new.exclusive else "no longer exclude"
            self._say("union-exclusive", f"alternatives that overlap {verb} each other")
        self.steps = [Step(step.pair, doubtful=True) for step in self.steps]
        own = [KINDS[one.kind].severity(self.diff.way) for one in self.differences]
        if self.differences and all(severity is Severity.ADDITIVE for severity in own):
            self._say("union-exclusive", "alternatives that exclude each other may overlap")


def _values_of(shapes: tuple[Shape, ...]) -> dict[str, Any] | None:
    if all(shape.values is not None for shape in shapes):
        return {k: v for shape in shapes for k, v in (shape.values or {}).items()}
    return None


def _types_in(by_type: Any) -> str:
    if len(by_type) == len(TYPES):
        return "any value"
    words = [
        "integer" if type == "number" and all(shape.integer for shape in by_type[type]) else type
        for type in by_type
    ]
    return " or ".join(words) or "no value"


def _title(shape: Shape) -> str:
    return shape.name or f"({shape.type})"


def _discriminator(shapes: Shapes) -> tuple[Any, str, dict[str, str]] | None:
    for path, node in shapes.parts:
        found = members_of(node, "discriminator")
        name = found.get("propertyName")
        if isinstance(name, str):
            mapping = members_of(found, "mapping")
            words = {k: str(v).rpartition("/")[2] for k, v in mapping.items()}
            return (*path, "discriminator"), name, words
    return None
