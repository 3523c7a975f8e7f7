"""Compares the members of two objects."""

from __future__ import annotations

from collections.abc import Iterator

from sparring.spec.openapi.schemas import Path

from .change import Way
from .differences import Difference, Step
from .reading import ShapeReader
from .shapes import Member, Shape


class Members:
    """How the members of two alternatives differ, and the steps to what they hold."""

    def __init__(
        self, way: Way, readers: tuple[ShapeReader, ShapeReader], shapes: tuple[Shape, Shape]
    ) -> None:
        self.way = way
        self.readers = readers
        self.old, self.new = old, new = shapes
        self.differences: list[Difference] = []
        self.steps: list[Step] = []
        for name in dict.fromkeys((*old.properties, *new.properties, *old.required, *new.required)):
            self._member(name, old.member(name), new.member(name))
        if old.patterns == new.patterns:
            self._others(old.member(None), new.member(None))

    def _others(self, before: Member, after: Member) -> None:
        """What is said of members that have no schema of their own."""
        if before.refused != after.refused:
            kind = "object-closed" if after.refused else "object-opened"
            message = f"other properties are {'refused' if after.refused else 'allowed'}"
            places = _closing(self.old), _closing(self.new)
            self.differences.append(Difference(kind, message, *places))
        elif not before.refused:
            self.steps.append(Step((before.term, after.term)))

    def _member(self, name: str, before: Member, after: Member) -> None:
        hidden, now_hidden = (
            reader.is_hidden(member.term)
            for reader, member in zip(self.readers, (before, after), strict=True)
        )
        there, here = _place(self.old, before), _place(self.new, after)
        if hidden or now_hidden:
            if before.named and after.named and hidden != now_hidden:
                message = f'"{name}" is {"no longer" if now_hidden else "now"} {self.way.value}'
                self.differences.append(Difference(self._hiding(now_hidden), message, there, here))
            return
        self.differences += self._presence(name, before, after, there, here)
        was_silent = not before.named and not before.term and name not in self.old.required
        is_silent = not after.named and not after.term
        if not (before.refused or after.refused or was_silent or is_silent):
            self.steps.append(Step((before.term, after.term)))

    def _hiding(self, now_hidden: bool) -> str:
        if self.way is Way.SENT:
            return "read-only" if now_hidden else "read-write"
        return "write-only" if now_hidden else "readable"

    def _presence(
        self, name: str, before: Member, after: Member, there: Path, here: Path
    ) -> Iterator[Difference]:
        """Whether a member may, must or must not be there."""
        required, demanded = name in self.old.required, name in self.new.required
        if after.named and not before.named and (before.refused or not before.term):
            comes_required = demanded and not required
            kind = "property-added-required" if comes_required else "property-added"
            kind += "-closed" if before.refused else ""
            what = "required" if comes_required else "optional"
            yield Difference(kind, f'the {what} property "{name}" is new', None, here)
        elif before.named and not after.named:
            kind = "property-refused" if after.refused else "property-removed"
            yield Difference(kind, f'the property "{name}" is gone', there, None)
        elif required != demanded:
            kind = "property-required" if demanded else "property-optional"
            message = f'"{name}" is {"now" if demanded else "no longer"} required'
            old, new = self.old.required.get(name, there), self.new.required.get(name, here)
            yield Difference(kind, message, old, new)


def _place(shape: Shape, member: Member) -> Path:
    return member.term[0] if member.named and member.term else shape.path


def _closing(shape: Shape) -> Path:
    for keyword in ("additionalProperties", "unevaluatedProperties"):
        for path, value in shape.said(keyword):
            if value is False:
                return path
    return shape.path
