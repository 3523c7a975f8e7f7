"""The operations on threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from . import agent
from .pages import cut
from .state import WORKSPACES, State, Thread, now
from .wire import Call, Refusal, Reply, dump, word

MISSING = "There is no such thing that you could see."


def find(state: State, call: Call) -> Thread:
    """The thread of the path, if the caller may see it."""
    bad = state.bad
    thread = state.threads.get(call.ids["threadId"])
    if thread is None and bad("state.messages-outlive-thread") and call.operation == "listMessages":
        thread = state.deleted.get(call.ids["threadId"])
    if thread is None or call.ids["workspaceId"] not in WORKSPACES:
        raise Refusal(404, "not_found", MISSING, "threadId")
    open_to_all = {
        "getThread": "auth.read-others-thread",
        "updateThread": "auth.change-others-thread",
        "archiveThread": "auth.archive-others-thread",
        "deleteThread": "auth.delete-others-thread",
        "getMessage": "auth.read-others-message",
        "listMessages": "auth.read-others-messages",
        "cancelRun": "auth.cancel-others-run",
        "streamRunEvents": "auth.follow-others-run",
        "rateMessage": "auth.rate-others-message",
    }
    if thread.owner != call.user and not bad(open_to_all.get(call.operation, "")):
        if bad("auth.existence-oracle"):
            raise Refusal(403, "forbidden", "This is not yours.", "threadId")
        if not (bad("auth.events-without-key") and not call.user):
            raise Refusal(404, "not_found", MISSING, "threadId")
    return thread


async def once(state: State, call: Call, act: Callable[[], Reply]) -> Reply:
    """Does what the request asks for, once for each idempotency key."""
    bad = state.bad
    key = call.headers.get("idempotency-key")
    if key is None or bad("idempotency.ignored"):
        return act()
    if not 1 <= len(key) <= 100:
        raise Refusal(
            422, "invalid_request", "It must have 1 to 100 characters.", "Idempotency-Key"
        )
    owner = "" if bad("idempotency.shared-by-users") else call.user
    place = "" if bad("idempotency.shared-by-paths") else call.path
    sent = dump(call.body)
    at = (owner, place, call.operation, key)
    if at in state.answers:
        before, again = state.answers[at]
        if before != sent and not bad("idempotency.body-ignored"):
            raise Refusal(409, "idempotency_conflict", "The key came with another body before.")
        return again()
    if bad("race.idempotency"):
        await asyncio.sleep(0.06)
    reply = act()
    if reply.again is None:
        text = dump(reply.body)
        reply.again = lambda: Reply(reply.status, text, dict(reply.headers))
    state.answers[at] = (sent, reply.again)
    return reply


async def create_thread(state: State, call: Call) -> Reply:
    body = call.body

    def act() -> Reply:
        metadata = body.get("metadata", {})
        if state.bad("state.shared-default"):
            metadata = body.get("metadata", state.shared)
        title = body.get("title")
        if state.bad("input.long-title-cut") and title:
            title = title[:120]
        thread = Thread(
            id=state.id("thr"),
            owner=call.user,
            workspace=call.ids["workspaceId"],
            ordinal=state.next(),
            title=state.stored(title),
            metadata=metadata,
            settings=state.settings(body.get("settings", {})),
            context=state.stored(body.get("context", {})),
        )
        thread.touched = thread.ordinal
        state.threads[thread.id] = state.last_thread = thread
        path = f"/v1/workspaces/{thread.workspace}/threads/{thread.id}"
        if state.bad("protocol.location-without-base"):
            path = path.removeprefix("/v1")
        status = 200 if state.bad("protocol.created-is-200") else 201
        return Reply(status, {"data": state.thread(thread)}, {"Location": path})

    return await once(state, call, act)


async def list_threads(state: State, call: Call) -> Reply:
    bad = state.bad
    order = word(call, "order", ("asc", "desc"))
    status = word(call, "status", ("active", "archived"))
    wanted: dict[str, str] = {}
    for name, value in call.query:
        if name.startswith("metadata[") and name.endswith("]"):
            wanted[name[9:-1]] = value
        elif name == "metadata":
            raise Refusal(422, "invalid_request", "Write metadata[key]=value.", "metadata")

    def same(is_: str | None, want: str) -> bool:
        if is_ is not None and bad("query.filter-by-prefix"):
            return is_.startswith(want)
        if is_ is not None and bad("query.filter-without-case"):
            return is_.lower() == want.lower()
        return is_ == want

    def keep(thread: Thread) -> bool:
        if status is None and bad("query.archived-hidden"):
            return thread.status == "active"
        matches = [same(thread.metadata.get(key), value) for key, value in wanted.items()]
        any_ = bad("query.filters-ored") and bool(matches)
        return status in (None, thread.status) and (any(matches) if any_ else all(matches))

    seen = [t for t in state.threads.values() if t.workspace == call.ids["workspaceId"]]
    everyone = bool(wanted) if bad("auth.filter-leaks-users") else not call.user
    if not everyone:
        seen = [thread for thread in seen if thread.owner == call.user]
    if bad("state.deleted-still-listed"):
        seen += [thread for thread in state.deleted.values() if thread.owner == call.user]

    def place(thread: Thread) -> int:
        if bad("query.ties-by-id"):
            return (thread.created << 32) + int.from_bytes(thread.id[-4:].encode())
        return thread.touched if bad("query.changed-goes-first") else thread.ordinal

    def show(thread: Thread) -> dict[str, Any]:
        shown = state.thread(thread)
        if bad("schema.undeclared-in-list"):
            shown["ownerId"] = thread.owner
        if bad("state.list-shows-first-title"):
            shown["title"] = state.stale.setdefault(f"title {thread.id}", thread.title)
        return shown

    rows = [(place(thread), thread) for thread in seen]
    return cut(state, call, rows, order != "asc", keep, show)


async def get_thread(state: State, call: Call) -> Reply:
    thread = find(state, call)
    if state.bad("state.read-raises-revision"):
        thread.revision += 1
    shown = state.thread(thread)
    if state.bad("state.stale-read"):
        shown = state.stale.setdefault(thread.id, shown)
    return Reply(200, {"data": shown})


def change(state: State, thread: Thread, **fields: Any) -> None:
    """Sets what is given; the revision rises when that changes something."""
    bad = state.bad
    changed = any(dump(getattr(thread, name)) != dump(value) for name, value in fields.items())
    for name, value in fields.items():
        if name == "metadata" and bad("state.shared-default"):
            thread.metadata.clear()
            thread.metadata.update(value)
        else:
            setattr(thread, name, value)
    if changed or bad("state.revision-rises-on-nothing"):
        if not (bad("state.revision-stays-on-archive") and "status" in fields):
            thread.revision += 1
        thread.updated = now()
        if bad("state.created-moves"):
            thread.created = thread.updated
        thread.touched = state.next()


async def update_thread(state: State, call: Call) -> Reply:
    bad = state.bad
    thread = find(state, call)
    body = dict(call.body)
    expected = body.pop("expectedRevision", None)
    revision, before = thread.revision, dict(thread.metadata)
    if bad("race.expected-revision") or bad("race.lost-update"):
        if bad("race.expected-revision") and expected not in (None, revision):
            raise Refusal(409, "revision_conflict", "The thread has another revision.")
        await asyncio.sleep(0.06)
    elif expected not in (None, revision) and not bad("state.expected-revision-ignored"):
        raise Refusal(409, "revision_conflict", "The thread has another revision.")
    if not bad("race.lost-update"):
        before = dict(thread.metadata)
    if "metadata" in body:
        said = body["metadata"]
        merged: dict[str, Any] = said if bad("state.metadata-replaced") else before | said
        if bad("state.null-keeps-key"):
            merged = {key: before.get(key) if v is None else v for key, v in merged.items()}
        body["metadata"] = {k: v for k, v in merged.items() if v is not None}
        if bad("state.empty-text-removes"):
            body["metadata"] = {k: v for k, v in merged.items() if v}
        if len(body["metadata"]) > 16 and not bad("input.metadata-grows"):
            if bad("state.half-refused") and "title" in body:
                thread.title = body["title"]
            raise Refusal(422, "invalid_request", "There may be 16 keys.", "metadata")
    if "context" in body:
        body["context"] = state.stored(body["context"])
        if bad("state.context-merged"):
            body["context"] = thread.context | body["context"]
    if "settings" in body:
        body["settings"] = state.settings(body["settings"])
    if "title" in body:
        body["title"] = state.stored(body["title"])
        if bad("state.null-title-ignored") and body["title"] is None:
            del body["title"]
    elif bad("state.title-reset"):
        body["title"] = None
    settable = ["title", "metadata", "context", "settings"]
    if bad("input.mass-assignment"):
        settable += ["status", "revision"]
    change(state, thread, **{name: body[name] for name in settable if name in body})
    return Reply(200, {"data": state.thread(thread)})


async def archive_thread(state: State, call: Call) -> Reply:
    thread = find(state, call)
    if thread.active is not None:
        raise Refusal(409, "run_in_progress", "A run is unfinished.")
    if thread.status == "archived" and state.bad("state.second-archive-refused"):
        raise Refusal(409, "thread_archived", "The thread is archived.")
    change(state, thread, status="archived")
    state.stale.pop(thread.id, None)
    return Reply(200, {"data": state.thread(thread)})


async def restore_thread(state: State, call: Call) -> Reply:
    thread = find(state, call)
    change(state, thread, status="active")
    if state.bad("state.restore-forgets-metadata"):
        thread.metadata = {}
    return Reply(200, {"data": state.thread(thread)})


async def delete_thread(state: State, call: Call) -> Reply:
    thread = find(state, call)
    for run in thread.runs.values():
        if run.unfinished:
            agent.cancel(state, thread, run)
    state.deleted[thread.id] = state.threads.pop(thread.id)
    if state.bad("state.delete-takes-namesakes") and thread.title:
        for other in [t for t in state.threads.values() if t.title == thread.title]:
            del state.threads[other.id]
    return Reply(200, {"data": {"id": thread.id, "deleted": True}})
