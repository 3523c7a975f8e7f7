"""The application, and a way to run it on a port of its own."""

import asyncio
import secrets
import threading
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager

from aiohttp import web

from .bodies import Bodies
from .events import Events
from .faults import FAULTS
from .sessions import Sessions
from .store import Store
from .talk import Talk
from .turns import Agent
from .wire import Problem, problem

_LARGEST = 12 * 1024 * 1024
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(faults: Collection[str] = (), pace: float = 0.03) -> web.Application:
    """The API of spec/sessions.yaml, with these faults. `pace` is the pause before each piece."""
    faults = frozenset(faults)
    if unknown := faults - FAULTS.keys():
        raise ValueError(f"There are no such faults: {', '.join(sorted(unknown))}")

    @web.middleware
    async def explain(request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Problem as fail:
            response = problem(fail, faults)
        except web.HTTPException as fail:
            keep = {"Allow": fail.headers["Allow"]} if "Allow" in fail.headers else {}
            if "405-without-allow" in faults:
                keep = {}
            response = problem(Problem(fail.status, fail.reason, headers=keep), faults)
        if not response.prepared:
            response.headers["X-Request-Id"] = secrets.token_hex(6)
        return response

    agent = Agent(faults, pace)
    parts = faults, Store(faults), agent, Bodies(faults)
    app = web.Application(middlewares=[explain], client_max_size=_LARGEST)
    _routes(app, Sessions(*parts), Talk(*parts), Events(*parts))

    async def end(_: web.Application) -> None:
        await agent.close()

    app.on_cleanup.append(end)
    return app


def _routes(app: web.Application, sessions: Sessions, talk: Talk, events: Events) -> None:
    one = "/sessions/{session_id}"
    table: list[tuple[str, str, _Handler]] = [
        ("POST", "/sessions", sessions.create),
        ("GET", "/sessions", sessions.list_sessions),
        ("GET", "/sessions/active", sessions.active),
        ("GET", one, sessions.get),
        ("PUT", one, sessions.replace),
        ("PATCH", one, sessions.patch),
        ("DELETE", one, sessions.delete),
        ("POST", f"{one}/chat", talk.chat),
        ("POST", f"{one}/stop", talk.stop),
        ("POST", f"{one}/regenerate", talk.regenerate),
        ("POST", one + "/messages/{message_id}/edit", talk.edit),
        ("POST", f"{one}/approvals", talk.decide),
        ("GET", f"{one}/history", talk.history),
        ("DELETE", f"{one}/history", talk.clear),
        ("GET", f"{one}/suggestions", talk.suggestions),
        ("GET", f"{one}/events", events.list_events),
        ("POST", f"{one}/events/stream", events.create),
        ("GET", f"{one}/events/stream", events.subscribe),
    ]
    for method, path, handler in table:
        app.router.add_route(method, path, handler)
        if method == "GET":
            app.router.add_route("HEAD", path, handler)
        if path == "/sessions/active":  # a path without a parameter goes before one with it
            app.router.add_route("*", path, _only_get)


async def _only_get(request: web.Request) -> web.StreamResponse:
    raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD"])


@contextmanager
def serve(faults: Collection[str] = (), pace: float = 0.03) -> Iterator[str]:
    """Runs the application in a thread, on a free port of the loopback; gives its URL."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(create_app(faults, pace), access_log=None, shutdown_timeout=0.1)

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port: int = runner.addresses[0][1]
        return port

    async def finish() -> None:
        await runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(finish(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
