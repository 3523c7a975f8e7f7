"""Which alternative of one schema became which of another, and whether alternatives exclude each
other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from .reading import ShapeReader
from .shapes import Shape, Shapes

Sign = Callable[[Shape, ShapeReader], object]
_MOST_TRIED = 20
_MOST_COMPARED = 64


@dataclass(frozen=True, slots=True)
class Matching:
    """The alternatives that belong together, the old ones that are gone, and the new ones."""

    pairs: Sequence[tuple[Shape, Shape]]
    gone: Sequence[Shape] = ()
    new: Sequence[Shape] = ()


def matched(
    old: Sequence[Shape],
    new: Sequence[Shape],
    readers: tuple[ShapeReader, ShapeReader],
    is_same: Callable[[Shape, Shape], bool],
) -> Matching:
    """The alternatives that belong together, and those that are left over.

    They are known by their constants, then by name, then by being equal; the last one left on
    either side goes with that on the other.
    """
    pairs: list[tuple[Shape, Shape]] = []
    before, after = list(old), list(new)

    def pair(a: Shape, b: Shape) -> None:
        pairs.append((a, b))
        before.remove(a)
        after.remove(b)

    for sign in _SIGNS:
        first = _unique(before, readers[0], sign)
        second = _unique(after, readers[1], sign)
        for key in first.keys() & second.keys():
            pair(first[key], second[key])
    if len(before) <= _MOST_TRIED and len(after) <= _MOST_TRIED:
        for a in list(before):
            found = next((b for b in after if is_same(a, b)), None)
            if found is not None:
                pair(a, found)
    if len(before) == len(after) == 1:
        pair(before[0], after[0])
    return Matching(pairs, before, after)


def _unique(shapes: Sequence[Shape], reader: ShapeReader, sign: Sign) -> dict[object, Shape]:
    """The alternatives that a sign tells from all others, by the sign."""
    found: dict[object, list[Shape]] = {}
    for shape in shapes:
        found.setdefault(sign(shape, reader), []).append(shape)
    return {key: mine[0] for key, mine in found.items() if key and len(mine) == 1}


def constants(shape: Shape, reader: ShapeReader) -> frozenset[tuple[str, str]]:
    """The members of an object that can have one value only, and that value."""
    found = set()
    for name in shape.properties if shape.type == "object" else ():
        listed = _values(shape, name, reader)
        if listed is not None and len(listed) == 1:
            found.add((name, next(iter(listed))))
    return frozenset(found)


_SIGNS: tuple[Sign, ...] = (constants, lambda shape, _: shape.name)


def _values(shape: Shape, name: str, reader: ShapeReader) -> set[str] | None:
    """The only values that a member may have, None where that is open."""
    found: set[str] = set()
    shapes = reader.shapes(shape.member(name).term)
    if not shapes.whole:
        return None
    for alternatives in shapes.by_type.values():
        for one in alternatives:
            if one.values is None:
                return None
            found |= one.values.keys()
    return found


def are_disjoint(shapes: Shapes, reader: ShapeReader) -> bool:
    """Whether no value fits two branches of a union that demands exactly one.

    A discriminator says so; else it must follow from types and from constants that are demanded.
    """
    for path, branches in shapes.exclusive.items():
        if "discriminator" in reader.node(path):
            continue
        if len(branches) > _MOST_COMPARED:
            return False
        read = [reader.shapes((branch,)) for branch in branches]
        for first, second in combinations(read, 2):
            if not (first.whole and second.whole):
                return False
            for type in first.by_type.keys() & second.by_type.keys():
                for a in first.by_type[type]:
                    if not all(_disjoint(a, b, reader) for b in second.by_type[type]):
                        return False
    return True


def _disjoint(a: Shape, b: Shape, reader: ShapeReader) -> bool:
    if a.values is not None and b.values is not None:
        return not a.values.keys() & b.values.keys()
    for name in a.required.keys() | b.required.keys():
        first, second = a.member(name), b.member(name)
        if (name in a.required and second.refused) or (name in b.required and first.refused):
            return True
        if not (name in a.required and name in b.required):
            continue
        types = [reader.shapes(member.term).by_type.keys() for member in (first, second)]
        if not types[0] & types[1]:
            return True
        mine, theirs = _values(a, name, reader), _values(b, name, reader)
        if mine is not None and theirs is not None and not mine & theirs:
            return True
    return False
