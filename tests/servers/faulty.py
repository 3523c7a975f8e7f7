"""Servers that nobody here wrote, with faults that can be switched on in copies of their source."""

import os
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sparring.contracts.findings.report import Report
from sparring.contracts.suites import run
from sparring.contracts.target.file import Person, load_target
from sparring.contracts.terms import Terms
from sparring.spec.openapi.document import Document, load_document

HERE = Path(__file__).parent
SUITES = ("promises", "streaming", "security", "races")

SITE = """
import importlib.util, pathlib, sys

class Copies:
    def find_spec(self, name, path=None, target=None):
        copy = pathlib.Path(__file__).with_name(name + ".copy.py")
        return importlib.util.spec_from_file_location(name, copy) if copy.exists() else None

sys.meta_path.insert(0, Copies())
"""


@dataclass(frozen=True)
class Fault:
    """One statement of a module, the first of its kind behind a mark, that becomes another."""

    name: str
    promise: str
    module: str
    statement: str
    instead: str
    behind: str = ""


class Server:
    """A real server in its own environment, and how to hold it to its own document."""

    def __init__(self, name: str, url: str, folder: Path, keys: tuple[str, str]) -> None:
        self.url = url
        self.keys = keys
        self.folder = folder
        text = urllib.request.urlopen(f"{url}/openapi.json").read()
        file = folder / "openapi.json"
        file.write_bytes(text)
        self.document: Document = load_document(str(file), [HERE / f"{name}.overlay.yaml"])
        self.given = load_target(HERE / f"{name}.target.yaml", self.document)

    def tested(self, world: str, promises: Sequence[str] = (), retries: int = 1) -> Report:
        """A run by two users of their own, so that no run sees what another has left behind."""
        users = tuple(
            Person(person.key, parameters={"user_id": f"{name}-{world}"})
            for name, person in zip(("alice", "bob"), self.given.users, strict=True)
        )
        given = replace(self.given, users=(users[0], users[1]))
        return run(
            self.url,
            self.document,
            keys=self.keys,
            suites=SUITES,
            promises=promises,
            retries=retries,
            workers=2,
            timeout=60,
            terms=Terms(given=given),
        )

    @contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        """The server with a fault."""
        switch = self.folder / f"{fault.name}.on"
        switch.touch()
        try:
            yield
        finally:
            switch.unlink()


def copies(folder: Path, site: Path, faults: Sequence[Fault]) -> None:
    """Writes copies of the modules into `folder` in which every fault waits for its switch."""
    (folder / "sitecustomize.py").write_text(SITE)
    for module in dict.fromkeys(fault.module for fault in faults):
        text = (site / (module.replace(".", "/") + ".py")).read_text()
        for fault in faults:
            if fault.module == module:
                text = _switched(text, fault, folder / f"{fault.name}.on")
        (folder / f"{module}.copy.py").write_text(text)


def _switched(text: str, fault: Fault, switch: Path) -> str:
    start = text.index(fault.behind)
    line = re.compile(rf"^( +){re.escape(fault.statement)}$", re.MULTILINE)
    match = line.search(text, start)
    assert match is not None, fault
    indent = match[1]
    lines = [
        f"{indent}if __import__('os').path.exists({str(switch)!r}):",
        f"{indent}  {fault.instead}",
        f"{indent}else:",
        f"{indent}  {fault.statement}",
    ]
    return text[: match.start()] + "\n".join(lines) + text[match.end() :]


def free_port() -> int:
    """A port that nobody listens at."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def started(command: Sequence[str | Path], folder: Path, port: int, **more: str) -> Iterator[str]:
    """A process that serves its document at a port, until it is left."""
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"} | more
    url = f"http://127.0.0.1:{port}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            while True:
                try:
                    urllib.request.urlopen(f"{url}/openapi.json", timeout=60).close()
                    break
                except OSError:
                    told = (folder / "server.log").read_text(errors="replace")[-2000:]
                    assert process.poll() is None, f"the server did not start:\n{told}"
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)


def found(report: Report) -> set[str]:
    """What a run has found, as `promise operation`."""
    assert not report.stopped, report.stopped
    return {f"{finding.promise} {finding.operation}" for finding in report.findings}


def reproduced(script: str) -> list[int]:
    """The statuses of the answers that a finding's script shows."""
    keys = dict.fromkeys(("SPARRING_KEY", "SPARRING_OTHER_KEY"), "sesame")
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, timeout=120, check=False, env=os.environ | keys
    ).stdout
    lines = done.decode("utf-8", "replace").splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("HTTP/1.1 ")]
