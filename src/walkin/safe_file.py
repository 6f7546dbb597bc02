"""Small files that must not be lost: written whole or not at all, and set aside where they are damaged."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError

LARGEST_BYTES = 256 << 20  # more than that is none of ours: it is not read into memory


class Damaged(WalkinError):
    """What is in a file is not what was written there."""


def write_whole(path: Path, text: str) -> None:
    """Beside it and renamed: at every moment there is the old file or the new one, also after a power cut."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as problem:
        raise WalkinError(f"cannot write {path}: {problem.strerror or problem}") from problem
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """What a JSON file holds; `Damaged` if it is none, WalkinError if it cannot be read at all."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise WalkinError(f"cannot read {path}: it is too large")
        content = path.read_bytes()
    except OSError as problem:
        raise WalkinError(f"cannot read {path}: {problem.strerror or problem}") from problem
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
        raise WalkinError(f"cannot rename {path}, which is damaged: {problem.strerror or problem}") from problem
    return bad


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
