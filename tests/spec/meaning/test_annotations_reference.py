"""docs/annotations.md says what the vocabulary says.
`python -m tests.spec.meaning.test_annotations_reference` writes its tables anew."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparring.spec.openapi.document import load_document
from sparring.spec.openapi.expressions import NAMES
from sparring.spec.text.source import parse

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "annotations.md"
TABLE = re.compile(r"(?<=<!-- table: )(\w+)( -->\n\n)(.*?)(?=\n\n)", re.DOTALL)
NAMED = re.compile(r"(?<=any attribute: )(.*?)(?=\.\n\n)", re.DOTALL)
OVERLAY = re.compile(r"^```yaml\n(# chats.*?)^```", re.MULTILINE | re.DOTALL)
LINKS = {
    "row": "[a row](#rows)",
    "events": "[events](#events)",
    "mapping_of_words": "place and words",
}
CHATS = """
openapi: 3.1.0
info: {title: Chats, version: 1.0.0}
paths:
  /chats:
    get: {responses: {'200': {description: They.}}}
    post: {responses: {'201': {description: It.}}}
  /chats/{chat}/lines:
    parameters: [{name: chat, in: path, required: true, schema: {type: string}}]
    post:
      requestBody:
        content: {application/json: {schema: {type: object, properties: {text: {type: string}}}}}
      responses: {'200': {description: The reply.}}
"""


def vocabulary() -> Any:
    file = ROOT / "spec" / "vocabulary.yaml"
    return parse(file.read_bytes(), str(file)).tree["$defs"]


def tables() -> dict[str, str]:
    """Every table of the page, by its name."""
    known = vocabulary()
    event = known["events"]["additionalProperties"]["oneOf"][1]
    operation = dict(known["x-session"]["properties"])
    del operation["role"]
    return {
        "operation": _table(operation),
        "model": _table(known["x-session-model"]["properties"]),
        "row": _table(known["row"]["properties"]),
        "event": _table(event["properties"]),
    }


def _table(properties: dict[str, Any]) -> str:
    lines = [f"| `{key}` | {value} | {said} |" for key, value, said in _rows(properties)]
    return "\n".join(["| key | value |  |", "|---|---|---|", *lines])


def _rows(properties: dict[str, Any], above: str = "") -> Iterator[tuple[str, str, str]]:
    for key, schema in properties.items():
        inner = schema.get("properties", {})
        if not inner or "description" in schema:
            yield f"{above}{key}", _value(schema), schema.get("description", "").strip()
        yield from _rows(inner, f"{above}{key}.")
        if isinstance(schema.get("additionalProperties"), dict) and key == "filter":
            yield from _rows(schema["additionalProperties"]["properties"], f"{above}{key}.*.")


def _value(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return LINKS.get(name, str(name))
    if "const" in schema or "enum" in schema:
        words = schema.get("enum", [schema.get("const")])
        return ", ".join(
            f"`{str(word).lower() if word in (True, False) else word}`" for word in words
        )
    if "anyOf" in schema:
        return " or ".join(map(_value, schema["anyOf"]))
    return str(schema.get("type", "any JSON"))


def variables() -> str:
    """What templates of events can name."""
    names = [f"`${part}.{name}`" for part, inner in NAMES.items() for name in inner]
    return "\n".join(textwrap.wrap(", ".join(names), 120, break_on_hyphens=False))


def test_every_table_is_what_the_vocabulary_says() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    again = "run python -m tests.spec.meaning.test_annotations_reference"
    assert {match[1]: match[3] for match in TABLE.finditer(page)} == tables(), again
    assert NAMED.findall(page) == [variables()], again


def test_every_role_and_every_kind_of_event_is_told() -> None:
    page, known = DOCUMENT.read_text(encoding="utf-8"), vocabulary()
    roles = known["x-session"]["properties"]["role"]["enum"]
    assert (
        re.findall(r"^\| `([a-z]+(?:\.[a-z]+)?)` \| [a-z]", page, re.MULTILINE)[: len(roles)]
        == roles
    )
    for kind in known["events"]["propertyNames"]["enum"]:
        assert f"`{kind}`" in page


def test_its_overlay_is_one(tmp_path: Path) -> None:
    (overlay,) = OVERLAY.findall(DOCUMENT.read_text(encoding="utf-8"))
    for name, text in (("chats.yaml", CHATS), ("chats.overlay.yaml", overlay)):
        (tmp_path / name).write_text(text)
    document = load_document(str(tmp_path / "chats.yaml"), [tmp_path / "chats.overlay.yaml"])
    assert document.model.message.role is not None
    assert any(o.promises.holds("talk.single") for o in document.operations)


if __name__ == "__main__":
    page = DOCUMENT.read_text(encoding="utf-8")
    page = TABLE.sub(lambda match: f"{match[1]}{match[2]}{tables()[match[1]]}", page)
    DOCUMENT.write_text(NAMED.sub(lambda match: variables(), page), encoding="utf-8")
