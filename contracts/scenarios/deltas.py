"""What an update promises whose body holds changes to an attribute: they are merged into it."""

from __future__ import annotations

from typing import Any

from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import flat, plain
from sparring.spec.openapi.schemas import View

from ..checks import Context, first_reason, scenario, show
from ..driving.attributes import entity_properties, request_properties
from ..driving.comparing import has

UPDATE = Role.SESSION_UPDATE
_SUFFIXES = ("delta", "patch", "changes", "updates")
_readable = has(Role.SESSION_CREATE, Role.SESSION_GET)


def deltas(document: Document, operation: Operation) -> dict[str, str]:
    """The members of the body that change an attribute, such as `stateDelta`, to its name."""
    gets = [o for o in document.with_role(Role.SESSION_GET) if o.binding and not o.binding.active]
    shown = {flat(n): n for n in (entity_properties(document, gets[0]) if gets else {})}
    found = {}
    for name, schema in request_properties(document, operation).items():
        node = plain(document, schema, View.REQUEST)
        is_open = node.get("type") == "object" and not node.get("properties")
        for suffix in _SUFFIXES if is_open else ():
            whole = flat(name).removesuffix(suffix)
            if whole != flat(name) and whole in shown:
                found[name] = shown[whole]
    return found


def has_deltas(document: Document, operation: Operation) -> str:
    """Whether the body holds changes."""
    return "" if deltas(document, operation) else "no member of the body holds changes"


def _changed(context: Context, session: str, name: str, change: dict[str, Any]) -> None:
    body = context.world.bodies.least(context.operation) | {name: change}
    draft = context.alice.draft(context.operation, session)
    draft.body = body
    context.alice.expect(draft)


@scenario("update.read_back", UPDATE, needs=first_reason(has_deltas, _readable))
def changes_are_merged(context: Context) -> None:
    """What was changed is read, and a second change leaves what the first has changed."""
    for name, attribute in deltas(context.document, context.operation).items():
        session = context.alice.create().id
        wanted: dict[str, Any] = {}
        for change in ({"one": "1", "kept": {"below": [1, "1"]}}, {"two": 2.5}, {"one": "2"}):
            _changed(context, session, name, change)
            wanted |= change
            stored = context.alice.read(session).get(attribute)
            held = stored if isinstance(stored, dict) else {}
            if {key: held.get(key) for key in wanted} != wanted:
                seen = f"{show(stored)} after {show(wanted)}"
                context.fail(f"every change of {name} in {attribute}", seen)
                return


@scenario("update.only", UPDATE, needs=first_reason(has_deltas, _readable))
def changes_stay_where_they_are(context: Context) -> None:
    """A change of one session is in no other, not in a later one either."""
    for name, attribute in deltas(context.document, context.operation).items():
        before, session = context.alice.create().id, context.alice.create().id
        _changed(context, session, name, {"sparring_change": "mine"})
        for other in (before, context.alice.create().id):
            stored = context.alice.read(other).get(attribute)
            if isinstance(stored, dict) and "sparring_change" in stored:
                context.fail(f"no change of {name} in another session", show(stored))
                return
