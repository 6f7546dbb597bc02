"""Who is in a room, and who did not come out of theirs: by locks that go with the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from walkin.keeping.vigil import KEPT, Vigil, last_left

OTHER = """
import sys
from pathlib import Path
from walkin.keeping.vigil import Vigil
vigil = Vigil(Path(sys.argv[1]))
vigil.autosave.write_text(sys.argv[2])
print("there", flush=True)
sys.stdin.readline()
vigil.end()
"""


class Somebody:
    """In a room of another process."""

    def __init__(self, folder: Path, text: str):
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(folder), text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "there\n"

    def leave(self) -> None:
        self.process.communicate("\n", timeout=60)

    def die(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


def test_who_was_killed_leaves_something(tmp_path: Path):
    Somebody(tmp_path, "mine").die()
    vigil = Vigil(tmp_path)
    assert vigil.left is not None and vigil.left.read_text() == "mine"
    assert vigil.left == last_left(tmp_path)
    vigil.end()
    again = Vigil(tmp_path)
    assert again.left is None, "it is offered once"
    assert last_left(tmp_path) is not None, "and still there"
    again.end()
    assert [path.name.startswith("crashed-") for path in tmp_path.iterdir()] == [True]


def test_who_leaves_by_the_door_leaves_nothing(tmp_path: Path):
    Somebody(tmp_path, "mine").leave()
    assert list(tmp_path.iterdir()) == []


def test_who_is_still_there_is_left_alone(tmp_path: Path):
    somebody = Somebody(tmp_path, "mine")
    vigil = Vigil(tmp_path)
    assert vigil.left is None
    vigil.end()
    assert [path.read_text() for path in tmp_path.glob("[0-9]*.walkin.json")] == ["mine"]
    somebody.leave()


def test_of_many_the_newest_is_offered_and_few_are_kept(tmp_path: Path):
    for number in range(KEPT + 2):
        somebody = Somebody(tmp_path, str(number))
        somebody.die()
        for path in tmp_path.glob("[0-9]*.walkin.json"):
            os.utime(path, (1_000_000 + number, 1_000_000 + number))
        vigil = Vigil(tmp_path)
        assert vigil.left is not None and vigil.left.read_text() == str(number)
        vigil.end()
    assert len(list(tmp_path.iterdir())) == KEPT


def test_a_folder_that_cannot_be_written_to_says_so(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        Vigil(tmp_path / "file" / "visits")
