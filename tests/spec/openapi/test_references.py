"""References: files beside the document are taken in, and nothing else is ever read."""

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from sparring.spec.errors import SparringError
from sparring.spec.openapi.document import Document, load_document
from sparring.spec.openapi.schemas import View

HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"


def write(folder: Path, reference: str, **files: str) -> Path:
    for name, text in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".yaml").write_text(text)
    main = folder / "main.yaml"
    main.write_text(
        f"{HEAD}paths:\n  /a:\n    get:\n      responses:\n        '200':\n"
        "          description: ok\n          content:\n            application/json:\n"
        f"              schema: {{$ref: {reference!r}}}\n"
    )
    return main


def schema_of(document: Document) -> Any:
    media = document.operations[0].media(200, "application/json")
    assert media is not None
    assert media.schema is not None
    return document.schemas.at(media.schema, View.RESPONSE)


@pytest.mark.parametrize(
    "reference",
    [
        "{url}/schema.json",
        "{url}/schema.json#/a",
        "//127.0.0.1/schema.json",
        "http://[::1/broken",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "file:part.yaml",
        "/etc/passwd",
        "/etc/passwd#/a",
        "../outside.yaml",
        "..%2Foutside.yaml",
        "%2e%2e/outside.yaml",
        "sub/../../outside.yaml",
        "link.yaml",
        "folder/outside.yaml",
        "urn:x:y",
        "part%00.yaml",
        "jar:x",
    ],
)
def test_what_a_reference_outside_the_folder_leads_to_is_never_read(
    tmp_path: Path, reference: str
) -> None:
    fetched = threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        home = tmp_path / "home"
        home.mkdir()
        (tmp_path / "outside.yaml").write_text("type: string")
        (home / "link.yaml").symlink_to(tmp_path / "outside.yaml")
        (home / "folder").symlink_to(tmp_path)
        main = write(home, reference.format(url=url), part="type: string")
        document = load_document(str(main))
        (warning,) = document.warnings
        assert warning.code == "D121"
        assert warning.remedy
        position = warning.position
        assert position is not None
        assert schema_of(document).is_valid({"any": "value"})
        assert (position.file, position.line) == (str(main), 11)
        try:
            listener.accept()
            fetched.set()
        except BlockingIOError:
            pass
    assert not fetched.is_set()


@pytest.mark.parametrize("reference", ["missing.yaml", "broken.yaml", ".", "sub"])
def test_a_file_that_can_not_be_read_is_a_warning_where_it_is_named(
    tmp_path: Path, reference: str
) -> None:
    main = write(tmp_path, reference, broken="secret: [", sub__x="a: 1")
    document = load_document(str(main))
    (warning,) = document.warnings
    assert warning.code == "D120"
    assert str(warning).startswith(f"{main}:11:")
    assert "secret" not in str(warning)
    assert schema_of(document).is_valid({"any": "value"})


def test_files_beside_the_document_are_taken_in_each_once_and_cycles_end(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        "sub/node.yaml#/Node",
        sub__node="Node:\n  type: object\n  required: [text]\n  properties:\n"
        "    text: {$ref: '../text.yaml'}\n    next: {$ref: '#/Node'}\n"
        "    again: {$ref: './node.yaml#/Node'}\n",
        text="type: string\nminLength: 2\n",
    )
    validator = schema_of(load_document(str(main)))
    assert validator.is_valid({"text": "ab", "next": {"text": "cd", "again": {"text": "ef"}}})
    assert not validator.is_valid({"text": "ab", "next": {"text": "c"}})
    assert not validator.is_valid({"text": "ab", "again": {}})


def test_a_defect_in_a_file_beside_the_document_is_told_with_its_position(tmp_path: Path) -> None:
    main = write(tmp_path, "part.yaml", part="type: string\npattern: '['\n")
    main.write_text(
        main.read_text().replace("      responses:", "      x-session: {rol: x}\n      responses:")
    )
    with pytest.raises(SparringError, match="rol"):
        load_document(str(main))


def test_a_local_reference_that_leads_nowhere_is_a_warning_and_takes_anything(
    tmp_path: Path,
) -> None:
    for reference in ("#/components/schemas/Missing", "#anchor", "#/paths/~1a/get/responses/404"):
        document = load_document(str(write(tmp_path, reference)))
        assert [w.code for w in document.warnings] == ["D120"]
        assert schema_of(document).is_valid({"any": 1})


def test_a_reference_in_an_example_or_a_property_of_that_name_is_data(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        "part.yaml",
        part="""
type: object
properties:
  $ref: {type: string}
  example: {$ref: '#/$defs/Short'}
example: {$ref: 'http://127.0.0.1/never'}
default: {$ref: '/etc/passwd'}
enum: [{$ref: 'short'}, {$ref: 'text', example: 'ab'}]
$defs: {Short: {type: string, maxLength: 2}}
""",
    )
    validator = schema_of(load_document(str(main)))
    assert validator.is_valid({"$ref": "text", "example": "ab"})
    assert not validator.is_valid({"$ref": 5})
