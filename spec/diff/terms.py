"""Compares two terms: their types, their values, their unions, and what stands beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparring.spec.openapi.schemas import Path, members_of

from .change import Severity, Way
from .differences import Difference, Step, listed
from .kinds import KINDS
from .matching import Matching, are_disjoint, matched
from .shapes import TYPES, Shape, Shapes, Term, key_of

if TYPE_CHECKING:
    from .schemas import SchemaDiff

MAX_BRANCHES = 64


class TermComparison:
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
            self._values()
            self._unions()
        else:
            self._say("undecided", "the union has too many branches to be compared")

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

    def _values(self) -> None:
        """Compares the values that are listed, by validating them, and the other alternatives."""
        gone: dict[str, Any] = {}
        come: dict[str, Any] = {}
        for type in (
            type for type in TYPES if type in self.old.by_type and type in self.new.by_type
        ):
            old, new = self.old.by_type[type], self.new.by_type[type]
            before, after = _values_of(old), _values_of(new)
            if before.keys() != after.keys() or not self._are_plain(type):
                gone |= self._lost(before, after, of_new=True)
                come |= self._lost(after, before, of_new=False)
            open_, still_open = _without_values(old), _without_values(new)
            if open_ and still_open:
                self._alternatives(open_, still_open)
            elif open_:
                message = f"only the values {listed(after)} are allowed"
                self._say("values-stated", message, self.places[0], new[0].path)
            elif still_open:
                message = f"values beyond {listed(before)} are allowed"
                self._say("values-opened", message, old[0].path, self.places[1])
        if gone:
            noun = "values" if len(gone) > 1 else "value"
            self._say("value-removed", f"the {noun} {listed(gone)} went", *self._enums())
        if come:
            noun = "values" if len(come) > 1 else "value"
            verb = "are" if len(come) > 1 else "is"
            self._say("value-added", f"the {noun} {listed(come)} {verb} new", *self._enums())

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
        if not values:
            return {}
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
        sent, received = (
            diff.way is way and (not shapes.exclusive or are_disjoint(shapes, reader))
            for way, shapes, reader in (
                (Way.SENT, self.new, diff.new),
                (Way.RECEIVED, self.old, diff.old),
            )
        )
        for shape in matching.gone:
            covered = sent and any(diff.is_implied(shape, one) for one in new)
            kind = "branch-covered" if covered else "branch-removed"
            self._say(kind, f"the alternative {_title(shape)} is gone", shape.path, self.places[1])
        for shape in matching.new:
            covered = received and any(diff.is_implied(one, shape) for one in old)
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
        """What follows from it that exactly one branch must fit: one that takes more may take
        them away from the union."""
        if not self.old.exclusive and not self.new.exclusive:
            return
        if are_disjoint(self.old, self.diff.old) and are_disjoint(self.new, self.diff.new):
            return
        if self._have_same_unions() and (
            not (self.old.lossy or self.new.lossy) or self.diff.is_alike(self.old, self.new)
        ):
            return
        told = any(self.diff.below(step.pair) for step in self.steps)
        self.steps = [Step(step.pair, doubtful=True) for step in self.steps]
        own = [KINDS[one.kind].severity(self.diff.way) for one in self.differences]
        if all(severity is Severity.ADDITIVE for severity in own) and (own or not told):
            self._say("union-exclusive", "alternatives that exclude each other may overlap")

    def _have_same_unions(self) -> bool:
        return len(self.old.exclusive) == len(self.new.exclusive) and all(
            any(self._are_same(mine, theirs) for theirs in self.new.exclusive.values())
            for mine in self.old.exclusive.values()
        )

    def _are_same(self, old: tuple[Path, ...], new: tuple[Path, ...]) -> bool:
        """Whether two unions have the same branches, in whichever order."""
        if len(old) != len(new) or len(old) > MAX_BRANCHES:
            return False
        left = list(new)
        for branch in old:
            found = next((b for b in left if not self.diff.below(((branch,), (b,)))), None)
            if found is None:
                return False
            left.remove(found)
        return True


def _values_of(shapes: tuple[Shape, ...]) -> dict[str, Any]:
    return {k: v for shape in shapes for k, v in (shape.values or {}).items()}


def _without_values(shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    return tuple(shape for shape in shapes if shape.values is None)


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
