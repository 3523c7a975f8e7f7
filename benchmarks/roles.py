"""How well roles are inferred: precision and recall on hand-labelled documents.

    python benchmarks/roles.py [FOLDER] [--wrong]

FOLDER (or `specs` in the folder that SPARRING_SHARED names) holds documents and `roles.yaml`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from sparring.spec.inference.roles import Guess, infer_roles
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import load_document

# Labels that do not count, each with what speaks against it.
DISPUTED: Mapping[tuple[str, str], str] = {}
BUCKETS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)


@dataclass(frozen=True)
class Case:
    """One operation of a document: what it is, and what was guessed."""

    document: str
    label: str
    wanted: str | None
    guess: Guess

    @property
    def given(self) -> str | None:
        return self.guess.role.value if self.guess.role else None

    @property
    def right(self) -> bool:
        return self.given == self.wanted


@dataclass(frozen=True)
class Score:
    """Guesses that hit, roles guessed, roles wanted, and wrong ones that were sure."""

    operations: int
    wanted: int
    given: int
    hit: int
    sure: int
    sure_wrong: int

    @property
    def precision(self) -> float:
        return self.hit / self.given if self.given else 1.0

    @property
    def recall(self) -> float:
        return self.hit / self.wanted if self.wanted else 1.0


def score(cases: list[Case]) -> Score:
    """The figures of some operations; disputed ones do not count."""
    counted = [case for case in cases if (case.document, case.label) not in DISPUTED]
    sure = [case for case in counted if case.given and case.guess.confidence >= 0.9]
    return Score(
        len(counted),
        sum(case.wanted is not None for case in counted),
        sum(case.given is not None for case in counted),
        sum(case.right and case.given is not None for case in counted),
        len(sure),
        sum(not case.right for case in sure),
    )


def label_of(guess: Guess) -> str:
    """`GET /path` as the document writes it, the base path aside."""
    pointer = guess.operation.pointer
    path = str(pointer[1]) if len(pointer) == 3 and pointer[0] == "paths" else guess.operation.path
    return f"{guess.operation.method} {path}"


def cases_of(folder: Path) -> dict[str, list[Case]]:
    """Every operation of every labelled document in a folder."""
    labels: dict[str, dict[str, str]] = yaml.safe_load((folder / "roles.yaml").read_text("utf-8"))
    found = {}
    for name, wanted in labels.items():
        file = next(path for path in sorted(folder.glob(f"{name}.*")))
        guesses = infer_roles(load_document(file))
        found[name] = [Case(name, at := label_of(g), wanted.get(at), g) for g in guesses]
        missing = set(wanted) - {case.label for case in found[name]}
        if missing:
            raise SystemExit(f"{name}: no such operations: {', '.join(sorted(missing))}")
        for role in wanted.values():
            Role(role)
    return found


def show(cases: dict[str, list[Case]], wrong: bool) -> None:
    """Prints the tables."""
    titles = ("operations", "labelled", "precision", "recall", "sure wrong")
    print(f"{'document':28}" + "".join(f"{title:>11}" for title in titles))
    everything = [case for some in cases.values() for case in some]
    for name, some in (*cases.items(), ("all (micro average)", everything)):
        it = score(some)
        print(
            f"{name:28}{it.operations:11}{it.wanted:11}{it.precision:11.3f}{it.recall:11.3f}"
            f"{it.sure_wrong:8} of {it.sure}"
        )
    print("\nconfidence      guesses  right")
    for low, high in pairwise(BUCKETS):
        bucket = [c for c in everything if c.given and low <= c.guess.confidence < high]
        if bucket:
            share = sum(case.right for case in bucket) / len(bucket)
            print(f"{low:.1f} to {min(high, 1):.1f}{len(bucket):14}  {share:.3f}")
    print("\ndisputed labels (they do not count)")
    if not DISPUTED:
        print("  none")
    for (name, label), reason in DISPUTED.items():
        print(f"  {name} {label}: {reason}")
    if wrong:
        print("\nwrong")
        for case in everything:
            if not case.right:
                shown: tuple[Any, ...] = (case.document, case.label, case.wanted, case.given)
                print("  {} {}: is {}, guessed {}".format(*shown), end="")
                print(f" ({case.guess.confidence}: {case.guess.reason})")


def main() -> None:
    """The command."""
    arguments = [word for word in sys.argv[1:] if not word.startswith("--")]
    shared = os.environ.get("SPARRING_SHARED")
    if not arguments and not shared:
        raise SystemExit("Give the folder of the labelled documents, or set SPARRING_SHARED.")
    folder = Path(arguments[0]) if arguments else Path(str(shared)) / "specs"
    show(cases_of(folder), "--wrong" in sys.argv)


if __name__ == "__main__":
    main()
