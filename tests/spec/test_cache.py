"""Large YAML texts are kept between runs, and nothing depends on it."""

import stat
import time
from pathlib import Path
from typing import Any

import pytest

from sparring.spec import cache
from sparring.spec.source import Source, parse

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
    assert len(TEXT) > cache.LEAST
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
    for damaged in (b"", b"{}", b"\n\n", b"null\nnull\n5", whole[:-3], whole[len(whole) // 2 :]):
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


def test_small_texts_are_not_kept_and_of_large_ones_only_the_last(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse(b"a: 1", "x.yaml")
    assert not folder.exists()
    monkeypatch.setattr("sparring.spec.cache.LEAST", 10)
    for number in range(20):
        parse(f"a: {number} # a longer text".encode(), "x.yaml")
    assert len(list(folder.iterdir())) == 16


def test_a_bomb_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparring.spec.cache.LEAST", 10)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 4)]
    tree: Any = parse("\n".join(lines).encode(), "x.yaml").tree
    assert len(tree["a3"]) == 10
    assert not folder.exists()
