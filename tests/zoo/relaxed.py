"""The input faults: the document's schemas, without a rule that the server forgot."""

from collections.abc import Collection
from typing import Any


def relax(tree: dict[str, Any], faults: Collection[str]) -> None:
    schemas = tree["components"]["schemas"]
    limit = tree["components"]["parameters"]["Limit"]["schema"]
    if "unknown_field_accepted" in faults:
        for name in ("CreateSession", "ReplaceSession", "PatchSession"):
            del schemas[name]["additionalProperties"]
    if "agent_id_optional" in faults:
        del schemas["CreateSession"]["required"]
    if "limit_zero_accepted" in faults:
        limit["minimum"] = 0
    if "limit_above_maximum_accepted" in faults:
        del limit["maximum"]
    if "title_length_unchecked" in faults:
        del schemas["Title"]["maxLength"]
    if "agent_id_of_any_letter" in faults:
        schemas["AgentId"]["pattern"] = "^[A-z0-9_-]{1,64}$"
    if "client_id_unchecked" in faults:
        schemas["CreateSession"]["properties"]["id"] = {"type": "string"}
    if "empty_messages_accepted" in faults:
        del schemas["ChatRequest"]["properties"]["messages"]["minItems"]
    if "empty_text_accepted" in faults:
        del schemas["Text"]["minLength"]
    if "content_coerced" in faults:
        schemas["Text"]["type"] = ["string", "number"]
    if "assistant_role_accepted" in faults:
        schemas["InputMessage"]["properties"]["role"]["enum"].append("assistant")
    if "null_metadata_accepted" in faults:
        for name in ("ReplaceSession", "PatchSession"):
            schemas[name]["properties"]["metadata"] = {"type": ["object", "null"]}
    for fault, name, attribute in (
        ("create_takes_created_at", "CreateSession", "created_at"),
        ("create_takes_message_count", "CreateSession", "message_count"),
        ("update_takes_user_id", "ReplaceSession", "user_id"),
        ("update_takes_user_id", "PatchSession", "user_id"),
        ("update_takes_updated_at", "ReplaceSession", "updated_at"),
        ("update_takes_updated_at", "PatchSession", "updated_at"),
    ):
        if fault in faults:
            schemas[name]["properties"][attribute] = {}
    if "bad_last_event_id_accepted" in faults:
        subscribe = tree["paths"]["/sessions/{session_id}/events/stream"]["get"]
        (header,) = (node for node in subscribe["parameters"] if node["in"] == "header")
        del header["schema"]["pattern"]
