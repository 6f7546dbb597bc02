"""Staging: folders and files that appear whole or not at all, under a name that was free: nothing is written over."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from walkin.errors import WalkinError
from walkin.files.safe import FULL, PART, host, refusal

TRIES = 100  # to take a name before another process does


def free(path: Path) -> Path:
    """`path` itself, else the first of `path-2`, `path-3` that is not there; a file keeps its ending."""
    stem, ending = (path.stem, path.suffix) if path.suffix in (".mp4",) else (path.name, "")
    found, number = path, 2
    while found.exists() or found.is_symlink():
        found, number = path.with_name(f"{stem}-{number}{ending}"), number + 1
    return found


def staged_folder(wanted: Path) -> contextlib.AbstractContextManager[Staged]:
    """A folder to write into, beside the one it becomes when all has gone well; else nothing of it stays."""
    return _staged(wanted, Path.mkdir, lambda partial: shutil.rmtree(partial, ignore_errors=True))


def staged_file(wanted: Path) -> contextlib.AbstractContextManager[Staged]:
    """The same for one file, whose ending the partial one has, too."""
    return _staged(wanted, lambda partial: None, lambda partial: partial.unlink(missing_ok=True))


@contextlib.contextmanager
def _staged(wanted: Path, make: Callable[[Path], None], remove: Callable[[Path], None]) -> Iterator[Staged]:
    staged = Staged(wanted, _partial(wanted))
    try:
        with _plainly(wanted):
            staged.partial.parent.mkdir(parents=True, exist_ok=True)
            sweep(staged.partial.parent)
            make(staged.partial)
            yield staged
            staged.path = _moved(staged.partial, wanted)
    finally:
        with contextlib.suppress(OSError):
            remove(staged.partial)


def check_folder(wanted: Path) -> None:
    """WalkinError now, not after minutes of work, if it can be seen that no folder can be made there."""
    there = wanted.absolute().parent
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise WalkinError(f"cannot write {wanted}: {there} is a file, not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise WalkinError(f"cannot write {wanted}: permission denied in {there}; name a folder of yours")


def file_name(title: str) -> str:
    """A title as the name of a file."""
    return re.sub(r"[^\w.-]+", "_", title).strip("_.") or "walkin"


class Staged:
    """What is being written, and where it is going to be."""

    def __init__(self, wanted: Path, partial: Path):
        self.partial = partial
        self.path = wanted
        """Where it is, once it is there: the name that was wanted, or the next that was free."""


def check_room(folder: Path, needed_bytes: int) -> None:
    """WalkinError now, not after minutes, if it can be seen that a disk will not hold what is to be written."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        left = shutil.disk_usage(there).free
    except OSError:
        return  # where nobody can tell, writing will
    if left < needed_bytes:
        raise WalkinError(
            f"cannot write {folder}: it needs about {size(needed_bytes)}, and {size(left)} are free on that disk"
        )


def size(count: int) -> str:
    """`12 kB`, `3.4 MB`."""
    value, units = count / 1000, ["kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, _ = value / 1000, units.pop(0)
    return f"{value:.0f} {units[0]}" if value >= 10 else f"{value:.1f} {units[0]}"


def sweep(folder: Path) -> None:
    """Remove what processes of this machine left half-written that were killed before they could do so."""
    here = host()
    for left in folder.glob(f".*{PART}*"):
        words = left.name.removesuffix(left.suffix if left.suffix != PART else "").removesuffix(PART).split(".")
        if len(words) < 3 or words[-2] != here or not words[-1].isdecimal() or is_alive(int(words[-1])):
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                left.unlink()


def _partial(wanted: Path) -> Path:
    """.NAME.HOST.PID.part, hidden, and again the ending where a writer goes by it."""
    ending = wanted.suffix if wanted.suffix == ".mp4" else ""
    return wanted.with_name(f".{wanted.name}.{host()}.{os.getpid()}{PART}{ending}")


def is_alive(pid: int) -> bool:
    """Whether there is a process of this number on this machine; True where that cannot be told."""
    if os.name == "nt":  # os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _moved(partial: Path, wanted: Path) -> Path:
    """Give it its name. `os.rename` would put a file over another, and a folder over an empty one, which came just
    now: a name is taken by making it first, where the system can. FileExistsError, if others are faster every time."""
    for _ in range(TRIES):
        path = free(wanted)
        if partial.is_dir():
            try:
                path.mkdir()
            except FileExistsError:
                continue
            if os.name == "nt":
                path.rmdir()
            os.rename(partial, path)
            return path
        try:
            with path.open("xb"):
                pass
        except FileExistsError:
            continue
        os.replace(partial, path)
        return path
    raise FileExistsError(errno.EEXIST, "others take every name that is free", str(wanted))


@contextlib.contextmanager
def _plainly(wanted: Path) -> Iterator[None]:
    """What a disk refuses, in one line."""
    try:
        yield
    except OSError as problem:
        if problem.errno in FULL:
            raise WalkinError(f"cannot write {wanted}: {refusal(problem)}; nothing of it was kept") from problem
        if isinstance(problem, PermissionError) or problem.errno == errno.EROFS:
            raise WalkinError(f"cannot write {wanted}: permission denied; name a folder of yours") from problem
        raise WalkinError(f"cannot write {wanted}: {refusal(problem)}") from problem
