"""What keys promise: none works but the right one, and each opens what its owner made."""

from __future__ import annotations

import time
from dataclasses import replace

from sparring.spec.exchange import Exchange, Request
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import Draft, histories, is_owner, missing_statuses
from sparring.spec.openapi.security import usable_security

from ..checks import Context, NotChecked, first_reason, has_security, scenario, show
from ..driving.attributes import request_properties
from ..driving.caller import Way
from ..driving.comparing import has
from ..driving.driver import User
from ..driving.turns import streams
from ..world import is_stream, succeeded
from .deletion import DELETE, WITHOUT_SESSION, takes_session, talked, valid_draft
from .listing import session_id

REFUSED = frozenset({401, 403})


def wrong_keys(key: str) -> list[str]:
    """Keys that look like the right one."""
    found = [
        "no-such-key-9f2c",
        key[:-1],
        f"{key}x",
        key[1:],
        key.upper(),
        f"x{key}",
        key[: len(key) // 2],
    ]
    return [other for other in dict.fromkeys(found) if other not in (key, "")]


def any_draft(context: Context, user: User, session: str) -> Draft:
    """A valid request of the check's operation."""
    binding = context.operation.binding
    if binding is not None and binding.role is Role.SESSION_CREATE:
        return user.create_draft(operation=context.operation)
    if binding is not None and (binding.role in WITHOUT_SESSION or binding.active):
        return user.draft(context.operation)
    return valid_draft(context, user, context.operation, session)


def answer(
    context: Context, user: User, session: str, *, way: Way | None = None, anonymous: bool = False
) -> Exchange:
    """What a request of the check's operation gets; of a stream only the beginning."""
    draft = any_draft(context, user, session)
    return short_answer(context, user.request(draft, way=way, anonymous=anonymous), draft)


def short_answer(context: Context, request: Request, draft: Draft) -> Exchange:
    """The answer to a request; of a stream only the beginning."""
    if not streams(context.operation):
        exchange = context.world.target.send(request)
    else:
        with context.world.target.open(request) as stream:
            if not is_stream(stream.exchange):
                stream.drain()
        exchange = stream.exchange
    context.world.note(context.operation, exchange)
    created = context.operation.binding and context.operation.binding.role is Role.SESSION_CREATE
    if created and succeeded(exchange):
        context.alice.made(draft, exchange)
    return exchange


needs_key = first_reason(has_security, has(Role.SESSION_CREATE))


@scenario("auth.required", needs=needs_key)
def wrong_keys_are_refused(context: Context) -> None:
    """Without a key, or with one that only resembles the right one, nothing is done."""
    session = talked(context, context.alice)
    snapshot = settled(context, session)
    keys: list[tuple[Way, str | None]] = [(usable_security(context.operation)[0], None)]
    for way in usable_security(context.operation):
        keys += [(way, key) for key in wrong_keys(context.alice.key)]
        if all(scheme.kind not in ("bearer", "basic") for scheme in way):
            keys.append((way, ""))
    for way, key in keys:
        start = len(context.world.journal)
        user = User(context.world, key or "", replace(context.alice.person, key=None, headers={}))
        exchange = answer(context, user, session, way=way, anonymous=key is None)
        if exchange.response.status not in REFUSED:
            kind = "no key" if key is None else f"the wrong key {key} as {way[0].name}"
            context.fail(
                "a 401 or 403 without the right key",
                f"{exchange.response.status} with {kind}",
                exchanges=context.world.exchanges(start),
            )
            return
    if state(context, session) != snapshot:
        context.fail("no change by a request without the right key", "the session changed")


def state(context: Context, session: str) -> str:
    """All that the owner sees of a session."""
    seen: list[object] = []
    if context.world.one(Role.SESSION_GET):
        exchange = context.alice.get(session)
        seen.append((exchange.response.status, exchange.response.json()))
    for operation in histories(context.document):
        if seen and seen[0][0] >= 300:  # type: ignore[index]  # the pair above
            break
        seen.append(context.alice.all(operation, session))
    return show(seen) + repr(seen)


def settled(context: Context, session: str) -> str:
    """What the owner sees of a session once nothing moves in it any more."""
    found = state(context, session)
    for _ in range(10):
        time.sleep(0.02)
        now = state(context, session)
        if now == found:
            break
        found = now
    return found


@scenario("auth.schemes", needs=needs_key)
def every_scheme_works(context: Context) -> None:
    """The key is taken in each of the declared ways."""
    for way in usable_security(context.operation):
        session = talked(context, context.alice)
        start = len(context.world.journal)
        exchange = answer(context, context.alice, session, way=way)
        if exchange.response.status in REFUSED:
            context.fail(
                f"the right key taken as {' and '.join(s.name for s in way)}",
                str(exchange.response.status),
                exchanges=context.world.exchanges(start),
            )


def reads(document: Document, operation: Operation) -> str:
    """The operation is a GET whose answer ends."""
    return "" if operation.method == "GET" and not streams(operation) else "it is no plain GET"


@scenario("auth.required", needs=first_reason(reads, needs_key))
def head_needs_the_key_too(context: Context) -> None:
    """HEAD is not answered with a success where GET is refused for want of a key."""
    session = talked(context, context.alice)
    draft = any_draft(context, context.alice, session)
    asked = context.alice.request(draft, anonymous=True)
    statuses = []
    for method in ("GET", "HEAD"):
        exchange = context.world.target.send(Request(method, asked.url, asked.headers))
        context.world.note(context.operation, exchange)
        statuses.append(exchange.response.status)
    if statuses[0] in REFUSED and statuses[1] < 300:
        context.fail("no success of HEAD without a key", f"{statuses[1]} with no key")


@scenario("auth.schemes", needs=needs_key)
def words_of_schemes_have_no_case(context: Context) -> None:
    """The word before the key may be written in any case (RFC 9110, section 11.1)."""
    ways = usable_security(context.operation)
    if not any(scheme.kind == "bearer" for way in ways for scheme in way):
        return
    session = talked(context, context.alice)
    for word in ("Bearer", "bearer", "BEARER"):
        draft = any_draft(context, context.alice, session)
        draft.headers["Authorization"] = f"{word} {context.alice.key}"
        exchange = short_answer(context, context.alice.request(draft, anonymous=True), draft)
        if exchange.response.status in REFUSED:
            if word == "Bearer":
                return  # every_scheme_works speaks of it
            context.fail("the right key after the scheme in any case", f"{word} is refused")


@scenario("auth.schemes", needs=needs_key)
def no_other_scheme_works(context: Context) -> None:
    """The right key after the word of a scheme that is not declared is refused."""
    ways = usable_security(context.operation)
    kinds = {scheme.kind for way in ways for scheme in way}
    if "bearer" not in kinds or "basic" in kinds:
        return
    session = talked(context, context.alice)
    draft = any_draft(context, context.alice, session)
    draft.headers["Authorization"] = f"Basic {context.alice.key}"
    exchange = short_answer(context, context.alice.request(draft, anonymous=True), draft)
    if exchange.response.status not in REFUSED:
        if asks_no_key(context, context.world.need(Role.SESSION_CREATE)):
            raise NotChecked("the target looks at no keys: auth.required tells of that")
        status = exchange.response.status
        context.fail("a 401 for a scheme that is not declared", f"{status} for Basic and the key")


@scenario("auth.schemes", needs=needs_key)
def keys_do_not_travel_otherwise(context: Context) -> None:
    """The right key as a bearer token, or in the query, is refused where that is not declared."""
    ways = usable_security(context.operation)
    schemes = [scheme for way in ways for scheme in way]
    session = talked(context, context.alice)
    tries: list[tuple[str, dict[str, str], list[tuple[str, str]]]] = []
    in_authorization = any(s.parameter.lower() == "authorization" for s in schemes)
    if not in_authorization and not any(s.kind in ("bearer", "basic") for s in schemes):
        tries.append(("a bearer token", {"Authorization": f"Bearer {context.alice.key}"}, []))
    if not any(scheme.place == "query" for scheme in schemes):
        names = dict.fromkeys([*(s.parameter for s in schemes if s.parameter), "api_key"])
        tries += [(f"the parameter {n}", {}, [(n, context.alice.key)]) for n in names]
    for where, headers, query in tries:
        draft = any_draft(context, context.alice, session)
        draft.headers |= headers
        draft.query += query
        exchange = short_answer(context, context.alice.request(draft, anonymous=True), draft)
        if succeeded(exchange):
            status = exchange.response.status
            context.fail("a 401 for a key that comes otherwise", f"{status} for {where}")


def two_users(context: Context) -> None:
    """Raises NotChecked unless the second user is another one, and the target can know it."""
    create = context.world.need(Role.SESSION_CREATE)
    if context.alice.name == context.bob.name:
        if context.alice.key == context.bob.key or not context.alice.ways(context.operation):
            raise NotChecked("there is only one user")
        if asks_no_key(context, create):
            raise NotChecked("the target looks at no keys, and nothing else tells users apart")
    draft = context.bob.create_draft(operation=create)
    exchange = context.bob.send(draft)
    if exchange.response.status in REFUSED:
        raise NotChecked("the other key is not known to the target")
    if succeeded(exchange):
        context.bob.made(draft, exchange)


def asks_no_key(context: Context, create: Operation) -> bool:
    """Whether the target makes a session for someone without a key."""
    draft = context.bob.create_draft(operation=create)
    exchange = context.bob.send(draft, anonymous=True)
    if made := succeeded(exchange):
        context.bob.made(draft, exchange)
    return made


def has_owner(document: Document, operation: Operation) -> str:
    """Keys, or names in paths and queries, say whose session it is."""
    names = [p.name for p in operation.parameters if p.place in ("path", "query")]
    names += request_properties(document, operation)
    return "" if any(map(is_owner, names)) else has_security(document, operation)


owned = first_reason(has_owner, has(Role.SESSION_CREATE))


@scenario("auth.owner", needs=first_reason(owned, takes_session))
def others_are_kept_out(context: Context) -> None:
    """Another user's request about a session is refused, tells nothing and changes nothing."""
    two_users(context)
    session = talked(context, context.alice)
    before = settled(context, session)
    exchange = answer(context, context.bob, session)
    after = state(context, session)
    if not 400 <= exchange.response.status < 500:
        nobodys = answer(context, context.bob, context.bob.unused_id(context.operation))
        told_nothing = context.operation.binding and context.operation.binding.role is DELETE
        if not told_nothing or nobodys.response.status != exchange.response.status:
            context.fail("a 404 for a session of another user", str(exchange.response.status))
    elif exchange.response.status not in (
        *REFUSED,
        *missing_statuses(context.document, context.operation),
    ):
        declared = {
            status for status in ("401", "403", "404") if status in context.operation.responses
        }
        if declared:
            context.fail("a 404 for a session of another user", str(exchange.response.status))
    if before != after:
        context.fail("no change by a request of another user", "the session changed")
    if b"heliotrope" in exchange.response.body:
        context.fail("nothing of another user's talk in the answer", "its text")


@scenario("auth.owner", Role.SESSION_LIST, needs=owned)
def others_are_not_listed(context: Context) -> None:
    """The list has the caller's own sessions only, with a filter and in a search too."""
    two_users(context)
    from .listing import create_tagged, searched, tagged

    query, attribute = tagged(context, context.operation)
    searches, said = searched(context)
    session = create_tagged(context, attribute, **said)
    for asked in ({}, *([query] if query else []), *searches):
        listed = [session_id(context, i) for i in context.bob.all(context.operation, None, asked)]
        if session.id in listed:
            context.fail("a list without the sessions of other users", "one of them")
    total = context.bob.page(context.operation, None, query).total if query else None
    if total:
        context.fail("a total without the sessions of other users", str(total))


def is_open(document: Document, operation: Operation) -> str:
    """The operation can be tried by a stranger."""
    return takes_session(document, operation)
