"""What conditional reads promise: a 304 as long as nothing has changed, and only then."""

from __future__ import annotations

from sparring.spec.exchange import Exchange
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import parameter
from sparring.spec.openapi.schemas import View

from ..checks import Context, NotChecked, first_reason, same, scenario
from ..driving.comparing import has
from .listing import touch
from .tags import tag_of, tags

GET = Role.SESSION_GET
HEADER = "If-None-Match"


def conditional(document: Document, operation: Operation) -> str:
    """Reading takes `If-None-Match`."""
    if operation.binding is not None and operation.binding.active:
        return "it reads the active session"
    return "" if parameter(operation, "header", HEADER) else f"{HEADER} is not declared"


def read_under(context: Context, session: str, condition: str) -> Exchange:
    """Reads a session under a condition."""
    draft = context.alice.draft(context.operation, session)
    draft.headers[HEADER] = condition
    return context.alice.send(draft)


@scenario("etag.not_modified", GET, needs=first_reason(conditional, tags, has(Role.SESSION_CREATE)))
def known_versions_are_not_sent_again(context: Context) -> None:
    """A read under the current tag, alone, in a list or marked as weak, is a 304; under another
    it is not, nor after a change."""
    session = context.alice.create()
    tag = tag_of(context.alice.get(session.id, context.operation))
    if tag is None:
        raise NotChecked("reading gave no tag")
    found = parameter(context.operation, "header", HEADER)
    schema = found.schema if found else None
    forms = (tag, f'"other", {tag}', tag if tag.startswith("W/") else f"W/{tag}")
    for form in forms:
        if schema and not context.document.schemas.at(schema, View.REQUEST).is_valid(form):
            continue
        status = read_under(context, session.id, form).response.status
        if status != 304:
            context.fail("a 304 for the tag that the session has", f"{status} for {form}")
    status = read_under(context, session.id, '"other"').response.status
    if status == 304:
        context.fail("the session for a tag that it does not have", "a 304")
    before = context.alice.read(session.id)
    changed = touch(context, session.id) and not same(before, context.alice.read(session.id))
    if changed and read_under(context, session.id, tag).response.status == 304:
        context.fail("the session for a tag that it had before a change", "a 304")
