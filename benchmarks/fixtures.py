"""What generators make of the schemas of real documents: valid, filled, junk, objects per CPU s.

    python benchmarks/fixtures.py FOLDER [--node FOLDER] [--seeds 5] [--documents NAME ...]

FOLDER holds `X.json` (`{"$defs": {name: schema}}`), and `X.strict.json` where a stricter form of
the document judges. Each generator runs cold: a new process a document, its CPU seconds counted
from the start, compiling and drawing of word pools included; only the byte code of Python is there,
as after an installation. `--node` is a folder in which json-schema-faker, openapi-sampler and
@stoplight/prism-http are installed (`npm install`); what is missing is named and left out.

A schema counts as valid when all that was made of it is. `filled` is the share of the declared
top-level properties that are there, `junk` that of the strings which no example, enum, format,
pattern or word explains.

2026-11-22, 2 cores shared with much other work, Python 3.11.7, Node 20.20.2, Faker 40.54.0,
jsonschema-rs 0.60.3, 5 seeds. The eight smaller documents, in one run (Prism: the first, 2 seeds):

                              valid %  filled %  junk %  objects/s (median)
    sparring                    99.87     100.0     0.0        2327
    json-schema-faker 0.6.3     89.46      99.6    10.7         825
    openapi-sampler 1.7.9       90.96      99.6     0.0        5810
    Prism 5.12.0                78.79     100.0    52.4          43

All twelve, sparring alone: 99.97 % valid (the two other schemas have no value), 100 % filled, less
than 0.01 % junk, 1,864 to 6,293 objects per CPU second (median 2,881, or 2,086 beside more work),
at most 119 MB. A tenth of a second of most documents is the import of Faker.

Warm, the schema `Session` of `spec/sessions.yaml`: 200,000 sessions per CPU second by its example
(92,000 with a seed each, which takes longer than the session), 61,000 (44,000) without examples.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

import sparring.spec
from sparring.fixtures.providers.providers import Providers
from sparring.fixtures.sampling.sampler import Sampler
from sparring.spec.openapi.schemas import Schemas
from sparring.spec.text.source import load

SESSIONS = 4_000
PYTHON = """
import json, sys, time
from sparring.fixtures.sampling.sampler import Sampler
from sparring.spec.errors import SparringError
from sparring.spec.openapi.schemas import Schemas

file, out, seeds = sys.argv[1:]
with open(file) as opened:
    tree = json.load(opened)
sampler = Sampler(Schemas(tree, modern=True))
made = []
for seed in range(1, int(seeds) + 1):
    for name in tree["$defs"]:
        try:
            made.append(json.dumps([name, sampler.sample(("$defs", name), str(seed))]))
        except SparringError:
            made.append(json.dumps([name]))
used = time.process_time()
import resource
with open(out, "w") as opened:
    opened.write("\\n".join(made))
