"""Parsed texts and what is inferred are kept between runs, and nothing depends on it."""

import json
import stat
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sparring.spec.meaning.annotations import vocabulary
from sparring.spec.meaning.binding import Role
from sparring.spec.meaning.inferred import Inferred, infer
from sparring.spec.openapi.document import BUNDLED, Document, load_document
from sparring.spec.text import cache
from sparring.spec.text.source import Source, parse

TEXT = "a: &a [1, {b: c}]\n'd~e':\n  <<: {f: g}\n  h: *a\n  h: 2\n" + "".join(
    f"k{n}: {{text: 'line {n}', list: [a, b]}}\n" for n in range(9000)
)
PATHS: tuple[tuple[str | int, ...], ...] = (
    (),
    ("a",),
    ("a", 1, "b"),
    ("a", "1", "b"),
    ("d~e", "f"),
    ("d~e", "h", 0),
    ("k8999", "list", 1),
    ("k8999", "missing", "deep"),
    ("missing",),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def read() -> Source:
    return parse(TEXT.encode(), "x.yaml")


def same(source: Source, fresh: Source) -> None:
    assert source.tree == fresh.tree
    assert source.warnings == fresh.warnings
    assert [source.position(path) for path in PATHS] == [fresh.position(path) for path in PATHS]


def test_a_kept_text_is_the_same_tree_with_the_same_places(folder: Path) -> None:
    fresh = read()
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    began = time.process_time()
    kept = read()
    assert time.process_time() - began < 1
    same(kept, fresh)
    kept.tree["a"].clear()
    assert kept.position(("a", 1, "b")).line == 1, "places are those of the text"
    assert [f.name for f in folder.iterdir()] == [file.name]


def test_what_was_kept_and_is_damaged_is_read_anew(folder: Path) -> None:
    fresh = read()
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    turned = whole[:-9999] + whole[-9999:].swapcase()
    for damaged in (b"", b"{}", b"\n\n", whole[:-3], whole[len(whole) // 2 :], turned):
        file.write_bytes(damaged)
        same(read(), fresh)
        assert file.read_bytes() == whole


@pytest.mark.parametrize("where", ["off", "/dev/null/x", "/proc/none"])
def test_where_nothing_can_be_kept_all_is_as_ever(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARRING_CACHE", where)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    same(read(), read())
    assert list(tmp_path.iterdir()) == []


def test_of_many_texts_only_the_last_are_kept(folder: Path) -> None:
    for number in range(70):
        parse(f"a: {number} # a text".encode(), "x.yaml")
    assert len(list(folder.iterdir())) == 64


def test_of_large_texts_fewer_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparring.spec.text.cache._MOST_BYTES", 1000)
    for number in range(9):
        parse(f"a: '{number:0200}'".encode(), "x.yaml")
    assert len(list(folder.iterdir())) == 3


def test_a_bomb_is_not_kept(folder: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 6)]
    began = time.process_time()
    tree: Any = parse("\n".join(lines).encode(), "x.yaml").tree
    assert time.process_time() - began < 1
    assert len(tree["a5"]) == 10
    assert not folder.exists()


# What is inferred

TALK = {
    "openapi": "3.1.0",
    "info": {"title": "Talk", "version": "1"},
    "paths": {
        "/chats": {"post": {"responses": {"201": {"$ref": "#/components/responses/Chat"}}}},
        "/chats/{id}": {"get": {"responses": {"200": {"$ref": "#/components/responses/Chat"}}}},
    },
    "components": {
        "responses": {
            "Chat": {
                "description": "A chat.",
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "properties": {"id": {"type": "string"}}}
                    }
                },
            }
        }
    },
}


def meanings(file: Path, *overlays: Path) -> list[tuple[Any, ...]]:
    document = load_document(file, overlays)
    return [
        (m.operation.label, m.role, m.source, m.confidence, m.reason, m.block)
        for m in document.meanings
    ] + [(document.model.session, document.model.message), document.warnings]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    vocabulary()  # is kept too, where it is not read yet
    file = tmp_path / "talk.json"
    file.write_text(json.dumps(TALK))
    return file


def test_a_document_from_the_cache_means_the_same(talk: Path, folder: Path) -> None:
    fresh = meanings(talk)
    assert fresh[0][1] is Role.SESSION_CREATE
    (file,) = folder.iterdir()
    assert meanings(talk) == fresh
    whole = file.read_bytes()
    for damaged in (b"", b"{}", b"x" * 32, whole[1:], whole[:-3]):
        file.write_bytes(damaged)
        assert meanings(talk) == fresh
        assert file.read_bytes() == whole


def test_what_is_kept_is_what_is_inferred_again(talk: Path, folder: Path) -> None:
    meanings(talk)
    (file,) = folder.iterdir()
    kept = cache.read(file.stem) or b""
    cache.write(file.stem, kept.replace(b'"reason":"', b'"reason":"it was kept: ', 1))
    assert meanings(talk)[0][4].startswith("it was kept: ")


def test_a_changed_text_or_overlay_or_sparring_infers_anew(
    talk: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def roles(*overlays: Path) -> list[Any]:
        return [role for _, role, *_ in meanings(talk, *overlays)[:2]]

    overlay = talk.parent / "overlay.yaml"
    text = (
        "overlay: 1.0.0\ninfo: {title: T, version: '1'}\nactions:\n"
        "- {target: \"$.paths['/chats'].post\", update: {x-session: {role: %s}}}\n"
    )
    assert roles() == [Role.SESSION_CREATE, Role.SESSION_GET]
    overlay.write_text(text % "none")
    assert [roles(overlay)[0], roles()[0], roles(overlay)[0]] == [None, Role.SESSION_CREATE, None]
    overlay.write_text(text % "run.create")
    assert roles(overlay)[0] is Role.RUN_CREATE
    talk.write_text(talk.read_text().replace("/chats", "/tariffs"))
    assert roles() == [None, None]
    count = len(list(folder.iterdir()))
    monkeypatch.setattr("sparring.spec.text.cache.__version__", "another")
    cache._own_code.cache_clear()
    assert roles() == [None, None]
    cache._own_code.cache_clear()
    assert len(list(folder.iterdir())) == count + 1


def test_a_document_of_several_files_is_never_taken_from_the_cache(
    talk: Path, folder: Path
) -> None:
    part = talk.parent / "part.json"
    talk.write_text(talk.read_text().replace("#/components/responses/Chat", "part.json"))
    part.write_text(json.dumps(TALK["components"]["responses"]["Chat"]))  # type: ignore[index]
    with_id = meanings(talk)
    part.write_text(part.read_text().replace('"id"', '"chat_id"'))
    assert meanings(talk) != with_id
    part.unlink()
    assert "D120" in {warning.code for warning in meanings(talk)[-1]}
    assert not folder.exists()


@pytest.mark.parametrize("name", BUNDLED)
def test_what_is_inferred_of_our_own_documents_can_be_kept(name: str) -> None:
    stays_the_same(load_document(name))


def test_what_is_inferred_of_real_documents_can_be_kept(shared: Path) -> None:
    for file in sorted(shared.glob("specs/*.json")):
        stays_the_same(load_document(file))


def stays_the_same(document: Document) -> None:
    known = infer(document)
    assert msgspec.json.decode(msgspec.json.encode(known), type=Inferred) == known
