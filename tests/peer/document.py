"""A client that holds every answer to the OpenAPI document."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from .client import Client, Frame, Reply

_FILE = Path(__file__).parents[2] / "spec" / "sessions.yaml"
_BESIDE = {304, 405}
"""What RFC 9110 has a server say, and the document does not."""


@cache
def _document() -> Any:
    return yaml.safe_load(_FILE.read_text())


def _resolved(node: Any) -> Any:
    if "$ref" in node:
        *_, kind, name = node["$ref"].split("/")
        return _document()["components"][kind][name]
    return node


@cache
def _validator(schema: str) -> jsonschema_rs.Validator:
    root = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | json.loads(schema)
    root["components"] = _document()["components"]
    return jsonschema_rs.validator_for(root, validate_formats=True)


def hold(value: Any, schema: Any) -> None:
    """Validates a value against a schema of the document."""
    errors = [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in _validator(json.dumps(schema)).iter_errors(value)
    ]
    assert not errors, errors


def _operation(method: str, path: str) -> Any:
    steps = path.partition("?")[0].split("/")
    for template, item in sorted(_document()["paths"].items(), key=lambda one: "{" in one[0]):
        parts = template.split("/")
        if len(parts) == len(steps) and all(
            part == step or part.startswith("{") for part, step in zip(parts, steps, strict=True)
        ):
            return item.get(method.lower())
    return None


def check_stream_event(event: str, position: str | None, data: Any) -> None:
    """Validates a server-sent event, and what its data say."""
    schema = {"$ref": "#/components/schemas/StreamEvent"}
    hold({"event": event, "id": position, "data": json.dumps(data)}, schema)
    for kind in _document()["components"]["schemas"]["StreamEvent"]["oneOf"]:
        names = kind["properties"]["event"]
        if event in names.get("enum", [names.get("const")]):
            hold(data, kind["properties"]["data"]["contentSchema"])


class Held(Client):
    def look_at_reply(self, method: str, path: str, reply: Reply) -> None:
        operation = _operation(method, path)
        if operation is None or reply.status in _BESIDE:
            return
        declared = operation["responses"]
        assert str(reply.status) in declared, (method, path, reply.status, reply.raw)
        response = _resolved(declared[str(reply.status)])
        for name, header in response.get("headers", {}).items():
            header = _resolved(header)
            assert name in reply.headers, name
            assert re.search(header["schema"].get("pattern", ""), reply.headers[name])
        if "content" not in response:
            assert reply.raw == b""
        else:
            assert reply.kind in response["content"], reply.kind
            if reply.kind.endswith("json"):
                hold(reply.json, response["content"][reply.kind]["schema"])
        if reply.status >= 400:
            assert reply.json["status"] == reply.status
            assert reply.status != 422 or reply.json["errors"]

    def look_at_frame(self, frame: Frame) -> None:
        check_stream_event(frame.event, frame.id, frame.data)
