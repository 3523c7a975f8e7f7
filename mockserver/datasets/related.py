"""The resources beside sessions that a document lets clients make, and the names that link them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sparring.fixtures.providers.providers import snake
from sparring.fixtures.shaping.references import session_names
from sparring.spec.meaning.binding import Binding, Place
from sparring.spec.openapi.document import Document, Operation
from sparring.spec.openapi.drafts import properties
from sparring.spec.openapi.schemas import View, required_of
from sparring.spec.streams.framing import is_json

from ..handlers.resources import resource_binding


@dataclass(frozen=True, slots=True)
class Collection:
    """Resources of one kind: what makes and shows them, and the nouns of those they lie below.
    `place` is where a request of `read` names one of them. One that `joins` takes up what exists
    elsewhere: its requests name one of their own kind."""

    name: str
    noun: str
    above: tuple[str, ...]
    create: Operation
    binding: Binding
    read: Operation | None
    place: Place | None
    list: Operation | None
    joins: bool = False


def collections(document: Document, most: int) -> list[Collection]:
    """What can be made and shown again; each comes behind those that its requests name. Of more
    than `most` kinds those that sessions name, and others as the document has them."""
    found: dict[str, Collection] = {}
    for operation in document.operations:
        template = operation.template.rstrip("/")
        if operation.method == "POST" and operation.binding is None and template[-1:] != "}":
            collection = _collection(document, operation, template)
            known = found.get(collection.noun) if collection is not None else None
            if collection is not None and (known is None or known.joins > collection.joins):
                found[collection.noun] = collection
    links = {c.noun: {*c.above, *_named(document, c.create)} & found.keys() for c in found.values()}
    wanted: set[str] = set()
    bound = [each for each in document.operations if each.binding is not None]
    queue = [noun for each in bound for noun in sorted(_named(document, each))]
    queue += found
    while queue:
        noun = queue.pop(0)
        if noun in found and noun not in wanted and len(wanted) < most:
            wanted.add(noun)
            queue[:0] = sorted(links[noun])
    ordered: list[Collection] = []
    left = [each for each in found.values() if each.noun in wanted]
    links = {noun: links[noun] & wanted for noun in wanted}
    while left:
        made = {each.noun for each in ordered}
        ready = [c for c in left if links[c.noun] - {c.noun} <= made] or left[:1]
        ordered += ready
        left = [c for c in left if c not in ready]
    return ordered


def noun_of(name: str) -> str | None:
    """What a member or a parameter names by its id: `agent` of `agent_id`, `agentId`, `agent_ids`;
    None where the name is no such one."""
    words = snake(name)
    return "_".join(words[:-1]) if len(words) > 1 and words[-1] in ("id", "ids") else None


def nouns_of_sessions(document: Document) -> set[str]:
    """What the document calls a session where it names one, without underscores: `thread` of
    `thread_id`."""
    return {name.removesuffix("id") for name in session_names(document) if name.endswith("id")}


def singular(noun: str) -> str:
    """One of many: `agent` of `agents`."""
    for many, one in (("ies", "y"), ("sses", "ss"), ("tches", "tch"), ("xes", "x"), ("s", "")):
        if noun.endswith(many) and not noun.endswith("ss"):
            return noun.removesuffix(many) + one
    return noun


def _collection(document: Document, create: Operation, template: str) -> Collection | None:
    segments = [segment for segment in template.split("/") if segment]
    takes = not create.body or any(is_json(kind) for kind in create.body)
    shows = create.success is not None and any(map(is_json, create.success[1].content))
    if not segments or not takes or not shows:
        return None
    name = segments[-1]
    above = []
    for before, segment in pairwise(segments):
        if segment.startswith("{"):
            above.append(noun_of(segment.strip("{}")) or singular("_".join(snake(before))))
    read = place = listing = None
    for other in document.operations:
        if other.method != "GET" or other.binding is not None:
            continue
        parent, _, last = other.template.rstrip("/").rpartition("/")
        if parent.rstrip("/") == template and last[:1] == "{" and last[-1:] == "}":
            read, place = other, Place.of(f"$request.path.{last[1:-1]}")
        elif other.template.rstrip("/") == template:
            listing = other
    if read is None and listing is None:
        return None
    binding = resource_binding(document, create)
    noun = singular("_".join(snake(name)))
    bodies = [document.schema(m.schema, View.REQUEST) for m in create.body.values() if m.schema]
    needed = {noun_of(name) for body in bodies for name in required_of(body)}
    joins = bool(above) and noun in needed
    return Collection(name, noun, tuple(above), create, binding, read, place, listing, joins)


def _named(document: Document, operation: Operation) -> set[str]:
    """What a request may name."""
    schemas: list[Any] = [media.schema for media in operation.body.values() if media.schema]
    members = (
        properties(document, document.schema(s, View.REQUEST), View.REQUEST) for s in schemas
    )
    names = [p.name for p in operation.parameters] + [name for each in members for name in each]
    return {noun for name in names if (noun := noun_of(name))}
