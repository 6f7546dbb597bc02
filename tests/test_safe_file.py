"""Files that are there whole or not at all: what stays when the disk, or the writer, gives up."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from walkin.errors import WalkinError
from walkin.files.pictures import save_png
from walkin.files.safe import in_place_of, write_whole
from walkin.network.featurevis.cache import Cache


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.mark.parametrize("content", ["zwölf\n", "zwölf\n".encode()])
def test_a_file_takes_the_place_of_the_one_before_in_a_folder_that_is_made(tmp_path: Path, content: str | bytes):
    path = tmp_path / "new" / "a.json"
    write_whole(path, "eleven")
    write_whole(path, content)
    assert path.read_bytes() == "zwölf\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_on_a_full_disk_the_old_file_stays_and_nothing_else(tmp_path: Path, full_disk: None):
    path = tmp_path / "a.json"
    path.write_text("the old one")
    with pytest.raises(WalkinError, match=r"cannot write .*a\.json: the disk is full \(No space left on device\)$"):
        write_whole(path, "the new one")
    assert path.read_text() == "the old one" and list(tmp_path.iterdir()) == [path]


def test_what_a_writer_fails_on_leaves_nothing_behind(tmp_path: Path):
    path = tmp_path / "a.bin"
    with pytest.raises(ZeroDivisionError), in_place_of(path) as partial:
        partial.write_bytes(b"half")
        assert not path.exists() and list(tmp_path.iterdir()) == [partial]
        _ = 1 // 0
    assert list(tmp_path.iterdir()) == []


def test_until_it_is_whole_there_is_the_old_one(tmp_path: Path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with in_place_of(path) as partial:
        partial.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_a_path_through_a_file_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WalkinError, match=r"^cannot write .*a\.png: ") as refused:
        save_png(tmp_path / "file" / "a.png", np.zeros((2, 2, 3), np.uint8))
    assert "\n" not in str(refused.value)


def test_a_cache_on_a_full_disk_says_so_and_goes_on(tmp_path: Path, full_disk: None):
    cache = Cache(tmp_path)
    told = cache.write(tmp_path / "net" / "a.safetensors", b"picture")
    assert told.startswith("visualisations are not kept: cannot write ") and "the disk is full" in told
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
