"""Create, find, change and delete sessions."""

import asyncio
import json
from collections.abc import Collection
from time import monotonic
from typing import Any

from starlette.responses import Response

from .backend import DEFAULTS
from .dispatch import Call, reply
from .model import JsonObject, Session, new_id
from .negotiation import TAG
from .problem import Problem
from .values import merge, same
from .views import etag, session_view

RACE_GAP = 0.1
MOMENT = 0.3
PER_SESSION = 0.004


async def create(call: Call) -> Response:
    backend, faults = call.backend, call.faults
    place = _place_of_key(call)
    if place is not None and place in backend.made_under:
        return _created(call, backend.made_under[place])
    if "duplicate_id_overwrites" not in faults and call.body.get("id") in backend.sessions:
        raise Problem(409, "A session with this id exists.")
    if "id_taken_twice" in faults:
        await asyncio.sleep(RACE_GAP)
    session = backend.create(call.user, call.body, greeting=call.params["allow_greeting"])
    if place is not None:
        backend.made_under[place] = session
    return _created(call, session)


def _place_of_key(call: Call) -> tuple[str, str] | None:
    """What an `Idempotency-Key` stands for, None where there is none."""
    key = call.headers.get("idempotency-key")
    if key is None or "idempotency_key_ignored" in call.faults:
        return None
    if "idempotency_key_of_anyone" in call.faults:
        return "", key
    return call.user, "" if "idempotency_key_once_per_user" in call.faults else key


def _created(call: Call, session: Session) -> Response:
    faults = call.faults
    headers = {"Location": f"/sessions/{session.id}", "ETag": etag(session, faults)}
    if "etag_before_greeting" in faults and session.messages():
        headers["ETag"] = f'"{session.revision - 1}"'
    if "location_missing" in faults:
        del headers["Location"]
    if "location_wrong" in faults:
        headers["Location"] = f"/session/{session.id}"
    status = 200 if "create_answers_200" in faults else 201
    return reply(session_view(session, faults), status, headers)


async def list_all(call: Call) -> Response:
    backend, params, faults = call.backend, call.params, call.faults
    if "listing_slows_down" in faults:
        await asyncio.sleep(PER_SESSION * len(backend.sessions))
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
    if "order_by_whole_seconds" in faults:
        own.sort(key=lambda s: getattr(s, by).replace(microsecond=0), reverse=direction == "desc")
    else:
        own.sort(key=lambda session: getattr(session, by), reverse=direction == "desc")
    if "default_order_oldest_first" in faults and direction == "desc":
        own.reverse()
    wanted = params.get("metadata_filter", {})
    matching = [session for session in own if _matches(session, wanted, faults)]
    items = _page(matching, call)
    if "filter_after_page" in faults:
        items = [session for session in _page(own, call) if session in matching]
    if "filter_lost_on_later_pages" in faults and params["offset"]:
        items = _page(own, call)
    total = len(matching)
    if "total_counts_deleted" in faults:
        deleted = [session for session in backend.deleted.values() if session.owner == call.user]
        total += sum(_matches(session, wanted, faults) for session in deleted)
    if "total_counts_everyone" in faults:
        total = sum(_matches(session, wanted, faults) for session in backend.sessions.values())
    if "total_is_page_size" in faults:
        total = len(items)
    if "total_ignores_filter" in faults:
        total = len(own)
    views = [session_view(session, faults, listed=True) for session in items]
    asked = (call.user, repr(sorted(params.items())))
    return cached(call, "list_cached", asked, reply({"items": views, "total": total}))


def cached(call: Call, fault: str, asked: tuple[str, ...], answer: Response) -> Response:
    """With a fault, what was answered a moment ago."""
    if fault not in call.faults:
        return answer
    since, old = call.backend.cache.get((fault, *asked), (0.0, answer))
    if monotonic() - since < MOMENT:
        return old
    call.backend.cache[fault, *asked] = (monotonic(), answer)
    return answer


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
    if "lookup_slows_down" in call.faults:
        await asyncio.sleep(PER_SESSION * len(call.backend.sessions))
    if "lookup_takes_seconds" in call.faults:
        await asyncio.sleep(1.1)
    deleted = call.backend.deleted.get(call.params["session_id"])
    moment = monotonic() - deleted.deleted_at if deleted is not None else MOMENT
    if "deleted_still_cached" in call.faults and deleted is not None and moment < MOMENT:
        return _answer(call, deleted)
    if "delete_keeps_readable" in call.faults and deleted is not None:
        return _answer(call, deleted)
    session = call.session("other_user_readable")
    if "created_not_found" in call.faults and session.id_was_chosen:
        raise Problem(404, "There is no such session.")
    if "read_moves_updated_at" in call.faults:
        call.backend.touch(session)
    if _is_known(call, session):
        return Response(status_code=304, headers={"ETag": etag(session, call.faults)})
    return cached(call, "get_cached", (session.id,), _answer(call, session))


def _is_known(call: Call, session: Session) -> bool:
    """Whether `If-None-Match` names the tag; it compares weakly (RFC 9110, 13.1.2)."""
    header = call.headers.get("if-none-match", "")
    if "if_none_match_ignored" in call.faults:
        return False
    tags = TAG.findall(header)
    if "if_none_match_strong" in call.faults:
        tags = [(weak, tag) for weak, tag in tags if not weak]
    if "not_modified_after_change" in call.faults and any(t[1:-1].isdigit() for _, t in tags):
        return True
    return header.strip() == "*" or etag(session, call.faults) in [tag for _, tag in tags]


async def replace(call: Call) -> Response:
    session = call.session("other_user_changeable")
    await _check_version(call, session)
    if "put_new_guest" in call.faults:
        session.user_id = f"guest_{new_id()}"
    old = session.attributes if "put_merges" in call.faults else DEFAULTS
    call.backend.update(session, old | call.body)
    call.backend.assign(session, call.body)
    return _answer(call, session)


async def patch(call: Call) -> Response:
    session = call.session("other_user_changeable")
    await _check_version(call, session)
    old, faults = session.attributes, call.faults
    if "patch_lost" in faults:
        await asyncio.sleep(RACE_GAP)
    if "patch_as_json_replaces" in faults and call.headers["content-type"] == "application/json":
        faults = {*faults, "patch_replaces_metadata"}
    call.backend.update(session, _patched(old, call.body, faults))
    call.backend.assign(session, call.body)
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
    if "filter_compares_texts" in faults:
        return json.dumps(found) == json.dumps(wanted)
    if "filter_bool_is_number" in faults:
        return bool(found == wanted)
    if "filter_nested_subset" in faults and isinstance(found, dict) and isinstance(wanted, dict):
        return all(key in found and same(found[key], wanted[key]) for key in wanted)
    return same(found, wanted)


def _page(sessions: list[Session], call: Call) -> list[Session]:
    offset, limit = call.params["offset"], call.params["limit"]
    if "offset_ignored" in call.faults:
        offset = 0
    if "offset_of_32_bits" in call.faults:
        offset %= 2**32
    if "page_beyond_end_repeats" in call.faults and offset >= len(sessions):
        offset = max(0, len(sessions) - limit)
    if "limit_one_too_many" in call.faults:
        limit += 1
    if "default_limit_ten" in call.faults and limit == 100:
        limit = 10
    return sessions[offset : offset + limit]
