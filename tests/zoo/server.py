"""A backend for the sessions document, right by default and wrong on demand."""

import argparse
import socket
import sys
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).parents[2])
    __package__ = "tests.zoo"

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import events, sessions, talk
from .backend import Backend
from .dispatch import Handler, Resource
from .document import Operation, operations
from .faults import FAULTS, known
from .problem import Problem

PACE = 0.007

HANDLERS: Mapping[str, Handler] = {
    "createSession": sessions.create,
    "listSessions": sessions.list_all,
    "getActiveSession": sessions.get_active,
    "getSession": sessions.get,
    "replaceSession": sessions.replace,
    "patchSession": sessions.patch,
    "deleteSession": sessions.delete,
    "chat": talk.chat,
    "stopTurn": talk.stop,
    "regenerate": talk.regenerate,
    "editMessage": talk.edit,
    "decide": talk.decide,
    "getHistory": talk.get_history,
    "clearHistory": talk.clear_history,
    "getSuggestions": talk.get_suggestions,
    "listEvents": events.list_stored,
    "createEvent": events.create,
    "subscribe": events.subscribe,
}


def create_app(faults: Collection[str] = (), *, pace: float = PACE) -> Starlette:
    """The backend with these faults; `pace` is the time between two chunks in seconds."""
    faults = known(faults)
    backend = Backend(faults, pace)
    paths: defaultdict[str, dict[str, tuple[Operation, Handler]]] = defaultdict(dict)
    for operation in operations(faults):
        paths[operation.path][operation.method] = (operation, HANDLERS[operation.id])
    app = Starlette(
        routes=[Route(path, Resource(backend, methods)) for path, methods in paths.items()],
        exception_handlers={HTTPException: _refuse, Exception: _fail},
    )
    app.router.redirect_slashes = False
    return app


def listen(port: int = 0) -> socket.socket:
    """A socket that takes connections at once, on this machine only."""
    return socket.create_server(("127.0.0.1", port), backlog=2048)


def server(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    return uvicorn.Server(config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME")
    parser.add_argument("--list", action="store_true", help="list the faults and stop")
    arguments = parser.parse_args()
    if arguments.list:
        for fault in FAULTS:
            sys.stdout.write(f"{fault.category:9}{fault.name:32}{fault.sentence}\n")
        return
    try:
        app = create_app(arguments.fault)
    except ValueError as error:
        parser.error(str(error))
    listener = listen(arguments.port)
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server(app).run(sockets=[listener])


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Problem(error.status_code, error.detail).response(())


async def _fail(request: Request, error: Exception) -> Response:
    return Problem(500, "Something went wrong here.").response(())


if __name__ == "__main__":
    main()
