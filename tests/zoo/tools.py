"""The tools of the agent: what brings it to call one, and who says what comes of it."""

import asyncio
import re
from typing import TYPE_CHECKING

from .model import Input, JsonObject, Session, Tool, Turn, new_id
from .values import dumps

if TYPE_CHECKING:
    from .backend import Backend

TOOLS = {
    "weather": Tool("get_weather", {"city": "Zürich", "days": 2}, {"sky": "sunny", "degrees": 21}),
    "approve": Tool("send_email", {"to": ["team"], "subject": "News"}, {"sent": True}, "decision"),
    "lookup": Tool("search_web", {"query": "news", "limit": 3}, None, "tool_result"),
}
FAIL = "fail"
WORD = re.compile(rf"(?i)\b({'|'.join([*TOOLS, FAIL])})\b")
PIECE = 7  # characters
RACE_GAP = 0.1


def settle(session: Session, said: Input, faults: frozenset[str]) -> tuple[str, Tool] | None:
    """The call that has waited for what was said; behind a message none waits any longer."""
    waiting = session.waiting
    if said.kind == "message":
        session.waiting = None
    if waiting is None or "tool_call_id" not in said.data:
        return None
    is_other = said.data["tool_call_id"] != waiting[0] and "decision_on_any_call" not in faults
    if said.kind != waiting[1].waits_for or is_other:
        return None
    if not {"decision_taken_twice", "decisions_race"} & faults:
        session.waiting = None
    return waiting


async def act(
    backend: "Backend", session: Session, turn: Turn, said: Input, settled: tuple[str, Tool] | None
) -> str:
    """What the agent does before it speaks; the answer is why it would end there, or `stop`."""
    if settled is not None:
        if "decisions_race" in backend.faults:
            await asyncio.sleep(RACE_GAP)
            session.waiting = None
        denied = said.kind == "decision" and not said.data["approved"]
        if said.kind == "decision" and (not denied or "denied_call_is_made" in backend.faults):
            _answer(backend, session, turn, *settled)
        return "stop"
    found = WORD.search(said.text) if said.kind == "message" else None
    if found is None:
        return "stop"
    word = found[0].lower()
    if word == FAIL:
        return "error"
    tool, call = TOOLS[word], f"call_{new_id()}"
    if not await _dictate(backend, session, turn, call, tool):
        return "stopped"
    arguments = tool.arguments
    if "arguments_differ" in backend.faults:
        arguments = {name: str(value) for name, value in arguments.items()}
    data = {"tool_call_id": call, "name": tool.name, "arguments": arguments}
    backend.store(session, turn, "tool_call", "agent", data)
    if tool.waits_for:
        session.waiting = (call, tool)
        return "tool_calls"
    _answer(backend, session, turn, call, tool)
    return "stop"


async def _dictate(backend: "Backend", session: Session, turn: Turn, call: str, tool: Tool) -> bool:
    """Send the arguments piece by piece; the answer is whether that was not stopped."""
    written = dumps(tool.arguments)
    if "arguments_not_json" in backend.faults:
        written = str(tool.arguments)
    pieces = [written[at : at + PIECE] for at in range(0, len(written), PIECE)]
    if "arguments_last_piece_lost" in backend.faults:
        del pieces[-1]
    named = {"turn_id": turn.id, "tool_call_id": call, "name": tool.name}
    for index, piece in enumerate(pieces):
        if await turn.stopped_within(backend.pace):
            return False
        if "arguments_index_stuck" in backend.faults:
            index = 0
        data: JsonObject = {**named, "index": index, "text": piece}
        backend.emit(session, turn, "tool_call_delta", data)
    return True


def _answer(backend: "Backend", session: Session, turn: Turn, call: str, tool: Tool) -> None:
    data = {"tool_call_id": call, "result": tool.result}
    backend.store(session, turn, "tool_result", "agent", data)


def break_off(backend: "Backend", session: Session, turn: Turn) -> None:
    """End a turn in which the agent fails."""
    session.wedged = "failure_wedges_session" in backend.faults
    if "error_event_missing" not in backend.faults:
        error = {"code": "agent_failed", "message": "The agent could not go on."}
        backend.emit(session, turn, "error", {"turn_id": turn.id, **error})


def called(turn: Turn) -> bool:
    """Whether the agent has called a tool in the turn."""
    return any(entry.name == "tool_call" for entry in turn.feed.entries)
