"""Compares two alternatives of one JSON type: limits, formats, patterns, conditions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from sparring.spec.openapi.schemas import Path

from .differences import Difference
from .shapes import Shape, key_of, type_of

Same = Callable[[str], bool]
"""Whether what a reference leads to is the same in both documents."""

_REFERENCE = re.compile(r'"\$ref":"([^"\\]*)"')

# Each of these is implied by the next one of its list, and checked by common validators.
_WIDER = {
    "int32": "int64",
    "float": "double",
    "uri": "uri-reference",
    "iri": "iri-reference",
    "email": "idn-email",
    "hostname": "idn-hostname",
}
_CHECKED = (
    frozenset(
        (
            "date",
            "date-time",
            "duration",
            "email",
            "hostname",
            "int32",
            "ipv4",
            "ipv6",
            "iri",
            "time",
        )
    )
    | frozenset(
        ("idn-email", "idn-hostname", "iri-reference", "json-pointer", "regex", "uri", "uuid")
    )
    | frozenset(("relative-json-pointer", "uri-reference", "uri-template"))
)

_SIZES = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_CONDITIONS = {
    "object": (
        ("propertyNames",),
        ("dependentRequired",),
        ("dependentSchemas",),
        ("dependencies",),
        ("patternProperties",),
    ),
    "array": (("contains", "minContains", "maxContains"), ("unevaluatedItems",)),
    "string": (("contentSchema",),),
}
_OF_EVERY_TYPE = (("not",), ("if", "then", "else"))
_NOTES = frozenset(("title", "description", "example", "examples", "default", "deprecated"))
_SETS = frozenset(("required", "enum", "type", "anyOf", "oneOf", "allOf"))


def facets(old: Shape, new: Shape, same: Same) -> Iterator[Difference]:
    """How two alternatives of one type differ, their members and items aside."""
    if old.type == "number":
        yield from _ranges(old, new)
        yield from _multiples(old, new)
    if old.type in _SIZES:
        yield from _sizes(old, new)
    if old.type == "string":
        yield from _patterns(old, new)
        yield from _contents(old, new)
    if old.type == "array":
        yield from _uniqueness(old, new)
    if old.type in ("string", "number"):
        yield from _formats(old, new)
    for group in (*_CONDITIONS.get(old.type, ()), *_OF_EVERY_TYPE):
        yield from _condition(old, new, group, same)


def _at(shape: Shape, keyword: str) -> Path:
    """Where a keyword is said; where it is not, the alternative."""
    return next((path for path, _ in shape.said(keyword)), shape.path)


def _limit(
    old: Shape, new: Shape, keyword: str, values: tuple[float, float], tighter: bool
) -> Difference:
    kind = "limit-tightened" if tighter else "limit-loosened"
    told = " to ".join("none" if not math.isfinite(v) else f"{v:g}" for v in values)
    keys = (keyword, f"exclusive{keyword[0].upper()}{keyword[1:]}")
    places = [
        next((_at(shape, key) for key in keys if shape.said(key)), shape.path)
        for shape in (old, new)
    ]
    return Difference(kind, f"{keyword} goes from {told}", *places)


def _ranges(old: Shape, new: Shape) -> Iterator[Difference]:
    (low, high), (new_low, new_high) = old.range(), new.range()
    if low != new_low:
        yield _limit(old, new, "minimum", (low[0], new_low[0]), new_low > low)
    if high != new_high:
        tighter = (new_high[0], not new_high[1]) < (high[0], not high[1])
        yield _limit(old, new, "maximum", (high[0], new_high[0]), tighter)


def _sizes(old: Shape, new: Shape) -> Iterator[Difference]:
    least, most = _SIZES[old.type]
    before, after = old.bound(least) or 0, new.bound(least) or 0
    if before != after:
        yield _limit(old, new, least, (before, after), after > before)
    first, second = old.bound(most), new.bound(most)
    top, new_top = math.inf if first is None else first, math.inf if second is None else second
    if top != new_top:
        yield _limit(old, new, most, (top, new_top), new_top < top)


def _multiples(old: Shape, new: Shape) -> Iterator[Difference]:
    def steps(shape: Shape) -> set[float]:
        found = {v for _, v in shape.said("multipleOf") if type_of(v) == "number" and v > 0}
        return {v for v in found if not (shape.integer and float(1 / v).is_integer())}

    before, after = steps(old), steps(new)
    places = (_at(old, "multipleOf"), _at(new, "multipleOf"))
    if before == after:
        return
    shown = " and ".join(f"{v:g}" for v in sorted(after)) or "none"
    message = f"multipleOf is now {shown}"
    if all(any(_divides(a, b) for b in after) for a in before):
        yield Difference("limit-tightened", message, *places)
    elif all(any(_divides(b, a) for a in before) for b in after):
        yield Difference("limit-loosened", message, *places)
    else:
        yield Difference("limit-changed", message, *places)


def _divides(step: float, value: float) -> bool:
    return float(value / step).is_integer()


def _uniqueness(old: Shape, new: Shape) -> Iterator[Difference]:
    before, after = (any(v is True for _, v in s.said("uniqueItems")) for s in (old, new))
    if before != after:
        kind = "limit-tightened" if after else "limit-loosened"
        message = f"items {'must' if after else 'need not'} be unique"
        yield Difference(kind, message, _at(old, "uniqueItems"), _at(new, "uniqueItems"))


def _words(shape: Shape, keyword: str) -> set[str]:
    return {value for _, value in shape.said(keyword) if isinstance(value, str)}


def _patterns(old: Shape, new: Shape) -> Iterator[Difference]:
    before, after = _words(old, "pattern"), _words(new, "pattern")
    places = (_at(old, "pattern"), _at(new, "pattern"))
    if before == after:
        return
    if before < after:
        shown = ", ".join(sorted(after - before))
        yield Difference("pattern-added", f"it must match {shown}", *places)
    elif after < before:
        shown = ", ".join(sorted(before - after))
        yield Difference("pattern-removed", f"it need not match {shown}", *places)
    else:
        told = f"{', '.join(sorted(before))} became {', '.join(sorted(after))}"
        yield Difference("pattern-changed", f"the pattern {told}", *places)


def _contents(old: Shape, new: Shape) -> Iterator[Difference]:
    for keyword in ("contentEncoding", "contentMediaType"):
        before, after = _words(old, keyword), _words(new, keyword)
        if before != after:
            told = " to ".join(", ".join(sorted(words)) or "none" for words in (before, after))
            places = (_at(old, keyword), _at(new, keyword))
            yield Difference("encoded-otherwise", f"{keyword} goes from {told}", *places)


def _formats(old: Shape, new: Shape) -> Iterator[Difference]:
    before, after = _words(old, "format"), _words(new, "format")
    if before == after:
        return
    told = " to ".join(", ".join(sorted(words)) or "none" for words in (before, after))
    places = (_at(old, "format"), _at(new, "format"))
    gone, come = before - after, after - before
    if gone and come and all(_WIDER.get(a) in come for a in gone):
        kind = "format-removed"
    elif gone and come and all(_WIDER.get(a) in gone for a in come):
        kind = "format-added"
    elif not (gone | come) <= _CHECKED:
        kind = "format-noted"
    else:
        kind = "format-changed" if gone and come else "format-added" if come else "format-removed"
    yield Difference(kind, f"the format goes from {told}", *places)


def _condition(old: Shape, new: Shape, group: tuple[str, ...], same: Same) -> Iterator[Difference]:
    """Keywords of which is only known whether they are the same: a conjunction with one more is
    tighter."""
    before, after = ([(p, n) for p, n in s.parts if group[0] in n] for s in (old, new))
    if not before and not after:
        return
    name = f"`{group[0]}`"
    if not before or not after:
        kind = "condition-added" if after else "condition-removed"
        message = f"{name} is {'new' if after else 'gone'}"
        yield Difference(kind, message, _at(old, group[0]), _at(new, group[0]))
        return
    texts = [
        sorted(canonical({word: node[word] for word in group if word in node}) for _, node in nodes)
        for nodes in (before, after)
    ]
    equal = texts[0] == texts[1] and all(map(same, references_in(*texts[0])))
    if not equal:
        places = ((*before[0][0], group[0]), (*after[0][0], group[0]))
        yield Difference("condition-changed", f"{name} changed", *places)


def canonical(schema: Any) -> str:
    """A schema as a text that does not hang on the order in which it is written, nor on notes."""
    return msgspec.json.encode(_ordered(schema), order="sorted").decode()


def references_in(*texts: str) -> set[str]:
    """The references that canonical texts hold."""
    return {found for text in texts for found in _REFERENCE.findall(text)}


def _ordered(node: Any) -> Any:
    if isinstance(node, Mapping):
        found = {k: _ordered(v) for k, v in node.items() if k not in _NOTES or isinstance(v, dict)}
        for word in _SETS & found.keys():
            if isinstance(found[word], list):
                found[word] = sorted(found[word], key=key_of)
        return {k: v for k, v in found.items() if not k.startswith("x-")}
    return [_ordered(item) for item in node] if isinstance(node, list) else node
