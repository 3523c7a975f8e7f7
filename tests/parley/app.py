"""The application, and a way to run it on a port of its own."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from aiohttp import web

from . import messages, threads
from .state import ASSISTANTS, Store
from .wire import Call, Handler, Refusal, answer, missing

ADA, ADA_VIEW, BERT = "pk_ada_7f3c91", "pk_ada_view_55e1", "pk_bert_2d80aa"
KEYS = {ADA: ("ada", False), ADA_VIEW: ("ada", True), BERT: ("bert", False)}
"""Whose each key is, and whether it may only read."""
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_LARGEST = 64 * 1024 * 1024


async def get_me(call: Call) -> web.Response:
    count = len(call.store.of(call.user))
    return answer({"handle": call.user, "read_only": call.read_only, "thread_count": count})


async def list_assistants(call: Call) -> web.Response:
    return answer({"items": ASSISTANTS})


async def get_assistant(call: Call) -> web.Response:
    for assistant in ASSISTANTS:
        if assistant["id"] == call.part("assistant_id"):
            return answer(assistant)
    raise missing("assistant")


async def _health(request: web.Request) -> web.Response:
    return answer({"status": "ok"})


_THREAD = "/v1/threads/{thread_id}"
ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/v1/me", get_me),
    ("GET", "/v1/assistants", list_assistants),
    ("GET", "/v1/assistants/{assistant_id}", get_assistant),
    ("POST", "/v1/threads", threads.create_thread),
    ("GET", "/v1/threads", threads.list_threads),
    ("GET", _THREAD, threads.get_thread),
    ("PATCH", _THREAD, threads.update_thread),
    ("DELETE", _THREAD, threads.delete_thread),
    ("GET", _THREAD + "/messages", messages.list_messages),
    ("POST", _THREAD + "/messages", messages.post_message),
    ("GET", _THREAD + "/messages/{message_id}", messages.get_message),
]


class Server:
    """The API of openapi.yaml, with faults; `pace` is the pause between two events, in seconds."""

    def __init__(self, faults: Iterable[str] = (), pace: float = 0.04) -> None:
        self.store = Store(faults, pace)

    def reset(self, faults: Iterable[str]) -> None:
        """Forgets everything, and goes on with these faults."""
        self.store = Store(faults, self.store.pace)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_explain], client_max_size=_LARGEST)
        app.router.add_get("/v1/health", _health)
        for method, path, handler in ROUTES:
            for verb in (method, "HEAD") if method == "GET" else (method,):
                app.router.add_route(verb, path, self._answers(handler))
        return app

    def _answers(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        keyless = handler is messages.get_message

        async def answers(request: web.Request) -> web.StreamResponse:
            store = self.store
            if (
                keyless
                and store.bad("single_message_without_key")
                and "Authorization" not in request.headers
            ):
                thread = store.threads.get(request.match_info["thread_id"])
                return await handler(Call(store, request, thread.owner if thread else "", True))
            user, read_only = self._user(request)
            writes = request.method not in ("GET", "HEAD")
            if store.bad("read_only_key_patches") and request.method == "PATCH":
                writes = False
            if writes and read_only:
                raise Refusal(403, "read_only_key", "This key is read-only.")
            return await handler(Call(store, request, user, read_only))

        return answers

    def _user(self, request: web.Request) -> tuple[str, bool]:
        given = request.headers.getall("Authorization", [])
        match = (
            re.fullmatch(r"bearer +(\S+)", given[0].strip(), re.IGNORECASE)
            if len(given) == 1
            else None
        )
        if match and match[1] in KEYS:
            return KEYS[match[1]]
        if match and self.store.bad("key_with_tail_accepted"):
            for key, found in KEYS.items():
                if match[1].startswith(key):
                    return found
        challenge = {"WWW-Authenticate": "Bearer"}
        raise Refusal(401, "unauthorized", "A valid API key is needed.", headers=challenge)


@web.middleware
async def _explain(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.response()
    except web.HTTPException as failure:
        if failure.status == 404:
            return missing("path").response()
        if failure.status == 405:
            allow = {"Allow": failure.headers["Allow"]}
            message = "Not with this method."
            return Refusal(405, "method_not_allowed", message, headers=allow).response()
        return Refusal(failure.status, "bad_request", failure.reason or "Bad request.").response()
    except ConnectionError:
        raise
    except Exception:
        return Refusal(500, "internal", "Something went wrong.").response()


def serve(faults: Iterable[str] = (), pace: float = 0.04) -> AbstractContextManager[str]:
    """Runs the server on a free port of the loopback, with these faults; gives its URL."""
    return host(Server(faults, pace).application())


@contextmanager
def host(application: web.Application) -> Iterator[str]:
    """Runs an application in a thread, on a free port of the loopback; gives its URL."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

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
