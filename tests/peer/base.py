"""What all operations share: who calls, parameters, bodies and preconditions."""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from aiohttp import web

from .bodies import ID, Bodies
from .model import Session
from .store import Store
from .turns import Agent
from .wire import JSON, Json, Problem, broken, load

KEYS = {"alice-key": "alice", "bob-key": "bob"}
_TAG = r'(?:W/)?"[!#-~]*"'
_IF_MATCH = re.compile(rf"\*|{_TAG}(?: *, *{_TAG})*")
_MOST = 9_007_199_254_740_991


class Base:
    """A group of operations."""

    def __init__(self, faults: Collection[str], store: Store, agent: Agent, bodies: Bodies) -> None:
        self.faults = faults
        self.store = store
        self.agent = agent
        self.bodies = bodies

    def caller(self, request: web.Request) -> str:
        """The user whose key is given, in any of the declared ways."""
        if request.method == "HEAD" and "head-needs-no-key" in self.faults:
            return "alice"
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if "bearer-with-case" not in self.faults:
            scheme = scheme.capitalize()
        given = [token.strip()] if scheme == "Bearer" else []
        given += request.headers.getall("X-API-Key", [])
        if not ("query-key-unknown-to-streams" in self.faults and "stream" in request.path):
            given += request.query.getall("api_key", [])
        if "api_key" in request.query and "query-key-unchecked" in self.faults:
            return "alice"
        for key in given:
            if "key-prefix-suffices" in self.faults:
                key = next((one for one in KEYS if key.startswith(one)), key)
            if key in KEYS:
                return KEYS[key]
        challenge = {"WWW-Authenticate": 'Bearer realm="agent sessions"'}
        if given and "wrong-key-without-challenge" in self.faults:
            challenge = {}
        raise Problem(401, "There is no key, or a wrong one.", headers=challenge)

    def refuse(self, where: str, name: str, detail: str) -> Problem:
        """What is said of a parameter that breaks its schema."""
        return Problem(
            422,
            f"The {where} parameter {name} breaks its schema.",
            errors=[broken(where, [name], detail, self.faults)],
        )

    def path_id(self, request: web.Request, name: str = "session_id") -> str:
        value = request.match_info[name]
        if "path-not-decoded" in self.faults:
            value = request.rel_url.raw_parts[2] if name == "session_id" else value
        if not re.fullmatch(ID[1:-1], value):
            raise self.refuse("path", name, "It is not an id.")
        return value

    def session(self, request: web.Request) -> Session:
        """The session that the path names."""
        caller = self.caller(request)
        session_id = self.path_id(request)
        operation = (request.method, request.path.rsplit("/", 1)[-1])
        if operation == ("GET", "history") and "history-of-anyone" in self.faults:
            return self.store.any_owner(caller, session_id)
        if operation == ("POST", "stop") and "stop-of-anyone" in self.faults:
            return self.store.any_owner(caller, session_id)
        if operation == ("GET", "events") and "deleted-events-readable" in self.faults:
            return self.store.after_delete(caller, session_id)
        if request.method == "DELETE" and "foreign-delete-403" in self.faults:
            found = self.store.any_owner(caller, session_id)
            if found.owner != caller:
                raise Problem(403, "This session is not yours.")
        if "if-match-before-owner" in self.faults and "If-Match" in request.headers:
            self.precondition(request, self.store.any_owner(caller, session_id))
        return self.store.get(caller, session_id)

    def query(self, request: web.Request, name: str) -> str | None:
        values = request.query.getall(name, [])
        if len(values) > 1:
            raise self.refuse("query", name, "It is given more than once.")
        return values[0] if values else None

    def integer(
        self, request: web.Request, name: str, default: int, low: int = 0, high: int = _MOST
    ) -> int:
        text = self.query(request, name)
        if text is None:
            return default
        if "integers-as-python-reads" in self.faults:
            try:
                text = str(int(text))
            except ValueError:
                text = ""
        if not re.fullmatch("-?[0-9]{1,20}", text):
            raise self.refuse("query", name, "It is not an integer.")
        number = int(text)
        if name == "limit" and "limit-clamped" in self.faults:
            number = min(number, high)
        if name == "limit" and "limit-zero-is-default" in self.faults:
            number = number or default
        if not low <= number <= high:
            raise self.refuse("query", name, f"It is not between {low} and {high}.")
        return number

    def choice(self, request: web.Request, name: str, default: str, *others: str) -> str:
        text = self.query(request, name)
        if text is not None and text not in {default, *others}:
            raise self.refuse("query", name, f"It is neither {default} nor {' nor '.join(others)}.")
        return default if text is None else text

    def page(self, request: web.Request) -> tuple[int, int]:
        """Offset and limit."""
        limit = self.integer(request, "limit", 100, 1, 1000)
        offset = self.integer(request, "offset", 0)
        if "offset-counts-pages" in self.faults:
            offset *= limit
        return offset, limit

    def paged(self, rows: Sequence[Json], offset: int, limit: int, total: int) -> Json:
        """One page of a list."""
        items = list(rows[offset : offset + limit])
        if offset and "total-of-later-page" in self.faults:
            total = len(items)
        return {"total": total, "items": items}

    async def body(self, request: web.Request, name: str, *kinds: str) -> Any:
        """The body, when it can be read, keeps its schema, and has a type that is taken."""
        checked = name != "edit" or "edit-takes-any-type" not in self.faults
        given = request.headers.get("Content-Type", "")
        kind = given.partition(";")[0].strip()
        if "media-type-with-case" not in self.faults:
            kind = kind.lower()
        if "charset-unsupported" in self.faults:
            kind = given.lower()
        if checked and kind not in (kinds or (JSON,)):
            raise Problem(415, f"This operation takes {' or '.join(kinds or (JSON,))}.")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            plain = {"Accept-Encoding": "identity"}
            raise Problem(415, "This server takes no content codings.", headers=plain)
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise Problem(413, "The body is too large.") from None
        if not raw and name == "replace" and "put-without-body" in self.faults:
            raw = b"{}"
        try:
            body = load(raw, self.faults)
        except UnicodeDecodeError as fail:
            if "invalid-utf8-breaks" in self.faults:
                raise Problem(500, "Something broke.") from None
            raise Problem(400, f"The body is not JSON: {fail}") from None
        except ValueError as fail:
            raise Problem(400, f"The body is not JSON: {fail}") from None
        return self.bodies.check(name, body)

    def _tags(self, request: web.Request) -> str | None:
        return ", ".join(request.headers.getall("If-Match", [])) or request.headers.get("If-Match")

    def if_match_syntax(self, request: web.Request) -> None:
        given = self._tags(request)
        if given is None or _IF_MATCH.fullmatch(given):
            return
        if "if-match-garbage-ignored" not in self.faults:
            raise self.refuse("header", "If-Match", "It is no list of entity tags.")

    def precondition(self, request: web.Request, session: Session) -> None:
        """`If-Match` and `If-None-Match` (RFC 9110, 13.1)."""
        given = self._tags(request)
        if given == "*" and "if-match-any-refused" in self.faults:
            raise Problem(412, "The session has changed.")
        if given is not None and given != "*" and _IF_MATCH.fullmatch(given):
            tags = re.findall(_TAG, given)
            if "if-match-first-only" in self.faults:
                tags = tags[:1]
            if "if-match-weak" in self.faults:
                tags = [tag.removeprefix("W/") for tag in tags]
            if session.etag not in tags:
                raise Problem(412, "The session has changed.")
        if self._none_match(request, session):
            raise Problem(412, "The session is what it was.")

    def _none_match(self, request: web.Request, session: Session) -> bool:
        given = request.headers.get("If-None-Match", "")
        tags = [tag.removeprefix("W/") for tag in re.findall(_TAG, given)]
        return given.strip() == "*" or session.etag in tags

    def unchanged(self, request: web.Request, session: Session) -> bool:
        """Whether the caller has what a GET would answer."""
        return self._none_match(request, session)

    def wanted_metadata(self, request: web.Request) -> Json | None:
        text = self.query(request, "metadata_filter")
        if text is None:
            return None
        try:
            wanted = load(text.encode(), self.faults)
        except (json.JSONDecodeError, ValueError):
            raise Problem(400, "metadata_filter is not JSON.") from None
        if not isinstance(wanted, dict):
            raise self.refuse("query", "metadata_filter", "It is not an object.")
        return wanted
