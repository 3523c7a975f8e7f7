"""CPU seconds from the start of `sparring serve` to its first good answer.

    python benchmarks/start.py [DOCUMENT ...] [--runs N]

Without documents, the bundled one. Each is measured twice: read from its text, and from the cache.
The byte code of all that is imported is there, as it is once a package has been used.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator

from sparring.spec.openapi.document import load_document

HEADERS = {"Authorization": "Bearer alice-key", "X-API-Key": "alice-key"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", nargs="*", default=["sessions"])
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    print(f"{'document':40} {'':10} {'min':>6} {'median':>7}  CPU seconds, first answer")
    for document in options.documents:
        with tempfile.TemporaryDirectory() as folder:
            paths = list(_candidates(document))
            path = next(p for p in paths if _start(document, p, "off", folder)[1])
            kinds = {"text": "off", "cache": f"{folder}/cache"}
            _start(document, path, kinds["cache"], folder)
            for kind, cache in kinds.items():
                seconds = [_start(document, path, cache, folder)[0] for _ in range(options.runs)]
                low, middle = min(seconds), statistics.median(seconds)
                print(f"{document[-40:]:40} {kind:10} {low:6.3f} {middle:7.3f}  GET {path}")


def _candidates(document: str) -> Iterator[str]:
    for operation in load_document(document).operations:
        if operation.method == "GET" and "{" not in operation.path:
            yield operation.path


def _start(document: str, path: str, cache: str, code: str) -> tuple[float, bool]:
    """The CPU seconds of one server up to its first answer, and whether that was a good one.

    `code` is the folder of the byte code.
    """
    environment = {**os.environ, "SPARRING_CACHE": cache, "PYTHONPYCACHEPREFIX": code}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    server = subprocess.Popen(
        [sys.executable, "-m", "sparring.cli", "serve", document, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert server.stdout is not None
    url = next(m.group() for line in server.stdout if (m := re.search(r"http://\S+$", line)))
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, headers=HEADERS)):
            good = True
    except urllib.error.HTTPError:
        good = False
    server.kill()  # at once: the end is not what is measured
    server.stdout.close()
    _, status, used = os.wait4(server.pid, 0)
    server.returncode = status
    return used.ru_utime + used.ru_stime, good


if __name__ == "__main__":
    main()
