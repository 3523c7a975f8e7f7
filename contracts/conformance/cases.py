"""What becomes of the cases of Schemathesis before they are sent, and of what they make."""

from __future__ import annotations

import copy
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sparring.spec import pointers
from sparring.spec.exchange import Exchange
from sparring.spec.openapi.document import Operation
from sparring.spec.openapi.drafts import expression, scalar, session_parameter
from sparring.spec.openapi.schemas import View

from ..driving.caller import shown_value
from ..driving.driver import User
from ..driving.made import TALKING, makes_sessions, sessions_in
from ..driving.requests import path_values
from ..target.budget import SAFE_METHODS
from ..world import World, succeeded


class Cases:
    """Keeps cases to what the target needs and the profile allows; with `own` they change only
    sessions that this run has made. `labels` are what Schemathesis calls operations."""

    def __init__(
        self, world: World, user: User, labels: Mapping[str, Operation], *, own: bool
    ) -> None:
        self.document = world.document
        self.world = world
        self.user = user
        self.labels = labels
        self.own = own

    def prepare(self, case: Any) -> None:
        """Makes a client's id new, so that a create meets no older one, and keeps to what the
        target's file and the profile say."""
        operation = self.labels.get(case.operation.label)
        if operation is None:
            return
        self._give(case, operation)
        if operation.binding is None:
            return
        if operation.binding.role in TALKING:
            self.world.target.meter.message()
        place = expression(self.document, operation, "client_id")
        if place is None or place[0] != "body" or not isinstance(case.body, dict):
            return
        location = pointers.split(place[1])
        if not isinstance(pointers.first(case.body, location), str):
            return
        trial = copy.deepcopy(case.body)
        media = next((m for m in operation.body.values() if "json" in m.type and m.schema), None)
        for fresh in (secrets.token_hex(8), str(uuid.uuid4())):
            pointers.put(trial, location, fresh)
            if media and media.schema:
                validator = self.document.schemas.at(media.schema, View.REQUEST)
                if validator.is_valid(case.body) and validator.is_valid(trial):
                    case.body = trial
                    return

    def _give(self, case: Any, operation: Operation) -> None:
        """Puts in what the target's file says, where what stands there is valid, and an id that
        no one has in place of that of a session which this run has not made."""
        for name, value in {**self._shown(operation), **self.user.given}.items():
            for values in (case.path_parameters, case.query, case.headers):
                if values and name in values:
                    values[name] = scalar(value)
        bodies = self.world.bodies
        if isinstance(case.body, dict) and bodies.is_valid(operation, case.body):
            case.body = self.user.owned(operation, bodies.merged(operation, case.body))
        place = session_parameter(self.document, operation)
        if not self.own or operation.method in SAFE_METHODS or operation.binding is None:
            return
        if place is None or place[0] != "path" or place[1] in self.user.given:
            return
        given = (case.path_parameters or {}).get(place[1])
        known = given is None or str(given) in self.world.sessions.ids()
        if not known and self.user.is_id(operation, str(given)):
            case.path_parameters[place[1]] = self.user.unused_id(operation)

    def _shown(self, operation: Operation) -> dict[str, Any]:
        """What the document shows for the parameters of a path, all but the session's."""
        place = session_parameter(self.document, operation)
        above = [
            p for p in operation.parameters if p.place == "path" and (p.place, p.name) != place
        ]
        shown = {found.name: shown_value(self.document, found) for found in above}
        return {name: value for name, value in shown.items() if value is not None}

    def note(self, exchange: Exchange) -> None:
        """Notes the sessions that were made, so that they are cleared away."""
        path = urlsplit(exchange.request.url).path
        for operation in filter(makes_sessions, self.document.operations):
            template = re.sub(r"\\\{[^{}]+\\\}", "[^/]+", re.escape(operation.template))
            is_it = exchange.request.method == operation.method
            if is_it and re.search(f"{template}$", path) and succeeded(exchange):
                above = {n: v[0] for n, v in path_values(operation, path).items()}
                place = session_parameter(self.document, operation)
                aimed = above.pop(place[1], None) if place and place[0] == "path" else None
                for id in sessions_in(self.world, operation, exchange, aimed):
                    self.world.sessions.made(self.user.number, id, above)
