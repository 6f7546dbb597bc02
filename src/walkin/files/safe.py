"""Safe files: written whole or not at all, and set aside where they are damaged."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError

PART = ".part"
FULL = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))  # or the quota is
LARGEST_BYTES = 256 << 20  # more than that is none of ours: it is not read into memory


class Damaged(WalkinError):
    """What is in a file is not what was written there."""


@contextlib.contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """A file beside it to write to, which takes its name when all has gone well: at every moment there is the old one
    or the new one, and nothing half-written stays. WalkinError, in one line, for what the disk refuses."""
    partial = path.with_name(f".{path.name}.{host()}.{os.getpid()}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as problem:
        raise WalkinError(f"cannot write {path}: {refusal(problem)}") from problem
    finally:
        with contextlib.suppress(OSError):  # a path that leads through a file has nothing to remove
            partial.unlink(missing_ok=True)


def host() -> str:
    """This machine, as a part of a file's name: a process has a number on one machine only."""
    return "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:32] or "here"


def write_whole(path: Path, content: str | bytes) -> None:
    """There is the old file or the new one also after a power cut."""
    with in_place_of(path) as partial, partial.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def refusal(problem: OSError) -> str:
    """Why a disk does not take what is written, in words."""
    if problem.errno in FULL:
        return f"the disk is full ({problem.strerror})"
    return problem.strerror or str(problem)


def read_json(path: Path) -> Any:
    """What a JSON file holds; `Damaged` if it is none, WalkinError if it cannot be read at all."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise WalkinError(f"cannot read {path}: it is too large")
        content = path.read_bytes()
    except OSError as problem:
        raise WalkinError(f"cannot read {path}: {refusal(problem)}") from problem
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as problem:
        where = f"line {problem.lineno}" if isinstance(problem, json.JSONDecodeError) else "its text"
        raise Damaged(f"{path} is damaged ({where} is not JSON)") from problem


def set_aside(path: Path) -> Path:
    """Rename a damaged file to the next free .bad: nothing is lost, and nothing writes over it."""
    bad, number = path.with_name(f"{path.name}.bad"), 2
    while bad.exists():
        bad, number = path.with_name(f"{path.name}.bad{number}"), number + 1
    try:
        path.rename(bad)
    except OSError as problem:
        raise WalkinError(f"cannot rename {path}, which is damaged: {refusal(problem)}") from problem
    return bad


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
