"""`python -m tests.peer [FAULT ...]` serves until it is interrupted; `--list` shows the faults."""

import sys
import threading

from .app import serve
from .faults import FAULTS


def main(arguments: list[str]) -> None:
    if arguments == ["--list"]:
        for fault in FAULTS.values():
            sys.stdout.write(f"{fault.name} ({fault.category}): {fault.does}\n    {fault.breaks}\n")
        return
    with serve(arguments) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
