"""`python -m tests.peer [FAULT ...]` serves until it is interrupted."""

import sys
import threading

from .app import serve

if __name__ == "__main__":
    with serve(sys.argv[1:]) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        threading.Event().wait()
