"""Where visits and scenes lie that were given no place."""

from __future__ import annotations

import re
from pathlib import Path

from walkin.keeping.scene import ENDING


def visits_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_state_dir("walkin", appauthor=False)) / "visits"


def free_path(title: str) -> Path:
    """A file that is not there yet, in the user's documents."""
    import platformdirs

    name = re.sub(r"[^\w.-]+", "_", title).strip("_.") or "walkin"
    folder = Path(platformdirs.user_documents_dir()) / "walkin"
    path, number = folder / f"{name}{ENDING}", 2
    while path.exists():
        path, number = folder / f"{name}-{number}{ENDING}", number + 1
    return path
