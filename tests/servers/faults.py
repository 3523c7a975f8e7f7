"""Faults by category; each is one statement of the server's own source and what stands instead."""

from tests.servers.faulty import Fault

STORE = "google.adk.sessions.in_memory_session_service"
API = "google.adk.cli.api_server"
ADK = [
    Fault(
        "deletes-nothing",
        "delete.gone",
        STORE,
        "self.sessions[app_name][user_id].pop(session_id)",
        "pass",
    ),
    Fault(
        "loses-replies",
        "talk.recorded",
        STORE,
        "storage_session.events.append(event)",
        "storage_session.events.extend([event] if event.author == 'user' else [])",
    ),
    Fault(
        "reverses-history",
        "talk.recorded",
        STORE,
        "copied_session = _copy_session(session)",
        "copied_session = _copy_session(session); copied_session.events.reverse()",
        "def _get_session_impl",
    ),
    Fault(
        "loses-updates",
        "update.read_back",
        STORE,
        "storage_session.state.update(session_state_delta)",
        "pass",
    ),
    Fault(
        "updates-neighbours",
        "update.only",
        STORE,
        "storage_session.last_update_time = event.timestamp",
        "[s.state.update(event.actions.state_delta)"
        " for s in self.sessions[app_name][user_id].values()]",
    ),
    Fault(
        "opens-to-others",
        "auth.owner",
        STORE,
        "session_id = session_id.strip() if session_id else session_id",
        "user_id = next((u for u, s in self.sessions.get(app_name, {}).items()"
        " if session_id in s), user_id)",
        "def _get_session_impl",
    ),
    Fault(
        "lists-others",
        "auth.owner",
        STORE,
        "return ListSessionsResponse(sessions=sessions_without_events)",
        "return ListSessionsResponse(sessions=[s for u, found in self.sessions[app_name].items()"
        " if u.endswith(user_id.partition('-')[2]) for s in found.values()])",
    ),
    Fault(
        "ignores-ids",
        "create.client_id",
        STORE,
        "session_id = session_id or platform_uuid.new_uuid()",
        "session_id = platform_uuid.new_uuid()",
    ),
    Fault(
        "overwrites",
        "create.conflict",
        STORE,
        "raise AlreadyExistsError(f'Session with id {session_id} already exists.')",
        "pass",
    ),
    Fault(
        "reads-stale",
        "talk.recorded",
        STORE,
        "events = session.events",
        "events = session.events[:-1]",
    ),
    Fault(
        "loses-pieces",
        "stream.adds_up",
        API,
        'yield f"data: {sse_event}\\n\\n"',
        'yield f"data: {sse_event}\\n\\n".replace("echo: ", "echo:")',
    ),
    Fault(
        "missing-is-400",
        "session.missing",
        API,
        'raise HTTPException(status_code=404, detail="Session not found")',
        'raise HTTPException(status_code=400, detail="Session not found")',
        "async def get_session(",
    ),
    Fault(
        "drops-state",
        "create.read_back",
        STORE,
        "copied_session = _copy_session(session)",
        "session.state.pop('text', None); copied_session = _copy_session(session)",
        "def _create_session_impl",
    ),
]

ROUTES = "agno.os.routers.session.session"
DATABASE = "agno.db.sqlite.sqlite"
HISTORY = "agno.session.agent"
STREAM = "agno.os.utils"
MINE = "stmt = stmt.where(table.c.user_id == user_id)"
WHOLE = (
    'return self.get_messages(skip_roles=["system", "tool"], skip_statuses=[],'
    " last_n_runs=last_n_runs)"
)
EVENT = 'return f"event: {event_type}\\ndata: {clean_json}\\n\\n"'
NOT_FOUND = (
    "raise HTTPException(status_code=404, detail=f\"Session with id '{session_id}' not found\")"
)
AGNO = [
    Fault(
        "deletes-nothing",
        "delete.gone",
        ROUTES,
        "db.delete_session(**local_kwargs)",
        "pass",
        "def delete_session(",
    ),
    Fault(
        "loses-replies",
        "talk.recorded",
        HISTORY,
        WHOLE,
        f"{WHOLE[:-1]}, skip_history_messages=True)[:1]",
    ),
    Fault(
        "loses-updates",
        "update.read_back",
        ROUTES,
        "updated_session = db.upsert_session(existing_session, deserialize=True)  # type: ignore",
        "updated_session = existing_session",
    ),
    Fault("opens-to-others", "auth.owner", DATABASE, MINE, "pass", "def get_session("),
    Fault("lists-others", "auth.owner", DATABASE, MINE, "pass", "def get_sessions("),
    Fault(
        "ignores-ids",
        "create.client_id",
        ROUTES,
        "session_id = create_session_request.session_id or str(uuid4())",
        "session_id = str(uuid4())",
    ),
    Fault(
        "overwrites",
        "create.conflict",
        ROUTES,
        "owned_session = await _get(scoped_user_id)",
        "owned_session = None",
    ),
    Fault(
        "loses-pieces",
        "stream.adds_up",
        STREAM,
        EVENT,
        EVENT + """.replace('"content":" ', '"content":"')""",
    ),
    Fault(
        "ends-otherwise",
        "stream.terminal",
        STREAM,
        'event_type = event.event or "message"',
        'event_type = (event.event or "message").replace("RunCompleted", "RunEnded")',
    ),
    Fault(
        "missing-is-400",
        "session.missing",
        ROUTES,
        NOT_FOUND,
        'raise HTTPException(status_code=400, detail="no")',
        "async def rename_session(",
    ),
    Fault(
        "miscounts",
        "list.total",
        DATABASE,
        "total_count = sess.execute(count_stmt).scalar() or 0",
        "total_count = (sess.execute(count_stmt).scalar() or 0) + 1",
        "def get_sessions(",
    ),
    Fault("swaps-history", "talk.recorded", HISTORY, WHOLE, f"{WHOLE}[::-1]"),
]
