"""The mock server as a Starlette application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from sparring.spec.openapi.document import Document, load_document

from .api import Api
from .worlds.world import World

# A front end under development runs on another port of this machine. Pages from elsewhere can't
# read what the mock answers.
_LOCAL_ORIGIN = r"https?://(localhost|[a-z0-9.-]+\.localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?"


class MockServer(Starlette):
    """Serves one document. Middleware and the lifespan are Starlette's; requests go straight to
    the compiled request path, which has its own errors."""

    def __init__(self, document: Document, world: World) -> None:
        super().__init__()
        self.world = world
        self.play(document, Api(document, world))

    def play(self, document: Document, api: Api) -> None:
        """Answers by another document from now on; sessions stay, and so do turns that run."""
        self.document = document
        self._api = api
        self._cross_origin = CORSMiddleware(
            api,
            allow_origin_regex=_LOCAL_ORIGIN,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_credentials=True,
            expose_headers=[
                "ETag",
                "Location",
                "Preference-Applied",
                "Retry-After",
                "WWW-Authenticate",
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
                "X-Sparring-Error",
            ],
        )

    def build_middleware_stack(self) -> ASGIApp:
        """The request path, inside the middleware that the user has added."""
        app: ASGIApp = self._handle
        for cls, args, kwargs in reversed(self.user_middleware):
            app = cls(app, *args, **kwargs)
        return app

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            app: ASGIApp = self._api
            for name, _ in scope["headers"]:
                if name == b"origin":
                    app = self._cross_origin
            await app(scope, receive, send)
        else:
            await self.router(scope, receive, send)


def create_app(document: Document | str = "sessions", world: World | None = None) -> MockServer:
    """An ASGI application that behaves like the backend of the document.

    `document` may be a path or a bundled name. Raises SparringError when it can't be served.
    """
    if isinstance(document, str):
        document = load_document(document)
    return MockServer(document, world or World())
