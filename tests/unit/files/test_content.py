"""The content store: bytes under their digest, once, whole, and cheap the second time."""

import errno
import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest

from platform_core.files import content
from platform_core.files.content import ContentStore, WrongContent, copy_sparse, sha256_of


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "data")


def file_with(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_file_stands_under_its_digest(store: ContentStore, tmp_path: Path) -> None:
    source = file_with(tmp_path / "setup.exe", b"bytes")
    stored = store.adopt(source)
    assert stored.sha256 == hashlib.sha256(b"bytes").hexdigest()
    assert stored.size == 5
    assert store.path(stored.sha256).read_bytes() == b"bytes"
    assert store.find(stored.sha256) == stored
    assert store.find("0" * 64) is None


def test_the_same_bytes_are_stored_once(store: ContentStore, tmp_path: Path) -> None:
    first = store.adopt(file_with(tmp_path / "a", b"same"))
    second = store.adopt(file_with(tmp_path / "b", b"same"))
    assert first == second == store.adopt_bytes(b"same")
    assert len([path for path in store.root.glob("??/*") if path.is_file()]) == 1


def test_a_second_look_reads_nothing(
    store: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = file_with(tmp_path / "a", b"read once")
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr(content, "sha256_of", counted)
    stored = store.adopt(source)
    assert ContentStore(tmp_path / "data").adopt(source) == stored
    assert read == [source]


def test_new_bytes_under_an_old_name_are_noticed(store: ContentStore, tmp_path: Path) -> None:
    source = file_with(tmp_path / "a", b"one")
    first = store.adopt(source)
    source.unlink()
    file_with(source, b"two")
    second = store.adopt(source)
    assert second != first
    assert store.path(first.sha256).read_bytes() == b"one"


def test_content_that_was_written_to_is_replaced(store: ContentStore, tmp_path: Path) -> None:
    stored = store.adopt(file_with(tmp_path / "a", b"good bytes"))
    target = store.path(stored.sha256)
    target.chmod(0o644)
    target.write_bytes(b"bad")
    again = store.adopt(file_with(tmp_path / "b", b"good bytes"))
    assert again == stored
    assert target.read_bytes() == b"good bytes"


def test_wrong_bytes_are_refused(store: ContentStore, tmp_path: Path) -> None:
    source = file_with(tmp_path / "a", b"other")
    with pytest.raises(WrongContent) as refused:
        store.adopt(source, "0" * 64)
    assert refused.value.found == hashlib.sha256(b"other").hexdigest()
    with pytest.raises(FileNotFoundError):
        store.adopt(tmp_path / "missing")
    with pytest.raises(ValueError, match="64"):
        store.path("../../etc/passwd")


def test_a_copy_is_made_where_a_link_is_impossible(
    store: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "another device")

    monkeypatch.setattr(os, "link", no_link)
    source = file_with(tmp_path / "a", b"copied")
    stored = store.adopt(source)
    source.write_bytes(b"changed afterwards")
    assert store.path(stored.sha256).read_bytes() == b"copied"
    assert not list(store.root.rglob(".part-*"))


@pytest.mark.feature("DLD-15")
def test_holes_cost_neither_memory_nor_disk(store: ContentStore, tmp_path: Path) -> None:
    size = 64 * content.BLOCK + 3
    source = tmp_path / "sparse"
    with source.open("wb") as file:
        file.seek(20 * content.BLOCK)
        file.write(b"middle")
        file.truncate(size)
    plain = hashlib.sha256(source.read_bytes()).hexdigest()
    tracemalloc.start()
    stored = store.adopt(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (stored.sha256, stored.size) == (plain, size)
    assert peak < 8 * content.BLOCK
    copy = tmp_path / "copy"
    copy_sparse(source, copy)
    assert sha256_of(copy) == plain
    assert copy.stat().st_blocks * 512 < size // 4