print(used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
PEERS = {
    "json-schema-faker": """
        const { generate } = await import(installed("json-schema-faker/dist/index.js"));
        make = async (schema, tree) => await generate(
            { ...schema, $defs: tree.$defs },
            { alwaysFakeOptionals: true, useExamplesValue: true, seed });
    """,
    "openapi-sampler": """
        const sampler = require("openapi-sampler");
        make = (schema, tree) => sampler.sample(schema, {}, tree);
    """,
    "@stoplight/prism-http": """
        const { generate } = require("@stoplight/prism-http/dist/mocker/generator/JSONSchema");
        make = (schema, tree) => {
            const found = generate({ id: "x" }, tree, { ...schema, $defs: tree.$defs });
            if (found._tag === "Left") throw found.left;
            return found.right;
        };
    """,
}
NODE = """
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import fs from "node:fs";
const [file, out, seeds, folder] = process.argv.slice(2);
const require = createRequire(folder + "/package.json");
const installed = (path) => pathToFileURL(`${folder}/node_modules/${path}`).href;
const tree = JSON.parse(fs.readFileSync(file));
let make, seed = 1;
%s
const made = [];
for (seed = 1; seed <= Number(seeds); seed++) {
    for (const name of Object.keys(tree.$defs)) {
        try {
            const value = await make(tree.$defs[name], tree);
            made.push(JSON.stringify([name, value === undefined ? null : value]));
        } catch (error) { made.push(JSON.stringify([name])); }
    }
}
const used = process.cpuUsage();
fs.writeFileSync(out, made.join("\\n"));
console.log((used.user + used.system) / 1e6, process.resourceUsage().maxRSS / 1024);
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--node", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--documents", nargs="*")
    options = parser.parse_args()
    names = options.documents or sorted(
        path.stem for path in options.folder.glob("*.json") if not path.stem.endswith(".strict")
    )
    everything = (
        "import faker, sparring.fixtures.sampling.sampler, sparring.fixtures.sampling.patterns"
    )
    subprocess.run([sys.executable, "-c", everything], check=True, env=environment())
    generators = ["sparring", *(peer for peer in PEERS if installed(options.node, peer))]
    print(f"{'':22} {'document':18} valid % filled % junk %  objects/s   MB")
    for generator in generators:
        speeds, totals = [], [0] * 6
        for name in names:
            found = measure(generator, options.folder, name, options.seeds, options.node)
            if found is None:
                print(f"{generator:22} {name:18} failed, or took more than five minutes")
                continue
            counts, speed, memory = found
            speeds.append(speed)
            totals = [a + b for a, b in zip(totals, counts, strict=True)]
            print(line(generator, name, counts, speed, memory), flush=True)
        if speeds:
            middle = statistics.median(speeds)
            print(line(generator, "all, median", totals, middle, 0.0), flush=True)
    warm(options.seeds)


def line(generator: str, name: str, counts: list[int], speed: float, memory: float) -> str:
    schemas, valid, declared, filled, strings, junk = counts
    return (
        f"{generator:22} {name:18} {100 * valid / schemas:7.2f} {100 * filled / declared:8.1f} "
        f"{100 * junk / max(strings, 1):6.1f} {speed:10.0f} {memory:4.0f}"
    )


def installed(folder: Path | None, peer: str) -> bool:
    found = folder is not None and (folder / "node_modules" / peer).is_dir()
    if not found:
        print(f"{peer}: absent: npm install {peer}, then --node FOLDER")
    return found


def warm(seeds: int) -> None:
    """Canonical sessions per CPU second once all is compiled and the words of a seed are drawn."""
    file = Path(sparring.spec.__path__[0], "sessions.yaml")
    path = ("components", "schemas", "Session")
    for shown in (True, False):
        tree = load(file).tree
        if not shown:
            tree["components"]["schemas"] = without_examples(tree["components"]["schemas"])
        speeds: list[list[float]] = [[], []]
        for seed in map(str, range(1, seeds + 1)):
            sampler = Sampler(Schemas(tree, modern=True), providers=Providers(seed))
            draw = sampler.compile(path)
            source = random.Random(seed)
            for _ in range(200):
                draw(source)
            started = time.process_time()
            for _ in range(SESSIONS):
                draw(source)
            drawn = time.process_time()
            for number in range(SESSIONS):
                sampler.sample(path, f"{seed}/{number}")
            speeds[0].append(SESSIONS / (drawn - started))
            speeds[1].append(SESSIONS / (time.process_time() - drawn))
        one, each = map(statistics.median, speeds)
        what = "by their example" if shown else "without examples"
        print(f"sessions {what}, warm: {one:.0f}/s from one seed, {each:.0f}/s with a seed each")


def without_examples(node: Any) -> Any:
    if isinstance(node, list):
        return [without_examples(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {k: without_examples(v) for k, v in node.items() if k not in ("examples", "default")}


def measure(
    generator: str, folder: Path, name: str, seeds: int, node: Path | None
) -> tuple[list[int], float, float] | None:
    file = folder / f"{name}.json"
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        if generator == "sparring":
            command = [sys.executable, "-c", PYTHON, str(file), str(out), str(seeds)]
        else:
            program = Path(scratch) / "make.mjs"
            program.write_text(NODE % PEERS[generator])
            command = ["node", str(program), str(file), str(out), str(seeds), str(node)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=300, env=environment()
            )
        except subprocess.TimeoutExpired:
            return None
        if done.returncode:
            print(done.stderr[-300:])
            return None
        used, memory = map(float, done.stdout.split()[-2:])
        made = [json.loads(text) for text in out.read_text().splitlines()]
    counts = judge(folder, name, made)
    return counts, sum(len(each) == 2 for each in made) / used, memory


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def judge(folder: Path, name: str, made: list[list[Any]]) -> list[int]:
    """Schemas, valid ones, declared properties, filled ones, strings, junk."""
    strict = folder / f"{name}.strict.json"
    tree = json.loads((strict if strict.exists() else folder / f"{name}.json").read_text())
    members = {key: {"$ref": f"#/$defs/{escaped(key)}"} for key in tree["$defs"]}
    oracle = jsonschema_rs.Draft202012Validator(
        {"$defs": tree["$defs"], "properties": members}, validate_formats=True
    )
    explained = Explained(tree)
    bad: set[str] = set()
    declared = filled = strings = junk = 0
    for key, *values in made:
        if not values or not oracle.is_valid({key: values[0]}):
            bad.add(key)
            continue
        value, schema = values[0], tree["$defs"][key]
        if isinstance(value, dict) and isinstance(schema, dict):
            properties = schema.get("properties", {})
            declared += len(properties)
            filled += len(properties.keys() & value.keys())
        for member, text in texts(value, key):
            strings += 1
            junk += not explained(member, text)
    schemas = len(tree["$defs"])
    return [schemas, schemas - len(bad), declared, filled, strings, junk]


def escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1").replace("%", "%25")


def texts(value: Any, member: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield member, value
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, member)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from texts(each, name)


FORMS = re.compile(
    r"\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[+-]\d\d:?\d\d)?)?|\d\d:\d\d:\d\d\S*|P[\dTYMWDHS.]+"
    r"|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} [+-]\d{4}"
    r"|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\S+@\S+\.\w+|https?://\S*"
    r"|\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*::[0-9a-f:]*|\+?[\d ()./-]+|#[0-9a-fA-F]{3,8}|/\S*"
)
NAMED = re.compile(
    r"(?i)(id|ids|identifiers?|sid|key|token|secret|hash|sha\d*|checksum|digest|etag|fingerprint|cursor|nonce"
    r"|signature|code|password|reference|ref|number|uuid|data|b64|base64|pem|cert\w*)$"
)


class Explained:
    """Whether a text is one that somebody meant to stand there."""

    def __init__(self, tree: Any) -> None:
        self.known: set[str] = set()
        self.patterns: list[re.Pattern[str]] = []
        self._collect(tree, False)
        self.vocabulary = {word for text in self.known for word in words(text)}
        self.vocabulary |= _own_words()

    def _collect(self, node: Any, shown: bool) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "pattern" and isinstance(value, str):
                    try:
                        self.patterns.append(re.compile(value))
                    except re.error:
                        continue
                shows = key in ("example", "examples", "default", "enum", "const", "mapping")
                self._collect(value, shown or shows)
        elif isinstance(node, list):
            for each in node:
                self._collect(each, shown)
        elif isinstance(node, str) and shown:
            self.known.add(node)

    def __call__(self, member: str, text: str) -> bool:
        if len(text) < 2 or text in self.known or FORMS.fullmatch(text) or NAMED.search(member):
            return True
        if all(word in self.vocabulary for word in words(text)) or self._encoded(text):
            return True
        return any(pattern.search(text) for pattern in self.patterns)

    def _encoded(self, text: str) -> bool:
        try:
            plain = base64.b64decode(text, validate=True).decode()
        except ValueError:
            return False
        return all(word in self.vocabulary for word in words(plain))


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


def _own_words() -> set[str]:
    """What the word lists and the names of people and companies are made of."""
    from faker import Faker

    from sparring.fixtures.providers import names, places
    from sparring.fixtures.providers import words as lists

    texts = [value for key, value in vars(lists).items() if key.isupper()]
    texts += [place[:9] for place in places.PLACES]
    few = random.Random(0)
    texts += [provider(few.random) for provider in names.STRINGS.values() for _ in range(50)]
    for person in Faker("en_US").factories:
        for provider in person.get_providers():
            for key in dir(provider):
                if not key.startswith("_") and not callable(getattr(provider, key, None)):
                    texts.append(getattr(provider, key, None))
    return {word for text in _flat(texts) for word in words(text)}


def _flat(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _flat(name)
            yield from _flat(each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from _flat(each)


if __name__ == "__main__":
    main()
