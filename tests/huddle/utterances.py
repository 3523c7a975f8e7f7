"""The operations of utterances: the history, one of them, a new one, another take, its stream."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from aiohttp import web

from . import repeats
from .pages import page
from .state import Huddle, Utterance
from .takes import Take
from .wire import Call, Refusal, answer, check_names, check_text, conflict, invalid

AT_ONCE = 3
"""Replies that one person may have running."""


async def list_utterances(call: Call) -> web.Response:
    huddle = _listed(call)
    direction = call.word("direction", "forward", "backward") or "forward"
    speaker = call.word("speaker", "person", "assistant")
    down = direction == "backward"
    late = call.bad("filter_behind_page")

    def fits(said: Utterance) -> bool:
        return speaker in (None, said.speaker)

    def show(shown: Sequence[Utterance]) -> list[dict[str, Any]]:
        views = [said.view() for said in shown if fits(said)]
        if call.bad("backward_ascending") and down:
            views.reverse()
        if call.bad("listed_without_take"):
            for view in views:
                del view["take"]
        return views

    def behind(said: Utterance, last: int) -> bool:
        return said.position < last if down else said.position > last

    items = [said for said in huddle.utterances if late or fits(said)]
    if down:
        items.reverse()
    scope = ["utterances", huddle.id, direction, speaker]
    return page(call, scope, items, lambda said: said.position, behind, show)


def _listed(call: Call) -> Huddle:
    gone = call.store.deleted.get(call.request.match_info["huddleId"])
    if call.bad("deleted_history_readable") and gone and gone.owner is call.person:
        return gone
    return call.huddle()


async def get_utterance(call: Call) -> web.Response:
    return answer({"data": call.utterance().view()})


def _may_run(call: Call, huddle: Huddle) -> None:
    """Raises Refusal where no reply may start now."""
    if huddle.archived is not None:
        raise conflict("huddle_archived", "The huddle is archived.")
    if huddle.take:
        raise conflict("reply_in_progress", "A reply is running.")
    if len(call.person.running) >= AT_ONCE:
        soon = {"Retry-After": "1"}
        message = "Three replies are running already."
        raise Refusal(429, "too_many_replies", message, headers=soon)


async def send_utterance(call: Call) -> web.StreamResponse:
    call.huddle()
    streamed = call.wants_stream()
    body = await call.body()
    huddle = call.huddle()
    key = call.key()
    check_names(body, "text")
    if "text" not in body:
        raise invalid([("/text", "is required")])
    blank = call.bad("blank_text_accepted")
    if problems := check_text(body["text"], "/text", 4000, 1, blank):
        raise invalid(problems)
    repeat = repeats.found(call, key, body)
    if repeat and repeat.take:
        return await _again(call, repeat.take, streamed)
    _may_run(call, huddle)
    if call.bad("two_replies_at_once"):
        await asyncio.sleep(0.02)
    text = body["text"].strip() if call.bad("text_stripped") else body["text"]
    prompt, reply = huddle.add("person", text), huddle.add("assistant", "")
    take = Take(huddle, prompt, reply)
    take.start()
    repeats.keep_take(call, key, body, take)
    if streamed:
        return await _stream(call, take)
    return answer({"data": await _ended(take)}, 201)


async def _again(call: Call, take: Take, streamed: bool) -> web.StreamResponse:
    if not take.ended.is_set():
        raise conflict("request_in_progress", "The first request is still running.")
    replayed = {"Idempotency-Replayed": "true"}
    if streamed:
        return await _stream(call, take, headers=replayed)
    return answer({"data": take.final}, 201, replayed)


async def retake_reply(call: Call) -> web.StreamResponse:
    reply, huddle = call.utterance(), call.huddle()
    streamed = call.wants_stream()
    if reply.speaker != "assistant":
        raise conflict("not_a_reply", "This is not a reply.")
    if reply is not huddle.utterances[-1]:
        raise conflict("not_latest", "This is not the last utterance.")
    _may_run(call, huddle)
    take = Take(huddle, huddle.utterances[-2], reply)
    take.start()
    if streamed:
        return await _stream(call, take)
    return answer({"data": (await _ended(take))["reply"]})


async def _ended(take: Take) -> dict[str, Any]:
    await take.ended.wait()
    if take.huddle.deleted:
        raise conflict("huddle_deleted", "The huddle was deleted meanwhile.")
    return take.final


async def resume_reply(call: Call) -> web.StreamResponse:
    reply = call.utterance()
    if reply.speaker != "assistant":
        raise conflict("not_a_reply", "This is not a reply.")
    take, start = reply.takes[-1], 0
    if "Last-Event-ID" in call.request.headers:
        seen, start = _seen(reply, call.request.headers["Last-Event-ID"])
        if seen is not take:
            start = 0
        elif start == len(take.events) and take.ended.is_set():
            return web.Response(status=204)
        elif call.bad("resume_repeats"):
            start -= 1
    return await _stream(call, take, start)


def _seen(reply: Utterance, id: str) -> tuple[Take, int]:
    """The take that an event is of, and its number there. Raises Refusal."""
    match = re.fullmatch("([1-9][0-9]{0,8})-([1-9][0-9]{0,8})", id)
    if match and int(match[1]) <= len(reply.takes):
        take = reply.takes[int(match[1]) - 1]
        if int(match[2]) <= len(take.events):
            return take, int(match[2])
    raise Refusal(400, "bad_event_id", "There is no such event.")


async def _stream(
    call: Call, take: Take, start: int = 0, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    kind = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    response = web.StreamResponse(headers={**kind, **(headers or {})})
    try:
        await response.prepare(call.request)
        if call.request.method == "HEAD":
            return response
        async with aclosing(take.follow(start)) as events:
            async for event in events:
                await response.write(event.encode())
        await response.write_eof()
    except ConnectionError:
        if call.bad("hang_up_halts") and not take.ended.is_set():
            take.finish("halted")
    return response
