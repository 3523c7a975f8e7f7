"""How long the first match takes in scripts of many rules, and how long they take to load.

    python benchmarks/scripts.py [--rules 10000]

Each row is a kind of condition. `all` tries the rules one by one, as a list of them would.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

from sparring.fixtures.playing.player import Heard, play
from sparring.fixtures.script import Script, compile_script
from sparring.fixtures.script.said import Said
from sparring.spec.text.source import parse

KINDS: dict[str, Callable[[int], object]] = {
    "phrase": lambda n: f"order number {n} please",
    "words": lambda n: {"words": f"refund item{n}"},
    "equals": lambda n: {"equals": f"where is parcel {n}?"},
    "contains": lambda n: {"contains": f"ticket-{n}-"},
    "regex": lambda n: {"regex": rf"invoice (?P<year>\d{{4}})-{n}\b"},
    "any_of": lambda n: {"any_of": [f"alpha{n}", {"words": f"beta{n} gamma"}]},
    "not": lambda n: {"not": {"contains": "x"}, "words": f"delta{n}"},
}
SAID = {
    "phrase": "well, order number {n} please, thank you",
    "words": "i want a refund of item{n} today",
    "equals": "Where is parcel {n}",
    "contains": "about ticket-{n}-b of last week",
    "regex": "it is invoice 2025-{n} of may",
    "any_of": "the beta{n} and the gamma",
    "not": "only delta{n} will do",
}


def _script(kind: str, count: int) -> bytes:
    rules = [{"user": KINDS[kind](n), "reply": f"{kind} {n}"} for n in range(count)]
    return json.dumps({"script": kind, "rules": rules, "fallback": "none"}).encode()


def _one_by_one(script: Script, text: str) -> int:
    said = Said(text)
    for number, rule in enumerate(script.rules):
        if rule.trigger is not None and rule.trigger.user and rule.trigger.user.holds(said):
            return number
    return -1


def _best(call: Callable[[], object], seconds: float = 0.3) -> float:
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Prints the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rules", type=int, default=10_000)
    count = options.parse_args().rules
    print(f"{count} rules     load s   last rule µs   none fits µs   all: last rule µs")
    for kind in KINDS:
        data = _script(kind, count)
        start = time.perf_counter()
        script = compile_script(parse(data, "many.json"))
        loaded = time.perf_counter() - start
        text = SAID[kind].format(n=count - 1)
        turn = play(script, {}, Heard(text), {}, "seed")
        assert turn.text == f"{kind} {count - 1}", turn.text
        last = _best(lambda: play(script, {}, Heard(text), {}, "seed"))  # noqa: B023
        none = _best(lambda: play(script, {}, Heard("nothing at all fits"), {}, "seed"))  # noqa: B023
        slow = _best(lambda: _one_by_one(script, text))  # noqa: B023
        row = (last * 1e6, none * 1e6, slow * 1e6)
        print(f"{kind:10} {loaded:10.2f} {row[0]:14.1f} {row[1]:14.1f} {row[2]:19.1f}")


if __name__ == "__main__":
    main()
