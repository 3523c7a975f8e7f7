"""Send messages, stop the agent, and read what was said."""

from starlette.responses import Response

from . import agent
from .damage import text_as_stored
from .dispatch import Call, reply
from .events import stream_turn
from .model import Input, JsonObject, Session, new_id
from .problem import Problem
from .sessions import cached
from .views import message_view

SOURCES = {"user": "user", "system": "system", "assistant": "agent"}


async def chat(call: Call) -> Response:
    return await _answer(call, call.session("other_user_talk"), _inputs(call))


async def regenerate(call: Call) -> Response:
    return await _again(call, call.session())


async def edit(call: Call) -> Response:
    return await _again(call, call.session(), call.params["message_id"], call.body["content"])


async def decide(call: Call) -> Response:
    text = "Yes, go on." if call.body["approved"] else "No, leave it."
    return await _answer(call, call.session(), [Input("decision", "user", call.body, text)])


async def _again(
    call: Call, session: Session, message: str | None = None, text: str | None = None
) -> Response:
    """Answers the user's last message, or another one, in place of all that stood behind it."""
    if session.begun and "regenerations_pile_up" not in call.faults:
        raise Problem(409, "The agent still speaks.")
    said = session.messages()
    own = [n for n, event in enumerate(said) if event["source"] != "agent"]
    if message is not None:
        if message not in [event["id"] for event in said]:
            raise Problem(404, "There is no such message.")
        own = [n for n in own if said[n]["id"] == message]
    if not own:
        raise Problem(409, "There is nothing that could be answered again.")
    asked = said[own[-1]]
    _take_back(call, session, said, own[-1], edited=text is not None)
    if text is None and "regenerate_appends" in call.faults:
        return await _answer(call, session, [Input("again", "user", {}, "")])
    if text is None or "edit_text_lost" in call.faults:
        text = asked["data"]["content"]
    data = {**asked["data"], "content": text}
    return await _answer(call, session, [Input("message", asked["source"], data, text)])


def _take_back(
    call: Call, session: Session, said: list[JsonObject], place: int, *, edited: bool
) -> None:
    """Takes the message at a place, and all behind it, out of the history."""
    gone = said[place:]
    if "edit_keeps_rest" in call.faults and edited:
        gone = said[place : place + 2]
    if "edit_keeps_system_messages" in call.faults and edited:
        gone = gone[:1] + [event for event in gone[1:] if event["source"] != "system"]
    if "regenerate_appends" in call.faults and not edited:
        gone = []
    if "regenerate_forgets_talk" in call.faults and not edited:
        gone = said
    session.unrecorded |= {event["id"] for event in gone}
    fault = "edit_keeps_message_count" if edited else "regenerate_keeps_message_count"
    if fault in call.faults:
        session.miscounted += len(gone)


async def _answer(call: Call, session: Session, inputs: list[Input]) -> Response:
    streamed = call.media_type == "text/event-stream"
    turn = call.backend.begin(session, inputs, streamed=streamed)
    if streamed:
        return await stream_turn(call, session, turn)
    await turn.finished.wait()
    if session.deleted:
        raise Problem(404, "The session was deleted.")
    messages = [message_view(turn.reply, call.faults)] if turn.reply is not None else []
    if "reply_id_differs" in call.faults:
        messages = [message | {"id": new_id()} for message in messages]
    asked = sum(agent.tokens_in(said.text) for said in inputs)
    answered = sum(agent.tokens_in(message["content"]) for message in messages)
    usage = {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }
    return reply(
        {
            "turn_id": turn.id,
            "finish_reason": turn.finish_reason,
            "messages": messages,
            "usage": usage,
        }
    )


async def stop(call: Call) -> Response:
    session = call.session()
    turn = session.turn
    if turn is None:
        answer: JsonObject = {"stopped": "idle_stop_claims_turn" in call.faults, "turn_id": None}
        session.stop_waits = "idle_stop_ends_next_turn" in call.faults
        if "idle_stop_without_turn_id" in call.faults:
            del answer["turn_id"]
        return reply(answer)
    turn.stop.set()
    await turn.finished.wait()
    return reply({"stopped": True, "turn_id": turn.id})


async def get_history(call: Call) -> Response:
    deleted = call.backend.deleted.get(call.params["session_id"])
    if "delete_keeps_history" in call.faults and deleted is not None:
        session = deleted
    else:
        session = call.session("other_user_history", "history_without_key")
    events = session.messages()
    if "history_mixes_sessions" in call.faults:
        sessions = call.backend.sessions.values()
        own = [event for one in sessions if one.owner == session.owner for event in one.messages()]
        events = sorted(own, key=lambda event: str(event["created_at"]))
    if "history_of_everyone" in call.faults:
        events = [event for one in call.backend.sessions.values() for event in one.messages()]
    if "history_newest_first" in call.faults:
        events = events[::-1]
    offset, limit = call.params["offset"], call.params["limit"]
    if "history_offset_ignored" in call.faults:
        offset = 0
    items = events[offset : offset + limit]
    if "history_limit_from_end" in call.faults:
        items = events[-limit:]
    total = len(items) if "history_total_is_page_size" in call.faults else len(events)
    views = [message_view(event, call.faults) for event in items]
    asked = (session.id, repr(sorted(call.params.items())))
    return cached(call, "history_cached", asked, reply({"items": views, "total": total}))


async def clear_history(call: Call) -> Response:
    session = call.session()
    if "clear_does_nothing" not in call.faults:
        await call.backend.clear(session)
    return Response(status_code=204)


async def get_suggestions(call: Call) -> Response:
    session = call.session()
    suggestions = session.suggestions
    if "suggestions_of_other_sessions" in call.faults:
        sessions = call.backend.sessions.values()
        suggestions = [
            suggestion
            for one in sessions
            if one.owner == session.owner
            for suggestion in one.suggestions
        ]
    if "suggestions_of_everyone" in call.faults:
        suggestions = [s for one in call.backend.sessions.values() for s in one.suggestions]
    newest_first = "suggestions_oldest_first" not in call.faults
    ordered = sorted(suggestions, key=lambda one: str(one["created_at"]), reverse=newest_first)
    offset, limit = call.params["offset"], call.params["limit"]
    items = ordered[offset : offset + limit]
    if "suggestion_time_is_number" in call.faults:
        items = [item | {"created_at": 1714375428} for item in items]
    return reply({"items": items, "total": len(ordered)})


def _inputs(call: Call) -> list[Input]:
    inputs = []
    for message in call.body["messages"]:
        text = text_as_stored(message["content"], call.faults)
        data = {"content": text, "status": "complete"}
        if "name" in message and "message_name_lost" not in call.faults:
            data["name"] = message["name"]
        asked = str(message["content"])
        inputs.append(Input("message", SOURCES[message["role"]], data, asked))
    if "system_messages_dropped" in call.faults:
        inputs = [said for said in inputs if said.source != "system"]
    if "only_last_message_recorded" in call.faults:
        inputs = inputs[-1:]
    return inputs
