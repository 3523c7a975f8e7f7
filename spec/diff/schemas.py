"""Compares the schemas of two documents: pair by pair of what stands in the same place.

Each pair is compared once; what is found below a place is collected along the pairs.
"""

from __future__ import annotations

from collections.abc import Collection

from sparring.spec.openapi.document import Document
from sparring.spec.openapi.references import local_tokens
from sparring.spec.openapi.schemas import BadSchema, Validator, View, reference

from .change import Severity, Way
from .differences import Difference, Found, Pair, Step
from .facets import canonical, facets, references_in
from .kinds import KINDS
from .members import Members
from .reading import ShapeReader
from .shapes import Part, Shape, Shapes, Term
from .terms import TermComparison
from .unchanged import Unchanged

MAX_PAIRS = 200_000


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
        if len(seen) >= MAX_PAIRS:
            found[Difference("undecided", "there is too much to compare", None, None), False] = None
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
            comparison = TermComparison(self, *pair)
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
        """How two alternatives of one type differ that list no values, and what they hold."""
        differences: list[Difference] = []
        steps: list[Step] = []
        differences += facets(old, new, self._is_target_same)
        if old.type == "object":
            members = Members(self.way, self._readers, (old, new))
            differences += members.differences
            steps += members.steps
        if old.type == "array":
            indices: list[int | None] = [*range(max(old.prefix, new.prefix)), None]
            steps += [Step((old.item(index), new.item(index))) for index in indices]
        return differences, [step for step in steps if step.pair != ((), ())]

    def is_alike(self, old: Shapes, new: Shapes) -> bool:
        """Whether two terms have alternatives that are written alike, order aside."""
        texts = [
            sorted(" ".join(sorted({*map(_own_text, a)} - {"{}"})) for a in shapes.alternatives)
            for shapes in (old, new)
        ]
        return texts[0] == texts[1] and all(map(self._is_target_same, references_in(*texts[0])))

    def _is_target_same(self, target: str) -> bool:
        path = local_tokens(target) or ()
        return self._unchanged(path, path) or not self.below(((path,), (path,)))

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


def _own_text(part: Part) -> str:
    """What a part says itself."""
    unions = ("allOf", "anyOf", "oneOf", "$ref")
    return canonical({key: value for key, value in part[1].items() if key not in unions})
