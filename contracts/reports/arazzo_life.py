"""The life of a session as an Arazzo workflow, made from a document alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from sparring.spec import pointers
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft
from sparring.spec.openapi.security import credentials
from sparring.spec.streams.framing import is_json

from ..driving.bodies import Bodies
from ..driving.driver import User
from ..driving.turns import answers_json, message_draft, streams
from ..replaying.replay_turns import talk_operation
from ..target.file import TargetFile
from ..target.target import Target
from ..world import NotChecked, World
from .arazzo_steps import Steps

KEY, SESSION = "sparring-key", "00000000-5e55-4000-8000-000000000000"
TEXT = "What can you do?"
_ROOT = "http://target.invalid"


def life(document: Document, given: TargetFile | None = None) -> dict[str, Any]:
    """A workflow that makes, reads, uses, lists and deletes a session, as far as the document can.

    Keys are inputs; what a deployment needs beside the document is taken from the target's file.
    """
    given = given or TargetFile()
    target = Target(_ROOT)
    try:
        user = User(World(document, target, Bodies(document, 0, given), given=given), KEY)
        inputs = _inputs(user)
        known = {value: f"$inputs.{name}" for name, value in inputs.items()}
        steps = Steps(document, _ROOT, known)
        for draft, criteria in _drafts(user):
            step = steps.add(user.request(draft), criteria)
            binding = draft.operation.binding
            if step is not None and binding and binding.role is Role.SESSION_CREATE:
                place = f"$response.body#{pointers.join(binding.id)}"
                steps.give(step, "id", place, SESSION)
    finally:
        target.close()
    workflow: dict[str, Any] = {
        "workflowId": "life_of_a_session",
        "summary": "A session is made, read, talked in, listed and deleted.",
        "steps": steps.found,
    }
    if inputs:
        workflow["inputs"] = {
            "type": "object",
            "properties": {
                name: {"type": "string", "description": f"As in: {value.replace(KEY, 'KEY')}"}
                for name, value in inputs.items()
            },
        }
    return workflow


def _inputs(user: User) -> dict[str, str]:
    """The values that carry the key, by the name of their header or parameter."""
    found: dict[str, str] = {}
    for operation in user.world.document.operations:
        for way in user.ways(operation)[:1]:
            headers, query = credentials(way, user.key)
            for name, value in (*headers.items(), *query):
                text = value.partition("=")[2] if name == "Cookie" else value
                found[name.lower().replace("-", "_")] = text
    return found


def _drafts(user: User) -> Iterator[tuple[Draft, list[dict[str, str]]]]:
    """The requests in their order, and what must come of each."""
    world = user.world
    if (operation := world.one(Role.SESSION_CREATE)) is not None:
        yield user.create_draft(operation=operation), _success(operation)
    said = world.words(TEXT)
    steps: tuple[tuple[Role, Callable[[Operation], Draft]], ...] = (
        (Role.SESSION_GET, lambda o: user.draft(o, SESSION)),
        (Role.MESSAGE_CREATE, lambda o: message_draft(user, o, SESSION, [said])),
        (Role.MESSAGE_LIST, lambda o: user.draft(o, SESSION)),
        (Role.SESSION_LIST, lambda o: user.draft(o)),
        (Role.SESSION_DELETE, lambda o: user.draft(o, SESSION)),
    )
    deleted = False
    for role, drafted in steps:
        talks = role is Role.MESSAGE_CREATE
        operation = talk_operation(world.document) if talks else world.one(role)
        if operation is None:
            continue
        try:
            draft = drafted(operation)
        except NotChecked:
            continue
        if talks and streams(operation) and answers_json(operation) and operation.success:
            draft.accept = next(filter(is_json, operation.success[1].content))
        criteria = _success(operation)
        if role is Role.MESSAGE_LIST and world.one(Role.MESSAGE_CREATE) is not None:
            word = max(re.findall(r"\w+", said), key=len, default="")
            criteria.append({"context": "$response.body", "condition": word, "type": "regex"})
        yield draft, criteria
        deleted = role is Role.SESSION_DELETE
    get = world.one(Role.SESSION_GET)
    if deleted and get is not None and get.promises.holds("delete.gone"):
        yield user.draft(get, SESSION), [{"condition": "$statusCode == 404"}]


def _success(operation: Operation) -> list[dict[str, str]]:
    declared = sorted(int(key) for key in operation.responses if key.isdecimal() and key[0] == "2")
    if not declared:
        return [{"condition": "$statusCode >= 200 && $statusCode < 300"}]
    return [{"condition": " || ".join(f"$statusCode == {status}" for status in declared)}]
