"""What creating a session promises."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit, urlunsplit

from sparring.spec import pointers
from sparring.spec.exchange import Request
from sparring.spec.meaning.binding import Role
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import expression, histories, plain, put
from sparring.spec.openapi.schemas import View

from ..checks import Context, NotChecked, first_reason, same, scenario
from ..driving.attributes import names_another
from ..driving.comparing import allows_null, compare_attributes, differences, has, readable
from ..driving.driver import User
from ..driving.lists import history_operation
from ..world import Session, entity, succeeded

MOST = 12  # attributes that are sent alone
CREATE = Role.SESSION_CREATE


def chooses_ids(document: Document, operation: Operation) -> str:
    """Clients may choose the id."""
    place = expression(document, operation, "client_id")
    return "" if place else "clients can't choose the id of a session"


def id_pointer(document: Document, operation: Operation) -> str:
    """Where the body has the id that the client chose; empty when it is not in the body."""
    place = expression(document, operation, "client_id")
    return place[1] if place and place[0] == "body" else ""


def id_names(document: Document, operation: Operation) -> set[str]:
    """The attributes of the body that a rich body leaves to the server."""
    pointer = id_pointer(document, operation)
    return {pointers.split(pointer)[0]} if pointer else set()


def rich_session(context: Context, n: int = 0) -> Session:
    """A session with every attribute set."""
    operation = context.world.need(CREATE)
    names = id_names(context.document, operation)
    return context.alice.create(context.world.bodies.rich(operation, without=names, n=n))


@scenario("create.read_back", CREATE, needs=has(Role.SESSION_GET))
def what_was_sent_is_read(context: Context) -> None:
    """Every attribute that was sent stands in what is read."""
    names = id_names(context.document, context.operation)
    for n in range(4):
        body = context.world.bodies.rich(context.operation, without=names, n=n)
        start = len(context.world.journal)
        session = context.alice.create(body, operation=context.operation)
        stored = context.alice.read(session.id)
        answered = entity(context.operation, session.exchange)
        exchanges = context.world.exchanges(start)
        schemas = readable(context.world)
        if found := differences(context.document, schemas, body, stored):
            expected = "every attribute that create was given, read back"
            context.fail(expected, "; ".join(found), exchanges=exchanges)
        if isinstance(answered, dict) and (
            found := differences(context.document, schemas, answered, stored)
        ):
            expected = "the session that create answered, read back"
            context.fail(expected, "; ".join(found), exchanges=exchanges)
        again = context.alice.read(session.id)
        if not same(stored, again):
            context.fail("two readings that agree", "they differ without a change in between")


@scenario("create.read_back", CREATE, needs=has(Role.SESSION_GET))
def attributes_that_come_alone_are_read(context: Context) -> None:
    """An attribute stands in what is read though no other that may be left out is sent."""
    bodies, least = context.world.bodies, context.world.bodies.least(context.operation)
    names = id_names(context.document, context.operation)
    full = [bodies.rich(context.operation, without=names, n=n) for n in range(2)]
    shown = readable(context.world)
    usual = context.alice.read(context.alice.create(operation=context.operation).id)
    for name in [name for name in full[0] if name not in least and name in shown][:MOST]:
        schema = plain(context.document, bodies.attributes(context.operation)[name], View.REQUEST)
        parts = [context.document.follow(p, View.REQUEST) for p in schema.get("allOf", ())]
        words = [word for part in (schema, *parts) for word in part.get("enum", ())]
        words = [] if names_another(name) else words  # whether there is such a model, who knows
        values = [*(body[name] for body in full if name in body), *words]
        value = next((v for v in values if not same(v, usual.get(name))), values[0])
        body = least | {name: value}
        if not bodies.is_valid(context.operation, body):
            continue
        start = len(context.world.journal)
        stored = context.alice.read(context.alice.create(body, operation=context.operation).id)
        if wrong := differences(context.document, shown, {name: value}, stored):
            sent = context.world.exchanges(start)
            context.fail("an attribute that is sent alone", "; ".join(wrong), exchanges=sent)


@scenario("create.read_back", CREATE, needs=has(Role.SESSION_GET))
def nulls_and_extremes_are_read(context: Context) -> None:
    """An attribute that is sent as null is read as null, where both schemas allow it.

    A user that is null is nobody in particular: the API may make a guest.
    """
    bodies = context.world.bodies
    guest = context.document.model.session.get("user", ())
    names = {*id_names(context.document, context.operation), *guest[:1]}
    body = bodies.least(context.operation)
    shown = readable(context.world)
    nulls = {
        name: None
        for name in bodies.attributes(context.operation)
        if name not in body
        and name not in names
        and not bodies.is_personal(name)
        and allows_null(context.document, shown.get(name, {}))
        and bodies.is_valid(context.operation, body | {name: None})
    }
    session = context.alice.create(body | nulls, operation=context.operation)
    stored = context.alice.read(session.id)
    compare_attributes(
        context, body | nulls, stored, "attributes that were sent as null, read back"
    )


@scenario("create.read_back", CREATE, needs=has(Role.SESSION_GET))
def nulls_inside_are_read(context: Context) -> None:
    """A member of free JSON that is null is read as null, and is not lost."""
    bodies, least = context.world.bodies, context.world.bodies.least(context.operation)
    shown, value = readable(context.world), {"kept": 1, "nothing": None}
    for name in bodies.attributes(context.operation):
        body = least | {name: value}
        if name in least or name not in shown or not bodies.is_valid(context.operation, body):
            continue
        stored = context.alice.read(context.alice.create(body, operation=context.operation).id)
        compare_attributes(context, {name: value}, stored, "the nulls inside an attribute")


@scenario("create.unique", CREATE)
def ids_differ(context: Context) -> None:
    """Ten sessions have ten ids, though one is deleted before the last is made."""
    alice, ids = context.alice, list[str]()

    def make(user: User) -> None:
        session = user.create_draft(operation=context.operation)
        exchange = user.send(session)
        if succeeded(exchange):
            ids.append(user.made(session, exchange).id)

    for user in [*[alice] * 8, alice if context.bob.key == alice.key else context.bob]:
        make(user)
    if ids and context.world.one(Role.SESSION_DELETE):
        alice.delete(ids[0])
    make(alice)
    if len(set(ids)) < len(ids):
        context.fail("a new id for every session", f"{len(ids)} creates gave {len(set(ids))} ids")


@scenario("create.client_id", CREATE, needs=chooses_ids)
def chosen_ids_are_honoured(context: Context) -> None:
    """Ids of several shapes come back, and are told apart by case."""
    bodies, operation = context.world.bodies, context.operation
    least = bodies.least(operation)
    pointer = id_pointer(context.document, operation)
    ids = list(bodies.client_ids(operation, pointer, least)) if pointer else [bodies.fresh()]
    swapped = [id.swapcase() for id in ids[1:2] if id.swapcase() not in ids]
    for id in ids + swapped:
        start = len(context.world.journal)
        draft = context.alice.create_draft(client_id=id, operation=operation)
        exchange = context.alice.send(draft)
        shown = context.world.exchanges(start)
        if not succeeded(exchange):
            answer = f"{exchange.response.status} to the unused id {id}"
            context.fail("a session with the id that the client chose", answer, exchanges=shown)
            continue
        session = context.alice.made(draft, exchange)
        if session.id != id:
            seen = f"{session.id} instead of {id}"
            context.fail("a session with the id that the client chose", seen, exchanges=shown)
        elif context.world.one(Role.SESSION_GET) is not None:
            read = context.alice.get(id)
            if not succeeded(read):
                context.fail(
                    "the session, read by the id that the client chose",
                    f"{read.response.status} for {id}",
                    exchanges=context.world.exchanges(start),
                )


@scenario("create.conflict", CREATE, needs=first_reason(chooses_ids, has(Role.SESSION_GET)))
def taken_ids_are_refused(context: Context) -> None:
    """A second create with one id is refused and changes nothing, whoever sends it."""
    operation, alice = context.operation, context.alice
    id = fresh_id(context)
    rich = context.world.bodies.rich(operation, n=1)
    place = expression(context.document, operation, "client_id")
    assert place is not None
    first = alice.create_draft(body=rich, operation=operation)
    put(context.document, first, place, id)
    alice.made(first, alice.expect(first))
    before = alice.read(id)
    for user in (alice, context.bob):
        other = context.world.bodies.rich(operation, n=2 if user is alice else 3)
        draft = user.create_draft(body=other, operation=operation)
        put(context.document, draft, place, id)
        exchange = user.send(draft)
        if user is alice:
            status = exchange.response.status
            wanted = [409] if "409" in operation.responses else list(range(400, 500))
            if status not in wanted:
                context.fail(
                    f"{'a 409' if wanted == [409] else 'a 4xx'} for an id that is taken",
                    str(status),
                )
        elif succeeded(exchange):
            user.world.made.append((user, id))
        after = alice.get(id)
        if not same(before, entity(context.world.need(Role.SESSION_GET), after)):
            context.fail("the first session, unchanged by a create with its id", "it changed")
            return


def fresh_ids(context: Context) -> list[str]:
    """Unused ids of several shapes that a client may choose."""
    operation = context.world.need(CREATE)
    pointer = id_pointer(context.document, operation)
    least = context.world.bodies.least(operation)
    return list(context.world.bodies.client_ids(operation, pointer, least)) if pointer else []


def fresh_id(context: Context) -> str:
    """An unused id that a client may choose."""
    found = fresh_ids(context)
    if not found:
        raise NotChecked("no id that a client may choose could be made")
    return found[0]


def declares_location(document: Document, operation: Operation) -> str:
    """The answer to create has a `Location`."""
    found = operation.success
    names = {name.lower() for name in found[1].headers} if found else set()
    return "" if "location" in names else "no Location is declared"


@scenario("create.location", CREATE, needs=first_reason(declares_location, has(Role.SESSION_GET)))
def location_leads_to_the_session(context: Context) -> None:
    """Following `Location` gives the session that was created, whatever letters its id has."""
    ids = [
        None,
        *(fresh_ids(context)[:3] if not chooses_ids(context.document, context.operation) else ()),
    ]
    for id in ids:
        _follow_location(context, id)


def _follow_location(context: Context, chosen: str | None) -> None:
    draft = context.alice.create_draft(client_id=chosen, operation=context.operation)
    session = context.alice.made(draft, context.alice.expect(draft))
    location = session.exchange.response.headers.get("location")
    if location is None:
        return  # response.headers speaks of that
    get = context.world.need(Role.SESSION_GET)
    template = context.alice.request(context.alice.draft(get, session.id))
    wanted = urlsplit(urljoin(session.exchange.request.url, location))
    base = urlsplit(context.world.target.root)
    url = urlunsplit((base.scheme, base.netloc, wanted.path, wanted.query, ""))
    exchange = context.world.target.send(Request("GET", url, template.headers))
    context.world.note(get, exchange)
    found = entity(get, exchange)
    id = pointers.first(found, context.document.model.session.get("id", ("id",)))
    if not succeeded(exchange) or id != session.id:
        seen = f"{location} answers {exchange.response.status}, id {id}"
        context.fail("a Location that leads to the created session", seen)


def may_greet(document: Document, operation: Operation) -> str:
    """Create says whether the agent may greet."""
    if not histories(document):
        return "the document has no message.list"
    return (
        "" if expression(document, operation, "greeting") else "create has no word for a greeting"
    )


@scenario("talk.greeting", CREATE, needs=may_greet)
def only_allowed_greetings(context: Context) -> None:
    """A session begins empty unless the agent was allowed to greet."""
    place = expression(context.document, context.operation, "greeting")
    assert place is not None
    history = history_operation(context.world)
    for allowed in (None, False, True):
        draft = context.alice.create_draft(operation=context.operation)
        if allowed is not None:
            put(context.document, draft, place, allowed)
        session = context.alice.made(draft, context.alice.expect(draft))
        said = context.alice.history(session.id, history)
        if said and not allowed:
            context.fail(
                "no message in a session whose agent may not greet", f"{len(said)} of them"
            )
        elif (
            allowed
            and not said
            and context.operation.promises.get("talk.greeting", {}).get("always") == "true"
        ):
            context.fail("a greeting where the agent may greet", "no message")
        elif any(line.role not in (None, "agent") for line in said):
            context.fail("a greeting by the agent alone", f"one by the {said[0].role}")
