"""The operations of huddles: create, list, get, change, delete, archive, restore, halt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from . import repeats
from .pages import page
from .state import Huddle, dumps
from .wire import (
    Call,
    Refusal,
    answer,
    bad_parameter,
    check_names,
    check_text,
    conflict,
    invalid,
    missing,
    names,
    pointer,
)

PERSONAS = ("plain", "cheerful", "terse")
SORTS = ("createdAt", "-createdAt", "updatedAt", "-updatedAt", "title", "-title")
REPLAYED = {"Idempotency-Replayed": "true"}


def _check(call: Call, body: dict[str, Any], change: bool) -> None:
    problems, title = [], body.get("title")
    if change and not body:
        problems.append(("", "must not be empty"))
    if title is not None:
        problems += check_text(title, "/title", 80, 1, blank=False)
        in_bytes = call.bad("title_limit_in_bytes") and isinstance(title, str)
        if in_bytes and len(title.encode("utf-8", "replace")) > 80:
            problems.append(("/title", "is too long"))
    if "persona" in body and body["persona"] not in PERSONAS:
        problems.append(("/persona", f"must be one of {', '.join(PERSONAS)}"))
    if "metadata" in body:
        problems += _check_metadata(body["metadata"], change)
    if problems:
        raise invalid(problems)


def _check_metadata(metadata: Any, change: bool) -> list[tuple[str, str]]:
    if not isinstance(metadata, dict):
        return [("/metadata", "must be an object")]
    problems = []
    if len(metadata) > 10 and not change:
        problems.append(("/metadata", "has more than 10 keys"))
    for name, value in metadata.items():
        at = pointer("metadata", name)
        if not 1 <= len(name) <= 40:
            problems.append((at, "must have 1 to 40 characters"))
        if not (value is None and change):
            problems += check_text(value, at, 200)
    return problems


def _answer(huddle: Huddle) -> web.Response:
    return answer({"data": huddle.view()}, headers={"ETag": huddle.etag()})


def _stripped(title: str | None) -> str | None:
    return title if title is None else title.strip()


async def create_huddle(call: Call) -> web.Response:
    body = await call.body()
    key = call.key()
    _check(call, check_names(body, "title", "persona", "metadata"), change=False)
    if repeat := repeats.found(call, key, body):
        return answer(repeat.body, 201, {**repeat.headers, **REPLAYED})
    if call.bad("idempotency_race"):
        await asyncio.sleep(0.03)
    huddle = Huddle(call.store, call.person)
    huddle.name(_stripped(body.get("title")), "person")
    huddle.persona = body.get("persona", "plain")
    huddle.metadata = dict(body.get("metadata", {}))
    call.person.huddles[huddle.id] = huddle
    headers = {"Location": f"/v1/huddles/{huddle.id}", "ETag": huddle.etag()}
    answered = dumps({"data": huddle.view()}).encode()
    repeats.keep_answer(call, key, body, answered, headers)
    return answer(answered, 201, headers)


async def list_huddles(call: Call) -> web.Response:
    status = call.word("status", "open", "archived", "all") or "open"
    sort = call.word("sort", *SORTS) or "-updatedAt"
    part = call.query("q")
    if part is not None and not 1 <= len(part) <= 80:
        raise bad_parameter("q", "must have 1 to 80 characters")
    fits = [
        huddle
        for huddle in call.person.huddles.values()
        if (status == "all" or (status == "archived") == (huddle.archived is not None))
        and (part is None or part.casefold() in (huddle.title or "").casefold())
    ]
    down = sort.startswith("-")

    def by(huddle: Huddle) -> Any:
        if "title" in sort:
            return None if huddle.title is None else huddle.title.casefold()
        return huddle.created if "created" in sort else huddle.updated

    def behind(huddle: Huddle, cursor: Any) -> bool:
        last, last_id = cursor
        own = by(huddle)
        if own == last:
            return huddle.id > last_id and not call.bad("ties_skipped")
        if own is None or last is None:  # without a title: last in both directions
            return own is None
        return bool(own < last if down else own > last)

    fits.sort(key=lambda huddle: huddle.id)
    named = sorted((huddle for huddle in fits if by(huddle) is not None), key=by, reverse=down)
    unnamed = [huddle for huddle in fits if by(huddle) is None]

    def show(huddles: Sequence[Huddle]) -> list[dict[str, Any]]:
        return [huddle.view() for huddle in huddles]

    scope = ["huddles", status, part, sort]
    return page(call, scope, named + unnamed, lambda huddle: [by(huddle), huddle.id], behind, show)


async def get_huddle(call: Call) -> web.Response:
    id = call.request.match_info["huddleId"]
    if call.bad("foreign_huddle_403") and id not in call.person.huddles:
        if call.store.of_anybody(id):
            raise Refusal(403, "not_found", "This huddle belongs to somebody else.")
        raise missing()
    huddle = call.huddle()
    known = call.request.headers.get("If-None-Match")
    if known is not None and names(known, huddle.etag()):
        return web.Response(status=304, headers={"ETag": huddle.etag()})
    return _answer(huddle)


async def change_huddle(call: Call) -> web.Response:
    call.huddle()
    body = await call.body()
    huddle = call.huddle()
    if not (call.bad("change_ignores_unknown") and isinstance(body, dict)):
        check_names(body, "title", "persona", "metadata")
    _check(call, body, change=True)
    before = {} if call.bad("metadata_replaced") and "metadata" in body else huddle.metadata
    merged = {**before, **body.get("metadata", {})}
    metadata = {name: value for name, value in merged.items() if value is not None}
    if len(metadata) > 10:
        raise invalid([("/metadata", "would have more than 10 keys")])
    if "If-Match" not in call.request.headers:
        raise Refusal(428, "precondition_required", "Send If-Match.")
    call.if_match(huddle)
    if call.bad("update_race"):
        await asyncio.sleep(0.03)
    old = huddle.title, huddle.source, huddle.persona, huddle.metadata
    if "title" in body:
        huddle.name(_stripped(body["title"]), "person")
    huddle.persona = body.get("persona", huddle.persona)
    huddle.metadata = metadata
    new = huddle.title, huddle.source, huddle.persona, huddle.metadata
    if new != old or call.bad("revision_without_change"):
        huddle.touch()
    return _answer(huddle)


async def delete_huddle(call: Call) -> web.Response:
    huddle = call.huddle()
    call.if_match(huddle)
    huddle.deleted = True
    call.store.deleted[huddle.id] = call.person.huddles.pop(huddle.id)
    if huddle.take:
        huddle.take.finish("halted")
    return web.Response(status=204)


async def archive_huddle(call: Call) -> web.Response:
    huddle = call.huddle()
    if huddle.take:
        raise conflict("reply_in_progress", "A reply is running.")
    if huddle.archived is None or call.bad("archived_anew"):
        huddle.touch()
        huddle.archived = huddle.updated
    return _answer(huddle)


async def restore_huddle(call: Call) -> web.Response:
    huddle = call.huddle()
    if huddle.archived is not None:
        huddle.touch()
        huddle.archived = None
    return _answer(huddle)


async def halt(call: Call) -> web.Response:
    anybody = call.store.of_anybody(call.request.match_info["huddleId"])
    huddle = anybody if anybody and call.bad("halt_by_others") else call.huddle()
    take = huddle.take
    if take is None:
        raise conflict("nothing_running", "No reply is running.")
    take.finish("halted")
    return answer({"data": take.reply.view()})
