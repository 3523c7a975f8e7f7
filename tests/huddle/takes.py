"""One take of one reply: what the assistant says, word by word, and the events that tell of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from typing import Any

from .state import Huddle, Utterance, dumps

ENDS = {"complete": "closed", "halted": "halted", "failed": "failed"}
"""The last event of a stream for each state that a reply ends in."""


def _word(text: str, pattern: str) -> re.Match[str] | None:
    return re.search(rf"(?<!\w){pattern}(?!\w)", text)


class Take:
    """A reply that is being spoken, or has been; `go` speaks it."""

    def __init__(self, huddle: Huddle, prompt: Utterance, reply: Utterance) -> None:
        reply.begin(self)
        self.huddle = huddle
        self.prompt = prompt
        self.reply = reply
        self.number = len(reply.takes)
        self.events: list[str] = []
        self.news = asyncio.Event()
        self.ended = asyncio.Event()
        self.final: dict[str, Any] = {}
        """The exchange as it is when the take has ended."""

    def start(self) -> None:
        self.huddle.take = self
        self.huddle.owner.running.add(self)
        self.huddle.touch()
        self._emit("opened", {"utterance": self.prompt.view(), "reply": self.reply.view()})
        self.task = asyncio.ensure_future(self._speak())

    async def _speak(self) -> None:
        bad, pace = self.huddle.store.bad, self.huddle.store.pace
        fails = _word(self.prompt.text, "fail") is not None
        words = re.findall(r"\S+\s*", self._answer(fails))[: 2 if fails else None]
        for index, word in enumerate(words):
            await asyncio.sleep(pace)
            if self.ended.is_set():
                return
            self.reply.text += word
            if not (bad("last_piece_missing") and index == len(words) - 1 > 0):
                piece = {"utteranceId": self.reply.id, "index": index, "text": word}
                self._emit("piece", piece)
        await asyncio.sleep(pace)
        if not self.ended.is_set():
            self.finish("failed" if fails else "complete")

    def _answer(self, fails: bool) -> str:
        huddle, text = self.huddle, self.prompt.text
        count = _word(text, "count ([1-9][0-9]{0,8})")
        if count and not fails:
            answer = " ".join(str(n) for n in range(1, min(500, int(count[1])) + 1))
        else:
            answer = f"You said: {text[:120]}"
            if huddle.persona != "terse":
                answer = f"Turn {self.reply.position // 2}. {answer}"
        if self.number > 1:
            answer = f"Take {self.number}: {answer}"
        return answer + (" Hooray!" if huddle.persona == "cheerful" else "")

    def finish(self, state: str) -> None:
        """Ends the reply in this state, for good."""
        huddle, bad = self.huddle, self.huddle.store.bad
        self.reply.end(state)
        if huddle.take is self:
            huddle.take = None
        if not (bad("slot_kept_by_halt") and state == "halted"):
            huddle.owner.running.discard(self)
        if state == "complete" and huddle.title is None:
            title = " ".join(huddle.utterances[0].text.split()[:6])[:80].strip()
            huddle.name(title, "auto" if bad("source_is_auto") else "agent")
        huddle.touch()
        self.final = {"utterance": self.prompt.view(), "reply": self.reply.view()}
        self.ended.set()
        if bad("halted_without_end") and state == "halted":
            self.news.set()
        else:
            self._emit(ENDS[state], {"reply": self.reply.view(), "title": huddle.title})

    def _emit(self, event: str, data: dict[str, Any]) -> None:
        text = dumps(data)
        if event == "piece" and self.huddle.store.bad("line_feed_raw"):
            text = text.replace("\\n", "\n")
        id = f"{self.number}-{len(self.events) + 1}"
        self.events.append(f"id: {id}\nevent: {event}\ndata: {text}\n\n")
        self.news.set()

    async def follow(self, start: int) -> AsyncGenerator[str, None]:
        """The events behind the first ones, as many as `start`, as they come."""
        if self.huddle.store.bad("buffered"):
            await self.ended.wait()
            yield "".join(self.events[start:])
            return
        while True:
            while start < len(self.events):
                yield self.events[start]
                start += 1
            if self.ended.is_set():
                return
            self.news.clear()
            await self.news.wait()
