"""What the paths promise about methods that they do not have."""

from __future__ import annotations

import re

from sparring.spec.binding import Role
from sparring.spec.document import Document, Operation
from sparring.spec.drafts import Draft

from ..checks import Context, first_reason, scenario
from ..comparing import has
from ..world import Entry
from .deletion import takes_session, talked

TRIED = ("GET", "PUT", "POST", "PATCH", "DELETE")


def first_of_path(document: Document, operation: Operation) -> str:
    """The operation stands for its path."""
    first = next(o for o in document.operations if o.path == operation.path)
    return "" if first is operation else f"checked with {first.label}"


def declared(document: Document, path: str, concrete: str) -> set[str]:
    """The methods that any template which matches a concrete path declares."""
    found = set()
    for operation in document.operations:
        template = operation.path.partition("?")[0].partition("#")[0]
        pattern = re.sub(r"\\\{[^{}]+\\\}", "[^/]+", re.escape(template))
        if template == path or re.fullmatch(pattern, concrete):
            found.add(operation.method)
    return found


@scenario("method.allow", needs=first_reason(first_of_path, has(Role.SESSION_CREATE)))
def other_methods_are_refused(context: Context) -> None:
    """A method that the path does not have is a 405 whose `Allow` names those it has."""
    session = ""
    if not takes_session(context.document, context.operation):
        session = talked(context, context.alice)
    draft = context.alice.draft(context.operation, session or None)
    template = context.alice.request(Draft(context.operation, draft.path))
    known = declared(context.document, context.operation.path, draft.encoded_path())
    own = {o.method for o in context.document.operations if o.path == context.operation.path}
    for method in TRIED:
        if method in known:
            continue
        start = len(context.world.journal)
        request = type(template)(method, template.url, template.headers)
        exchange = context.world.target.send(request)
        context.world.journal.append(Entry(context.operation, exchange))
        shown = context.world.exchanges(start)
        status = exchange.response.status
        if status != 405:
            context.fail(
                "a 405 for an undeclared method", f"{status} for {method}", exchanges=shown
            )
            continue
        allow = {m.strip().upper() for m in exchange.response.headers.get("allow", "").split(",")}
        if not own <= allow:
            seen = exchange.response.headers.get("allow") or "no Allow"
            expected = f"Allow with {', '.join(sorted(own))} on a 405"
            context.fail(expected, seen, exchanges=shown, cause="Allow lacks methods")
        elif method in allow:
            context.fail("an Allow without the method that is refused", str(allow), exchanges=shown)
