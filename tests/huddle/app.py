"""The application, and a way to run it on a port of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager

from aiohttp import web
from tests.parley.app import host

from . import huddles, utterances
from .state import Person, Store
from .wire import LARGEST, Call, Handler, Refusal, answer, missing


async def get_me(call: Call) -> web.Response:
    return answer({"data": {"personId": call.person.id, "displayName": call.person.name}})


async def _health(request: web.Request) -> web.Response:
    return answer({"data": {"status": "ok"}})


_HUDDLE = "/v1/huddles/{huddleId}"
_UTTERANCE = _HUDDLE + "/utterances/{utteranceId}"
ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/v1/me", get_me),
    ("POST", "/v1/huddles", huddles.create_huddle),
    ("GET", "/v1/huddles", huddles.list_huddles),
    ("GET", _HUDDLE, huddles.get_huddle),
    ("PATCH", _HUDDLE, huddles.change_huddle),
    ("DELETE", _HUDDLE, huddles.delete_huddle),
    ("POST", _HUDDLE + "/archive", huddles.archive_huddle),
    ("POST", _HUDDLE + "/restore", huddles.restore_huddle),
    ("POST", _HUDDLE + "/halt", huddles.halt),
    ("GET", _HUDDLE + "/utterances", utterances.list_utterances),
    ("POST", _HUDDLE + "/utterances", utterances.send_utterance),
    ("GET", _UTTERANCE, utterances.get_utterance),
    ("POST", _UTTERANCE + "/retake", utterances.retake_reply),
    ("GET", _UTTERANCE + "/stream", utterances.resume_reply),
]


class Server:
    """The API of openapi.yaml, with faults; `pace` is the pause before a word, in seconds."""

    def __init__(self, faults: Iterable[str] = (), pace: float = 0.01) -> None:
        self.store = Store(faults, pace)

    def reset(self, faults: Iterable[str]) -> None:
        """Forgets everything, and goes on with these faults."""
        self.store = Store(faults, self.store.pace)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_explain], client_max_size=LARGEST)
        app.router.add_get("/v1/health", _health)
        for method, path, handler in ROUTES:
            for verb in (method, "HEAD") if method == "GET" else (method,):
                app.router.add_route(verb, path, self._answers(handler))
        return app

    def _answers(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answers(request: web.Request) -> web.StreamResponse:
            return await handler(Call(self.store, request, self._person(request)))

        return answers

    def _person(self, request: web.Request) -> Person:
        given = request.headers.getall("Huddle-Key", [])
        for key, person in self.store.people.items():
            if given == [key]:
                return person
            if self.store.bad("key_with_tail_accepted") and given and given[0].startswith(key):
                return person
        challenge = {"WWW-Authenticate": 'HuddleKey realm="huddle"'}
        raise Refusal(401, "unauthorized", "There is no such key.", headers=challenge)


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
            return missing().response()
        if failure.status == 405:
            allow = {"Allow": failure.headers["Allow"]}
            message = "Not with this method."
            return Refusal(405, "method_not_allowed", message, headers=allow).response()
        code = "malformed_body"
        return Refusal(failure.status, code, failure.reason or "Bad request.").response()
    except ConnectionError:
        raise
    except Exception:
        return Refusal(500, "internal", "Something went wrong.").response()


def serve(faults: Iterable[str] = (), pace: float = 0.01) -> AbstractContextManager[str]:
    """Runs the server on a free port of the loopback, with these faults; gives its URL."""
    return host(Server(faults, pace).application())
