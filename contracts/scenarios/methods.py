"""What the paths promise about methods that they do not have."""

from __future__ import annotations

import re

from sparring.spec.exchange import Exchange, Request
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft

from ..checks import Context, NotChecked, first_reason, scenario
from ..driving.comparing import has
from ..driving.turns import streams
from ..world import succeeded
from .deletion import aim_part, takes_session, talked

TRIED = ("GET", "PUT", "POST", "PATCH", "DELETE")
SAFE = ("GET", "PATCH")


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
    tried = TRIED if session else SAFE  # what is nobody's own might be all there is
    draft = context.alice.draft(context.operation, session or None)
    template = context.alice.request(Draft(context.operation, draft.path))
    known = declared(context.document, context.operation.path, draft.encoded_path())
    own = {o.method for o in context.document.operations if o.path == context.operation.path}
    for method in tried:
        if method in known:
            continue
        start = len(context.world.journal)
        request = type(template)(method, template.url, template.headers)
        exchange = context.world.target.send(request)
        context.world.note(context.operation, exchange)
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


@scenario(
    "path.spelling", Role.SESSION_GET, needs=first_reason(takes_session, has(Role.SESSION_CREATE))
)
def encoded_letters_are_letters(context: Context) -> None:
    """A session is found too when letters of its id are percent-encoded in the path."""
    session = context.alice.create().id
    request = context.alice.request(context.alice.draft(context.operation, session))
    letter = next((c for c in session if c.isascii() and c.isalnum()), None)
    if letter is None or session not in request.url:
        raise NotChecked("the id has no letter")
    spelled = session.replace(letter, f"%{ord(letter):02X}", 1)
    like = Request("GET", request.url.replace(session, spelled, 1), request.headers)
    statuses = [_send(context, "GET", one).response.status for one in (request, like)]
    if statuses[0] < 300 and statuses[1] >= 400:
        context.fail("the same session for another spelling of its path", f"{statuses[1]}")


def reads(document: Document, operation: Operation) -> str:
    """The operation is a GET whose answer ends."""
    if operation.method != "GET":
        return "it is no GET"
    return "it streams" if streams(operation) else ""


def _send(context: Context, method: str, like: Request) -> Exchange:
    exchange = context.world.target.send(Request(method, like.url, like.headers))
    context.world.note(context.operation, exchange)
    return exchange


@scenario("method.head", needs=first_reason(reads, has(Role.SESSION_CREATE)))
def head_is_like_get(context: Context) -> None:
    """HEAD, where it is answered at all, has the status and no other headers than GET."""
    session = ""
    if not takes_session(context.document, context.operation):
        session = talked(context, context.alice)
    draft = context.alice.draft(context.operation, session or None)
    if session:
        aim_part(context, draft, session)
    request = context.alice.request(draft)
    before, head, after = (_send(context, method, request) for method in ("GET", "HEAD", "GET"))
    status = head.response.status
    stated = context.operation.promises.get("method.head", {}).get("answered")
    if succeeded(before) and status in (404, 405, 501) and str(stated).lower() == "true":
        context.fail("an answer to HEAD as to GET", str(status))
    if not succeeded(before) or status >= 400:
        raise NotChecked("HEAD is not answered")
    if status != before.response.status:
        context.fail("the status of GET for HEAD", f"{status} for HEAD")
    if head.response.media_type not in ("", before.response.media_type):
        context.fail("no other Content-Type for HEAD than for GET", head.response.media_type)
    told = head.response.headers.get("content-length")
    sizes = {len(before.response.body), len(after.response.body)}
    if session and told is not None and len(sizes) == 1 and told != str(sizes.pop()):
        context.fail("no other Content-Length for HEAD than for GET", told)
    if session:
        id = context.alice.unused_id(context.operation)
        missing = context.alice.request(context.alice.draft(context.operation, id))
        statuses = [_send(context, method, missing).response.status for method in ("GET", "HEAD")]
        if statuses[0] in (404, 410) and statuses[1] < 400:
            context.fail("no success of HEAD where GET is a 404", str(statuses[1]))


@scenario("method.options", needs=first_reason(first_of_path, has(Role.SESSION_CREATE)))
def options_name_the_methods(context: Context) -> None:
    """OPTIONS, where it is answered with `Allow`, names every method of the path."""
    session = ""
    if not takes_session(context.document, context.operation):
        session = context.alice.create().id
    draft = context.alice.draft(context.operation, session or None)
    answer = _send(context, "OPTIONS", context.alice.request(Draft(context.operation, draft.path)))
    allow = answer.response.headers.get("allow")
    if not succeeded(answer) or allow is None:
        raise NotChecked("OPTIONS names no methods")
    own = {o.method for o in context.document.operations if o.path == context.operation.path}
    if not own <= {method.strip().upper() for method in allow.split(",")}:
        context.fail(f"Allow with {', '.join(sorted(own))} on OPTIONS", allow)
