"""The bodies that the operations take."""

from collections.abc import Collection
from copy import deepcopy
from typing import Any

import jsonschema_rs

from .wire import Json, Problem, broken

ID = "^[A-Za-z0-9_-]{8,64}$"
_SHORT = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
_CALL = {"type": "string", "minLength": 1, "maxLength": 64}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 100_000}
_CHANGES = {
    "title": {"type": ["string", "null"], "maxLength": 200},
    "situation": {"type": ["string", "null"], "maxLength": 20_000},
    "metadata": {"type": "object"},
    "render_templates": {"type": "boolean"},
}


def _closed(required: list[str], **properties: Any) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


_INPUT = _closed(
    ["role", "content"],
    role={"enum": ["user", "system"]},
    content=_TEXT,
    name={"type": "string", "minLength": 1, "maxLength": 64},
)
_SCHEMAS: dict[str, Json] = {
    "create": _closed(
        ["agent_id"], agent_id=_SHORT, user_id=_SHORT, id={"type": "string", "pattern": ID}
    ),
    "replace": _closed([], **_CHANGES),
    "patch": _closed([], **_CHANGES),
    "chat": _closed(
        ["messages"],
        messages={"type": "array", "minItems": 1, "maxItems": 100, "items": _INPUT},
    ),
    "edit": _closed(["content"], content=_TEXT),
    "decide": _closed(
        ["tool_call_id", "approved"], tool_call_id=_CALL, approved={"type": "boolean"}
    ),
    "message": _closed(["type", "content"], type={"const": "message"}, content=_TEXT),
    "tool_result": _closed(
        ["type", "tool_call_id", "result"],
        type={"const": "tool_result"},
        tool_call_id=_CALL,
        result={},
    ),
    "event": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": ["message", "tool_result"]}},
    },
}
_SCHEMAS["create"]["properties"] |= _CHANGES


class Bodies:
    """Holds bodies to their schemas."""

    def __init__(self, faults: Collection[str]) -> None:
        self._faults = faults
        schemas = deepcopy(_SCHEMAS)
        items = schemas["chat"]["properties"]["messages"]["items"]
        if "extra-in-message-accepted" in faults:
            items["additionalProperties"] = True
        if "assistant-role-accepted" in faults:
            items["properties"]["role"]["enum"].append("assistant")
        if "hundredth-message-refused" in faults:
            schemas["chat"]["properties"]["messages"]["maxItems"] = 99
        if "blank-text-refused" in faults:
            schemas["edit"]["properties"]["content"]["pattern"] = r"\S"
        if "user-id-newline-accepted" in faults:
            schemas["create"]["properties"]["user_id"] = {"pattern": r"^[A-Za-z0-9_-]{1,64}\n?$"}
        if "decision-coerced" in faults:
            schemas["decide"]["properties"]["approved"]["type"] = ["boolean", "string"]
        if "patch-takes-user" in faults:
            schemas["patch"]["properties"]["user_id"] = _SHORT
        self._validators = {
            name: jsonschema_rs.validator_for(
                {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
            )
            for name, schema in schemas.items()
        }

    def check(self, name: str, body: Any) -> Json:
        """The body, when it keeps its schema."""
        try:
            found = list(self._validators[name].iter_errors(body))
        except ValueError:
            raise Problem(400, "The body is nested too deeply.") from None
        errors = [self._error(error) for error in found]
        title = body.get("title") if isinstance(body, dict) else None
        if isinstance(title, str) and not errors:
            utf16 = len(title.encode("utf-16-le")) // 2
            if (name == "create" and "title-counted-in-utf16" in self._faults and utf16 > 200) or (
                name == "patch"
                and "title-counted-in-bytes" in self._faults
                and len(title.encode()) > 200
            ):
                errors = [broken("body", ["title"], "It is too long.", self._faults)]
        if errors:
            raise Problem(422, "The body breaks its schema.", errors=errors)
        checked: Json = body
        return self.check(body["type"], body) if name == "event" else checked

    def _error(self, error: jsonschema_rs.ValidationError) -> Json:
        path = list(error.instance_path)
        unexpected = getattr(error.kind, "unexpected", None)
        if unexpected:
            path.append(unexpected[0])
        return broken("body", path, error.message, self._faults)
