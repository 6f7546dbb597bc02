"""Writing pictures: PNG files that are either whole or not there."""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from walkin.errors import WalkinError
from walkin.files.safe import in_place_of

if TYPE_CHECKING:
    import numpy as np


PASSING = "walkin-pictures-"
"""How folders begin whose pictures go with the script that gave them."""


def passes(path: Path) -> bool:
    """Whether a picture lies in such a folder."""
    folder = path.parent
    return folder.name.startswith(PASSING) and folder.parent == Path(tempfile.gettempdir())


def check_writable(path: Path) -> None:
    """WalkinError now, not after minutes of work, if a picture could not be written there."""
    folder = path.parent
    if path.is_dir():
        raise WalkinError(f"cannot write {path}: it is a folder; name a file, for example {path / 'room.png'}")
    if not folder.is_dir():
        raise WalkinError(f"cannot write {path}: there is no folder {folder}; create it first")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise WalkinError(f"cannot write {path}: permission denied; choose a folder of yours")


def save_png(path: Path, pixels: np.ndarray) -> None:
    """uint8 (H, W, 3) sRGB, top row first; written beside and renamed, so nothing half-written stays."""
    from PIL import Image

    with in_place_of(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG")


def screenshot_path(title: str) -> Path:
    """A new file in the user's picture folder."""
    import platformdirs

    name = re.sub(r"[^\w.-]+", "_", title).strip("_") or "walkin"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = Path(platformdirs.user_pictures_dir()) / "walkin"
    path, number = folder / f"{name}-{stamp}.png", 2
    while path.exists():
        path, number = folder / f"{name}-{stamp}-{number}.png", number + 1
    return path


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise WalkinError(
            f"cannot make the folder {folder}: {problem.strerror}; name a file with --screenshot-to"
        ) from problem
