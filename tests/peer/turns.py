"""The agent, and how it takes its turns."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Collection

from .model import Entry, Queue, Session, Turn, fresh_id, now, written
from .wire import Json

_PIECE = 11
_FOLLOW_UPS = ("Why do you say so?", "Tell me more.")


def answer(text: str, before: int) -> str:
    """A few sentences that are made of the text."""
    opening = ("I read", "Let me see, you wrote", "Once more, this is")[before % 3]
    return (
        f"{opening} “{text[:80]}”. It has {len(text)} characters and {len(text.split())} words. "
        "I have nothing to add to it, but I am glad that you told me."
    )


class Agent:
    """Answers texts, piece by piece, with a small pause before each."""

    def __init__(self, faults: Collection[str], pace: float) -> None:
        self._faults = faults
        self._pace = pace
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, session: Session, turn: Turn, text: str | None) -> None:
        """Lets the turn run by itself; whoever holds the lock of the session hands it over."""
        session.running = turn
        said = [one for one in session.history() if one.source == "agent"]
        if said and said[-1].data["status"] == "stopped" and "stop-lingers" in self._faults:
            turn.halt.set()
        task = asyncio.create_task(self._run(session, turn, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, session: Session, turn: Turn, text: str | None) -> None:
        try:
            cut = None
            if text is None and "needless-approval-answered" in self._faults:
                text = "the decision"
            if text is not None:
                cut = await self._speak(session, turn, text)
            if turn.finish == "stopped" and "stopped-stream-says-done" not in self._faults:
                session.show(turn, "stopped", {"message_id": cut, "turn_id": turn.id})
            else:
                session.show(turn, "done", {"finish_reason": turn.finish, "turn_id": turn.id})
        finally:
            session.running = None
            turn.over.set()
            session.lock.release()

    async def _speak(self, session: Session, turn: Turn, text: str) -> str | None:
        """Says it all, unless it is stopped; gives the id of the message, if one was begun."""
        faults = self._faults
        session.store(turn, "status", "agent", {"state": "typing"})
        said, reply = "", answer(text, len(session.entries))
        message_id = fresh_id("msg")
        async for index, piece in self._pieces(turn, reply):
            shown = piece
            if "chunks-without-astral" in faults:
                shown = "".join(char if char < "\U00010000" else "?" for char in piece)
            session.show(
                turn,
                "chunk",
                {"index": index, "text": shown, "message_id": message_id, "turn_id": turn.id},
            )
            said += piece
        stopped = turn.halt.is_set()
        turn.words = (len(text.split()), len(said.split()))
        turn.finish = "stopped" if stopped else "stop"
        if stopped and "stop-before-stored" in faults:
            turn.over.set()
            await asyncio.sleep(0.3)
        if stopped and said and "stop-stores-whole-reply" in faults:
            said = reply
        if said and not (stopped and "stop-drops-message" in faults):
            state = "complete" if "stopped-says-complete" in faults else turn.finish
            state = {"stop": "complete"}.get(state, state)
            data = {"content": said, "status": state}
            turn.said.append(session.store(turn, "message", "agent", data, message_id))
        if not stopped:
            self._suggest(session, turn, message_id)
        return message_id if said else None

    async def _pieces(self, turn: Turn, reply: str) -> AsyncIterator[tuple[int, str]]:
        for index, start in enumerate(range(0, len(reply), _PIECE)):
            try:
                await asyncio.wait_for(turn.halt.wait(), self._pace)
                return
            except TimeoutError:
                yield index, reply[start : start + _PIECE]

    def _suggest(self, session: Session, turn: Turn, message_id: str) -> None:
        for text in _FOLLOW_UPS:
            session.suggestions.append(
                {
                    "content": text,
                    "id": fresh_id("sug"),
                    "message_id": message_id,
                    "session_id": session.id,
                    "created_at": written(now()),
                }
            )
        session.show(
            turn,
            "suggestions",
            {"suggestions": list(_FOLLOW_UPS), "message_id": message_id, "turn_id": turn.id},
        )


async def halt(session: Session) -> Turn | None:
    """Stops the turn that runs; what was said is stored when this is done."""
    turn = session.running
    if turn is None or turn.over.is_set():
        return None
    turn.halt.set()
    await turn.over.wait()
    return turn if turn.finish == "stopped" else None


async def silence(session: Session) -> None:
    """Stops the turn that runs and those that wait behind it."""
    while session.running is not None:
        await halt(session)
        await asyncio.sleep(0)


def record(session: Session, turn: Turn, messages: list[Json], faults: Collection[str]) -> None:
    """Stores what the client sends."""
    if "chat-records-last-only" in faults:
        messages = messages[-1:]
    for message in messages:
        data = {"content": message["content"], "status": "complete"}
        if "text-trimmed" in faults:
            data["content"] = data["content"].strip() or data["content"]
        if "text-normalised" in faults:
            data["content"] = unicodedata.normalize("NFC", data["content"])
        if "line-ends-changed" in faults:
            data["content"] = data["content"].replace("\r\n", "\n")
        if "name" in message and "chat-loses-name" not in faults:
            data["name"] = message["name"]
        system = message["role"] == "system" and "system-recorded-as-user" not in faults
        session.store(turn, "message", "system" if system else "user", data)


def forget(session: Session, gone: list[Entry]) -> None:
    """Lets messages leave the history, and what was suggested on them."""
    ids = {entry.id for entry in gone}
    for entry in gone:
        entry.past = True
    session.suggestions = [one for one in session.suggestions if one["message_id"] not in ids]
    session.touch()


async def of_turn(queue: Queue, turn: Turn) -> AsyncIterator[tuple[int, str, Json]]:
    """What a turn shows, to its end."""
    while (frame := await queue.get()) is not None:
        if frame.run is turn:
            yield frame.position, frame.event, frame.payload()
            if frame.event in {"done", "stopped", "error"}:
                return
