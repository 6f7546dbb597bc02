"""Kept: what is kept of a run, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from walkin.keeping.settings import Preferences
from walkin.keeping.storing import Loaded


@dataclass
class Kept:
    """What is kept of a run, and where."""

    scene_file: Path | None = None
    """Where a save goes; None: into the user's documents."""
    loaded: Loaded | None = None
    """The scene that it begins with."""
    settings_file: Path | None = None
    """None: nothing is remembered."""
    visits: Path | None = None
    """The folder for visits that may end with a crash; None: nothing is kept for that."""
    liked: Preferences | None = None
    """What was in the settings file."""
    notices: tuple[str, ...] = ()
    """What was wrong with it."""
