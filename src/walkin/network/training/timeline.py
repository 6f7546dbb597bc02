"""Timeline: the checkpoints that a training writes, by their numbers, as soon as each is whole. No torch."""

from __future__ import annotations

import glob
import json
import os
import re
import struct
import time
import zipfile
from pathlib import Path

from walkin.errors import WalkinError

ENDINGS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".pt.tar", ".pth.tar")
RESTS_S = 2.0  # a file of an unknown kind that was not written to for so long is whole
DAMAGED_S = 10.0  # one that is not whole and was not written to for so long will not be
LARGEST_HEADER = 100_000_000  # bytes; safetensors itself takes no larger ones


class Timeline:
    """Looked at again and again, from one thread."""

    def __init__(self, pattern: str):
        """pattern: a folder, or a path with * and ?, ** for folders of any depth."""
        self.pattern = pattern
        self._whole: dict[str, tuple[int, int]] = {}
        """path -> (nanoseconds of the last change, bytes) when it was found to be whole."""
        self._renewed: list[str] = []
        self._told: set[tuple[str, int, int]] = set()
        self._problems: list[str] = []

    def look(self) -> tuple[str, ...]:
        """Paths of the files that are whole, in natural order: step10 after step9."""
        there = candidates(self.pattern)
        found: list[str] = []
        for path in there:
            try:
                about = os.stat(path)
            except OSError:
                continue
            seen = (about.st_mtime_ns, about.st_size)
            if self._whole.get(path) != seen:
                rested_s = time.time() - about.st_mtime
                if not _is_whole(path, about.st_size, rested_s):
                    self._tell_damaged(path, seen, rested_s)
                    if path not in self._whole:
                        continue  # one that is being written anew is still there as it was
                else:
                    if path in self._whole:
                        self._renewed.append(path)
                    self._whole[path] = seen
            found.append(path)
        self._whole = {path: seen for path, seen in self._whole.items() if path in set(found)}
        return tuple(found)

    def renewed(self) -> tuple[str, ...]:
        """Files that were written anew and are whole again, each once."""
        renewed, self._renewed = tuple(self._renewed), []
        return renewed

    def problems(self) -> list[str]:
        """What is to be told, each once."""
        told, self._problems = self._problems, []
        return told

    def _tell_damaged(self, path: str, seen: tuple[int, int], rested_s: float) -> None:
        if rested_s > DAMAGED_S and (path, *seen) not in self._told:
            self._told.add((path, *seen))
            self._problems.append(f"{os.path.basename(path)} is damaged or not complete: left out")


def check(pattern: str) -> None:
    """Refuse what can be seen to be wrong: a folder that is not there."""
    if not pattern.strip():
        raise WalkinError("--checkpoints: a folder or a path with * is wanted, 'runs/*.safetensors'", code=2)
    path = Path(pattern).expanduser()
    if path.is_dir():
        return
    if path.is_file():
        raise WalkinError(f"--checkpoints {pattern} is one file: --weights opens it, a path with * watches", code=2)
    fixed = path.parent
    while glob.has_magic(str(fixed)):
        fixed = fixed.parent
    if not fixed.is_dir():
        raise WalkinError(f"--checkpoints {pattern}: there is no folder {fixed}", code=2)
    if not glob.has_magic(pattern):
        raise WalkinError(f"--checkpoints: there is no file or folder {pattern}", code=2)


def candidates(pattern: str) -> list[str]:
    """Files that a pattern means now, whole or not, in natural order; hidden ones are left out, and links to others."""
    place = os.path.expanduser(pattern)
    if os.path.isdir(place):
        found = [entry.path for entry in os.scandir(place) if entry.name.endswith(ENDINGS)]
    else:
        found = glob.glob(place, recursive=True)
    kept = (path for path in found if not os.path.basename(path).startswith(".") and os.path.isfile(path))
    once: dict[str, str] = {}
    for path in sorted(map(os.path.abspath, kept), key=natural):
        real = os.path.realpath(path)
        if real not in once or path == real:
            once[real] = path
    return sorted(once.values(), key=natural)


def natural(path: str) -> list[tuple[int, int, str]]:
    """A key to sort by: numbers in a name by what they are worth."""
    parts = re.split(r"(\d+)", path)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts if part]


def _is_whole(path: str, size: int, rested_s: float) -> bool:
    """Whether a file has been written to its end, by what its format says of that."""
    try:
        with open(path, "rb") as file:
            head = file.read(10)
            if path.endswith(".safetensors") or head[8:10] == b'{"':
                return len(head) == 10 and _safetensors_bytes(file, head) == size
        if head.startswith(b"PK"):  # what torch.save writes: the index is at the end
            return zipfile.is_zipfile(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return size > 0 and rested_s > RESTS_S


def _safetensors_bytes(file: object, head: bytes) -> int:
    """How long a file is to be, by its header: 8 bytes for the header's length, the header, then all tensors."""
    (length,) = struct.unpack("<Q", head[:8])
    if length > LARGEST_HEADER:
        return -1
    file.seek(8)  # type: ignore[attr-defined]
    header = json.loads(file.read(length))  # type: ignore[attr-defined]
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return 8 + length + max(ends, default=0)
