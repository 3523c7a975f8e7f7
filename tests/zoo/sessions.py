"""Create, find, change and delete sessions."""

import asyncio
from collections.abc import Collection
from typing import Any

from starlette.responses import Response

from .backend import DEFAULTS
from .dispatch import Call, reply
from .model import JsonObject, Session, new_id
from .problem import Problem
from .values import merge, same
from .views import etag, session_view

RACE_GAP = 0.1


async def create(call: Call) -> Response:
    backend, faults = call.backend, call.faults
    if "duplicate_id_overwrites" not in faults and call.body.get("id") in backend.sessions:
        raise Problem(409, "A session with this id exists.")
    if "id_taken_twice" in faults:
        await asyncio.sleep(RACE_GAP)
    session = backend.create(call.user, call.body, greeting=call.params["allow_greeting"])
    headers = {"Location": f"/sessions/{session.id}", "ETag": etag(session, faults)}
    if "location_missing" in faults:
        del headers["Location"]
    if "location_wrong" in faults:
        headers["Location"] = f"/session/{session.id}"
    status = 200 if "create_answers_200" in faults else 201
    return reply(session_view(session, faults), status, headers)


async def list_all(call: Call) -> Response:
    backend, params, faults = call.backend, call.params, call.faults
    candidates = list(backend.sessions.values())
    if "delete_keeps_listed" in faults:
        candidates += backend.deleted.values()
    own = [
        session
        for session in candidates
        if session.owner == call.user or "other_user_listed" in faults
    ]
    by, direction = params["sort_by"], params["order"]
    if "sort_by_ignored" in faults:
        by = "created_at"
    if "order_ignored" in faults:
        direction = "desc"
    # Sorting keeps the order of equal times, also in reverse: the order in which they were made.
    own.sort(key=lambda session: getattr(session, by), reverse=direction == "desc")
    if "default_order_oldest_first" in faults and direction == "desc":
        own.reverse()
    wanted = params.get("metadata_filter", {})
    matching = [session for session in own if _matches(session, wanted, faults)]
    items = _page(matching, call)
    if "filter_after_page" in faults:
        items = [session for session in _page(own, call) if session in matching]
    total = len(matching)
    if "total_is_page_size" in faults:
        total = len(items)
    if "total_ignores_filter" in faults:
        total = len(own)
    views = [session_view(session, faults, listed=True) for session in items]
    return reply({"items": views, "total": total})


async def get_active(call: Call) -> Response:
    own = [
        session
        for session in call.backend.sessions.values()
        if session.owner == call.user or "active_of_anyone" in call.faults
    ]
    if not own or "active_always_new" in call.faults:
        return _answer(call, call.backend.create(call.user, {}))
    return _answer(call, own[0] if "active_is_oldest" in call.faults else own[-1])


async def get(call: Call) -> Response:
    deleted = call.backend.deleted.get(call.params["session_id"])
    if "delete_keeps_readable" in call.faults and deleted is not None:
        return _answer(call, deleted)
    session = call.session("other_user_readable")
    if "created_not_found" in call.faults and session.id_was_chosen:
        raise Problem(404, "There is no such session.")
    if "read_moves_updated_at" in call.faults:
        call.backend.touch(session)
    return _answer(call, session)


async def replace(call: Call) -> Response:
    session = call.session("other_user_changeable")
    await _check_version(call, session)
    if "put_new_guest" in call.faults:
        session.user_id = f"guest_{new_id()}"
    old = session.attributes if "put_merges" in call.faults else DEFAULTS
    call.backend.update(session, old | call.body)
    return _answer(call, session)


async def patch(call: Call) -> Response:
    session = call.session("other_user_changeable")
    await _check_version(call, session)
    old = session.attributes
    if "patch_lost" in call.faults:
        await asyncio.sleep(RACE_GAP)
    call.backend.update(session, _patched(old, call.body, call.faults))
    return _answer(call, session)


async def delete(call: Call) -> Response:
    if (
        "delete_unknown_succeeds" in call.faults
        and call.params["session_id"] not in call.backend.sessions
    ):
        return Response(status_code=204)
    session = call.session("other_user_deletable")
    if "delete_ignores_if_match" not in call.faults:
        call.check_if_match(session)
    call.backend.delete(session)
    if "delete_answers_200" in call.faults:
        return reply({"deleted": True})
    return Response(status_code=204)


def _answer(call: Call, session: Session) -> Response:
    headers = {"ETag": etag(session, call.faults)}
    if "etag_random" in call.faults:
        headers["ETag"] = f'"{new_id()}"'
    if "etag_missing" in call.faults:
        headers = {}
    return reply(session_view(session, call.faults), headers=headers)


async def _check_version(call: Call, session: Session) -> None:
    if "stale_if_match_accepted" not in call.faults:
        call.check_if_match(session)
    if "if_match_won_twice" in call.faults:
        await asyncio.sleep(RACE_GAP)


def _patched(old: JsonObject, body: JsonObject, faults: Collection[str]) -> JsonObject:
    patched: JsonObject = merge(old, body)
    if "patch_resets_others" in faults:
        patched = DEFAULTS | body
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        if "patch_replaces_metadata" in faults:
            patched["metadata"] = merge({}, metadata)
        if "patch_stores_null" in faults:
            patched["metadata"] = old["metadata"] | metadata
        if "patch_nested_replaced" in faults:
            patched["metadata"] = {
                key: value
                for key, value in (old["metadata"] | metadata).items()
                if key not in metadata or value is not None
            }
    return patched


def _matches(session: Session, wanted: JsonObject, faults: Collection[str]) -> bool:
    metadata = session.attributes["metadata"]
    keys = list(wanted)
    if "filter_first_key_only" in faults:
        keys = keys[:1]
    if "filter_null_is_missing" in faults:
        return all(same(metadata.get(key), wanted[key]) for key in keys)
    return all(key in metadata and _equal(metadata[key], wanted[key], faults) for key in keys)


def _equal(found: Any, wanted: Any, faults: Collection[str]) -> bool:
    if "filter_substring" in faults and isinstance(found, str) and isinstance(wanted, str):
        return wanted in found
    if "filter_untyped" in faults:
        return str(found) == str(wanted)
    if "filter_bool_is_number" in faults:
        return bool(found == wanted)
    if "filter_nested_subset" in faults and isinstance(found, dict) and isinstance(wanted, dict):
        return all(key in found and same(found[key], wanted[key]) for key in wanted)
    return same(found, wanted)


def _page(sessions: list[Session], call: Call) -> list[Session]:
    offset, limit = call.params["offset"], call.params["limit"]
    if "offset_ignored" in call.faults:
        offset = 0
    if "limit_one_too_many" in call.faults:
        limit += 1
    if "default_limit_ten" in call.faults and limit == 100:
        limit = 10
    return sessions[offset : offset + limit]
