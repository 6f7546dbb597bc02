"""Vigil: a file that says somebody is in a room, and what is left behind by those who did not come out of theirs."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path
from typing import IO

ENDING = ".walkin.json"
LOCK = ".lock"
LEFT = "crashed-"
KEPT = 5  # visits that ended with a crash, the newest


class Vigil:
    """One visit. The lock is the operating system's: it goes with the process, however that ends."""

    def __init__(self, folder: Path):
        """Raises OSError where no file can be written."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        found = _collect(folder)
        self.left: Path | None = found
        """What was kept of a visit that ended with a crash, if one was found just now."""
        while True:
            name = f"{os.getpid()}-{secrets.token_hex(3)}"
            self._lock_file = folder / f"{name}{LOCK}"
            self._lock = self._lock_file.open("w")
            if _try_lock(self._lock):
                break
            self._lock.close()
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()
        self.autosave = folder / f"{name}{ENDING}"
        """Where this visit is to be kept, again and again."""

    def end(self) -> None:
        """She has come out: nothing needs to be kept."""
        with contextlib.suppress(OSError):
            self.autosave.unlink(missing_ok=True)
        self._lock.close()
        with contextlib.suppress(OSError):
            self._lock_file.unlink(missing_ok=True)


def last_left(folder: Path) -> Path | None:
    """The newest visit that ended with a crash."""
    found = _left(folder)
    return found[-1] if found else None


def _collect(folder: Path) -> Path | None:
    """Take in what others left behind whose process is gone; the newest of it."""
    found: list[Path] = []
    for lock_file in folder.glob(f"*{LOCK}"):
        try:
            lock = lock_file.open("r+")
        except OSError:
            continue
        if not _try_lock(lock):  # somebody is in there
            lock.close()
            continue
        kept = lock_file.with_name(lock_file.name.removesuffix(LOCK) + ENDING)
        with contextlib.suppress(OSError):
            if kept.exists():
                # By its time, so that names sort as visits ended.
                left = folder / f"{LEFT}{kept.stat().st_mtime_ns:020d}{ENDING}"
                os.replace(kept, left)
                found.append(left)
        lock.close()
        with contextlib.suppress(OSError):
            lock_file.unlink(missing_ok=True)
    for old in _left(folder)[:-KEPT]:
        with contextlib.suppress(OSError):
            old.unlink(missing_ok=True)
    return max(found, default=None)


def _left(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{LEFT}*{ENDING}"))


def _try_lock(file: IO[str]) -> bool:
    """False if another process has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
