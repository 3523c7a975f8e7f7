"""Several documents on one server, each under its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from .app import MockServer
from .requests.negotiation import choose


class Mounts(Starlette):
    """Serves each application under its name; what lies beside them is answered by their list."""

    def __init__(self, apps: Mapping[str, MockServer]) -> None:
        self.apps = apps
        super().__init__(
            routes=[
                Route("/", self._index),
                *(Mount(f"/{name}", app=app) for name, app in apps.items()),
            ],
            exception_handlers={404: self._missing},
        )
        self.router.redirect_slashes = False

    async def _index(self, request: Request) -> Response:
        return self._listed(request, 200)

    async def _missing(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return self._listed(request, error.status_code)

    def _listed(self, request: Request, status: int) -> Response:
        base = str(request.base_url).rstrip("/")
        rows = [
            {"name": name, "title": app.document.title, "url": f"{base}/{name}"}
            for name, app in self.apps.items()
        ]
        accept = request.headers.get("accept", "")
        if choose(accept, ["application/json", "text/plain"]) == "text/plain":
            lines = [f"{row['name']}: {row['title']} on {row['url']}\n" for row in rows]
            return PlainTextResponse("".join(lines), status)
        return JSONResponse({"mounted": rows}, status)


def names_of(specs: Iterable[str]) -> list[str]:
    """A name for each document, to stand in a path: a bundled name, or that of its file."""
    names: list[str] = []
    for spec in specs:
        stem = re.split(r"[/\\]", spec)[-1].rsplit(".", 1)[0]
        name = base = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-.") or "document"
        number = 1
        while name in names:
            number += 1
            name = f"{base}-{number}"
        names.append(name)
    return names
