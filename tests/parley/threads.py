"""The operations of threads: create, list, get, update, delete."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any

from aiohttp import web

from .pages import make_cursor, page, read_cursor, scope_of
from .state import ASSISTANTS, Thread, new_id
from .wire import Call, Refusal, answer, etags, invalid, missing, only

CHANGEABLE = ("subject", "archived", "labels")


def _check_subject(call: Call, value: object) -> None:
    top = 121 if call.bad("subject_121_accepted") else 120
    if value is not None and (not isinstance(value, str) or not 1 <= len(value) <= top):
        raise invalid("Must be null or a text of 1 to 120 characters.", "subject")


def _check_labels(value: object, null_ok: bool) -> None:
    if not isinstance(value, dict):
        raise invalid("Must be an object.", "labels")
    for name, text in value.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name):
            raise invalid("Is no valid label name.", "labels")
        if text is None and null_ok:
            continue
        if not isinstance(text, str) or len(text) > 200:
            raise invalid("A label must be a text of at most 200 characters.", "labels")


async def create_thread(call: Call) -> web.Response:
    call.key()
    body = await call.body()
    only(body, ("subject", "assistant_id", "labels"))
    _check_subject(call, body.get("subject"))
    assistant = body.get("assistant_id", "asst_echo")
    if not isinstance(assistant, str):
        raise invalid("Must be a text.", "assistant_id")
    known = any(one["id"] == assistant for one in ASSISTANTS)
    if not known and not call.bad("unknown_assistant_accepted"):
        raise invalid("There is no such assistant.", "assistant_id")
    if "labels" in body:
        _check_labels(body["labels"], False)
        if len(body["labels"]) > 8:
            raise invalid("At most 8 labels.", "labels")
    slot, fingerprint = call.slot(body)
    racing = call.bad("idempotency_race")
    async with asyncio.Lock() if racing else slot.lock:
        if slot.result is not None:
            call.same(slot, fingerprint)
            data, headers = slot.result
            return answer(data, 201, {**headers, "Idempotency-Replayed": "true"})
        if racing:
            await asyncio.sleep(0.03)
        thread = await _new(call, body.get("subject"), assistant, body.get("labels"))
        data = thread.view()
        headers = {"Location": f"/v1/threads/{thread.id}", "ETag": thread.etag()}
        slot.fingerprint, slot.result = fingerprint, (data, headers)
    return answer(data, 200 if call.bad("create_answers_200") else 201, headers)


async def _new(
    call: Call, subject: str | None, assistant: str, labels: dict[str, str] | None
) -> Thread:
    store = call.store
    own = dict(labels or {})
    if call.bad("labels_shared") and not labels:
        own = store.shared_labels
    seq, id = store.next_seq, new_id("thr_")
    if call.bad("concurrent_create_same_id"):
        id = "thr_" + hashlib.sha256(f"thread{seq}".encode()).hexdigest()[:16]
        await asyncio.sleep(0.01)
    store.next_seq = seq + 1
    thread = Thread(store, seq, id, call.user, subject, assistant, own)
    store.threads[id] = thread
    return thread


async def list_threads(call: Call) -> web.Response:
    limit = call.limit(10 if call.bad("default_limit_10") else 20, 50)
    order = call.word("order", "newest", "oldest") or "newest"
    archived = call.word("archived", "true", "false")
    assistant, q = call.text("assistant_id"), call.text("q", 120)
    scope = scope_of("threads", call.user, order, archived, assistant, q)
    after = read_cursor(call, scope)
    want = None if archived is None else archived == "true"
    if call.bad("archived_false_ignored"):
        want = want or None
    if call.bad("cursor_drops_filter") and after is not None:
        want = assistant = q = None
    everyone = call.bad("q_leaks_other_users") and q is not None
    fits = [
        thread
        for thread in (call.store.threads.values() if everyone else call.store.of(call.user))
        if (want is None or thread.archived == want)
        and (assistant is None or thread.assistant_id == assistant)
        and (q is None or q.casefold() in (thread.subject or "").casefold())
    ]
    down = order == "newest"
    if call.bad("ordered_by_updated"):  # and the cursor is of another column
        fits.sort(key=lambda thread: thread.updated, reverse=down)
        numbers = [thread.seq for thread in fits]
        start = numbers.index(after) + 1 if after in numbers else 0
        shown = fits[start : start + limit]
        more = len(fits) > start + limit
        cursor = make_cursor(scope, shown[-1].seq) if more else None
    else:
        fits.sort(key=lambda thread: thread.seq, reverse=down)
        shown, cursor = page(call, fits, lambda thread: thread.seq, down, limit, after, scope)
    items = [thread.view() for thread in shown]
    if call.bad("count_is_text_in_list"):
        for item in items:
            item["message_count"] = str(item["message_count"])
    total = len(items) if call.bad("total_of_page_only") else len(fits)
    return answer({"items": items, "next_cursor": cursor, "total": total})


async def get_thread(call: Call) -> web.Response:
    thread = call.thread()
    tag, raw = thread.etag(), call.request.headers.get("If-None-Match")
    if raw is not None:
        known = [known.removeprefix("W/") for known in etags(raw)]
        if raw.strip() == "*" or tag in known or call.bad("if_none_match_any"):
            return web.Response(status=304, headers={"ETag": tag})
    return answer(thread.view(), headers={"ETag": tag})


async def update_thread(call: Call) -> web.Response:
    if call.bad("foreign_patch_403"):
        foreign = call.store.threads.get(call.part("thread_id"))
        if foreign is not None and foreign.owner != call.user:
            raise Refusal(403, "read_only_key", "This thread belongs to another user.")
    thread = call.thread()
    body = await call.body()
    if call.bad("patch_unknown_member_accepted"):
        body = {name: value for name, value in body.items() if name in CHANGEABLE}
    else:
        only(body, CHANGEABLE)
        if not body:
            raise invalid("Name at least one member to change.")
    if thread.deleted:
        raise missing("thread")
    _check_subject(call, body.get("subject"))
    if "archived" in body and not isinstance(body["archived"], bool):
        raise invalid("Must be true or false.", "archived")
    labels = _merged(call, thread, body["labels"]) if "labels" in body else thread.labels
    call.if_match(thread)
    if call.bad("if_match_race"):
        await asyncio.sleep(0.03)
    if "subject" in body and not (call.bad("null_subject_ignored") and body["subject"] is None):
        thread.subject = body["subject"]
    if "archived" in body:
        thread.archived = body["archived"]
    if call.bad("labels_shared") and "labels" in body:
        thread.labels.clear()
        thread.labels.update(labels)
    else:
        thread.labels = labels
    thread.touch()
    if call.bad("patch_moves_created_at"):
        thread.created = thread.updated
    view = thread.view()
    if call.bad("patch_time_without_zone"):
        view["updated_at"] = view["updated_at"].rstrip("Z")
    return answer(view, headers={"ETag": thread.etag()})


def _merged(call: Call, thread: Thread, changes: Any) -> dict[str, str]:
    _check_labels(changes, True)
    before = {} if call.bad("patch_replaces_labels") else thread.labels
    labels = {name: text for name, text in {**before, **changes}.items() if text is not None}
    count = len(labels)
    if call.bad("labels_merge_over_8"):
        count = sum(1 for text in changes.values() if text)
    if count > 8:
        raise invalid("At most 8 labels.", "labels")
    return labels


async def delete_thread(call: Call) -> web.Response:
    thread = call.thread(call.bad("delete_of_other_user"))
    async with thread.lock:
        if thread.deleted:
            raise missing("thread")
        if not call.bad("if_match_ignored_on_delete"):
            call.if_match(thread)
        thread.deleted = True
        del call.store.threads[thread.id]
        call.store.deleted[thread.id] = thread
    return web.Response(status=204)
