"""Reads the annotations of a document, `x-session` and `x-session-model`, and checks them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path as File
from typing import Any

from .. import pointers
from ..errors import Defect, nearest
from ..openapi.expressions import compile_template
from ..openapi.schemas import Schemas, Validator, View
from ..text.source import Source, parse
from .binding import (
    Binding,
    Decision,
    Filter,
    Location,
    Model,
    Page,
    Path,
    Place,
    Role,
    Row,
    Run,
    StreamedEvent,
    When,
    Words,
)


@cache
def vocabulary() -> Schemas:
    """The compiled JSON Schemas of the annotations (`vocabulary.yaml`)."""
    text = File(__file__).parent.with_name("vocabulary.yaml").read_bytes()
    return Schemas(parse(text, "vocabulary.yaml").tree, modern=True)


def read_binding(block: Any, source: Source, path: Path) -> tuple[Binding | None, list[Defect]]:
    """The binding that an `x-session` block at `path` says, or what is wrong with it.

    None without a defect: the block says that the operation has no role.
    """
    defects = check("x-session", block, source, path)
    if defects or block.get("role", "none") == "none":
        return None, defects

    def location(key: str) -> Location | None:
        return pointers.split(block[key]) if key in block else None

    def place(key: str, inside: Mapping[str, Any] = block) -> Place | None:
        return Place.of(inside[key]) if key in inside else None

    reply, page, tool, order, run = (
        block.get(k, {}) for k in ("reply", "page", "tool", "order", "run")
    )
    shown = ("out", "more", "first", "last", "total", "pages", "start", "size")
    parts = ("session", "input", "status")
    try:
        template = block.get("body", {})
        text = block.get("input")
        if text is not None and not text.startswith("$"):
            text = f"$request.body#{text}"
        events, defects = read_events(block.get("events", {}), source, (*path, "events"))
        return Binding(
            role=Role(block["role"]),
            active=block.get("select") == "active",
            session=place("session"),
            target=place("target"),
            every_session=block.get("scope") == "all",
            implicit=block.get("implicit", False),
            client_id=place("client_id"),
            id=location("id") or ("id",),
            entity=location("entity") or (),
            items=location("items") or (),
            shape=block.get("shape", "message"),
            row=_read_row(block["row"]) if "row" in block else None,
            history=location("history"),
            page=Page(
                page.get("style", "none"),
                place("in", page),
                place("before", page),
                place("limit", page),
                page.get("first_page", 1),
                {name: pointers.split(page[name]) for name in shown if name in page},
            ),
            order_by=place("by", order),
            order_direction=place("dir", order),
            filters=tuple(
                Filter(Place.of(name), pointers.split(rule["at"]), rule["how"])
                for name, rule in block.get("filter", {}).items()
            ),
            input=Place.of(text) if text is not None else None,
            messages=location("messages"),
            kind=location("kind"),
            tool_call=pointers.split(tool["call"]) if "call" in tool else None,
            tool_output=place("output", tool),
            record=place("record"),
            greeting=place("greeting"),
            via=reply.get("via", "none"),
            reply_at=pointers.split(reply["at"]) if "at" in reply else None,
            wait=place("wait", reply),
            when=_read_when(reply["when"]) if "when" in reply else None,
            run=Run(
                **{name: pointers.split(run[name]) for name in parts if name in run},
                states=run.get("states", {}),
            ),
            events=events if "events" in block else None,
            body_template=template,
            body=compile_template(template),
            keep_null=block.get("merge", {}).get("null") == "keep",
            effect=block.get("effect", ""),
            branches=block.get("keep") == "branch",
            decision=_read_decision(block.get("decision", {})),
        ), defects
    except ValueError as error:
        return None, [source.defect("D141", str(error), path)]


def _read_decision(block: Mapping[str, Any]) -> Decision:
    return Decision(
        Place.of(block["at"]) if "at" in block else None,
        tuple(block.get("approved", ())),
        tuple(block.get("denied", ())),
        block.get("default", True),
    )


def _read_when(block: str | dict[str, Any]) -> When:
    """An expression, or one with its value, its values, or the value that it must not have."""
    if isinstance(block, str):
        return When(Place.of(block))
    ((expression, value),) = block.items()
    negated = isinstance(value, dict)
    if negated:
        value = value["not"]
    return When(Place.of(expression), tuple(value if isinstance(value, list) else [value]), negated)


def read_events(
    block: dict[str, Any], source: Source, path: Path
) -> tuple[dict[str, StreamedEvent], list[Defect]]:
    """The events that a block declares, by kind, and what is wrong with it."""
    events: dict[str, StreamedEvent] = {}
    defects: list[Defect] = []
    for kind, shape in block.items():
        if shape is None:
            continue
        try:
            events[kind] = StreamedEvent.of(shape)
        except ValueError as error:
            defects.append(source.defect("D141", str(error), (*path, kind, "data")))
    return events, defects


def read_model(block: Any, source: Source, path: Path) -> tuple[Model, list[Defect]]:
    """The model that an `x-session-model` block at `path` declares, or what is wrong with it."""
    defects = check("x-session-model", block, source, path)
    if defects:
        return Model(), defects
    events, defects = read_events(block.get("events", {}), source, (*path, "events"))
    message = _read_row(block.get("message", {}))
    default, caller = Model(), block.get("caller")
    return Model(
        caller=(caller["in"], caller["name"]) if caller else None,
        session={"id": ("id",)} | _locations(block.get("session", {})),
        message=message,
        event=_read_row(block["event"]) if "event" in block else message,
        suggestion=_locations(block.get("suggestion", {})) or default.suggestion,
        status=block.get("status", {}),
        turn=tuple(
            step if step == "reply" else step["status"] for step in block.get("turn", ["reply"])
        ),
        stored=frozenset(block["stored"]) if "stored" in block else default.stored,
        events=events,
    ), defects


def _read_row(block: dict[str, Any]) -> Row:
    def words(key: str) -> Words | None:
        if key not in block:
            return None
        rest = {name: value for name, value in block[key].items() if name != "at"}
        return Words(pointers.split(block[key]["at"]), rest)

    plain = _locations(
        {k: v for k, v in block.items() if k not in ("role", "kind", "state", "tool")}
    )
    tool = _locations(block.get("tool", {}))
    return Row(**plain, role=words("role"), kind=words("kind"), state=words("state"), tool=tool)


def _locations(block: dict[str, str]) -> dict[str, Location]:
    return {name: pointers.split(pointer) for name, pointer in block.items()}


def check(name: str, block: Any, source: Source, path: Path, code: str = "D140") -> list[Defect]:
    """What is wrong with a block that has a schema in the vocabulary."""
    defects = []
    for violation in _validator(name).violations(block):
        tokens = pointers.split(violation.pointer)
        at: Path = tokens
        remedy = ""
        if violation.keyword == "additionalProperties":
            known = vocabulary().tree(View.REQUEST)["$defs"][name].get("properties", {})
            remedy = nearest(tokens[-1], known)
        where = f" at {violation.pointer}" if violation.pointer else ""
        message = f"{name}{where}: {violation.message}"
        defects.append(source.defect(code, message, (*path, *at), remedy))
    return defects


def _validator(name: str) -> Validator:
    return vocabulary().at(("$defs", name), View.REQUEST)
