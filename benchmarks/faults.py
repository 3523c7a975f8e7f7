"""How many faults of the zoo are caught: by `sparring test`, and by plain Schemathesis beside it.

Each tool is run against a server with one fault, as a command of its own. A failure counts when
the tool does not report it on the server without faults too. Schemathesis is run twice: as it
comes, with a key and nothing else, and tuned, as far as a user would who knows the API: with the
statuses of an API that keeps state (contracts/schemathesis.toml) and a hook that makes ids new.

    python benchmarks/faults.py [--sample 4] [--faults NAME ...] [--max-examples 5] [--jobs 2]

`--sample N` takes every Nth fault of each category. It prints Markdown; who missed what goes to the
standard error as it runs.

Every fourth fault of each category (23 November 2026, Schemathesis 4.32.5, --sample 4,
--max-examples 3, 3 jobs on two cores):

| category | faults | sparring test | st run | st run, tuned |
| --- | --- | --- | --- | --- |
| schema | 3 | 3 | 3 | 3 |
| input | 5 | 5 | 3 | 3 |
| state | 10 | 10 | 0 | 0 |
| query | 7 | 7 | 0 | 0 |
| talk | 8 | 8 | 0 | 0 |
| stream | 11 | 11 | 0 | 0 |
| auth | 5 | 5 | 1 | 1 |
| protocol | 7 | 7 | 3 | 3 |
| race | 2 | 2 | 0 | 0 |
| assignment | 1 | 1 | 0 | 0 |
| stale | 1 | 1 | 0 | 0 |
| leak | 2 | 2 | 0 | 0 |
| fidelity | 3 | 3 | 0 | 0 |
| act | 3 | 3 | 0 | 0 |
| resource | 1 | 1 | 0 | 0 |
| all | 69 | 69 | 10 | 10 |
| false alarms on the right server |  | 0 | 5 | 0 |
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.zoo.faults import FAULTS, Fault  # noqa: E402

PATIENCE = 900  # seconds for one run
SETTINGS = ROOT / "contracts" / "schemathesis.toml"
HOOKS = """
import secrets
import schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.label == "POST /sessions" and isinstance(case.body, dict):
        is_valid = case.meta is None or case.meta.generation.mode.is_positive
        if is_valid and isinstance(case.body.get("id"), str):
            case.body["id"] = secrets.token_hex(8)
"""
Failures = frozenset[tuple[str, str]]
Tool = Callable[[str, Path, int, int], Failures]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=1, metavar="N")
    parser.add_argument("--faults", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--max-examples", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chosen = [f for f in FAULTS if f.name in options.faults] or list(sampled(options.sample))
    with ThreadPoolExecutor(options.jobs) as pool:
        right = {
            name: frozenset[tuple[str, str]]().union(
                *pool.map(lambda seed, tool=tool: failures(tool, None, 5, seed), (1, 2))
            )
            for name, tool in TOOLS.items()
        }
        for name, found in right.items():
            print(f"on the right server: {name}: {sorted(found)}", file=sys.stderr, flush=True)

        def tried(fault: Fault) -> dict[str, bool]:
            caught = {
                name: bool(failures(tool, fault, options.max_examples, 1) - right[name])
                for name, tool in TOOLS.items()
            }
            print(f"{fault.category:9}{fault.name:32}{caught}", file=sys.stderr, flush=True)
            return caught

        print(table(chosen, list(pool.map(tried, chosen)), right))


def sampled(every: int) -> Iterator[Fault]:
    """Every Nth fault of each category."""
    for category in dict.fromkeys(fault.category for fault in FAULTS):
        yield from [fault for fault in FAULTS if fault.category == category][::every]


def table(
    faults: Sequence[Fault], caught: Sequence[dict[str, bool]], right: dict[str, Failures]
) -> str:
    """Markdown: a row for each category, all of them, and the false alarms."""
    rows = [["category", "faults", *TOOLS], ["---"] * (2 + len(TOOLS))]
    for category in [*dict.fromkeys(fault.category for fault in faults), "all"]:
        mine = [c for f, c in zip(faults, caught, strict=True) if category in (f.category, "all")]
        rows.append([category, str(len(mine)), *(str(sum(c[t] for c in mine)) for t in TOOLS)])
    rows.append(["false alarms on the right server", "", *(str(len(right[t])) for t in TOOLS)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def failures(tool: Tool, fault: Fault | None, examples: int, seed: int) -> Failures:
    """What a tool reports on the server with a fault: kinds of failure by operation."""
    with served(fault) as url, tempfile.TemporaryDirectory() as folder:
        return tool(url, Path(folder), examples, seed)


def sparring(url: str, folder: Path, examples: int, seed: int) -> Failures:
    """What `sparring test` reports, with the few lines that say what the zoo's agents promise."""
    overlay = ROOT / "tests" / "contracts" / "zoo.overlay.yaml"
    command = [sys.executable, "-m", "sparring.cli", "test", url, "--overlay", str(overlay)]
    command += ["--max-examples", str(examples), "--seed", str(seed)]
    report = folder / "report"
    run([*command, "--report", f"ndjson={report}"], folder)
    lines = map(json.loads, report.read_text().splitlines())
    found = [line for line in lines if line["type"] == "finding"]
    return frozenset((line["promise"], o) for line in found for o in line["operations"])


def schemathesis(
    url: str, folder: Path, examples: int, seed: int, *, tuned: bool = False
) -> Failures:
    """What `st run` reports."""
    settings = 'hooks = "hooks.py"\n' + SETTINGS.read_text() if tuned else ""
    (folder / "hooks.py").write_text(HOOKS)
    (folder / "schemathesis.toml").write_text(settings)
    report = folder / "report.json"
    command = [str(Path(sys.executable).with_name("st")), "--config-file", "schemathesis.toml"]
    command += ["run", str(ROOT / "spec" / "sessions.yaml"), "--url", url]
    command += ["--header", "Authorization: Bearer alice-key", "--request-timeout", "1"]
    command += ["--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure"]
    run([*command, "--report", "json", "--report-json-path", str(report)], folder)
    found = json.loads(report.read_text())["failures"]
    return frozenset((failure["type"], o) for failure in found for o in failure["operations"])


def run(command: list[str], folder: Path) -> None:
    """Runs a command to its end; both tools end with 1 when they have found something."""
    with (folder / "out").open("w+") as out:
        done = subprocess.run(command, stdout=out, stderr=out, cwd=folder, timeout=PATIENCE)
        out.seek(0)
        if done.returncode not in (0, 1):
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{out.read()[-3000:]}")


TOOLS: dict[str, Tool] = {
    "sparring test": sparring,
    "st run": schemathesis,
    "st run, tuned": lambda *arguments: schemathesis(*arguments, tuned=True),
}


@contextmanager
def served(fault: Fault | None) -> Iterator[str]:
    """The zoo's server in a process of its own; its URL."""
    command = [sys.executable, str(ROOT / "tests" / "zoo" / "server.py"), "--port", "0"]
    command += ["--fault", fault.name] if fault else []
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )
    assert server.stdout is not None
    port = next(m[1] for line in server.stdout if (m := re.search(r"http://[^:]+:(\d+)", line)))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate()


if __name__ == "__main__":
    main()
