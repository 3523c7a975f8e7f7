"""What clients see of sessions, messages, suggestions and streams."""

from collections.abc import Collection
from datetime import datetime, timedelta

from .model import Entry, JsonObject, Session
from .values import dumps

ROLES = {"user": "user", "agent": "assistant", "system": "system"}
EAST = timedelta(hours=2)


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def session_view(session: Session, faults: Collection[str], *, listed: bool = False) -> JsonObject:
    view: JsonObject = {
        "id": session.id,
        "agent_id": session.agent_id,
        "user_id": session.user_id,
        "title": session.attributes["title"],
        "situation": session.attributes["situation"],
        "summary": None,
        "metadata": session.attributes["metadata"],
        "render_templates": session.attributes["render_templates"],
        "message_count": message_count(session, faults),
        "created_at": stamp(session.created_at),
        "updated_at": stamp(session.updated_at),
    }
    if "list_item_without_user_id" in faults and listed:
        del view["user_id"]
    if "created_at_without_zone" in faults:
        view["created_at"] = view["created_at"].removesuffix("Z")
        view["updated_at"] = view["updated_at"].removesuffix("Z")
    if "local_time_as_utc" in faults:
        view["created_at"] = stamp(session.created_at + EAST)
        view["updated_at"] = stamp(session.updated_at + EAST)
    if "offset_without_shift" in faults:
        view["created_at"] = view["created_at"].replace("Z", "+02:00")
        view["updated_at"] = view["updated_at"].replace("Z", "+02:00")
    if "boolean_as_integer" in faults:
        view["render_templates"] = int(view["render_templates"])
    if "owner_leaked" in faults:
        view["owner"] = session.owner
    if "empty_metadata_is_null" in faults and not view["metadata"]:
        view["metadata"] = None
    return view


def message_count(session: Session, faults: Collection[str]) -> int:
    messages = session.messages()
    if "message_count_one_side" in faults:
        messages = [event for event in messages if event["source"] != "agent"]
    count = len(messages) + session.miscounted
    if "tool_events_counted" in faults:
        count += sum(event["type"].startswith("tool_") for event in session.events())
    return count


def etag(session: Session, faults: Collection[str]) -> str:
    if "etag_frozen" in faults:
        return '"1"'
    if "etag_unquoted" in faults:
        return str(session.revision)
    return f'"{session.revision}"'


def message_view(event: JsonObject, faults: Collection[str]) -> JsonObject:
    view = {
        "id": event["id"],
        "turn_id": event["turn_id"],
        "role": ROLES[event["source"]],
        **event["data"],
        "created_at": event["created_at"],
    }
    if "message_time_local" in faults:
        view["created_at"] = stamp(datetime.fromisoformat(view["created_at"]) + EAST)
    if "message_name_null" in faults:
        view.setdefault("name", None)
    return view


def frame(entry: Entry, faults: Collection[str]) -> bytes:
    """One server-sent event."""
    name = "" if "event_name_missing" in faults else f"event: {entry.name}\n"
    data = dumps(entry.data)
    if "data_split_at_separators" in faults:
        data = "\ndata: ".join(data.splitlines())
    return f"id: {entry.id}\n{name}data: {data}\n\n".encode()
