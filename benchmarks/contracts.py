"""What the contract suites cost the client, beside plain Schemathesis on the same server.

Each line is a process of its own: `sparring test` with some suites, or `st run` with the settings
that we ship. Processor time is that of the whole process, its start too. Goals: promises, streaming
and security in 10 s and with 1,000 requests for each second of processor time; all suites in 90 s.

    python benchmarks/contracts.py [--server mock|zoo] [--max-examples 20] [SUITES ...]

On two cores, quiet but for the server (22 November 2026, Python 3.11.7, httpcore2 2.16.2,
Schemathesis 4.32.5, 20 examples). The agent of the mock takes its time, which is waited for; when
it answers at once, promises, streaming and security take 9.3 s from start to end (6,598 requests,
1,064 for each second of processor time).

| suites | requests | CPU s | requests / CPU s | wall s |
|---|---|---|---|---|
| promises,streaming,security | 6621 | 6.6 | 1,011 | 11.9 |
| races | 393 | 1.2 | 333 | 4.0 |
| conformance | 1436 | 13.2 | 109 | 17.2 |
| all | 12423 | 25.3 | 492 | 66.7 |
| `st run` | 1569 | 15.0 | 104 | 50.7 |
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAST = "promises,streaming,security"
KEY = "alice-key"
SERVERS = {
    "mock": ["-m", "sparring.cli", "serve", "sessions", "--port", "0"],
    "zoo": [str(ROOT / "tests" / "zoo" / "server.py"), "--port", "0"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", help="names joined by commas; `all` are all")
    parser.add_argument("--server", choices=SERVERS, default="mock")
    parser.add_argument("--max-examples", type=int, default=20)
    options = parser.parse_args()
    print("| suites | requests | CPU s | requests / CPU s | wall s |\n|---|---|---|---|---|")
    for name in options.suites or [FAST, "races", "conformance", "all"]:
        with served(options.server) as url, tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report"
            command = ours(url, options.server, name, options.max_examples, report)
            print(row(name, *measured(command, Path(folder)), sent(report)), flush=True)
    if not options.suites:
        with served(options.server) as url, tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report"
            spent = measured(plain(url, options.max_examples, report), Path(folder))
            print(row("`st run`", *spent, sent(report)))


def row(name: str, cpu: float, wall: float, requests: int) -> str:
    """A line of the table."""
    return f"| {name} | {requests} | {cpu:.1f} | {requests / cpu:,.0f} | {wall:.1f} |"


def measured(command: list[str], folder: Path) -> tuple[float, float]:
    """The processor and the wall time of a process, in seconds."""
    start = time.perf_counter()
    before = os.times()
    with (folder / "out").open("w+") as out:
        code = subprocess.run(command, stdout=out, stderr=out, cwd=folder).returncode
        if code not in (0, 1):
            out.seek(0)
            sys.exit(f"{command} ended with {code}:\n{out.read()}")
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return used, time.perf_counter() - start


def ours(url: str, server: str, suites: str, examples: int, report: Path) -> list[str]:
    """Our command."""
    named = [] if suites == "all" else [w for s in suites.split(",") for w in ("--suite", s)]
    overlay = ["--overlay", str(ROOT / "tests" / "contracts" / "zoo.overlay.yaml")]
    command = [sys.executable, "-m", "sparring.cli", "test", url, *named]
    command += ["--max-examples", str(examples), "--report", f"ndjson={report}"]
    return command + (overlay if server == "zoo" else [])


def sent(report: Path) -> int:
    """How many requests a report speaks of: ours says it, that of Schemathesis has them all."""
    text = report.read_text()
    found = re.findall(r'"requests": (\d+)', text)
    return int(found[-1]) if found else text.count('"status_code"')


def plain(url: str, examples: int, report: Path) -> list[str]:
    """The command of Schemathesis, tuned as a user would."""
    settings = ROOT / "contracts" / "schemathesis.toml"
    st = str(Path(sys.executable).with_name("st"))
    command = [st, "--config-file", str(settings), "run", str(ROOT / "spec" / "sessions.yaml")]
    command += ["--url", url, "--header", f"Authorization: Bearer {KEY}", "--request-timeout", "1"]
    command += ["--max-examples", str(examples), "--seed", "1"]
    return [*command, "--report", "ndjson", "--report-ndjson-path", str(report)]


@contextmanager
def served(name: str) -> Iterator[str]:
    """A server in a process of its own; its URL."""
    command = [sys.executable, *SERVERS[name]]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert server.stdout is not None
    port = next(m[1] for line in server.stdout if (m := re.search(r"http://[^:]+:(\d+)", line)))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate()


if __name__ == "__main__":
    main()
